"""One command and its answer, told apart from everything else that a modem says.

The laws of this file:
- One command is on its way at a time; the next waits for its end, or for its deadline.
- Where the modem echoes, an answer begins with the echo of its command. What comes before it
  (a late or doubled answer to an earlier command, unsolicited codes, noise) is not the answer.
- Where it does not echo, the line must have been quiet for a moment before we ask.
- A line with another command's prefix is never the answer.
Source: ITU-T V.250, 5.2.3 (echo), 5.4.2 (one command at a time), 5.7 (results).
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from firmware_sim.modem.at import Answer, AnswerKind, AnswerLexer, Result

QUIET_MS = 10
"""No byte for this long before a command goes to a modem that does not echo."""
SETTLE_LIMIT_MS = 1_000
"""A modem that is never quiet is asked all the same."""
AFTER_OK_MS = 300
"""How long an answer may come after its OK."""
NO_FINAL_MS = 1_500
"""After an answer without a final result, silence of this length ends it."""
NO_ECHO_MS = 300
"""How long an echo may come after a final result that was not the command's own."""

_UNSOLICITED = re.compile(r"[+^*#$%&_!][A-Za-z0-9_ ]{1,24}(:|$)")
_BANNERS = frozenset(
    (
        "RDY",
        "PB DONE",
        "SMS DONE",
        "SMS READY",
        "CALL READY",
        "RING",
        "NO CARRIER",
        "NORMAL POWER DOWN",
        "POWERED DOWN",
        "START",
        "OPL DONE",
        "PNN DONE",
        "EONS DONE",
        "APP RDY",
    )
)
# What ends the answer to a command that is no call. CONNECT, BUSY, NO CARRIER belong to calls
# and are met unsolicited.
_FINALS = frozenset(
    (
        Result.OK,
        Result.ERROR,
        Result.CME_ERROR,
        Result.CMS_ERROR,
        Result.NOT_SUPPORTED,
        Result.NOT_AVAILABLE,
        Result.MODEM_ERROR,
    )
)


