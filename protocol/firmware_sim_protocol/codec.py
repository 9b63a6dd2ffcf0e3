"""Between values and bytes: the only place where `construct` meets the message classes.

The law, held by tests for every type: `parse_body(kind, build_body(m)) == m`, and the bytes
that `parse_body` accepts are the bytes that `build_body` would make.

Source: SPEC.md, "Messages".
"""

from __future__ import annotations

import enum
import re
from typing import Any

import construct

from firmware_sim_native import imei, plmn, tbcd
from firmware_sim_protocol import layout, values
from firmware_sim_protocol.envelope import Envelope, seal
from firmware_sim_protocol.errors import BuildError
from firmware_sim_protocol.extensions import build_extensions, parse_extensions
from firmware_sim_protocol.layout import Field, Kind
from firmware_sim_protocol.numbers import (
    MAX_KEYSET_ENTRIES,
    Algorithm,
    Decision,
    Evidence,
    FirmwareKind,
    LockState,
    MessageType,
    Reason,
    Role,
    TicketScope,
)
from firmware_sim_protocol.rules import SOUND, Guard, Rule
from firmware_sim_protocol.signing import KEY_SIZES, PrivateKey, PublicKey
from firmware_sim_protocol.values import KeyEntry, KeySet, Message, Request

CLASSES: dict[MessageType, type[Any]] = {
    MessageType.CHALLENGE_REQ: values.ChallengeReq,
    MessageType.CHALLENGE: values.Challenge,
    MessageType.REQUEST: values.Request,
    MessageType.RESPONSE: values.Response,
    MessageType.CONFIRM: values.Confirm,
    MessageType.CONFIRM_ACK: values.ConfirmAck,
    MessageType.UNLOCK_CHALLENGE: values.UnlockChallenge,
    MessageType.UNLOCK_TICKET: values.UnlockTicket,
    MessageType.KEYSET: values.KeySet,
    MessageType.ERROR: values.Error,
}
TYPES = {cls: kind for kind, cls in CLASSES.items()}

NUMBERS: dict[str, type[enum.IntEnum] | type[enum.IntFlag]] = {
    "Algorithm": Algorithm,
    "Decision": Decision,
    "Evidence": Evidence,
    "FirmwareKind": FirmwareKind,
    "LockState": LockState,
    "Reason": Reason,
    "Role": Role,
    "TicketScope": TicketScope,
}
_ALL_BITS = {
    name: sum(int(bit) for bit in table)
    for name, table in NUMBERS.items()
    if issubclass(table, enum.IntFlag)
}
_ABSENT = {kind.name: b"\xff" * kind.size for kind in (layout.IMEI, layout.PLMN)}
_COUNTRY = re.compile(rb"[A-Z]{2}")
_SUBDIVISION = re.compile(rb"(?:[A-Z0-9]{1,3})\x00{0,2}")


def parse_message(envelope: Envelope, guard: Guard = SOUND) -> Message:
    """The value of a message whose signature has been checked, or needs none.

    Raises:
        Refusal: at stage LAYOUT.
    """
    return parse_body(envelope.header.type, envelope.body, guard)


def parse_body(kind: MessageType, body: bytes, guard: Guard = SOUND) -> Message:
    """The value of one body: fixed part, a KEYSET's entries, extensions.

    Raises:
        Refusal: at stage LAYOUT.
    """
    size = layout.BODY_SIZES[kind]
    guard.require(Rule.LAYOUT_SIZE, len(body) >= size, f"{len(body)} of {size} octets")
    # A device that does not ask for the whole part takes what is missing for "absent".
    body = body.ljust(size, b"\xff")
    raw = layout.BODY_STRUCTS[kind].parse(body[:size])
    fields = _read(layout.BODIES[kind], raw, guard)
    if kind is MessageType.KEYSET:
        count = fields.pop("entry_count")
        size += count * layout.KEYSET_ENTRY_SIZE
        guard.require(Rule.LAYOUT_SIZE, len(body) >= size, f"{count} entries do not fit")
        fields["entries"] = _read_entries(body[layout.BODY_SIZES[kind] : size], count, guard)
    fields["extensions"] = parse_extensions(body[size:], guard)
    message: Message = CLASSES[kind](**fields)
    if isinstance(message, KeySet):
        _check_keyset(message, guard)
    elif isinstance(message, Request):
        carried = carried_evidence(message)
        agrees = message.evidence == carried
        guard.require(Rule.LAYOUT_EVIDENCE, agrees, f"{message.evidence!r}, carries {carried!r}")
    return message


def carried_evidence(request: Request) -> Evidence:
    """The bits that name what this request carries: its `evidence` must be these."""
    carried = Evidence(0)
    for bit, value in (
        (Evidence.SERVING, request.serving_plmn),
        (Evidence.SIM, request.sim_plmn),
        (Evidence.CELL, request.extensions.cell),
        (Evidence.GNSS, request.extensions.gnss),
        (Evidence.WIFI_COUNTRY, request.extensions.wifi_country),
    ):
        if value is not None:
            carried |= bit
    return carried


