"""What a phone does with each message that it receives.

Every function is told an envelope whose frame and header are right. It raises `Refusal` for a
message that costs nothing but itself; an answer that fails after its signature burns the
nonce, and the phone backs off.

Source: SPEC.md, "Judging a RESPONSE", "Ticket", "Keysets" and "ERROR".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from firmware_sim.flash import FlashError
from firmware_sim.handset.exchange import ExchangeEvent, ExchangeState
from firmware_sim.handset.judge import Facts, judge_response, judge_ticket
from firmware_sim.handset.lock import EVENT_OF_DECISION, LockEvent
from firmware_sim.handset.record import UsedTicket, remember_ticket
from firmware_sim.handset.requests import ask
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import Envelope
from firmware_sim_protocol.errors import ProtocolError, Refusal
from firmware_sim_protocol.numbers import (
    EXCHANGE_DEADLINE_MS,
    Cause,
    Decision,
    LockState,
    MessageType,
)
from firmware_sim_protocol.rules import Rule
from firmware_sim_protocol.values import (
    Challenge,
    Confirm,
    ConfirmAck,
    Error,
    Message,
    Response,
    UnlockTicket,
)

if TYPE_CHECKING:
    from firmware_sim.handset.activation import Activation

_S, _E = ExchangeState, ExchangeEvent

UNDECIDED = frozenset({Decision.PENDING, Decision.DEACTIVATE})
"""Answers after which the phone asks again by itself, with back-off."""
ADVICE_CAP_S = 3600
"""An unsigned ERROR may put the phone off for an hour, like the phone's own back-off."""
NEVER_S = 0xFFFF_FFFF_FFFF_FFFF


def on_challenge(a: Activation, envelope: Envelope, now: int) -> None:
    guard = a.guard
    message = parse_message(envelope, guard)
    assert isinstance(message, Challenge)
    memory = a.memory
    guard.require(Rule.BIND_REALM, message.realm == memory.realm, "CHALLENGE")
    ours = message.device_key_id == memory.record.device_key_id
    guard.require(Rule.BIND_DEVICE, ours, "CHALLENGE")
    if a.state is not _S.WAIT_CHALLENGE:
        raise Refusal(Rule.FRESH_SOLICITED, "no CHALLENGE is awaited")
    exchange_id = envelope.header.exchange_id
    guard.require(Rule.BIND_EXCHANGE, exchange_id == a.exchange_id, f"{exchange_id:08x}")
    cause = a.cause if a.cause is not None else memory.record.cause
    a.question = ask(
        a.board,
        a.firmware,
        memory.record,
        memory.ring.keyset,
        a.evidence,
        message,
        a.exchange_id,
        a.nonce(),
        cause,
        a.locale,
        now,
    )
    a.last = a.question.raw
    a.move(_E.CHALLENGED, now)
    a.transmit(a.last, now)


def on_response(a: Activation, envelope: Envelope, now: int) -> None:
    awaited = a.state is _S.WAIT_RESPONSE
    if awaited:
        a.move(_E.ANSWERED, now)
    memory, guard = a.memory, a.guard
    try:
        signer = memory.ring.verify(envelope, memory.floor, guard)
    except Refusal as refusal:
        unverified(a, refusal, envelope, awaited, now)
        return
    question = a.question
    try:
        response = parse_message(envelope, guard)
        assert isinstance(response, Response)
        facts = facts_of(a, now)
        judge_response(envelope, response, question, facts, guard)
    except Refusal as refusal:
        refused(a, refusal, envelope, awaited, now)
        return
    if guard.enforces(Rule.NONCE_ONCE):
        a.question = None
    a.move_if(awaited, _E.ACCEPTED, now)
    decision = response.decision
    event = EVENT_OF_DECISION[decision]
    state = memory.after(event)
    seconds = response.recheck_after
    notice_s = response.extensions.lock_notice
    noticed = notice_s is not None and state is LockState.ACTIVE
    issued_at = response.issued_at
    bound = decision not in UNDECIDED and not noticed
    changes: dict[str, Any] = {
        "lock_state": state,
        "answer": envelope.raw,
        "signer": signer,
        "time_floor": max(memory.record.time_floor, issued_at),
        "policy_epoch": response.policy_epoch,
        "policy_version": response.policy_version,
        "decision": decision if bound else None,
        "decided_until": NEVER_S if seconds is None else issued_at + seconds,
        "recheck_at": None if seconds is None else now + 1000 * seconds,
        "notice_at": now + 1000 * notice_s if noticed and notice_s is not None else None,
        "locale": a.locale,
        "cause": Cause.RETRY,
    }
    if question is not None:
        request = question.request
        changes |= {
            "imei": request.imei,
            "imei2": request.imei2 or "",
            "serving": request.serving_plmn or "",
            "topic": question.topic,
        }
    if not commit(a, changes, awaited, now):
        return
    memory.answer = response
    nonce = question.request.device_nonce if question is not None else response.device_nonce
    later = decision in UNDECIDED
    if not later:
        a.attempt = 0
    a.answer_later_ms = 1000 * (response.retry_after or 0) if later else None
    finish(a, envelope, nonce, awaited, now)


