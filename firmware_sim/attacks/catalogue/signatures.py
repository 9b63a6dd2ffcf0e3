"""Attacks on the signature of an answer: what is signed, by whom, in which form."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from firmware_sim.attacks import curves, forge
from firmware_sim.attacks.bench import Bench, Exchange
from firmware_sim.attacks.scenes import ForgeAnswer, Forged, answer
from firmware_sim_protocol.keyset import sign_keyset
from firmware_sim_protocol.numbers import (
    SIGNING_CONTEXT,
    Algorithm,
    Decision,
    MessageType,
)
from firmware_sim_protocol.rules import Rule
from firmware_sim_protocol.signing import ED25519_ORDER, P256_ORDER, PrivateKey
from firmware_sim_protocol.values import Extensions

RESPONSE = MessageType.RESPONSE
CONTEXT = SIGNING_CONTEXT[RESPONSE]


def _decision_flipped(bench: Bench, exchange: Exchange) -> bytes:
    locked = bench.answer(exchange, decision=Decision.LOCK_TERRITORY)
    head, body, block = forge.split(locked)
    return head + forge.patched(RESPONSE, body, "decision", Decision.ACTIVATE) + block


def _without_block(bench: Bench, exchange: Exchange) -> bytes:
    head, body, _ = forge.split(exchange.honest)
    return head + body


def _empty_block(bench: Bench, exchange: Exchange) -> bytes:
    return _without_block(bench, exchange) + b"\x00"


def _with_signature(octets: bytes, algorithm: Algorithm) -> ForgeAnswer:
    def build(bench: Bench, exchange: Exchange) -> bytes:
        key = bench.world.act_p256 if algorithm is Algorithm.ESP256 else bench.world.act_ed25519
        head, body, _ = forge.split(exchange.honest)
        return head + body + forge.block((key.public.key_id, octets))

    return build


def _esp256(change: Callable[[int, int], bytes]) -> ForgeAnswer:
    """The answer signed by the P-256 key, its (r, s) changed."""

    def build(bench: Bench, exchange: Exchange) -> bytes:
        message = bench.answer(exchange, key=bench.world.act_p256)
        before, key_id, signature = forge.last_signature(message)
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        return before + key_id + change(r, s)

    return build


def _high_s(r: int, s: int) -> bytes:
    return r.to_bytes(32) + (P256_ORDER - s).to_bytes(32)


def _der(r: int, s: int) -> bytes:
    def integer(value: int) -> bytes:
        octets = value.to_bytes(value.bit_length() // 8 + 1)
        return b"\x02" + bytes((len(octets),)) + octets

    body = integer(r) + integer(s)
    return b"\x30" + bytes((len(body),)) + body


def _padded(r: int, s: int) -> bytes:
    return r.to_bytes(33) + s.to_bytes(33)


def _s_plus_order(bench: Bench, exchange: Exchange) -> bytes:
    message = bench.answer(exchange, key=bench.world.act_ed25519)
    before, key_id, signature = forge.last_signature(message)
    s = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    return before + key_id + signature[:32] + s.to_bytes(32, "little")


def _small_r(encoding: bytes) -> ForgeAnswer:
    """R is the neutral point: S = k a is then good for whoever has the key."""

    def build(bench: Bench, exchange: Exchange) -> bytes:
        key = bench.world.act_ed25519
        head, body, _ = forge.split(exchange.honest)
        octets = forge.covered(CONTEXT, head + body)
        # A decoder that reduces y hashes the canonical octets.
        canonical = IDENTITY if encoding == IDENTITY_NOT_CANONICAL else encoding
        k = curves.challenge(canonical, key.public.octets, octets)
        s = k * curves.ed25519_scalar(key.secret) % ED25519_ORDER
        return head + body + forge.block((key.public.key_id, encoding + s.to_bytes(32, "little")))

    return build


def _rogue_under_trusted_id(bench: Bench, exchange: Exchange) -> bytes:
    head, body, _ = forge.split(exchange.honest)
    signature = bench.world.rogue.sign(forge.covered(CONTEXT, head + body))
    return head + body + forge.block((bench.world.act.public.key_id, signature))


def _rogue_own_id(bench: Bench, exchange: Exchange) -> bytes:
    rogue = bench.world.rogue
    extensions = Extensions(unknown=((0x7F01, rogue.public.octets),))
    return bench.answer(exchange, key=rogue, extensions=extensions)


def _by_demo_key(bench: Bench, exchange: Exchange) -> bytes:
    demo = PrivateKey.derive(bench.world.algorithm, hashlib.sha256(b"demo").digest())
    return bench.answer(exchange, key=demo)


def _unlabelled_id(bench: Bench, exchange: Exchange) -> bytes:
    """The key id is a plain hash of the key: a device that reads ids instead of computing them."""
    before, _, signature = forge.last_signature(exchange.honest)
    return before + hashlib.sha256(bench.world.act.public.octets).digest() + signature


def _ticket_context(bench: Bench, exchange: Exchange) -> bytes:
    head, body, _ = forge.split(exchange.honest)
    context = SIGNING_CONTEXT[MessageType.UNLOCK_TICKET]
    return forge.signed(RESPONSE, head, body, [bench.world.act], context=context)


def _type_changed(bench: Bench, exchange: Exchange) -> bytes:
    head, body, _ = forge.split(exchange.honest)
    other = forge.header(MessageType.CONFIRM, exchange.exchange_id, len(body))
    return forge.signed(RESPONSE, head, body, [bench.world.act], over=other + body)


def _body_only(bench: Bench, exchange: Exchange) -> bytes:
    head, body, _ = forge.split(exchange.honest)
    return forge.signed(RESPONSE, head, body, [bench.world.act], over=body)


def _by(name: str) -> ForgeAnswer:
    def build(bench: Bench, exchange: Exchange) -> bytes:
        return bench.answer(exchange, key=getattr(bench.world, name))

    return build


def _two_signatures(bench: Bench, exchange: Exchange) -> bytes:
    head, body, _ = forge.split(exchange.honest)
    return forge.signed(RESPONSE, head, body, [bench.world.act, bench.world.rogue])


def _reflected(bench: Bench, exchange: Exchange) -> Forged:
    """The device's own REQUEST, then nothing: it must not be taken for an answer."""
    return bench.answer(exchange, key=bench.world.device_key)


