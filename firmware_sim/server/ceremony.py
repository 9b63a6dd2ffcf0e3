"""The ceremony: how one keyset follows another, with the roots somewhere else.

A proposal is a KEYSET message whose signatures are not all there yet. It is made beside the
server (`propose`), carried to each root (`countersign`), and put in force when the thresholds
of the old and of the new roots are reached (`publish`).

Source: SPEC.md, "Rotation, for the roots"; The Update Framework specification 1.0, 6.1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from firmware_sim.server.keys import KeyTrouble
from firmware_sim_protocol.codec import build_body, parse_message
from firmware_sim_protocol.envelope import Envelope, open_envelope
from firmware_sim_protocol.errors import BuildError, Refusal
from firmware_sim_protocol.keyset import KeyRing
from firmware_sim_protocol.layout import HEADER_STRUCT
from firmware_sim_protocol.numbers import (
    MAGIC,
    MAX_SIGNATURES,
    SIGNING_CONTEXT,
    VERSION,
    MessageType,
    Role,
)
from firmware_sim_protocol.rules import Guard, Rule
from firmware_sim_protocol.signing import PrivateKey, PublicKey, signed_octets
from firmware_sim_protocol.values import KeyEntry, KeySet

_UNSIGNED = Guard(frozenset({Rule.SIG_PRESENT}))
"""Reads a proposal that nobody has signed yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the next keyset changes: keys that leave (by id), keys that come."""

    without: frozenset[bytes] = frozenset()
    added: tuple[KeyEntry, ...] = ()
    raise_epoch: bool = False
    threshold: int | None = None
    not_after: int | None = None


def propose(current: KeySet, change: Change) -> bytes:
    """The next keyset as a proposal without signatures.

    Raises:
        KeyTrouble: a key to leave is not there, or what remains is no keyset.
    """
    ids = {key_id(row): row for row in current.entries}
    missing = change.without - set(ids)
    if missing:
        raise KeyTrouble(f"no key {min(missing).hex()[:16]} in keyset {current.version}")
    kept = tuple(row for name, row in ids.items() if name not in change.without)
    entries = (*kept, *change.added)
    roots = sum(1 for row in entries if row.roles & Role.ROOT)
    threshold = current.root_threshold if change.threshold is None else change.threshold
    if not 1 <= threshold <= roots:
        raise KeyTrouble(f"{roots} roots cannot reach a threshold of {threshold}")
    keyset = replace(
        current,
        version=current.version + 1,
        entries=entries,
        root_threshold=threshold,
        policy_epoch=current.policy_epoch + change.raise_epoch,
        not_after=current.not_after if change.not_after is None else change.not_after,
    )
    try:
        body = build_body(keyset)
    except BuildError as error:
        raise KeyTrouble(str(error)) from error
    header: bytes = HEADER_STRUCT.build(
        {
            "magic": MAGIC,
            "version": VERSION,
            "type": MessageType.KEYSET,
            "flags": 0,
            "exchange_id": 0,
            "body_len": len(body),
            "reserved": 0,
        }
    )
    return header + body + b"\x00"


def read_proposal(message: bytes) -> tuple[Envelope, KeySet]:
    """A proposal, with however many signatures.

    Raises:
        KeyTrouble: it is none.
    """
    try:
        envelope = open_envelope(message, _UNSIGNED)
        keyset = parse_message(envelope)
    except Refusal as refusal:
        raise KeyTrouble(f"not a proposal: {refusal}") from refusal
    if not isinstance(keyset, KeySet):
        raise KeyTrouble(f"not a proposal but a {envelope.header.type.name}")
    return envelope, keyset


def countersign(message: bytes, roots: tuple[PrivateKey, ...]) -> bytes:
    """The proposal with the signatures of these roots added; those already there stay.

    Raises:
        KeyTrouble: it is no proposal, or there would be too many signatures.
    """
    envelope, _ = read_proposal(message)
    rows = {entry.key_id: entry.signature for entry in envelope.signatures}
    octets = signed_octets(SIGNING_CONTEXT[MessageType.KEYSET], envelope.header_and_body)
    for root in roots:
        if root.public.key_id not in rows:
            rows[root.public.key_id] = root.sign(octets)
    return _with(envelope, rows)


def trimmed(current: KeySet, message: bytes) -> bytes:
    """The proposal without signatures of keys that are roots of neither keyset.

    A folder of roots also holds those of the past; one signature of a stranger would make
    devices refuse the keyset.
    """
    envelope, fresh = read_proposal(message)
    roots = {
        key_id(row) for one in (current, fresh) for row in one.entries if row.roles & Role.ROOT
    }
    rows = {entry.key_id: entry.signature for entry in envelope.signatures if entry.key_id in roots}
    return _with(envelope, rows)


def _with(envelope: Envelope, rows: dict[bytes, bytes]) -> bytes:
    if len(rows) > MAX_SIGNATURES:
        raise KeyTrouble(f"{len(rows)} signatures, at most {MAX_SIGNATURES}")
    block = b"".join(name + signature for name, signature in rows.items())
    return envelope.header_and_body + bytes((len(rows),)) + block


def follows(current: KeySet, message: bytes) -> KeySet:
    """The keyset that this message puts in force after `current`.

    Raises:
        KeyTrouble: it does not follow, or signatures are missing.
    """
    try:
        return KeyRing(current).next_keyset(open_envelope(message), current.not_before)
    except Refusal as refusal:
        raise KeyTrouble(f"the proposal is not ready: {refusal}") from refusal


def key_id(row: KeyEntry) -> bytes:
    """The id of a keyset's row."""
    return PublicKey(row.algorithm, row.public_key).key_id


def key_by_prefix(keyset: KeySet, prefix: str) -> KeyEntry:
    """The one row whose id begins with these hex digits.

    Raises:
        KeyTrouble: none, or more than one.
    """
    found = [row for row in keyset.entries if key_id(row).hex().startswith(prefix.lower())]
    if not prefix or len(found) != 1:
        count = "no key" if not found else "more than one key"
        raise KeyTrouble(f"{count} of keyset {keyset.version} begins with {prefix!r}")
    return found[0]
