"""Between values and bytes: the only place where the byte tables meet the message classes.

The law, held by tests for every type: `parse_body(kind, build_body(m)) == m`, and the bytes
that `parse_body` accepts are the bytes that `build_body` would make.

Source: SPEC.md, "Messages".
"""

from __future__ import annotations

import enum
import re
import struct
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import Any

from firmware_sim_native import imei
from firmware_sim_protocol import layout, values
from firmware_sim_protocol.envelope import Envelope, seal
from firmware_sim_protocol.errors import BuildError
from firmware_sim_protocol.extensions import build_extensions, parse_extensions
from firmware_sim_protocol.layout import Field
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
_BITS = {
    name: sum(int(bit) for bit in table)
    for name, table in NUMBERS.items()
    if issubclass(table, enum.IntFlag)
}
_ALGORITHMS = {int(each): each for each in Algorithm}
_ROLES = tuple(Role(value) for value in range(sum(int(role) for role in Role) + 1))
_ROOT = int(Role.ROOT)
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
    part = layout.BODY_STRUCTS[kind]
    size = part.size
    if len(body) < size:
        guard.require(Rule.LAYOUT_SIZE, False, f"{len(body)} of {size} octets")
        # A device that does not ask for the whole part takes what is missing for "absent".
        body = body.ljust(size, b"\xff")
    fields = part.read(body)
    for name, read in _READERS[kind]:
        fields[name] = read(fields[name], fields, guard)
    if kind is MessageType.KEYSET:
        count = fields.pop("entry_count")
        start, size = size, size + count * layout.KEYSET_ENTRY_SIZE
        if len(body) < size:
            guard.require(Rule.LAYOUT_SIZE, False, f"{count} entries do not fit")
        # A twin that believes the count reads the whole entries that are there.
        whole = (len(body[start:size]) // layout.KEYSET_ENTRY_SIZE) * layout.KEYSET_ENTRY_SIZE
        octets = body[start : start + whole]
        fields["entries"] = _read_entries(octets, count, guard)
    fields["extensions"] = parse_extensions(body[size:], guard)
    message: Message = CLASSES[kind](**fields)
    if kind is MessageType.KEYSET:
        assert isinstance(message, KeySet)
        _check_keyset(message, guard)
    elif kind is MessageType.REQUEST:
        assert isinstance(message, Request)
        carried = _carried(message)
        if message.evidence != carried:
            detail = f"{message.evidence!r}, carries {Evidence(carried)!r}"
            guard.require(Rule.LAYOUT_EVIDENCE, False, detail)
    return message


def carried_evidence(request: Request) -> Evidence:
    """The bits that name what this request carries: its `evidence` must be these."""
    return Evidence(_carried(request))


def _carried(request: Request) -> int:
    more = request.extensions
    return (
        (request.serving_plmn is not None) * _SERVING
        + (request.sim_plmn is not None) * _SIM
        + (more.cell is not None) * _CELL
        + (more.gnss is not None) * _GNSS
        + (more.wifi_country is not None) * _WIFI
    )


# Numbers, because every operation on a flag takes as long as reading a whole message.
_SERVING, _SIM, _CELL, _GNSS, _WIFI = (int(bit) for bit in Evidence)


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
    entries = b""
    if kind is MessageType.REQUEST:
        assert isinstance(message, Request)
        if message.evidence != _carried(message):
            raise BuildError(f"REQUEST.evidence: {message.evidence!r} is not what it carries")
    elif kind is MessageType.KEYSET:
        assert isinstance(message, KeySet)
        if not 1 <= len(message.entries) <= MAX_KEYSET_ENTRIES:
            raise BuildError(f"KEYSET.entries: {len(message.entries)}")
        entries = b"".join(map(_build_entry, message.entries))
    wire = list(_FIELDS[kind](message))
    try:
        for place, write in _CONVERTED[kind]:
            wire[place] = write(wire[place], message)
        fixed = layout.BODY_STRUCTS[kind].pack(*wire)
    except (ValueError, TypeError, AttributeError, struct.error) as error:
        raise _blame(kind, message, error) from error
    return fixed + entries + build_extensions(message.extensions)


def _blame(kind: MessageType, message: Message, error: Exception) -> BuildError:
    """Which field it was: asked only when something has gone wrong."""
    for row, (name, write) in zip(layout.BODIES[kind], _WRITERS[kind], strict=True):
        value = getattr(message, name)
        try:
            struct.pack(">" + row.kind.code, write(value, message))
        except (ValueError, TypeError, AttributeError) as found:
            return BuildError(f"{kind.name}.{name}: {found}")
        except struct.error:
            return BuildError(f"{kind.name}.{name}: {value!r} is no {row.kind.name}")
    return BuildError(f"{kind.name}: {error}")


# Reading: (value on the wire, fields read before it, guard) -> value. A row without a reader is
# taken as it is. Refusals are worded only when they happen: wording costs more than reading.

Reader = Callable[[Any, dict[str, Any], Guard], Any]
_SWAP = bytes(octet << 4 & 0xF0 | octet >> 4 for octet in range(256))
"""Exchanges the two digits of an octet: BCD has the first digit in the low half."""


def _reader(row: Field) -> Reader | None:
    if row.numbers in _BITS:
        return _bits_reader(row)
    if row.numbers in NUMBERS:
        return _number_reader(row)
    if row.kind is layout.IMEI:
        return _imei_reader(row)
    if row.kind is layout.PLMN:
        return _read_plmn
    if row.kind is layout.COUNTRY:
        return _read_country
    if row.kind is layout.SUBDIVISION:
        return _read_subdivision
    if row.kind is layout.KEY:
        return _read_key
    if row.absent:
        absent = _all_ones(row)
        return lambda value, fields, guard: None if value == absent else value
    return None


def _all_ones(row: Field) -> int:
    return (1 << (8 * row.kind.size)) - 1


def _bits_reader(row: Field) -> Reader:
    table = NUMBERS[row.numbers]
    every = _BITS[row.numbers]
    known = {value: table(value) for value in range(every + 1)}

    def read(value: int, fields: dict[str, Any], guard: Guard) -> Any:
        if value & ~every:
            guard.require(Rule.LAYOUT_VALUE, False, f"{row.name} {value:#x}")
        return known[value & every]

    return read


def _number_reader(row: Field) -> Reader:
    table = NUMBERS[row.numbers]
    known = {int(each): each for each in table}
    decision = table is Decision
    rule = Rule.LAYOUT_DECISION if decision else Rule.LAYOUT_VALUE
    # A device that lets unknown decisions through falls into its "else": the home screen.
    otherwise = Decision.ACTIVATE if decision else table(min(known))

    def read(value: int, fields: dict[str, Any], guard: Guard) -> Any:
        found = known.get(value)
        if found is None:
            guard.require(rule, False, f"{row.name} {value}")
            return otherwise
        return found

    return read


def _imei_reader(row: Field) -> Reader:
    absent = b"\xff" * row.kind.size if row.absent else None

    def read(value: bytes, fields: dict[str, Any], guard: Guard) -> str | None:
        if value == absent:
            return None
        digits = value.translate(_SWAP).hex()
        if digits[15] != "f" or not imei.is_valid(digits[:15]):
            text = f"{row.name}: {digits} (digits, check digit, filler F)"
            guard.require(Rule.LAYOUT_IMEI, False, text)
        # A device that cuts a number off after 15 digits takes it, whatever follows them.
        return digits[:15]

    return read


def _read_plmn(value: bytes, fields: dict[str, Any], guard: Guard) -> str | None:
    if value == b"\xff\xff\xff":
        return None
    digits = value.translate(_SWAP).hex()
    # MCC, third digit of the MNC or F, first and second digit of the MNC.
    plmn = digits[:3] + digits[4:] + ("" if digits[3] == "f" else digits[3])
    if not plmn.isdecimal():
        guard.require(Rule.LAYOUT_PLMN, False, f"{value.hex()} is no PLMN")
        return None
    return plmn


def _read_country(value: bytes, fields: dict[str, Any], guard: Guard) -> str | None:
    if value == b"\xff\xff":
        return None
    if not _COUNTRY.fullmatch(value):
        guard.require(Rule.LAYOUT_VALUE, False, f"country {value!r}")
    return value.decode("ascii", "replace")


def _read_subdivision(value: bytes, fields: dict[str, Any], guard: Guard) -> str | None:
    if value == b"\xff\xff\xff":
        return None
    country = fields["country"]
    if country is None or not _SUBDIVISION.fullmatch(value):
        guard.require(Rule.LAYOUT_VALUE, False, f"subdivision {value!r}")
    return f"{country}-{value.rstrip(bytes(1)).decode('ascii', 'replace')}"


def _read_key(value: bytes, fields: dict[str, Any], guard: Guard) -> bytes:
    return _key(fields["device_key_algorithm"], value, guard)


def _key(algorithm: Algorithm, value: bytes, guard: Guard) -> bytes:
    size = KEY_SIZES[algorithm]
    if len(value) > size and any(value[size:]):
        guard.require(Rule.LAYOUT_VALUE, False, "padding of the key")
    return value[:size]


def _read_entries(octets: bytes, count: int, guard: Guard) -> tuple[KeyEntry, ...]:
    if not 1 <= count <= MAX_KEYSET_ENTRIES:
        guard.require(Rule.LAYOUT_VALUE, False, f"{count} entries")
    size = layout.KEYSET_ENTRY_SIZE
    rows = (octets[start : start + size] for start in range(0, len(octets), size))
    if guard.waived:
        return tuple([_read_entry(row, guard) for row in rows])
    return tuple(map(_kept_entry, rows))


def _read_entry(octets: bytes, guard: Guard = SOUND) -> KeyEntry:
    number, roles, not_before, not_after, key = layout.KEYSET_ENTRY_STRUCT.unpack(octets)
    algorithm = _ALGORITHMS.get(number)
    if algorithm is None:
        guard.require(Rule.KEYSET_ALGORITHM, False, f"algorithm {number}")
        # A device without that rule takes an unknown algorithm for its default.
        algorithm = Algorithm.ESP256
    if not 0 < roles < len(_ROLES):
        guard.require(Rule.LAYOUT_VALUE, False, f"roles {roles:#x}")
    return KeyEntry(
        algorithm=algorithm,
        roles=_ROLES[roles % len(_ROLES)],
        not_before=not_before,
        not_after=not_after,
        public_key=_key(algorithm, key, guard),
    )


_kept_entry = lru_cache(maxsize=512)(_read_entry)
"""For the sound guard. Like the keys in them (`signing`), entries come again and again."""


def _check_keyset(keyset: KeySet, guard: Guard) -> None:
    ids = set()
    roots = 0
    for entry in keyset.entries:
        key = PublicKey.load(entry.algorithm, entry.public_key, guard, Rule.KEYSET_KEY_STRONG)
        ids.add(key.key_id)
        roots += bool(int(entry.roles) & _ROOT)
    if len(ids) != len(keyset.entries):
        guard.require(Rule.KEYSET_KEYS_DISTINCT, False, "a key stands twice")
    if not 1 <= keyset.root_threshold <= roots:
        detail = f"{keyset.root_threshold} of {roots} roots"
        guard.require(Rule.KEYSET_THRESHOLD, False, detail)


# Writing: (value, message) -> value on the wire -----------------------------------------------

Writer = Callable[[Any, Message], Any]


def _writer(row: Field) -> Writer:
    plain = _plain_writer(row)
    if not row.absent:
        return plain
    number = row.kind.code in "BHIQ"
    absent: Any = _all_ones(row) if number else b"\xff" * row.kind.size

    def write(value: Any, message: Message) -> Any:
        if value is None:
            return absent
        if value == absent:
            raise ValueError("is the value that means absent")
        return plain(value, message)

    return write


def _plain_writer(row: Field) -> Writer:
    if row.name == "entry_count":
        return _as_it_is
    if row.numbers in NUMBERS:
        return _number_writer(NUMBERS[row.numbers])
    if row.kind is layout.IMEI:
        return _write_imei
    if row.kind is layout.PLMN:
        return _write_plmn
    if row.kind is layout.COUNTRY:
        return lambda value, message: _matching(_COUNTRY, value.encode("ascii"))
    if row.kind is layout.SUBDIVISION:
        return _write_subdivision
    if row.kind is layout.KEY:
        return lambda value, message: _padded_key(
            getattr(message, "device_key_algorithm", None), value
        )
    if row.kind.code.endswith("s"):
        return _octets_writer(row.kind.size)
    return _as_it_is


def _as_it_is(value: Any, message: Message) -> Any:
    """The writer of a plain number, whose range `struct` checks."""
    return value


def _number_writer(table: type[enum.IntEnum] | type[enum.IntFlag]) -> Writer:
    def write(value: Any, message: Message) -> Any:
        # A member is in its table; asking the table takes longer than all else about it.
        return value if type(value) is table else table(value)

    return write


def _octets_writer(size: int) -> Writer:
    def write(value: bytes, message: Message) -> bytes:
        if len(value) != size:
            raise ValueError(f"{len(value)} octets, not {size}")
        return value

    return write


def _write_imei(value: str, message: Message) -> bytes:
    if not imei.is_valid(value):
        raise ValueError("not an IMEI of 15 digits with its check digit")
    return bytes.fromhex(value + "f").translate(_SWAP)


def _write_plmn(value: str, message: Message) -> bytes:
    if len(value) not in (5, 6) or not (value.isascii() and value.isdecimal()):
        raise ValueError("a PLMN is 5 or 6 decimal digits")
    return bytes.fromhex(value[:3] + (value[5:] or "f") + value[3:5]).translate(_SWAP)


def _write_subdivision(value: str, message: Message) -> bytes:
    country, _, rest = value.partition("-")
    if country != getattr(message, "country", None):
        raise ValueError("is of another country")
    return _matching(_SUBDIVISION, rest.encode("ascii").ljust(3, b"\0"))


def _matching(pattern: re.Pattern[bytes], octets: bytes) -> bytes:
    if not pattern.fullmatch(octets):
        raise ValueError(f"{octets!r} does not fit")
    return octets


def _padded_key(algorithm: Algorithm | None, value: bytes) -> bytes:
    if algorithm is None or len(value) != KEY_SIZES[algorithm]:
        raise ValueError("not the size of its algorithm")
    return value.ljust(layout.KEY.size, b"\0")


def _build_entry(entry: KeyEntry) -> bytes:
    key = _padded_key(entry.algorithm, entry.public_key)
    values = (entry.algorithm, entry.roles, entry.not_before, entry.not_after, key)
    try:
        return layout.KEYSET_ENTRY_STRUCT.pack(*values)
    except struct.error as error:
        raise BuildError(f"KEYSET entry: {error}") from error


_READERS: dict[MessageType, tuple[tuple[str, Reader], ...]] = {
    kind: tuple((row.name, read) for row in fields for read in (_reader(row),) if read is not None)
    for kind, fields in layout.BODIES.items()
}
_WRITERS: dict[MessageType, tuple[tuple[str, Writer], ...]] = {
    kind: tuple((row.name, _writer(row)) for row in fields)
    for kind, fields in layout.BODIES.items()
}
# Most fields are plain numbers: they are fetched all at once, and only the others are written
# one by one.
_FIELDS = {kind: attrgetter(*(name for name, _ in rows)) for kind, rows in _WRITERS.items()}
_CONVERTED = {
    kind: tuple((place, write) for place, (_, write) in enumerate(rows) if write is not _as_it_is)
    for kind, rows in _WRITERS.items()
}
