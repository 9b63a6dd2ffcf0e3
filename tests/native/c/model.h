/* SPDX-License-Identifier: Apache-2.0 */
/* The referee in C: Luhn and the verdict on a line, digit by digit, sharing nothing with the core. */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>
#include <string.h>

#include "fsim_bulk.h"

static int model_luhn_holds(const uint8_t *text, size_t count)
{
    int sum = 0;
    for (size_t i = 0; i < count; i++) {
        int digit = text[count - 1 - i] - '0';
        int twice = i % 2 == 1 ? 2 * digit : digit;
        sum += twice / 10 + twice % 10;
    }
    return sum % 10 == 0;
}

static uint8_t model_line(const uint8_t *text, size_t length)
{
    if (length == 0) {
        return FSIM_LINE_BLANK;
    }
    if (length < 14 || length > 16) {
        return FSIM_LINE_LENGTH;
    }
    for (size_t i = 0; i < length; i++) {
        if (strchr("0123456789", text[i]) == NULL || text[i] == 0) {
            return FSIM_LINE_NON_DIGIT;
        }
    }
    if (length == 15 && !model_luhn_holds(text, 15)) {
        return FSIM_LINE_CHECK_DIGIT;
    }
    if (memcmp(text, "00000000000000", 14) == 0) {
        return FSIM_LINE_NULL;
    }
    return length == 15 ? FSIM_LINE_IMEI : length == 14 ? FSIM_LINE_IMEI14 : FSIM_LINE_IMEISV;
}

#endif
