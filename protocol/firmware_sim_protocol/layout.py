"""The byte layout of every message, declared once as tables of fields.

The fixed parts are read and written from these tables; SPEC.md's byte tables, the C header and
the dissector are generated from the same rows, so text and code cannot drift. All integers are
big-endian and of fixed width. "Absent" is all ones, where a row says so.

`construct` reads the fixed part of every body (`Fixed.read`), compiled from these tables when it
is first needed: about 6 us for a RESPONSE, where a P-256 verification takes 90 us. Headers, the
entries of a KEYSET and everything that is written have their sizes checked already, and go
through one `struct` a part, which costs a tenth of that; TLVs were slower than either.

Source: SPEC.md, "Messages".
"""

from __future__ import annotations

import struct
from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from firmware_sim_protocol.numbers import HEADER_SIZE, MAGIC, VERSION, ExtensionType, MessageType


@dataclass(frozen=True, slots=True)
class Kind:
    """How one field lies on the wire: its name in documents, its format, its size in octets.

    `code` is that of `struct`, big-endian; octets that need another look are read as they are.
    """

    name: str
    code: str
    size: int


def _octets(name: str, size: int) -> Kind:
    return Kind(name, f"{size}s", size)


U8 = Kind("u8", "B", 1)
U16 = Kind("u16", "H", 2)
U32 = Kind("u32", "I", 4)
U64 = Kind("u64", "Q", 8)
I32 = Kind("i32", "i", 4)
REALM = _octets("realm", 16)
TICKET_ID = _octets("octets[16]", 16)
HASH = _octets("octets[32]", 32)
KEY = _octets("key", 33)
IMEI = _octets("imei", 8)
PLMN = _octets("plmn", 3)
COUNTRY = _octets("country", 2)
SUBDIVISION = _octets("subdivision", 3)


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a byte table."""

    name: str
    kind: Kind
    text: str
    absent: bool = False
    """Whether all ones means absent."""
    numbers: str = ""
    """The table of numbers that the value comes from."""


class Fixed:
    """A part of fixed size: octets to named values and back, checked for size only."""

    __slots__ = (
        "_fields",
        "_reader",
        "_struct",
        "_values",
        "names",
        "pack",
        "size",
        "unpack",
        "unpack_from",
    )

    def __init__(self, fields: tuple[Field, ...]) -> None:
        self._fields = fields
        self._reader: Any = None
        self._struct = struct.Struct(">" + "".join(field.kind.code for field in fields))
        self.names = tuple(field.name for field in fields)
        self._values: Any = namedtuple("Values", self.names)  # type: ignore[misc]
        self.size = self._struct.size
        self.pack = self._struct.pack
        self.unpack = self._struct.unpack
        self.unpack_from = self._struct.unpack_from

    def read(self, octets: bytes) -> dict[str, Any]:
        """Named values of the first `size` octets, which must be there, read by `construct`."""
        if self._reader is None:
            # Compiled when first used: a start pays only for the messages that it meets.
            self._reader = construct_of(self._fields).compile()
        found = self._reader.parse(octets[: self.size])
        return {name: found[name] for name in self.names}

    def parse(self, octets: bytes) -> Any:
        """Named values, in the order of the table.

        Raises:
            struct.error: not exactly `size` octets.
        """
        return self._values._make(self.unpack(octets))

    def build(self, values: Mapping[str, Any]) -> bytes:
        """The octets of these values; octets that are too short are padded with zeros.

        Raises:
            struct.error: a number out of range, or octets where a number belongs.
        """
        return self.pack(*(values[name] for name in self.names))


def construct_of(fields: tuple[Field, ...]) -> Any:
    """The same table as a `construct.Struct`: it reads exactly these octets, and no more."""
    import construct as c

    numbers = {"B": c.Int8ub, "H": c.Int16ub, "I": c.Int32ub, "Q": c.Int64ub, "i": c.Int32sb}
    return c.Struct(
        *(f.name / numbers.get(f.kind.code, c.Bytes(f.kind.size)) for f in fields), c.Terminated
    )


def size_of(fields: tuple[Field, ...]) -> int:
    """Octets of a fixed part."""
    return sum(field.kind.size for field in fields)


HEADER: tuple[Field, ...] = (
    Field("magic", _octets("octets[4]", 4), f"{MAGIC.decode()}"),
    Field("version", U8, f"{VERSION}"),
    Field("type", U8, "message type", numbers="MessageType"),
    Field("flags", U16, "0"),
    Field("exchange_id", U32, "drawn by the device, repeated by every message of the exchange"),
    Field("body_len", U16, "octets of fixed part and extensions"),
    Field("reserved", U16, "0"),
)

_REALM = Field("realm", REALM, "the deployment")
_DEVICE = Field("device_key_id", HASH, "key id of the device key")
_EPOCH = Field("policy_epoch", U32, "epoch of the policy")
_VERSION = Field("policy_version", U32, "version of the policy")
_KEYSET = Field("keyset_version", U32, "version of the keyset in force")
_IMEI = Field("imei", IMEI, "IMEI, TBCD, 15 digits and filler F")
_NONCE = Field("device_nonce", HASH, "single use, drawn by the device")
_STATE = Field("lock_state", U8, "lock state of the device", numbers="LockState")
_ISSUED = Field("issued_at", U64, "seconds since 1970")
_NOT_AFTER = Field("not_after", U64, "seconds since 1970, inclusive")

BODIES: dict[MessageType, tuple[Field, ...]] = {
    MessageType.CHALLENGE_REQ: (_REALM, _DEVICE, _KEYSET, _EPOCH, _VERSION),
    MessageType.CHALLENGE: (
        _REALM,
        _DEVICE,
        Field("server_nonce", HASH, "drawn by the server for this exchange"),
        _KEYSET,
    ),
    MessageType.REQUEST: (
        _REALM,
        _DEVICE,
        Field("device_key_algorithm", U8, "algorithm of device_key", numbers="Algorithm"),
        Field("device_key", KEY, "public key of the device; Ed25519 is padded with one 00"),
        _IMEI,
        Field("imei2", IMEI, "second IMEI", absent=True),
        _NONCE,
        Field("server_nonce", HASH, "as in CHALLENGE"),
        Field("serving_plmn", PLMN, "registered PLMN, TS 24.008 BCD", absent=True),
        Field("sim_plmn", PLMN, "home PLMN of the SIM, TS 24.008 BCD", absent=True),
        Field("evidence", U16, "which evidence is present", numbers="Evidence"),
        Field("policy_epoch", U32, "floor of the device"),
        Field("policy_version", U32, "floor of the device"),
        _KEYSET,
        _STATE,
        Field("firmware_kind", U8, "kind of the boot image", numbers="FirmwareKind"),
        Field("security_version", U32, "anti-rollback version of the boot image"),
        Field("boot_count", U32, "boots since manufacture"),
    ),
    MessageType.RESPONSE: (
        _REALM,
        _DEVICE,
        _IMEI,
        _NONCE,
        Field("request_hash", HASH, "SHA-256 of the whole signed REQUEST"),
        Field("decision", U8, "the decision", numbers="Decision"),
        Field("reason", U16, "why, for a person", numbers="Reason"),
        Field("country", COUNTRY, "ISO 3166-1 alpha-2 as decided", absent=True),
        Field("subdivision", SUBDIVISION, "ISO 3166-2 after the hyphen, 00 padded", absent=True),
        _EPOCH,
        _VERSION,
        _KEYSET,
        _ISSUED,
        _NOT_AFTER,
        Field("max_age", U32, "seconds from the device nonce"),
        Field("retry_after", U32, "seconds, for PENDING", absent=True),
        Field("recheck_after", U32, "seconds until the device checks in again", absent=True),
    ),
    MessageType.CONFIRM: (
        _REALM,
        _DEVICE,
        _NONCE,
        Field("response_hash", HASH, "SHA-256 of the whole signed answer"),
        Field("record_sequence", U32, "sequence of the committed record"),
        _STATE,
    ),
    MessageType.CONFIRM_ACK: (
        _REALM,
        _DEVICE,
        Field("response_hash", HASH, "as in CONFIRM"),
    ),
    MessageType.UNLOCK_CHALLENGE: (
        _REALM,
        _DEVICE,
        _IMEI,
        Field("challenge", HASH, "single use, drawn by the device"),
        _STATE,
    ),
    MessageType.UNLOCK_TICKET: (
        _REALM,
        _DEVICE,
        _IMEI,
        Field("challenge", HASH, "as in UNLOCK_CHALLENGE"),
        Field("ticket_id", TICKET_ID, "single use for ever"),
        Field("scope", U16, "which locks it opens", numbers="TicketScope"),
        _EPOCH,
        _VERSION,
        _KEYSET,
        _ISSUED,
        _NOT_AFTER,
    ),
    MessageType.KEYSET: (
        _REALM,
        Field("version", U32, "one more than the keyset it follows"),
        Field("not_before", U64, "seconds since 1970"),
        Field("not_after", U64, "seconds since 1970, inclusive"),
        Field("policy_epoch", U32, "epoch of the policy; only roots raise it"),
        Field("root_threshold", U8, "distinct root signatures that the next keyset needs"),
        Field("entry_count", U8, "entries that follow, 1 to 32"),
    ),
    MessageType.ERROR: (
        Field("stage", U8, "stage of the refusal, 0 for none", numbers="Stage"),
        Field("retry_after", U32, "seconds", absent=True),
    ),
}
"""The fixed part of each body. A KEYSET's entries stand between its fixed part and extensions."""

