/*
 * ODAP/1 for C11: numbers, limits and layouts of protocol/SPEC.md. No code but four readers.
 * Made by tools/spec from the declarations that the Python code runs on; do not edit.
 *
 * Every member of every struct is an array of octets, so there is no padding and no byte order:
 * a struct may be laid over received octets anywhere. Multi-octet numbers are big-endian; read
 * them with odap_u16, odap_u32, odap_u64.
 */
#ifndef ODAP_H
#define ODAP_H

#include <stdint.h>

#define ODAP_MAGIC "ODAP"
#define ODAP_VERSION 1
#define ODAP_MAX_MESSAGE 4096
#define ODAP_HEADER_SIZE 16
#define ODAP_SIGNATURE_ENTRY_SIZE 96
#define ODAP_MAX_SIGNATURES 8
#define ODAP_MAX_EXTENSIONS 16
#define ODAP_MAX_KEYSET_ENTRIES 32
#define ODAP_FRAME_DEADLINE_MS 5000
#define ODAP_EXCHANGE_DEADLINE_MS 30000
#define ODAP_MAX_DROPS 8
#define ODAP_BACKOFF_BASE_MS 5000
#define ODAP_BACKOFF_CAP_MS 3600000
#define ODAP_LOCAL_MAX_AGE_S 300
#define ODAP_TEN_YEARS_S 316224000
#define ODAP_EXTENSION_CRITICAL 0x8000u
#define ODAP_ABSENT_U32 0xffffffffu

/* What is signed: 64 spaces, the context, 00, header, body. */
#define ODAP_CONTEXT_REQUEST "ODAP/1 request"
#define ODAP_CONTEXT_RESPONSE "ODAP/1 response"
#define ODAP_CONTEXT_CONFIRM "ODAP/1 confirm"
#define ODAP_CONTEXT_UNLOCK_TICKET "ODAP/1 unlock-ticket"
#define ODAP_CONTEXT_KEYSET "ODAP/1 keyset"
#define ODAP_KEY_ID_LABEL "ODAP/1 key"

enum odap_type {
    ODAP_TYPE_CHALLENGE_REQ = 1,
    ODAP_TYPE_CHALLENGE = 2,
    ODAP_TYPE_REQUEST = 3,
    ODAP_TYPE_RESPONSE = 4,
    ODAP_TYPE_CONFIRM = 5,
    ODAP_TYPE_CONFIRM_ACK = 6,
    ODAP_TYPE_UNLOCK_CHALLENGE = 7,
    ODAP_TYPE_UNLOCK_TICKET = 8,
    ODAP_TYPE_KEYSET = 9,
    ODAP_TYPE_ERROR = 10,
};

enum odap_algorithm {
    ODAP_ALGORITHM_ESP256 = 1,
    ODAP_ALGORITHM_ED25519 = 2,
};

enum odap_role {
    ODAP_ROLE_ROOT = 0x0001,
    ODAP_ROLE_ACT = 0x0002,
    ODAP_ROLE_UNLOCK = 0x0004,
    ODAP_ROLE_TIME = 0x0008,
    ODAP_ROLE_DEVICE = 0x0010,
};

enum odap_decision {
    ODAP_DECISION_ACTIVATE = 1,
    ODAP_DECISION_LOCK_TERRITORY = 2,
    ODAP_DECISION_LOCK_BLOCKLIST = 3,
    ODAP_DECISION_LOCK_FINANCE = 4,
    ODAP_DECISION_PENDING = 5,
    ODAP_DECISION_DEACTIVATE = 6,
};

enum odap_reason {
    ODAP_REASON_NONE = 0,
    ODAP_REASON_PLACE_ALLOWED = 1,
    ODAP_REASON_PLACE_FORBIDDEN = 2,
    ODAP_REASON_PLACE_UNKNOWN = 3,
    ODAP_REASON_BLOCKLISTED = 4,
    ODAP_REASON_FINANCE = 5,
    ODAP_REASON_WITHDRAWN = 6,
    ODAP_REASON_NO_RULE = 7,
};

enum odap_lock {
    ODAP_LOCK_UNPROVISIONED = 0,
    ODAP_LOCK_SETUP_LOCKED = 1,
    ODAP_LOCK_PENDING = 2,
    ODAP_LOCK_ACTIVE = 3,
    ODAP_LOCK_LOCKED_TERRITORY = 4,
    ODAP_LOCK_LOCKED_BLOCKLIST = 5,
    ODAP_LOCK_LOCKED_FINANCE = 6,
    ODAP_LOCK_STORE_FAULT = 7,
};