def _revoked_world(bench: Bench) -> None:
    bench.make()
    world = bench.world
    gone = world.act_p256.public.octets
    entries = tuple(row for row in world.keyset.entries if row.public_key != gone)
    bench.offer_keyset(sign_keyset(bench.next_keyset(entries=entries), world.roots[:2]))
    bench.device.hang_up()
    bench.forget_link()
    bench.act_key = world.act_ed25519


def _by_revoked(bench: Bench, exchange: Exchange) -> bytes:
    return bench.answer(exchange, key=bench.world.act_p256)


IDENTITY = b"\x01" + bytes(31)
IDENTITY_NOT_CANONICAL = (2**255 - 18).to_bytes(32, "little")
P, E = Algorithm.ESP256, Algorithm.ED25519
ROWS = (
    answer(
        "SIG-001",
        "arbitrary-decision",
        Rule.SIG_VERIFIES,
        "LOCK_TERRITORY turned into ACTIVATE under the server's signature",
        "TUF 5.3-5.6; CVE-2008-5077",
        _decision_flipped,
    ),
    answer(
        "SIG-002",
        "arbitrary-decision",
        Rule.SIG_PRESENT,
        "an answer without a signature block",
        "CVE-2015-9235; CVE-2021-21239",
        _without_block,
    ),
    answer(
        "SIG-003",
        "arbitrary-decision",
        Rule.SIG_PRESENT,
        "signature count 0",
        "RFC 8725, 3.2; tuf-conformance test_unsigned_metadata",
        _empty_block,
    ),
    answer(
        "SIG-004",
        "arbitrary-decision",
        Rule.SIG_NULL,
        "64 zero octets under an Ed25519 key",
        "CVE-2020-28042; Wycheproof InvalidSignature",
        _with_signature(bytes(64), E),
        algorithm=E,
    ),
    answer(
        "SIG-005",
        "arbitrary-decision",
        Rule.SIG_RANGE,
        "r = s = 0 under a P-256 key",
        "CVE-2022-21449; CVE-2021-43572; Wycheproof InvalidSignature",
        _with_signature(bytes(64), P),
        algorithm=P,
    ),
    answer(
        "SIG-006",
        "arbitrary-decision",
        Rule.SIG_RANGE,
        "r = s = n under a P-256 key",
        "FIPS 186-5, 6.4.2 step 1",
        _with_signature(2 * P256_ORDER.to_bytes(32), P),
        algorithm=P,
    ),
    answer(
        "SIG-007",
        "malleability",
        Rule.SIG_LOW_S,
        "(r, n - s) of a good signature",
        "BIP-62; BIP-146",
        _esp256(_high_s),
        algorithm=P,
    ),
    answer(
        "SIG-008",
        "malleability",
        Rule.SIG_RANGE,
        "S + L of a good Ed25519 signature",
        "RFC 8032, 5.1.7; CVE-2024-48949; Wycheproof SignatureMalleability",
        _s_plus_order,
        algorithm=E,
    ),
    answer(
        "SIG-009",
        "malleability",
        Rule.SIG_CANONICAL_R,
        "R is the neutral point, S = k a: a signature without a nonce",
        "C2SP/CCTV low_order_R; RFC 8032, 5.1.7",
        _small_r(IDENTITY),
        algorithm=E,
    ),
    answer(
        "SIG-009-Y",
        "malleability",
        Rule.SIG_CANONICAL_R,
        "R is the neutral point with y >= p",
        "C2SP/CCTV non_canonical_R; RFC 8032, 5.1.3",
        _small_r(IDENTITY_NOT_CANONICAL),
        algorithm=E,
    ),
    answer(
        "SIG-013",
        "encoding",
        Rule.SIG_SIZE,
        "a DER signature where r||s is due",
        "Wycheproof EcdsaVerify and EcdsaP1363Verify; CVE-2020-13822",
        _esp256(_der),
        algorithm=P,
    ),
    answer(
        "SIG-014",
        "encoding",
        Rule.SIG_SIZE,
        "r||s in halves of 33 octets",
        "Wycheproof SignatureSize",
        _esp256(_padded),
        algorithm=P,
    ),
    answer(
        "SIG-017",
        "arbitrary-decision",
        Rule.SIG_VERIFIES,
        "signed by an unknown key under the id of a trusted one",
        "CVE-2018-0114; RFC 9052, 3.1",
        _rogue_under_trusted_id,
    ),
    answer(
        "SIG-018",
        "arbitrary-decision",
        Rule.KEY_KNOWN,
        "signed by an unknown key whose public half travels in the message",
        "CVE-2018-0114",
        _rogue_own_id,
    ),
    answer(
        "SIG-022",
        "cross-protocol",
        Rule.SIG_CONTEXT,
        "an answer signed under the context of unlock tickets",
        "RFC 8446, 4.4.3; RFC 9052, 4.4; RFC 8032, 8.4",
        _ticket_context,
    ),
    answer(
        "SIG-023",
        "cross-protocol",
        Rule.SIG_VERIFIES,
        "the type changed after signing",
        "RFC 9124, REQ.SEC.AUTH.IMG_TYPE; RFC 8725, 3.11",
        _type_changed,
    ),
    answer(
        "SIG-024",
        "cross-protocol",
        Rule.SIG_HEADER,
        "a signature that covers the body only",
        "CVE-2020-10648",
        _body_only,
    ),
    answer(
        "SIG-025",
        "role-confusion",
        Rule.KEY_ROLE,
        "an answer signed by the device's own key, which the keyset lists as DEVICE",
        "AVB-ATX usage hash",
        _reflected,
    ),
    answer(
        "SIG-034",
        "arbitrary-decision",
        Rule.SIG_SINGLE,
        "two signatures, one good, one rogue",
        "tuf-conformance test_invalid_sig_in_valid_metadata",
        _two_signatures,
    ),
    answer(
        "KEY-001",
        "role-confusion",
        Rule.KEY_ROLE,
        "an answer signed by the UNLOCK key",
        "AVB-ATX UnlockWithPSK; RFC 5280, 4.2.1.12",
        _by("unlock"),
    ),
    answer(
        "KEY-002",
        "role-confusion",
        Rule.KEY_ROLE,
        "an answer signed by the TIME key",
        "TUF roles",
        _by("time"),
    ),
    answer(
        "KEY-004",
        "key-expiry",
        Rule.KEY_VALIDITY,
        "an answer signed by an expired key",
        "RFC 5280, 6.1.3; python-tuf issue 356",
        _by("expired"),
    ),
    answer(
        "KEY-006",
        "revocation",
        Rule.KEY_KNOWN,
        "an answer signed by a key that the last keyset dropped",
        "TUF 5.3; RFC 9124, REQ.SEC.KEY.ROTATION",
        _by_revoked,
        before=_revoked_world,
        recovers=False,
    ),
    answer(
        "KEY-018",
        "key-id",
        Rule.KEY_KNOWN,
        "a key id that is a plain hash of the key",
        "TUF key ids; CVE-2024-47534",
        _unlabelled_id,
    ),
    answer(
        "KEY-025",
        "test-key",
        Rule.KEY_KNOWN,
        "an answer signed by a published demo key",
        "CVE-2024-8105",
        _by_demo_key,
    ),
)
