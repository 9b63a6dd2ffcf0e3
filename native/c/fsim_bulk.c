/* SPDX-License-Identifier: Apache-2.0 */
#include "fsim_bulk.h"

#include <string.h>

#include "fsim_bulk_paths.h"

const struct fsim_bulk_path *const fsim_bulk_paths[] = {
#ifdef FSIM_HAS_AVX2
    &fsim_bulk_avx2,
#endif
#ifdef FSIM_HAS_NEON
    &fsim_bulk_neon,
#endif
    &fsim_bulk_portable,
};
const size_t fsim_bulk_path_count = sizeof fsim_bulk_paths / sizeof fsim_bulk_paths[0];

enum {
    BLOCK = 256,      /* bytes: 16 lines of 15 digits and LF */
    STRIDE = 16,      /* blocks judged before looking at what was refused among them */
    LONGEST = 1 << 16 /* a line that is longer is skipped piece by piece */
};

static uint8_t judge(const uint8_t *text, size_t length, int may_read_16)
{
    if (length < 14 || length > 16) {
        return length == 0 ? FSIM_LINE_BLANK : FSIM_LINE_LENGTH;
    }
    uint8_t copy[16] = {0};
    if (!may_read_16) {
        memcpy(copy, text, length);
        text = copy;
    }
    /* What stands beyond the text counts as zeros. */
    uint64_t inside = UINT64_MAX >> (8 * (16 - length));
    uint64_t low = fsim_load(text) ^ FSIM_EACH(0x30);
    uint64_t high = (fsim_load(text + 8) ^ FSIM_EACH(0x30)) & inside;
    if (fsim_any_non_digit(low) | fsim_any_non_digit(high)) {
        return FSIM_LINE_NON_DIGIT;
    }
    if (length == 15 && fsim_luhn_sum(low, high) % 10 != 0) {
        return FSIM_LINE_CHECK_DIGIT;
    }
    if ((low | (high & UINT64_MAX >> 16)) == 0) {
        return FSIM_LINE_NULL;
    }
    return length == 15 ? FSIM_LINE_IMEI : length == 14 ? FSIM_LINE_IMEI14 : FSIM_LINE_IMEISV;
}

uint8_t fsim_line_check(const uint8_t *text, size_t length)
{
    return judge(text, length, 0);
}

static int is_padding(uint8_t byte)
{
    return byte == 0 || byte == ' ' || byte == '\n' || byte == '\r';
}

static uint8_t judge_row(const uint8_t *row)
{
    size_t length = 16;
    while (length > 0 && is_padding(row[length - 1])) {
        length--;
    }
    return judge(row, length, 1);
}

void fsim_bulk_rows(const struct fsim_bulk_path *path, const uint8_t *rows, size_t count,
                    uint8_t *verdicts, uint64_t counts[FSIM_LINE_VERDICTS])
{
    size_t at = 0;
    while (at < count) {
        const uint8_t *row = rows + 16 * at;
        if (is_padding(row[15])) {
            at += 16 * path->rows(row, (count - at) / 16, row[15], verdicts + at, counts);
        }
        for (size_t end = count - at < 16 ? count : at + 16; at < end; at++) {
            verdicts[at] = judge_row(rows + 16 * at);
            counts[verdicts[at]]++;
        }
    }
}

static int is_accepted(uint8_t verdict)
{
    return verdict == FSIM_LINE_IMEI || verdict >= FSIM_LINE_IMEI14;
}

static void count_body(struct fsim_lines *state, const uint8_t *text)
{
    state->bodies[(text[0] - '0') * 10 + (text[1] - '0')]++;
}

static void note_refusal(struct fsim_lines *state, uint64_t before, uint64_t offset,
                         uint64_t length, uint8_t verdict)
{
    if (state->refusal_room > 0) {
        struct fsim_refusal *refusal = &state->refusals[state->refusal_count++];
        refusal->line = state->lines + before + 1;
        refusal->offset = offset;
        refusal->length = length;
        refusal->verdict = verdict;
    }
}

static void finish_line(struct fsim_lines *state, const uint8_t *text, uint64_t length,
                        uint64_t offset, uint8_t verdict)
{
    if (is_accepted(verdict)) {
        count_body(state, text);
    } else if (verdict != FSIM_LINE_BLANK) {
        note_refusal(state, 0, offset, length, verdict);
    }
    if (state->verdict_room > 0) {
        state->verdicts[state->verdict_count++] = verdict;
    }
    state->counts[verdict]++;
    state->lines++;
}

static int has_room(const struct fsim_lines *state, size_t lines)
{
    return (state->verdict_room == 0 || state->verdict_room - state->verdict_count >= lines) &&
           (state->refusal_room == 0 || state->refusal_room - state->refusal_count >= lines);
}

/* Judge blocks of lines of 15 digits and LF; gives how many. */
static size_t regular_blocks(const struct fsim_bulk_path *path, const uint8_t *text,
                             size_t blocks, struct fsim_lines *state)
{
    uint8_t scratch[16 * STRIDE];
    blocks = blocks < STRIDE ? blocks : STRIDE;
    while (blocks > 0 && !has_room(state, 16 * blocks)) {
        blocks--;
    }
    uint8_t *found = state->verdict_room > 0 ? state->verdicts + state->verdict_count : scratch;
    uint64_t good = state->counts[FSIM_LINE_IMEI];
    size_t done = path->rows(text, blocks, '\n', found, state->counts);
    good = state->counts[FSIM_LINE_IMEI] - good;
    if (good == 16 * (uint64_t)done) {
        for (size_t i = 0; i < 16 * done; i++) {
            count_body(state, text + 16 * i);
        }
    } else {
        for (size_t i = 0; i < 16 * done; i++) {
            if (found[i] == FSIM_LINE_IMEI) {
                count_body(state, text + 16 * i);
            } else {
                note_refusal(state, i, state->offset + 16 * i, 15, found[i]);
            }
        }
    }
    state->lines += 16 * done;
    state->offset += BLOCK * done;
    if (state->verdict_room > 0) {
        state->verdict_count += 16 * done;
    }
    return done;
}

