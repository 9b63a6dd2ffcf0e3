"""Vectors of a device's judgement: a RESPONSE or a ticket against what the device knows."""

from __future__ import annotations

import hashlib
from typing import Any

from firmware_sim_protocol.codec import build_message
from firmware_sim_protocol.numbers import (
    TEN_YEARS_S,
    Algorithm,
    Decision,
    LockState,
    MessageType,
    TicketScope,
)
from firmware_sim_protocol.rules import Rule
from vector_files.cast import IMEI, IMEI2, NOW, XID, example, key, octets, sealed, signers, trust
from vector_files.form import Group

FLAGS = {
    "Decision": "each decision leads to its own state",
    "Binding": "the answer is about something else",
    "Freshness": "the answer is no answer, or too old",
    "Time": "absolute times against the floor",
    "Policy": "epoch, version and keyset against the floors",
    "Equivocation": "two decisions about one question",
    "Scope": "what a ticket may open",
    "Used": "a ticket is used once",
    "Order": "two rules are broken: the earlier one counts",
}
FLOOR = NOW - 10_000


def device(algorithm: Algorithm, **changes: Any) -> dict[str, Any]:
    """What the device knows when the message arrives; ms on its monotonic clock."""
    return {
        "device_key_id": key("device", algorithm).public.key_id.hex(),
        "imei": IMEI,
        "serving": "26201",
        "lock_state": "SETUP_LOCKED",
        "time_floor": FLOOR,
        "policy_epoch": 1,
        "policy_version": 7,
        "nonce_at_ms": 1000,
        "now_ms": 2500,
        "decided": None,
        "used_tickets": [],
        **changes,
    }


def response(algorithm: Algorithm, request: bytes, exchange_id: int = XID, **changes: Any) -> str:
    changes.setdefault("request_hash", hashlib.sha256(request).digest())
    message = example(MessageType.RESPONSE, algorithm, **changes)
    return build_message(message, exchange_id, signers(MessageType.RESPONSE, algorithm)).hex()


def response_groups() -> list[Group]:
    groups = []
    for algorithm in Algorithm:
        request = sealed(MessageType.REQUEST, algorithm)
        shared = {"keyset": trust(algorithm).hex(), "request": request.hex()}
        group = Group("judge-response", shared)
        _decisions(group, algorithm, request)
        _refusals(group, algorithm, request)
        _equivocations(group, algorithm, request)
        groups.append(group)
    return groups


def _decisions(group: Group, algorithm: Algorithm, request: bytes) -> None:
    states = {
        Decision.ACTIVATE: "ACTIVE",
        Decision.LOCK_TERRITORY: "LOCKED_TERRITORY",
        Decision.LOCK_BLOCKLIST: "LOCKED_BLOCKLIST",
        Decision.LOCK_FINANCE: "LOCKED_FINANCE",
        Decision.PENDING: "PENDING",
        Decision.DEACTIVATE: "SETUP_LOCKED",
    }
    for decision, after in states.items():
        for before in ("SETUP_LOCKED", "ACTIVE", "LOCKED_BLOCKLIST"):
            given = {
                "device": device(algorithm, lock_state=before),
                "message": response(algorithm, request, decision=decision),
            }
            text = f"{algorithm.name}: {decision.name} to a device that is {before}"
            group.valid(text, given, {"lock_state": after, "time_floor": NOW}, "Decision")
    edges: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
        ("issued at the floor", {"issued_at": FLOOR}, {}),
        ("expires at the floor", {"issued_at": FLOOR, "not_after": FLOOR}, {}),
        ("ten years on", {"issued_at": FLOOR + TEN_YEARS_S, "not_after": FLOOR + TEN_YEARS_S}, {}),
        ("300 s old", {}, {"now_ms": 301_000}),
        ("as old as max_age", {"max_age": 5}, {"now_ms": 6000}),
        ("a newer policy version", {"policy_version": 8}, {}),
        (
            "the device has seen an older epoch",
            {"policy_version": 0},
            {"policy_epoch": 0, "policy_version": 99},
        ),
        ("the device does not know where it is", {}, {"serving": None}),
    )
    for text, answer, facts in edges:
        given = {
            "device": device(algorithm, **facts),
            "message": response(algorithm, request, **answer),
        }
        group.valid(f"{algorithm.name}: {text}", given, {"lock_state": "ACTIVE"})


