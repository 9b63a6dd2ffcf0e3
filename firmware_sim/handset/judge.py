"""What a signed answer must satisfy after its signature: binding, freshness, time, policy.

Pure functions over what the phone knows. Each check is a row of `rules.Rule`, asked in the
order of the stages, so the first broken row is the one that is reported. A refusal is worded
only when it happens: wording them all costs more than the checks.

Source: SPEC.md, "Order of checks".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from firmware_sim.handset.lock import SCOPE_OF_STATE
from firmware_sim.handset.record import MAX_TICKETS, Record
from firmware_sim_protocol.envelope import Envelope
from firmware_sim_protocol.numbers import LOCAL_MAX_AGE_S, TEN_YEARS_S, LockState, TicketScope
from firmware_sim_protocol.rules import Guard, Rule
from firmware_sim_protocol.values import KeySet, Request, Response, UnlockTicket


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The open REQUEST: the device's own copy, and the instant its nonce was drawn."""

    exchange_id: int
    nonce_at: int
    """Monotonic milliseconds."""
    request: Request
    raw: bytes

    @property
    def digest(self) -> bytes:
        """What an answer must name: SHA-256 of the whole message."""
        return hashlib.sha256(self.raw).digest()

    @property
    def topic(self) -> bytes:
        """SHA-256 of the facts that a decision may rest on."""
        return topic_of(self.request)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenChallenge:
    """The open unlock challenge."""

    exchange_id: int
    octets: bytes
    state: LockState
    raw: bytes
    """The whole UNLOCK_CHALLENGE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the phone holds an answer against."""

    realm: bytes
    device_key_id: bytes
    imei: str
    record: Record
    keyset: KeySet
    floor: int
    """The time floor; in a twin that trusts it, the wall clock."""
    now: int
    serving: str | None
    """Where the phone is now."""


def topic_of(request: Request) -> bytes:
    """The same for two requests exactly when the same policy must decide the same."""
    extensions = request.extensions
    facts = (
        request.imei,
        request.imei2,
        request.serving_plmn,
        request.sim_plmn,
        request.firmware_kind,
        request.security_version,
        extensions.cell,
        extensions.gnss,
        extensions.wifi_country,
    )
    return hashlib.sha256(repr(facts).encode()).digest()


def judge_response(
    envelope: Envelope, response: Response, question: Question | None, facts: Facts, guard: Guard
) -> None:
    """Return if the RESPONSE may be committed. Its signature and layout are checked already.

    Raises:
        Refusal: at a stage from BINDING to POLICY.
    """
    require = guard.require
    require(Rule.BIND_REALM, response.realm == facts.realm)
    require(Rule.BIND_DEVICE, response.device_key_id == facts.device_key_id)
    require(Rule.BIND_IMEI, response.imei == facts.imei, "of another IMEI")
    if question is None:
        require(Rule.FRESH_SOLICITED, False, "no request is open")
    else:
        exchange_id = envelope.header.exchange_id
        if exchange_id != question.exchange_id:
            require(Rule.BIND_EXCHANGE, False, f"{exchange_id:08x}")
        require(Rule.BIND_REQUEST, response.request_hash == question.digest, "another request")
        still = facts.serving is None or facts.serving == question.request.serving_plmn
        if not still:
            require(Rule.BIND_PLACE, False, f"now in {facts.serving}")
        fresh = response.device_nonce == question.request.device_nonce
        require(Rule.FRESH_NONCE, fresh, "another nonce")
        age = facts.now - question.nonce_at
        limit = 1000 * min(response.max_age, LOCAL_MAX_AGE_S)
        if age > limit:
            require(Rule.FRESH_AGE, False, f"{age} ms old, at most {limit}")
    judge_times(response.issued_at, response.not_after, facts.floor, guard)
    judge_policy(response, facts, guard)
    record = facts.record
    # Bound: the same facts, the same policy, before the time at which the server itself said
    # that it would decide anew. Only signed times are compared. A new epoch frees the server
    # (`Memory.adopt_keyset`).
    bound = (
        record.decision is not None
        and response.issued_at < record.decided_until
        and record.policy_version == response.policy_version
        and question is not None
        and record.topic == question.topic
    )
    if bound and record.decision != response.decision:
        detail = f"{response.decision.name} after {record.decision!r}"
        require(Rule.POLICY_EQUIVOCATION, False, detail)


