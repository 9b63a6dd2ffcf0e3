"""Signatures: what Wycheproof expects, and where ODAP/1 is stricter than the library."""

from __future__ import annotations

import collections
import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim_protocol.errors import KeyFormatError, Refusal
from firmware_sim_protocol.numbers import SIGNING_CONTEXT, Algorithm
from firmware_sim_protocol.rules import SOUND, Guard, Rule
from firmware_sim_protocol.signing import (
    ED25519_ORDER,
    ED25519_PRIME,
    P256_ORDER,
    SMALL_ORDER_Y,
    PrivateKey,
    PublicKey,
    accepted_octets,
    signed_octets,
)
from tests.support import wycheproof
from tests.support.messages import ALGORITHMS, key

P = ED25519_PRIME
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int]
ONE: Point = (0, 1)


def refused(public: PublicKey, octets: bytes, signature: bytes, guard: Guard = SOUND) -> Rule:
    with pytest.raises(Refusal) as caught:
        public.verify(octets, signature, guard)
    return caught.value.rule


def unloadable(algorithm: Algorithm, octets: bytes) -> Rule:
    with pytest.raises(Refusal) as caught:
        PublicKey.load(algorithm, octets)
    return caught.value.rule


# Wycheproof -------------------------------------------------------------------------------


def test_wycheproof_p256_has_no_wrong_verdict_and_high_s_is_refused_on_purpose() -> None:
    counted: collections.Counter[str] = collections.Counter()
    for group in wycheproof.load("ecdsa_secp256r1_sha256_p1363_test.json")["testGroups"]:
        point = ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), bytes.fromhex(group["publicKey"]["uncompressed"])
        )
        short = point.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        )
        public = PublicKey.load(Algorithm.ESP256, short)
        for test in group["tests"]:
            verdict = judged(public, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
            if test["result"] == "valid" and verdict is Rule.SIG_LOW_S:
                assert int(test["sig"][64:], 16) > P256_ORDER // 2
                counted["valid, refused for its high s"] += 1
            else:
                assert (verdict is None) == (test["result"] == "valid"), (test["tcId"], verdict)
                counted[test["result"]] += 1
    # Of 173 valid vectors 70 have the high s. Either s satisfies ECDSA's equation, so whoever
    # sees a signature can make the other one; ODAP/1 takes one form only, so that an answer has
    # one hash. The rest pass.
    assert counted == {
        "valid": 173 - HIGH_S,
        "valid, refused for its high s": HIGH_S,
        "invalid": 89,
    }


def test_wycheproof_ed25519_has_no_wrong_verdict() -> None:
    counted: collections.Counter[str] = collections.Counter()
    for group in wycheproof.load("ed25519_test.json")["testGroups"]:
        public = PublicKey.load(Algorithm.ED25519, bytes.fromhex(group["publicKey"]["pk"]))
        for test in group["tests"]:
            verdict = judged(public, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
            assert (verdict is None) == (test["result"] == "valid"), (test["tcId"], verdict)
            counted[test["result"]] += 1
    assert counted == {"valid": 88, "invalid": 63}


def judged(public: PublicKey, octets: bytes, signature: bytes) -> Rule | None:
    try:
        public.verify(octets, signature)
    except Refusal as refusal:
        return refusal.rule
    return None


HIGH_S = 70

# Points of small order, from the curve equation -x^2 + y^2 = 1 + d x^2 y^2 ----------------


def add(one: Point, two: Point) -> Point:
    (x1, y1), (x2, y2) = one, two
    product = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, P - 2, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - product, P - 2, P) % P
    return x, y


def times(count: int, point: Point) -> Point:
    total = ONE
    for bit in bin(count)[2:]:
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def x_of(y: int) -> int | None:
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    root = pow(square, (P + 3) // 8, P)
    if root * root % P != square:
        root = root * pow(2, (P - 1) // 4, P) % P
    return root if root * root % P == square else None


def small_order_points() -> set[Point]:
    """The eight points whose order divides 8: any point, times the large prime order."""
    found: set[Point] = set()
    y = 2
    while len(found) < 8:
        x = x_of(y)
        if x is not None:
            torsion = times(ED25519_ORDER, (x, y))
            found |= {times(n, torsion) for n in range(8)}
        y += 1
    return found


def small_order_encodings() -> set[bytes]:
    encodings = set()
    for _, y in small_order_points():
        for value in (y, y + P):
            if value < 1 << 255:
                # Both sign bits: a decoder that takes x = 0 with sign 1 must be covered too.
                encodings |= {(value | sign << 255).to_bytes(32, "little") for sign in (0, 1)}
    return encodings


def test_the_table_of_small_order_is_what_the_curve_equation_gives() -> None:
    encodings = small_order_encodings()
    assert len(encodings) == 14
    assert {int.from_bytes(e, "little") & ((1 << 255) - 1) for e in encodings} == SMALL_ORDER_Y


def test_no_key_of_small_order_loads_or_verifies() -> None:
    for octets in small_order_encodings():
        assert unloadable(Algorithm.ED25519, octets) is Rule.KEY_STRONG
        weak = PublicKey(Algorithm.ED25519, octets)
        assert refused(weak, b"any", bytes(64)) is Rule.KEY_STRONG


def test_the_library_alone_would_believe_a_key_of_small_order() -> None:
    identity = PublicKey(Algorithm.ED25519, (1).to_bytes(32, "little"))
    s = 5
    forged = encode(times(s, base())) + s.to_bytes(32, "little")
    ed25519.Ed25519PublicKey.from_public_bytes(identity.octets).verify(forged, b"anything")
    assert refused(identity, b"anything", forged) is Rule.KEY_STRONG
    identity.verify(b"anything", forged, Guard(frozenset({Rule.KEY_STRONG})))


def base() -> Point:
    y = 4 * pow(5, P - 2, P) % P
    x = x_of(y)
    assert x is not None
    return (x if x % 2 == 0 else P - x, y)


def encode(point: Point) -> bytes:
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def test_no_r_of_small_order_passes() -> None:
    public = key("act", Algorithm.ED25519).public
    for octets in small_order_encodings():
        expected = Rule.SIG_CANONICAL_R if any(octets) else Rule.SIG_NULL
        assert refused(public, b"any", octets + bytes(32)) is expected


@pytest.mark.parametrize("value", [P, P + 1, P + 3, (1 << 255) - 1])
def test_no_y_beyond_the_prime_is_a_key_or_an_r(value: int) -> None:
    octets = value.to_bytes(32, "little")
    assert unloadable(Algorithm.ED25519, octets) is Rule.KEY_STRONG
    public = key("act", Algorithm.ED25519).public
    assert refused(public, b"any", octets + bytes(32)) is Rule.SIG_CANONICAL_R


def test_an_ed25519_key_is_a_point_of_the_curve() -> None:
    off = [y for y in range(2, 40) if x_of(y) is None]
    on = [y for y in range(2, 40) if x_of(y) is not None]
    assert off
    assert on
    for y in off:
        assert unloadable(Algorithm.ED25519, y.to_bytes(32, "little")) is Rule.KEY_STRONG
    for y in on:
        assert PublicKey.load(Algorithm.ED25519, y.to_bytes(32, "little"))


# Forms ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "octets"),
    [
        (Algorithm.ESP256, b""),
        (Algorithm.ESP256, bytes(33)),
        (Algorithm.ESP256, b"\x04" + bytes(32)),
        (Algorithm.ESP256, b"\x04" + bytes(64)),
        (Algorithm.ESP256, b"\x02" + b"\xff" * 32),
        (Algorithm.ED25519, b""),
        (Algorithm.ED25519, bytes(33)),
    ],
)
def test_a_key_that_is_not_in_its_one_form_is_refused(algorithm: Algorithm, octets: bytes) -> None:
    assert unloadable(algorithm, octets) is Rule.KEY_STRONG


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.name)
@given(octets=st.binary(max_size=100), entropy=st.binary(min_size=32, max_size=32))
def test_a_signature_verifies_is_deterministic_and_bound_to_every_bit(
    algorithm: Algorithm, octets: bytes, entropy: bytes
) -> None:
    private = PrivateKey.derive(algorithm, entropy)
    public = PublicKey.load(algorithm, private.public.octets)
    signature = private.sign(octets)
    assert signature == private.sign(octets)
    public.verify(octets, signature)
    for place in (0, 31, 32, 63):
        bent = bytearray(signature)
        bent[place] ^= 1
        with pytest.raises(Refusal):
            public.verify(octets, bytes(bent))
    assert refused(public, octets + b"\0", signature) is Rule.SIG_VERIFIES


@given(octets=st.binary(max_size=40))
def test_the_high_s_of_a_good_signature_is_refused_and_the_twin_takes_it(octets: bytes) -> None:
    private = key("act")
    signature = private.sign(octets)
    s = int.from_bytes(signature[32:])
    assert 1 <= s <= P256_ORDER // 2
    high = signature[:32] + (P256_ORDER - s).to_bytes(32)
    assert refused(private.public, octets, high) is Rule.SIG_LOW_S
    private.public.verify(octets, high, Guard(frozenset({Rule.SIG_LOW_S})))


def test_the_low_half_ends_at_half_the_order() -> None:
    public = key("act").public
    half = P256_ORDER // 2
    assert refused(public, b"", (1).to_bytes(32) + half.to_bytes(32)) is Rule.SIG_VERIFIES
    assert refused(public, b"", (1).to_bytes(32) + (half + 1).to_bytes(32)) is Rule.SIG_LOW_S


@pytest.mark.parametrize("r", [0, 1, P256_ORDER - 1, P256_ORDER, (1 << 256) - 1])
@pytest.mark.parametrize("s", [0, 1, P256_ORDER - 1, P256_ORDER, (1 << 256) - 1])
def test_r_and_s_lie_between_1_and_the_order_minus_1(r: int, s: int) -> None:
    rule = refused(key("act").public, b"", r.to_bytes(32) + s.to_bytes(32))
    if not (0 < r < P256_ORDER and 0 < s < P256_ORDER):
        assert rule is Rule.SIG_RANGE
    else:
        assert rule in (Rule.SIG_VERIFIES, Rule.SIG_LOW_S)


def test_the_twin_without_a_range_believes_zeros() -> None:
    twin = Guard(frozenset({Rule.SIG_RANGE}))
    key("act").public.verify(b"anything", bytes(64), twin)
    assert refused(key("act").public, b"anything", (1).to_bytes(32) + bytes(32), twin)


def test_the_twin_without_a_range_reduces_what_is_out_of_it() -> None:
    twin = Guard(frozenset({Rule.SIG_RANGE}))
    zeros = P256_ORDER.to_bytes(32) * 2
    assert refused(key("act").public, b"anything", zeros) is Rule.SIG_RANGE
    key("act").public.verify(b"anything", zeros, twin)
    # A key that is made for its signature: s is 5, so s + n still has 32 octets.
    nonce, small = 12345, 5
    point = PrivateKey(Algorithm.ESP256, nonce.to_bytes(32)).public.octets
    r = int.from_bytes(point[1:]) % P256_ORDER
    digest = int.from_bytes(hashlib.sha256(b"m").digest())
    secret = (small * nonce - digest) * pow(r, -1, P256_ORDER) % P256_ORDER
    public = PrivateKey(Algorithm.ESP256, secret.to_bytes(32)).public
    public.verify(b"m", r.to_bytes(32) + small.to_bytes(32))
    lifted = r.to_bytes(32) + (small + P256_ORDER).to_bytes(32)
    assert refused(public, b"m", lifted) is Rule.SIG_RANGE
    public.verify(b"m", lifted, twin)


def test_the_twin_without_a_canonical_r_takes_the_neutral_point_in_either_form() -> None:
    private = key("act", Algorithm.ED25519)
    digest = hashlib.sha512(private.secret).digest()
    scalar = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | 1 << 254
    neutral = (1).to_bytes(32, "little")
    k = int.from_bytes(hashlib.sha512(neutral + private.public.octets + b"m").digest(), "little")
    s = (k * scalar % ED25519_ORDER).to_bytes(32, "little")
    twin = Guard(frozenset({Rule.SIG_CANONICAL_R}))
    for r in (neutral, (P + 1).to_bytes(32, "little")):
        assert refused(private.public, b"m", r + s) is Rule.SIG_CANONICAL_R
        private.public.verify(b"m", r + s, twin)
        assert refused(private.public, b"other", r + s, twin) is Rule.SIG_VERIFIES


def test_s_of_ed25519_lies_below_the_order() -> None:
    private = key("act", Algorithm.ED25519)
    signature = private.sign(b"m")
    s = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    lifted = signature[:32] + s.to_bytes(32, "little")
    assert refused(private.public, b"m", lifted) is Rule.SIG_RANGE
    private.public.verify(b"m", lifted, Guard(frozenset({Rule.SIG_RANGE})))
    edge = signature[:32] + ED25519_ORDER.to_bytes(32, "little")
    assert refused(private.public, b"m", edge) is Rule.SIG_RANGE
    below = signature[:32] + (ED25519_ORDER - 1).to_bytes(32, "little")
    assert refused(private.public, b"m", below) is Rule.SIG_VERIFIES


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.name)
@pytest.mark.parametrize("size", [0, 63, 65, 71])
def test_a_signature_has_64_octets(algorithm: Algorithm, size: int) -> None:
    assert refused(key("act", algorithm).public, b"", bytes(size)) is Rule.SIG_RANGE


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.name)
def test_the_signature_does_not_choose_the_algorithm(algorithm: Algorithm) -> None:
    # Signers whose key is a key of the other algorithm too: x here, y there.
    other = Algorithm.ED25519 if algorithm is Algorithm.ESP256 else Algorithm.ESP256
    twin = Guard(frozenset({Rule.SIG_ALGORITHM}))
    signs = set()
    for number in range(40):
        private = PrivateKey.derive(other, number.to_bytes(32))
        octets = private.public.octets
        signs.add(octets[0] if other is Algorithm.ESP256 else 2 + number % 2)
        octets = b"\x02" + octets if algorithm is Algorithm.ESP256 else octets[1:]
        try:
            confused = PublicKey.load(algorithm, octets)
        except Refusal:
            continue
        signature = private.sign(b"m")
        assert judged(confused, b"m", signature) is not None
        confused.verify(b"m", signature, twin)
        assert refused(confused, b"other", signature, twin)
    assert signs == {2, 3}


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.name)
def test_any_of_several_strings_of_octets_may_be_covered(algorithm: Algorithm) -> None:
    private = key("act", algorithm)
    accepted = (b"one", b"two", b"three")
    for octets in accepted:
        private.public.verify_any(accepted, private.sign(octets))
    with pytest.raises(Refusal) as caught:
        private.public.verify_any(accepted, private.sign(b"four"))
    assert caught.value.rule is Rule.SIG_VERIFIES


