/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the paths: one row by arithmetic on two 64-bit words, the same on any byte order. */
#ifndef FSIM_BULK_PATHS_H
#define FSIM_BULK_PATHS_H

#include "fsim_bulk.h"

#define FSIM_EACH(byte) (0x0101010101010101u * (uint64_t)(byte))

extern const struct fsim_bulk_path fsim_bulk_portable;
#if defined(__x86_64__) && defined(__GNUC__)
#define FSIM_HAS_AVX2 1
extern const struct fsim_bulk_path fsim_bulk_avx2;
#endif
#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__)
#define FSIM_HAS_NEON 1
extern const struct fsim_bulk_path fsim_bulk_neon;
#endif

/* The first byte becomes the lowest; compilers make one load of it where they can. */
static inline uint64_t fsim_load(const uint8_t *bytes)
{
    return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
           (uint64_t)bytes[3] << 24 | (uint64_t)bytes[4] << 32 | (uint64_t)bytes[5] << 40 |
           (uint64_t)bytes[6] << 48 | (uint64_t)bytes[7] << 56;
}

/* Of '0' xor text: whether any byte is no digit. A carry can only come from a byte that is
 * none either, so it cannot hide one. */
static inline int fsim_any_non_digit(uint64_t values)
{
    return ((values | (values + FSIM_EACH(0x76))) & FSIM_EACH(0x80)) != 0;
}

/* Of 8 values 0 to 9: each second one doubled and its digits summed, the others as they are. */
static inline uint64_t fsim_luhn_terms(uint64_t values)
{
    uint64_t second = values & 0xFF00FF00FF00FF00u;
    uint64_t above_four = (second + 0x7B007B007B007B00u) >> 7 & 0x0100010001000100u;
    return values + second - 9 * above_four;
}

/* The Luhn sum of 16 values in two words; at most 135. */
static inline unsigned fsim_luhn_sum(uint64_t low, uint64_t high)
{
    uint64_t terms = fsim_luhn_terms(low) + fsim_luhn_terms(high);
    return (unsigned)(terms * FSIM_EACH(1) >> 56);
}

#endif
