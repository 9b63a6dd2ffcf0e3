/* SPDX-License-Identifier: Apache-2.0 */
#include "fsim_core.h"

int fsim_imei_check_digit(const unsigned char digits[14])
{
    int sum = 0;
    for (int i = 0; i < 14; i++) {
        int digit = digits[i] - '0';
        if (digit < 0 || digit > 9) {
            return -1;
        }
        if (i % 2 == 1) {
            digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        }
        sum += digit;
    }
    return (10 - sum % 10) % 10;
}