enum odap_firmware {
    ODAP_FIRMWARE_OFFICIAL = 1,
    ODAP_FIRMWARE_UNOFFICIAL = 2,
};

enum odap_evidence {
    ODAP_EVIDENCE_SERVING = 0x0001,
    ODAP_EVIDENCE_SIM = 0x0002,
    ODAP_EVIDENCE_CELL = 0x0004,
    ODAP_EVIDENCE_GNSS = 0x0008,
    ODAP_EVIDENCE_WIFI_COUNTRY = 0x0010,
};

enum odap_cause {
    ODAP_CAUSE_FIRST = 1,
    ODAP_CAUSE_RETRY = 2,
    ODAP_CAUSE_RECHECK = 3,
    ODAP_CAUSE_IDENTITY_CHANGED = 4,
    ODAP_CAUSE_FACTORY_RESET = 5,
    ODAP_CAUSE_USER = 6,
    ODAP_CAUSE_PLACE_CHANGED = 7,
};

enum odap_scope {
    ODAP_SCOPE_TERRITORY = 0x0001,
    ODAP_SCOPE_FINANCE = 0x0002,
    ODAP_SCOPE_PENDING = 0x0004,
};

enum odap_extension {
    ODAP_EXTENSION_CELL = 0x0001,
    ODAP_EXTENSION_GNSS = 0x0002,
    ODAP_EXTENSION_WIFI_COUNTRY = 0x0003,
    ODAP_EXTENSION_LOCALE = 0x0004,
    ODAP_EXTENSION_CAUSE = 0x0005,
    ODAP_EXTENSION_DISPLAY_TEXT = 0x0101,
    ODAP_EXTENSION_LOCK_NOTICE = 0x0102,
};

enum odap_stage {
    ODAP_STAGE_FRAME = 1,
    ODAP_STAGE_HEADER = 2,
    ODAP_STAGE_SIGNATURE = 3,
    ODAP_STAGE_LAYOUT = 4,
    ODAP_STAGE_BINDING = 5,
    ODAP_STAGE_FRESHNESS = 6,
    ODAP_STAGE_TIME = 7,
    ODAP_STAGE_POLICY = 8,
    ODAP_STAGE_COMMIT = 9,
    ODAP_STAGE_SCREEN = 10,
};

/* For logs and test ports; never on the wire. The numbers are this file's own. */
enum odap_code {
    ODAP_E_FRAME,
    ODAP_E_FRAME_LEN,
    ODAP_E_FRAME_FCS,
    ODAP_E_TIMEOUT,
    ODAP_E_HEADER,
    ODAP_E_VERSION,
    ODAP_E_TYPE,
    ODAP_E_SIG_MISSING,
    ODAP_E_SIG_FORM,
    ODAP_E_SIG_BAD,
    ODAP_E_KEY_UNKNOWN,
    ODAP_E_KEY_ROLE,
    ODAP_E_KEY_EXPIRED,
    ODAP_E_KEY_WEAK,
    ODAP_E_ALG,
    ODAP_E_THRESHOLD,
    ODAP_E_LAYOUT,
    ODAP_E_EXT,
    ODAP_E_EXT_UNKNOWN_CRITICAL,
    ODAP_E_DECISION,
    ODAP_E_IMEI,
    ODAP_E_PLMN,
    ODAP_E_REALM,
    ODAP_E_DEVICE,
    ODAP_E_XID,
    ODAP_E_REQHASH,
    ODAP_E_UNSOLICITED,
    ODAP_E_NONCE,
    ODAP_E_NONCE_REUSE,
    ODAP_E_STALE,
    ODAP_E_EXPIRED,
    ODAP_E_TIME,
    ODAP_E_TIME_ROLLBACK,
    ODAP_E_EPOCH,
    ODAP_E_ROLLBACK,
    ODAP_E_KEYSET_STALE,
    ODAP_E_EQUIVOCATION,
    ODAP_E_TICKET_USED,
    ODAP_E_TICKET_SCOPE,
    ODAP_E_STORE,
    ODAP_E_UNAUTH_ERROR,
};

/* HEADER: before every body. */
struct odap_header {
    uint8_t magic[4]; /* octets[4]: ODAP */
    uint8_t version[1]; /* u8: 1 */
    uint8_t type[1]; /* u8: message type */
    uint8_t flags[2]; /* u16: 0 */
    uint8_t exchange_id[4]; /* u32: drawn by the device, repeated by every message of the exchange */
    uint8_t body_len[2]; /* u16: octets of fixed part and extensions */
    uint8_t reserved[2]; /* u16: 0 */
};
#define ODAP_HEADER_SIZE 16
_Static_assert(sizeof(struct odap_header) == ODAP_HEADER_SIZE, "header");

