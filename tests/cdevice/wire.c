/* Octets of ODAP/1: header, extensions, answers. SPEC.md sections 3 to 7. */
#include "device.h"

#include <openssl/sha.h>
#include <string.h>

const char *const CONTEXT[] = {0, 0, 0, "request", "response", "confirm", 0, 0,
                                "unlock-ticket", "keyset", 0};
static const int FIXED[] = {0, 60, 84, 192, 168, 117, 80, 89, 134, 42, 5};

uint32_t be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }
uint64_t be64(const uint8_t *p) { return (uint64_t)be32(p) << 32 | be32(p + 4); }
unsigned be16(const uint8_t *p) { return (unsigned)p[0] << 8 | p[1]; }

void put(uint8_t *p, uint64_t value, int octets) {
    while (octets-- > 0) {
        p[octets] = (uint8_t)value;
        value >>= 8;
    }
}

void sha256(const uint8_t *p, size_t size, uint8_t out[32]) { SHA256(p, size, out); }

int refuse(struct refusal *why, int stage, const char *code) {
    why->stage = stage;
    why->code = code;
    return -1;
}

int wire_open(const uint8_t *raw, size_t size, struct message *m, struct refusal *why) {
    if (size < HEADER || size > MAX_MESSAGE) return refuse(why, ST_FRAME, "E_FRAME_LEN");
    if (memcmp(raw, "ODAP", 4)) return refuse(why, ST_HEADER, "E_HEADER");
    if (raw[4] != 1) return refuse(why, ST_HEADER, "E_VERSION");
    if (raw[5] < CHALLENGE_REQ || raw[5] > ERROR) return refuse(why, ST_HEADER, "E_TYPE");
#ifndef ODAP_BUG_RESERVED
    if (be16(raw + 6) || be16(raw + 14)) return refuse(why, ST_HEADER, "E_HEADER");
#endif
    *m = (struct message){raw, size, raw[5], be32(raw + 8), raw + HEADER, be16(raw + 12), 0, 0};
    size_t end = HEADER + m->body_len;
    if (end > size) return refuse(why, ST_HEADER, "E_FRAME_LEN");
    if (CONTEXT[m->type]) {
        if (end == size || raw[end] == 0) return refuse(why, ST_SIGNATURE, "E_SIG_MISSING");
        if (raw[end] > MAX_SIGNATURES) return refuse(why, ST_SIGNATURE, "E_SIG_FORM");
        m->signatures = raw[end];
        m->block = raw + end + 1;
        end += 1 + (size_t)m->signatures * ENTRY;
    }
    if (end > size) return refuse(why, ST_HEADER, "E_FRAME_LEN");
#ifndef ODAP_BUG_TRAILING
    if (end != size) return refuse(why, ST_HEADER, "E_FRAME_LEN");
#endif
    return 0;
}