def on_ticket(a: Activation, envelope: Envelope, now: int) -> None:
    awaited = a.state is _S.WAIT_TICKET
    if awaited:
        a.move(_E.ANSWERED, now)
    memory, guard, record = a.memory, a.guard, a.memory.record
    try:
        signer = memory.ring.verify(envelope, memory.floor, guard)
    except Refusal as refusal:
        unverified(a, refusal, envelope, awaited, now)
        return
    challenge = a.challenge
    try:
        ticket = parse_message(envelope, guard)
        assert isinstance(ticket, UnlockTicket)
        judge_ticket(envelope, ticket, challenge, facts_of(a, now), guard)
    except Refusal as refusal:
        refused(a, refusal, envelope, awaited, now)
        return
    a.challenge = None
    a.move_if(awaited, _E.ACCEPTED, now)
    used = UsedTicket(ticket_id=ticket.ticket_id, not_after=ticket.not_after)
    tickets = remember_ticket(record, used, memory.floor)
    changes: dict[str, Any] = {
        "lock_state": LockState.ACTIVE,
        "answer": envelope.raw,
        "signer": signer,
        "time_floor": max(record.time_floor, ticket.issued_at),
        "policy_version": ticket.policy_version,
        # What the server said of the lock does not bind it after it has opened the lock.
        "decision": None,
        "recheck_at": None,
        "notice_at": None,
    }
    if guard.enforces(Rule.TICKET_ATOMIC):
        changes["tickets"] = tickets
    if not commit(a, changes, awaited, now):
        return
    memory.answer = ticket
    a.attempt = 0
    if not guard.enforces(Rule.TICKET_ATOMIC):
        memory.commit(now, tickets=tickets)
    finish(a, envelope, ticket.challenge, awaited, now)


def commit(a: Activation, changes: dict[str, Any], awaited: bool, now: int) -> bool:
    memory = a.memory
    before = memory.state
    try:
        memory.commit(now, **changes)
    except FlashError as error:
        refusal = Refusal(Rule.STORE_DURABLE, error.text)
        a.log.refusal(now, refusal, "commit")
        a.report(refusal, now)
        if awaited:
            a.forget()
            a.fail(_E.COMMIT_FAILED, now, error.text)
        a.problem = error.text
        memory.problem = error.text
        return False
    memory.problem = ""
    a.problem = a.ticket_problem = ""
    a.decided += 1
    a.due_at = None
    a.cause = None
    text = f"lock {before.name} > {memory.state.name}"
    a.log.add(now, "state", text, {"lock_state": memory.state.name})
    return True


def finish(a: Activation, envelope: Envelope, nonce: bytes, awaited: bool, now: int) -> None:
    """The new state is durable: say so to the server."""
    memory = a.memory
    if not a.link_open:
        a.move_if(awaited, _E.COMMITTED_ALONE, now)
        return
    a.answer_digest = envelope.digest
    message = Confirm(
        realm=memory.realm,
        device_key_id=memory.record.device_key_id,
        device_nonce=nonce,
        response_hash=a.answer_digest,
        record_sequence=memory.record.sequence,
        lock_state=memory.state,
    )
    confirm = build_message(message, a.exchange_id, (a.board.device_key,))
    if awaited:
        a.confirm = a.last = confirm
        if a.deadline is None:
            a.deadline = now + EXCHANGE_DEADLINE_MS
        a.move(_E.COMMITTED, now)
    a.transmit(confirm, now)


def on_ack(a: Activation, envelope: Envelope, now: int) -> None:
    guard = a.guard
    message = parse_message(envelope, guard)
    assert isinstance(message, ConfirmAck)
    guard.require(Rule.BIND_REALM, message.realm == a.memory.realm, "CONFIRM_ACK")
    ours = message.device_key_id == a.memory.record.device_key_id
    guard.require(Rule.BIND_DEVICE, ours, "CONFIRM_ACK")
    if a.state is not _S.WAIT_ACK:
        raise Refusal(Rule.FRESH_SOLICITED, "no CONFIRM_ACK is awaited")
    exchange_id = envelope.header.exchange_id
    guard.require(Rule.BIND_EXCHANGE, exchange_id == a.exchange_id, f"{exchange_id:08x}")
    ours = message.response_hash == a.answer_digest
    guard.require(Rule.BIND_REQUEST, ours, "CONFIRM_ACK of another answer")
    later = a.answer_later_ms
    a.forget()
    a.close(_E.ACKED if later is None else _E.LATER, now, later)


