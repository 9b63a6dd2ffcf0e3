"""protocol/wireshark/odap.lua: the tables, and the code that walks them."""

from __future__ import annotations

import enum
import json
from pathlib import Path

from firmware_sim_protocol import layout, numbers, rules
from firmware_sim_protocol.codec import NUMBERS
from firmware_sim_protocol.layout import Field
from firmware_sim_protocol.numbers import HEADER_SIZE, ExtensionType, MessageType

TEMPLATE = Path(__file__).with_name("odap.lua.in")
SIGNERS = {
    MessageType.REQUEST: "the device",
    MessageType.RESPONSE: "an ACT key",
    MessageType.CONFIRM: "the device",
    MessageType.UNLOCK_TICKET: "an UNLOCK key",
    MessageType.KEYSET: "a root",
}
_TABLES: dict[str, type[enum.IntEnum] | type[enum.IntFlag]] = {
    **NUMBERS,
    "MessageType": MessageType,
    "Cause": numbers.Cause,
    "Stage": rules.Stage,
}


def dissector() -> str:
    """The whole file."""
    sizes = (HEADER_SIZE, layout.KEYSET_ENTRY_SIZE, layout.size_of(layout.SIGNATURE_ENTRY))
    text = TEMPLATE.read_text(encoding="utf-8")
    text = text.replace("--@TABLES@", tables())
    return text.replace("@SIZES@", ", ".join(map(str, sizes)))


def tables() -> str:
    """The declarations as Lua tables."""
    lines = [
        f"local TYPES = {_values(MessageType)}",
        f"local SIGNERS = {_lua({int(kind): name for kind, name in SIGNERS.items()})}",
        f"local ROLES = {{ bits = {_bits(numbers.Role)} }}",
        f"local EXTENSION_NAMES = {_values(ExtensionType)}",
        f"local HEADER = {_rows(layout.HEADER)}",
        f"local KEYSET_ENTRY = {_rows(layout.KEYSET_ENTRY)}",
        f"local SIGNATURE = {_rows(layout.SIGNATURE_ENTRY)}",
        "local BODIES = {",
    ]
    lines += [
        f"  [{int(kind)}] = {_rows(fields)}, -- {kind.name}"
        for kind, fields in layout.BODIES.items()
    ]
    lines += ["}", "local EXTENSIONS = {"]
    for kind, fields in layout.EXTENSIONS.items():
        name = json.dumps(kind.name.lower())
        size = layout.size_of(fields)
        lines.append(
            f"  [{int(kind)}] = {{ name = {name}, size = {size}, rows = {_rows(fields)} }},"
        )
    lines.append("}")
    return "\n".join(lines)


def _rows(fields: tuple[Field, ...]) -> str:
    return "{ " + ", ".join(map(_row, fields)) + " }" if fields else "{}"


def _row(field: Field) -> str:
    parts = [
        f"name = {json.dumps(field.name)}",
        f"kind = {json.dumps(field.kind.name)}",
        f"size = {field.kind.size}",
        f"text = {json.dumps(field.text)}",
    ]
    if field.absent:
        parts.append("absent = true")
    table = _TABLES.get(field.numbers)
    if table is not None and issubclass(table, enum.IntFlag):
        parts.append(f"bits = {_bits(table)}")
    elif table is not None:
        parts.append(f"values = {_values(table)}")
    return "{ " + ", ".join(parts) + " }"


def _values(table: type[enum.IntEnum] | type[enum.IntFlag]) -> str:
    return _lua({int(each): each.name or "" for each in table})


def _lua(values: dict[int, str]) -> str:
    return "{ " + ", ".join(f"[{n}] = {json.dumps(name)}" for n, name in values.items()) + " }"


def _bits(table: type[enum.IntFlag]) -> str:
    return "{ " + ", ".join(f"{{ {int(bit)}, {json.dumps(bit.name)} }}" for bit in table) + " }"