/* CHALLENGE_REQ: fixed part of CHALLENGE_REQ. */
struct odap_challenge_req {
    uint8_t realm[16]; /* realm: the deployment */
    uint8_t device_key_id[32]; /* octets[32]: key id of the device key */
    uint8_t keyset_version[4]; /* u32: version of the keyset in force */
    uint8_t policy_epoch[4]; /* u32: epoch of the policy */
    uint8_t policy_version[4]; /* u32: version of the policy */
};
#define ODAP_CHALLENGE_REQ_SIZE 60
_Static_assert(sizeof(struct odap_challenge_req) == ODAP_CHALLENGE_REQ_SIZE, "challenge_req");

/* CHALLENGE: fixed part of CHALLENGE. */
struct odap_challenge {
    uint8_t realm[16]; /* realm: the deployment */
    uint8_t device_key_id[32]; /* octets[32]: key id of the device key */
    uint8_t server_nonce[32]; /* octets[32]: drawn by the server for this exchange */
    uint8_t keyset_version[4]; /* u32: version of the keyset in force */
};
#define ODAP_CHALLENGE_SIZE 84
_Static_assert(sizeof(struct odap_challenge) == ODAP_CHALLENGE_SIZE, "challenge");

/* REQUEST: fixed part of REQUEST. */
struct odap_request {
    uint8_t realm[16]; /* realm: the deployment */
    uint8_t device_key_id[32]; /* octets[32]: key id of the device key */
    uint8_t device_key_algorithm[1]; /* u8: algorithm of device_key */
    uint8_t device_key[33]; /* key: public key of the device; Ed25519 is padded with one 00 */
    uint8_t imei[8]; /* imei: IMEI, TBCD, 15 digits and filler F */
    uint8_t imei2[8]; /* imei: second IMEI; all ones: absent */
    uint8_t device_nonce[32]; /* octets[32]: single use, drawn by the device */
    uint8_t server_nonce[32]; /* octets[32]: as in CHALLENGE */
    uint8_t serving_plmn[3]; /* plmn: registered PLMN, TS 24.008 BCD; all ones: absent */
    uint8_t sim_plmn[3]; /* plmn: home PLMN of the SIM, TS 24.008 BCD; all ones: absent */
    uint8_t evidence[2]; /* u16: which evidence is present */
    uint8_t policy_epoch[4]; /* u32: floor of the device */
    uint8_t policy_version[4]; /* u32: floor of the device */
    uint8_t keyset_version[4]; /* u32: version of the keyset in force */
    uint8_t lock_state[1]; /* u8: lock state of the device */
    uint8_t firmware_kind[1]; /* u8: kind of the boot image */
    uint8_t security_version[4]; /* u32: anti-rollback version of the boot image */
    uint8_t boot_count[4]; /* u32: boots since manufacture */
};
#define ODAP_REQUEST_SIZE 192
_Static_assert(sizeof(struct odap_request) == ODAP_REQUEST_SIZE, "request");

/* RESPONSE: fixed part of RESPONSE. */
struct odap_response {
    uint8_t realm[16]; /* realm: the deployment */
    uint8_t device_key_id[32]; /* octets[32]: key id of the device key */
    uint8_t imei[8]; /* imei: IMEI, TBCD, 15 digits and filler F */
    uint8_t device_nonce[32]; /* octets[32]: single use, drawn by the device */
    uint8_t request_hash[32]; /* octets[32]: SHA-256 of the whole signed REQUEST */
    uint8_t decision[1]; /* u8: the decision */
    uint8_t reason[2]; /* u16: why, for a person */
    uint8_t country[2]; /* country: ISO 3166-1 alpha-2 as decided; all ones: absent */
    uint8_t subdivision[3]; /* subdivision: ISO 3166-2 after the hyphen, 00 padded; all ones: absent */
    uint8_t policy_epoch[4]; /* u32: epoch of the policy */
    uint8_t policy_version[4]; /* u32: version of the policy */
    uint8_t keyset_version[4]; /* u32: version of the keyset in force */
    uint8_t issued_at[8]; /* u64: seconds since 1970 */
    uint8_t not_after[8]; /* u64: seconds since 1970, inclusive */
    uint8_t max_age[4]; /* u32: seconds from the device nonce */
    uint8_t retry_after[4]; /* u32: seconds, for PENDING; all ones: absent */
    uint8_t recheck_after[4]; /* u32: seconds until the device checks in again; all ones: absent */
};
#define ODAP_RESPONSE_SIZE 168
_Static_assert(sizeof(struct odap_response) == ODAP_RESPONSE_SIZE, "response");

