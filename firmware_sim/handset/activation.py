"""The activation exchange: asks the server, judges what comes, commits, confirms.

Stages run in their order: FRAME in the framing, HEADER and SIGNATURE here, LAYOUT in the
codec, BINDING to POLICY in `judge`, COMMIT in `memory`; SCREEN follows in `device`, which
shows what the record says and nothing else.

Source: SPEC.md, "The exchange" and "Order of checks".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from firmware_sim.handset.backoff import JITTER_OCTETS, backoff_ms
from firmware_sim.handset.board import Board
from firmware_sim.handset.evidence import NOTHING_SEEN, Evidence
from firmware_sim.handset.exchange import EXCHANGE_MOVES, TALKING, ExchangeEvent, ExchangeState
from firmware_sim.handset.firmware import Firmware
from firmware_sim.handset.flash import FlashError
from firmware_sim.handset.judge import Facts, OpenChallenge, Question, judge_response, judge_ticket
from firmware_sim.handset.lock import EVENT_OF_DECISION, LOCKED, SCOPE_OF_STATE, LockEvent
from firmware_sim.handset.log import Log
from firmware_sim.handset.memory import Memory
from firmware_sim.handset.moves import follow
from firmware_sim.handset.record import UsedTicket, remember_ticket
from firmware_sim.handset.requests import NONCE_SIZE, ask
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import Envelope, open_envelope
from firmware_sim_protocol.errors import ProtocolError, Refusal
from firmware_sim_protocol.framing import Framing
from firmware_sim_protocol.numbers import (
    EXCHANGE_DEADLINE_MS,
    MAX_DROPS,
    Cause,
    Decision,
    LockState,
    MessageType,
)
from firmware_sim_protocol.rules import Guard, Rule
from firmware_sim_protocol.typed import TypedFormError, from_text, to_text
from firmware_sim_protocol.values import (
    Challenge,
    ChallengeReq,
    Confirm,
    ConfirmAck,
    Error,
    Message,
    Response,
    UnlockChallenge,
    UnlockTicket,
)

_S, _E = ExchangeState, ExchangeEvent

UNDECIDED = frozenset({Decision.PENDING, Decision.DEACTIVATE})
"""Answers after which the phone asks again by itself, with back-off."""


class Activation:
    """One phone's dialogue with its server. `now` is monotonic milliseconds."""

    __slots__ = (
        "_answer_later_ms",
        "_attempt",
        "_board",
        "_challenge",
        "_confirm",
        "_deadline",
        "_drops",
        "_due_at",
        "_entropy",
        "_exchange_id",
        "_firmware",
        "_framing",
        "_guard",
        "_last",
        "_log",
        "_memory",
        "_out",
        "_question",
        "_retry_at",
        "_ticket_link",
        "allowed",
        "cause",
        "decided",
        "evidence",
        "failed",
        "link_open",
        "locale",
        "problem",
        "reachable",
        "state",
        "ticket_problem",
    )

    def __init__(
        self,
        board: Board,
        firmware: Firmware,
        memory: Memory,
        entropy: Callable[[int], bytes],
        guard: Guard,
        framing: Framing,
        log: Log,
    ) -> None:
        self._board = board
        self._firmware = firmware
        self._memory = memory
        self._entropy = entropy
        self._guard = guard
        self._framing = framing
        self._log = log
        self.evidence: Evidence = NOTHING_SEEN
        self.locale = ""
        self.reset()

    def reset(self) -> None:
        """Power-on: nothing of an exchange outlives it."""
        self.state = _S.IDLE
        self.allowed = False
        """Whether the wizard has come far enough to ask."""
        self.reachable = False
        """Whether there is a network."""
        self.link_open = False
        self.cause: Cause | None = None
        self.decided = 0
        """Answers and tickets committed since power-on."""
        self.failed = 0
        """Attempts that failed since power-on."""
        self.problem = ""
        """Why the last attempt failed."""
        self.ticket_problem = ""
        self._out = bytearray()
        self._framing.reset()
        self._exchange_id = 0
        self._question: Question | None = None
        self._challenge: OpenChallenge | None = None
        self._confirm = b""
        self._last = b""
        """The message that goes out again when the link comes back."""
        self._deadline: int | None = None
        self._retry_at: int | None = None
        self._due_at: int | None = None
        self._drops = 0
        self._attempt = 0
        self._answer_later_ms: int | None = None
        self._ticket_link = False

    # What others see --------------------------------------------------------------------

    @property
    def wants_link(self) -> bool:
        if self.state in TALKING:
            return True
        if self.link_open and self._out:
            return True  # the ERROR that ends an exchange still has to leave
        if self.state is _S.WAIT_TICKET:
            return self._ticket_link and self.reachable
        return self.state is _S.IDLE and self._ready(self._memory.now)

    @property
    def busy(self) -> bool:
        """Whether an exchange runs, or is due and can begin."""
        return self.state in TALKING or (self.state is _S.IDLE and self._ready(self._memory.now))

    @property
    def retry_at(self) -> int | None:
        """When the phone asks again by itself."""
        return self._retry_at if self.state is _S.BACKOFF else None

    @property
    def challenge_text(self) -> str:
        """The open unlock challenge as it is read out; "" when none is open."""
        return to_text(self._challenge.raw) if self._challenge is not None else ""

    def outgoing(self) -> bytes:
        data = bytes(self._out)
        self._out.clear()
        if self.state not in TALKING and self.state is not _S.WAIT_TICKET:
            self.link_open = self.link_open and self.wants_link
        return data

    def wake_at(self) -> int | None:
        now = self._memory.now
        instants = [self._framing.wake_at(), self._deadline, self._due_at, self._memory.recheck_at]
        if self.state is _S.BACKOFF:
            instants.append(self._retry_at)
        later = [instant for instant in instants if instant is not None and instant > now]
        return min(later) if later else None

    # What happens -----------------------------------------------------------------------

    def due(self, now: int, cause: Cause) -> None:
        """There is something to ask from `now` on."""
        if self._due_at is None or self._due_at > now:
            self._due_at = now
            self.cause = cause

    def retry(self, now: int, cause: Cause) -> None:
        """A person does not want to wait."""
        self.due(now, cause)
        if self.state is _S.BACKOFF:
            self._move(_E.RETRY, now)

    def abandon(self, now: int) -> None:
        """Whatever was asked is void: another phone, or a phone that was reset."""
        if self.state not in (_S.VERIFY, _S.COMMIT):
            self._move(_E.ABANDONED, now)
        self._forget()

    def link_opened(self, now: int) -> None:
        self._framing.reset()
        self._out.clear()
        self.link_open = True
        if self.state in TALKING:
            self._send_again(now)
        elif self.state is _S.WAIT_TICKET:
            if self._challenge is not None:
                self._transmit(self._challenge.raw, now)
        else:
            self.proceed(now)

    def link_lost(self, now: int, why: str) -> None:
        wanted = self.wants_link
        self.link_open = False
        self._out.clear()
        self._framing.reset()
        if self.state is _S.WAIT_TICKET:
            self._ticket_link = False
        elif self.state in TALKING or (self.state is _S.IDLE and wanted):
            self._fail(_E.LOST, now, why)

    def proceed(self, now: int) -> None:
        """Begin what is due, if the link is there already."""
        if self.state is not _S.IDLE or not self.link_open or not self._ready(now):
            return
        alive = self._deadline is not None and now < self._deadline
        if alive and self._question is not None:
            # The byte-identical REQUEST gets the byte-identical RESPONSE.
            self._last = self._question.raw
            self._move(_E.RESUMED, now)
            self._transmit(self._last, now)
        elif alive and self._confirm:
            self._last = self._confirm
            self._move(_E.RECONFIRMED, now)
            self._transmit(self._last, now)
        else:
            self._begin(now)

    def tick(self, now: int) -> None:
        refusal = self._framing.expire(now)
        if refusal is not None:
            self._frame_refused(refusal, now)
        if self._deadline is not None and now >= self._deadline:
            self._expire(now)
        if self.state is _S.BACKOFF and self._retry_at is not None and now >= self._retry_at:
            self._move(_E.RETRY, now)
            self.due(now, Cause.RETRY)
        recheck_at = self._memory.recheck_at
        if recheck_at is not None and now >= recheck_at:
            self.due(now, Cause.RECHECK)
        self.proceed(now)

    def receive(self, data: bytes, now: int) -> None:
        for item in self._framing.feed(data, now):
            if isinstance(item, Refusal):
                self._frame_refused(item, now)
            else:
                self._message(item, now)

    # Unlock tickets ---------------------------------------------------------------------

    def open_ticket(self, now: int) -> bool:
        """A person wants to enter a ticket; False when this state takes none."""
        if self._memory.state not in SCOPE_OF_STATE and self._memory.state not in LOCKED:
            return False
        if self.state in TALKING:
            self._move(_E.ABANDONED, now)
            self._forget()
        self._move(_E.TICKET_OPENED, now)
        self.ticket_problem = ""
        self._drops = 0
        self._ticket_link = True
        self._draw_challenge(now)
        return True

    def close_ticket(self, now: int) -> None:
        """A person leaves the entry: the challenge is void."""
        if self.state is _S.WAIT_TICKET:
            self._challenge = None
            self._move(_E.TICKET_CLOSED, now)

    def enter_ticket(self, text: str, now: int) -> None:
        """A person has typed a ticket."""
        self.ticket_problem = ""
        try:
            message = from_text(text)
        except TypedFormError as error:
            self.ticket_problem = str(error)
            self._log.add(now, "refusal", f"typed ticket: {error}")
            return
        self._message(message, now)

    def _draw_challenge(self, now: int) -> None:
        self._exchange_id = int.from_bytes(self._entropy(4))
        octets = self._entropy(NONCE_SIZE)
        message = UnlockChallenge(
            realm=self._memory.realm,
            device_key_id=self._memory.record.device_key_id,
            imei=self._memory.record.imei,
            challenge=octets,
            lock_state=self._memory.state,
        )
        raw = build_message(message, self._exchange_id)
        self._challenge = OpenChallenge(
            exchange_id=self._exchange_id, octets=octets, state=self._memory.state, raw=raw
        )
        if self.link_open:
            self._transmit(raw, now)

    # Beginning and ending ---------------------------------------------------------------

    def _ready(self, now: int) -> bool:
        due = self._due_at is not None and now >= self._due_at
        return (
            due
            and self.allowed
            and self.reachable
            and self.evidence.imei is not None
            and self._memory.state is not LockState.STORE_FAULT
        )

    def _begin(self, now: int) -> None:
        self._forget()
        self._exchange_id = int.from_bytes(self._entropy(4))
        self._deadline = now + EXCHANGE_DEADLINE_MS
        memory = self._memory
        record = memory.record
        message = ChallengeReq(
            realm=memory.realm,
            device_key_id=record.device_key_id,
            keyset_version=memory.ring.keyset.version,
            policy_epoch=record.policy_epoch,
            policy_version=record.policy_version,
        )
        self._move(_E.OPENED, now)
        self._last = build_message(message, self._exchange_id)
        self._transmit(self._last, now)

    def _forget(self) -> None:
        self._question = None
        self._challenge = None
        self._confirm = self._last = b""
        self._deadline = None
        self._drops = 0
        self._answer_later_ms = None

    def _fail(self, event: ExchangeEvent, now: int, why: str, at_least_ms: int = 0) -> None:
        """The attempt has failed: wait, then try again."""
        self._move(event, now)
        self.failed += 1
        self.problem = why
        self._back_off(now, at_least_ms)

    def _back_off(self, now: int, at_least_ms: int = 0) -> None:
        wait = backoff_ms(self._attempt, self._entropy(JITTER_OCTETS), at_least_ms)
        self._attempt += 1
        self._due_at = None
        self._retry_at = now + wait
        self._log.add(now, "state", f"asks again in {(wait + 999) // 1000} s", {"wait_ms": wait})

    def _expire(self, now: int) -> None:
        if self.state in (_S.WAIT_CHALLENGE, _S.WAIT_RESPONSE):
            try:
                self._guard.require(Rule.EXCHANGE_DEADLINE, False, self.state.name)
            except Refusal as refusal:
                self._log.refusal(now, refusal, "exchange")
                self._forget()
                self._fail(_E.EXPIRED, now, "the server does not answer in time")
            else:
                self._deadline = None
        elif self.state is _S.WAIT_ACK:
            # The state stands; the server hears of it when the phone asks next.
            self._log.add(now, "state", "the confirmation was not acknowledged")
            later = self._answer_later_ms
            self._forget()
            self._close(_E.EXPIRED if later is None else _E.LATER, now, later)
        else:
            self._forget()

    def _close(self, event: ExchangeEvent, now: int, later_ms: int | None) -> None:
        self._move(event, now)
        if later_ms is not None:
            self._back_off(now, later_ms)

    def _move(self, event: ExchangeEvent, now: int) -> None:
        before = self.state
        self.state = follow(EXCHANGE_MOVES, before, event)
        if self.state is not before:
            self._log.add(now, "state", f"{before.name} > {self.state.name}", {"why": event.name})

    # Sending ----------------------------------------------------------------------------

    def _transmit(self, raw: bytes, now: int) -> None:
        self._log.message(now, MessageType(raw[5]).name, raw, True)
        self._out += self._framing.wrap(raw)

    def _send_again(self, now: int) -> None:
        if self._last:
            self._transmit(self._last, now)

    def _report(self, refusal: Refusal, now: int) -> None:
        """Tell the server at which stage; never more."""
        if self.link_open:
            error = Error(stage=int(refusal.stage), retry_after=None)
            self._transmit(build_message(error, self._exchange_id), now)

    # Receiving --------------------------------------------------------------------------

    def _frame_refused(self, refusal: Refusal, now: int) -> None:
        self._log.refusal(now, refusal, "frame")
        self._report(refusal, now)
        if self._framing.fatal and self.state in TALKING:
            self._fail(_E.LOST, now, f"the server sends what is no frame: {refusal}")
            self.problem = str(refusal)
        else:
            self._count_drop(refusal, now)

    def _message(self, raw: bytes, now: int) -> None:
        try:
            envelope = open_envelope(raw, self._guard)
        except Refusal as refusal:
            self._log.refusal(now, refusal, "message")
            self._report(refusal, now)
            self._count_drop(refusal, now)
            return
        kind = envelope.header.type
        self._log.message(now, kind.name, raw, False)
        handler = _HANDLERS.get(kind)
        try:
            if handler is None:
                raise Refusal(Rule.HEADER_TYPE, f"{kind.name} is no message to a device")
            handler(self, envelope, now)
        except Refusal as refusal:
            # Nothing signed by the server is behind it: it is dropped, no nonce is burned.
            self._log.refusal(now, refusal, kind.name)
            self._report(refusal, now)
            self._count_drop(refusal, now)

    def _count_drop(self, refusal: Refusal, now: int) -> None:
        if self.state not in (_S.WAIT_CHALLENGE, _S.WAIT_RESPONSE, _S.WAIT_TICKET):
            return
        self._drops += 1
        if self._drops <= MAX_DROPS or not self._guard.enforces(Rule.DROP_LIMIT):
            return
        if self.state is _S.WAIT_TICKET:
            self.ticket_problem = str(refusal)
            self._challenge = None
            self._move(_E.EXHAUSTED, now)
        else:
            self._forget()
            self._fail(_E.EXHAUSTED, now, str(refusal))

    def _on_challenge(self, envelope: Envelope, now: int) -> None:
        guard = self._guard
        message = parse_message(envelope, guard)
        assert isinstance(message, Challenge)
        memory = self._memory
        guard.require(Rule.BIND_REALM, message.realm == memory.realm, "CHALLENGE")
        ours = message.device_key_id == memory.record.device_key_id
        guard.require(Rule.BIND_DEVICE, ours, "CHALLENGE")
        if self.state is not _S.WAIT_CHALLENGE:
            raise Refusal(Rule.FRESH_SOLICITED, "no CHALLENGE is awaited")
        exchange_id = envelope.header.exchange_id
        guard.require(Rule.BIND_EXCHANGE, exchange_id == self._exchange_id, f"{exchange_id:08x}")
        cause = self.cause if self.cause is not None else memory.record.cause
        self._question = ask(
            self._board,
            self._firmware,
            memory.record,
            memory.ring.keyset,
            self.evidence,
            message,
            self._exchange_id,
            self._entropy(NONCE_SIZE),
            cause,
            self.locale,
            now,
        )
        self._last = self._question.raw
        self._move(_E.CHALLENGED, now)
        self._transmit(self._last, now)

    def _on_response(self, envelope: Envelope, now: int) -> None:
        awaited = self.state is _S.WAIT_RESPONSE
        if awaited:
            self._move(_E.ANSWERED, now)
        memory, guard = self._memory, self._guard
        try:
            signer = memory.ring.verify(envelope, memory.floor, guard)
        except Refusal as refusal:
            self._unverified(refusal, envelope, awaited, now)
            return
        question = self._question
        try:
            response = parse_message(envelope, guard)
            assert isinstance(response, Response)
            facts = self._facts(now, question.request.imei if question is not None else None)
            judge_response(envelope, response, question, facts, guard)
        except Refusal as refusal:
            self._refused(refusal, awaited, now)
            return
        if guard.enforces(Rule.NONCE_ONCE):
            self._question = None
        self._move_if(awaited, _E.ACCEPTED, now)
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
            "decided_until": _END if seconds is None else issued_at + seconds,
            "recheck_at": None if seconds is None else now + 1000 * seconds,
            "notice_at": now + 1000 * notice_s if noticed and notice_s is not None else None,
            "locale": self.locale,
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
        if not self._commit(changes, awaited, now):
            return
        memory.answer = response
        nonce = question.request.device_nonce if question is not None else response.device_nonce
        later = decision in UNDECIDED
        if not later:
            self._attempt = 0
        self._answer_later_ms = 1000 * (response.retry_after or 0) if later else None
        self._finish(envelope, nonce, awaited, now)

    def _on_ticket(self, envelope: Envelope, now: int) -> None:
        awaited = self.state is _S.WAIT_TICKET
        if awaited:
            self._move(_E.ANSWERED, now)
        memory, guard, record = self._memory, self._guard, self._memory.record
        try:
            signer = memory.ring.verify(envelope, memory.floor, guard)
        except Refusal as refusal:
            self._unverified(refusal, envelope, awaited, now)
            return
        challenge = self._challenge
        try:
            ticket = parse_message(envelope, guard)
            assert isinstance(ticket, UnlockTicket)
            judge_ticket(envelope, ticket, challenge, self._facts(now, record.imei), guard)
        except Refusal as refusal:
            self._refused(refusal, awaited, now)
            return
        self._challenge = None
        self._move_if(awaited, _E.ACCEPTED, now)
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
        if not self._commit(changes, awaited, now):
            return
        memory.answer = ticket
        self._attempt = 0
        if not guard.enforces(Rule.TICKET_ATOMIC):
            memory.commit(now, tickets=tickets)
        self._finish(envelope, ticket.challenge, awaited, now)

    def _commit(self, changes: dict[str, Any], awaited: bool, now: int) -> bool:
        memory = self._memory
        before = memory.state
        try:
            memory.commit(now, **changes)
        except FlashError as error:
            refusal = Refusal(Rule.STORE_DURABLE, error.text)
            self._log.refusal(now, refusal, "commit")
            self._report(refusal, now)
            if awaited:
                self._forget()
                self._fail(_E.COMMIT_FAILED, now, error.text)
            self.problem = error.text
            memory.problem = error.text
            return False
        memory.problem = ""
        self.problem = self.ticket_problem = ""
        self.decided += 1
        self._due_at = None
        self.cause = None
        text = f"lock {before.name} > {memory.state.name}"
        self._log.add(now, "state", text, {"lock_state": memory.state.name})
        return True

    def _finish(self, envelope: Envelope, nonce: bytes, awaited: bool, now: int) -> None:
        """The new state is durable: say so to the server."""
        memory = self._memory
        if not self.link_open:
            self._move_if(awaited, _E.COMMITTED_ALONE, now)
            return
        message = Confirm(
            realm=memory.realm,
            device_key_id=memory.record.device_key_id,
            device_nonce=nonce,
            response_hash=envelope.digest,
            record_sequence=memory.record.sequence,
            lock_state=memory.state,
        )
        confirm = build_message(message, self._exchange_id, (self._board.device_key,))
        if awaited:
            self._confirm = self._last = confirm
            if self._deadline is None:
                self._deadline = now + EXCHANGE_DEADLINE_MS
            self._move(_E.COMMITTED, now)
        self._transmit(confirm, now)

    def _on_ack(self, envelope: Envelope, now: int) -> None:
        guard = self._guard
        message = parse_message(envelope, guard)
        assert isinstance(message, ConfirmAck)
        guard.require(Rule.BIND_REALM, message.realm == self._memory.realm, "CONFIRM_ACK")
        ours = message.device_key_id == self._memory.record.device_key_id
        guard.require(Rule.BIND_DEVICE, ours, "CONFIRM_ACK")
        if self.state is not _S.WAIT_ACK:
            raise Refusal(Rule.FRESH_SOLICITED, "no CONFIRM_ACK is awaited")
        exchange_id = envelope.header.exchange_id
        guard.require(Rule.BIND_EXCHANGE, exchange_id == self._exchange_id, f"{exchange_id:08x}")
        later = self._answer_later_ms
        self._forget()
        self._close(_E.ACKED if later is None else _E.LATER, now, later)

    def _on_keyset(self, envelope: Envelope, now: int) -> None:
        memory = self._memory
        fresh = memory.ring.next_keyset(envelope, memory.floor, self._guard)
        try:
            memory.adopt_keyset(envelope, fresh, now)
        except FlashError as error:
            raise Refusal(Rule.STORE_DURABLE, error.text) from error
        self._log.add(now, "state", f"keyset {fresh.version} in force", {"keyset": fresh.version})

    def _on_error(self, envelope: Envelope, now: int) -> None:
        message = parse_message(envelope, self._guard)
        assert isinstance(message, Error)
        if not self._guard.enforces(Rule.ERROR_ADVISORY):
            self._believe_error(now)
            return
        if self.state not in (_S.WAIT_CHALLENGE, _S.WAIT_RESPONSE):
            return
        at_least = 1000 * min(message.retry_after or 0, _ADVICE_CAP_S)
        self._forget()
        self._fail(_E.PUT_OFF, now, f"the server refuses at stage {message.stage}", at_least)

    def _believe_error(self, now: int) -> None:
        """The twin that takes "ERROR 0" for "already active"."""
        memory = self._memory
        memory.commit(now, lock_state=memory.after(LockEvent.ACTIVATE))
        self.abandon(now)
        self._due_at = None
        self.decided += 1

    # Refusing ---------------------------------------------------------------------------

    def _facts(self, now: int, imei: str | None) -> Facts:
        memory = self._memory
        return Facts(
            realm=memory.realm,
            device_key_id=memory.record.device_key_id,
            imei=imei or self.evidence.imei or memory.record.imei,
            record=memory.record,
            keyset=memory.ring.keyset,
            floor=memory.floor,
            now=now,
            serving=self.evidence.serving,
        )

    def _unverified(self, refusal: Refusal, envelope: Envelope, awaited: bool, now: int) -> None:
        """It failed at its signature: it may come from anybody, so it costs nothing."""
        self._log.refusal(now, refusal, envelope.header.type.name)
        ticket = envelope.header.type is MessageType.UNLOCK_TICKET
        self._move_if(awaited, _E.TICKET_DROPPED if ticket else _E.DROPPED, now)
        self._report(refusal, now)
        if ticket:
            self.ticket_problem = str(refusal)
        if not self._guard.enforces(Rule.FLOOR_VERIFIED):
            self._poison(envelope)
        if not self._guard.enforces(Rule.NONCE_BURN):
            # The twin forgets what it asked: the true answer comes too late.
            self._question = self._challenge = None
        self._count_drop(refusal, now)

    def _poison(self, envelope: Envelope) -> None:
        """The twin that reads the time before it knows who says it."""
        try:
            message: Message = parse_message(envelope, self._guard)
        except ProtocolError:
            return
        if isinstance(message, Response | UnlockTicket):
            self._memory.poisoned_floor = max(self._memory.poisoned_floor, message.issued_at)

    def _refused(self, refusal: Refusal, awaited: bool, now: int) -> None:
        """It failed after its signature: the server means it. Burn the nonce, back off."""
        ticket = self.state is _S.VERIFY and self._challenge is not None
        self._log.refusal(now, refusal, "answer")
        self._report(refusal, now)
        if not awaited:
            return
        if ticket:
            self.ticket_problem = str(refusal)
            self._move(_E.TICKET_REFUSED, now)
            self._draw_challenge(now)
            return
        self._forget()
        if refusal.rule is Rule.BIND_PLACE:
            # The phone has moved: ask anew at once, about the place where it is now.
            self._move(_E.MOVED, now)
            self.due(now, Cause.PLACE_CHANGED)
            self.proceed(now)
        else:
            self._fail(_E.REFUSED, now, str(refusal))

    def _move_if(self, awaited: bool, event: ExchangeEvent, now: int) -> None:
        """A message that was not awaited moves nothing: only twins commit one."""
        if awaited:
            self._move(event, now)


_END = 0xFFFF_FFFF_FFFF_FFFF
_ADVICE_CAP_S = 3600
"""An unsigned ERROR may put the phone off for an hour, like the phone's own back-off."""

_HANDLERS: dict[MessageType, Callable[[Activation, Envelope, int], None]] = {
    MessageType.CHALLENGE: Activation._on_challenge,
    MessageType.RESPONSE: Activation._on_response,
    MessageType.CONFIRM_ACK: Activation._on_ack,
    MessageType.UNLOCK_TICKET: Activation._on_ticket,
    MessageType.KEYSET: Activation._on_keyset,
    MessageType.ERROR: Activation._on_error,
}
