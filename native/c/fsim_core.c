/* SPDX-License-Identifier: Apache-2.0 */
#include "fsim_core.h"

static int is_digit(uint8_t character)
{
    return character >= '0' && character <= '9';
}

static int all_digits(const uint8_t *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(text[i])) {
            return 0;
        }
    }
    return 1;
}

/* The value of an ASCII digit. */
static unsigned value(uint8_t digit)
{
    return digit - (unsigned)'0';
}

int fsim_imei_check_digit(const uint8_t digits[14])
{
    int sum = 0;
    for (size_t i = 0; i < 14; i++) {
        if (!is_digit(digits[i])) {
            return -1;
        }
        int digit = digits[i] - '0';
        if (i % 2 == 1) {
            digit = digit > 4 ? digit * 2 - 9 : digit * 2;
        }
        sum += digit;
    }
    return (10 - sum % 10) % 10;
}

int fsim_imei_check(const uint8_t *text, size_t length)
{
    if (length != 15) {
        return FSIM_IMEI_LENGTH;
    }
    if (!all_digits(text, 15)) {
        return FSIM_IMEI_NON_DIGIT;
    }
    if (fsim_imei_check_digit(text) != text[14] - '0') {
        return FSIM_IMEI_CHECK_DIGIT;
    }
    for (size_t i = 0; i < 15; i++) {
        if (text[i] != '0') {
            return FSIM_IMEI_OK;
        }
    }
    return FSIM_IMEI_NULL;
}

int fsim_imei_pack(const uint8_t digits[15], uint8_t packed[8])
{
    if (!all_digits(digits, 15)) {
        return -1;
    }
    for (size_t i = 0; i < 7; i++) {
        packed[i] = (uint8_t)((digits[2 * i] - '0') + 16 * (digits[2 * i + 1] - '0'));
    }
    packed[7] = (uint8_t)(0xF0 + (digits[14] - '0'));
    return 0;
}

int fsim_imei_unpack(const uint8_t packed[8], uint8_t digits[15])
{
    for (size_t i = 0; i < 7; i++) {
        if (packed[i] % 16 > 9 || packed[i] / 16 > 9) {
            return -1;
        }
    }
    if (packed[7] % 16 > 9 || packed[7] / 16 != 15) {
        return -1;
    }
    for (size_t i = 0; i < 7; i++) {
        digits[2 * i] = (uint8_t)('0' + packed[i] % 16);
        digits[2 * i + 1] = (uint8_t)('0' + packed[i] / 16);
    }
    digits[14] = (uint8_t)('0' + packed[7] % 16);
    return 0;
}

int fsim_plmn_pack(const uint8_t *digits, size_t count, uint8_t packed[3])
{
    if ((count != 5 && count != 6) || !all_digits(digits, count)) {
        return -1;
    }
    int third = count == 6 ? digits[5] - '0' : 15;
    packed[0] = (uint8_t)((digits[0] - '0') + 16 * (digits[1] - '0'));
    packed[1] = (uint8_t)((digits[2] - '0') + 16 * third);
    packed[2] = (uint8_t)((digits[3] - '0') + 16 * (digits[4] - '0'));
    return 0;
}

int fsim_plmn_unpack(const uint8_t packed[3], uint8_t digits[6])
{
    if (packed[0] % 16 > 9 || packed[0] / 16 > 9 || packed[1] % 16 > 9 || packed[2] % 16 > 9 ||
        packed[2] / 16 > 9) {
        return -1;
    }
    int third = packed[1] / 16;
    if (third > 9 && third != 15) {
        return -1;
    }
    digits[0] = (uint8_t)('0' + packed[0] % 16);
    digits[1] = (uint8_t)('0' + packed[0] / 16);
    digits[2] = (uint8_t)('0' + packed[1] % 16);
    digits[3] = (uint8_t)('0' + packed[2] % 16);
    digits[4] = (uint8_t)('0' + packed[2] / 16);
    if (third == 15) {
        return 5;
    }
    digits[5] = (uint8_t)('0' + third);
    return 6;
}

/* The index of the MCC's row, or mcc_count. */
static uint16_t find_mcc(const struct fsim_plmn_table *table, unsigned mcc)
{
    uint16_t low = 0;
    uint16_t high = table->mcc_count;
    while (low < high) {
        uint16_t middle = (uint16_t)(low + (high - low) / 2);
        unsigned here = table->mccs[middle].key & 0x3FFu;
        if (here == mcc) {
            return middle;
        }
        if (here < mcc) {
            low = (uint16_t)(middle + 1);
        } else {
            high = middle;
        }
    }
    return table->mcc_count;
}