/* One code point of UTF-8 at p, or -1. */
static long code_point(const uint8_t **p, const uint8_t *end) {
    static const long LEAST[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = *(*p)++;
    int more = first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : first >> 3 == 30 ? 3 : -1;
    if (more < 0 || end - *p < more) return -1;
    long value = more ? first & (0x3f >> more) : first;
    for (int i = 0; i < more; i++) {
        if (*(*p) >> 6 != 2) return -1;
        value = value << 6 | (*(*p)++ & 0x3f);
    }
    if ((more && value < LEAST[more + 1]) || value > 0x10ffff) return -1;
    return value >= 0xd800 && value < 0xe000 ? -1 : value;
}

static int good_value(unsigned number, const uint8_t *p, size_t size) {
    switch (number) {
    case 1: return size == 13;
    case 2: {
        if (size != 16) return 0;
        int32_t latitude = (int32_t)be32(p), longitude = (int32_t)be32(p + 4);
        return latitude >= -900000000 && latitude <= 900000000 && longitude >= -1800000000 &&
               longitude <= 1800000000;
    }
    case 3: return size == 2 && p[0] >= 'A' && p[0] <= 'Z' && p[1] >= 'A' && p[1] <= 'Z';
    case 4: {
        size_t run = 0;
        if (size < 1 || size > 35) return 0;
        for (size_t i = 0; i < size; i++) {
            int word = (p[i] >= '0' && p[i] <= '9') || ((p[i] | 32) >= 'a' && (p[i] | 32) <= 'z');
            if (word ? ++run > 8 : p[i] != '-' || run == 0) return 0;
            if (!word) run = 0;
        }
        return run > 0;
    }
    case 5: return size == 1 && p[0] >= 1 && p[0] <= 7;
    case 0x101: {
        const uint8_t *end = p + size;
        if (size < 1 || size > 512) return 0;
        while (p < end) {
            long c = code_point(&p, end);
            if (c < 0 || (c < 0x20 && c != 10) || (c >= 0x7f && c < 0xa0)) return 0;
        }
        return 1;
    }
    case 0x102: return size == 4;
    default: return 1;
    }
}

int wire_extensions(const uint8_t *p, size_t size, struct refusal *why) {
    int count = 0, known;
    long last = -1;
    while (size > 0) {
        if (size < 4) return refuse(why, ST_LAYOUT, "E_EXT");
        unsigned type = be16(p), number = type & 0x7fff;
        size_t length = be16(p + 2);
        if (length > size - 4) return refuse(why, ST_LAYOUT, "E_EXT");
        if (++count > 16) return refuse(why, ST_LAYOUT, "E_EXT");
        if ((long)number <= last) return refuse(why, ST_LAYOUT, "E_EXT");
        last = number;
        known = (number >= 1 && number <= 5) || number == 0x101 || number == 0x102;
#ifndef ODAP_BUG_CRITICAL
        if (!known && type & 0x8000) return refuse(why, ST_LAYOUT, "E_EXT_UNKNOWN_CRITICAL");
#endif
        if (known && type & 0x8000) return refuse(why, ST_LAYOUT, "E_EXT");
        if (known && !good_value(number, p + 4, length)) return refuse(why, ST_LAYOUT, "E_EXT");
        p += 4 + length;
        size -= 4 + length;
    }
    return 0;
}

/* Answers ---------------------------------------------------------------------------------- */

static int good_imei(const uint8_t *p) {
    int sum = 0, any = 0;
    for (int i = 0; i < 15; i++) {
        int digit = i % 2 ? p[i / 2] >> 4 : p[i / 2] & 15;
        if (digit > 9) return 0;
        any |= digit;
        sum += i % 2 ? digit * 2 % 10 + digit / 5 : digit;
    }
    return any && p[7] >> 4 == 15 && sum % 10 == 0;
}

static int good_place(const uint8_t *p) {
    int country = p[0] != 0xff || p[1] != 0xff;
    if (country && (p[0] < 'A' || p[0] > 'Z' || p[1] < 'A' || p[1] > 'Z')) return 0;
    p += 2;
    if (p[0] == 0xff && p[1] == 0xff && p[2] == 0xff) return 1;
    int length = 0;
    while (length < 3 && ((p[length] >= 'A' && p[length] <= 'Z') || (p[length] >= '0' && p[length] <= '9')))
        length++;
    for (int i = length; i < 3; i++)
        if (p[i]) return 0;
    return country && length > 0;
}

int wire_answer(const struct message *m, struct answer *a, struct refusal *why) {
    const uint8_t *b = m->body;
    size_t fixed = (size_t)FIXED[m->type];
    if (m->body_len < fixed) return refuse(why, ST_LAYOUT, "E_LAYOUT");
    memset(a, 0, sizeof *a);
    a->realm = b;
    a->device = b + 16;
    a->imei = b + 48;
    a->nonce = b + 56;
    if (!good_imei(a->imei)) return refuse(why, ST_LAYOUT, "E_IMEI");
    if (m->type == RESPONSE) {
        a->hash = b + 88;
        a->decision = b[120];
        a->reason = (int)be16(b + 121);
#ifdef ODAP_BUG_DECISION
        if (a->decision < 1 || a->decision > 6) a->decision = 1;
#endif
        if (a->decision < 1 || a->decision > 6) return refuse(why, ST_LAYOUT, "E_DECISION");
        if (a->reason > 7) return refuse(why, ST_LAYOUT, "E_LAYOUT");
        if (!good_place(b + 123)) return refuse(why, ST_LAYOUT, "E_LAYOUT");
        b += 128;
    } else {
        a->ticket = b + 88;
        a->scope = (int)be16(b + 104);
        if (a->scope & ~7) return refuse(why, ST_LAYOUT, "E_LAYOUT");
        b += 106;
    }
    a->epoch = be32(b);
    a->policy = be32(b + 4);
    a->keyset = be32(b + 8);
    a->issued = be64(b + 12);
    a->until = be64(b + 20);
    if (m->type == RESPONSE) {
        a->max_age = be32(b + 28);
        a->retry = be32(b + 32);
        a->recheck = be32(b + 36);
    }
    return wire_extensions(m->body + fixed, m->body_len - fixed, why);
}