/* CONFIRM: fixed part of CONFIRM. */
struct odap_confirm {
    uint8_t realm[16]; /* realm: the deployment */
    uint8_t device_key_id[32]; /* octets[32]: key id of the device key */
    uint8_t device_nonce[32]; /* octets[32]: single use, drawn by the device */
    uint8_t response_hash[32]; /* octets[32]: SHA-256 of the whole signed answer */
    uint8_t record_sequence[4]; /* u32: sequence of the committed record */
    uint8_t lock_state[1]; /* u8: lock state of the device */
};
#define ODAP_CONFIRM_SIZE 117
_Static_assert(sizeof(struct odap_confirm) == ODAP_CONFIRM_SIZE, "confirm");

/* CONFIRM_ACK: fixed part of CONFIRM_ACK. */
struct odap_confirm_ack {
    uint8_t realm[16]; /* realm: the deployment */
    uint8_t device_key_id[32]; /* octets[32]: key id of the device key */
    uint8_t response_hash[32]; /* octets[32]: as in CONFIRM */
};
#define ODAP_CONFIRM_ACK_SIZE 80
_Static_assert(sizeof(struct odap_confirm_ack) == ODAP_CONFIRM_ACK_SIZE, "confirm_ack");

/* UNLOCK_CHALLENGE: fixed part of UNLOCK_CHALLENGE. */
struct odap_unlock_challenge {
    uint8_t realm[16]; /* realm: the deployment */
    uint8_t device_key_id[32]; /* octets[32]: key id of the device key */
    uint8_t imei[8]; /* imei: IMEI, TBCD, 15 digits and filler F */
    uint8_t challenge[32]; /* octets[32]: single use, drawn by the device */
    uint8_t lock_state[1]; /* u8: lock state of the device */
};
#define ODAP_UNLOCK_CHALLENGE_SIZE 89
_Static_assert(sizeof(struct odap_unlock_challenge) == ODAP_UNLOCK_CHALLENGE_SIZE, "unlock_challenge");

/* UNLOCK_TICKET: fixed part of UNLOCK_TICKET. */
struct odap_unlock_ticket {
    uint8_t realm[16]; /* realm: the deployment */
    uint8_t device_key_id[32]; /* octets[32]: key id of the device key */
    uint8_t imei[8]; /* imei: IMEI, TBCD, 15 digits and filler F */
    uint8_t challenge[32]; /* octets[32]: as in UNLOCK_CHALLENGE */
    uint8_t ticket_id[16]; /* octets[16]: single use for ever */
    uint8_t scope[2]; /* u16: which locks it opens */
    uint8_t policy_epoch[4]; /* u32: epoch of the policy */
    uint8_t policy_version[4]; /* u32: version of the policy */
    uint8_t keyset_version[4]; /* u32: version of the keyset in force */
    uint8_t issued_at[8]; /* u64: seconds since 1970 */
    uint8_t not_after[8]; /* u64: seconds since 1970, inclusive */
};
#define ODAP_UNLOCK_TICKET_SIZE 134
_Static_assert(sizeof(struct odap_unlock_ticket) == ODAP_UNLOCK_TICKET_SIZE, "unlock_ticket");

/* KEYSET: fixed part of KEYSET. */
struct odap_keyset {
    uint8_t realm[16]; /* realm: the deployment */
    uint8_t version[4]; /* u32: one more than the keyset it follows */
    uint8_t not_before[8]; /* u64: seconds since 1970 */
    uint8_t not_after[8]; /* u64: seconds since 1970, inclusive */
    uint8_t policy_epoch[4]; /* u32: epoch of the policy; only roots raise it */
    uint8_t root_threshold[1]; /* u8: distinct root signatures that the next keyset needs */
    uint8_t entry_count[1]; /* u8: entries that follow, 1 to 32 */
};
#define ODAP_KEYSET_SIZE 42
_Static_assert(sizeof(struct odap_keyset) == ODAP_KEYSET_SIZE, "keyset");

/* ERROR: fixed part of ERROR. */
struct odap_error {
    uint8_t stage[1]; /* u8: stage of the refusal, 0 for none */
    uint8_t retry_after[4]; /* u32: seconds; all ones: absent */
};
#define ODAP_ERROR_SIZE 5
_Static_assert(sizeof(struct odap_error) == ODAP_ERROR_SIZE, "error");

