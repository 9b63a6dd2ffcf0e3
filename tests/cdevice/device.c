/* The machine of a device: exchange, lock, record. SPEC.md sections 9 to 12.
 * Not here: announced locks (11.5), the typed form (12.3), position and cell in REQUEST. */
#include "device.h"

#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

enum { IDLE, WAIT_CHALLENGE, WAIT_RESPONSE, WAIT_ACK, BACKOFF };
enum { TICKETS = 64, DROPS = 8 };
static const uint64_t TEN_YEARS = 3660ull * 86400;
static const uint32_t ABSENT = 0xffffffffu;

struct record {
    char magic[4];
    uint32_t version, sequence, lock_state, epoch, policy, decision, recheck, tickets;
    uint32_t keyset_len, answer_len;
    uint64_t floor, rtc, decided_until;
    uint8_t device[32], topic[32];
    char imei[16], serving[8];
    struct key signer;
    struct { uint8_t id[16]; uint64_t until; } used[TICKETS];
    uint8_t keyset[MAX_MESSAGE], answer[MAX_MESSAGE];
    uint8_t mac[32];
};
_Static_assert(sizeof(struct record) <= SLOT, "a record fits into a slot");

static struct setup S;
static struct record R;
static struct flash F;
static struct keyset trusted, K;
static struct key own;
static char imei[16], serving[8];
static uint8_t imei_octets[8];
static int64_t now, frame_until, exchange_until, retry_at, due_at, recheck_at, nonce_at, rtc_offset;
static int state, linked, closing, drops, attempts, slot, boots, question, challenge_open, challenge_drops;
static uint32_t exchange_id, challenge_id;
static uint8_t request[MAX_MESSAGE], request_hash[32], nonce[32], topic[32], challenge[32];
static size_t request_len;
static char asked_serving[8];
static uint8_t in[2 + MAX_MESSAGE], out[4 * MAX_MESSAGE];
static size_t in_len, out_len;
static char codes[4096];
static uint32_t chance;
static const int64_t NEVER = INT64_MAX;

/* Small things ----------------------------------------------------------------------------- */