def build_message(
    message: Message, exchange_id: int, signers: tuple[PrivateKey, ...] = ()
) -> bytes:
    """The whole message, sealed.

    Raises:
        BuildError: a value that the field named cannot carry.
    """
    return seal(TYPES[type(message)], exchange_id, build_body(message), signers)


def build_body(message: Message) -> bytes:
    """The octets of one body.

    Raises:
        BuildError: a value that the field named cannot carry.
    """
    kind = TYPES[type(message)]
    fields = {
        field.name: _write(field, message, kind.name)
        for field in layout.BODIES[kind]
        if field.name != "entry_count"
    }
    entries = b""
    if isinstance(message, Request) and message.evidence != carried_evidence(message):
        raise BuildError(f"REQUEST.evidence: {message.evidence!r} is not what it carries")
    if isinstance(message, KeySet):
        if not 1 <= len(message.entries) <= MAX_KEYSET_ENTRIES:
            raise BuildError(f"KEYSET.entries: {len(message.entries)}")
        fields["entry_count"] = len(message.entries)
        entries = b"".join(_build_entry(entry) for entry in message.entries)
    fixed = _build(layout.BODY_STRUCTS[kind], fields, kind.name)
    return fixed + entries + build_extensions(message.extensions)


def _build(struct: Any, fields: dict[str, Any], name: str) -> bytes:
    try:
        built: bytes = struct.build(fields)
    except construct.ConstructError as error:
        raise BuildError(f"{name}: {str(error).splitlines()[-1]}") from error
    except Exception as error:  # a compiled struct lets struct.error and TypeError through
        raise BuildError(f"{name}: {error}") from error
    return built


# Reading: one function a kind of field ----------------------------------------------------


def _read(rows: tuple[Field, ...], raw: Any, guard: Guard) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for row in rows:
        value = getattr(raw, row.name)
        if row.numbers in NUMBERS:
            value = _number(row, value, guard)
        elif row.kind is layout.IMEI:
            value = _imei(row, value, guard)
        elif row.kind is layout.PLMN:
            value = _plmn(row, value, guard)
        elif row.kind is layout.COUNTRY:
            value = _country(value, guard)
        elif row.kind is layout.SUBDIVISION:
            value = _subdivision(fields.get("country"), value, guard)
        elif row.kind is layout.KEY:
            value = _key(fields["device_key_algorithm"], value, guard)
        elif row.absent and value == (1 << (8 * row.kind.size)) - 1:
            value = None
        fields[row.name] = value
    return fields


def _number(row: Field, value: int, guard: Guard) -> int:
    table = NUMBERS[row.numbers]
    bits = _ALL_BITS.get(row.numbers)
    if bits is not None:
        guard.require(Rule.LAYOUT_VALUE, not value & ~bits, f"{row.name} {value:#x}")
        return table(value & bits)
    known = value in table._value2member_map_
    if table is Decision:
        guard.require(Rule.LAYOUT_DECISION, known, f"decision {value}")
        # A device that lets unknown decisions through falls into its "else": the home screen.
        return table(value) if known else Decision.ACTIVATE
    guard.require(Rule.LAYOUT_VALUE, known, f"{row.name} {value}")
    return table(value if known else min(table._value2member_map_))


def _imei(row: Field, value: bytes, guard: Guard) -> str | None:
    if row.absent and value == _ABSENT["imei"]:
        return None
    try:
        digits = tbcd.unpack_imei(value)
    except ValueError as error:
        guard.require(Rule.LAYOUT_IMEI, False, f"{row.name}: {error}")
        # A device that cuts a number off after 15 digits, whatever follows them.
        digits = bytes(octet << 4 & 0xF0 | octet >> 4 for octet in value).hex()[:15]
    guard.require(Rule.LAYOUT_IMEI, imei.is_valid(digits), f"{row.name}: check digit or all zeros")
    return digits


def _plmn(row: Field, value: bytes, guard: Guard) -> str | None:
    if row.absent and value == _ABSENT["plmn"]:
        return None
    try:
        return plmn.unpack(value)
    except ValueError as error:
        guard.require(Rule.LAYOUT_PLMN, False, f"{row.name}: {error}")
        return None


def _country(value: bytes, guard: Guard) -> str | None:
    if value == b"\xff\xff":
        return None
    guard.require(Rule.LAYOUT_VALUE, bool(_COUNTRY.fullmatch(value)), f"country {value!r}")
    return value.decode("ascii", "replace")


def _subdivision(country: str | None, value: bytes, guard: Guard) -> str | None:
    if value == b"\xff\xff\xff":
        return None
    good = country is not None and bool(_SUBDIVISION.fullmatch(value))
    guard.require(Rule.LAYOUT_VALUE, good, f"subdivision {value!r}")
    return f"{country}-{value.rstrip(bytes(1)).decode('ascii', 'replace')}"


