/* Keys, signatures and keysets of ODAP/1. SPEC.md sections 8 and 9. */
#include "device.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

static const uint64_t TEN_YEARS = 3660ull * 86400;

/* Keys ------------------------------------------------------------------------------------- */

void key_identity(struct key *k) {
    uint8_t octets[11 + 1 + 33] = "ODAP/1 key";
    size_t size = k->alg == 1 ? 33 : 32;
    octets[11] = k->alg;
    memcpy(octets + 12, k->pub, size);
    sha256(octets, 12 + size, k->id);
}

static EVP_PKEY *load_p256(const uint8_t *point, size_t size, const BIGNUM *secret) {
    EVP_PKEY *key = 0;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(0, "EC", 0);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, size);
    if (secret) OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    if (EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = 0;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(context);
    return key;
}

static BIGNUM *order(void) {
    BIGNUM *n = 0;
    BN_hex2bn(&n, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    return n;
}

/* Little-endian numbers of 32 octets: whether a < b. */
static int below(const uint8_t a[32], const uint8_t b[32]) {
    for (int i = 31; i >= 0; i--)
        if (a[i] != b[i]) return a[i] < b[i];
    return 0;
}

static const uint8_t ED_P[32] = {
    0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
static const uint8_t ED_L[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                 0, 0, 0, 0x10};
static const uint8_t SMALL[2][32] = {
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
     0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
     0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}};

/* A y that no key and no R may have: small order, or not below p. */
static int bad_y(const uint8_t octets[32]) {
    uint8_t y[32], zero[32] = {0}, one[32] = {1}, minus[32];
    memcpy(y, octets, 32);
    y[31] &= 0x7f;
    memcpy(minus, ED_P, 32);
    minus[0]--;
    return !below(y, ED_P) || !memcmp(y, zero, 32) || !memcmp(y, one, 32) ||
           !memcmp(y, minus, 32) || !memcmp(y, SMALL[0], 32) || !memcmp(y, SMALL[1], 32);
}

/* Whether the curve has an x for this y: x^2 = (y^2 - 1) / (d y^2 + 1) is a square. */
static int on_edwards(const uint8_t octets[32]) {
    uint8_t y[32];
    BN_CTX *c = BN_CTX_new();
    BN_CTX_start(c);
    BIGNUM *p = BN_lebin2bn(ED_P, 32, 0), *v, *d = BN_new(), *u = BN_new(), *t = BN_new();
    memcpy(y, octets, 32);
    y[31] &= 0x7f;
    v = BN_lebin2bn(y, 32, 0);
    BN_set_word(t, 121666);
    BN_mod_inverse(t, t, p, c);
    BN_set_word(d, 121665);
    BN_mod_mul(d, d, t, p, c);
    BN_sub(d, p, d);
    BN_mod_sqr(v, v, p, c);
    BN_copy(u, v);
    BN_sub_word(u, 1);
    BN_nnmod(u, u, p, c);
    BN_mod_mul(v, v, d, p, c);
    BN_add_word(v, 1);
    BN_mod_inverse(v, v, p, c);
    BN_mod_mul(u, u, v, p, c);
    int square = BN_kronecker(u, p, c) == 1;
    BN_free(p);
    BN_free(v);
    BN_free(d);
    BN_free(u);
    BN_free(t);
    BN_CTX_end(c);
    BN_CTX_free(c);
    return square;
}

static int sound_key(const struct key *k) {
    if (k->alg == 2) return !bad_y(k->pub) && on_edwards(k->pub);
    if (k->pub[0] != 2 && k->pub[0] != 3) return 0;
    EVP_PKEY *key = load_p256(k->pub, 33, 0);
    EVP_PKEY_free(key);
    return key != 0;
}

/* Signatures ------------------------------------------------------------------------------- */

static int verify_p256(const struct key *k, const uint8_t *octets, size_t size,
                       const uint8_t sig[64], struct refusal *why) {
    BIGNUM *r = BN_bin2bn(sig, 32, 0), *s = BN_bin2bn(sig + 32, 32, 0), *n = order();
    BIGNUM *half = BN_dup(n);
    BN_rshift1(half, half);
    int range = !BN_is_zero(r) && !BN_is_zero(s) && BN_cmp(r, n) < 0 && BN_cmp(s, n) < 0;
    int low = BN_cmp(s, half) <= 0, good = 0;
    BN_free(n);
    BN_free(half);
#ifdef ODAP_BUG_LOW_S
    low = 1;
#endif
    if (!range || !low) {
        BN_free(r);
        BN_free(s);
        return range ? refuse(why, ST_SIGNATURE, "E_SIG_FORM") : refuse(why, ST_SIGNATURE, "E_SIG_BAD");
    }
    ECDSA_SIG *pair = ECDSA_SIG_new();
    ECDSA_SIG_set0(pair, r, s);
    uint8_t *der = 0;
    int length = i2d_ECDSA_SIG(pair, &der);
    EVP_PKEY *key = load_p256(k->pub, 33, 0);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (key && EVP_DigestVerifyInit(context, 0, EVP_sha256(), 0, key) == 1)
        good = EVP_DigestVerify(context, der, (size_t)length, octets, size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    return good ? 0 : refuse(why, ST_SIGNATURE, "E_SIG_BAD");
}

static int verify_ed25519(const struct key *k, const uint8_t *octets, size_t size,
                          const uint8_t sig[64], struct refusal *why) {
    int good = 0;
    if (bad_y(k->pub)) return refuse(why, ST_SIGNATURE, "E_KEY_WEAK");
    if (bad_y(sig) || !below(sig + 32, ED_L)) return refuse(why, ST_SIGNATURE, "E_SIG_BAD");
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, 0, k->pub, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (key && EVP_DigestVerifyInit(context, 0, 0, 0, key) == 1)
        good = EVP_DigestVerify(context, sig, 64, octets, size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return good ? 0 : refuse(why, ST_SIGNATURE, "E_SIG_BAD");
}

static size_t covered(const char *context, const uint8_t *octets, size_t size, uint8_t *out) {
    memset(out, ' ', 64);
    memcpy(out + 64, "ODAP/1 ", 7);
    size_t length = 71 + strlen(context) + 1;
    memcpy(out + 71, context, strlen(context) + 1);
    memcpy(out + length, octets, size);
    return length + size;
}

static int verify_one(const struct key *k, const struct message *m, const uint8_t *entry,
                      struct refusal *why) {
    uint8_t octets[MAX_MESSAGE + 128];
    int failed = -1;
    for (int type = 1; type <= ERROR && failed; type++) {
        if (!CONTEXT[type]) continue;
#ifndef ODAP_BUG_CONTEXT
        if (type != m->type) continue;
#endif
        size_t size = covered(CONTEXT[type], m->raw, HEADER + m->body_len, octets);
        failed = k->alg == 1 ? verify_p256(k, octets, size, entry + 32, why)
                             : verify_ed25519(k, octets, size, entry + 32, why);
    }
    return failed;
}

static const struct key *find(const struct keyset *k, const uint8_t *id) {
    for (int i = 0; i < k->count; i++)
        if (!memcmp(k->keys[i].id, id, 32)) return &k->keys[i];
    return 0;
}

static int may_sign(const struct keyset *k, const struct key *key, int role, uint64_t floor,
                    struct refusal *why) {
#ifndef ODAP_BUG_ROLE
    if (!(key->roles & role)) return refuse(why, ST_SIGNATURE, "E_KEY_ROLE");
#else
    (void)role;
#endif
#ifndef ODAP_BUG_KEY_EXPIRY
    if (key->from > floor + TEN_YEARS || floor > key->to || k->from > floor + TEN_YEARS || floor > k->to)
        return refuse(why, ST_SIGNATURE, "E_KEY_EXPIRED");
#endif
    return 0;
}

int wire_verify(const struct keyset *k, const struct message *m, int role, uint64_t floor,
                struct key *signer, struct refusal *why) {
    if (m->signatures != 1) return refuse(why, ST_SIGNATURE, "E_SIG_FORM");
    const struct key *key = find(k, m->block);
    if (!key) return refuse(why, ST_SIGNATURE, "E_KEY_UNKNOWN");
    if (may_sign(k, key, role, floor, why) || verify_one(key, m, m->block, why)) return -1;
    *signer = *key;
    return 0;
}

int wire_keyset(const struct message *m, struct keyset *k, int judge, struct refusal *why) {
    const uint8_t *b = m->body;
    if (m->body_len < 42) return refuse(why, ST_LAYOUT, "E_LAYOUT");
    memset(k, 0, sizeof *k);
    memcpy(k->realm, b, 16);
    k->version = be32(b + 16);
    k->from = be64(b + 20);
    k->to = be64(b + 28);
    k->epoch = be32(b + 36);
    k->threshold = b[40];
    k->count = b[41];
    if (k->count < 1 || k->count > MAX_KEYS) return refuse(why, ST_LAYOUT, "E_LAYOUT");
    if (m->body_len < 42 + 52u * (unsigned)k->count) return refuse(why, ST_LAYOUT, "E_LAYOUT");
    int roots = 0;
    for (int i = 0; i < k->count; i++) {
        const uint8_t *e = b + 42 + 52 * i;
        struct key *key = &k->keys[i];
        key->alg = e[0];
        key->roles = (uint16_t)be16(e + 1);
        key->from = be64(e + 3);
        key->to = be64(e + 11);
        memcpy(key->pub, e + 19, 33);
        if (key->alg != 1 && key->alg != 2) return refuse(why, ST_LAYOUT, "E_ALG");
        if (key->roles == 0 || key->roles > 31) return refuse(why, ST_LAYOUT, "E_LAYOUT");
        if (key->alg == 2 && key->pub[32]) return refuse(why, ST_LAYOUT, "E_LAYOUT");
        key_identity(key);
        if (judge && !sound_key(key)) return refuse(why, ST_LAYOUT, "E_KEY_WEAK");
        for (int j = 0; j < i; j++)
            if (!memcmp(k->keys[j].id, key->id, 32)) return refuse(why, ST_LAYOUT, "E_LAYOUT");
        roots += key->roles & ROOT;
    }
    if (wire_extensions(b + 42 + 52 * k->count, m->body_len - 42 - 52u * (unsigned)k->count, why))
        return -1;
    if (k->threshold < 1 || k->threshold > roots) return refuse(why, ST_LAYOUT, "E_THRESHOLD");
    return 0;
}

static int distinct(const struct message *m, struct refusal *why) {
#ifndef ODAP_BUG_DISTINCT
    for (int i = 0; i < m->signatures; i++)
        for (int j = 0; j < i; j++)
            if (!memcmp(m->block + i * ENTRY, m->block + j * ENTRY, 32))
                return refuse(why, ST_SIGNATURE, "E_SIG_FORM");
#else
    (void)m, (void)why;
#endif
    return 0;
}

int wire_next_keyset(const struct keyset *now, const struct message *m, uint64_t floor,
                     struct keyset *next, struct refusal *why) {
    int old = 0, fresh = 0;
    if (distinct(m, why)) return -1;
    for (int i = 0; i < m->signatures; i++) {
        const uint8_t *entry = m->block + i * ENTRY;
        const struct key *key = find(now, entry);
        if (!key) continue;
        if (may_sign(now, key, ROOT, floor, why) || verify_one(key, m, entry, why)) return -1;
        old++;
    }
#ifndef ODAP_BUG_THRESHOLD
    if (old < now->threshold) return refuse(why, ST_SIGNATURE, "E_THRESHOLD");
#endif
    if (wire_keyset(m, next, 1, why)) return -1;
    for (int i = 0; i < m->signatures; i++) {
        const uint8_t *entry = m->block + i * ENTRY;
        const struct key *key = find(next, entry);
        if (find(now, entry)) {
#ifdef ODAP_BUG_ROLE
            fresh += key != 0;
#else
            fresh += key != 0 && key->roles & ROOT;
#endif
            continue;
        }
        if (!key) return refuse(why, ST_SIGNATURE, "E_KEY_UNKNOWN");
        if (may_sign(next, key, ROOT, floor, why) || verify_one(key, m, entry, why)) return -1;
        fresh++;
    }
    if (fresh < next->threshold) return refuse(why, ST_SIGNATURE, "E_THRESHOLD");
    if (memcmp(next->realm, now->realm, 16)) return refuse(why, ST_BINDING, "E_REALM");
    if (next->version != now->version + 1) return refuse(why, ST_POLICY, "E_KEYSET_STALE");
    if (next->from > next->to || next->from > floor + TEN_YEARS || floor > next->to)
        return refuse(why, ST_POLICY, "E_EXPIRED");
    if (next->epoch < now->epoch) return refuse(why, ST_POLICY, "E_EPOCH");
    return 0;
}

int wire_own_roots(const struct message *m, struct keyset *k, struct refusal *why) {
    int count = 0;
    if (distinct(m, why) || wire_keyset(m, k, 1, why)) return -1;
    for (int i = 0; i < m->signatures; i++) {
        const struct key *key = find(k, m->block + i * ENTRY);
        if (key && key->roles & ROOT && !verify_one(key, m, m->block + i * ENTRY, why)) count++;
    }
    return count >= k->threshold ? 0 : refuse(why, ST_SIGNATURE, "E_THRESHOLD");
}

/* Signing ---------------------------------------------------------------------------------- */

int wire_key(int alg, const uint8_t secret[32], struct key *k) {
    k->alg = (uint8_t)alg;
    if (alg == 2) {
        size_t size = 32;
        EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, 0, secret, 32);
        if (!key || EVP_PKEY_get_raw_public_key(key, k->pub, &size) != 1) return -1;
        EVP_PKEY_free(key);
    } else {
        EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
        EC_POINT *point = EC_POINT_new(group);
        BIGNUM *d = BN_bin2bn(secret, 32, 0);
        int ok = EC_POINT_mul(group, point, d, 0, 0, 0) == 1 &&
                 EC_POINT_point2oct(group, point, POINT_CONVERSION_COMPRESSED, k->pub, 33, 0) == 33;
        BN_free(d);
        EC_POINT_free(point);
        EC_GROUP_free(group);
        if (!ok) return -1;
    }
    key_identity(k);
    return 0;
}

int wire_sign(int alg, const uint8_t secret[32], int type, const uint8_t *message, size_t size,
              uint8_t out[64]) {
    uint8_t octets[MAX_MESSAGE + 128], der[80];
    size_t length = covered(CONTEXT[type], message, size, octets), room = alg == 2 ? 64 : sizeof der;
    struct key k = {0};
    EVP_PKEY *key;
    if (wire_key(alg, secret, &k)) return -1;
    if (alg == 2) {
        key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, 0, secret, 32);
    } else {
        BIGNUM *d = BN_bin2bn(secret, 32, 0);
        key = load_p256(k.pub, 33, d);
        BN_free(d);
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int ok = key && EVP_DigestSignInit(context, 0, alg == 2 ? 0 : EVP_sha256(), 0, key) == 1 &&
             EVP_DigestSign(context, alg == 2 ? out : der, &room, octets, length) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    if (!ok || alg == 2) return ok ? 0 : -1;
    const uint8_t *p = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(0, &p, (long)room);
    BIGNUM *s = BN_dup(ECDSA_SIG_get0_s(pair)), *n = order(), *other = BN_new();
    BN_sub(other, n, s);
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, 32);
    BN_bn2binpad(BN_cmp(s, other) > 0 ? other : s, out + 32, 32);
    BN_free(s);
    BN_free(n);
    BN_free(other);
    ECDSA_SIG_free(pair);
    return 0;
}
