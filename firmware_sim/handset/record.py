"""The record: everything a phone keeps, sealed with its storage key.

A record carries the whole signed answer that explains its lock state, with the entry of the
key that signed it, so that each boot verifies it again. Times of the wall clock in it are
hints for when to ask again; none of them decides anything.

Source: SPEC.md, "The record".
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass, fields
from typing import Any

from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.numbers import Algorithm, Cause, Decision, LockState, Role
from firmware_sim_protocol.rules import SOUND, Guard, Rule
from firmware_sim_protocol.signing import KEY_SIZES
from firmware_sim_protocol.values import KeyEntry

MAGIC = b"ODRC"
RECORD_VERSION = 1
MAC_LABEL = b"ODAP/1 record\x00"
MAC_SIZE = 32
MAX_TICKETS = 64
"""Used tickets that have not expired yet. A full list refuses further tickets."""

_ABSENT = 0xFFFF_FFFF
_FIXED = struct.Struct(">4sHIIBB32s16s16s6sQIIBB32sIIQQHHHB")
_SIGNER = struct.Struct(">BHQQ33s")
_TICKET = struct.Struct(">16sQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedTicket:
    """A ticket that was taken; it can be forgotten when the time floor is past `not_after`."""

    ticket_id: bytes
    not_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What survives. `sequence` is given by the store at each commit."""

    device_key_id: bytes
    sequence: int = 0
    boot_count: int = 0
    lock_state: LockState = LockState.UNPROVISIONED
    cause: Cause = Cause.FIRST
    """Why a phone that is not active has to ask."""
    imei: str = ""
    imei2: str = ""
    answer: bytes = b""
    """The signed RESPONSE or UNLOCK_TICKET that explains the state, whole."""
    signer: KeyEntry | None = None
    """The entry of the key that signed it, as it stood then."""
    serving: str = ""
    """The serving PLMN that the answer was given for."""
    time_floor: int = 0
    policy_epoch: int = 0
    policy_version: int = 0
    decision: Decision | None = None
    """The last decision, for the equivocation check; None where nothing binds the server."""
    topic: bytes = bytes(32)
    """What it was about (`judge.topic_of`)."""
    decided_until: int = 0
    """Issue times below this are bound by it, seconds since 1970."""
    keyset: bytes = b""
    """The signed KEYSET in force, whole; empty while the factory's is."""
    tickets: tuple[UsedTicket, ...] = ()
    recheck_s: int | None = None
    """Seconds until the next check-in, counted from `rtc_s`."""
    notice_s: int | None = None
    """Seconds until an announced lock, counted from `rtc_s`."""
    rtc_s: int = 0
    locale: str = ""


_NAMES = tuple(field.name for field in fields(Record))


def changed(record: Record, changes: dict[str, Any]) -> Record:
    """The record with these changes; `dataclasses.replace` takes twice the time."""
    values = {name: getattr(record, name) for name in _NAMES}
    values.update(changes)
    return Record(**values)


def encode_record(record: Record, storage_key: bytes) -> bytes:
    """The sealed octets of a record."""
    signer = b""
    if record.signer is not None:
        entry = record.signer
        signer = _SIGNER.pack(
            entry.algorithm, entry.roles, entry.not_before, entry.not_after, entry.public_key
        )
    fixed = _FIXED.pack(
        MAGIC,
        RECORD_VERSION,
        record.sequence,
        record.boot_count,
        record.lock_state,
        record.cause,
        record.device_key_id,
        record.imei.encode("ascii"),
        record.imei2.encode("ascii"),
        record.serving.encode("ascii"),
        record.time_floor,
        record.policy_epoch,
        record.policy_version,
        record.decision or 0,
        len(signer),
        record.topic,
        _ABSENT if record.recheck_s is None else min(record.recheck_s, _ABSENT - 1),
        _ABSENT if record.notice_s is None else min(record.notice_s, _ABSENT - 1),
        record.rtc_s,
        min(record.decided_until, 0xFFFF_FFFF_FFFF_FFFF),
        len(record.answer),
        len(record.keyset),
        len(record.tickets),
        len(record.locale),
    )
    tickets = b"".join(_TICKET.pack(used.ticket_id, used.not_after) for used in record.tickets)
    body = b"".join(
        (fixed, signer, record.answer, record.keyset, tickets, record.locale.encode("ascii"))
    )
    return body + hmac.digest(storage_key, MAC_LABEL + body, "sha256")


