"""A message as it travels: header, body, signature block, in one immutable buffer.

What was verified is what is parsed: `Envelope.raw` is the only copy, and body and signed
part are slices of it.

Source: SPEC.md, "Message".
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from firmware_sim_protocol import layout
from firmware_sim_protocol.errors import BuildError
from firmware_sim_protocol.numbers import (
    HEADER_SIZE,
    MAGIC,
    MAX_MESSAGE,
    MAX_SIGNATURES,
    SIGNATURE_ENTRY_SIZE,
    SIGNING_CONTEXT,
    VERSION,
    MessageType,
)
from firmware_sim_protocol.rules import SOUND, Guard, Rule
from firmware_sim_protocol.signing import PrivateKey, signed_octets
from firmware_sim_protocol.values import Header


@dataclass(frozen=True, slots=True)
class SignatureEntry:
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message whose sizes and header are right; nothing else is known of it yet."""

    raw: bytes
    header: Header
    signatures: tuple[SignatureEntry, ...]

    @property
    def body(self) -> bytes:
        return self.raw[HEADER_SIZE : HEADER_SIZE + self.header.body_len]

    @property
    def header_and_body(self) -> bytes:
        return self.raw[: HEADER_SIZE + self.header.body_len]

    @property
    def digest(self) -> bytes:
        """SHA-256 of the whole message, signature block included."""
        return hashlib.sha256(self.raw).digest()


def open_envelope(raw: bytes, guard: Guard = SOUND) -> Envelope:
    """Check size and header of a whole message.

    Raises:
        Refusal: at stage FRAME or HEADER, or SIGNATURE for a block whose count is absurd.
    """
    raw = bytes(raw)
    guard.require(Rule.FRAME_LENGTH, HEADER_SIZE <= len(raw) <= MAX_MESSAGE, f"{len(raw)} octets")
    if len(raw) < HEADER_SIZE:
        guard = SOUND  # nothing can be read from less than a header, whatever is waived
        guard.require(Rule.FRAME_LENGTH, False, f"{len(raw)} octets")
    fields = layout.HEADER_STRUCT.parse(raw[:HEADER_SIZE])
    guard.require(Rule.HEADER_MAGIC, fields.magic == MAGIC, repr(fields.magic))
    guard.require(Rule.HEADER_VERSION, fields.version == VERSION, f"version {fields.version}")
    known = fields.type in MessageType._value2member_map_
    SOUND.require(Rule.HEADER_TYPE, known, f"type {fields.type}")
    clean = fields.flags == 0 and fields.reserved == 0
    guard.require(Rule.HEADER_RESERVED, clean, f"flags {fields.flags}, {fields.reserved}")
    kind = MessageType(fields.type)
    end = HEADER_SIZE + fields.body_len
    SOUND.require(Rule.HEADER_SIZES, end <= len(raw), f"body_len {fields.body_len}")
    signatures: tuple[SignatureEntry, ...] = ()
    if kind in SIGNING_CONTEXT:
        signatures, end = _signature_block(raw, end, guard)
    guard.require(Rule.HEADER_SIZES, end == len(raw), f"{len(raw) - end} octets left over")
    return Envelope(raw, Header(kind, fields.exchange_id, fields.body_len), signatures)


def _signature_block(
    raw: bytes, start: int, guard: Guard
) -> tuple[tuple[SignatureEntry, ...], int]:
    guard.require(Rule.SIG_PRESENT, start < len(raw), "no signature block")
    if start == len(raw):
        return (), start
    count = raw[start]
    SOUND.require(Rule.SIG_COUNT, count <= MAX_SIGNATURES, f"{count} signatures")
    guard.require(Rule.SIG_PRESENT, count > 0, "signature count 0")
    end = start + 1 + count * SIGNATURE_ENTRY_SIZE
    SOUND.require(Rule.HEADER_SIZES, end <= len(raw), "signature block cut short")
    entries = []
    for offset in range(start + 1, end, SIGNATURE_ENTRY_SIZE):
        entry = layout.SIGNATURE_STRUCT.parse(raw[offset : offset + SIGNATURE_ENTRY_SIZE])
        entries.append(SignatureEntry(entry.key_id, entry.signature))
    return tuple(entries), end


def seal(
    kind: MessageType, exchange_id: int, body: bytes, signers: Sequence[PrivateKey] = ()
) -> bytes:
    """The whole message, signed by each of `signers` in order.

    Raises:
        BuildError: signers for an unsigned type, none for a signed one, or too many octets.
    """
    context = SIGNING_CONTEXT.get(kind)
    if (context is None) == bool(signers) or len(signers) > MAX_SIGNATURES:
        raise BuildError(f"{kind.name}: {len(signers)} signers")
    if HEADER_SIZE + len(body) > MAX_MESSAGE:
        raise BuildError(f"{kind.name}: a body of {len(body)} octets")
    if not 0 <= exchange_id <= 0xFFFF_FFFF:
        raise BuildError(f"{kind.name}: exchange id {exchange_id} is no u32")
    header = layout.HEADER_STRUCT.build(
        {
            "magic": MAGIC,
            "version": VERSION,
            "type": kind,
            "flags": 0,
            "exchange_id": exchange_id,
            "body_len": len(body),
            "reserved": 0,
        }
    )
    message: bytes = header + body
    if context is not None:
        octets = signed_octets(context, message)
        block = b"".join(key.public.key_id + key.sign(octets) for key in signers)
        message += bytes((len(signers),)) + block
    if len(message) > MAX_MESSAGE:
        raise BuildError(f"{kind.name}: {len(message)} octets, at most {MAX_MESSAGE}")
    return message
