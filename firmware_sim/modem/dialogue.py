"""The bridge's dialogue with a modem: a pure machine that reads it, and then watches it.

It gets the modem's attention, goes through the questions of `steps.STEPS`, publishes a
`Reading`, and from then on asks again what an unsolicited code says has changed. It sends
nothing that leaves a mark on the modem; a PIN is sent once, when `enter_pin` hands it in.

Every wait has an end: each command its own, getting attention its own, each round of
questions an absolute one. When one passes, `failure` holds one clear line.
Source: 3GPP TS 27.007; ITU-T V.250.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from firmware_sim.events import Event
from firmware_sim.modem import answers, steps, unsolicited
from firmware_sim.modem.at import Answer
from firmware_sim.modem.draft import Draft
from firmware_sim.modem.exchange import Asked, Ending, Exchange, Finished
from firmware_sim.modem.phase import DEFAULT_OPTIONS, MOVES, DialogueOptions, Phase
from firmware_sim.modem.reading import Reading, SimState
from firmware_sim.modem.steps import Group, Step, Verdict

__all__ = ["MOVES", "DialogueOptions", "ModemDialogue", "Phase"]

AGAIN_MS = 200
"""Least time between two rounds that unsolicited codes asked for."""
TRIES = 3
"""Attempts at a question whose answer is not understood."""
SILENCES = 3
"""Attempts at a question that is met with silence, although the modem answers others."""
TRIES_TO_AGREE = 8
"""Attempts at a question that must be answered twice alike."""


FIRST_ROUND = (
    Group.IDENTITY,
    Group.RADIO,
    Group.SIM,
    Group.REPORTS,
    Group.REGISTRATION,
    Group.SIGNAL,
    Group.CLOCK,
)
SCAN_MS = 200_000
"""What a round with a scan may take: `+COPS=?` alone may need 180 s."""
POLLED = (Group.SIM, Group.REGISTRATION, Group.SIGNAL)


@dataclass
class _Question:
    """The step being asked: what was tried, what was heard."""

    step: Step
    tries: int = 0
    silences: int = 0
    last: object | None = None
    busy_since: int | None = None
    busy_wait: int = 0


class ModemDialogue:
    """The machine. `receive` takes the modem's bytes; `outgoing` gives bytes for it."""

    def __init__(self, options: DialogueOptions = DEFAULT_OPTIONS) -> None:
        self._options = options
        self._phase = Phase.IDLE
        self._exchange = Exchange()
        self._events: list[Event] = []
        self._draft = Draft()
        self._reading: Reading | None = None
        self._failure: str | None = None
        self._queue: deque[Step] = deque()
        self._question: _Question | None = None
        self._dirty: set[Group] = set()
        self._pin: str | None = None
        self._poll_at: int | None = None
        self._reset()

    @property
    def phase(self) -> Phase:
        """Where the dialogue is."""
        return self._phase

    @property
    def reading(self) -> Reading | None:
        """The newest complete reading; kept when a later round fails."""
        return self._reading

    @property
    def so_far(self) -> Reading:
        """What is known now, complete or not; its IMEI may be empty."""
        return self._draft.reading()

    @property
    def failure(self) -> str | None:
        """One clear line when the dialogue cannot go on; `start` begins anew."""
        return self._failure

    def start(self, now: int) -> None:
        """Begin, or begin anew on a fresh link."""
        self._exchange.forget()
        self._draft = Draft()
        self._reading, self._failure = None, None
        self._reset()
        self._dirty = set(FIRST_ROUND)
        self._deadline = now + self._options.within_ms
        self._seek_attention(now)
        self._go_on(now)

    def refresh(self, now: int) -> None:
        """Ask everything that can change once more."""
        self._dirty |= {Group.SIM, Group.REGISTRATION, Group.SIGNAL, Group.CLOCK}
        self._not_before = now
        self._go_on(now)

    def scan(self, now: int) -> None:
        """Ask for every network in reach. It takes minutes, and the modem hears nothing else."""
        self._dirty.add(Group.SCAN)
        self._not_before = now
        self._go_on(now)

    def enter_pin(self, pin: str, now: int) -> None:
        """Send this PIN once, if the card asks for a PIN. Raises: ValueError (not 4-8 digits)."""
        if not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 8):
            raise ValueError("a PIN is 4 to 8 digits")  # TS 31.101, 9.5.1
        if self._draft.sim is not SimState.PIN:
            state = self._draft.sim.value
            self._note(now, "refusal", f"the PIN was not sent: the card is {state}")
            return
        self._pin = pin
        self._go_on(now)

    def link_lost(self, cause: str, now: int) -> None:
        """The link closed under us: the dialogue ends, with what the link said."""
        if self._phase is not Phase.FAILED:
            self._fail(cause, now)

    def receive(self, data: bytes, now: int) -> None:
        """Bytes from the modem, cut anywhere."""
        for answer, belongs in self._exchange.receive(data, now):
            self._heard(answer, belongs, now)
        self._go_on(now)

    def tick(self, now: int) -> None:
        """Time passed."""
        self._exchange.tick(now)
        self._go_on(now)

    def outgoing(self) -> bytes:
        """Bytes for the modem; taken."""
        return self._exchange.outgoing()

    def events(self) -> list[Event]:
        """What was noticed: kinds "at", "reading", "pin", "refusal", "failure"; taken."""
        taken, self._events = self._events, []
        return taken

    def wake_at(self) -> int | None:
        """When `tick` has something to do; None when only bytes can change anything."""
        if self._phase in (Phase.IDLE, Phase.FAILED):
            return None
        times = [self._exchange.wake_at()]
        if self._phase is not Phase.WATCHING:
            times.append(self._deadline)
            if not self._exchange.busy:
                times.append(self._pause_until)
        elif self._dirty:
            times.append(self._not_before)
        else:
            times.append(self._poll_at)
        known = [time for time in times if time is not None]
        return min(known) if known else None

    # ---- one round ---------------------------------------------------------------------------

    def _reset(self) -> None:
        self._queue.clear()
        self._dirty.clear()
        self._question, self._pin, self._poll_at = None, None, None
        self._powered = False
        self._deadline = 0
        self._allowed = self._options.within_ms
        self._pause_until = 0
        self._not_before = 0
        self._attention_until = 0
        self._attention_tries = 0
        self._answered = False
        self._last_asked = ""

    def _move(self, phase: Phase) -> None:
        if phase not in MOVES[self._phase]:
            raise KeyError(f"no move from {self._phase} to {phase}")
        self._phase = phase

    def _go_on(self, now: int) -> None:
        while self._phase not in (Phase.IDLE, Phase.FAILED):
            if self._phase is not Phase.WATCHING and now >= self._deadline:
                waited = self._allowed / 1000
                self._fail(f"not done after {waited:g} s, last asked {self._last_asked}", now)
                return
            finished = self._exchange.finished()
            if finished is not None:
                if self._phase is Phase.ATTENTION:
                    self._attention_ended(finished, now)
                else:
                    self._question_ended(finished, now)
                continue
            if self._exchange.busy or not self._next(now):
                return

    def _next(self, now: int) -> bool:
        """Start whatever is due; False when there is nothing to do now."""
        if self._phase is Phase.ATTENTION:
            return self._ask_attention(now)
        if self._phase is Phase.READING:
            if now < self._pause_until:
                return False
            return self._ask_next(now)
        if self._pin is not None:
            self._begin_round(now)
            return True
        if self._poll_at is not None and now >= self._poll_at and not self._dirty:
            self._dirty |= set(POLLED)
            self._not_before = now
        if self._dirty and now >= self._not_before:
            self._begin_round(now)
            return True
        return False

    def _begin_round(self, now: int) -> None:
        self._move(Phase.READING)
        self._allowed = SCAN_MS if Group.SCAN in self._dirty else self._options.within_ms
        self._deadline = now + self._allowed
        self._fill_queue()

    def _fill_queue(self) -> None:
        for group in (*FIRST_ROUND, Group.SCAN):
            if group in self._dirty:
                self._queue.extend(steps.STEPS[group])
        self._dirty.clear()

    def _ask_next(self, now: int) -> bool:
        if self._pin is not None and self._question is None and self._draft.sim is SimState.PIN:
            self._send_pin(now)
            return True
        while self._question is None:
            if not self._queue:
                self._publish(now)
                return True
            step = self._queue.popleft()
            if step.when(self._draft):
                self._question = _Question(step)
        self._say(self._question.step.asked, now)
        return True

    def _say(self, asked: Asked, now: int) -> None:
        shown = steps.PIN_TEMPLATE.format(pin="****") if asked.secret else asked.command
        self._last_asked = shown
        self._exchange.ask(asked, now)
        raw = (shown + "\r").encode("ascii")
        self._events.append(Event(now, "modem", "at", shown.strip("\x1b"), raw=raw, sent=True))

    def _send_pin(self, now: int) -> None:
        command = steps.PIN_TEMPLATE.format(pin=self._pin)
        self._pin = None
        asked = Asked(command, "+CPIN", steps.MOST_MS, secret=True)
        self._question = _Question(Step(asked, lambda _: None, lambda *_: None))
        self._say(asked, now)

    # ---- how a question ends -----------------------------------------------------------------

    def _question_ended(self, finished: Finished, now: int) -> None:
        question = self._question
        if question is None:
            return
        if finished.asked.secret:
            self._pin_ended(finished, now)
            return
        question.tries += 1
        if finished.ending is Ending.REFUSED:
            self._judge(question.step.refused(self._draft, finished), question, now)
        elif finished.answered:
            self._understood(question, question.step.parse(finished), now)
        else:
            # Silence, or an answer that cannot be told from noise: is anybody there at all?
            question.silences += 1
            if question.silences >= SILENCES:
                self._miss(question.step)
                self._question = None
            self._seek_attention(now)

    def _understood(self, question: _Question, value: object | None, now: int) -> None:
        if value is None:
            self._give_up_or_go_on(question)
            return
        if question.step.twice and question.last != value:
            question.last = value
            if question.tries >= TRIES_TO_AGREE:
                self._give_up_or_go_on(question)
            return
        self._draft.problems.pop(question.step.asked.command, None)
        self._judge(question.step.store(self._draft, value) or Verdict.DONE, question, now)

    def _judge(self, verdict: Verdict, question: _Question, now: int) -> None:
        if verdict is not Verdict.BUSY:
            if verdict is Verdict.SKIP:
                self._miss(question.step)
            self._close(question.step, now)
            return
        if question.busy_since is None:
            question.busy_since, question.busy_wait = now, self._options.busy_first_ms
        if now + question.busy_wait >= question.busy_since + self._options.busy_ms:
            self._miss(question.step)
            self._close(question.step, now)
            return
        question.tries = 0
        self._pause_until = now + question.busy_wait
        question.busy_wait = min(question.busy_wait * 2, 4_000)

    def _give_up_or_go_on(self, question: _Question) -> None:
        most = TRIES_TO_AGREE if question.step.twice else TRIES
        if question.tries >= most:
            self._miss(question.step)
            self._question = None

    def _miss(self, step: Step) -> None:
        if step.missing:
            self._draft.problems[step.asked.command] = step.missing

    def _close(self, step: Step, now: int) -> None:
        self._question = None
        if step is steps.STEPS[Group.RADIO][0]:
            self._radio(now)

    def _radio(self, now: int) -> None:
        """CFUN 0 is how some modems boot; anything else was somebody's choice."""
        functionality = self._draft.functionality
        if functionality == 0 and self._options.power_up and not self._powered:
            self._powered = True
            self._queue.appendleft(steps.POWER_UP)
            self._note(now, "radio", "the radio is off (CFUN 0): switching it on")
        elif functionality in (0, 4):
            self._draft.problems["radio"] = f"the radio is off (CFUN {functionality})"
        else:
            self._draft.problems.pop("radio", None)

    def _pin_ended(self, finished: Finished, now: int) -> None:
        self._question = None
        accepted = finished.ending is Ending.OK
        if accepted:
            self._note(now, "pin", "the card accepted the PIN", accepted=True)
        elif finished.ending is Ending.REFUSED:
            self._note(now, "pin", f"the card refused the PIN ({finished.reason})", accepted=False)
        else:
            self._note(now, "pin", "no answer to the PIN; it is not sent again", accepted=None)
        self._dirty |= {Group.SIM, Group.REGISTRATION}
        self._queue.clear()
        self._fill_queue()

    # ---- attention ---------------------------------------------------------------------------

    def _seek_attention(self, now: int) -> None:
        self._move(Phase.ATTENTION)
        self._attention_until = now + self._options.attention_ms
        self._attention_tries = 0
        self._answered = False

    def _ask_attention(self, now: int) -> bool:
        if self._answered:
            # The echo, if any, is switched on now: this question shows whether there is one.
            command = "AT"
        else:
            left = self._attention_until - now
            if left <= 0:
                self._no_attention(now)
                return False
            command = steps.ATTENTION[self._attention_tries % len(steps.ATTENTION)]
        self._attention_tries += 1
        left = max(1, self._attention_until - now)
        self._say(Asked(command, within_ms=min(self._options.attention_each_ms, left)), now)
        return True

    def _attention_ended(self, finished: Finished, now: int) -> None:
        heard = finished.ending in (Ending.OK, Ending.REFUSED)
        if not self._answered and not (heard and finished.echoed):
            self._exchange.echoes = None
            self._answered = heard
            return
        # A modem without plain AT is silent here; the question has served its purpose.
        self._exchange.echoes = finished.echoed
        self._move(Phase.READING)
        if not self._queue and self._question is None:
            self._fill_queue()

    def _no_attention(self, now: int) -> None:
        waited = self._options.attention_ms / 1000
        if self._reading is None and not any((self._draft.manufacturer, self._draft.model)):
            self._fail(f"nothing answers AT within {waited:g} s", now)
        else:
            self._fail(f"the modem stopped answering (no answer within {waited:g} s)", now)

    # ---- what came ---------------------------------------------------------------------------

    def _heard(self, answer: Answer, belongs: bool, now: int) -> None:
        secret = self._question is not None and self._question.step.asked.secret
        text, raw = answer.text, answer.raw + b"\r\n"
        if secret and "+CPIN=" in text.upper():
            text = steps.PIN_TEMPLATE.format(pin="****")
            raw = (text + "\r").encode("ascii")
        detail: dict[str, object] = {} if belongs else {"unsolicited": True}
        self._events.append(Event(now, "modem", "at", text, detail, raw, sent=False))
        if belongs or self._phase in (Phase.IDLE, Phase.FAILED):
            return
        self._mark(unsolicited.touched(answer, self._draft), now)
        signal = answer.after("+CSQ")
        if signal is not None and (dbm := answers.read_csq(signal)) is not None:
            self._draft.signal_dbm = dbm
            if self._phase is Phase.WATCHING:
                self._publish_changes(now)

    def _mark(self, groups: Iterable[Group], now: int) -> None:
        for group in groups:
            if group is Group.IDENTITY:
                self._restarted(now)
                return
            if self._phase is Phase.WATCHING and not self._dirty:
                self._not_before = max(now, self._not_before)
            self._dirty.add(group)

    def _restarted(self, now: int) -> None:
        """The modem has booted: echo, error codes and reports are as at the beginning."""
        self._powered = False
        if self._phase is Phase.WATCHING:
            self._draft = Draft()
            self._dirty |= set(FIRST_ROUND)
            self._allowed = self._options.within_ms
            self._deadline = now + self._allowed
            self._seek_attention(now)
        else:
            self._dirty |= {Group.REPORTS, *POLLED}

    # ---- telling -----------------------------------------------------------------------------

    def _publish(self, now: int) -> None:
        if not self._draft.imei:
            problem = self._draft.imei_problem or "the modem does not tell its IMEI"
            self._fail(problem, now)
            return
        self._move(Phase.WATCHING)
        self._not_before = now + AGAIN_MS
        poll = self._options.poll_ms
        self._poll_at = None if poll is None else now + poll
        self._publish_changes(now)

    def _publish_changes(self, now: int) -> None:
        fresh = self._draft.reading()
        older, self._reading = self._reading, fresh
        if older is None:
            where = fresh.serving or fresh.registration.value
            text = f"IMEI {fresh.imei}, SIM {fresh.sim.value}, network {where}"
            self._events.append(Event(now, "modem", "reading", text, fresh.as_json()))
        elif changes := fresh.differences(older):
            text = ", ".join(f"{name} {_word(value)}" for name, value in changes.items())
            self._events.append(Event(now, "modem", "reading", text, changes))

    def _note(self, now: int, kind: str, text: str, **detail: object) -> None:
        self._events.append(Event(now, "modem", kind, text, detail))

    def _fail(self, cause: str, now: int) -> None:
        self._move(Phase.FAILED)
        self._failure = cause
        self._exchange.forget()
        self._question, self._pin = None, None
        self._queue.clear()
        self._events.append(Event(now, "modem", "failure", cause))


def _word(value: object) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    return "none" if value in (None, "") else str(value)
