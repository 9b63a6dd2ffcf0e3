/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core for a phone's firmware: IMEI, TBCD, PLMN. Freestanding C11: no libc, no
 * allocation, no global that is written, no recursion. Copy fsim_core.c and
 * fsim_plmn_table.c; this is the one header to read.
 *
 * Text is ASCII, never terminated: every length is handed in. An MNC is digits and a
 * length, never a number: 405-12 and 405-012 are two networks.
 */
#ifndef FSIM_CORE_H
#define FSIM_CORE_H

#include <stddef.h>
#include <stdint.h>

/* Why an IMEI is refused. The first that applies, in this order, save that the null IMEI
 * comes last: it has the right length, digits only, and a check digit that fits. */
enum fsim_imei_verdict {
    FSIM_IMEI_OK = 0,
    FSIM_IMEI_LENGTH = 1,      /* not 15 characters */
    FSIM_IMEI_NON_DIGIT = 2,   /* a character other than ASCII 0 to 9 */
    FSIM_IMEI_CHECK_DIGIT = 3, /* Luhn says no: TS 23.003, annex B */
    FSIM_IMEI_NULL = 4         /* all zeros: what a phone without an identity reports */
};

/* The verdict on an IMEI of 15 digits, check digit included.
 * Source: 3GPP TS 23.003, 6.2.1 and annex B. */
int fsim_imei_check(const uint8_t *text, size_t length);

/* The Luhn check digit (0 to 9) of 14 ASCII digits; -1 when one of them is not a digit.
 * Source: 3GPP TS 23.003, annex B. */
int fsim_imei_check_digit(const uint8_t digits[14]);

/* 15 digits to 8 bytes of TBCD: the first digit in the low nibble, filler F at the end.
 * 0, or -1 (nothing written) when a character is not a digit.
 * Source: 3GPP TS 29.002, 17.7.8 (TBCD-STRING, IMEI). */
int fsim_imei_pack(const uint8_t digits[15], uint8_t packed[8]);

/* 8 bytes of TBCD to 15 digits. 0, or -1 (nothing written) when a nibble is no decimal
 * digit or the filler is not F. The check digit is not judged here. */
int fsim_imei_unpack(const uint8_t packed[8], uint8_t digits[15]);

/* A PLMN of 5 or 6 digits to the 3 bytes of TS 24.008, 10.5.1.13. 0, or -1 (nothing
 * written) when the count is another or a character is not a digit. */
int fsim_plmn_pack(const uint8_t *digits, size_t count, uint8_t packed[3]);

/* 3 bytes of TS 24.008, 10.5.1.13 to digits: 5 or 6, how many were written; -1 (nothing
 * written) when a nibble is neither a digit nor the filler F of a two-digit MNC. */
int fsim_plmn_unpack(const uint8_t packed[3], uint8_t digits[6]);

enum fsim_plmn_kind {
    FSIM_PLMN_UNKNOWN = 0,       /* no such mobile country code in the table */
    FSIM_PLMN_COUNTRY = 1,       /* one country */
    FSIM_PLMN_SHARED = 2,        /* several countries may be meant */
    FSIM_PLMN_INTERNATIONAL = 3, /* 901, 902, 991: no country */
    FSIM_PLMN_TEST = 4,          /* 001 */
    FSIM_PLMN_PRIVATE = 5        /* 999 */
};

#define FSIM_PLMN_NO_ROW 0xFFFFu

/* The table. Arrays are sorted by their key; fsim_plmn_default is made by tools/plmn_tables. */
struct fsim_plmn_mcc {
    uint16_t key;    /* mcc, then kind << 10, then length << 13: 0 unknown, 2, 3, 1 mixed */
    uint16_t first;  /* its first network in `networks`; the next row's first is the end */
    uint16_t place;  /* first country << 4 | how many */
};
struct fsim_plmn_exception {
    uint16_t row;         /* the network, an index of `networks` */
    uint16_t place;       /* as above */
    uint8_t subdivision;  /* first ISO 3166-2 subdivision << 4 | how many */
};
struct fsim_plmn_table {
    const struct fsim_plmn_mcc *mccs;
    const uint16_t *networks; /* mnc, + 1000 when it has three digits; flags in bits 13 to 15 */
    const struct fsim_plmn_exception *exceptions;
    const char (*countries)[2];    /* ISO 3166-1 alpha-2 (and XK), not terminated */
    const char (*subdivisions)[5]; /* ISO 3166-2 such as UA-43, not terminated */
    uint16_t mcc_count, network_count, exception_count, country_count, subdivision_count;
};
#define FSIM_NETWORK_KEY 0x07FFu
#define FSIM_NETWORK_PRIMARY 0x2000u   /* its country is the first of its MCC's alone */
#define FSIM_NETWORK_EXCEPTION 0x4000u /* its place is not its MCC's: see `exceptions` */
#define FSIM_NETWORK_WITHDRAWN 0x8000u /* history: it decides nothing */

extern const struct fsim_plmn_table fsim_plmn_default;

struct fsim_plmn_facts {
    uint8_t kind;              /* enum fsim_plmn_kind */
    uint8_t mnc_length;        /* 2 or 3; 0 when unknown or both occur */
    uint8_t known;             /* 1: this very network is listed and not withdrawn */
    uint8_t country_count;     /* possible countries: countries[country] and following */
    uint8_t subdivision_count; /* subdivisions[subdivision] and following */
    uint16_t country;
    uint16_t subdivision;
    uint16_t mcc_row;          /* index of `mccs`, FSIM_PLMN_NO_ROW when not listed */
    uint16_t row;              /* index of `networks`, FSIM_PLMN_NO_ROW when not listed */
};

/* What the numbering plan says of a PLMN of 5 or 6 digits, or of an MCC of 3 digits.
 * 0 and *facts written (kind FSIM_PLMN_UNKNOWN for a country code that is not listed), or
 * -1 (nothing written) when the count is another or a character is not a digit. A damaged
 * table gives wrong facts, never an access outside its arrays.
 * Source: ITU-T E.212 and its Operational Bulletins; see fsim_plmn_table.c. */
int fsim_plmn_lookup(const struct fsim_plmn_table *table, const uint8_t *digits, size_t count,
                     struct fsim_plmn_facts *facts);

#endif
