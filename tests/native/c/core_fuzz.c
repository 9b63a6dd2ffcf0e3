/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes as a list of lines, as rows, and as every single item; each path and
 * each way of cutting must answer as the model does. */
#include <stdlib.h>
#include <string.h>

#include "fsim_core.h"
#include "model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

/* An exact copy on the heap, so that the sanitizer sees one byte too far. */
static uint8_t *exactly(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    must(copy != NULL);
    memcpy(copy, data, size);
    return copy;
}

static size_t model_lines(const uint8_t *text, size_t size, uint8_t *verdicts)
{
    size_t lines = 0;
    for (size_t at = 0; at < size; lines++) {
        const uint8_t *end = memchr(text + at, '\n', size - at);
        size_t here = end == NULL ? size - at : (size_t)(end - text) - at;
        size_t inside = here > 0 && text[at + here - 1] == '\r' ? here - 1 : here;
        verdicts[lines] = model_line(text + at, inside);
        at += here + (end != NULL);
    }
    return lines;
}

static void fuzz_lines(const struct fsim_bulk_path *path, const uint8_t *data, size_t size,
                       const uint8_t *expected, size_t lines, size_t cut)
{
    uint8_t *found = malloc(lines + 1);
    struct fsim_refusal refusals[3];
    struct fsim_lines state;
    must(found != NULL);
    memset(&state, 0, sizeof state);
    state.verdicts = found;
    state.verdict_room = lines + 1;
    state.refusals = refusals;
    state.refusal_room = 3;
    /* The text comes in parts of `cut` bytes; what is left over comes again, with more. */
    size_t from = 0;
    size_t till = 0;
    while (from < size) {
        till = size - till < cut ? size : till + cut;
        uint8_t *part = exactly(data + from, till - from);
        size_t used = 0;
        do {
            state.refusal_count = 0;
            used = fsim_bulk_lines(path, part, till - from, till == size, &state);
            from += used;
            memmove(part, part + used, till - from);
        } while (state.refusal_count == state.refusal_room);
        free(part);
    }
    must(state.lines == lines && state.verdict_count == lines && state.offset == size);
    must(lines == 0 || memcmp(found, expected, lines) == 0);
    free(found);
}

static void fuzz_rows(const struct fsim_bulk_path *path, const uint8_t *data, size_t size)
{
    size_t count = size / 16;
    uint64_t counts[FSIM_LINE_VERDICTS] = {0};
    uint8_t *rows = exactly(data, 16 * count);
    uint8_t *found = malloc(count + 1);
    must(found != NULL);
    fsim_bulk_rows(path, rows, count, found, counts);
    for (size_t i = 0; i < count; i++) {
        size_t inside = 16;
        while (inside > 0 && memchr("\0 \r\n", rows[16 * i + inside - 1], 4) != NULL) {
            inside--;
        }
        must(found[i] == model_line(rows + 16 * i, inside));
    }
    free(rows);
    free(found);
}

static void fuzz_single(const uint8_t *data, size_t size)
{
    uint8_t *text = exactly(data, size);
    uint8_t digits[15], packed[8];
    struct fsim_plmn_facts facts;
    int verdict = fsim_imei_check(text, size);
    must((verdict == FSIM_IMEI_OK) == (model_line(text, size) == FSIM_LINE_IMEI));
    if (size >= 15) {
        (void)fsim_imei_check_digit(text);
        if (fsim_imei_pack(text, packed) == 0) {
            must(fsim_imei_unpack(packed, digits) == 0 && memcmp(digits, text, 15) == 0);
        }
        if (fsim_imei_unpack(text, digits) == 0) {
            must(fsim_imei_pack(digits, packed) == 0 && memcmp(packed, text, 8) == 0);
        }
    }
    if (fsim_plmn_pack(text, size, packed) == 0) {
        must(fsim_plmn_unpack(packed, digits) == (int)size && memcmp(digits, text, size) == 0);
    }
    (void)fsim_plmn_lookup(&fsim_plmn_default, text, size, &facts);
    free(text);
}

/* A table that is nothing but what the fuzzer says: wrong facts, no access outside. */
static void fuzz_damaged_table(const uint8_t *data, size_t size)
{
    enum { ROWS = 4 };
    struct fsim_plmn_mcc mccs[ROWS];
    uint16_t networks[ROWS];
    struct fsim_plmn_exception exceptions[ROWS];
    if (size < sizeof mccs + sizeof networks + sizeof exceptions + 6) {
        return;
    }
    memcpy(mccs, data, sizeof mccs);
    memcpy(networks, data + sizeof mccs, sizeof networks);
    memcpy(exceptions, data + sizeof mccs + sizeof networks, sizeof exceptions);
    struct fsim_plmn_table table = {mccs, networks, exceptions, NULL, NULL, ROWS, ROWS, ROWS, 9, 3};
    struct fsim_plmn_facts facts;
    uint8_t digits[6];
    for (size_t i = 0; i < 6; i++) {
        digits[i] = (uint8_t)('0' + data[size - 6 + i] % 10);
    }
    must(fsim_plmn_lookup(&table, digits, 5 + data[0] % 2, &facts) == 0);
    must(facts.country + facts.country_count <= 9 && facts.subdivision + facts.subdivision_count <= 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *expected = malloc(size + 1);
    must(expected != NULL);
    size_t lines = model_lines(data, size, expected);
    for (size_t i = 0; i < fsim_bulk_path_count; i++) {
        if (fsim_bulk_paths[i]->runs_here()) {
            fuzz_lines(fsim_bulk_paths[i], data, size, expected, lines, size + 1);
            fuzz_lines(fsim_bulk_paths[i], data, size, expected, lines, 1 + size / 3);
            fuzz_rows(fsim_bulk_paths[i], data, size);
        }
    }
    free(expected);
    fuzz_single(data, size);
    fuzz_damaged_table(data, size);
    return 0;
}