def judge_ticket(
    envelope: Envelope,
    ticket: UnlockTicket,
    challenge: OpenChallenge | None,
    facts: Facts,
    guard: Guard,
) -> None:
    """Return if the UNLOCK_TICKET may be committed.

    Raises:
        Refusal: at a stage from BINDING to POLICY.
    """
    require = guard.require
    require(Rule.BIND_REALM, ticket.realm == facts.realm)
    require(Rule.BIND_DEVICE, ticket.device_key_id == facts.device_key_id)
    require(Rule.BIND_IMEI, ticket.imei == facts.imei, "of another IMEI")
    if challenge is None:
        require(Rule.FRESH_SOLICITED, False, "no unlock challenge is open")
    else:
        exchange_id = envelope.header.exchange_id
        require(Rule.BIND_EXCHANGE, exchange_id == challenge.exchange_id, f"{exchange_id:08x}")
        require(Rule.FRESH_NONCE, ticket.challenge == challenge.octets, "another challenge")
    judge_times(ticket.issued_at, ticket.not_after, facts.floor, guard)
    judge_policy(ticket, facts, guard)
    record = facts.record
    known = {used.ticket_id for used in record.tickets}
    require(Rule.TICKET_UNUSED, ticket.ticket_id not in known, ticket.ticket_id.hex())
    live = sum(1 for used in record.tickets if used.not_after >= facts.floor)
    require(Rule.TICKET_UNUSED, live < MAX_TICKETS, f"{live} used tickets, no room for more")
    state = record.lock_state
    needed = SCOPE_OF_STATE.get(state, TicketScope(0))
    covered = bool(needed & ticket.scope)
    require(Rule.TICKET_SCOPE, covered, f"{ticket.scope.name} does not open {state.name}")


def judge_times(issued_at: int, not_after: int, floor: int, guard: Guard) -> None:
    """Absolute times against the floor; see `Facts.floor`.

    Raises:
        Refusal: TIME_PLAUSIBLE, TIME_FLOOR or TIME_EXPIRY.
    """
    horizon = floor + TEN_YEARS_S
    if issued_at > horizon or not_after > horizon:
        detail = f"{issued_at} to {not_after}, floor {floor}"
        guard.require(Rule.TIME_PLAUSIBLE, False, detail)
    if issued_at < floor:
        guard.require(Rule.TIME_FLOOR, False, f"{issued_at}, floor {floor}")
    if not_after < floor:
        guard.require(Rule.TIME_EXPIRY, False, f"{not_after}, floor {floor}")


def judge_policy(answer: Response | UnlockTicket, facts: Facts, guard: Guard) -> None:
    """Epoch, version and keyset against the floors.

    Raises:
        Refusal: POLICY_EPOCH, POLICY_VERSION or POLICY_KEYSET.
    """
    keyset, record = facts.keyset, facts.record
    epoch = answer.policy_epoch
    if epoch != keyset.policy_epoch:
        guard.require(Rule.POLICY_EPOCH, False, f"{epoch}, keyset {keyset.policy_epoch}")
    # In a new epoch, which only roots open, versions count from the beginning.
    floor = record.policy_version if epoch <= record.policy_epoch else 0
    version = answer.policy_version
    if version < floor:
        guard.require(Rule.POLICY_VERSION, False, f"{version}, floor {floor}")
    made_under = answer.keyset_version
    if made_under != keyset.version:
        detail = f"made under keyset {made_under}, in force {keyset.version}"
        guard.require(Rule.POLICY_KEYSET, False, detail)