def _refusals(group: Group, algorithm: Algorithm, request: bytes) -> None:
    other_key = key("stranger", algorithm).public.key_id
    rows: tuple[tuple[str, dict[str, Any], dict[str, Any], Rule, str], ...] = (
        ("another realm", {"realm": b"another realm 01"}, {}, Rule.BIND_REALM, "Binding"),
        ("another device", {"device_key_id": other_key}, {}, Rule.BIND_DEVICE, "Binding"),
        ("another IMEI", {"imei": IMEI2}, {}, Rule.BIND_IMEI, "Binding"),
        ("another exchange", {"exchange_id": XID + 1}, {}, Rule.BIND_EXCHANGE, "Binding"),
        ("another request", {"request_hash": octets("x")}, {}, Rule.BIND_REQUEST, "Binding"),
        ("the device has moved", {}, {"serving": "36801"}, Rule.BIND_PLACE, "Binding"),
        ("another nonce", {"device_nonce": octets("x")}, {}, Rule.FRESH_NONCE, "Freshness"),
        ("301 s old", {"max_age": 9999}, {"now_ms": 301_001}, Rule.FRESH_AGE, "Freshness"),
        ("older than max_age", {"max_age": 5}, {"now_ms": 6001}, Rule.FRESH_AGE, "Freshness"),
        ("issued below the floor", {"issued_at": FLOOR - 1}, {}, Rule.TIME_FLOOR, "Time"),
        ("expired", {"issued_at": FLOOR, "not_after": FLOOR - 1}, {}, Rule.TIME_EXPIRY, "Time"),
        (
            "issued in more than ten years",
            {"issued_at": FLOOR + TEN_YEARS_S + 1},
            {},
            Rule.TIME_PLAUSIBLE,
            "Time",
        ),
        (
            "expires in more than ten years",
            {"not_after": FLOOR + TEN_YEARS_S + 1},
            {},
            Rule.TIME_PLAUSIBLE,
            "Time",
        ),
        ("not_after all ones", {"not_after": (1 << 64) - 1}, {}, Rule.TIME_PLAUSIBLE, "Time"),
        ("an older policy version", {"policy_version": 6}, {}, Rule.POLICY_VERSION, "Policy"),
        ("a lower epoch", {"policy_epoch": 0}, {}, Rule.POLICY_EPOCH, "Policy"),
        ("a higher epoch", {"policy_epoch": 2}, {}, Rule.POLICY_EPOCH, "Policy"),
        ("made under an older keyset", {"keyset_version": 0}, {}, Rule.POLICY_KEYSET, "Policy"),
        ("made under a newer keyset", {"keyset_version": 2}, {}, Rule.POLICY_KEYSET, "Policy"),
        (
            "another realm and expired",
            {"realm": b"another realm 01", "not_after": 0},
            {},
            Rule.BIND_REALM,
            "Order",
        ),
        (
            "another nonce and an older policy",
            {"device_nonce": octets("x"), "policy_version": 0},
            {},
            Rule.FRESH_NONCE,
            "Order",
        ),
        (
            "expired and an older policy",
            {"issued_at": FLOOR, "not_after": FLOOR - 1, "policy_version": 0},
            {},
            Rule.TIME_EXPIRY,
            "Order",
        ),
    )
    for text, answer, facts, rule, flag in rows:
        given = {
            "device": device(algorithm, **facts),
            "message": response(algorithm, request, **answer),
        }
        group.invalid(f"{algorithm.name}: {text}", given, rule, flag)
    plain = response(algorithm, request)
    given = {"device": device(algorithm), "request": None, "message": plain}
    text = f"{algorithm.name}: no request is open"
    group.invalid(text, given, Rule.FRESH_SOLICITED, "Freshness")
    bent = bytearray.fromhex(response(algorithm, request, realm=b"another realm 01"))
    bent[100] ^= 1
    given = {"device": device(algorithm), "message": bytes(bent).hex()}
    text = f"{algorithm.name}: forged, and of another realm"
    group.invalid(text, given, Rule.SIG_VERIFIES, "Order")


def _equivocations(group: Group, algorithm: Algorithm, request: bytes) -> None:
    elsewhere = sealed(MessageType.REQUEST, algorithm, serving_plmn="36801")
    decided = {
        "decision": "ACTIVATE",
        "request": request.hex(),
        "issued_at": NOW - 100,
        "recheck_after": 3600,
    }
    lock = response(algorithm, request, decision=Decision.LOCK_TERRITORY)
    name = algorithm.name
    given: dict[str, Any] = {"device": device(algorithm, decided=decided), "message": lock}
    text = f"{name}: another decision under one policy"
    group.invalid(text, given, Rule.POLICY_EQUIVOCATION, "Equivocation")
    for_ever = {"device": device(algorithm, decided={**decided, "recheck_after": None})}
    text = f"{name}: the same, and no recheck was ever due"
    group.invalid(text, {**for_ever, "message": lock}, Rule.POLICY_EQUIVOCATION, "Equivocation")
    again = {**given, "message": response(algorithm, request)}
    group.valid(f"{name}: the same decision again", again, None, "Equivocation")
    due = device(algorithm, decided={**decided, "recheck_after": 100})
    fresh = {"device": due, "message": lock}
    group.valid(f"{name}: another decision when the recheck is due", fresh, None, "Equivocation")
    away = device(algorithm, decided={**decided, "request": elsewhere.hex()})
    fresh = {"device": away, "message": lock}
    group.valid(f"{name}: another decision about another place", fresh, None, "Equivocation")
    newer = response(algorithm, request, decision=Decision.LOCK_TERRITORY, policy_version=8)
    fresh = {**given, "message": newer}
    group.valid(f"{name}: another decision under a newer policy", fresh, None, "Equivocation")


