"""The byte layout of every message, declared once as tables of fields.

`construct` reads and writes the fixed parts from these tables; SPEC.md's byte tables, the C
header and the dissector are generated from the same rows, so text and code cannot drift.
All integers are big-endian and of fixed width. "Absent" is all ones, where a row says so.

Source: SPEC.md, "Messages". Figures: a fixed part, compiled, parses in about a tenth of the
time of a P-256 verification; the same fields as TLVs would take twice that verification.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import construct as c

from firmware_sim_protocol.numbers import HEADER_SIZE, MAGIC, VERSION, ExtensionType, MessageType


@dataclass(frozen=True, slots=True)
class Kind:
    """How one field lies on the wire: its construct, its size in octets, how documents call it."""

    name: str
    wire: Any
    size: int


U8 = Kind("u8", c.Int8ub, 1)
U16 = Kind("u16", c.Int16ub, 2)
U32 = Kind("u32", c.Int32ub, 4)
U64 = Kind("u64", c.Int64ub, 8)
I32 = Kind("i32", c.Int32sb, 4)
REALM = Kind("realm", c.Bytes(16), 16)
TICKET_ID = Kind("octets[16]", c.Bytes(16), 16)
HASH = Kind("octets[32]", c.Bytes(32), 32)
KEY = Kind("key", c.Bytes(33), 33)
IMEI = Kind("imei", c.Bytes(8), 8)
PLMN = Kind("plmn", c.Bytes(3), 3)
COUNTRY = Kind("country", c.Bytes(2), 2)
SUBDIVISION = Kind("subdivision", c.Bytes(3), 3)


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


def _struct(*fields: Field) -> Any:
    return c.Struct(*(field.name / field.kind.wire for field in fields)).compile()


def size_of(fields: tuple[Field, ...]) -> int:
    """Octets of a fixed part."""
    return sum(field.kind.size for field in fields)


HEADER: tuple[Field, ...] = (
    Field("magic", Kind("octets[4]", c.Bytes(4), 4), f"{MAGIC.decode()}"),
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
    Field("signature", Kind("octets[64]", c.Bytes(64), 64), "r||s, or R||S"),
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

HEADER_STRUCT = _struct(*HEADER)
BODY_STRUCTS = {kind: _struct(*fields) for kind, fields in BODIES.items()}
BODY_SIZES = {kind: size_of(fields) for kind, fields in BODIES.items()}
KEYSET_ENTRY_STRUCT = _struct(*KEYSET_ENTRY)
KEYSET_ENTRY_SIZE = size_of(KEYSET_ENTRY)
SIGNATURE_STRUCT = _struct(*SIGNATURE_ENTRY)
EXTENSION_HEADER_STRUCT = _struct(*EXTENSION_HEADER)
EXTENSION_STRUCTS = {kind: _struct(*fields) for kind, fields in EXTENSIONS.items() if fields}
EXTENSION_SIZES = {kind: size_of(fields) for kind, fields in EXTENSIONS.items() if fields}

assert size_of(HEADER) == HEADER_SIZE
