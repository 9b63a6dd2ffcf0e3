/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 16 rows a step in 8 registers. Each row's Luhn sum lands in one 16-bit lane:
 *   terms   a byte a digit; doubled digits through a 16-entry table
 *   psadbw  sums of 8 bytes, two a row
 *   shifts  four registers share one: 16-bit lane j of each 64 bits is register j
 *   unpack  the two halves of each row meet and are added
 */
#include "fsim_bulk_paths.h"

#ifdef FSIM_HAS_AVX2

#include <immintrin.h>

enum { AHEAD = 3072 };

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}

/* Half sums of four registers (8 rows): lane j of each 64 bits belongs to register j. */
__attribute__((target("avx2"), always_inline)) static inline __m256i
half_sums(const uint8_t *rows, __m256i zeros, __m256i first, __m256i table, __m256i *highest)
{
    __m256i sums = _mm256_setzero_si256();
    for (int j = 0; j < 4; j++) {
        __m256i text = _mm256_loadu_si256((const __m256i *)(const void *)(rows + 32 * j));
        __m256i values = _mm256_xor_si256(text, zeros);
        *highest = _mm256_max_epu8(*highest, values);
        /* A set high bit makes the table give 0: digits that are not doubled stay. */
        __m256i more = _mm256_shuffle_epi8(table, _mm256_or_si256(values, first));
        __m256i half = _mm256_sad_epu8(_mm256_add_epi8(values, more), _mm256_setzero_si256());
        sums = _mm256_or_si256(sums, _mm256_slli_epi64(half, 16 * j));
    }
    return sums;
}

__attribute__((target("avx2"))) static size_t rows_avx2(const uint8_t *rows, size_t blocks,
                                                        uint8_t pad, uint8_t *verdicts,
                                                        uint64_t counts[FSIM_LINE_VERDICTS])
{
    const __m256i zeros = _mm256_set_epi64x(
        (int64_t)(FSIM_EACH(0x30) >> 8 | (uint64_t)pad << 56), (int64_t)FSIM_EACH(0x30),
        (int64_t)(FSIM_EACH(0x30) >> 8 | (uint64_t)pad << 56), (int64_t)FSIM_EACH(0x30));
    const __m256i limit = _mm256_set_epi64x((int64_t)(FSIM_EACH(9) >> 8), (int64_t)FSIM_EACH(9),
                                            (int64_t)(FSIM_EACH(9) >> 8), (int64_t)FSIM_EACH(9));
    const __m256i first = _mm256_set1_epi16(0x0080);
    /* What doubling adds to a digit's own value: 2d - d, or 2d - 9 - d above four. */
    const __m256i table = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 2, 3, 4, -4, -3, -2, -1, 0, 0, 0, 0, 0, 0, 0));
    uint64_t wrong = 0;
    uint64_t null = 0;
    size_t block = 0;
    for (; block < blocks; block++, rows += 256, verdicts += 16) {
        /* The list comes from memory once: ask for it ahead, further than the processor does
         * by itself. Asking beyond the end is harmless, hence the integer. */
        for (int line = 0; line < 4; line++) {
            uintptr_t ahead = (uintptr_t)rows + AHEAD + 64 * (uintptr_t)line;
            _mm_prefetch((const char *)ahead, _MM_HINT_T0);
        }
        __m256i highest = _mm256_setzero_si256();
        __m256i a = half_sums(rows, zeros, first, table, &highest);
        __m256i b = half_sums(rows + 128, zeros, first, table, &highest);
        if (_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(highest, limit), limit)) != -1) {
            break;
        }
        __m256i sums = _mm256_add_epi16(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
        /* sum / 10 by multiplication: exact far beyond the 135 that a row can have. */
        __m256i tens = _mm256_mulhi_epu16(sums, _mm256_set1_epi16(6554));
        __m256i fits = _mm256_cmpeq_epi16(_mm256_mullo_epi16(tens, _mm256_set1_epi16(10)), sums);
        __m256i none = _mm256_cmpeq_epi16(sums, _mm256_setzero_si256());
        __m256i found =
            _mm256_or_si256(_mm256_andnot_si256(fits, _mm256_set1_epi16(FSIM_LINE_CHECK_DIGIT)),
                            _mm256_and_si256(none, _mm256_set1_epi16(FSIM_LINE_NULL)));
        /* The low half holds rows 0, 2, 4 ... 14, the high half rows 1, 3 ... 15. */
        __m256i bytes = _mm256_packus_epi16(found, found);
        __m128i ordered = _mm_unpacklo_epi8(_mm256_castsi256_si128(bytes),
                                            _mm256_extracti128_si256(bytes, 1));
        _mm_storeu_si128((__m128i *)(void *)verdicts, ordered);
        if (!_mm256_testz_si256(found, found)) {
            __m128i is_null = _mm_cmpeq_epi8(ordered, _mm_set1_epi8(FSIM_LINE_NULL));
            __m128i is_wrong = _mm_cmpeq_epi8(ordered, _mm_set1_epi8(FSIM_LINE_CHECK_DIGIT));
            null += (unsigned)__builtin_popcount((unsigned)_mm_movemask_epi8(is_null));
            wrong += (unsigned)__builtin_popcount((unsigned)_mm_movemask_epi8(is_wrong));
        }
    }
    counts[FSIM_LINE_NULL] += null;
    counts[FSIM_LINE_CHECK_DIGIT] += wrong;
    counts[FSIM_LINE_IMEI] += 16 * (uint64_t)block - null - wrong;
    return block;
}

const struct fsim_bulk_path fsim_bulk_avx2 = {"avx2", has_avx2, rows_avx2};

#endif

typedef int fsim_not_an_empty_file;
