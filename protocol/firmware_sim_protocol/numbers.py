"""Every literal number of ODAP/1. No other module invents one.

Source: SPEC.md, "Numbers".
"""

from __future__ import annotations

import enum

MAGIC = b"ODAP"
VERSION = 1
HEADER_SIZE = 16
MAX_MESSAGE = 4096
"""Octets of a whole message, header and signature block included."""
SIGNATURE_ENTRY_SIZE = 96
MAX_SIGNATURES = 8
MAX_EXTENSIONS = 16
MAX_KEYSET_ENTRIES = 32

FRAME_DEADLINE_MS = 5_000
EXCHANGE_DEADLINE_MS = 30_000
MAX_DROPS = 8
"""Answers that fail at or before the signature, in one exchange, before the device gives up."""
BACKOFF_BASE_MS = 5_000
BACKOFF_CAP_MS = 3_600_000
LOCAL_MAX_AGE_S = 300
"""The device's own cap on an answer's age, whatever max_age the server grants."""
TEN_YEARS_S = 10 * 366 * 86_400

ABSENT_U32 = 0xFFFF_FFFF
ABSENT_U64 = 0xFFFF_FFFF_FFFF_FFFF


class MessageType(enum.IntEnum):
    """Octet 5 of the header."""

    CHALLENGE_REQ = 1
    CHALLENGE = 2
    REQUEST = 3
    RESPONSE = 4
    CONFIRM = 5
    CONFIRM_ACK = 6
    UNLOCK_CHALLENGE = 7
    UNLOCK_TICKET = 8
    KEYSET = 9
    ERROR = 10


SIGNING_CONTEXT = {
    MessageType.REQUEST: b"request",
    MessageType.RESPONSE: b"response",
    MessageType.CONFIRM: b"confirm",
    MessageType.UNLOCK_TICKET: b"unlock-ticket",
    MessageType.KEYSET: b"keyset",
}
"""The types that carry a signature block, and the context that separates their signatures."""


class Algorithm(enum.IntEnum):
    """Belongs to a key, never to a message."""

    ESP256 = 1
    """ECDSA P-256 with SHA-256, fixed 64 octets r||s (RFC 9864 name)."""
    ED25519 = 2


class Role(enum.IntFlag):
    """What a key of a KEYSET may sign."""

    ROOT = 1
    ACT = 2
    UNLOCK = 4
    TIME = 8
    DEVICE = 16


class Decision(enum.IntEnum):
    """What the server decided. Only ACTIVATE leads to the home screen."""

    ACTIVATE = 1
    LOCK_TERRITORY = 2
    LOCK_BLOCKLIST = 3
    LOCK_FINANCE = 4
    PENDING = 5
    DEACTIVATE = 6


class Reason(enum.IntEnum):
    """Why: shown to a person, decides nothing on the device."""

    NONE = 0
    PLACE_ALLOWED = 1
    PLACE_FORBIDDEN = 2
    PLACE_UNKNOWN = 3
    BLOCKLISTED = 4
    FINANCE = 5
    WITHDRAWN = 6
    NO_RULE = 7


class LockState(enum.IntEnum):
    """The persistent state of a device, as REQUEST and CONFIRM carry it."""

    UNPROVISIONED = 0
    SETUP_LOCKED = 1
    PENDING = 2
    ACTIVE = 3
    LOCKED_TERRITORY = 4
    LOCKED_BLOCKLIST = 5
    LOCKED_FINANCE = 6
    STORE_FAULT = 7


class FirmwareKind(enum.IntEnum):
    OFFICIAL = 1
    UNOFFICIAL = 2


class Evidence(enum.IntFlag):
    """Which kinds of evidence a REQUEST carries."""

    SERVING = 1
    SIM = 2
    CELL = 4
    GNSS = 8
    WIFI_COUNTRY = 16


class Cause(enum.IntEnum):
    """Why the device checks in (extension CAUSE)."""

    FIRST = 1
    RETRY = 2
    RECHECK = 3
    IDENTITY_CHANGED = 4
    FACTORY_RESET = 5
    USER = 6
    PLACE_CHANGED = 7


class TicketScope(enum.IntFlag):
    """Which locks an UNLOCK_TICKET opens. LOCKED_BLOCKLIST has no bit, on purpose."""

    TERRITORY = 1
    FINANCE = 2
    PENDING = 4


class ExtensionType(enum.IntEnum):
    """Extension numbers, the critical bit (0x8000) included where the type has it."""

    CELL = 0x0001
    GNSS = 0x0002
    WIFI_COUNTRY = 0x0003
    LOCALE = 0x0004
    CAUSE = 0x0005
    DISPLAY_TEXT = 0x0101
    LOCK_NOTICE = 0x0102


CRITICAL_BIT = 0x8000
