"""The messages of ODAP/1 as a program sees them: frozen values, no bytes of the wire.

An IMEI is a string of 15 digits, a PLMN one of 5 or 6 digits; None means absent. Times are
whole seconds since 1970 (UTC), durations whole seconds, unless a name says otherwise.

Source: SPEC.md, "Messages".
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware_sim_protocol.numbers import (
    Algorithm,
    Cause,
    Decision,
    Evidence,
    FirmwareKind,
    LockState,
    MessageType,
    Reason,
    Role,
    TicketScope,
)


@dataclass(frozen=True, slots=True)
class Header:
    """The 16 octets before every body."""

    type: MessageType
    exchange_id: int
    """u32, drawn by the device for each exchange; every message of it repeats it."""
    body_len: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Extension CELL: the serving cell. `access` is AcT of 3GPP TS 27.007, 7.3 (+COPS)."""

    access: int
    area: int
    """LAC or TAC."""
    cell: int
    """Cell identity: CI, ECI or NCI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gnss:
    """Extension GNSS: a position fix (WGS 84)."""

    latitude_e7: int
    """1e-7 degrees, north positive, -900000000 to 900000000."""
    longitude_e7: int
    """1e-7 degrees, east positive, -1800000000 to 1800000000."""
    accuracy_m: int
    age_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """The extensions of one message, by name; None where the message has none of that type.

    `unknown` keeps (type, value) of non-critical extensions that this version does not know:
    they are signed, so they are kept, and they decide nothing.
    """

    cell: Cell | None = None
    gnss: Gnss | None = None
    wifi_country: str | None = None
    """ISO 3166-1 alpha-2."""
    locale: str | None = None
    """BCP 47 tag, 1 to 35 ASCII characters."""
    cause: Cause | None = None
    display_text: str | None = None
    """UTF-8, 1 to 512 octets, no control character but line feed."""
    lock_notice: int | None = None
    """Seconds until an announced lock."""
    unknown: tuple[tuple[int, bytes], ...] = ()


NO_EXTENSIONS = Extensions()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeReq:
    """Device to server, unsigned: opens an exchange."""

    realm: bytes
    """16 octets: the deployment. Keys of one realm mean nothing in another."""
    device_key_id: bytes
    keyset_version: int
    policy_epoch: int
    policy_version: int
    extensions: Extensions = NO_EXTENSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """Server to device, unsigned: the server's nonce for this exchange."""

    realm: bytes
    device_key_id: bytes
    server_nonce: bytes
    keyset_version: int
    extensions: Extensions = NO_EXTENSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Device to server, signed by the device key: who asks, where it is, what it has seen."""

    realm: bytes
    device_key_id: bytes
    device_key_algorithm: Algorithm
    device_key: bytes
    """Canonical public key: 33 octets (ESP256, compressed point) or 32 (Ed25519)."""
    imei: str
    imei2: str | None
    device_nonce: bytes
    server_nonce: bytes
    serving_plmn: str | None
    sim_plmn: str | None
    evidence: Evidence
    policy_epoch: int
    policy_version: int
    keyset_version: int
    lock_state: LockState
    firmware_kind: FirmwareKind
    security_version: int
    boot_count: int
    extensions: Extensions = NO_EXTENSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Server to device, signed by one ACT key: the decision about one request."""

    realm: bytes
    device_key_id: bytes
    imei: str
    device_nonce: bytes
    request_hash: bytes
    """SHA-256 of the whole signed REQUEST, header and signature block included."""
    decision: Decision
    reason: Reason
    country: str | None
    subdivision: str | None
    """ISO 3166-2 with its country, such as UA-43."""
    policy_epoch: int
    policy_version: int
    keyset_version: int
    issued_at: int
    not_after: int
    max_age: int
    retry_after: int | None
    recheck_after: int | None
    extensions: Extensions = NO_EXTENSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Device to server, signed by the device key: the answer is committed."""

    realm: bytes
    device_key_id: bytes
    device_nonce: bytes
    response_hash: bytes
    """SHA-256 of the whole signed RESPONSE (or UNLOCK_TICKET)."""
    record_sequence: int
    lock_state: LockState
    extensions: Extensions = NO_EXTENSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmAck:
    """Server to device, unsigned: the confirmation arrived."""

    realm: bytes
    device_key_id: bytes
    response_hash: bytes
    extensions: Extensions = NO_EXTENSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockChallenge:
    """Device to whoever issues tickets, unsigned: what a ticket must answer."""

    realm: bytes
    device_key_id: bytes
    imei: str
    challenge: bytes
    lock_state: LockState
    extensions: Extensions = NO_EXTENSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockTicket:
    """To the device, signed by one UNLOCK key: opens one lock of one device once."""

    realm: bytes
    device_key_id: bytes
    imei: str
    challenge: bytes
    ticket_id: bytes
    """16 octets, single use for ever."""
    scope: TicketScope
    policy_epoch: int
    policy_version: int
    keyset_version: int
    issued_at: int
    not_after: int
    extensions: Extensions = NO_EXTENSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """One key of a KEYSET. Its id is always computed, never read."""

    algorithm: Algorithm
    roles: Role
    not_before: int
    not_after: int
    public_key: bytes
    """Canonical: 33 octets (ESP256) or 32 (Ed25519)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """To the device, signed by root thresholds: which keys may say what. Absent is revoked."""

    realm: bytes
    version: int
    not_before: int
    not_after: int
    policy_epoch: int
    """The epoch of the policy: only roots can raise it."""
    root_threshold: int
    entries: tuple[KeyEntry, ...]
    extensions: Extensions = NO_EXTENSIONS

    @property
    def entry_count(self) -> int:
        return len(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """Either way, unsigned, advisory: never changes the lock state."""

    stage: int
    """A `Stage` number; 0 when the sender names none."""
    retry_after: int | None
    extensions: Extensions = NO_EXTENSIONS


Message = (
    ChallengeReq
    | Challenge
    | Request
    | Response
    | Confirm
    | ConfirmAck
    | UnlockChallenge
    | UnlockTicket
    | KeySet
    | Error
)
