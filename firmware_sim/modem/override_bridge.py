"""Between a program and a modem: passes everything on, but for the answers that are overridden.

The laws of this file:
- What is not overridden passes byte for byte and in order. A line is passed when it has ended,
  a command when its CR came: no program and no modem acts on less.
- A claimed card refuses what such a card refuses, and the modem is not asked: a PIN typed
  against a claimed PIN ends the claim, and is never sent to the real card.
- In data mode (after CONNECT, after `> `) nothing is touched and nothing waits.
Source: ITU-T V.250, 5.2, 5.7 and 6.3; 3GPP TS 27.005, 3.5.
"""

from __future__ import annotations

import enum
from dataclasses import replace

from firmware_sim.events import Event
from firmware_sim.modem.at import AnswerKind, Command, Form, Result, cme_text, parse_line
from firmware_sim.modem.at.answer import classify
from firmware_sim.modem.masking import hide_secrets
from firmware_sim.modem.overridden_lines import (
    Context,
    Known,
    closed,
    enters_secret,
    rewrite,
)
from firmware_sim.modem.override import CLOSED_ERRORS, Overrides
from firmware_sim.modem.reading import Reading, SimState

BRIDGE_COMMAND = "+FSIMBRIDGE"
"""Our own question, answered here and by no modem: what is overridden, if anything."""

_LINE_ENDS = b"\r\n"
LINE_LIMIT = 4096
"""Bytes without a line end that are held back; then they are no line, and pass."""


_CALLS = ("D", "A", "O", "+CGDATA")
"""Only these are answered with CONNECT and followed by data."""


class _Mode(enum.Enum):
    COMMANDS = "commands"
    MESSAGE = "message"
    """After `> `: text until Ctrl-Z or ESC."""
    CALL = "call"
    """After CONNECT: data until the modem says that the call has ended."""


