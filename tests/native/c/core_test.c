/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C tests, for any processor: vectors, the core against a model on made-up input, every
 * path of the bulk code against it. Prints how many checks passed and a digest of all answers,
 * which must be the same on every machine, byte order and optimisation level.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsim_core.h"
#include "model.h"

static unsigned long checks;
static uint64_t digest = 0xcbf29ce484222325u;
static uint64_t state = 88172645463325252u;

static void check(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "core_test: %s\n", what);
        exit(1);
    }
    checks++;
}

static void answer(const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        digest = (digest ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    }
}

static uint64_t chance(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static void test_imei(void)
{
    static const struct {
        const char *text;
        int verdict;
    } vectors[] = {
        {"490154203237518", FSIM_IMEI_OK},          {"490154203237517", FSIM_IMEI_CHECK_DIGIT},
        {"000000000000000", FSIM_IMEI_NULL},        {"", FSIM_IMEI_LENGTH},
        {"49015420323751", FSIM_IMEI_LENGTH},       {"4901542032375180", FSIM_IMEI_LENGTH},
        {"49015420323751:", FSIM_IMEI_NON_DIGIT},   {"/90154203237518", FSIM_IMEI_NON_DIGIT},
        {"\xb4" "90154203237518", FSIM_IMEI_NON_DIGIT},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const uint8_t *text = (const uint8_t *)vectors[i].text;
        check(fsim_imei_check(text, strlen(vectors[i].text)) == vectors[i].verdict,
              vectors[i].text);
    }
    for (int round = 0; round < 20000; round++) {
        uint8_t text[15], packed[8], again[15];
        for (int i = 0; i < 15; i++) {
            text[i] = (uint8_t)('0' + chance(10));
        }
        int verdict = fsim_imei_check(text, 15);
        check((verdict == FSIM_IMEI_OK) == model_luhn_holds(text, 15), "a random IMEI");
        check(fsim_imei_check_digit(text) >= 0, "its check digit");
        check(fsim_imei_pack(text, packed) == 0, "its TBCD");
        check(fsim_imei_unpack(packed, again) == 0 && memcmp(text, again, 15) == 0, "and back");
        answer(&(uint8_t){(uint8_t)verdict}, 1);
        answer(packed, 8);
        text[chance(15)] = (uint8_t)chance(256);
        answer(&(uint8_t){(uint8_t)fsim_imei_check(text, 15)}, 1);
        packed[chance(8)] = (uint8_t)chance(256);
        int back = fsim_imei_unpack(packed, again);
        check(back != 0 || (fsim_imei_pack(again, text) == 0 && memcmp(text, packed, 8) == 0),
              "TBCD that unpacks is canonical");
    }
}

static void test_plmn_bytes(void)
{
    for (uint32_t word = 0; word < 1u << 24; word += 1 + (uint32_t)chance(9)) {
        uint8_t packed[3] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16)};
        uint8_t digits[6], again[3];
        int count = fsim_plmn_unpack(packed, digits);
        if (count < 0) {
            continue;
        }
        check(fsim_plmn_pack(digits, (size_t)count, again) == 0 && memcmp(packed, again, 3) == 0,
              "a PLMN there and back");
        answer(digits, (size_t)count);
    }
}

static void test_every_plmn(void)
{
    const struct fsim_plmn_table *table = &fsim_plmn_default;
    unsigned known = 0;
    for (int mcc = 0; mcc < 1000; mcc++) {
        for (int mnc = -1; mnc < 1100; mnc++) {
            char text[16];
            int count = mnc < 0 ? snprintf(text, sizeof text, "%03d", mcc)
                                : snprintf(text, sizeof text, mnc < 100 ? "%03d%02d" : "%03d%03d",
                                           mcc, mnc < 100 ? mnc : mnc - 100);
            struct fsim_plmn_facts facts;
            memset(&facts, 0xee, sizeof facts);
            int status = fsim_plmn_lookup(table, (const uint8_t *)text, (size_t)count, &facts);
            if (status != 0 || facts.country + facts.country_count > table->country_count ||
                facts.subdivision + facts.subdivision_count > table->subdivision_count) {
                check(0, text);
            }
            known += facts.known;
            uint8_t bytes[] = {facts.kind, facts.mnc_length, facts.known, facts.country_count,
                               facts.subdivision_count};
            answer(bytes, sizeof bytes);
            answer(table->countries[facts.country], 2u * facts.country_count);
            answer(table->subdivisions[facts.subdivision], 5u * facts.subdivision_count);
        }
    }
    check(known > 2000, "the table lists networks");
}

