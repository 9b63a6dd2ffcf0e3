/* The record of a device: sealed, written twice, judged at boot. SPEC.md 11.2 and 11.6. */
#include "state.h"

#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

struct setup S;
struct record R;
struct flash F;
struct keyset trusted, K;
struct key own;
char imei[16], serving[8];
uint8_t imei_octets[8];
int64_t now, frame_until, exchange_until, retry_at, due_at, recheck_at, nonce_at, rtc_offset;
int state, linked, closing, drops, attempts, slot, boots, question, challenge_open, challenge_drops;
uint32_t exchange_id, challenge_id;
uint8_t request[MAX_MESSAGE], request_hash[32], nonce[32], topic[32], challenge[32];
size_t request_len;
char asked_serving[8];
uint8_t in[2 + MAX_MESSAGE], out[4 * MAX_MESSAGE];
size_t in_len, out_len;
char codes[4096];
uint32_t chance;


/* Small things ----------------------------------------------------------------------------- */

void draw(uint8_t *p, size_t size) {
    uint8_t block[36], hash[32];
    while (size > 0) {
        size_t some = size < 32 ? size : 32;
        memcpy(block, S.seed, 32);
        put(block + 32, ++chance, 4);
        sha256(block, sizeof block, hash);
        memcpy(p, hash, some);
        p += some;
        size -= some;
    }
}

void note(const char *code) {
    if (strlen(codes) + strlen(code) + 2 < sizeof codes) {
        if (*codes) strcat(codes, " ");
        strcat(codes, code);
    }
}

uint64_t floor_s(void) { return R.floor > trusted.from ? R.floor : trusted.from; }
uint64_t rtc(void) { return (uint64_t)((now + rtc_offset) / 1000); }

void pack_imei(const char *digits, uint8_t p[8]) {
    for (int i = 0; i < 8; i++) {
        int high = 2 * i + 1 < 15 ? digits[2 * i + 1] - '0' : 15;
        p[i] = (uint8_t)(high << 4 | (digits[2 * i] - '0'));
    }
}

void pack_plmn(const char *d, uint8_t p[3]) {
    memset(p, 0xff, 3);
    if (!*d) return;
    p[0] = (uint8_t)((d[1] - '0') << 4 | (d[0] - '0'));
    p[1] = (uint8_t)((d[5] ? d[5] - '0' : 15) << 4 | (d[2] - '0'));
    p[2] = (uint8_t)((d[4] - '0') << 4 | (d[3] - '0'));
}

void transmit(const uint8_t *p, size_t size) {
    if (!linked || out_len + 2 + size > sizeof out) return;
    put(out + out_len, size, 2);
    memcpy(out + out_len + 2, p, size);
    out_len += 2 + size;
}

size_t head(uint8_t *p, int type, uint32_t id, size_t body) {
    memset(p, 0, HEADER);
    memcpy(p, "ODAP\1", 5);
    p[5] = (uint8_t)type;
    put(p + 8, id, 4);
    put(p + 12, body, 2);
    return HEADER + body;
}

size_t seal(uint8_t *p, int type, size_t size) {
    p[size] = 1;
    memcpy(p + size + 1, own.id, 32);
    wire_sign(S.alg, S.secret, type, p, size, p + size + 33);
    return size + 97;
}

void tell(const struct refusal *why) {
    uint8_t error[HEADER + 5];
    note(why->code);
    head(error, ERROR, exchange_id, 5);
    error[HEADER] = (uint8_t)why->stage;
    put(error + HEADER + 1, ABSENT, 4);
    transmit(error, sizeof error);
}

/* Storage ---------------------------------------------------------------------------------- */

void mac_of(const struct record *r, uint8_t mac[32]) {
    unsigned size = 32;
    HMAC(EVP_sha256(), S.storage, 32, (const uint8_t *)r, offsetof(struct record, mac), mac, &size);
}

/* The changed record becomes the one that counts, or nothing has changed. */
int commit(const struct record *changed) {
    struct record fresh = *changed;
    uint32_t counter = F.counter;
    fresh.sequence = counter + 1;
    fresh.rtc = rtc();
    mac_of(&fresh, fresh.mac);
    int target = slot < 0 ? 0 : 1 - slot;
    if (flash_commit(&F, target, (const uint8_t *)&fresh, sizeof fresh)) return -1;
    slot = target;
    R = fresh;
    return 0;
}

int readable(int index, struct record *r) {
    uint8_t mac[32];
    if (F.len[index] != (int)sizeof *r) return 0;
    memcpy(r, F.seen[index], sizeof *r);
    if (memcmp(r->magic, "CDEV", 4)) return 0;
    mac_of(r, mac);
#ifndef ODAP_BUG_MAC
    if (memcmp(mac, r->mac, 32)) return 0;
#endif
    if (r->version != 1 || r->answer_len > MAX_MESSAGE || r->keyset_len > MAX_MESSAGE) return 0;
#ifndef ODAP_BUG_COUNTER
    if (r->sequence != F.counter && r->sequence != F.counter + 1) return 0;
#endif
    return r->sequence > 0;
}

