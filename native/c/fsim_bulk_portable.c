/* SPDX-License-Identifier: Apache-2.0 */
#include "fsim_bulk_paths.h"

static int runs_anywhere(void)
{
    return 1;
}

static size_t rows_portable(const uint8_t *rows, size_t blocks, uint8_t pad, uint8_t *verdicts,
                            uint64_t counts[FSIM_LINE_VERDICTS])
{
    const uint64_t high_mask = FSIM_EACH(0x30) >> 8 | (uint64_t)pad << 56;
    for (size_t block = 0; block < blocks; block++, rows += 256, verdicts += 16) {
        uint8_t found[16];
        int odd = 0;
        for (size_t i = 0; i < 16; i++) {
            uint64_t low = fsim_load(rows + 16 * i) ^ FSIM_EACH(0x30);
            uint64_t high = fsim_load(rows + 16 * i + 8) ^ high_mask;
            odd |= fsim_any_non_digit(low) | fsim_any_non_digit(high) | (high >> 56 != 0);
            uint8_t refused = fsim_luhn_sum(low, high) % 10 != 0 ? FSIM_LINE_CHECK_DIGIT : 0;
            found[i] = (low | high) == 0 ? FSIM_LINE_NULL : refused;
        }
        if (odd) {
            return block;
        }
        for (size_t i = 0; i < 16; i++) {
            verdicts[i] = found[i];
            counts[found[i]]++;
        }
    }
    return blocks;
}

const struct fsim_bulk_path fsim_bulk_portable = {"portable", runs_anywhere, rows_portable};
