"""Messages as JSON objects: the form in which vectors carry them.

Octets are lower-case hexadecimal, numbers are numbers, IMEI and PLMN are strings of digits,
absent is null. Extensions are an object with the names that are present.

Source: protocol/vectors/README.md, "Fields".
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

from firmware_sim_protocol import codec, layout
from firmware_sim_protocol.errors import BuildError
from firmware_sim_protocol.numbers import Algorithm, Cause, MessageType, Role
from firmware_sim_protocol.values import Cell, Extensions, Gnss, KeyEntry, Message

Fields = dict[str, Any]


def to_fields(message: Message) -> Fields:
    """The message as a JSON object."""
    fields = {
        row.name: _plain(getattr(message, row.name))
        for row in dataclasses.fields(message)
        if row.name not in ("extensions", "entries")
    }
    entries = getattr(message, "entries", None)
    if entries is not None:
        fields["entries"] = [entry_fields(entry) for entry in entries]
    found = _extensions(message.extensions)
    if found:
        fields["extensions"] = found
    return fields


def from_fields(kind: MessageType, fields: Mapping[str, Any]) -> Message:
    """The message that a JSON object describes.

    Raises:
        BuildError: a field is missing, of another kind, or unknown.
    """
    wanted = dict(fields)
    try:
        extensions = _extensions_from(wanted.pop("extensions", {}))
        values = {
            row.name: _value(row.kind, row.numbers, wanted.pop(row.name))
            for row in layout.BODIES[kind]
            if row.name != "entry_count"
        }
        if kind is MessageType.KEYSET:
            values["entries"] = tuple(entry_from(entry) for entry in wanted.pop("entries"))
        if wanted:
            raise BuildError(f"{kind.name} has no field {sorted(wanted)[0]}")
        message: Message = codec.CLASSES[kind](**values, extensions=extensions)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BuildError(f"{kind.name}: {error}") from error
    return message


def entry_fields(entry: KeyEntry) -> Fields:
    """One key of a keyset as a JSON object."""
    return {row.name: _plain(getattr(entry, row.name)) for row in layout.KEYSET_ENTRY}


def entry_from(fields: Mapping[str, Any]) -> KeyEntry:
    """The key of a keyset that a JSON object describes."""
    return KeyEntry(
        algorithm=Algorithm(fields["algorithm"]),
        roles=Role(fields["roles"]),
        not_before=fields["not_before"],
        not_after=fields["not_after"],
        public_key=bytes.fromhex(fields["public_key"]),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, enum.Enum):
        return value.value
    return value


def _value(kind: layout.Kind, numbers: str, value: Any) -> Any:
    if value is None:
        return None
    if numbers in codec.NUMBERS:
        return codec.NUMBERS[numbers](value)
    if kind.name.startswith("u"):
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"{value!r} is no number")
        return value
    if kind in (layout.IMEI, layout.PLMN, layout.COUNTRY, layout.SUBDIVISION):
        return value
    return bytes.fromhex(value)


def _extensions(extensions: Extensions) -> Fields:
    found: Fields = {}
    for row in dataclasses.fields(extensions):
        value = getattr(extensions, row.name)
        if row.name == "unknown":
            value = [[number, octets.hex()] for number, octets in value] or None
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            value = dataclasses.asdict(value)
        if value is not None:
            found[row.name] = _plain(value)
    return found


def _extensions_from(found: Mapping[str, Any]) -> Extensions:
    values = dict(found)
    if "cell" in values:
        values["cell"] = Cell(**values["cell"])
    if "gnss" in values:
        values["gnss"] = Gnss(**values["gnss"])
    if "cause" in values:
        values["cause"] = Cause(values["cause"])
    if "unknown" in values:
        values["unknown"] = tuple(
            (int(number), bytes.fromhex(octets)) for number, octets in values["unknown"]
        )
    return Extensions(**values)
