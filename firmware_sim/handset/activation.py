"""The activation exchange: asks the server, judges what comes, commits, confirms.

Stages run in their order: FRAME in the framing, HEADER and SIGNATURE here, LAYOUT in the
codec, BINDING to POLICY in `judge`, COMMIT in `memory`; SCREEN follows in `device`, which
shows what the record says and nothing else.

Source: SPEC.md, "The exchange" and "Order of checks".
"""

from __future__ import annotations

from collections.abc import Callable

from firmware_sim.handset.answers import HANDLERS
from firmware_sim.handset.backoff import JITTER_OCTETS, backoff_ms
from firmware_sim.handset.board import Board
from firmware_sim.handset.evidence import NOTHING_SEEN, Evidence
from firmware_sim.handset.exchange import EXCHANGE_MOVES, TALKING, ExchangeEvent, ExchangeState
from firmware_sim.handset.firmware import Firmware
from firmware_sim.handset.judge import OpenChallenge, Question
from firmware_sim.handset.lock import LOCKED, SCOPE_OF_STATE
from firmware_sim.handset.log import Log
from firmware_sim.handset.memory import Memory
from firmware_sim.handset.moves import follow
from firmware_sim.handset.requests import NONCE_SIZE
from firmware_sim_protocol.codec import build_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.framing import Framing
from firmware_sim_protocol.numbers import (
    EXCHANGE_DEADLINE_MS,
    MAX_DROPS,
    Cause,
    LockState,
    MessageType,
)
from firmware_sim_protocol.rules import Guard, Rule
from firmware_sim_protocol.typed import TypedFormError, from_text, to_text
from firmware_sim_protocol.values import (
    ChallengeReq,
    Error,
    UnlockChallenge,
)

_S, _E = ExchangeState, ExchangeEvent


_ANSWERABLE = TALKING | {_S.VERIFY, _S.COMMIT, _S.WAIT_TICKET}
"""Outside an exchange nothing is answered: junk is not worth an ERROR each."""


