/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The comments that start with an at sign are contracts in ACSL: tools/prove has Frama-C show
 * that they hold for every input. A compiler sees comments.
 */
#include "fsim_core.h"

/*@ predicate digit(integer c) = '0' <= c <= '9';
    predicate digits{L}(uint8_t *text, integer count) =
      \forall integer i; 0 <= i < count ==> digit(text[i]);

    // Annex B of TS 23.003: of every second digit the double counts, digit by digit.
    logic integer luhn_term(integer i, integer d) =
      i % 2 == 0 ? d : (2 * d) / 10 + (2 * d) % 10;
    logic integer luhn_sum{L}(uint8_t *text, integer count) =
      count <= 0 ? 0 : luhn_sum(text, count - 1) + luhn_term(count - 1, text[count - 1] - '0');

    // Two digits a byte, the first in the low nibble (TS 29.002, TBCD).
    predicate swapped{L}(integer byte, integer low, integer high) =
      byte == (low - '0') + 16 * (high - '0');
    predicate nibbles_decimal(integer byte) = byte % 16 <= 9 && byte / 16 <= 9;
*/

/*@ assigns \nothing;
    ensures \result == 0 || \result == 1;
    ensures \result == 1 <==> digit(character);
*/
static int is_digit(uint8_t character)
{
    return character >= '0' && character <= '9';
}

/*@ requires \valid_read(text + (0 .. count - 1));
    assigns \nothing;
    ensures \result == 0 || \result == 1;
    ensures \result == 1 <==> digits(text, count);
*/
static int all_digits(const uint8_t *text, size_t count)
{
    /*@ loop invariant 0 <= i <= count;
        loop invariant digits(text, i);
        loop assigns i;
        loop variant count - i;
    */
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(text[i])) {
            return 0;
        }
    }
    return 1;
}

/* The value of an ASCII digit. */
/*@ requires digit(digit);
    assigns \nothing;
    ensures 0 <= \result <= 9 && \result == digit - '0';
*/
static unsigned value(uint8_t digit)
{
    return digit - (unsigned)'0';
}

