"""Attacks on the KEYSET: thresholds, rotation, rollback, weak and odd keys."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from firmware_sim.attacks import forge
from firmware_sim.attacks.attack import Attack
from firmware_sim.attacks.bench import Bench, is_open
from firmware_sim.attacks.device import Ability
from firmware_sim.attacks.scenes import (
    ForgeKeyset,
    keyset,
    keyset_with,
)
from firmware_sim.attacks.world import DAY_S, VALID_FROM_S, entry
from firmware_sim_protocol import layout
from firmware_sim_protocol.codec import build_body
from firmware_sim_protocol.extensions import encode_extension
from firmware_sim_protocol.keyset import sign_keyset
from firmware_sim_protocol.numbers import TEN_YEARS_S, Algorithm, MessageType, Role
from firmware_sim_protocol.rules import Rule
from firmware_sim_protocol.signing import PrivateKey
from firmware_sim_protocol.values import KeySet

KEYSET = MessageType.KEYSET
Keys = tuple[PrivateKey, ...]


def _new_roots(bench: Bench) -> Keys:
    return tuple(bench.world.key(f"new root {number}") for number in (1, 2, 3))


def _without_roots(bench: Bench, roots: Keys, **changes: Any) -> KeySet:
    """The next keyset with these roots in place of the old ones."""
    rows = tuple(row for row in bench.world.keyset.entries if not row.roles & Role.ROOT)
    entries = (*(entry(root, Role.ROOT) for root in roots), *rows)
    return bench.next_keyset(entries=entries, **changes)


def _good_rotation(bench: Bench) -> bytes:
    fresh = _new_roots(bench)
    return sign_keyset(_without_roots(bench, fresh), (*bench.world.roots[:2], *fresh[:2]))


def _by_online_keys(bench: Bench) -> bytes:
    world = bench.world
    return sign_keyset(bench.next_keyset(), (world.act, world.unlock))


def _one_root(bench: Bench) -> bytes:
    return sign_keyset(bench.next_keyset(root_threshold=1), bench.world.roots[:1])


def _same_root_twice(bench: Bench) -> bytes:
    root = bench.world.roots[0]
    return sign_keyset(bench.next_keyset(), (root, root))


def _old_roots_only(bench: Bench) -> bytes:
    return sign_keyset(_without_roots(bench, _new_roots(bench)), bench.world.roots[:2])


def _new_roots_only(bench: Bench) -> bytes:
    fresh = _new_roots(bench)
    return sign_keyset(_without_roots(bench, fresh), fresh[:2])


def _unknown_third(bench: Bench) -> bytes:
    world = bench.world
    return sign_keyset(bench.next_keyset(), (*world.roots[:2], world.rogue))


def _nine_roots(bench: Bench) -> Keys:
    return tuple(bench.world.key(f"many root {number}") for number in range(9))


def _nine_root_world(bench: Bench) -> None:
    roots = _nine_roots(bench)
    kept = [row for row in bench.world.keyset.entries if not row.roles & Role.ROOT]
    entries = (*(entry(root, Role.ROOT) for root in roots), *kept)
    trust = replace(bench.world.keyset, entries=entries)
    bench.make(trust=trust, trust_message=sign_keyset(trust, roots[:2]))


def _after_nine(bench: Bench, count: int) -> bytes:
    trust = bench.made.trust
    fresh = replace(trust, version=trust.version + 1)
    body = build_body(fresh)
    head = forge.header(KEYSET, 0, len(body))
    return forge.signed(KEYSET, head, body, _nine_roots(bench)[:count])


def _patched(name: str, value: int) -> ForgeKeyset:
    """One field of the fixed part set to what the builder refuses, signed by two roots."""

    def build(bench: Bench) -> bytes:
        body = forge.patched(KEYSET, build_body(bench.next_keyset()), name, value)
        return forge.sealed(KEYSET, 0, body, bench.world.roots[:2])

    return build


def _odd_entry(**odd: Any) -> ForgeKeyset:
    """One more entry with these octets: algorithm, roles, public_key (33 octets)."""

    def build(bench: Bench) -> bytes:
        keys = bench.next_keyset()
        good = entry(bench.world.key("odd", Algorithm.ESP256), Role.TIME)
        body = build_body(replace(keys, entries=(*keys.entries, good)))
        fields = {
            "algorithm": int(good.algorithm),
            "roles": int(good.roles),
            "not_before": good.not_before,
            "not_after": good.not_after,
            "public_key": good.public_key.ljust(33, b"\0"),
            **odd,
        }
        row: bytes = layout.KEYSET_ENTRY_STRUCT.build(fields)
        return forge.sealed(KEYSET, 0, body[: -len(row)] + row, bench.world.roots[:2])

    return build


def _too_many(bench: Bench) -> bytes:
    keys = bench.next_keyset()
    missing = 33 - len(keys.entries)
    extra = tuple(entry(bench.world.key(f"extra {n}"), Role.TIME) for n in range(missing))
    rows = (*keys.entries, *extra)
    body = build_body(replace(keys, entries=rows[:32]))
    last = build_body(replace(keys, entries=rows[32:]))[-layout.KEYSET_ENTRY_SIZE :]
    body = forge.patched(KEYSET, body, "entry_count", 33) + last
    return forge.sealed(KEYSET, 0, body, bench.world.roots[:2])


def _cut_entry(bench: Bench) -> bytes:
    body = build_body(bench.next_keyset())[: -layout.KEYSET_ENTRY_SIZE]
    return forge.sealed(KEYSET, 0, body, bench.world.roots[:2])


def _twice(bench: Bench) -> bytes:
    keys = bench.next_keyset()
    doubled = replace(keys, entries=(*keys.entries, keys.entries[-1]))
    return sign_keyset(doubled, bench.world.roots[:2])


def _ticket_context(bench: Bench) -> bytes:
    body = build_body(bench.next_keyset())
    head = forge.header(KEYSET, 0, len(body))
    return forge.signed(KEYSET, head, body, bench.world.roots[:2], context=b"response")


def _bad_then_answer(bench: Bench, hostile: bool) -> None:
    """A KEYSET by new roots alone names a rogue ACT key; after a reboot that key answers."""
    bench.make()
    world = bench.world
    fresh = _new_roots(bench)
    keys = _without_roots(bench, fresh)
    keys = replace(keys, entries=(*keys.entries, entry(world.rogue, Role.ACT)))
    if hostile:
        bench.hostile()
    signers = fresh[:2] if hostile else (*world.roots[:2], *fresh[:2])
    bench.offer_keyset(sign_keyset(keys, signers))
    bench.reboot()
    exchange = bench.exchange()
    taken = exchange.request.keyset_version
    bench.say(bench.answer(exchange, key=world.rogue, keyset_version=taken))
    bench.finish()


def _held_back(bench: Bench) -> bytes:
    gone = replace(
        bench.world.keyset, version=bench.world.keyset.version + 1, not_after=VALID_FROM_S - 1
    )
    return sign_keyset(replace(gone, not_before=VALID_FROM_S - 90 * DAY_S), bench.world.roots[:2])


def _padded_key(bench: Bench) -> bytes:
    key = bench.world.key("padded", Algorithm.ED25519).public.octets
    return _odd_entry(algorithm=2, public_key=key + b"\x01")(bench)


def _critical(bench: Bench) -> bytes:
    body = build_body(bench.next_keyset()) + encode_extension(0xC000, b"must")
    return forge.sealed(KEYSET, 0, body, bench.world.roots[:2])


def _esp(first: int, rest: bytes) -> dict[str, Any]:
    return {"algorithm": int(Algorithm.ESP256), "public_key": bytes((first,)) + rest}


_NOT_ON_CURVE = (1).to_bytes(32)
"""x = 1 has no y on P-256 (checked by the tests)."""

ROWS = (
    keyset(
        "KEY-003",
        "role-confusion",
        Rule.KEY_ROLE,
        "a KEYSET signed by ACT and UNLOCK keys",
        "TUF 5.3.4",
        _by_online_keys,
    ),
    keyset(
        "KEY-007",
        "threshold",
        Rule.THRESHOLD_OLD,
        "a KEYSET with one root signature that lowers its own threshold to 1",
        "TUF 5.3.4; tuf-conformance test_snapshot_does_not_meet_threshold",
        _one_root,
    ),
    keyset(
        "KEY-008",
        "threshold",
        Rule.SIG_DISTINCT,
        "one root signs twice",
        "CVE-2020-6174; CVE-2020-15093; tuf-conformance test_duplicate_sig_keyids",
        _same_root_twice,
    ),
    keyset(
        "KEY-010",
        "threshold",
        Rule.KEYSET_THRESHOLD,
        "root threshold 0",
        "tuf-conformance test_snapshot_has_too_few_keys",
        _patched("root_threshold", 0),
    ),
    keyset(
        "KEY-012",
        "rotation",
        Rule.THRESHOLD_NEW,
        "new roots that never signed",
        "TUF 5.3.4",
        _old_roots_only,
        honest=_good_rotation,
    ),
    keyset(
        "KEY-013",
        "rotation",
        Rule.THRESHOLD_OLD,
        "new roots that signed for themselves",
        "TUF 5.3.4; CVE-2020-15163",
        _new_roots_only,
        honest=_good_rotation,
    ),
    keyset(
        "KEY-015",
        "fast-forward",
        Rule.KEYSET_NEXT,
        "a KEYSET 8 versions ahead",
        "TUF fast-forward; python-tuf issue 356",
        keyset_with(version=lambda bench: bench.world.keyset.version + 8),
    ),
    keyset(
        "KEY-015-M",
        "fast-forward",
        Rule.KEYSET_NEXT,
        "a KEYSET of version 2^32 - 1",
        "TUF fast-forward",
        keyset_with(version=2**32 - 1),
    ),
    Attack(
        id="KEY-016",
        family="persist-before-verify",
        rule=Rule.KEYSET_STORED,
        sent="a KEYSET without its old roots, a reboot, an answer by its key",
        source="CVE-2020-15163",
        play=_bad_then_answer,
        goal=is_open,
        needs=frozenset({Ability.REBOOT}),
    ),
    keyset(
        "KEY-017",
        "key-id",
        Rule.KEY_KNOWN,
        "two good root signatures and one by nobody",
        "TUF 5.3.4",
        _unknown_third,
    ),
    keyset(
        "KEY-019",
        "weak-key",
        Rule.KEYSET_KEY_STRONG,
        "a P-256 x with no point on the curve",
        "NIST CAVP PKV; CVE-2015-2730",
        _odd_entry(**_esp(2, _NOT_ON_CURVE)),
    ),
    keyset(
        "KEY-019-H",
        "weak-key",
        Rule.KEYSET_KEY_STRONG,
        "a hybrid point (prefix 06)",
        "SEC 1, 2.3.3; NIST CAVP PKV",
        _odd_entry(**_esp(6, (1).to_bytes(32))),
    ),
    keyset(
        "KEY-019-I",
        "weak-key",
        Rule.KEYSET_KEY_STRONG,
        "the point at infinity",
        "SEC 1, 2.3.3",
        _odd_entry(**_esp(0, bytes(32))),
    ),
    keyset(
        "KEY-021",
        "weak-key",
        Rule.KEYSET_KEY_STRONG,
        "an Ed25519 key of zeros",
        "C2SP/CCTV",
        _odd_entry(algorithm=2, public_key=bytes(33)),
    ),
    keyset(
        "KEY-021-F",
        "weak-key",
        Rule.KEYSET_KEY_STRONG,
        "an Ed25519 key of ones",
        "C2SP/CCTV",
        _odd_entry(algorithm=2, public_key=b"\xff" * 32 + b"\0"),
    ),
    keyset(
        "KEY-026",
        "algorithmic-dos",
        Rule.SIG_COUNT,
        "nine root signatures, all good",
        "RUSTSEC-2023-0052; CVE-2018-16875",
        lambda bench: _after_nine(bench, 9),
        before=_nine_root_world,
        honest=lambda bench: _after_nine(bench, 8),
    ),
    keyset(
        "KEY-027",
        "expiry",
        Rule.KEYSET_VALIDITY,
        "a KEYSET that expired before the floor",
        "tuf-conformance test_root_expired; python-tuf issue 356",
        _held_back,
    ),
    keyset(
        "SIG-021",
        "downgrade",
        Rule.KEYSET_ALGORITHM,
        "a key of algorithm 0",
        "CVE-2015-9235; RFC 9864",
        _odd_entry(algorithm=0),
    ),
    keyset(
        "SIG-021-9",
        "downgrade",
        Rule.KEYSET_ALGORITHM,
        "a key of algorithm 9",
        "RFC 9864",
        _odd_entry(algorithm=9),
    ),
    keyset(
        "KEY-014",
        "rollback",
        Rule.KEYSET_NEXT,
        "a KEYSET one version below the present one, with other keys",
        "TUF 5.3.5; AVB-ATX PIKRollback",
        keyset_with(version=lambda bench: bench.world.keyset.version - 1),
    ),
    keyset(
        "ODP-001",
        "binding",
        Rule.BIND_REALM,
        "a KEYSET of another realm, same roots",
        "RFC 8725, 3.9",
        keyset_with(realm=lambda bench: bench.world.draw("realm 2")[:16]),
    ),
    keyset(
        "ODP-002",
        "epoch",
        Rule.KEYSET_EPOCH,
        "a KEYSET that lowers the policy epoch",
        "TUF fast-forward recovery",
        keyset_with(policy_epoch=2),
    ),
    keyset(
        "ODP-003",
        "enum",
        Rule.LAYOUT_VALUE,
        "an entry with a role bit that has no name",
        "RFC 9413",
        _odd_entry(roles=32 | int(Role.TIME)),
    ),
    keyset(
        "ODP-004",
        "canonical",
        Rule.LAYOUT_VALUE,
        "an Ed25519 key whose padding is not zero",
        "RFC 9413",
        _padded_key,
    ),
    keyset(
        "ODP-009",
        "fast-forward",
        Rule.KEYSET_VALIDITY,
        "a KEYSET that begins eleven years ahead",
        "TUF fast-forward",
        keyset_with(
            not_before=VALID_FROM_S + TEN_YEARS_S + 366 * DAY_S,
            not_after=VALID_FROM_S + 2 * TEN_YEARS_S,
        ),
    ),
    keyset(
        "ODP-061",
        "critical",
        Rule.EXT_CRITICAL,
        "a KEYSET with an unknown critical extension",
        "RFC 5280, 4.2",
        _critical,
    ),
    keyset(
        "ODP-005",
        "canonical",
        Rule.KEYSET_KEYS_DISTINCT,
        "a key that stands twice",
        "CVE-2020-15093",
        _twice,
    ),
    keyset(
        "ODP-006",
        "cross-protocol",
        Rule.SIG_CONTEXT,
        "a KEYSET signed as an answer",
        "RFC 8446, 4.4.3",
        _ticket_context,
    ),
    keyset("TLV-012", "limits", Rule.LAYOUT_VALUE, "33 entries", "CVE-2024-34155", _too_many),
    keyset(
        "ODP-007",
        "truncation",
        Rule.LAYOUT_SIZE,
        "an entry fewer than the count says",
        "CVE-2014-0160",
        _cut_entry,
    ),
)