# Signed octets, key ids, private keys -----------------------------------------------------


def test_the_signed_octets_are_64_spaces_context_zero_and_message() -> None:
    assert signed_octets(b"request", b"HEADERbody") == b" " * 64 + b"ODAP/1 request\0HEADERbody"


def test_no_context_is_the_beginning_of_another() -> None:
    contexts = [context + b"\0" for context in SIGNING_CONTEXT.values()]
    assert len(set(contexts)) == len(contexts)
    for one in contexts:
        assert sum(other.startswith(one) for other in contexts) == 1


def test_a_twin_accepts_more_than_the_one_string_of_octets() -> None:
    message = bytes(range(40))
    assert accepted_octets(b"a", message) == (signed_octets(b"a", message),)
    no_context = accepted_octets(b"request", message, Guard(frozenset({Rule.SIG_CONTEXT})))
    assert signed_octets(b"unlock-ticket", message) in no_context
    no_header = accepted_octets(b"a", message, Guard(frozenset({Rule.SIG_HEADER})))
    assert signed_octets(b"a", message[16:]) in no_header


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.name)
def test_a_key_id_is_the_hash_of_label_algorithm_and_key(algorithm: Algorithm) -> None:
    public = key("act", algorithm).public
    octets = b"ODAP/1 key\0" + bytes((algorithm,)) + public.octets
    assert public.key_id == hashlib.sha256(octets).digest()


