/* SPDX-License-Identifier: Apache-2.0 */
#include "fsim_bulk_paths.h"

#ifdef FSIM_HAS_NEON

#include <arm_neon.h>

/* Advanced SIMD is part of every AArch64 processor that runs an operating system. */
static int has_neon(void)
{
    return 1;
}

static size_t rows_neon(const uint8_t *rows, size_t blocks, uint8_t pad, uint8_t *verdicts,
                        uint64_t counts[FSIM_LINE_VERDICTS])
{
    static const uint8_t more[16] = {0, 1, 2, 3, 4, 252, 253, 254, 255, 0, 0, 0, 0, 0, 0, 0};
    const uint8x16_t table = vld1q_u8(more);
    const uint8x16_t zeros = vsetq_lane_u8(pad, vdupq_n_u8(0x30), 15);
    const uint8x16_t limit = vsetq_lane_u8(0, vdupq_n_u8(9), 15);
    /* An index above 15 makes the table give 0: digits that are not doubled stay. */
    const uint8x16_t first = vreinterpretq_u8_u16(vdupq_n_u16(0x0080));
    uint64_t wrong = 0;
    uint64_t null = 0;
    size_t block = 0;
    for (; block < blocks; block++, rows += 256, verdicts += 16) {
        uint8x16_t highest = vdupq_n_u8(0);
        uint8_t sums[16];
        for (size_t i = 0; i < 16; i++) {
            uint8x16_t values = veorq_u8(vld1q_u8(rows + 16 * i), zeros);
            highest = vmaxq_u8(highest, values);
            uint8x16_t added = vqtbl1q_u8(table, vorrq_u8(values, first));
            sums[i] = vaddvq_u8(vaddq_u8(values, added));
        }
        if (vmaxvq_u8(vcgtq_u8(highest, limit)) != 0) {
            break;
        }
        uint8x16_t sum = vld1q_u8(sums);
        /* sum / 10 by multiplication: (sum * 205) >> 11 is exact up to 255 / 10. */
        uint16x8_t low = vshrq_n_u16(vmull_u8(vget_low_u8(sum), vdup_n_u8(205)), 11);
        uint16x8_t high = vshrq_n_u16(vmull_u8(vget_high_u8(sum), vdup_n_u8(205)), 11);
        uint8x16_t tens = vcombine_u8(vmovn_u16(low), vmovn_u16(high));
        uint8x16_t misfit = vmvnq_u8(vceqq_u8(vmulq_u8(tens, vdupq_n_u8(10)), sum));
        uint8x16_t none = vceqq_u8(sum, vdupq_n_u8(0));
        vst1q_u8(verdicts, vorrq_u8(vandq_u8(misfit, vdupq_n_u8(FSIM_LINE_CHECK_DIGIT)),
                                    vandq_u8(none, vdupq_n_u8(FSIM_LINE_NULL))));
        wrong += vaddvq_u8(vandq_u8(misfit, vdupq_n_u8(1)));
        null += vaddvq_u8(vandq_u8(none, vdupq_n_u8(1)));
    }
    counts[FSIM_LINE_NULL] += null;
    counts[FSIM_LINE_CHECK_DIGIT] += wrong;
    counts[FSIM_LINE_IMEI] += 16 * (uint64_t)block - null - wrong;
    return block;
}

const struct fsim_bulk_path fsim_bulk_neon = {"neon", has_neon, rows_neon};

#endif

typedef int fsim_not_an_empty_file;
