"""The virtual modem: bytes of a program in, bytes of a modem out, at instants told to it.

It knows no clock, no link and no chance. What a program sends may be cut anywhere; what comes
out depends on the bytes, the state, the faults and their seeds alone.
Source: ITU-T V.250, 5.2 to 5.7; 3GPP TS 27.007, 4 and 9.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from firmware_sim.events import Event
from firmware_sim.modem.at.command import Command, CommandLexer, Form, Line, Repeat, parse_line
from firmware_sim.modem.at.results import CmeError, Result
from firmware_sim.modem.virtual import framing, reports
from firmware_sim.modem.virtual.commands import TABLE
from firmware_sim.modem.virtual.commands.port import fresh_session
from firmware_sim.modem.virtual.faults import (
    Counted,
    Departure,
    Fault,
    FaultKind,
    Piece,
    Role,
    parse,
    spoil,
)
from firmware_sim.modem.virtual.outcome import Device, NotACommand, Outcome, Refused, number
from firmware_sim.modem.virtual.profile import GENERIC, Deviation, Profile
from firmware_sim.modem.virtual.session import Session
from firmware_sim.modem.virtual.settings import apply, moved
from firmware_sim.modem.virtual.standing import registration
from firmware_sim.modem.virtual.state import ModemState, Registration
from firmware_sim.modem.virtual.templates import fill

_NEEDS_CARD = ("+CPIN", "+CIMI", "+CCID", "+CRSM", "+CSIM", "+CLCK", "+CPINR", "+ICCID", "+QCCID")
"""What a busy card refuses (the fault `busy`)."""

_MAY_CHANGE = (Form.EXECUTE, Form.SET)
"""Reading and testing leave the state as it is."""

_BITS_PER_BYTE = 10
"""Start, eight data, stop: what a byte costs on a serial line."""


@dataclass(frozen=True, slots=True)
class _Queued:
    at: int
    data: bytes
    departure: Departure | None = None


class VirtualModem:
    """A modem with one port; driven by receive and tick, heard by outgoing, events and wake_at."""

    def __init__(
        self,
        state: ModemState,
        profile: Profile = GENERIC,
        faults: Iterable[Fault] = (),
        *,
        now: int = 0,
    ) -> None:
        self._device = Device(state, profile, Session(), now)
        self._faults: list[Counted] = []
        self._baud: int | None = None
        for fault in faults:
            self._add_fault(fault)
        self._lexer = CommandLexer()
        self._last_body = ""
        self._queue: deque[_Queued] = deque()
        self._events: list[Event] = []
        self._departure: Departure | None = None
        self._powered_at = now
        if state.search_ms and registration(state) is not Registration.IDLE:
            state.searching_until = now + state.search_ms
        self._seen = reports.look(self._device)
        self._power_on()

    @property
    def state(self) -> ModemState:
        """The state; whoever changes it directly calls `settle` to have it reported."""
        return self._device.state

    @property
    def now(self) -> int:
        """The last instant it was told, in monotonic milliseconds."""
        return self._device.now

    @property
    def profile(self) -> Profile:
        """The family it plays."""
        return self._device.profile

    @property
    def departure(self) -> Departure | None:
        """Set once the modem has left its link and all bytes before that are taken."""
        return self._departure

    # What every machine has.

    def receive(self, data: bytes, now: int) -> None:
        """Bytes from the program, cut anywhere."""
        self.tick(now)
        if self._departure is not None:
            return  # the port is gone: what is written to it reaches nobody
        echoed = bytearray()
        for byte in data:
            echo, line = self._lexer.feed(byte)
            if self._device.session.echo:
                echoed += echo
            if line is not None:
                self._put(bytes(echoed), 0)
                echoed.clear()
                self._line(line)
        self._put(bytes(echoed), 0)

    def tick(self, now: int) -> None:
        """Time passed: a search may end."""
        device = self._device
        device.now = max(device.now, now)
        until = device.state.searching_until
        if until is not None and device.now >= until:
            device.state.searching_until = None
            self._report()

    def outgoing(self) -> bytes:
        """The bytes that are due at the last instant told."""
        ready = bytearray()
        while self._queue and self._queue[0].at <= self._device.now and self._departure is None:
            head = self._queue.popleft()
            ready += head.data
            self._departure = head.departure
        return bytes(ready)

    def events(self) -> list[Event]:
        """What happened since the last call."""
        drained, self._events = self._events, []
        return drained

    def wake_at(self) -> int | None:
        """When bytes fall due or a search ends."""
        times = [self._queue[0].at] if self._queue and self._departure is None else []
        if self.state.searching_until is not None:
            times.append(self.state.searching_until)
        return min(times) if times else None

    # What a person or a test does to the modem.

    def set(self, name: str, value: str, now: int) -> None:
        """Change one thing by its name, as `modem set` does; reports follow.

        Raises: UsageError: no such name or no such value.
        """
        self.tick(now)
        if name == "fault":
            self._set_fault(value)
        else:
            apply(self.state, name, value, self._device.now)
            self._report()
        self._note("state", f"{name} is now {value}", {"name": name, "value": value})

    def move(self, serving: str | None, now: int) -> None:
        """Carry the modem to where `serving` is the network, or out of any coverage.

        With `search_ms` in the state it is without a network for that long first.
        Raises: UsageError: not a PLMN.
        """
        self.tick(now)
        moved(self.state, serving)
        if self.state.search_ms:
            self.state.searching_until = self._device.now + self.state.search_ms
        self._report()
        self._note("state", f"moved to {serving or 'no coverage'}", {"serving": serving})

    def settle(self, now: int) -> None:
        """Report what changed: for callers that write to `state` themselves."""
        self.tick(now)
        self._report()

    def reattach(self, now: int) -> None:
        """The link is there again: what was unsent is gone, the port starts afresh."""
        self.tick(now)
        self._queue.clear()
        self._lexer = CommandLexer()
        if self._departure is not None:
            self._departure = None
            self._power_on()

    def _set_fault(self, value: str) -> None:
        if value in ("", "none"):
            self._faults, self._baud = [], None
        else:
            self._add_fault(parse(value))

    def _add_fault(self, fault: Fault) -> None:
        self._faults.append(Counted(fault))
        if fault.kind is FaultKind.PACE:
            self._baud = fault.baud

    def _power_on(self) -> None:
        device = self._device
        device.restarts = False
        self._powered_at = device.now
        device.session = fresh_session(device)
        lines = list(device.profile.banner)
        for counted in self._faults:
            if counted.fault.kind is FaultKind.BANNER:
                lines += counted.fault.text.split("|")
        for line in lines:
            try:
                self._put(framing.unasked(fill(line, device), device.session), 0)
            except Refused:
                continue  # a greeting that needs a card or a network is left out without it

    # One line.

    def _line(self, line: Line | Repeat) -> None:
        device = self._device
        if isinstance(line, Line):
            self._last_body = line.body
        body = self._last_body
        self._note("at", f"AT{body}", {}, raw=f"AT{body}\r".encode("latin-1"), sent=False)
        commands = parse_line(body)
        if commands is None or (isinstance(line, Line) and line.overlong):
            self._answer("", [Piece(Role.FINAL, framing.final(Result.ERROR, device.session))])
            return
        self._answer(str(commands[0]) if commands else "", self._carry_out(commands))
        if any(command.form in _MAY_CHANGE for command in commands):
            self._report()
        if device.restarts:
            self._power_on()

    def _carry_out(self, commands: tuple[Command, ...]) -> list[Piece]:
        device = self._device
        pieces: list[Piece] = []
        for command in commands:
            try:
                outcome = self._one(command)
            except NotACommand:
                return [*pieces, Piece(Role.FINAL, self._unknown())]
            except Refused as refusal:
                end = framing.refusal(refusal.error, device.session)
                return [*pieces, Piece(Role.FINAL, end)]
            lines = framing.information(outcome.lines, device.session)
            if lines or outcome.after_ms:
                pieces.append(Piece(Role.INFORMATION, lines, outcome.after_ms))
            if outcome.result is not Result.OK:
                return [*pieces, Piece(Role.FINAL, framing.final(outcome.result, device.session))]
        return [*pieces, Piece(Role.FINAL, framing.final(Result.OK, device.session))]

    def _unknown(self) -> bytes:
        session, said = self._device.session, self.profile.unknown_command
        if said == "ERROR":
            return framing.final(Result.ERROR, session)
        return framing.refusal(CmeError(int(said)), session)

    def _one(self, command: Command) -> Outcome:
        device = self._device
        if command.name in _NEEDS_CARD and command.form is not Form.TEST:
            for counted in self._faults:
                if self._is_busy(counted.fault) and counted.strikes(str(command)):
                    raise Refused(CmeError.SIM_BUSY)
        own = device.profile.answers.get((command.name, command.form))
        if own is not None:
            return self._own(own, command)
        if command.name in device.profile.missing:
            raise NotACommand
        return self._standard(command)

    def _standard(self, command: Command) -> Outcome:
        verbs = TABLE.get(command.name)
        if verbs is None:
            raise NotACommand
        handler = {
            Form.EXECUTE: verbs.execute,
            Form.READ: verbs.read,
            Form.TEST: verbs.test,
            Form.SET: verbs.set,
        }[command.form]
        if handler is None:
            raise NotACommand
        return handler(self._device, command)

    def _is_busy(self, rule: Fault) -> bool:
        if rule.kind is not FaultKind.BUSY:
            return False
        return not rule.ms or self._device.now < self._powered_at + rule.ms

    def _own(self, deviation: Deviation, command: Command) -> Outcome:
        if deviation.carries_out:
            return self._carry_over(deviation, command)
        if deviation.result == "ERROR":
            raise NotACommand
        if deviation.result != "OK":
            raise Refused(CmeError(int(deviation.result)))
        return Outcome([fill(line, self._device) for line in deviation.answer])

    def _carry_over(self, deviation: Deviation, command: Command) -> Outcome:
        """A maker's command that is a standard one under another name."""
        value = number(command.fields, 0, range(256)) if "_minus_1" in deviation.carries_out else 0
        body = deviation.carries_out.replace("{0_minus_1}", str(value - 1))
        meant = parse_line(body.replace("{0}", command.text))
        outcome = Outcome()
        for standard in meant or ():
            outcome = self._standard(standard)
        return Outcome(result=outcome.result, after_ms=outcome.after_ms)

    # Output.

    def _answer(self, command: str, pieces: list[Piece]) -> None:
        told = b"".join(piece.data for piece in pieces)
        self._note("at", told.decode().strip(), {"command": command}, raw=told, sent=True)
        for counted in self._faults:
            about_answers = counted.fault.kind not in (
                FaultKind.BUSY,
                FaultKind.BANNER,
                FaultKind.PACE,
            )
            if about_answers and pieces and told and counted.strikes(command):
                pieces = spoil(counted, pieces)
        for piece in pieces:
            self._put(piece.data, piece.delay_ms, piece.departure)

    def _search(self) -> None:
        """A modem that has stood idle looks for a network before it has one."""
        state = self.state
        idle = self._seen.registrations[0][0] == str(int(Registration.IDLE))
        if idle and state.search_ms and registration(state) is not Registration.IDLE:
            state.searching_until = self._device.now + state.search_ms

    def _report(self) -> None:
        device = self._device
        if device.state.searching_until is None:
            self._search()
        seen = reports.look(device)
        lines = reports.changes(device, self._seen, seen)
        self._seen = seen
        for line in lines:
            data = framing.unasked(line, device.session)
            if data:
                self._note("at", line, {"unasked": True}, raw=data, sent=True)
                self._put(data, 0)

    def _put(self, data: bytes, delay_ms: int, departure: Departure | None = None) -> None:
        last = self._queue[-1].at if self._queue else 0
        at = max(self._device.now, last) + delay_ms
        if self._baud is None or not data:
            if data or departure or delay_ms:
                self._queue.append(_Queued(at, data, departure))
            return
        for index, byte in enumerate(data, start=1):
            due = at + index * _BITS_PER_BYTE * 1000 // self._baud
            self._queue.append(_Queued(due, bytes([byte])))

    def _note(
        self,
        kind: str,
        text: str,
        detail: dict[str, object],
        *,
        raw: bytes = b"",
        sent: bool | None = None,
    ) -> None:
        self._events.append(Event(self._device.now, "modem", kind, text, detail, raw, sent))
