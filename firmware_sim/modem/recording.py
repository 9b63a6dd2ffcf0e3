"""A dialogue as it was: JSON lines with times, and a machine that plays the modem's part.

The first line is `{"recording": 1, "note": ...}`. Then one line each time bytes passed:
`{"at": ms, "from": "program"|"modem", "bytes": text}`, bytes as Latin-1 characters, so that a
person can read and write the file. A recording may hold masked identities: digits replaced by
others of the same kind, the same everywhere (`masking`).

Playing is tolerant where AT allows it: a question may be asked earlier, later, more often or
not at all, because reading changes nothing. What a modem then said to it, the n-th answer to
the n-th asking, is said again; the last one for ever after. A question that the recording does
not hold is a departure: it is answered `ERROR`, and said exactly where.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from firmware_sim.errors import SimError
from firmware_sim.events import Event
from firmware_sim.modem.at import AnswerKind
from firmware_sim.modem.at.answer import classify

VERSION = 1


class RecordingError(SimError):
    """A recording that cannot be read: file, line and cause."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Bytes that passed at an instant (ms since the start); `sent`: by the program."""

    at: int
    sent: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Asking:
    """A command line and all that the modem sent until the next one; `line` counts from 1.

    `pieces`: milliseconds after the command (or after the piece before), and bytes.
    """

    command: str
    pieces: tuple[tuple[int, bytes], ...]
    line: int
    setting: str = ""
    """The last setting of the same name before it: `AT+COPS?` answers as `AT+COPS=3,x` chose."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What was read from a file: what came before any command, then the askings in order."""

    note: str
    before: tuple[tuple[int, bytes], ...]
    askings: tuple[Asking, ...]


def line_of(passed: Passed) -> str:
    """One line of the file."""
    who = "program" if passed.sent else "modem"
    return json.dumps(
        {"at": passed.at, "from": who, "bytes": passed.data.decode("latin-1")}, ensure_ascii=True
    )


def header(note: str = "") -> str:
    """The first line of the file."""
    return json.dumps({"recording": VERSION, "note": note}, ensure_ascii=False)