def ticket_groups() -> list[Group]:
    groups = []
    for algorithm in Algorithm:
        challenge = sealed(MessageType.UNLOCK_CHALLENGE, algorithm)
        shared = {"keyset": trust(algorithm).hex(), "challenge": challenge.hex()}
        group = Group("judge-ticket", shared)
        _scopes(group, algorithm)
        _ticket_refusals(group, algorithm)
        groups.append(group)
    return groups


def _ticket(algorithm: Algorithm, exchange_id: int = XID, **changes: Any) -> str:
    message = example(MessageType.UNLOCK_TICKET, algorithm, **changes)
    return build_message(message, exchange_id, signers(MessageType.UNLOCK_TICKET, algorithm)).hex()


def _scopes(group: Group, algorithm: Algorithm) -> None:
    opens = {
        LockState.LOCKED_TERRITORY: TicketScope.TERRITORY,
        LockState.LOCKED_FINANCE: TicketScope.FINANCE,
        LockState.PENDING: TicketScope.PENDING,
    }
    every = TicketScope.TERRITORY | TicketScope.FINANCE | TicketScope.PENDING
    for state in LockState:
        for scope in (*opens.values(), every, TicketScope(0)):
            given = {
                "device": device(algorithm, lock_state=state.name),
                "message": _ticket(algorithm, scope=scope),
            }
            text = f"{algorithm.name}: scope {int(scope)} for {state.name}"
            if opens.get(state, TicketScope(0)) & scope:
                group.valid(text, given, {"lock_state": "ACTIVE"}, "Scope")
            else:
                group.invalid(text, given, Rule.TICKET_SCOPE, "Scope")


def _ticket_refusals(group: Group, algorithm: Algorithm) -> None:
    used = [{"ticket_id": octets("ticket", 16).hex(), "not_after": NOW + 3600}]
    full = [
        {"ticket_id": octets(f"used {n}", 16).hex(), "not_after": NOW + 3600} for n in range(64)
    ]
    other_key = key("stranger", algorithm).public.key_id
    rows: tuple[tuple[str, dict[str, Any], dict[str, Any], Rule, str], ...] = (
        ("another realm", {"realm": b"another realm 01"}, {}, Rule.BIND_REALM, "Binding"),
        ("another device", {"device_key_id": other_key}, {}, Rule.BIND_DEVICE, "Binding"),
        ("another IMEI", {"imei": IMEI2}, {}, Rule.BIND_IMEI, "Binding"),
        ("another exchange", {"exchange_id": XID + 1}, {}, Rule.BIND_EXCHANGE, "Binding"),
        ("another challenge", {"challenge": octets("x")}, {}, Rule.FRESH_NONCE, "Freshness"),
        ("issued below the floor", {"issued_at": FLOOR - 1}, {}, Rule.TIME_FLOOR, "Time"),
        ("expired", {"issued_at": FLOOR, "not_after": FLOOR - 1}, {}, Rule.TIME_EXPIRY, "Time"),
        (
            "for eleven years",
            {"not_after": FLOOR + TEN_YEARS_S + 1},
            {},
            Rule.TIME_PLAUSIBLE,
            "Time",
        ),
        ("an older policy version", {"policy_version": 6}, {}, Rule.POLICY_VERSION, "Policy"),
        ("another epoch", {"policy_epoch": 2}, {}, Rule.POLICY_EPOCH, "Policy"),
        ("another keyset", {"keyset_version": 2}, {}, Rule.POLICY_KEYSET, "Policy"),
        ("used before", {}, {"used_tickets": used}, Rule.TICKET_UNUSED, "Used"),
        ("64 used tickets", {}, {"used_tickets": full}, Rule.TICKET_UNUSED, "Used"),
    )
    for text, ticket, facts, rule, flag in rows:
        given = {
            "device": device(algorithm, lock_state="LOCKED_TERRITORY", **facts),
            "message": _ticket(algorithm, **ticket),
        }
        group.invalid(f"{algorithm.name}: {text}", given, rule, flag)
    given = {
        "device": device(algorithm, lock_state="LOCKED_TERRITORY"),
        "challenge": None,
        "message": _ticket(algorithm),
    }
    text = f"{algorithm.name}: no challenge is open"
    group.invalid(text, given, Rule.FRESH_SOLICITED, "Freshness")
