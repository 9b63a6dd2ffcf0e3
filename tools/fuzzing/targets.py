"""What is fuzzed: functions of octets that return, or raise `Broken` or what should not be.

The first octets of an input choose what is done with the rest, so that one corpus covers a
sound receiver, its twins and every type of message.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from firmware_sim.handset.record import decode_record, encode_record
from firmware_sim_protocol.codec import build_body, parse_body, parse_message
from firmware_sim_protocol.envelope import Envelope, open_envelope, seal
from firmware_sim_protocol.errors import BuildError, Refusal
from firmware_sim_protocol.framing import Framing, SerialFraming, TcpFraming
from firmware_sim_protocol.keyset import KeyRing, verify_first_keyset, verify_signed_by
from firmware_sim_protocol.numbers import Algorithm, MessageType, Role
from firmware_sim_protocol.rules import SOUND, Guard, Rule
from firmware_sim_protocol.typed import TypedFormError, from_text, to_text
from vector_files.cast import NOW, entry, key, keyset

RULES = tuple(Rule)
KINDS = tuple(MessageType)


class Broken(Exception):
    """A law does not hold for this input."""


def message(octets: bytes) -> None:
    """A whole message: opened, verified, parsed; what is accepted builds to the same octets."""
    guard, raw = _guard(octets)
    try:
        envelope = open_envelope(raw, guard)
        parsed = parse_message(envelope, guard)
        if guard is SOUND:
            _same(build_body(parsed), envelope.body)
    except Refusal:
        pass
    else:
        _verify(envelope, guard)


def _verify(envelope: Envelope, guard: Guard) -> None:
    """Signatures against keys that signed nothing in the corpus: none may verify."""
    kind = envelope.header.type
    try:
        if kind is MessageType.KEYSET:
            verify_first_keyset(envelope, guard)
            _ring().next_keyset(envelope, NOW, guard)
        elif kind in (MessageType.RESPONSE, MessageType.UNLOCK_TICKET):
            _ring().verify(envelope, NOW, guard)
        elif envelope.signatures:
            verify_signed_by(envelope, key("nobody", Algorithm.ED25519).public, guard)
        else:
            return
    except Refusal:
        return
    if guard is SOUND:
        raise Broken("a signature was made without a key")


@functools.cache
def _ring() -> KeyRing:
    every = Role.ROOT | Role.ACT | Role.UNLOCK
    rows = tuple(entry(key(name, Algorithm.ED25519), every) for name in ("nobody", "no one"))
    return KeyRing(keyset(Algorithm.ED25519, entries=rows))


def body(octets: bytes) -> None:
    """A body of any type, without header: deeper than random octets come through one."""
    guard, rest = _guard(octets)
    if not rest:
        return
    kind, raw = KINDS[rest[0] % len(KINDS)], rest[1:]
    try:
        parsed = parse_body(kind, raw, guard)
    except Refusal:
        return
    if guard is SOUND:
        _same(build_body(parsed), raw)


def frames(octets: bytes) -> None:
    """A stream in pieces: the same frames as in one piece, whatever the framing."""
    if len(octets) < 2:
        return
    make: type[TcpFraming] | type[SerialFraming] = SerialFraming if octets[0] & 1 else TcpFraming
    step, stream = 1 + octets[1], octets[2:]
    pieces: Framing = make()
    found: list[bytes | Refusal] = []
    for start in range(0, len(stream), step):
        found += pieces.feed(stream[start : start + step], 0)
    whole = make().feed(stream, 0)
    if _told(found) != _told(whole):
        raise Broken(f"{_told(found)} in pieces, {_told(whole)} in one")
    for frame in whole:
        if isinstance(frame, bytes):
            _same(b"".join(_frames(make(), make().wrap(frame))), frame)


def typed(octets: bytes) -> None:
    """A text that somebody typed."""
    text = octets.decode("utf-8", "replace")
    try:
        raw = from_text(text)
    except TypedFormError:
        return
    _same(from_text(to_text(raw)), raw)


def record(octets: bytes) -> None:
    """A record of a phone, from a flash that anybody could have written."""
    guard, raw = _guard(octets)
    storage_key = bytes(32)
    try:
        decoded = decode_record(raw, storage_key, guard)
    except Refusal:
        return
    if guard is SOUND:
        _same(encode_record(decoded, storage_key), raw)


def sealing(octets: bytes) -> None:
    """Sealing arbitrary bodies: ours may refuse to build, what it builds must open."""
    if len(octets) < 5:
        return
    kind, exchange_id = KINDS[octets[0] % len(KINDS)], int.from_bytes(octets[1:5])
    try:
        raw = seal(kind, exchange_id, octets[5:])
    except BuildError:
        return
    _same(open_envelope(raw).body, octets[5:])


TARGETS: dict[str, Callable[[bytes], None]] = {
    "body": body,
    "frames": frames,
    "message": message,
    "record": record,
    "sealing": sealing,
    "typed": typed,
}


def _guard(octets: bytes) -> tuple[Guard, bytes]:
    """An even first octet: a sound receiver. An odd one: a twin that lacks one rule."""
    if len(octets) < 2:
        return SOUND, b""
    if octets[0] % 2 == 0:
        return SOUND, octets[2:]
    return Guard(frozenset({RULES[octets[1] % len(RULES)]})), octets[2:]


def _frames(framing: Framing, stream: bytes) -> list[bytes]:
    return [each for each in framing.feed(stream, 0) if isinstance(each, bytes)]


def _told(found: list[bytes | Refusal]) -> list[object]:
    return [each.rule if isinstance(each, Refusal) else each for each in found]


def _same(one: bytes, two: bytes) -> None:
    if one != two:
        raise Broken(f"{one.hex()} is not {two.hex()}")
