"""A message as it travels: header, body, signature block, in one immutable buffer.

What was verified is what is parsed: `Envelope.raw` is the only copy, and body and signed
part are slices of it.

Source: SPEC.md, "Message".
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

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

_TYPES = {int(kind): kind for kind in MessageType}
KEY_ID_SIZE = 32


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
    size = len(raw)
    if not HEADER_SIZE <= size <= MAX_MESSAGE:
        # Nothing can be read from less than a header, whatever is waived.
        strict = guard if size > MAX_MESSAGE else SOUND
        strict.require(Rule.FRAME_LENGTH, False, f"{size} octets")
    header = layout.HEADER_STRUCT.unpack_from(raw)
    magic, version, number, flags, exchange_id, body_len, reserved = header
    if magic != MAGIC:
        guard.require(Rule.HEADER_MAGIC, False, repr(magic))
    if version != VERSION:
        guard.require(Rule.HEADER_VERSION, False, f"version {version}")
    known = _TYPES.get(number)
    if known is None:
        guard.require(Rule.HEADER_TYPE, False, f"type {number}")
    if flags or reserved:
        guard.require(Rule.HEADER_RESERVED, False, f"flags {flags}, {reserved}")
    # A device that lets unknown types through falls into its last branch.
    kind = known or MessageType.RESPONSE
    end = HEADER_SIZE + body_len
    if end > len(raw):
        guard.require(Rule.HEADER_SIZES, False, f"body_len {body_len}")
        raw = _overread(raw, end, guard)
    signatures: tuple[SignatureEntry, ...] = ()
    if kind in SIGNING_CONTEXT:
        signatures, end = _signature_block(raw, end, guard)
    if end != len(raw):
        raw = _overread(raw, end, guard)
        over = len(raw) - end
        guard.require(Rule.HEADER_SIZES, not over, f"{over} octets left over")
    return Envelope(raw, Header(kind, exchange_id, body_len), signatures)


def _overread(raw: bytes, end: int, guard: Guard) -> bytes:
    """A device that does not add the sizes up reads on in its buffer, which is zero."""
    return raw if guard.enforces(Rule.HEADER_SIZES) else raw.ljust(end, b"\0")


def _signature_block(
    raw: bytes, start: int, guard: Guard
) -> tuple[tuple[SignatureEntry, ...], int]:
    if start >= len(raw):
        guard.require(Rule.SIG_PRESENT, False, "no signature block")
        return (), start
    count = raw[start]
    if count > MAX_SIGNATURES:
        guard.require(Rule.SIG_COUNT, False, f"{count} signatures")
    if count == 0:
        guard.require(Rule.SIG_PRESENT, False, "signature count 0")
    end = start + 1 + count * SIGNATURE_ENTRY_SIZE
    if end != len(raw):
        if not guard.enforces(Rule.SIG_SIZE):
            return _any_encoding(raw, start), len(raw)
        if end > len(raw):
            guard.require(Rule.HEADER_SIZES, False, "signature block cut short")
            raw = _overread(raw, end, guard)
    entries = []
    for offset in range(start + 1, end, SIGNATURE_ENTRY_SIZE):
        middle = offset + KEY_ID_SIZE
        signature = raw[middle : offset + SIGNATURE_ENTRY_SIZE]
        entries.append(SignatureEntry(raw[offset:middle], signature))
    return tuple(entries), end


def _any_encoding(raw: bytes, start: int) -> tuple[SignatureEntry, ...]:
    """What a device does that takes a signature in any encoding: DER, or two halves."""
    key_id, octets = raw[start + 1 : start + 33], raw[start + 33 :]
    try:
        r, s = decode_dss_signature(octets)
    except ValueError:
        half = len(octets) // 2
        r, s = int.from_bytes(octets[:half]), int.from_bytes(octets[half:])
    if max(r, s) >> 256:
        return (SignatureEntry(key_id, octets[:64].ljust(64, b"\0")),)
    return (SignatureEntry(key_id, r.to_bytes(32) + s.to_bytes(32)),)


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
    header = layout.HEADER_STRUCT.pack(MAGIC, VERSION, kind, 0, exchange_id, len(body), 0)
    message = header + body
    if context is not None:
        octets = signed_octets(context, message)
        block = b"".join(key.public.key_id + key.sign(octets) for key in signers)
        message += bytes((len(signers),)) + block
    if len(message) > MAX_MESSAGE:
        raise BuildError(f"{kind.name}: {len(message)} octets, at most {MAX_MESSAGE}")
    return message