KEYSET_ENTRY: tuple[Field, ...] = (
    Field("algorithm", U8, "algorithm of the key", numbers="Algorithm"),
    Field("roles", U16, "what the key may sign", numbers="Role"),
    Field("not_before", U64, "seconds since 1970"),
    Field("not_after", U64, "seconds since 1970, inclusive"),
    Field("public_key", KEY, "public key; Ed25519 is padded with one 00"),
)

SIGNATURE_ENTRY: tuple[Field, ...] = (
    Field("key_id", HASH, "key id of the signer"),
    Field("signature", _octets("octets[64]", 64), "r||s, or R||S"),
)

EXTENSION_HEADER: tuple[Field, ...] = (
    Field("type", U16, "top bit: critical", numbers="ExtensionType"),
    Field("length", U16, "octets of the value"),
)

EXTENSIONS: dict[ExtensionType, tuple[Field, ...]] = {
    ExtensionType.CELL: (
        Field("access", U8, "AcT of TS 27.007, 7.3"),
        Field("area", U32, "LAC or TAC"),
        Field("cell", U64, "cell identity"),
    ),
    ExtensionType.GNSS: (
        Field("latitude_e7", I32, "1e-7 degrees, north positive"),
        Field("longitude_e7", I32, "1e-7 degrees, east positive"),
        Field("accuracy_m", U32, "metres"),
        Field("age_s", U32, "seconds since the fix"),
    ),
    ExtensionType.WIFI_COUNTRY: (Field("country", COUNTRY, "ISO 3166-1 alpha-2"),),
    ExtensionType.LOCALE: (),
    ExtensionType.CAUSE: (Field("cause", U8, "why the device checks in", numbers="Cause"),),
    ExtensionType.DISPLAY_TEXT: (),
    ExtensionType.LOCK_NOTICE: (Field("seconds", U32, "until the announced lock"),),
}
"""Fixed values; LOCALE (ASCII, 1 to 35 octets) and DISPLAY_TEXT (UTF-8, 1 to 512) are text."""

HEADER_STRUCT = Fixed(HEADER)
BODY_STRUCTS = {kind: Fixed(fields) for kind, fields in BODIES.items()}
BODY_SIZES = {kind: size_of(fields) for kind, fields in BODIES.items()}
KEYSET_ENTRY_STRUCT = Fixed(KEYSET_ENTRY)
KEYSET_ENTRY_SIZE = size_of(KEYSET_ENTRY)
SIGNATURE_STRUCT = Fixed(SIGNATURE_ENTRY)
EXTENSION_HEADER_STRUCT = Fixed(EXTENSION_HEADER)
EXTENSION_STRUCTS = {kind: Fixed(fields) for kind, fields in EXTENSIONS.items() if fields}
EXTENSION_SIZES = {kind: size_of(fields) for kind, fields in EXTENSIONS.items() if fields}

assert size_of(HEADER) == HEADER_SIZE
