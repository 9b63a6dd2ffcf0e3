/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FSIM_CORE_H
#define FSIM_CORE_H

/* The Luhn check digit (0 to 9) of 14 ASCII digits; -1 when one of them is not a digit.
 * Source: 3GPP TS 23.003, annex B. */
int fsim_imei_check_digit(const unsigned char digits[14]);

#endif