/* The length of the line at `text`, line end excluded, and in *used with it; 0 in *used when
 * there is no line end in the `room` bytes. */
static size_t measure(const uint8_t *text, size_t room, size_t *used)
{
    const uint8_t *end = NULL;
    if (room > 15 && text[15] == '\n' && memchr(text, '\n', 15) == NULL) {
        end = text + 15;
    } else {
        end = memchr(text, '\n', room);
    }
    if (end == NULL) {
        *used = 0;
        return room;
    }
    size_t length = (size_t)(end - text);
    *used = length + 1;
    return length > 0 && text[length - 1] == '\r' ? length - 1 : length;
}

/* Go on in a line that is too long for any verdict but one; gives the bytes used up. */
static size_t skip(const uint8_t *text, size_t length, int last, struct fsim_lines *state)
{
    const uint8_t *end = memchr(text, '\n', length);
    size_t used = end == NULL ? length : (size_t)(end - text) + 1;
    state->skipped += used;
    state->offset += used;
    if (end != NULL || last) {
        uint64_t whole = state->skipped - (end != NULL);
        finish_line(state, text, whole, state->offset - state->skipped, FSIM_LINE_LENGTH);
        state->skipped = 0;
    }
    return used;
}

size_t fsim_bulk_lines(const struct fsim_bulk_path *path, const uint8_t *text, size_t length,
                       int last, struct fsim_lines *state)
{
    size_t at = 0;
    while (at < length && has_room(state, 1)) {
        if (state->skipped > 0) {
            at += skip(text + at, length - at, last, state);
            continue;
        }
        if (length - at >= BLOCK) {
            size_t done = regular_blocks(path, text + at, (length - at) / BLOCK, state);
            at += BLOCK * done;
            if (done > 0) {
                continue;
            }
        }
        /* Of these 16 lines at least one has another shape: one at a time. */
        for (int i = 0; i < 16 && at < length && has_room(state, 1); i++) {
            size_t used = 0;
            size_t here = measure(text + at, length - at, &used);
            if (used == 0 && !last) {
                if (here < LONGEST) {
                    return at;
                }
                at += skip(text + at, length - at, last, state);
                break;
            }
            /* The last line may lack its LF, and still end in CR. */
            if (used == 0) {
                used = here;
                here -= text[at + here - 1] == '\r';
            }
            uint8_t verdict = judge(text + at, here, length - at >= 16);
            finish_line(state, text + at, here, state->offset, verdict);
            at += used;
            state->offset += used;
        }
    }
    if (last && at == length && state->skipped > 0) {
        finish_line(state, text, state->skipped, state->offset - state->skipped, FSIM_LINE_LENGTH);
        state->skipped = 0;
    }
    return at;
}

size_t fsim_count_lines(const uint8_t *text, size_t length)
{
    size_t count = 0;
    size_t at = 0;
    while (at < length) {
        /* Sums of 255 at most fit a byte: compilers then compare 16 and more at a time. */
        uint8_t few = 0;
        for (size_t end = length - at < 255 ? length : at + 255; at < end; at++) {
            few = (uint8_t)(few + (text[at] == '\n'));
        }
        count += few;
    }
    return count + (length > 0 && text[length - 1] != '\n');
}

/* The slot of a key: there, or the empty one where it belongs. Keys are never 0. */
static size_t slot_of(const uint64_t *slots, size_t slot_count, uint64_t key)
{
    size_t slot = (size_t)(key * 0x9E3779B97F4A7C15u >> 20) & (slot_count - 1);
    while (slots[slot] != 0 && slots[slot] != key) {
        slot = (slot + 1) & (slot_count - 1);
    }
    return slot;
}

size_t fsim_seen_lines(uint64_t *slots, size_t slot_count, const uint8_t *text, size_t length,
                       const uint8_t *verdicts, size_t count, uint8_t *again)
{
    size_t fresh = 0;
    size_t at = 0;
    for (size_t i = 0; i < count && at < length; i++) {
        again[i] = 0;
        if (is_accepted(verdicts[i])) {
            uint64_t key = 1;
            for (size_t j = 0; j < 14; j++) {
                key = key * 10 + (uint64_t)(text[at + j] - '0');
            }
            size_t slot = slot_of(slots, slot_count, key);
            again[i] = slots[slot] == key;
            fresh += slots[slot] != key;
            slots[slot] = key;
        }
        const uint8_t *end = memchr(text + at, '\n', length - at);
        at = end == NULL ? length : (size_t)(end - text) + 1;
    }
    return fresh;
}

void fsim_seen_grow(const uint64_t *slots, size_t slot_count, uint64_t *larger,
                    size_t larger_count)
{
    for (size_t i = 0; i < slot_count; i++) {
        if (slots[i] != 0) {
            larger[slot_of(larger, larger_count, slots[i])] = slots[i];
        }
    }
}

uint64_t fsim_read_pass(const uint8_t *bytes, size_t length)
{
    uint64_t sum[8] = {0};
    size_t at = 0;
    for (; at + 64 <= length; at += 64) {
        for (size_t i = 0; i < 8; i++) {
            uint64_t word;
            memcpy(&word, bytes + at + 8 * i, 8);
            sum[i] ^= word;
        }
    }
    for (; at < length; at++) {
        sum[0] ^= bytes[at];
    }
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ sum[4] ^ sum[5] ^ sum[6] ^ sum[7];
}