def load(lines: Iterable[str], name: str) -> Recording:
    """Read a recording. Raises: RecordingError (the line and what is wrong with it)."""
    note: str | None = None
    passed: list[tuple[int, Passed]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if note is None:
                if row["recording"] != VERSION:
                    raise ValueError(f"version {row['recording']!r} is not {VERSION}")
                note = str(row.get("note", ""))
                continue
            if row["from"] not in ("program", "modem"):
                raise ValueError(f'"from" is {row["from"]!r}')
            one = Passed(int(row["at"]), row["from"] == "program", row["bytes"].encode("latin-1"))
        except KeyError as failure:
            raise RecordingError("modem", f"{name}, line {number}: no {failure}") from None
        except (ValueError, TypeError, AttributeError) as failure:
            raise RecordingError("modem", f"{name}, line {number}: {failure}") from None
        passed.append((number, one))
    if note is None:
        raise RecordingError("modem", f"{name}: is empty")
    return _askings(note, passed)


def _askings(note: str, passed: Sequence[tuple[int, Passed]]) -> Recording:
    before: list[tuple[int, bytes]] = []
    askings: list[Asking] = []
    typed = bytearray()
    last_at = 0
    settings: dict[str, str] = {}
    for number, one in passed:
        if one.sent:
            typed += one.data
            while b"\r" in typed:
                command, _, rest = bytes(typed).partition(b"\r")
                typed = bytearray(rest)
                if name := _normal(command):
                    askings.append(Asking(name, (), number, _setting(settings, name)))
            last_at = one.at
            continue
        piece = (max(0, one.at - last_at), one.data)
        last_at = one.at
        if not askings:
            before.append(piece)
        else:
            latest = askings[-1]
            askings[-1] = replace(latest, pieces=(*latest.pieces, piece))
    return Recording(note, tuple(before), tuple(askings))


def _normal(command: bytes) -> str:
    """A command line for comparison: without noise before AT, spaces, and upper case."""
    text = command.decode("latin-1").strip().upper()
    at = text.find("AT")
    return text[at:].replace(" ", "") if at >= 0 else ""


def _setting(settings: dict[str, str], command: str) -> str:
    """The setting that holds for a command; a setting is noted for those that follow."""
    name, equals, value = command.partition("=")
    name = name.rstrip("?")
    before = settings.get(name, "")
    if equals and not value.startswith("?"):
        settings[name] = command
    return before


class Replay:
    """The modem of a recording; a machine. `departures` says where a dialogue left it."""

    def __init__(self, recording: Recording, *, paced: bool = True) -> None:
        self._recording = recording
        self._paced = paced
        self._turns: dict[tuple[str, str], int] = {}
        self._settings: dict[str, str] = {}
        self._typed = bytearray()
        self._queue: list[tuple[int, bytes]] = []
        self._events: list[Event] = []
        self._now = 0
        self._last: Asking | None = None
        self.departures: list[str] = []
        self._echo = any(
            asking.command.encode("latin-1") in b"".join(data for _, data in asking.pieces).upper()
            for asking in recording.askings
        )
        self._say(recording.before, 0)

    def receive(self, data: bytes, now: int) -> None:
        """Bytes from the program."""
        self._now = now
        self._typed += data
        while b"\r" in self._typed:
            command, _, rest = bytes(self._typed).partition(b"\r")
            self._typed = bytearray(rest)
            if name := _normal(command):
                self._answer(name, now)

    def tick(self, now: int) -> None:
        """Time passed."""
        self._now = now

    def outgoing(self) -> bytes:
        """Bytes that are due."""
        due = bytearray()
        while self._queue and self._queue[0][0] <= self._now:
            due += self._queue.pop(0)[1]
        return bytes(due)

    def events(self) -> list[Event]:
        """Departures; taken."""
        taken, self._events = self._events, []
        return taken

    def wake_at(self) -> int | None:
        """When the next bytes are due."""
        return self._queue[0][0] if self._queue else None

    def _answer(self, name: str, now: int) -> None:
        setting = _setting(self._settings, name)
        known = [asking for asking in self._recording.askings if asking.command == name]
        if not known:
            self._depart(name, now)
            return
        same = [asking for asking in known if asking.setting == setting] or known
        turn = self._turns.get((name, setting), 0)
        self._turns[(name, setting)] = turn + 1
        asking = same[min(turn, len(same) - 1)]
        self._last = asking
        # What the modem said by itself while it was recorded is said once; a question that is
        # asked more often than it was gets its last answer again without those.
        again = turn >= len(same)
        self._say(_answer_only(asking.pieces) if again else asking.pieces, now)

    def _say(self, pieces: Iterable[tuple[int, bytes]], now: int) -> None:
        at = max([now, *(queued for queued, _ in self._queue)])
        for wait, data in pieces:
            at += wait if self._paced else 0
            self._queue.append((at, data))

    def _depart(self, name: str, now: int) -> None:
        where = "at the start"
        if self._last is not None:
            where = f"after line {self._last.line} ({self._last.command})"
        text = f"{name} is not in the recording, asked {where}"
        self.departures.append(text)
        self._events.append(Event(now, "modem", "departure", text))
        echo = name.encode("latin-1") + b"\r" if self._echo else b""
        self._say(((0, echo + b"\r\nERROR\r\n"),), now)


def _answer_only(pieces: Sequence[tuple[int, bytes]]) -> tuple[tuple[int, bytes], ...]:
    """The pieces up to the final result; without one, all of them."""
    kept: list[tuple[int, bytes]] = []
    for piece in pieces:
        kept.append(piece)
        lines = piece[1].replace(b"\n", b"\r").split(b"\r")
        if any(line and classify(line).kind is AnswerKind.FINAL for line in lines):
            break
    return tuple(kept)
