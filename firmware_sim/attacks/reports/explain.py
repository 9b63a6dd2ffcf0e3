"""A message taken apart: each field with its offset, its octets and its meaning.

Reads what is there, however wrong: a hostile message is what this is for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from firmware_sim_native import plmn, tbcd
from firmware_sim_protocol import layout
from firmware_sim_protocol.codec import NUMBERS
from firmware_sim_protocol.layout import Field
from firmware_sim_protocol.numbers import (
    HEADER_SIZE,
    MAGIC,
    SIGNATURE_ENTRY_SIZE,
    SIGNING_CONTEXT,
    ExtensionType,
    MessageType,
)


@dataclass(frozen=True, slots=True)
class Part:
    """Some octets and what they are."""

    offset: int
    octets: bytes
    name: str
    value: str = ""


def title_of(octets: bytes) -> str:
    """The type of a message, or how long the octets are."""
    if octets[:4] == MAGIC and len(octets) > 5:
        number = octets[5]
        known = number in MessageType._value2member_map_
        return MessageType(number).name if known else f"type {number:#04x}"
    return f"{len(octets)} octets"


def parts_of(octets: bytes) -> list[Part]:
    """The parts of a message, one after the other, covering every octet."""
    if len(octets) < HEADER_SIZE or octets[:3] != MAGIC[:3]:
        return [Part(0, octets, "octets")] if octets else []
    return list(_message(octets))


def _message(octets: bytes) -> Iterator[Part]:
    yield from _fields(octets, 0, layout.HEADER)
    number = octets[5]
    body_end = HEADER_SIZE + int.from_bytes(octets[12:14])
    if number not in MessageType._value2member_map_:
        yield from _rest(octets, HEADER_SIZE, "body of an unknown type")
        return
    kind = MessageType(number)
    body = octets[:body_end]
    yield from _fields(body, HEADER_SIZE, layout.BODIES[kind])
    position = HEADER_SIZE + layout.BODY_SIZES[kind]
    if kind is MessageType.KEYSET and len(body) >= position:
        for row in range(body[position - 1]):
            if position >= len(body):
                break
            yield from _fields(body, position, layout.KEYSET_ENTRY, f"entry {row + 1} ")
            position += layout.KEYSET_ENTRY_SIZE
    yield from _extensions(body, position)
    if kind in SIGNING_CONTEXT and len(octets) > body_end:
        yield from _signatures(octets, body_end)
    else:
        yield from _rest(octets, body_end, "left over")


def _signatures(octets: bytes, position: int) -> Iterator[Part]:
    count = octets[position]
    yield Part(position, octets[position : position + 1], "signatures", str(count))
    position += 1
    for row in range(count):
        if position >= len(octets):
            return
        yield from _fields(octets, position, layout.SIGNATURE_ENTRY, f"signature {row + 1} ")
        position += SIGNATURE_ENTRY_SIZE
    yield from _rest(octets, position, "left over")


def _extensions(body: bytes, position: int) -> Iterator[Part]:
    while position + 4 <= len(body):
        number = int.from_bytes(body[position : position + 2])
        size = int.from_bytes(body[position + 2 : position + 4])
        known = number in ExtensionType._value2member_map_
        name = ExtensionType(number).name if known else f"extension {number:#06x}"
        value = body[position + 4 : position + 4 + size]
        says = "" if len(value) == size else f"says {size} octets, has {len(value)}"
        yield Part(position, body[position : position + 4 + size], name, says)
        position += 4 + size
    yield from _rest(body, position, "dangling")


def _rest(octets: bytes, position: int, name: str) -> Iterator[Part]:
    if position < len(octets):
        yield Part(position, octets[position:], name)


def _fields(
    octets: bytes, position: int, rows: tuple[Field, ...], prefix: str = ""
) -> Iterator[Part]:
    for row in rows:
        value = octets[position : position + row.kind.size]
        if value:
            short = "" if len(value) == row.kind.size else "cut short"
            yield Part(position, value, prefix + row.name, short or _meaning(row, value))
        position += row.kind.size


def _digits(row: Field, value: bytes) -> str:
    try:
        return tbcd.unpack_imei(value) if row.kind is layout.IMEI else plmn.unpack(value)
    except ValueError as error:
        return str(error)


def _meaning(row: Field, value: bytes) -> str:
    if row.absent and value == b"\xff" * len(value):
        return "absent"
    if row.kind in (layout.IMEI, layout.PLMN):
        return _digits(row, value)
    if not row.kind.name.startswith(("u", "i32")):
        text = value.rstrip(b"\0")
        words = row.name in ("magic", "country", "subdivision") and text.isalnum()
        return text.decode("ascii") if words else ""
    number = int.from_bytes(value)
    table = NUMBERS.get(row.numbers) if row.name != "type" else MessageType
    if table is not None and number in table._value2member_map_:
        return f"{number} {table(number).name}"
    return str(number)
