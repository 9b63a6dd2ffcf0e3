"""Messages that no honest server would build: every octet can be chosen, then signed.

The honest builder of the protocol refuses such values; here the tables of its layout say
where each field lies, and the parts are put together by hand.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from firmware_sim_protocol import layout
from firmware_sim_protocol.numbers import (
    HEADER_SIZE,
    MAGIC,
    SIGNATURE_ENTRY_SIZE,
    SIGNING_CONTEXT,
    VERSION,
    MessageType,
)
from firmware_sim_protocol.signing import CONTEXT_PREFIX, PrivateKey


def header(
    kind: int,
    exchange_id: int,
    body_len: int,
    *,
    magic: bytes = MAGIC,
    version: int = VERSION,
    flags: int = 0,
    reserved: int = 0,
) -> bytes:
    """16 octets."""
    return struct.pack(">4sBBHIHH", magic, version, kind, flags, exchange_id, body_len, reserved)


def covered(context: bytes, octets: bytes) -> bytes:
    """What a signature with this context covers."""
    return CONTEXT_PREFIX + context + b"\x00" + octets


def block(*entries: tuple[bytes, bytes]) -> bytes:
    """A signature block of (key id, signature); the count is theirs."""
    return bytes((len(entries),)) + b"".join(key_id + signature for key_id, signature in entries)


def signed(
    kind: MessageType,
    head: bytes,
    body: bytes,
    keys: Sequence[PrivateKey],
    *,
    context: bytes | None = None,
    over: bytes | None = None,
) -> bytes:
    """Header, body and block, signed by each key; `over` replaces what is covered."""
    octets = covered(
        SIGNING_CONTEXT[kind] if context is None else context,
        head + body if over is None else over,
    )
    return head + body + block(*((key.public.key_id, key.sign(octets)) for key in keys))


def sealed(kind: MessageType, exchange_id: int, body: bytes, keys: Sequence[PrivateKey]) -> bytes:
    """A message whose body may be anything."""
    return signed(kind, header(kind, exchange_id, len(body)), body, keys)


def split(message: bytes) -> tuple[bytes, bytes, bytes]:
    """Header, body and signature block of a whole message."""
    end = HEADER_SIZE + int.from_bytes(message[12:14])
    return message[:HEADER_SIZE], message[HEADER_SIZE:end], message[end:]


def exchange_of(message: bytes) -> int:
    """The exchange id of a whole message."""
    return int.from_bytes(message[8:12])


def offset_of(kind: MessageType, name: str) -> tuple[int, int]:
    """Where a field begins in the body, and its size."""
    position = 0
    for field in layout.BODIES[kind]:
        if field.name == name:
            return position, field.kind.size
        position += field.kind.size
    raise KeyError(name)


def patched(kind: MessageType, body: bytes, name: str, value: bytes | int) -> bytes:
    """The body with one field of its fixed part replaced."""
    start, size = offset_of(kind, name)
    octets = value.to_bytes(size) if isinstance(value, int) else value
    if len(octets) != size:
        raise ValueError(f"{name} has {size} octets, not {len(octets)}")
    return body[:start] + octets + body[start + size :]


def flipped(octets: bytes, index: int, mask: int = 0x01) -> bytes:
    """The octets with bits of one of them turned."""
    index %= len(octets)
    return octets[:index] + bytes((octets[index] ^ mask,)) + octets[index + 1 :]


def last_signature(message: bytes) -> tuple[bytes, bytes, bytes]:
    """Everything before the last signature entry, its key id, its signature."""
    start = len(message) - SIGNATURE_ENTRY_SIZE
    return message[:start], message[start : start + 32], message[start + 32 :]


def digest(message: bytes) -> bytes:
    """SHA-256 of a whole message."""
    return hashlib.sha256(message).digest()