class Ending(enum.Enum):
    """How an exchange ended."""

    OK = "ok"
    REFUSED = "refused"
    """ERROR in any of its forms."""
    UNFINISHED = "unfinished"
    """An answer without a final result, then silence."""
    SILENT = "silent"
    """Nothing that could be the answer before the deadline."""
    UNCLEAR = "unclear"
    """A final result without the echo that should stand before it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A command to send: its text without CR, the prefix of its answer, its deadline.

    `bare`: the answer may come without the prefix. `informs`: OK alone is not enough.
    `secret`: the text is not to be shown.
    """

    command: str
    prefix: str = ""
    within_ms: int = 5_000
    bare: bool = False
    informs: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of an exchange: its lines, without prefix, and the reason of a refusal."""

    asked: Asked
    ending: Ending
    lines: tuple[str, ...] = ()
    code: int | None = None
    reason: str = ""
    echoed: bool = False

    @property
    def answered(self) -> bool:
        """Whether `lines` can be believed."""
        return self.ending in (Ending.OK, Ending.UNFINISHED)


class Exchange:
    """The machine under the dialogue."""

    def __init__(self) -> None:
        self._lexer = AnswerLexer()
        self.echoes: bool | None = None
        """Whether the modem gives commands back; None until it was asked once."""
        self._asked: Asked | None = None
        self._began = 0
        self._heard: int | None = None
        self._earliest = 0
        self._sent = False
        self._echo_seen = False
        self._lines: list[str] = []
        self._ok_at: int | None = None
        self._stray_at: int | None = None
        self._outgoing = bytearray()
        self._finished: Finished | None = None

    @property
    def busy(self) -> bool:
        """True from `ask` until the end was taken."""
        return self._asked is not None or self._finished is not None

    def forget(self) -> None:
        """The link is new: nothing is known of the other side."""
        self._lexer = AnswerLexer()
        self.echoes, self._asked, self._finished, self._heard = None, None, None, None
        self._outgoing.clear()

    def ask(self, asked: Asked, now: int) -> None:
        """Send a command, at once or when the line is quiet."""
        self._asked, self._began = asked, now
        self._sent, self._echo_seen = False, False
        self._ok_at, self._stray_at = None, None
        self._lines = []
        quiet = 0 if self.echoes else QUIET_MS
        heard = now - quiet if self._heard is None else self._heard
        self._earliest = max(now, min(heard + quiet, now + SETTLE_LIMIT_MS))
        self.tick(now)

    def outgoing(self) -> bytes:
        """Bytes to send now; taken."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def finished(self) -> Finished | None:
        """The end of the exchange, once."""
        done, self._finished = self._finished, None
        return done

    def receive(self, data: bytes, now: int) -> list[tuple[Answer, bool]]:
        """Bytes of the modem; returns its lines, and whether each is part of an answer."""
        self._heard = now
        if self._asked is not None and not self._sent and not self.echoes:
            self._earliest = min(now + QUIET_MS, self._began + SETTLE_LIMIT_MS)
        return [(answer, self._take(answer, now)) for answer in self._lexer.feed(data)]

    def tick(self, now: int) -> None:
        """Time passed."""
        asked = self._asked
        if asked is None:
            return
        if not self._sent:
            if now < self._earliest:
                return
            self._sent, self._began = True, now
            self._outgoing += asked.command.encode("ascii") + b"\r"
        if self._ok_at is not None and now >= self._ok_at + AFTER_OK_MS:
            self._end(Ending.OK)
        elif self._stray_at is not None and now >= self._stray_at + NO_ECHO_MS:
            self._end(Ending.UNCLEAR)
        elif self._lines and now >= max(self._heard or 0, self._began) + NO_FINAL_MS:
            self._end(Ending.UNFINISHED)
        elif now >= self._began + asked.within_ms:
            self._end(Ending.UNFINISHED if self._lines else Ending.SILENT)

    def wake_at(self) -> int | None:
        """When `tick` has something to do."""
        asked = self._asked
        if asked is None:
            return None
        if not self._sent:
            return self._earliest
        times = [self._began + asked.within_ms]
        if self._ok_at is not None:
            times.append(self._ok_at + AFTER_OK_MS)
        elif self._stray_at is not None:
            times.append(self._stray_at + NO_ECHO_MS)
        elif self._lines:
            times.append(max(self._heard or 0, self._began) + NO_FINAL_MS)
        return min(times)

    def _take(self, answer: Answer, now: int) -> bool:
        asked = self._asked
        if asked is None or not self._sent:
            return False
        if _is_echo(answer.text, asked.command):
            self._echo_seen, self.echoes = True, True
            self._lines, self._stray_at = [], None
            return True
        if self.echoes and not self._echo_seen:
            if answer.kind is AnswerKind.FINAL and answer.result in _FINALS:
                self._stray_at = now
            return False
        if answer.kind is AnswerKind.FINAL and answer.result in _FINALS:
            self._final(asked, answer, now)
            return True
        return self._information(asked, answer)

    def _final(self, asked: Asked, answer: Answer, now: int) -> None:
        if answer.result is Result.OK:
            if asked.informs and not self._lines:
                self._ok_at = now if self._ok_at is None else self._ok_at
                return
            self._end(Ending.OK)
            return
        self._end(Ending.REFUSED, answer.code, answer.reason or answer.text)

    def _information(self, asked: Asked, answer: Answer) -> bool:
        line = answer.after(asked.prefix) if asked.prefix else None
        if line is None and asked.bare and not _is_unsolicited(answer.text):
            line = answer.text
        if line is None:
            return False
        self._lines.append(line)
        if self._ok_at is not None:
            self._end(Ending.OK)
        return True

    def _end(self, ending: Ending, code: int | None = None, reason: str = "") -> None:
        asked = self._asked
        assert asked is not None
        lines = tuple(self._lines)
        self._finished = Finished(asked, ending, lines, code, reason, self._echo_seen)
        self._asked = None


def _is_echo(text: str, command: str) -> bool:
    """The command itself, with noise before it at most: no letter or digit touches it."""
    if not text.upper().endswith(command.upper()):
        return False
    before = text[: -len(command)][-1:]
    return not (before.isascii() and before.isalnum())


def _is_unsolicited(text: str) -> bool:
    return bool(_UNSOLICITED.match(text)) or text.upper() in _BANNERS
