"""Attacks with keys: of small order, of another algorithm, made to fit a signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from firmware_sim.attacks import curves, forge
from firmware_sim.attacks.bench import Bench, Exchange
from firmware_sim.attacks.scenes import ForgeAnswer, answer
from firmware_sim_protocol.keyset import sign_keyset
from firmware_sim_protocol.numbers import (
    SIGNING_CONTEXT,
    Algorithm,
    Decision,
    MessageType,
    Role,
)
from firmware_sim_protocol.rules import Rule
from firmware_sim_protocol.signing import ED25519_ORDER, PrivateKey, PublicKey
from firmware_sim_protocol.values import Extensions, KeyEntry

RESPONSE = MessageType.RESPONSE
CONTEXT = SIGNING_CONTEXT[RESPONSE]
IDENTITY = b"\x01" + bytes(31)
ORDER_4 = bytes(32)
ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
ORDER_2 = (2**255 - 20).to_bytes(32, "little")


def _weak_key(point: bytes) -> ForgeAnswer:
    """Anybody signs for a key of small order: R = r B, S = r, until k A vanishes."""

    def build(bench: Bench, exchange: Exchange) -> bytes:
        head, body, _ = forge.split(exchange.honest)
        octets = forge.covered(CONTEXT, head + body)
        key_id = PublicKey(Algorithm.ED25519, point).key_id
        for count in range(4096):
            once = PrivateKey(Algorithm.ED25519, bench.world.draw(f"r {count}"))
            r_point = once.public.octets
            if curves.challenge(r_point, point, octets) % 8 == 0:
                s = curves.ed25519_scalar(once.secret) % ED25519_ORDER
                signature = r_point + s.to_bytes(32, "little")
                return head + body + forge.block((key_id, signature))
        raise AssertionError("no challenge divisible by 8 in 4096")

    return build


def _weak_world(point: bytes) -> Callable[[Bench], None]:
    def before(bench: Bench) -> None:
        keyset = bench.world.keyset
        weak = KeyEntry(
            algorithm=Algorithm.ED25519,
            roles=Role.ACT,
            not_before=keyset.not_before,
            not_after=keyset.not_after,
            public_key=point,
        )
        trust = replace(keyset, entries=(*keyset.entries, weak))
        bench.make(trust=trust, trust_message=sign_keyset(trust, bench.world.roots))

    return before


def _duplicate_selection(bench: Bench, exchange: Exchange) -> bytes:
    """A key made so that the server's own signature verifies over another body."""
    locked = bench.answer(exchange, key=bench.world.act_p256, decision=Decision.LOCK_TERRITORY)
    head, body, _ = forge.split(locked)
    signature = forge.last_signature(locked)[2]
    wanted = forge.patched(RESPONSE, body, "decision", Decision.ACTIVATE)
    key = curves.key_for_signature(signature, forge.covered(CONTEXT, head + wanted))
    made = PublicKey(Algorithm.ESP256, key)
    return head + wanted + forge.block((made.key_id, signature))


def _confused_world(bench: Bench) -> None:
    """An Ed25519 key of the keyset has the x of a P-256 key as its octets."""
    key = _confused_key(bench)
    keyset = bench.world.keyset
    odd = KeyEntry(
        algorithm=Algorithm.ED25519,
        roles=Role.ACT,
        not_before=keyset.not_before,
        not_after=keyset.not_after,
        public_key=key.public.octets[1:],
    )
    trust = replace(keyset, entries=(*keyset.entries, odd))
    bench.make(trust=trust, trust_message=sign_keyset(trust, bench.world.roots))


def _confused_key(bench: Bench) -> PrivateKey:
    for count in range(256):
        key = PrivateKey.derive(Algorithm.ESP256, bench.world.draw(f"confused {count}"))
        if curves.is_sound_ed25519(key.public.octets[1:]):
            return key
    raise AssertionError("half of all octets are points")


def _confused(bench: Bench, exchange: Exchange) -> bytes:
    key = _confused_key(bench)
    key_id = PublicKey(Algorithm.ED25519, key.public.octets[1:]).key_id
    for count in range(1024):
        message = bench.answer(
            exchange, key=key, extensions=Extensions(unknown=((0x7F01, b"%d" % count),))
        )
        before, _, signature = forge.last_signature(message)
        # S is below L by chance once in 16: then only the algorithm is wrong.
        if int.from_bytes(signature[32:], "little") < ED25519_ORDER:
            return before + key_id + signature
    raise AssertionError("no small S in 1024")


P, E = Algorithm.ESP256, Algorithm.ED25519
ROWS = (
    answer(
        "SIG-010",
        "weak-key",
        Rule.KEY_STRONG,
        "a trusted key that is the neutral point; anybody's R = r B, S = r",
        "C2SP/CCTV low_order_A; IACR ePrint 2020/823",
        _weak_key(IDENTITY),
        before=_weak_world(IDENTITY),
        algorithm=E,
        weak="order 1",
    ),
    answer(
        "SIG-011",
        "weak-key",
        Rule.KEY_STRONG,
        "a trusted key of order 8",
        "C2SP/CCTV low_order_A",
        _weak_key(ORDER_8),
        before=_weak_world(ORDER_8),
        algorithm=E,
        weak="order 8",
    ),
    answer(
        "SIG-011-4",
        "weak-key",
        Rule.KEY_STRONG,
        "a trusted key of order 4 (all zeros)",
        "C2SP/CCTV low_order_A",
        _weak_key(ORDER_4),
        before=_weak_world(ORDER_4),
        algorithm=E,
        weak="order 4",
    ),
    answer(
        "SIG-011-2",
        "weak-key",
        Rule.KEY_STRONG,
        "a trusted key of order 2",
        "C2SP/CCTV low_order_A",
        _weak_key(ORDER_2),
        before=_weak_world(ORDER_2),
        algorithm=E,
        weak="order 2",
    ),
    answer(
        "SIG-019",
        "algorithm-confusion",
        Rule.SIG_ALGORITHM,
        "an ECDSA signature under an Ed25519 key whose octets are the x of a P-256 key",
        "python-tuf issue 356; CVE-2016-10555; RFC 8725, 3.1",
        _confused,
        before=_confused_world,
        algorithm=E,
    ),
    answer(
        "SIG-028",
        "duplicate-key-selection",
        Rule.KEY_KNOWN,
        "a key made so that the server's signature of a lock verifies over ACTIVATE",
        "Jackson, Cremers, Cohn-Gordon, Sasse, CCS 2019 (from memory)",
        _duplicate_selection,
        algorithm=P,
    ),
)