def test_rfc_6979_gives_the_signature_of_its_appendix() -> None:
    # RFC 6979, A.2.5, SHA-256, message "sample"; s there is the high one.
    secret = bytes.fromhex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
    r = "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
    s = 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8
    low = min(s, P256_ORDER - s)
    assert PrivateKey(Algorithm.ESP256, secret).sign(b"sample") == bytes.fromhex(r) + low.to_bytes(
        32
    )


def test_rfc_8032_gives_the_signature_of_its_first_test() -> None:
    # RFC 8032, 7.1, TEST 1: the empty message.
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    private = PrivateKey(Algorithm.ED25519, secret)
    assert private.public.octets == bytes.fromhex(
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )
    assert private.sign(b"") == bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


@pytest.mark.parametrize(
    ("algorithm", "secret"),
    [
        (Algorithm.ESP256, bytes(31)),
        (Algorithm.ESP256, bytes(32)),
        (Algorithm.ESP256, P256_ORDER.to_bytes(32)),
        (Algorithm.ED25519, bytes(33)),
    ],
)
def test_a_private_key_out_of_range_is_refused(algorithm: Algorithm, secret: bytes) -> None:
    with pytest.raises(KeyFormatError):
        PrivateKey(algorithm, secret)


def test_any_entropy_makes_a_key_and_a_secret_is_never_printed() -> None:
    for entropy in (bytes(32), b"\xff" * 32, (P256_ORDER - 1).to_bytes(32)):
        private = PrivateKey.derive(Algorithm.ESP256, entropy)
        assert 1 <= int.from_bytes(private.secret) < P256_ORDER
        assert private.secret.hex() not in repr(private)
        assert str(private.secret) not in repr(private)


def test_entropy_stands_for_the_scalars_from_1_to_the_order_minus_1() -> None:
    def scalar(entropy: int) -> int:
        return int.from_bytes(PrivateKey.derive(Algorithm.ESP256, entropy.to_bytes(32)).secret)

    assert scalar(0) == 1
    assert scalar(P256_ORDER - 2) == P256_ORDER - 1
    assert scalar(P256_ORDER - 1) == 1