/* KEYSET_ENTRY: entry_count of them in a KEYSET. */
struct odap_keyset_entry {
    uint8_t algorithm[1]; /* u8: algorithm of the key */
    uint8_t roles[2]; /* u16: what the key may sign */
    uint8_t not_before[8]; /* u64: seconds since 1970 */
    uint8_t not_after[8]; /* u64: seconds since 1970, inclusive */
    uint8_t public_key[33]; /* key: public key; Ed25519 is padded with one 00 */
};
#define ODAP_KEYSET_ENTRY_SIZE 52
_Static_assert(sizeof(struct odap_keyset_entry) == ODAP_KEYSET_ENTRY_SIZE, "keyset_entry");

/* SIGNATURE: after the count (u8) of signatures. */
struct odap_signature {
    uint8_t key_id[32]; /* octets[32]: key id of the signer */
    uint8_t signature[64]; /* octets[64]: r||s, or R||S */
};
#define ODAP_SIGNATURE_SIZE 96
_Static_assert(sizeof(struct odap_signature) == ODAP_SIGNATURE_SIZE, "signature");

/* EXTENSION_HEADER: before the value of an extension. */
struct odap_extension_header {
    uint8_t type[2]; /* u16: top bit: critical */
    uint8_t length[2]; /* u16: octets of the value */
};
#define ODAP_EXTENSION_HEADER_SIZE 4
_Static_assert(sizeof(struct odap_extension_header) == ODAP_EXTENSION_HEADER_SIZE, "extension_header");

/* EXTENSION_CELL: value of CELL. */
struct odap_extension_cell {
    uint8_t access[1]; /* u8: AcT of TS 27.007, 7.3 */
    uint8_t area[4]; /* u32: LAC or TAC */
    uint8_t cell[8]; /* u64: cell identity */
};
#define ODAP_EXTENSION_CELL_SIZE 13
_Static_assert(sizeof(struct odap_extension_cell) == ODAP_EXTENSION_CELL_SIZE, "extension_cell");

/* EXTENSION_GNSS: value of GNSS. */
struct odap_extension_gnss {
    uint8_t latitude_e7[4]; /* i32: 1e-7 degrees, north positive */
    uint8_t longitude_e7[4]; /* i32: 1e-7 degrees, east positive */
    uint8_t accuracy_m[4]; /* u32: metres */
    uint8_t age_s[4]; /* u32: seconds since the fix */
};
#define ODAP_EXTENSION_GNSS_SIZE 16
_Static_assert(sizeof(struct odap_extension_gnss) == ODAP_EXTENSION_GNSS_SIZE, "extension_gnss");

/* EXTENSION_WIFI_COUNTRY: value of WIFI_COUNTRY. */
struct odap_extension_wifi_country {
    uint8_t country[2]; /* country: ISO 3166-1 alpha-2 */
};
#define ODAP_EXTENSION_WIFI_COUNTRY_SIZE 2
_Static_assert(sizeof(struct odap_extension_wifi_country) == ODAP_EXTENSION_WIFI_COUNTRY_SIZE, "extension_wifi_country");

/* EXTENSION_CAUSE: value of CAUSE. */
struct odap_extension_cause {
    uint8_t cause[1]; /* u8: why the device checks in */
};
#define ODAP_EXTENSION_CAUSE_SIZE 1
_Static_assert(sizeof(struct odap_extension_cause) == ODAP_EXTENSION_CAUSE_SIZE, "extension_cause");

/* EXTENSION_LOCK_NOTICE: value of LOCK_NOTICE. */
struct odap_extension_lock_notice {
    uint8_t seconds[4]; /* u32: until the announced lock */
};
#define ODAP_EXTENSION_LOCK_NOTICE_SIZE 4
_Static_assert(sizeof(struct odap_extension_lock_notice) == ODAP_EXTENSION_LOCK_NOTICE_SIZE, "extension_lock_notice");

static inline uint16_t odap_u16(const uint8_t octets[2])
{
    return (uint16_t)((uint16_t)(octets[0] << 8) | octets[1]);
}

static inline uint32_t odap_u32(const uint8_t octets[4])
{
    return (uint32_t)odap_u16(octets) << 16 | odap_u16(octets + 2);
}

static inline uint64_t odap_u64(const uint8_t octets[8])
{
    return (uint64_t)odap_u32(octets) << 32 | odap_u32(octets + 4);
}

static inline int32_t odap_i32(const uint8_t octets[4])
{
    const uint32_t bits = odap_u32(octets);
    return bits < 0x80000000u ? (int32_t)bits : -(int32_t)(0xffffffffu - bits) - 1;
}

#endif