/*@ requires \valid_read(digits + (0 .. 13));
    assigns \nothing;
    behavior number:
      assumes digits(digits, 14);
      ensures 0 <= \result <= 9 && (luhn_sum(digits, 14) + \result) % 10 == 0;
    behavior other:
      assumes !digits(digits, 14);
      ensures \result == -1;
    complete behaviors;
    disjoint behaviors;
*/
int fsim_imei_check_digit(const uint8_t digits[14])
{
    int sum = 0;
    /*@ loop invariant 0 <= i <= 14;
        loop invariant digits(digits, i);
        loop invariant 0 <= sum <= 9 * i;
        loop invariant sum == luhn_sum(digits, i);
        loop assigns i, sum;
        loop variant 14 - i;
    */
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

/*@ requires \valid_read(text + (0 .. length - 1));
    assigns \nothing;
    behavior wrong_length:
      assumes length != 15;
      ensures \result == FSIM_IMEI_LENGTH;
    behavior other_characters:
      assumes length == 15 && !digits(text, 15);
      ensures \result == FSIM_IMEI_NON_DIGIT;
    behavior wrong_check_digit:
      assumes length == 15 && digits(text, 15) && luhn_sum(text, 15) % 10 != 0;
      ensures \result == FSIM_IMEI_CHECK_DIGIT;
    behavior null:
      assumes length == 15 && digits(text, 15) && luhn_sum(text, 15) % 10 == 0;
      assumes \forall integer i; 0 <= i < 15 ==> text[i] == '0';
      ensures \result == FSIM_IMEI_NULL;
    behavior good:
      assumes length == 15 && digits(text, 15) && luhn_sum(text, 15) % 10 == 0;
      assumes \exists integer i; 0 <= i < 15 && text[i] != '0';
      ensures \result == FSIM_IMEI_OK;
    complete behaviors;
    disjoint behaviors;
*/
int fsim_imei_check(const uint8_t *text, size_t length)
{
    if (length != 15) {
        return FSIM_IMEI_LENGTH;
    }
    if (!all_digits(text, 15)) {
        return FSIM_IMEI_NON_DIGIT;
    }
    //@ assert luhn_sum(text, 15) == luhn_sum(text, 14) + (text[14] - '0');
    if (fsim_imei_check_digit(text) != text[14] - '0') {
        return FSIM_IMEI_CHECK_DIGIT;
    }
    /*@ loop invariant 0 <= i <= 15;
        loop invariant \forall integer k; 0 <= k < i ==> text[k] == '0';
        loop assigns i;
        loop variant 15 - i;
    */
    for (size_t i = 0; i < 15; i++) {
        if (text[i] != '0') {
            return FSIM_IMEI_OK;
        }
    }
    return FSIM_IMEI_NULL;
}

/*@ requires \valid_read(digits + (0 .. 14)) && \valid(packed + (0 .. 7));
    requires \separated(digits + (0 .. 14), packed + (0 .. 7));
    assigns packed[0 .. 7];
    behavior number:
      assumes digits(digits, 15);
      ensures \result == 0;
      ensures \forall integer i; 0 <= i < 7 ==>
        swapped(packed[i], digits[2 * i], digits[2 * i + 1]);
      ensures packed[7] == 0xF0 + (digits[14] - '0');
    behavior other:
      assumes !digits(digits, 15);
      assigns \nothing;
      ensures \result == -1;
    complete behaviors;
    disjoint behaviors;
*/
int fsim_imei_pack(const uint8_t digits[15], uint8_t packed[8])
{
    if (!all_digits(digits, 15)) {
        return -1;
    }
    /*@ loop invariant 0 <= i <= 7;
        loop invariant \forall integer k; 0 <= k < i ==>
          swapped(packed[k], digits[2 * k], digits[2 * k + 1]);
        loop assigns i, packed[0 .. 6];
        loop variant 7 - i;
    */
    for (size_t i = 0; i < 7; i++) {
        packed[i] = (uint8_t)((digits[2 * i] - '0') + 16 * (digits[2 * i + 1] - '0'));
    }
    packed[7] = (uint8_t)(0xF0 + (digits[14] - '0'));
    return 0;
}

/*@ requires \valid_read(packed + (0 .. 7)) && \valid(digits + (0 .. 14));
    requires \separated(packed + (0 .. 7), digits + (0 .. 14));
    assigns digits[0 .. 14];
    behavior canonical:
      assumes \forall integer i; 0 <= i < 7 ==> nibbles_decimal(packed[i]);
      assumes packed[7] % 16 <= 9 && packed[7] / 16 == 15;
      ensures \result == 0 && digits(digits, 15);
      ensures \forall integer i; 0 <= i < 7 ==>
        swapped(packed[i], digits[2 * i], digits[2 * i + 1]);
      ensures packed[7] == 0xF0 + (digits[14] - '0');
    behavior other:
      assumes !((\forall integer i; 0 <= i < 7 ==> nibbles_decimal(packed[i])) &&
                packed[7] % 16 <= 9 && packed[7] / 16 == 15);
      assigns \nothing;
      ensures \result == -1;
    complete behaviors;
    disjoint behaviors;
*/
int fsim_imei_unpack(const uint8_t packed[8], uint8_t digits[15])
{
    /*@ loop invariant 0 <= i <= 7;
        loop invariant \forall integer k; 0 <= k < i ==> nibbles_decimal(packed[k]);
        loop assigns i;
        loop variant 7 - i;
    */
    for (size_t i = 0; i < 7; i++) {
        if (packed[i] % 16 > 9 || packed[i] / 16 > 9) {
            return -1;
        }
    }
    if (packed[7] % 16 > 9 || packed[7] / 16 != 15) {
        return -1;
    }
    /*@ loop invariant 0 <= i <= 7;
        loop invariant digits(digits, 2 * i);
        loop invariant \forall integer k; 0 <= k < i ==>
          swapped(packed[k], digits[2 * k], digits[2 * k + 1]);
        loop assigns i, digits[0 .. 13];
        loop variant 7 - i;
    */
    for (size_t i = 0; i < 7; i++) {
        digits[2 * i] = (uint8_t)('0' + packed[i] % 16);
        digits[2 * i + 1] = (uint8_t)('0' + packed[i] / 16);
    }
    digits[14] = (uint8_t)('0' + packed[7] % 16);
    return 0;
}

/*@ predicate plmn_bytes{L}(uint8_t *packed, uint8_t *digits, integer count) =
      swapped(packed[0], digits[0], digits[1]) && swapped(packed[2], digits[3], digits[4]) &&
      packed[1] == (digits[2] - '0') + 16 * (count == 6 ? digits[5] - '0' : 15);
    predicate plmn_canonical{L}(uint8_t *packed) =
      nibbles_decimal(packed[0]) && nibbles_decimal(packed[2]) && packed[1] % 16 <= 9 &&
      (packed[1] / 16 <= 9 || packed[1] / 16 == 15);
*/

/*@ requires \valid_read(digits + (0 .. count - 1)) && \valid(packed + (0 .. 2));
    requires \separated(digits + (0 .. count - 1), packed + (0 .. 2));
    assigns packed[0 .. 2];
    behavior number:
      assumes (count == 5 || count == 6) && digits(digits, count);
      ensures \result == 0 && plmn_bytes(packed, digits, count);
    behavior other:
      assumes !((count == 5 || count == 6) && digits(digits, count));
      assigns \nothing;
      ensures \result == -1;
    complete behaviors;
    disjoint behaviors;
*/
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

/*@ requires \valid_read(packed + (0 .. 2)) && \valid(digits + (0 .. 5));
    requires \separated(packed + (0 .. 2), digits + (0 .. 5));
    assigns digits[0 .. 5];
    behavior canonical:
      assumes plmn_canonical(packed);
      ensures \result == (packed[1] / 16 == 15 ? 5 : 6);
      ensures digit(digits[0]) && digit(digits[1]) && digit(digits[2]);
      ensures digit(digits[3]) && digit(digits[4]);
      ensures \result == 6 ==> digit(digits[5]);
      ensures swapped(packed[0], digits[0], digits[1]);
      ensures packed[1] % 16 == digits[2] - '0';
      ensures \result == 6 ==> packed[1] / 16 == digits[5] - '0';
      ensures swapped(packed[2], digits[3], digits[4]);
    behavior other:
      assumes !plmn_canonical(packed);
      assigns \nothing;
      ensures \result == -1;
    complete behaviors;
    disjoint behaviors;
*/
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

/*@ predicate readable{L}(struct fsim_plmn_table *t) =
      \valid_read(t) && \valid_read(t->mccs + (0 .. t->mcc_count - 1)) &&
      \valid_read(t->networks + (0 .. t->network_count - 1)) &&
      \valid_read(t->exceptions + (0 .. t->exception_count - 1));
    logic integer mcc_of{L}(struct fsim_plmn_table *t, integer i) = t->mccs[i].key & 0x3FF;
    logic integer key_of{L}(struct fsim_plmn_table *t, integer i) =
      t->networks[i] & FSIM_NETWORK_KEY;
    predicate mccs_sorted{L}(struct fsim_plmn_table *t) =
      \forall integer i, j; 0 <= i < j < t->mcc_count ==> mcc_of(t, i) < mcc_of(t, j);
    predicate networks_sorted{L}(struct fsim_plmn_table *t, integer from, integer till) =
      \forall integer i, j; from <= i < j < till ==> key_of(t, i) < key_of(t, j);
    predicate inside{L}(struct fsim_plmn_facts *f, struct fsim_plmn_table *t) =
      f->country + f->country_count <= t->country_count &&
      f->subdivision + f->subdivision_count <= t->subdivision_count;
    predicate apart{L}(struct fsim_plmn_facts *f, struct fsim_plmn_table *t) =
      \separated(f, t) && \separated(f, t->mccs + (0 .. t->mcc_count - 1)) &&
      \separated(f, t->networks + (0 .. t->network_count - 1)) &&
      \separated(f, t->exceptions + (0 .. t->exception_count - 1));
*/

/* The index of the MCC's row, or mcc_count. */
/*@ requires readable(table);
    assigns \nothing;
    ensures \result <= table->mcc_count;
    ensures \result < table->mcc_count ==> mcc_of(table, \result) == mcc;
    ensures mccs_sorted(table) && \result == table->mcc_count ==>
      \forall integer i; 0 <= i < table->mcc_count ==> mcc_of(table, i) != mcc;
*/
static uint16_t find_mcc(const struct fsim_plmn_table *table, unsigned mcc)
{
    uint16_t low = 0;
    uint16_t high = table->mcc_count;
    /*@ loop invariant 0 <= low <= high <= table->mcc_count;
        loop invariant mccs_sorted(table) ==>
          \forall integer i; 0 <= i < low ==> mcc_of(table, i) < mcc;
        loop invariant mccs_sorted(table) ==>
          \forall integer i; high <= i < table->mcc_count ==> mcc < mcc_of(table, i);
        loop assigns low, high;
        loop variant high - low;
    */
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
/*@ requires readable(table) && high <= table->network_count;
    assigns \nothing;
    ensures \result == FSIM_PLMN_NO_ROW ||
      (low <= \result < high && key_of(table, \result) == key);
    ensures networks_sorted(table, low, high) && \result == FSIM_PLMN_NO_ROW ==>
      \forall integer i; low <= i < high ==> key_of(table, i) != key;
*/
static uint16_t find_network(const struct fsim_plmn_table *table, uint16_t low, uint16_t high,
                             unsigned key)
{
    /*@ loop invariant \at(low, Pre) <= low && high <= \at(high, Pre);
        loop invariant networks_sorted(table, \at(low, Pre), \at(high, Pre)) ==>
          \forall integer i; \at(low, Pre) <= i < low ==> key_of(table, i) < key;
        loop invariant networks_sorted(table, \at(low, Pre), \at(high, Pre)) ==>
          \forall integer i; high <= i < \at(high, Pre) ==> key < key_of(table, i);
        loop assigns low, high;
        loop variant high - low;
    */
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
/*@ requires \valid_read(table) && \valid(facts) && \separated(facts, table);
    requires inside(facts, table);
    assigns facts->country, facts->country_count;
    ensures inside(facts, table);
*/
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

/*@ requires readable(table) && \valid(facts) && apart(facts, table);
    requires inside(facts, table);
    assigns facts->country, facts->country_count, facts->subdivision, facts->subdivision_count;
    ensures inside(facts, table);
*/
static void put_exception(const struct fsim_plmn_table *table, uint16_t row,
                          struct fsim_plmn_facts *facts)
{
    /*@ loop invariant 0 <= i <= table->exception_count;
        loop assigns i;
        loop variant table->exception_count - i;
    */
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

/*@ requires \valid(facts);
    assigns *facts;
    ensures facts->country == 0 && facts->country_count == 0;
    ensures facts->subdivision == 0 && facts->subdivision_count == 0;
    ensures facts->kind == FSIM_PLMN_UNKNOWN;
*/
static void put_nothing(struct fsim_plmn_facts *facts)
{
    facts->kind = FSIM_PLMN_UNKNOWN;
    facts->mnc_length = 0;
    facts->known = 0;
    facts->country_count = 0;
    facts->subdivision_count = 0;
    facts->country = 0;
    facts->subdivision = 0;
    facts->mcc_row = FSIM_PLMN_NO_ROW;
    facts->row = FSIM_PLMN_NO_ROW;
}

/* What the MCC alone says. */
/*@ requires readable(table) && \valid(facts) && apart(facts, table);
    requires at < table->mcc_count;
    assigns *facts;
    ensures inside(facts, table);
*/
static void put_mcc(const struct fsim_plmn_table *table, uint16_t at,
                    struct fsim_plmn_facts *facts)
{
    uint16_t key = table->mccs[at].key;
    unsigned length = key / 0x2000u;
    put_nothing(facts);
    facts->mcc_row = at;
    facts->kind = key / 0x400u % 8u;
    if (length == 2 || length == 3) {
        facts->mnc_length = (uint8_t)length;
    }
    put_place(table, table->mccs[at].place, facts);
}

/* What the network's own row adds. */
/*@ requires readable(table) && \valid(facts) && apart(facts, table);
    requires row < table->network_count && inside(facts, table);
    assigns *facts;
    ensures inside(facts, table);
*/
static void put_network(const struct fsim_plmn_table *table, uint16_t row,
                        struct fsim_plmn_facts *facts)
{
    uint16_t network = table->networks[row];
    facts->row = row;
    if (network & FSIM_NETWORK_WITHDRAWN) {
        return;
    }
    facts->known = 1;
    facts->mnc_length = (network & FSIM_NETWORK_KEY) < 1000 ? 2 : 3;
    if (network & FSIM_NETWORK_PRIMARY && facts->country_count > 1) {
        facts->country_count = 1;
    }
    if (network & FSIM_NETWORK_EXCEPTION) {
        put_exception(table, row, facts);
    }
    if (facts->kind == FSIM_PLMN_COUNTRY || facts->kind == FSIM_PLMN_SHARED) {
        facts->kind = facts->country_count == 1 ? FSIM_PLMN_COUNTRY : FSIM_PLMN_SHARED;
    }
}

/* Where the networks of an MCC end. */
/*@ requires readable(table) && at < table->mcc_count;
    assigns \nothing;
    ensures \result <= table->network_count;
*/
static uint16_t end_of(const struct fsim_plmn_table *table, uint16_t at)
{
    if (at + 1 < table->mcc_count && table->mccs[at + 1].first < table->network_count) {
        return table->mccs[at + 1].first;
    }
    return table->network_count;
}

/* The key of a network's row. */
/*@ requires (count == 5 || count == 6) && \valid_read(digits + (0 .. count - 1));
    requires digits(digits, count);
    assigns \nothing;
    ensures count == 5 ==> \result == 10 * (digits[3] - '0') + (digits[4] - '0');
    ensures count == 6 ==> \result ==
      1000 + 100 * (digits[3] - '0') + 10 * (digits[4] - '0') + (digits[5] - '0');
*/
static unsigned network_key(const uint8_t *digits, size_t count)
{
    unsigned two = value(digits[3]) * 10 + value(digits[4]);
    return count == 5 ? two : 1000 + two * 10 + value(digits[5]);
}

/*@ requires readable(table) && \valid(facts) && apart(facts, table);
    requires \valid_read(digits + (0 .. count - 1));
    requires \separated(facts, digits + (0 .. count - 1));
    assigns *facts;
    behavior number:
      assumes (count == 3 || count == 5 || count == 6) && digits(digits, count);
      ensures \result == 0 && inside(facts, table);
    behavior other:
      assumes !((count == 3 || count == 5 || count == 6) && digits(digits, count));
      assigns \nothing;
      ensures \result == -1;
    complete behaviors;
    disjoint behaviors;
*/
int fsim_plmn_lookup(const struct fsim_plmn_table *table, const uint8_t *digits, size_t count,
                     struct fsim_plmn_facts *facts)
{
    if ((count != 3 && count != 5 && count != 6) || !all_digits(digits, count)) {
        return -1;
    }
    unsigned mcc = value(digits[0]) * 100 + value(digits[1]) * 10 + value(digits[2]);
    uint16_t at = find_mcc(table, mcc);
    if (at == table->mcc_count) {
        put_nothing(facts);
        return 0;
    }
    uint16_t row = FSIM_PLMN_NO_ROW;
    if (count != 3) {
        row = find_network(table, table->mccs[at].first, end_of(table, at),
                           network_key(digits, count));
    }
    put_mcc(table, at, facts);
    if (row != FSIM_PLMN_NO_ROW) {
        put_network(table, row, facts);
    }
    return 0;
}