static void draw(uint8_t *p, size_t size) {
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

static void note(const char *code) {
    if (strlen(codes) + strlen(code) + 2 < sizeof codes) {
        if (*codes) strcat(codes, " ");
        strcat(codes, code);
    }
}

static uint64_t floor_s(void) { return R.floor > trusted.from ? R.floor : trusted.from; }
static uint64_t rtc(void) { return (uint64_t)((now + rtc_offset) / 1000); }

static void pack_imei(const char *digits, uint8_t p[8]) {
    for (int i = 0; i < 8; i++) {
        int high = 2 * i + 1 < 15 ? digits[2 * i + 1] - '0' : 15;
        p[i] = (uint8_t)(high << 4 | (digits[2 * i] - '0'));
    }
}

static void pack_plmn(const char *d, uint8_t p[3]) {
    memset(p, 0xff, 3);
    if (!*d) return;
    p[0] = (uint8_t)((d[1] - '0') << 4 | (d[0] - '0'));
    p[1] = (uint8_t)((d[5] ? d[5] - '0' : 15) << 4 | (d[2] - '0'));
    p[2] = (uint8_t)((d[4] - '0') << 4 | (d[3] - '0'));
}

static void transmit(const uint8_t *p, size_t size) {
    if (!linked || out_len + 2 + size > sizeof out) return;
    put(out + out_len, size, 2);
    memcpy(out + out_len + 2, p, size);
    out_len += 2 + size;
}

static size_t head(uint8_t *p, int type, uint32_t id, size_t body) {
    memset(p, 0, HEADER);
    memcpy(p, "ODAP\1", 5);
    p[5] = (uint8_t)type;
    put(p + 8, id, 4);
    put(p + 12, body, 2);
    return HEADER + body;
}

static size_t seal(uint8_t *p, int type, size_t size) {
    p[size] = 1;
    memcpy(p + size + 1, own.id, 32);
    wire_sign(S.alg, S.secret, type, p, size, p + size + 33);
    return size + 97;
}

static void tell(const struct refusal *why) {
    uint8_t error[HEADER + 5];
    note(why->code);
    head(error, ERROR, exchange_id, 5);
    error[HEADER] = (uint8_t)why->stage;
    put(error + HEADER + 1, ABSENT, 4);
    transmit(error, sizeof error);
}

/* Storage ---------------------------------------------------------------------------------- */

static void mac_of(const struct record *r, uint8_t mac[32]) {
    unsigned size = 32;
    HMAC(EVP_sha256(), S.storage, 32, (const uint8_t *)r, offsetof(struct record, mac), mac, &size);
}

/* The changed record becomes the one that counts, or nothing has changed. */
static int commit(const struct record *changed) {
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

static int readable(int index, struct record *r) {
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

static int explained(void) {
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

static void boot(void) {
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

/* The exchange ----------------------------------------------------------------------------- */

static void back_off(int64_t at_least) {
    int64_t wait = 5000ll << (attempts < 10 ? attempts : 10);
    attempts++;
    if (wait > 3600000) wait = 3600000;
#ifdef ODAP_BUG_BACK_OFF
    wait = 1;
#endif
    retry_at = now + (wait > at_least ? wait : at_least);
    state = BACKOFF;
    due_at = exchange_until = NEVER;
    question = 0;
    closing = linked;
}

static void drop(const struct refusal *why) {
    tell(why);
    if (state != WAIT_CHALLENGE && state != WAIT_RESPONSE) return;
#ifndef ODAP_BUG_DROPS
    if (++drops >= DROPS) back_off(0);
#endif
}

static void ask(void) {
    uint8_t p[HEADER + 60];
    uint8_t id[4];
    draw(id, 4);
    exchange_id = be32(id);
    size_t size = head(p, CHALLENGE_REQ, exchange_id, 60);
    memcpy(p + HEADER, trusted.realm, 16);
    memcpy(p + HEADER + 16, own.id, 32);
    put(p + HEADER + 48, K.version, 4);
    put(p + HEADER + 52, R.epoch, 4);
    put(p + HEADER + 56, R.policy, 4);
    state = WAIT_CHALLENGE;
    drops = 0;
    exchange_until = now + 30000;
    due_at = NEVER;
    transmit(p, size);
}

static void on_challenge(const struct message *m) {
    struct refusal why;
    uint8_t *b = request + HEADER;
    if (m->body_len < 84) { refuse(&why, ST_LAYOUT, "E_LAYOUT"); drop(&why); return; }
    if (wire_extensions(m->body + 84, m->body_len - 84, &why)) { drop(&why); return; }
#ifndef ODAP_BUG_REALM
    if (memcmp(m->body, trusted.realm, 16)) { refuse(&why, ST_BINDING, "E_REALM"); drop(&why); return; }
#endif
    if (memcmp(m->body + 16, own.id, 32)) { refuse(&why, ST_BINDING, "E_DEVICE"); drop(&why); return; }
    if (state != WAIT_CHALLENGE) { refuse(&why, ST_FRESHNESS, "E_UNSOLICITED"); drop(&why); return; }
    if (m->exchange != exchange_id) { refuse(&why, ST_BINDING, "E_XID"); drop(&why); return; }
    draw(nonce, 32);
    nonce_at = now;
    memset(b, 0, 192);
    memcpy(b, trusted.realm, 16);
    memcpy(b + 16, own.id, 32);
    b[48] = own.alg;
    memcpy(b + 49, own.pub, own.alg == 1 ? 33 : 32);
    memcpy(b + 82, imei_octets, 8);
    memset(b + 90, 0xff, 8);
    memcpy(b + 98, nonce, 32);
    memcpy(b + 130, m->body + 48, 32);
    pack_plmn(serving, b + 162);
    pack_plmn(S.sim, b + 165);
    put(b + 168, (serving[0] ? 1 : 0) | (S.sim[0] ? 2 : 0), 2);
    put(b + 170, R.epoch, 4);
    put(b + 174, R.policy, 4);
    put(b + 178, K.version, 4);
    b[182] = (uint8_t)R.lock_state;
    b[183] = 1;
    put(b + 184, 1, 4);
    put(b + 188, (uint64_t)boots, 4);
    request_len = seal(request, REQUEST, head(request, REQUEST, exchange_id, 192));
    sha256(request, request_len, request_hash);
    uint8_t facts[14];
    memcpy(facts, b + 82, 8);
    memcpy(facts + 8, b + 162, 6);
    sha256(facts, sizeof facts, topic);
    snprintf(asked_serving, sizeof asked_serving, "%s", serving);
    question = 1;
    state = WAIT_RESPONSE;
    transmit(request, request_len);
}

static int judge_common(const struct answer *a, struct refusal *why) {
    uint64_t floor = floor_s();
    if (a->issued > floor + TEN_YEARS || a->until > floor + TEN_YEARS)
        return refuse(why, ST_TIME, "E_TIME");
    if (a->issued < floor) return refuse(why, ST_TIME, "E_TIME_ROLLBACK");
#ifndef ODAP_BUG_EXPIRY
    if (a->until < floor) return refuse(why, ST_TIME, "E_EXPIRED");
#endif
    if (a->epoch != K.epoch) return refuse(why, ST_POLICY, "E_EPOCH");
#ifndef ODAP_BUG_ROLLBACK
    if (a->policy < (a->epoch > R.epoch ? 0 : R.policy)) return refuse(why, ST_POLICY, "E_ROLLBACK");
#endif
    if (a->keyset != K.version) return refuse(why, ST_POLICY, "E_KEYSET_STALE");
    return 0;
}

static int judge_identity(const struct answer *a, struct refusal *why) {
#ifndef ODAP_BUG_REALM
    if (memcmp(a->realm, trusted.realm, 16)) return refuse(why, ST_BINDING, "E_REALM");
#endif
    if (memcmp(a->device, own.id, 32)) return refuse(why, ST_BINDING, "E_DEVICE");
    if (memcmp(a->imei, imei_octets, 8)) return refuse(why, ST_BINDING, "E_IMEI");
    return 0;
}

static int judge_response(const struct message *m, const struct answer *a, struct refusal *why) {
    if (judge_identity(a, why)) return -1;
    if (!question) return refuse(why, ST_FRESHNESS, "E_UNSOLICITED");
    if (m->exchange != exchange_id) return refuse(why, ST_BINDING, "E_XID");
#ifndef ODAP_BUG_REQUEST_HASH
    if (memcmp(a->hash, request_hash, 32)) return refuse(why, ST_BINDING, "E_REQHASH");
#endif
    if (strcmp(serving, asked_serving)) return refuse(why, ST_BINDING, "E_REQHASH");
#ifndef ODAP_BUG_NONCE
    if (memcmp(a->nonce, nonce, 32)) return refuse(why, ST_FRESHNESS, "E_NONCE");
#endif
    int64_t limit = 1000ll * (a->max_age < 300 ? a->max_age : 300);
    if (now - nonce_at > limit) return refuse(why, ST_FRESHNESS, "E_STALE");
    if (judge_common(a, why)) return -1;
    int same = R.decision && !memcmp(R.topic, topic, 32) && R.policy == a->policy &&
               R.epoch == a->epoch && a->issued < R.decided_until;
    if (same && R.decision != (uint32_t)a->decision) return refuse(why, ST_POLICY, "E_EQUIVOCATION");
    return 0;
}

static void confirm(const struct message *m, const uint8_t *answered) {
    uint8_t p[MAX_MESSAGE];
    size_t size = head(p, CONFIRM, exchange_id, 117);
    memcpy(p + HEADER, trusted.realm, 16);
    memcpy(p + HEADER + 16, own.id, 32);
    memcpy(p + HEADER + 48, answered, 32);
    sha256(m->raw, m->size, p + HEADER + 80);
    put(p + HEADER + 112, R.sequence, 4);
    p[HEADER + 116] = (uint8_t)R.lock_state;
    size = seal(p, CONFIRM, size);
    transmit(p, size);
}

static void keep(struct record *r, const struct message *m, const struct answer *a,
                 const struct key *signer) {
    memcpy(r->answer, m->raw, m->size);
    r->answer_len = (uint32_t)m->size;
    r->signer = *signer;
    if (a->issued > r->floor) r->floor = a->issued;
    r->epoch = a->epoch;
    r->policy = a->policy;
}

static void on_response(const struct message *m) {
    static const uint32_t STATE[] = {0, S_ACTIVE, S_TERRITORY, S_BLOCKLIST, S_FINANCE, S_PENDING,
                                     S_SETUP_LOCKED};
    struct refusal why;
    struct answer a;
    struct key signer;
    struct record r = R;
    int awaited = state == WAIT_RESPONSE;
    if (wire_verify(&K, m, ACT, floor_s(), &signer, &why)) { drop(&why); return; }
    if (wire_answer(m, &a, &why) || judge_response(m, &a, &why)) {
        int moved = awaited && strcmp(serving, asked_serving);
        tell(&why);
        if (!awaited) return;
        back_off(0);
        if (moved) retry_at = now;
        return;
    }
    question = 0;
    keep(&r, m, &a, &signer);
    r.lock_state = STATE[a.decision];
    r.decision = a.decision >= 5 ? 0 : (uint32_t)a.decision;
    r.decided_until = a.recheck == ABSENT ? UINT64_MAX : a.issued + a.recheck;
    r.recheck = a.recheck;
    memcpy(r.topic, topic, 32);
    snprintf(r.imei, sizeof r.imei, "%s", imei);
    snprintf(r.serving, sizeof r.serving, "%s", asked_serving);
    if (commit(&r)) {
        refuse(&why, ST_COMMIT, "E_STORE");
        tell(&why);
        if (!F.off) back_off(0);
        return;
    }
    recheck_at = a.recheck == ABSENT ? NEVER : now + 1000ll * a.recheck;
    due_at = NEVER;
    confirm(m, nonce);
    if (!awaited) return;
    attempts = 0;
    state = WAIT_ACK;
    if (a.decision >= 5) retry_at = now + 1000ll * (a.retry == ABSENT ? 5 : a.retry);
}

static void draw_challenge(void) {
    uint8_t id[4];
    draw(id, 4);
    challenge_id = be32(id);
    draw(challenge, 32);
    challenge_open = 1;
    challenge_drops = 0;
}

static int judge_ticket(const struct message *m, const struct answer *a, struct refusal *why) {
    static const int SCOPE[] = {0, 0, 4, 0, 1, 0, 2, 0};
    int live = 0;
    if (judge_identity(a, why)) return -1;
    if (!challenge_open) return refuse(why, ST_FRESHNESS, "E_UNSOLICITED");
    if (m->exchange != challenge_id) return refuse(why, ST_BINDING, "E_XID");
    if (memcmp(a->nonce, challenge, 32)) return refuse(why, ST_FRESHNESS, "E_NONCE");
    if (judge_common(a, why)) return -1;
    for (uint32_t i = 0; i < R.tickets; i++) {
#ifndef ODAP_BUG_TICKET_REUSE
        if (!memcmp(R.used[i].id, a->ticket, 16)) return refuse(why, ST_POLICY, "E_TICKET_USED");
#endif
        live += R.used[i].until >= floor_s();
    }
    if (live >= TICKETS) return refuse(why, ST_POLICY, "E_TICKET_USED");
#ifdef ODAP_BUG_SCOPE
    if (R.lock_state != S_ACTIVE) return 0;
#endif
    return a->scope & SCOPE[R.lock_state] ? 0 : refuse(why, ST_POLICY, "E_TICKET_SCOPE");
}

static void on_ticket(const struct message *m) {
    struct refusal why;
    struct answer a;
    struct key signer;
    struct record r = R;
    if (wire_verify(&K, m, UNLOCK, floor_s(), &signer, &why)) {
        if (challenge_open && ++challenge_drops >= DROPS) challenge_open = 0;
        drop(&why);
        return;
    }
    if (wire_answer(m, &a, &why) || judge_ticket(m, &a, &why)) {
        tell(&why);
        if (challenge_open) draw_challenge();
        return;
    }
    challenge_open = 0;
    keep(&r, m, &a, &signer);
    r.lock_state = S_ACTIVE;
    r.decision = 0;
    r.recheck = ABSENT;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r.tickets; i++)
        if (r.used[i].until >= floor_s()) r.used[kept++] = r.used[i];
    memcpy(r.used[kept].id, a.ticket, 16);
    r.used[kept].until = a.until;
    r.tickets = kept + 1;
    if (commit(&r)) {
        refuse(&why, ST_COMMIT, "E_STORE");
        tell(&why);
        return;
    }
    recheck_at = due_at = retry_at = NEVER;
    if (state == BACKOFF) state = IDLE;
    confirm(m, challenge);
}

static void on_keyset(const struct message *m) {
    struct refusal why;
    struct keyset next;
    struct record r = R;
    if (wire_next_keyset(&K, m, floor_s(), &next, &why)) { drop(&why); return; }
    memcpy(r.keyset, m->raw, m->size);
    r.keyset_len = (uint32_t)m->size;
    if (next.epoch > r.epoch) {
        r.epoch = next.epoch;
        r.policy = 0;
    }
    if (commit(&r)) { refuse(&why, ST_COMMIT, "E_STORE"); drop(&why); return; }
    K = next;
    int known = 0;
    for (int i = 0; i < K.count; i++) known |= !memcmp(K.keys[i].id, R.signer.id, 32);
    if (R.answer_len && !known) recheck_at = now;
}

static void on_ack(const struct message *m) {
    struct refusal why;
    int fits = m->body_len >= 80 && state == WAIT_ACK && m->exchange == exchange_id &&
               !memcmp(m->body, trusted.realm, 16) && !memcmp(m->body + 16, own.id, 32);
    if (!fits) { refuse(&why, ST_FRESHNESS, "E_UNSOLICITED"); drop(&why); return; }
    state = retry_at == NEVER ? IDLE : BACKOFF;
    exchange_until = NEVER;
    closing = 1;
}

static void on_error(const struct message *m) {
    uint32_t later = m->body_len >= 5 ? be32(m->body + 1) : ABSENT;
#ifdef ODAP_BUG_ERROR
    struct record r = R;
    r.lock_state = S_ACTIVE;
    commit(&r);
    state = IDLE;
    exchange_until = NEVER;
    closing = 1;
    return;
#endif
    if (state == WAIT_CHALLENGE || state == WAIT_RESPONSE)
        back_off(later == ABSENT || later > 86400 ? 0 : 1000ll * later);
}

static void message(const uint8_t *p, size_t size) {
    struct message m;
    struct refusal why;
    if (wire_open(p, size, &m, &why)) { drop(&why); return; }
    switch (m.type) {
    case CHALLENGE: on_challenge(&m); break;
    case RESPONSE: on_response(&m); break;
    case CONFIRM_ACK: on_ack(&m); break;
    case UNLOCK_TICKET: on_ticket(&m); break;
    case KEYSET: on_keyset(&m); break;
    case ERROR: on_error(&m); break;
    default: refuse(&why, ST_HEADER, "E_TYPE"); drop(&why);
    }
}

/* What the world does ---------------------------------------------------------------------- */

int device_wants_link(void) {
    if (F.off || R.lock_state == S_FAULT) return 0;
    if (closing) return 0;
    if (state == WAIT_CHALLENGE || state == WAIT_RESPONSE || state == WAIT_ACK) return 1;
    return state == IDLE && !challenge_open && (due_at <= now || recheck_at <= now);
}

void device_link(int open) {
    in_len = 0;
    frame_until = NEVER;
    if (open) {
        linked = 1;
        closing = 0;
        out_len = 0;
        ask();
        return;
    }
    int talking = state == WAIT_CHALLENGE || state == WAIT_RESPONSE || state == WAIT_ACK;
    int lost = linked && !closing && talking;
    linked = closing = 0;
    out_len = 0;
    if (lost || (!talking && device_wants_link())) back_off(0);
    if (recheck_at <= now) recheck_at = NEVER;
}

static void frame_failed(const char *code) {
    struct refusal why;
    refuse(&why, ST_FRAME, code);
    tell(&why);
    back_off(0);
}

void device_receive(const uint8_t *p, size_t size) {
    while (size > 0 && linked && !closing && !F.off) {
        if (in_len == 0) frame_until = now + 5000;
#ifdef ODAP_BUG_DEADLINE
        frame_until = now + 5000;
#endif
        size_t want = in_len < 2 ? 2 : 2 + ((size_t)in[0] << 8 | in[1]);
        size_t some = want - in_len < size ? want - in_len : size;
        memcpy(in + in_len, p, some);
        in_len += some;
        p += some;
        size -= some;
        size_t length = in_len >= 2 ? ((size_t)in[0] << 8 | in[1]) : HEADER;
        if (length < HEADER || length > MAX_MESSAGE) {
            frame_failed("E_FRAME_LEN");
            return;
        }
        if (in_len >= 2 && in_len == 2 + length) {
            in_len = 0;
            frame_until = NEVER;
            uint8_t whole[MAX_MESSAGE];
            memcpy(whole, in + 2, length);
            message(whole, length);
        }
    }
}

size_t device_outgoing(uint8_t *p, size_t room) {
    size_t some = out_len < room ? out_len : room;
    memcpy(p, out, some);
    memmove(out, out + some, out_len - some);
    out_len -= some;
    return some;
}

void device_tick(int64_t at) {
    now = at;
    if (F.off) return;
    if (frame_until <= now) {
        frame_until = NEVER;
        frame_failed("E_TIMEOUT");
    }
    if (exchange_until <= now) {
        exchange_until = NEVER;
        if (state == WAIT_ACK) {
            state = retry_at == NEVER ? IDLE : BACKOFF;
            closing = 1;
        } else {
            note("E_TIMEOUT");
            back_off(0);
        }
    }
    if (state == BACKOFF && retry_at <= now && !challenge_open) {
        retry_at = NEVER;
        state = IDLE;
        due_at = now;
    }
}

int64_t device_wake(void) {
    int64_t times[] = {frame_until, exchange_until, state == BACKOFF ? retry_at : NEVER,
                       state == IDLE ? due_at : NEVER, state == IDLE ? recheck_at : NEVER};
    int64_t best = NEVER;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (times[i] > now && times[i] < best) best = times[i];
    return F.off || R.lock_state == S_FAULT ? NEVER : best;
}

void device_modem(const char *new_imei, const char *new_serving) {
    if (new_imei) {
        snprintf(imei, sizeof imei, "%s", new_imei);
        pack_imei(imei, imei_octets);
    }
    if (new_serving) {
        snprintf(serving, sizeof serving, "%s", new_serving);
        if (R.lock_state >= S_PENDING && strcmp(serving, R.serving) && state == IDLE) due_at = now;
    }
}

void device_wipe(void) {
    struct record r = R;
    if (r.lock_state == S_ACTIVE || r.lock_state == S_PENDING) {
        r.lock_state = S_SETUP_LOCKED;
        r.answer_len = 0;
        r.imei[0] = r.serving[0] = 0;
        r.recheck = ABSENT;
    }
#ifdef ODAP_BUG_FLOORS
    r.floor = 0;
    r.policy = 0;
    r.tickets = 0;
    r.decision = 0;
#endif
    if (!commit(&r)) boot();
}

size_t device_ask(uint8_t *p) {
    if (R.lock_state != S_TERRITORY && R.lock_state != S_FINANCE && R.lock_state != S_PENDING &&
        R.lock_state != S_BLOCKLIST)
        return 0;
    draw_challenge();
    size_t size = head(p, UNLOCK_CHALLENGE, challenge_id, 89);
    memcpy(p + HEADER, trusted.realm, 16);
    memcpy(p + HEADER + 16, own.id, 32);
    memcpy(p + HEADER + 48, imei_octets, 8);
    memcpy(p + HEADER + 56, challenge, 32);
    p[HEADER + 88] = (uint8_t)R.lock_state;
    return size;
}

void device_type(const uint8_t *p, size_t size) {
    message(p, size);
    challenge_open = 0; /* whoever typed it leaves the entry */
    device_tick(now);
}

const char *device_state(void) {
    static const char *NAMES[] = {"UNPROVISIONED", "SETUP_LOCKED", "PENDING", "ACTIVE",
                                  "LOCKED_TERRITORY", "LOCKED_BLOCKLIST", "LOCKED_FINANCE",
                                  "STORE_FAULT"};
    return NAMES[R.lock_state];
}

const char *device_page(void) { return R.lock_state == S_ACTIVE ? "HOME" : "LOCKED"; }
uint64_t device_floor(void) { return floor_s(); }
struct flash *device_flash(void) { return &F; }

const char *device_refusals(void) {
    static char told[sizeof codes];
    strcpy(told, codes);
    codes[0] = 0;
    return told;
}