static size_t make_line(uint8_t *text)
{
    static const char *const ends[] = {"\n", "\n", "\n", "\r\n"};
    uint64_t kind = chance(40);
    size_t length = kind == 0 ? (size_t)chance(20) : kind == 1 ? 14 : kind == 2 ? 16 : 15;
    length = kind == 3 ? 14 + (size_t)chance(3) : length;
    for (size_t i = 0; i < length; i++) {
        text[i] = (uint8_t)('0' + (kind == 3 && i < 14 ? 0 : chance(10)));
    }
    if (length == 15 && kind > 4) {
        text[14] = (uint8_t)('0' + fsim_imei_check_digit(text));
    }
    if (kind == 4) {
        text[chance(15)] = (uint8_t)chance(256);
    }
    const char *end = ends[kind < 6 ? chance(4) : 0];
    memcpy(text + length, end, strlen(end));
    return length + strlen(end);
}

static void test_paths(void)
{
    enum { LINES = 40000 };
    static uint8_t text[LINES * 24], rows[LINES * 16], expected[LINES * 2], found[LINES * 2];
    size_t length = 0;
    for (int i = 0; i < LINES; i++) {
        length += make_line(text + length);
    }
    size_t lines = 0;
    for (size_t at = 0; at < length;) {
        const uint8_t *end = memchr(text + at, '\n', length - at);
        size_t here = (size_t)(end - text) - at;
        size_t inside = here > 0 && text[at + here - 1] == '\r' ? here - 1 : here;
        expected[lines++] = model_line(text + at, inside);
        at += here + 1;
    }
    answer(expected, lines);
    for (size_t p = 0; p < fsim_bulk_path_count; p++) {
        const struct fsim_bulk_path *path = fsim_bulk_paths[p];
        if (!path->runs_here()) {
            continue;
        }
        struct fsim_lines all = {.verdicts = found, .verdict_room = sizeof found};
        check(fsim_bulk_lines(path, text, length, 1, &all) == length, path->name);
        check(all.lines == lines && memcmp(expected, found, lines) == 0, path->name);
        for (size_t i = 0; i < LINES; i++) {
            memcpy(rows + 16 * i, "490154203237518\n", 16);
            if (chance(50) == 0) {
                rows[16 * i + chance(16)] = (uint8_t)chance(256);
            }
        }
        uint64_t counts[FSIM_LINE_VERDICTS] = {0};
        fsim_bulk_rows(path, rows, LINES, found, counts);
        for (size_t i = 0; i < LINES; i++) {
            size_t inside = 16;
            while (inside > 0 && memchr("\0 \r\n", rows[16 * i + inside - 1], 4) != NULL) {
                inside--;
            }
            check(found[i] == model_line(rows + 16 * i, inside), path->name);
            counts[found[i]]--;
        }
        for (int i = 0; i < FSIM_LINE_VERDICTS; i++) {
            check(counts[i] == 0, "counts are those of the verdicts");
        }
    }
}

int main(void)
{
    test_imei();
    test_plmn_bytes();
    test_every_plmn();
    test_paths();
    printf("checks %lu digest %016llx paths", checks, (unsigned long long)digest);
    for (size_t i = 0; i < fsim_bulk_path_count; i++) {
        printf(" %s", fsim_bulk_paths[i]->runs_here() ? fsim_bulk_paths[i]->name : "-");
    }
    printf("\n");
    return 0;
}