class Activation:
    """One phone's dialogue with its server. `now` is monotonic milliseconds."""

    __slots__ = (
        "_framing",
        "_out",
        "_retry_at",
        "_ticket_link",
        "allowed",
        "answer_digest",
        "answer_later_ms",
        "attempt",
        "board",
        "cause",
        "challenge",
        "confirm",
        "deadline",
        "decided",
        "drops",
        "due_at",
        "entropy",
        "evidence",
        "exchange_id",
        "firmware",
        "guard",
        "last",
        "link_open",
        "locale",
        "log",
        "memory",
        "problem",
        "question",
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
        self.board = board
        self.firmware = firmware
        self.memory = memory
        self.entropy = entropy
        self.guard = guard
        self._framing = framing
        self.log = log
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
        self.problem = ""
        """Why the last attempt failed."""
        self.ticket_problem = ""
        self._out = bytearray()
        self._framing.reset()
        self.exchange_id = 0
        self.question: Question | None = None
        self.challenge: OpenChallenge | None = None
        self.confirm = b""
        self.answer_digest = b""
        """SHA-256 of the answer that CONFIRM names."""
        self.last = b""
        """The message that goes out again when the link comes back."""
        self.deadline: int | None = None
        self._retry_at: int | None = None
        self.due_at: int | None = None
        self.drops = 0
        self.attempt = 0
        self.answer_later_ms: int | None = None
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
        return self.state is _S.IDLE and self._ready(self.memory.now)

    @property
    def busy(self) -> bool:
        """Whether an exchange runs, or is due and can begin."""
        return self.state in TALKING or (self.state is _S.IDLE and self._ready(self.memory.now))

    @property
    def retry_at(self) -> int | None:
        """When the phone asks again by itself."""
        return self._retry_at if self.state is _S.BACKOFF else None

    @property
    def challenge_text(self) -> str:
        """The open unlock challenge as it is read out; "" when none is open."""
        return to_text(self.challenge.raw) if self.challenge is not None else ""

    def outgoing(self) -> bytes:
        data = bytes(self._out)
        self._out.clear()
        if self.state not in TALKING and self.state is not _S.WAIT_TICKET:
            self.link_open = self.link_open and self.wants_link
        return data

    def wake_at(self) -> int | None:
        now = self.memory.now
        instants = [self._framing.wake_at(), self.deadline, self.due_at, self.memory.recheck_at]
        if self.state is _S.BACKOFF:
            instants.append(self._retry_at)
        later = [instant for instant in instants if instant is not None and instant > now]
        return min(later) if later else None

    # What happens -----------------------------------------------------------------------

    def due(self, now: int, cause: Cause) -> None:
        """There is something to ask from `now` on."""
        if self.due_at is None or self.due_at > now:
            self.due_at = now
            self.cause = cause

    def retry(self, now: int, cause: Cause) -> None:
        """A person does not want to wait."""
        self.due(now, cause)
        if self.state is _S.BACKOFF:
            self.move(_E.RETRY, now)

    def abandon(self, now: int) -> None:
        """Whatever was asked is void: another phone, or a phone that was reset."""
        if self.state not in (_S.VERIFY, _S.COMMIT):
            self.move(_E.ABANDONED, now)
        self.forget()

    def link_opened(self, now: int) -> None:
        self._framing.reset()
        self._out.clear()
        self.link_open = True
        if self.state in TALKING:
            self._send_again(now)
        elif self.state is _S.WAIT_TICKET:
            if self.challenge is not None:
                self.transmit(self.challenge.raw, now)
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
            self.fail(_E.LOST, now, why)

    def proceed(self, now: int) -> None:
        """See what is due, and begin it if the link is there already."""
        recheck_at = self.memory.recheck_at
        if recheck_at is not None and now >= recheck_at:
            self.due(now, Cause.RECHECK)
        if self.state is not _S.IDLE or not self.link_open or not self._ready(now):
            return
        alive = self.deadline is not None and now < self.deadline
        if alive and self.question is not None:
            # The byte-identical REQUEST gets the byte-identical RESPONSE.
            self.last = self.question.raw
            self.move(_E.RESUMED, now)
            self.transmit(self.last, now)
        elif alive and self.confirm:
            self.last = self.confirm
            self.move(_E.RECONFIRMED, now)
            if self.cause is Cause.RETRY:
                self.due_at = None
            self.transmit(self.last, now)
        else:
            self._begin(now)

    def tick(self, now: int) -> None:
        refusal = self._framing.expire(now)
        if refusal is not None:
            self._frame_refused(refusal, now)
        if self.deadline is not None and now >= self.deadline:
            self._expire(now)
        if self.state is _S.BACKOFF and self._retry_at is not None and now >= self._retry_at:
            self.move(_E.RETRY, now)
            self.due(now, self.cause or Cause.RETRY)
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
        if self.memory.state not in SCOPE_OF_STATE and self.memory.state not in LOCKED:
            return False
        if self.state in TALKING:
            self.move(_E.ABANDONED, now)
        elif self.state is _S.BACKOFF:
            self.due_at = self._retry_at  # what was to be asked then is asked then
        self.forget()
        self.move(_E.TICKET_OPENED, now)
        self.ticket_problem = ""
        self._ticket_link = True
        self.draw_challenge(now)
        return True

    def close_ticket(self, now: int) -> None:
        """A person leaves the entry: the challenge is void."""
        if self.state is _S.WAIT_TICKET:
            self.challenge = None
            self.move(_E.TICKET_CLOSED, now)

    def enter_ticket(self, text: str, now: int) -> None:
        """A person has typed a ticket."""
        self.ticket_problem = ""
        try:
            message = from_text(text, self.guard)
        except TypedFormError as error:
            self.ticket_problem = str(error)
            self.log.add(now, "refusal", f"typed ticket: {error}")
            return
        self._message(message, now)

    def nonce(self) -> bytes:
        """A nonce; the twin's generator gives the same one for ever."""
        octets = self.entropy(NONCE_SIZE)
        return octets if self.guard.enforces(Rule.NONCE_DRAWN) else bytes(NONCE_SIZE - 1) + b"\x01"

    def draw_challenge(self, now: int) -> None:
        self.exchange_id = int.from_bytes(self.entropy(4))
        octets = self.nonce()
        message = UnlockChallenge(
            realm=self.memory.realm,
            device_key_id=self.memory.record.device_key_id,
            imei=self.memory.record.imei,
            challenge=octets,
            lock_state=self.memory.state,
        )
        raw = build_message(message, self.exchange_id)
        self.challenge = OpenChallenge(
            exchange_id=self.exchange_id, octets=octets, state=self.memory.state, raw=raw
        )
        if self.link_open:
            self.transmit(raw, now)

    # Beginning and ending ---------------------------------------------------------------

    def _ready(self, now: int) -> bool:
        due = self.due_at is not None and now >= self.due_at
        return (
            due
            and self.allowed
            and self.reachable
            and self.evidence.imei is not None
            and self.memory.state is not LockState.STORE_FAULT
        )

    def _begin(self, now: int) -> None:
        self.forget()
        self.exchange_id = int.from_bytes(self.entropy(4))
        self.deadline = now + EXCHANGE_DEADLINE_MS
        memory = self.memory
        record = memory.record
        message = ChallengeReq(
            realm=memory.realm,
            device_key_id=record.device_key_id,
            keyset_version=memory.ring.keyset.version,
            policy_epoch=record.policy_epoch,
            policy_version=record.policy_version,
        )
        if memory.state is not LockState.STORE_FAULT:
            memory.problem = ""
        self.move(_E.OPENED, now)
        self.last = build_message(message, self.exchange_id)
        self.transmit(self.last, now)

    def forget(self) -> None:
        if self.guard.enforces(Rule.NONCE_ONCE):
            self.question = None
        self.challenge = None
        self.confirm = self.last = b""
        self.deadline = None
        self.drops = 0
        self.answer_later_ms = None

    def fail(self, event: ExchangeEvent, now: int, why: str, at_least_ms: int = 0) -> None:
        """The attempt has failed: wait, then try again."""
        self.move(event, now)
        self.problem = why
        self.back_off(now, at_least_ms)

    def back_off(self, now: int, at_least_ms: int = 0) -> None:
        wait = backoff_ms(self.attempt, self.entropy(JITTER_OCTETS), at_least_ms)
        if not self.guard.enforces(Rule.BACK_OFF):
            wait = 1
        self.attempt += 1
        self.due_at = None
        self._retry_at = now + wait
        self.log.add(now, "state", f"asks again in {(wait + 999) // 1000} s", {"wait_ms": wait})

    def _expire(self, now: int) -> None:
        if self.state in (_S.WAIT_CHALLENGE, _S.WAIT_RESPONSE):
            try:
                self.guard.require(Rule.EXCHANGE_DEADLINE, False, self.state.name)
            except Refusal as refusal:
                self.log.refusal(now, refusal, "exchange")
                self.forget()
                self.fail(_E.EXPIRED, now, "the server does not answer in time")
            else:
                self.deadline = None
        elif self.state is _S.WAIT_ACK:
            # The state stands; the server hears of it when the phone asks next.
            self.log.add(now, "state", "the confirmation was not acknowledged")
            later = self.answer_later_ms
            self.forget()
            self.close(_E.EXPIRED if later is None else _E.LATER, now, later)
        else:
            only_unconfirmed = bool(self.confirm) and self.answer_later_ms is None
            self.forget()
            if only_unconfirmed:
                self._rest(now)

    def _rest(self, now: int) -> None:
        """What was decided stands, though the server has not heard that it was committed."""
        if self.state is _S.BACKOFF:
            self.move(_E.RETRY, now)
        if self.cause is Cause.RETRY:
            self.due_at = None
        self.attempt = 0

    def close(self, event: ExchangeEvent, now: int, later_ms: int | None) -> None:
        self.move(event, now)
        if later_ms is not None:
            self.back_off(now, later_ms)

    def move(self, event: ExchangeEvent, now: int) -> None:
        before = self.state
        self.state = follow(EXCHANGE_MOVES, before, event)
        if self.state is not before:
            self.log.move(now, before, self.state, event)

    # Sending ----------------------------------------------------------------------------

    def transmit(self, raw: bytes, now: int) -> None:
        if not self.link_open:
            return  # said when the link opens: nothing has gone out yet
        self.log.message(now, MessageType(raw[5]), raw, True)
        self._out += self._framing.wrap(raw)

    def _send_again(self, now: int) -> None:
        if self.last:
            self.transmit(self.last, now)

    def report(self, refusal: Refusal, now: int) -> None:
        """Tell the server at which stage; never more."""
        if self.link_open and self.state in _ANSWERABLE:
            error = Error(stage=int(refusal.stage), retry_after=None)
            self.transmit(build_message(error, self.exchange_id), now)

    # Receiving --------------------------------------------------------------------------

    def _frame_refused(self, refusal: Refusal, now: int) -> None:
        self.log.refusal(now, refusal, "frame")
        self.report(refusal, now)
        if self._framing.fatal and self.state in TALKING:
            self.fail(_E.LOST, now, f"the server sends what is no frame: {refusal}")
            self.problem = str(refusal)
        else:
            self.count_drop(refusal, now)

    def _message(self, raw: bytes, now: int) -> None:
        try:
            envelope = open_envelope(raw, self.guard)
        except Refusal as refusal:
            self.log.refusal(now, refusal, "message")
            self.report(refusal, now)
            self.count_drop(refusal, now)
            return
        kind = envelope.header.type
        self.log.message(now, kind, raw, False)
        handler = HANDLERS.get(kind)
        try:
            if handler is None:
                raise Refusal(Rule.HEADER_TYPE, f"{kind.name} is no message to a device")
            handler(self, envelope, now)
        except Refusal as refusal:
            # Nothing signed by the server is behind it: it is dropped, no nonce is burned.
            self.log.refusal(now, refusal, kind.name)
            if kind is not MessageType.ERROR:
                self.report(refusal, now)
            self.count_drop(refusal, now)

    def count_drop(self, refusal: Refusal, now: int) -> None:
        if self.state not in (_S.WAIT_CHALLENGE, _S.WAIT_RESPONSE, _S.WAIT_TICKET):
            return
        if self.state is _S.WAIT_TICKET:
            self.ticket_problem = str(refusal)
        self.drops += 1
        if self.drops <= MAX_DROPS or not self.guard.enforces(Rule.DROP_LIMIT):
            return
        if self.state is _S.WAIT_TICKET:
            self.challenge = None
            self.move(_E.EXHAUSTED, now)
        else:
            self.forget()
            self.fail(_E.EXHAUSTED, now, str(refusal))

    def move_if(self, awaited: bool, event: ExchangeEvent, now: int) -> None:
        """A message that was not awaited moves nothing: only twins commit one."""
        if awaited:
            self.move(event, now)