int explained(void) {
    struct message m;
    struct answer a;
    struct refusal why;
    struct key signer;
    struct keyset one = K;
    if (R.lock_state < S_PENDING || R.lock_state == S_FAULT) return 1;
    one.keys[0] = R.signer;
    one.count = 1;
    uint64_t at = R.floor < R.signer.from ? R.signer.from : R.floor;
    if (at > R.signer.to) at = R.signer.to;
    if (wire_open(R.answer, R.answer_len, &m, &why)) return 0;
    int role = m.type == RESPONSE ? ACT : m.type == UNLOCK_TICKET ? UNLOCK : 0;
    if (!role || wire_verify(&one, &m, role, at, &signer, &why) || wire_answer(&m, &a, &why)) return 0;
    static const int STATE[] = {0, S_ACTIVE, S_TERRITORY, S_BLOCKLIST, S_FINANCE, S_PENDING,
                                S_SETUP_LOCKED};
    return !memcmp(a.device, R.device, 32) &&
           (uint32_t)(m.type == RESPONSE ? STATE[a.decision] : S_ACTIVE) == R.lock_state;
}

void boot(void) {
    struct record best = {0}, r;
    struct message m;
    struct refusal why;
    int found = 0;
    state = IDLE;
    linked = closing = drops = attempts = question = challenge_open = 0;
    in_len = out_len = 0;
    frame_until = exchange_until = retry_at = due_at = recheck_at = NEVER;
    slot = -1;
    boots++;
    for (int i = 0; i < 2; i++)
        if (readable(i, &r) && (!found || r.sequence > best.sequence)) {
            best = r;
            slot = i;
            found = 1;
        }
    K = trusted;
    memset(&R, 0, sizeof R);
    memcpy(R.magic, "CDEV", 4);
    R.version = 1;
    memcpy(R.device, own.id, 32);
    R.epoch = trusted.epoch;
    R.recheck = ABSENT;
    if (!found) {
        int fresh = F.counter == 0 && !F.len[0] && !F.len[1];
        R.lock_state = fresh ? S_UNPROVISIONED : S_FAULT;
        if (!fresh) note("E_STORE");
    } else {
        R = best;
        if (R.sequence == F.counter + 1) {
            flash_settle(&F);
            flash_bump(&F);
        }
        if (R.keyset_len) {
            struct keyset stored;
            if (wire_open(R.keyset, R.keyset_len, &m, &why) || wire_own_roots(&m, &stored, &why)) {
                R.lock_state = S_FAULT;
                note("E_STORE");
            } else if (stored.version > K.version) {
                K = stored;
            }
        }
        if (R.lock_state != S_FAULT && !explained()) {
            R.lock_state = S_FAULT;
            note("E_STORE");
        }
        int foreign = memcmp(R.device, own.id, 32) != 0;
#ifdef ODAP_BUG_DEVICE
        foreign = 0;
#endif
        int other = R.imei[0] && strcmp(R.imei, imei);
#ifdef ODAP_BUG_IMEI
        other = 0;
#endif
        if (R.lock_state != S_FAULT && (foreign || other)) {
            note(foreign ? "E_STORE" : "E_IMEI");
            R.lock_state = S_SETUP_LOCKED;
            memcpy(R.device, own.id, 32);
            R.answer_len = 0;
            R.imei[0] = R.serving[0] = 0;
            R.recheck = ABSENT;
            r = R;
            commit(&r);
        }
    }
    if (R.lock_state == S_FAULT) return;
    if (R.lock_state != S_ACTIVE) {
        due_at = now;
    } else if (R.recheck != ABSENT) {
        int64_t passed = (int64_t)rtc() - (int64_t)R.rtc;
        int64_t left = passed < 0 ? 0 : (int64_t)R.recheck - passed;
        recheck_at = now + 1000 * (left > 0 ? left : 0);
    }
}

void device_reset(const struct setup *s) {
    struct message m;
    struct refusal why;
    S = *s;
    flash_new(&F);
    chance = 0;
    boots = 0;
    now = 0;
    rtc_offset = (int64_t)S.rtc * 1000;
    codes[0] = 0;
    wire_key(S.alg, S.secret, &own);
    if (wire_open(S.trust, S.trust_len, &m, &why) || wire_keyset(&m, &trusted, 0, &why))
        memset(&trusted, 0, sizeof trusted);
    snprintf(imei, sizeof imei, "%s", S.imei);
    snprintf(serving, sizeof serving, "%s", S.serving);
    pack_imei(imei, imei_octets);
    boot();
}

void device_reboot(void) {
    flash_power_cycle(&F);
    boot();
}
