/* SPDX-License-Identifier: Apache-2.0 */
/* A firmware that does nothing but call each function of the core once: linked without any
 * library but the compiler's own, it shows what the core needs and how large it is. */
#include "fsim_core.h"

uint8_t probe_text[16];
uint8_t probe_packed[8];
struct fsim_plmn_facts probe_facts;
volatile int probe_result;

void _start(void);
void _start(void)
{
    probe_result = fsim_imei_check(probe_text, 15);
    probe_result = fsim_imei_check_digit(probe_text);
    probe_result = fsim_imei_pack(probe_text, probe_packed);
    probe_result = fsim_imei_unpack(probe_packed, probe_text);
    probe_result = fsim_plmn_pack(probe_text, 6, probe_packed);
    probe_result = fsim_plmn_unpack(probe_packed, probe_text);
    probe_result = fsim_plmn_lookup(&fsim_plmn_default, probe_text, 5, &probe_facts);
    for (;;) {
    }
}
