"""The cast of the vectors: keys, a keyset and one plain message of each type."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from typing import Any

from firmware_sim_protocol import values
from firmware_sim_protocol.codec import build_message
from firmware_sim_protocol.keyset import sign_keyset
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
from firmware_sim_protocol.signing import PrivateKey
from firmware_sim_protocol.values import Cell, Extensions, Gnss, KeyEntry, KeySet

REALM = b"vectors' realm 1"
IMEI = "490154203237518"
IMEI2 = "356938035643809"
NOW = 1_800_000_000
XID = 0x01020304
FAR = NOW + 100_000_000


def octets(name: str, size: int = 32) -> bytes:
    """Octets that look drawn: the same for the same name."""
    return hashlib.sha256(f"ODAP/1 vectors: {name}".encode()).digest()[:size]


@functools.cache
def key(name: str, algorithm: Algorithm) -> PrivateKey:
    return PrivateKey.derive(algorithm, octets(f"key {name}"))


def entry(private: PrivateKey, roles: Role, **changes: Any) -> KeyEntry:
    row = KeyEntry(
        algorithm=private.algorithm,
        roles=roles,
        not_before=NOW - 1000,
        not_after=FAR,
        public_key=private.public.octets,
    )
    return dataclasses.replace(row, **changes)


def entries(algorithm: Algorithm) -> tuple[KeyEntry, ...]:
    roots = tuple(entry(key(f"root {n}", algorithm), Role.ROOT) for n in (1, 2, 3))
    act = entry(key("act", algorithm), Role.ACT)
    return (*roots, act, entry(key("unlock", algorithm), Role.UNLOCK))


def keyset(algorithm: Algorithm, **changes: Any) -> KeySet:
    """Version 1: three roots with threshold 2, one ACT key, one UNLOCK key."""
    plain = KeySet(
        realm=REALM,
        version=1,
        not_before=NOW - 1000,
        not_after=FAR,
        policy_epoch=1,
        root_threshold=2,
        entries=entries(algorithm),
    )
    return dataclasses.replace(plain, **changes)


def roots(algorithm: Algorithm, *numbers: int) -> tuple[PrivateKey, ...]:
    return tuple(key(f"root {n}", algorithm) for n in numbers)


@functools.cache
def trust(algorithm: Algorithm) -> bytes:
    """The KEYSET message that devices are given at manufacture."""
    return sign_keyset(keyset(algorithm), roots(algorithm, 1, 2))


def signers(kind: MessageType, algorithm: Algorithm) -> tuple[PrivateKey, ...]:
    names: dict[MessageType, tuple[str, ...]] = {
        MessageType.REQUEST: ("device",),
        MessageType.CONFIRM: ("device",),
        MessageType.RESPONSE: ("act",),
        MessageType.UNLOCK_TICKET: ("unlock",),
        MessageType.KEYSET: ("root 1", "root 2"),
    }
    return tuple(key(name, algorithm) for name in names.get(kind, ()))


def example(kind: MessageType, algorithm: Algorithm, **changes: Any) -> Any:
    """One plain message of this type, for the device key `device`."""
    device = key("device", algorithm)
    bound: dict[str, Any] = {"realm": REALM, "device_key_id": device.public.key_id}
    policy: dict[str, Any] = {"policy_epoch": 1, "policy_version": 7, "keyset_version": 1}
    own: dict[str, Any]
    match kind:
        case MessageType.CHALLENGE_REQ:
            own = {**bound, **policy}
        case MessageType.CHALLENGE:
            own = {**bound, "server_nonce": octets("server nonce"), "keyset_version": 1}
        case MessageType.REQUEST:
            own = {
                **bound,
                **policy,
                "device_key_algorithm": algorithm,
                "device_key": device.public.octets,
                "imei": IMEI,
                "imei2": None,
                "device_nonce": octets("device nonce"),
                "server_nonce": octets("server nonce"),
                "serving_plmn": "26201",
                "sim_plmn": "310410",
                "evidence": Evidence.SERVING | Evidence.SIM,
                "lock_state": LockState.SETUP_LOCKED,
                "firmware_kind": FirmwareKind.OFFICIAL,
                "security_version": 1,
                "boot_count": 1,
            }
        case MessageType.RESPONSE:
            own = {
                **bound,
                **policy,
                "imei": IMEI,
                "device_nonce": octets("device nonce"),
                "request_hash": octets("request hash"),
                "decision": Decision.ACTIVATE,
                "reason": Reason.PLACE_ALLOWED,
                "country": "DE",
                "subdivision": None,
                "issued_at": NOW,
                "not_after": NOW + 600,
                "max_age": 300,
                "retry_after": None,
                "recheck_after": 604_800,
            }
        case MessageType.CONFIRM:
            own = {
                **bound,
                "device_nonce": octets("device nonce"),
                "response_hash": octets("response hash"),
                "record_sequence": 2,
                "lock_state": LockState.ACTIVE,
            }
        case MessageType.CONFIRM_ACK:
            own = {**bound, "response_hash": octets("response hash")}
        case MessageType.UNLOCK_CHALLENGE:
            own = {
                **bound,
                "imei": IMEI,
                "challenge": octets("challenge"),
                "lock_state": LockState.LOCKED_TERRITORY,
            }
        case MessageType.UNLOCK_TICKET:
            own = {
                **bound,
                **policy,
                "imei": IMEI,
                "challenge": octets("challenge"),
                "ticket_id": octets("ticket", 16),
                "scope": TicketScope.TERRITORY,
                "issued_at": NOW,
                "not_after": NOW + 3600,
            }
        case MessageType.KEYSET:
            return keyset(algorithm, **changes)
        case MessageType.ERROR:
            own = {"stage": 3, "retry_after": 60}
    own |= changes
    return _CLASSES[kind](**own)


_CLASSES: dict[MessageType, type[Any]] = {
    MessageType.CHALLENGE_REQ: values.ChallengeReq,
    MessageType.CHALLENGE: values.Challenge,
    MessageType.REQUEST: values.Request,
    MessageType.RESPONSE: values.Response,
    MessageType.CONFIRM: values.Confirm,
    MessageType.CONFIRM_ACK: values.ConfirmAck,
    MessageType.UNLOCK_CHALLENGE: values.UnlockChallenge,
    MessageType.UNLOCK_TICKET: values.UnlockTicket,
    MessageType.ERROR: values.Error,
}

EVERYTHING = Extensions(
    cell=Cell(access=7, area=0x1A2B, cell=0x0123_4567_89AB),
    gnss=Gnss(latitude_e7=525_200_066, longitude_e7=-134_049_540, accuracy_m=12, age_s=5),
    wifi_country="DE",
    locale="zh-Hans-CN",
    cause=Cause.RECHECK,
    display_text="Gerät gesperrt\n设备已锁定",
    lock_notice=86_400,
    unknown=((0x0777, b"skipped, but signed"),),
)


def sealed(kind: MessageType, algorithm: Algorithm, **changes: Any) -> bytes:
    """The example, changed, built and signed by whoever signs its type."""
    exchange_id = 0 if kind is MessageType.KEYSET else XID
    message = example(kind, algorithm, **changes)
    return build_message(message, exchange_id, signers(kind, algorithm))


def resealed(raw: bytes, body: bytes, kind: MessageType, algorithm: Algorithm) -> bytes:
    """These body octets, whatever they are, under the header of `raw`, signed as its type is."""
    from firmware_sim_protocol.envelope import seal

    exchange_id = int.from_bytes(raw[8:12])
    return seal(kind, exchange_id, body, signers(kind, algorithm))