class OverrideBridge:
    """The machine. It has two sides, so its verbs name the side."""

    def __init__(self, overrides: Overrides, reading: Reading) -> None:
        self._overrides = overrides
        self._known = Known(
            imei=reading.imei,
            imsi=reading.imsi,
            home=reading.home_plmn,
            mnc_length=reading.mnc_length,
            serving=reading.serving,
        )
        self._context = Context()
        self._typed = bytearray()
        self._held = bytearray()
        self._mode = _Mode.COMMANDS
        self._echo = True
        self._errors = 0  # +CMEE: 0 ERROR, 1 numbers, 2 texts
        self._to_modem = bytearray()
        self._to_program = bytearray()
        self._events: list[Event] = []

    @property
    def overrides(self) -> Overrides:
        """What is claimed now; a PIN typed against a claimed one takes that claim away."""
        return self._overrides

    def to_modem(self) -> bytes:
        """Bytes to send to the modem; taken."""
        data = bytes(self._to_modem)
        self._to_modem.clear()
        return data

    def to_program(self) -> bytes:
        """Bytes to send to the program; taken."""
        data = bytes(self._to_program)
        self._to_program.clear()
        return data

    def events(self) -> list[Event]:
        """Lines of both sides (kind "at"), and what was overridden (kind "override"); taken."""
        taken, self._events = self._events, []
        return taken

    # ---- program -> modem --------------------------------------------------------------------

    def from_program(self, data: bytes, now: int) -> None:
        """Bytes of the program, cut anywhere."""
        if self._mode is not _Mode.COMMANDS:
            self._to_modem += data
            if self._mode is _Mode.MESSAGE and data.endswith((b"\x1a", b"\x1b")):
                self._mode = _Mode.COMMANDS
            return
        for byte in data:
            self._typed.append(byte)
            if byte == 0x0D:
                self._line(bytes(self._typed), now)
                self._typed.clear()
            elif not _may_be_command(self._typed):
                self._to_modem += self._typed
                self._typed.clear()

    def _line(self, raw: bytes, now: int) -> None:
        text = raw.decode("latin-1").strip("\r\n\0\x1b ")
        body = text[2:] if text[:2].upper() == "AT" else None
        commands = (parse_line(body) if body is not None else None) or ()
        traced = hide_secrets(raw)
        shown = hide_secrets(text.encode("latin-1")).decode("latin-1")
        self._events.append(Event(now, "modem", "at", shown, raw=traced, sent=True))
        for command in commands:
            self._note_mode(command)
        if (reply := self._own_answer(commands, now)) is not None:
            echo = raw.lstrip(b"\n\0\x1b") if self._echo else b""
            self._to_program += echo + reply
            return
        self._context = Context(commands)
        for command in commands:
            if command.name in ("+CRSM", "+CSIM"):
                self._known.context = Context((command,))
        self._to_modem += raw

    def _note_mode(self, command: Command) -> None:
        if command.name == "E" and command.form is Form.EXECUTE:
            self._echo = command.text not in ("0", "")
        elif (
            command.name == "+CMEE" and command.form is Form.SET and command.text.strip().isdigit()
        ):
            self._errors = int(command.text)

    def _own_answer(self, commands: tuple[Command, ...], now: int) -> bytes | None:
        """The answer that the modem must not be asked for; None to pass the line on.

        A line of several commands is refused as a whole when one of them is.
        """
        if [command.name for command in commands] == [BRIDGE_COMMAND]:
            return _information(f'{BRIDGE_COMMAND}: "{self._overrides.banner}"') + _OK
        sim = self._overrides.sim
        if sim is None:
            return None
        if enters_secret(commands):
            return self._take_secret(commands, sim, now)
        if any(closed(command, sim) for command in commands):
            self._tell(now, f"{commands[0]} -> refused, the card is claimed to be {sim.value}")
            return self._error(CLOSED_ERRORS[sim])
        return None

    def _take_secret(self, commands: tuple[Command, ...], sim: SimState, now: int) -> bytes:
        """Typed against a claimed card: never passed on. A PIN ends the claim of a PIN."""
        typed = commands[0].fields[0].text if commands and commands[0].fields else ""
        if sim is SimState.PIN and len(commands) == 1 and typed.isdigit() and 4 <= len(typed) <= 8:
            self._overrides = replace(self._overrides, sim=None)
            self._tell(now, "the claimed PIN was given; the card is told as it is from now on")
            return _OK
        self._tell(now, "a secret was typed against a claimed card: not passed on")
        return self._error(CLOSED_ERRORS.get(sim, 16))

    def _error(self, number: int) -> bytes:
        if self._errors == 0:
            return b"\r\nERROR\r\n"
        word = str(number) if self._errors == 1 else cme_text(number)
        return f"\r\n+CME ERROR: {word}\r\n".encode("latin-1")

    # ---- modem -> program --------------------------------------------------------------------

    def from_modem(self, data: bytes, now: int) -> None:
        """Bytes of the modem, cut anywhere."""
        if self._mode is _Mode.CALL:
            self._to_program += data
            if data.rstrip(b"\r\n").endswith((b"NO CARRIER", b"\r\nOK")):
                self._mode = _Mode.COMMANDS
            return
        for byte in data:
            if byte in _LINE_ENDS:
                self._end_of_line(now)
                self._to_program.append(byte)
                continue
            self._held.append(byte)
            if self._held == b"> ":
                self._mode = _Mode.MESSAGE
            if self._held == b"> " or len(self._held) >= LINE_LIMIT:
                self._to_program += self._held
                self._held.clear()

    def _end_of_line(self, now: int) -> None:
        raw = bytes(self._held)
        self._held.clear()
        if not raw.strip(b"\0 "):
            self._to_program += raw
            return
        text = raw.decode("latin-1")
        told = rewrite(text, self._overrides, self._known, self._context)
        name = text.partition(":")[0].strip().upper()
        if name == "+CRSM":
            self._context = replace(self._context, crsm=self._context.crsm + 1)
        elif name == "+CSIM":
            self._context = replace(self._context, csim=self._context.csim + 1)
        self._to_program += told.encode("latin-1")
        traced = hide_secrets(raw)
        shown = traced.decode("latin-1").strip()
        self._events.append(Event(now, "modem", "at", shown, raw=traced + b"\r\n", sent=False))
        if told != text:
            self._tell(now, f"{text.strip()} -> {told.strip()}")
        answer = classify(raw)
        if answer.kind is not AnswerKind.FINAL:
            return
        if answer.result is Result.CONNECT and self._context.asks(*_CALLS):
            self._mode = _Mode.CALL
        else:
            # A result also ends a message that was never one: `> ` may have been noise.
            self._mode, self._context = _Mode.COMMANDS, Context()

    def _tell(self, now: int, text: str) -> None:
        self._events.append(Event(now, "modem", "override", f"OVERRIDE: {text}"))


_OK = b"\r\nOK\r\n"


def _information(text: str) -> bytes:
    return f"\r\n{text}\r\n".encode("latin-1")


def _may_be_command(typed: bytearray) -> bool:
    """Whether these bytes begin a command line (noise before it included)."""
    text = bytes(typed).lstrip(b"\n\0\x1b \r").upper()
    return not text or b"AT".startswith(text[:2]) or text.startswith(b"A/")
