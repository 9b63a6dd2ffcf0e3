"""Extensions: the type-length-value tail of a body.

Types strictly increase, so there is one encoding of one set; at most 16; no nesting. An
unknown type is skipped if its critical bit is clear (it stays signed), refused if it is set.

Source: SPEC.md, "Extensions".
"""

from __future__ import annotations

import re
from operator import attrgetter
from struct import error as struct_error
from typing import Any

from firmware_sim_protocol import layout
from firmware_sim_protocol.errors import BuildError
from firmware_sim_protocol.numbers import (
    CRITICAL_BIT,
    MAX_EXTENSIONS,
    Cause,
    ExtensionType,
)
from firmware_sim_protocol.rules import Guard, Rule
from firmware_sim_protocol.values import NO_EXTENSIONS, Cell, Extensions, Gnss

_COUNTRY = re.compile(rb"[A-Z]{2}")
_LOCALE = re.compile(r"[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*")
MAX_LOCALE = 35
MAX_TEXT = 512
_NAMES = {kind: kind.name.lower() for kind in ExtensionType}
_VALUES = attrgetter(*_NAMES.values())
_HEAD = layout.EXTENSION_HEADER_STRUCT.unpack
_KNOWN = {int(kind) & ~CRITICAL_BIT: kind for kind in ExtensionType}


def parse_extensions(octets: bytes, guard: Guard) -> Extensions:
    """Read extensions from where the fixed part ends to the end of the body.

    Raises:
        Refusal: EXT_WHOLE, EXT_COUNT, EXT_ORDER, EXT_CRITICAL, EXT_CRITICAL_BIT, EXT_VALUE.
    """
    if not octets:
        return NO_EXTENSIONS
    found: dict[str, Any] = {}
    unknown: list[tuple[int, bytes]] = []
    position, count, last = 0, 0, -1
    end = len(octets)
    while position < end:
        if end - position < 4:
            guard.require(Rule.EXT_WHOLE, False, f"{end - position} dangling octets")
            break
        head_type, length = _HEAD(octets[position : position + 4])
        value = octets[position + 4 : position + 4 + length]
        if len(value) != length:
            guard.require(Rule.EXT_WHOLE, False, f"extension {head_type:#06x} cut short")
        position += 4 + length
        count += 1
        if count > MAX_EXTENSIONS:
            guard.require(Rule.EXT_COUNT, False, f"more than {MAX_EXTENSIONS}")
        # The critical bit is no part of the order: 0x8001 and 0x0001 are one type.
        number = head_type & ~CRITICAL_BIT
        if number <= last:
            guard.require(Rule.EXT_ORDER, False, f"{number:#06x} after {last:#06x}")
        last = number
        kind = _KNOWN.get(number)
        if kind is None:
            if head_type & CRITICAL_BIT:
                guard.require(Rule.EXT_CRITICAL, False, f"{head_type:#06x}")
            unknown.append((head_type, value))
            continue
        if head_type != kind:
            guard.require(Rule.EXT_CRITICAL_BIT, False, f"{head_type:#06x}")
        try:
            found[_NAMES[kind]] = _value(kind, value)
        except ValueError as error:
            guard.require(Rule.EXT_VALUE, False, f"{kind.name}: {error}")
    return Extensions(**found, unknown=tuple(unknown))


def _value(kind: ExtensionType, value: bytes) -> Any:
    if kind is ExtensionType.LOCALE:
        return _checked_locale(value.decode("ascii"))
    if kind is ExtensionType.DISPLAY_TEXT:
        return _checked_text(value.decode("utf-8"))
    if len(value) != layout.EXTENSION_SIZES[kind]:
        raise ValueError(f"{len(value)} octets, not {layout.EXTENSION_SIZES[kind]}")
    fields = layout.EXTENSION_STRUCTS[kind].parse(value)
    match kind:
        case ExtensionType.CELL:
            return Cell(access=fields.access, area=fields.area, cell=fields.cell)
        case ExtensionType.GNSS:
            return _checked_fix(
                Gnss(
                    latitude_e7=fields.latitude_e7,
                    longitude_e7=fields.longitude_e7,
                    accuracy_m=fields.accuracy_m,
                    age_s=fields.age_s,
                )
            )
        case ExtensionType.WIFI_COUNTRY:
            if not _COUNTRY.fullmatch(fields.country):
                raise ValueError("not two capital letters")
            return fields.country.decode("ascii")
        case ExtensionType.CAUSE:
            return Cause(fields.cause)
        case _:
            return fields.seconds