def _key(algorithm: Algorithm, value: bytes, guard: Guard) -> bytes:
    size = KEY_SIZES[algorithm]
    guard.require(Rule.LAYOUT_VALUE, not any(value[size:]), "padding of the key")
    return value[:size]


def _read_entries(octets: bytes, count: int, guard: Guard) -> tuple[KeyEntry, ...]:
    guard.require(Rule.LAYOUT_VALUE, 1 <= count <= MAX_KEYSET_ENTRIES, f"{count} entries")
    entries = []
    for start in range(0, len(octets), layout.KEYSET_ENTRY_SIZE):
        raw = layout.KEYSET_ENTRY_STRUCT.parse(octets[start : start + layout.KEYSET_ENTRY_SIZE])
        known = raw.algorithm in Algorithm._value2member_map_
        guard.require(Rule.KEYSET_ALGORITHM, known, f"algorithm {raw.algorithm}")
        # A device without that rule takes an unknown algorithm for its default.
        algorithm = Algorithm(raw.algorithm) if known else Algorithm.ESP256
        guard.require(Rule.LAYOUT_VALUE, 0 < raw.roles < 32, f"roles {raw.roles:#x}")
        entries.append(
            KeyEntry(
                algorithm=algorithm,
                roles=Role(raw.roles & 31),
                not_before=raw.not_before,
                not_after=raw.not_after,
                public_key=_key(algorithm, raw.public_key, guard),
            )
        )
    return tuple(entries)


def _check_keyset(keyset: KeySet, guard: Guard) -> None:
    ids = set()
    for entry in keyset.entries:
        key = PublicKey.load(entry.algorithm, entry.public_key, guard, Rule.KEYSET_KEY_STRONG)
        ids.add(key.key_id)
    distinct = len(ids) == len(keyset.entries)
    guard.require(Rule.KEYSET_KEYS_DISTINCT, distinct, "a key stands twice")
    roots = sum(1 for entry in keyset.entries if entry.roles & Role.ROOT)
    sensible = 1 <= keyset.root_threshold <= roots
    guard.require(Rule.KEYSET_THRESHOLD, sensible, f"{keyset.root_threshold} of {roots} roots")


# Writing ----------------------------------------------------------------------------------


def _write(row: Field, message: Message, name: str) -> Any:
    value = getattr(message, row.name)
    try:
        return _octets(row, value, message)
    except (ValueError, TypeError, AttributeError) as error:
        raise BuildError(f"{name}.{row.name}: {error}") from error


def _octets(row: Field, value: Any, message: Message) -> Any:
    kind: Kind = row.kind
    if value is None:
        if not row.absent:
            raise ValueError("must be present")
        return (1 << (8 * kind.size)) - 1 if kind.name.startswith("u") else b"\xff" * kind.size
    if kind is layout.IMEI:
        if not imei.is_valid(value):
            raise ValueError("not an IMEI of 15 digits with its check digit")
        return tbcd.pack_imei(value)
    if kind is layout.PLMN:
        return plmn.pack(value)
    if kind is layout.COUNTRY:
        return _matching(_COUNTRY, value.encode("ascii"))
    if kind is layout.SUBDIVISION:
        country, _, rest = value.partition("-")
        if country != getattr(message, "country", None):
            raise ValueError("is of another country")
        return _matching(_SUBDIVISION, rest.encode("ascii").ljust(3, b"\0"))
    if kind is layout.KEY:
        algorithm = getattr(message, "device_key_algorithm", None)
        return _padded_key(algorithm, value)
    if isinstance(value, bytes):
        if len(value) != kind.size:
            raise ValueError(f"{len(value)} octets, not {kind.size}")
        return value
    if row.absent and value == (1 << (8 * kind.size)) - 1:
        raise ValueError("is the value that means absent")
    if row.numbers in NUMBERS:
        return int(NUMBERS[row.numbers](value))
    if not 0 <= value < 1 << (8 * kind.size):
        raise ValueError(f"{value} is no {kind.name}")
    return value


def _matching(pattern: re.Pattern[bytes], octets: bytes) -> bytes:
    if not pattern.fullmatch(octets):
        raise ValueError(f"{octets!r} does not fit")
    return octets


def _padded_key(algorithm: Algorithm | None, value: bytes) -> bytes:
    if algorithm is None or len(value) != KEY_SIZES[algorithm]:
        raise ValueError("not the size of its algorithm")
    return value.ljust(layout.KEY.size, b"\0")


def _build_entry(entry: KeyEntry) -> bytes:
    fields = {
        "algorithm": entry.algorithm,
        "roles": entry.roles,
        "not_before": entry.not_before,
        "not_after": entry.not_after,
        "public_key": _padded_key(entry.algorithm, entry.public_key),
    }
    return _build(layout.KEYSET_ENTRY_STRUCT, fields, "KEYSET entry")
