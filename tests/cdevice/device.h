/* A second device for ODAP/1, written from protocol/SPEC.md alone. Only for tests: one device
 * in one process, virtual time, flash in memory. With -DODAP_BUG_... one check is missing. */
#ifndef ODAP_CDEVICE_H
#define ODAP_CDEVICE_H

#include <stddef.h>
#include <stdint.h>

enum { HEADER = 16, MAX_MESSAGE = 4096, ENTRY = 96, MAX_SIGNATURES = 8, MAX_KEYS = 32 };
enum { CHALLENGE_REQ = 1, CHALLENGE, REQUEST, RESPONSE, CONFIRM, CONFIRM_ACK, UNLOCK_CHALLENGE,
       UNLOCK_TICKET, KEYSET, ERROR };
enum { ROOT = 1, ACT = 2, UNLOCK = 4 };
enum { S_UNPROVISIONED, S_SETUP_LOCKED, S_PENDING, S_ACTIVE, S_TERRITORY, S_BLOCKLIST, S_FINANCE,
       S_FAULT };
enum { ST_FRAME = 1, ST_HEADER, ST_SIGNATURE, ST_LAYOUT, ST_BINDING, ST_FRESHNESS, ST_TIME,
       ST_POLICY, ST_COMMIT };

struct refusal { int stage; const char *code; };

struct key { uint8_t alg; uint16_t roles; uint64_t from, to; uint8_t pub[33]; uint8_t id[32]; };
struct keyset {
    uint8_t realm[16]; uint32_t version; uint64_t from, to; uint32_t epoch;
    int threshold, count; struct key keys[MAX_KEYS];
};
struct message {
    const uint8_t *raw; size_t size; int type; uint32_t exchange;
    const uint8_t *body; size_t body_len; int signatures; const uint8_t *block;
};
struct answer {
    const uint8_t *realm, *device, *imei, *nonce, *hash, *ticket;
    int decision, reason, scope; uint32_t epoch, policy, keyset, max_age, retry, recheck;
    uint64_t issued, until;
};

/* wire.c and keys.c: octets. Each returns 0, or -1 with *why filled in. */
extern const char *const CONTEXT[];
unsigned be16(const uint8_t *p);
uint32_t be32(const uint8_t *p);
uint64_t be64(const uint8_t *p);
void put(uint8_t *p, uint64_t value, int octets);
int wire_open(const uint8_t *raw, size_t size, struct message *m, struct refusal *why);
int wire_extensions(const uint8_t *p, size_t size, struct refusal *why);
int wire_keyset(const struct message *m, struct keyset *k, int judge, struct refusal *why);
int wire_answer(const struct message *m, struct answer *a, struct refusal *why);
int wire_verify(const struct keyset *k, const struct message *m, int role, uint64_t floor,
                struct key *signer, struct refusal *why);
int wire_next_keyset(const struct keyset *now, const struct message *m, uint64_t floor,
                     struct keyset *next, struct refusal *why);
int wire_own_roots(const struct message *m, struct keyset *k, struct refusal *why);
void key_identity(struct key *k);
int wire_key(int alg, const uint8_t secret[32], struct key *k);
int wire_sign(int alg, const uint8_t secret[32], int type, const uint8_t *octets, size_t size,
              uint8_t out[64]);
void sha256(const uint8_t *p, size_t size, uint8_t out[32]);
int refuse(struct refusal *why, int stage, const char *code);

/* flash.c: two slots and a counter, and what may happen to them. */
enum { SLOT = 12288 };
struct flash {
    uint8_t seen[2][SLOT], durable[2][SLOT]; int len[2], dlen[2]; uint32_t counter;
    int cut_in, cut_torn, fail_from, fail_count, off; unsigned changes;
};
void flash_new(struct flash *f);
int flash_commit(struct flash *f, int slot, const uint8_t *octets, int size);
int flash_bump(struct flash *f);
int flash_settle(struct flash *f);
void flash_power_cycle(struct flash *f);

/* device.c: the machine. Times are milliseconds. */
struct setup {
    char server[128], imei[16], serving[8], sim[8];
    uint8_t realm[16], secret[32], storage[32], seed[32], trust[MAX_MESSAGE];
    size_t trust_len; int alg; uint64_t rtc;
};
void device_reset(const struct setup *s);
void device_reboot(void);
void device_tick(int64_t now);
int64_t device_wake(void);
int device_wants_link(void);
void device_link(int open);
void device_receive(const uint8_t *p, size_t size);
size_t device_outgoing(uint8_t *p, size_t room);
void device_modem(const char *imei, const char *serving);
void device_wipe(void);
size_t device_ask(uint8_t *p);
void device_type(const uint8_t *p, size_t size);
const char *device_page(void);
const char *device_state(void);
uint64_t device_floor(void);
const char *device_refusals(void);
struct flash *device_flash(void);

#endif
