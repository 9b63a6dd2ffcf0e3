/* The exchange of a device with its server. SPEC.md 11.1.
 * Not here: announced locks (11.5), the typed form (12.3), position and cell in REQUEST. */
#include "state.h"

#include <stdio.h>
#include <string.h>

/* The exchange ----------------------------------------------------------------------------- */

void back_off(int64_t at_least) {
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

void drop(const struct refusal *why) {
    tell(why);
    if (state != WAIT_CHALLENGE && state != WAIT_RESPONSE) return;
#ifndef ODAP_BUG_DROPS
    if (++drops >= DROPS) back_off(0);
#endif
}

void ask(void) {
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

void on_challenge(const struct message *m) {
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

void on_ack(const struct message *m) {
    struct refusal why;
    const char *code = 0;
    if (m->body_len < 80) code = "E_LAYOUT";
    else if (wire_extensions(m->body + 80, m->body_len - 80, &why)) code = why.code;
    else if (memcmp(m->body, trusted.realm, 16)) code = "E_REALM";
    else if (memcmp(m->body + 16, own.id, 32)) code = "E_DEVICE";
    else if (state != WAIT_ACK) code = "E_UNSOLICITED";
    else if (m->exchange != exchange_id) code = "E_XID";
    if (code) { refuse(&why, ST_BINDING, code); drop(&why); return; }
    state = retry_at == NEVER ? IDLE : BACKOFF;
    exchange_until = NEVER;
    closing = 1;
}

void on_error(const struct message *m) {
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

void message(const uint8_t *p, size_t size) {
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

void frame_failed(const char *code) {
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