def decode_record(octets: bytes, storage_key: bytes, guard: Guard = SOUND) -> Record:
    """The record in these octets, if they are one and this board sealed it.

    Raises:
        Refusal: STORE_MAC or STORE_VERSION.
    """
    body, mac = octets[:-MAC_SIZE], octets[-MAC_SIZE:]
    # What is no record cannot be read: no twin waives this.
    if len(body) < _FIXED.size or not body.startswith(MAGIC):
        raise Refusal(Rule.STORE_MAC, f"{len(octets)} octets that are no record")
    good = hmac.compare_digest(mac, hmac.digest(storage_key, MAC_LABEL + body, "sha256"))
    guard.require(Rule.STORE_MAC, good, "sealed with another key, or damaged")
    fields = _FIXED.unpack_from(body)
    guard.require(Rule.STORE_VERSION, fields[1] == RECORD_VERSION, f"version {fields[1]}")
    try:
        return _record(fields, body)
    except (ValueError, struct.error) as error:
        # Only a twin without the MAC comes here.
        raise Refusal(Rule.STORE_MAC, f"a field is out of its range: {error}") from error


def _record(fields: tuple[Any, ...], body: bytes) -> Record:
    signer_size = fields[14]
    answer_size, keyset_size, ticket_count, locale_size = fields[20:]
    sizes = (signer_size, answer_size, keyset_size, ticket_count * _TICKET.size, locale_size)
    rest = body[_FIXED.size :]
    if sum(sizes) != len(rest):
        raise ValueError("sizes do not add up")
    parts: list[bytes] = []
    start = 0
    for size in sizes:
        parts.append(rest[start : start + size])
        start += size
    signer, answer, keyset, tickets, locale = parts
    return Record(
        sequence=fields[2],
        boot_count=fields[3],
        lock_state=LockState(fields[4]),
        cause=Cause(fields[5]),
        device_key_id=fields[6],
        imei=_text(fields[7]),
        imei2=_text(fields[8]),
        serving=_text(fields[9]),
        time_floor=fields[10],
        policy_epoch=fields[11],
        policy_version=fields[12],
        decision=Decision(fields[13]) if fields[13] else None,
        signer=_signer(signer) if signer else None,
        topic=fields[15],
        recheck_s=None if fields[16] == _ABSENT else fields[16],
        notice_s=None if fields[17] == _ABSENT else fields[17],
        rtc_s=fields[18],
        decided_until=fields[19],
        answer=answer,
        keyset=keyset,
        tickets=tuple(
            UsedTicket(ticket_id=ticket_id, not_after=not_after)
            for ticket_id, not_after in _TICKET.iter_unpack(tickets)
        ),
        locale=locale.decode("ascii"),
    )


def _text(octets: bytes) -> str:
    return octets.rstrip(b"\0").decode("ascii")


def _signer(octets: bytes) -> KeyEntry:
    algorithm, roles, not_before, not_after, key = _SIGNER.unpack(octets)
    algorithm = Algorithm(algorithm)
    return KeyEntry(
        algorithm=algorithm,
        roles=Role(roles),
        not_before=not_before,
        not_after=not_after,
        public_key=key[: KEY_SIZES[algorithm]],
    )


def remember_ticket(record: Record, used: UsedTicket, floor: int) -> tuple[UsedTicket, ...]:
    """The list with `used` in it; tickets that have expired at `floor` are forgotten."""
    return (*(kept for kept in record.tickets if kept.not_after >= floor), used)