def on_keyset(a: Activation, envelope: Envelope, now: int) -> None:
    memory = a.memory
    try:
        fresh = memory.ring.next_keyset(envelope, memory.floor, a.guard)
    except Refusal:
        if not a.guard.enforces(Rule.KEYSET_STORED):
            # The twin has written it down before it knew whose it is, and boots from it.
            memory.commit(now, keyset=envelope.raw)
        raise
    try:
        memory.adopt_keyset(envelope, fresh, now)
    except FlashError as error:
        raise Refusal(Rule.STORE_DURABLE, error.text) from error
    a.log.add(now, "state", f"keyset {fresh.version} in force", {"keyset": fresh.version})


def on_error(a: Activation, envelope: Envelope, now: int) -> None:
    message = parse_message(envelope, a.guard)
    assert isinstance(message, Error)
    if not a.guard.enforces(Rule.ERROR_ADVISORY):
        believe_error(a, now)
        return
    if a.state not in (_S.WAIT_CHALLENGE, _S.WAIT_RESPONSE):
        return
    at_least = 1000 * min(message.retry_after or 0, ADVICE_CAP_S)
    a.forget()
    a.fail(_E.PUT_OFF, now, f"the server refuses at stage {message.stage}", at_least)


def believe_error(a: Activation, now: int) -> None:
    """The twin that takes "ERROR 0" for "already active"."""
    memory = a.memory
    memory.commit(now, lock_state=memory.after(LockEvent.ACTIVATE))
    a.abandon(now)
    a.due_at = None
    a.decided += 1


def facts_of(a: Activation, now: int) -> Facts:
    # The IMEI is the one that the modem reports now: it may have been exchanged since the
    # question was asked.
    memory = a.memory
    return Facts(
        realm=memory.realm,
        device_key_id=memory.record.device_key_id,
        imei=a.evidence.imei or memory.record.imei,
        record=memory.record,
        keyset=memory.ring.keyset,
        floor=memory.floor,
        now=now,
        serving=a.evidence.serving,
    )


def unverified(
    a: Activation, refusal: Refusal, envelope: Envelope, awaited: bool, now: int
) -> None:
    """It failed at its signature: it may come from anybody, so it costs nothing."""
    a.log.refusal(now, refusal, envelope.header.type.name)
    ticket = envelope.header.type is MessageType.UNLOCK_TICKET
    a.move_if(awaited, _E.TICKET_DROPPED if ticket else _E.DROPPED, now)
    a.report(refusal, now)
    if not a.guard.enforces(Rule.FLOOR_VERIFIED):
        poison(a, envelope)
    if not a.guard.enforces(Rule.NONCE_BURN):
        # The twin forgets what it asked: the true answer comes too late.
        a.question = a.challenge = None
    a.count_drop(refusal, now)


def poison(a: Activation, envelope: Envelope) -> None:
    """The twin that reads the time before it knows who says it."""
    try:
        message: Message = parse_message(envelope, a.guard)
    except ProtocolError:
        return
    if isinstance(message, Response | UnlockTicket):
        a.memory.poisoned_floor = max(a.memory.poisoned_floor, message.issued_at)


def refused(a: Activation, refusal: Refusal, envelope: Envelope, awaited: bool, now: int) -> None:
    """It failed after its signature: the server means it. Burn the nonce, back off."""
    ticket = envelope.header.type is MessageType.UNLOCK_TICKET
    a.log.refusal(now, refusal, "answer")
    a.report(refusal, now)
    if not awaited:
        return
    if ticket:
        a.ticket_problem = str(refusal)
        a.move(_E.TICKET_REFUSED, now)
        a.draw_challenge(now)
        return
    a.forget()
    if refusal.rule is Rule.BIND_PLACE:
        # The phone has moved: ask anew at once, about the place where it is now.
        a.move(_E.MOVED, now)
        a.due(now, Cause.PLACE_CHANGED)
        a.proceed(now)
    else:
        a.fail(_E.REFUSED, now, str(refusal))


HANDLERS: dict[MessageType, Callable[[Activation, Envelope, int], None]] = {
    MessageType.CHALLENGE: on_challenge,
    MessageType.RESPONSE: on_response,
    MessageType.CONFIRM_ACK: on_ack,
    MessageType.UNLOCK_TICKET: on_ticket,
    MessageType.KEYSET: on_keyset,
    MessageType.ERROR: on_error,
}
"""Other types are no messages to a device."""
