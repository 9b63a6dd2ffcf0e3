/* What the parts of the machine share. Private to record.c, answers.c and device.c. */
#ifndef ODAP_CDEVICE_STATE_H
#define ODAP_CDEVICE_STATE_H

#include "device.h"

enum { IDLE, WAIT_CHALLENGE, WAIT_RESPONSE, WAIT_ACK, BACKOFF };
enum { TICKETS = 64, DROPS = 8 };
static const uint64_t TEN_YEARS = 3660ull * 86400;
static const uint32_t ABSENT = 0xffffffffu;
static const int64_t NEVER = INT64_MAX;

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

extern struct setup S;
extern struct record R;
extern struct flash F;
extern struct keyset trusted, K;
extern struct key own;
extern char imei[16], serving[8];
extern uint8_t imei_octets[8];
extern int64_t now, frame_until, exchange_until, retry_at, due_at, recheck_at, nonce_at, rtc_offset;
extern int state, linked, closing, drops, attempts, slot, boots, question, challenge_open, challenge_drops;
extern uint32_t exchange_id, challenge_id;
extern uint8_t request[MAX_MESSAGE], request_hash[32], nonce[32], topic[32], challenge[32];
extern size_t request_len;
extern char asked_serving[8];
extern uint8_t in[2 + MAX_MESSAGE], out[4 * MAX_MESSAGE];
extern size_t in_len, out_len;
extern char codes[4096];
extern uint32_t chance;

void draw(uint8_t *p, size_t size);
void note(const char *code);
uint64_t floor_s(void);
uint64_t rtc(void);
void pack_imei(const char *digits, uint8_t p[8]);
void pack_plmn(const char *d, uint8_t p[3]);
void transmit(const uint8_t *p, size_t size);
size_t head(uint8_t *p, int type, uint32_t id, size_t body);
size_t seal(uint8_t *p, int type, size_t size);
void tell(const struct refusal *why);
void mac_of(const struct record *r, uint8_t mac[32]);
int commit(const struct record *changed);
int readable(int index, struct record *r);
int explained(void);
void boot(void);
void back_off(int64_t at_least);
void drop(const struct refusal *why);
void ask(void);
void on_challenge(const struct message *m);
int judge_common(const struct answer *a, struct refusal *why);
int judge_identity(const struct answer *a, struct refusal *why);
int judge_response(const struct message *m, const struct answer *a, struct refusal *why);
void confirm(const struct message *m, const uint8_t *answered);
void keep(struct record *r, const struct message *m, const struct answer *a, const struct key *signer);
void on_response(const struct message *m);
void draw_challenge(void);
int judge_ticket(const struct message *m, const struct answer *a, struct refusal *why);
void on_ticket(const struct message *m);
void on_keyset(const struct message *m);

#endif