def build_extensions(extensions: Extensions) -> bytes:
    """The octets of these extensions, in the one order that is allowed.

    Raises:
        BuildError: a value that its type cannot carry.
    """
    if extensions is NO_EXTENSIONS:
        return b""
    rows: list[tuple[int, bytes]] = []
    for kind, value in zip(_NAMES, _VALUES(extensions), strict=True):
        if value is not None:
            try:
                rows.append((int(kind), _octets(kind, value)))
            except (ValueError, KeyError, TypeError) as error:
                raise BuildError(f"extension {kind.name}: {error}") from error
    for number, octets in extensions.unknown:
        if number & ~CRITICAL_BIT in _KNOWN:
            raise BuildError(f"extension {number:#06x} is a known type")
        if len(octets) > 0xFFFF:
            raise BuildError(f"extension {number:#06x}: {len(octets)} octets")
        rows.append((number, octets))
    rows.sort(key=lambda row: row[0] & ~CRITICAL_BIT)
    if len(rows) > MAX_EXTENSIONS:
        raise BuildError(f"{len(rows)} extensions, at most {MAX_EXTENSIONS}")
    return b"".join(encode_extension(number, octets) for number, octets in rows)


def encode_extension(number: int, octets: bytes) -> bytes:
    """One extension, whatever its type: also what the attacks are built from."""
    return layout.EXTENSION_HEADER_STRUCT.pack(number, len(octets)) + octets


def _octets(kind: ExtensionType, value: Any) -> bytes:
    struct = layout.EXTENSION_STRUCTS.get(kind)
    built: bytes
    match kind:
        case ExtensionType.LOCALE:
            return _checked_locale(value).encode("ascii")
        case ExtensionType.DISPLAY_TEXT:
            return _checked_text(value).encode("utf-8")
        case ExtensionType.WIFI_COUNTRY:
            octets = value.encode("ascii")
            if not _COUNTRY.fullmatch(octets):
                raise ValueError("not two capital letters")
            return bytes(octets)
        case ExtensionType.CELL:
            fields = {name: getattr(value, name) for name in ("access", "area", "cell")}
        case ExtensionType.GNSS:
            _checked_fix(value)
            names = ("latitude_e7", "longitude_e7", "accuracy_m", "age_s")
            fields = {name: getattr(value, name) for name in names}
        case ExtensionType.CAUSE:
            fields = {"cause": Cause(value)}
        case ExtensionType.LOCK_NOTICE:
            fields = {"seconds": value}
    try:
        built = struct.build(fields) if struct is not None else b""
    except struct_error as error:
        raise ValueError(str(error)) from error
    return built


def _checked_locale(text: str) -> str:
    if len(text) > MAX_LOCALE or not _LOCALE.fullmatch(text):
        raise ValueError("not a BCP 47 tag of at most 35 characters")
    return text


def _checked_text(text: str) -> str:
    if not 1 <= len(text.encode("utf-8")) <= MAX_TEXT:
        raise ValueError(f"not 1 to {MAX_TEXT} octets")
    # Control characters could forge lines in a log or on a terminal.
    if any((ord(char) < 0x20 and char != "\n") or 0x7F <= ord(char) < 0xA0 for char in text):
        raise ValueError("control character")
    return text


def _checked_fix(fix: Gnss) -> Gnss:
    if abs(fix.latitude_e7) > 900_000_000 or abs(fix.longitude_e7) > 1_800_000_000:
        raise ValueError("not a position")
    return fix
