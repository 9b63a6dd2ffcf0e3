/* Judging RESPONSE, UNLOCK_TICKET and KEYSET, and taking them. SPEC.md 11.3, 12.2 and 9.2. */
#include "state.h"

#include <stdio.h>
#include <string.h>

int judge_common(const struct answer *a, struct refusal *why) {
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

int judge_identity(const struct answer *a, struct refusal *why) {
#ifndef ODAP_BUG_REALM
    if (memcmp(a->realm, trusted.realm, 16)) return refuse(why, ST_BINDING, "E_REALM");
#endif
    if (memcmp(a->device, own.id, 32)) return refuse(why, ST_BINDING, "E_DEVICE");
    if (memcmp(a->imei, imei_octets, 8)) return refuse(why, ST_BINDING, "E_IMEI");
    return 0;
}

int judge_response(const struct message *m, const struct answer *a, struct refusal *why) {
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

void confirm(const struct message *m, const uint8_t *answered) {
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

void keep(struct record *r, const struct message *m, const struct answer *a,
                 const struct key *signer) {
    memcpy(r->answer, m->raw, m->size);
    r->answer_len = (uint32_t)m->size;
    r->signer = *signer;
    if (a->issued > r->floor) r->floor = a->issued;
    r->epoch = a->epoch;
    r->policy = a->policy;
}

void on_response(const struct message *m) {
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

void draw_challenge(void) {
    uint8_t id[4];
    draw(id, 4);
    challenge_id = be32(id);
    draw(challenge, 32);
    challenge_open = 1;
    challenge_drops = 0;
}

int judge_ticket(const struct message *m, const struct answer *a, struct refusal *why) {
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

void on_ticket(const struct message *m) {
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

void on_keyset(const struct message *m) {
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