/* The index of the network among [low, high), or FSIM_PLMN_NO_ROW. */
static uint16_t find_network(const struct fsim_plmn_table *table, uint16_t low, uint16_t high,
                             unsigned key)
{
    while (low < high) {
        uint16_t middle = (uint16_t)(low + (high - low) / 2);
        unsigned here = table->networks[middle] & FSIM_NETWORK_KEY;
        if (here == key) {
            return middle;
        }
        if (here < key) {
            low = (uint16_t)(middle + 1);
        } else {
            high = middle;
        }
    }
    return FSIM_PLMN_NO_ROW;
}

/* Take a place into the facts, unless it points outside the countries. */
static void put_place(const struct fsim_plmn_table *table, uint16_t place,
                      struct fsim_plmn_facts *facts)
{
    uint16_t first = place / 16;
    uint8_t count = place % 16;
    if (first + count <= table->country_count) {
        facts->country = first;
        facts->country_count = count;
    }
}

static void put_exception(const struct fsim_plmn_table *table, uint16_t row,
                          struct fsim_plmn_facts *facts)
{
    for (uint16_t i = 0; i < table->exception_count; i++) {
        const struct fsim_plmn_exception *exception = &table->exceptions[i];
        if (exception->row == row) {
            uint8_t first = exception->subdivision / 16;
            uint8_t count = exception->subdivision % 16;
            put_place(table, exception->place, facts);
            if (first + count <= table->subdivision_count) {
                facts->subdivision = first;
                facts->subdivision_count = count;
            }
            return;
        }
    }
}

int fsim_plmn_lookup(const struct fsim_plmn_table *table, const uint8_t *digits, size_t count,
                     struct fsim_plmn_facts *facts)
{
    if ((count != 3 && count != 5 && count != 6) || !all_digits(digits, count)) {
        return -1;
    }
    unsigned mcc = value(digits[0]) * 100 + value(digits[1]) * 10 + value(digits[2]);
    facts->kind = FSIM_PLMN_UNKNOWN;
    facts->mnc_length = 0;
    facts->known = 0;
    facts->country_count = 0;
    facts->subdivision_count = 0;
    facts->country = 0;
    facts->subdivision = 0;
    facts->mcc_row = FSIM_PLMN_NO_ROW;
    facts->row = FSIM_PLMN_NO_ROW;
    uint16_t at = find_mcc(table, mcc);
    if (at == table->mcc_count) {
        return 0;
    }
    facts->mcc_row = at;
    unsigned length = table->mccs[at].key >> 13;
    facts->kind = (uint8_t)(table->mccs[at].key >> 10 & 7u);
    facts->mnc_length = length == 2 || length == 3 ? (uint8_t)length : 0;
    put_place(table, table->mccs[at].place, facts);
    if (count == 3) {
        return 0;
    }
    unsigned key = value(digits[3]) * 10 + value(digits[4]);
    if (count == 6) {
        key = 1000 + key * 10 + value(digits[5]);
    }
    uint16_t low = table->mccs[at].first;
    uint16_t high = table->network_count;
    if (at + 1 < table->mcc_count && table->mccs[at + 1].first < high) {
        high = table->mccs[at + 1].first;
    }
    uint16_t row = find_network(table, low, high, key);
    if (row == FSIM_PLMN_NO_ROW) {
        return 0;
    }
    facts->row = row;
    if (table->networks[row] & FSIM_NETWORK_WITHDRAWN) {
        return 0;
    }
    facts->known = 1;
    facts->mnc_length = (uint8_t)(count - 3);
    if (table->networks[row] & FSIM_NETWORK_PRIMARY && facts->country_count > 1) {
        facts->country_count = 1;
    }
    if (table->networks[row] & FSIM_NETWORK_EXCEPTION) {
        put_exception(table, row, facts);
    }
    if (facts->kind == FSIM_PLMN_COUNTRY || facts->kind == FSIM_PLMN_SHARED) {
        facts->kind = facts->country_count == 1 ? FSIM_PLMN_COUNTRY : FSIM_PLMN_SHARED;
    }
    return 0;
}
