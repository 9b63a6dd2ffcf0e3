/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of IMEIs at memory speed, for a host: equipment registers have 10^7 to 10^8 lines.
 * Not freestanding, not for a phone. No allocation: the caller hands in every buffer.
 */
#ifndef FSIM_BULK_H
#define FSIM_BULK_H

#include <stddef.h>
#include <stdint.h>

/* The verdict on one line or row; 0 to 4 are those of enum fsim_imei_verdict. */
enum fsim_line_verdict {
    FSIM_LINE_IMEI = 0,        /* 15 digits, check digit right */
    FSIM_LINE_LENGTH = 1,      /* neither 14, 15 nor 16 characters, nor none */
    FSIM_LINE_NON_DIGIT = 2,
    FSIM_LINE_CHECK_DIGIT = 3, /* 15 digits, check digit wrong */
    FSIM_LINE_NULL = 4,        /* TAC and serial number all zeros, and no reason above */
    FSIM_LINE_BLANK = 5,       /* nothing on it: neither accepted nor refused */
    FSIM_LINE_IMEI14 = 6,      /* 14 digits: an IMEI without its check digit */
    FSIM_LINE_IMEISV = 7,      /* 16 digits: with a software version instead */
    FSIM_LINE_VERDICTS = 8
};

/* One way to do the work. All give equal answers on every input. */
struct fsim_bulk_path {
    const char *name;
    int (*runs_here)(void); /* whether this processor has what it needs */
    /* Judge up to `blocks` blocks of 16 rows: a row is 15 digits and one byte `pad`. Stops
     * before the first block with a row of another shape; gives the blocks done. Writes 16
     * verdicts a block (IMEI, CHECK_DIGIT, NULL) and adds to `counts`. */
    size_t (*rows)(const uint8_t *rows, size_t blocks, uint8_t pad, uint8_t *verdicts,
                   uint64_t counts[FSIM_LINE_VERDICTS]);
};

/* The paths built into this library, fastest first, and how many. The last always runs. */
extern const struct fsim_bulk_path *const fsim_bulk_paths[];
extern const size_t fsim_bulk_path_count;

/* The verdict on `length` bytes of text, line end excluded. */
uint8_t fsim_line_check(const uint8_t *text, size_t length);

/* Rows of 16 bytes: the text, filled up at its end with NUL, space, CR or LF. Writes one
 * verdict a row and adds to `counts`. */
void fsim_bulk_rows(const struct fsim_bulk_path *path, const uint8_t *rows, size_t count,
                    uint8_t *verdicts, uint64_t counts[FSIM_LINE_VERDICTS]);

/* A line that was refused. */
struct fsim_refusal {
    uint64_t line;   /* from 1 */
    uint64_t offset; /* of its first byte in the stream, from 0 */
    uint64_t length; /* bytes, line end excluded */
    uint8_t verdict;
};

/* What is kept between two parts of one stream of text. Zero it at the start, then set the
 * two buffers; `verdicts` and `refusals` may have no room: then none are written. */
struct fsim_lines {
    uint64_t counts[FSIM_LINE_VERDICTS];
    uint64_t bodies[100];     /* accepted lines by reporting body: the first two digits */
    uint64_t lines, offset;   /* done so far */
    uint64_t skipped;         /* bytes so far of a line longer than any part; 0: none */
    uint8_t *verdicts;
    size_t verdict_room, verdict_count;
    struct fsim_refusal *refusals;
    size_t refusal_room, refusal_count;
};

/* Judge the lines of a part of a text (LF or CRLF ends a line; the last may lack it). Gives
 * the bytes used up: stops before a line that is not complete, unless `last`, and when a
 * buffer that has room is full (empty it, set its count to 0, go on with the rest). */
size_t fsim_bulk_lines(const struct fsim_bulk_path *path, const uint8_t *text, size_t length,
                       int last, struct fsim_lines *state);

/* How many lines a text has: its LFs, and one more when something follows the last. */
size_t fsim_count_lines(const uint8_t *text, size_t length);

/* Which accepted IMEIs came before: a set of the first 14 digits, in `slots` (a power of two,
 * zero at the start). `text` holds the lines judged in `verdicts`. Marks what came before in
 * `again` (1 or 0 a line). Gives how many were new. The caller keeps the set under three
 * quarters full. */
size_t fsim_seen_lines(uint64_t *slots, size_t slot_count, const uint8_t *text, size_t length,
                       const uint8_t *verdicts, size_t count, uint8_t *again);

/* Move a set into a larger one. */
void fsim_seen_grow(const uint64_t *slots, size_t slot_count, uint64_t *larger,
                    size_t larger_count);

/* The yardstick of the benchmark: read every byte once, do next to nothing with it. */
uint64_t fsim_read_pass(const uint8_t *bytes, size_t length);

#endif
