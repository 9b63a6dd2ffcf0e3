"""Answers as a program reads them: from bytes to lines, each said to be final or not.

Modems end lines with CRLF, CR or LF, put NULs and binary noise between them, and send names
in no known encoding: nothing here raises, and every byte is kept in `raw`.
Source: ITU-T V.250, 5.7.1.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from firmware_sim.modem.at.results import NUMERIC, Result, cme_number

LINE_LIMIT = 4096
"""Longest line that is kept whole; noise without line ends is cut there and passed on."""


class AnswerKind(enum.Enum):
    """What a line of a modem is, as far as the line alone tells."""

    INFORMATION = "information"
    """Text: an answer, an unsolicited code, an echo or noise. The dialogue decides."""
    FINAL = "final"
    """Ends the answer to a command."""
    PROMPT = "prompt"
    """`> `: the modem waits for text."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One line: bytes as they came without line end, text, kind; for a final its result.

    `code` is the <err> of CME, CMS and MODEM ERROR as a number when it is known, `reason` its
    text as sent.
    """

    raw: bytes
    text: str
    kind: AnswerKind = AnswerKind.INFORMATION
    result: Result | None = None
    code: int | None = None
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether this line is the final OK."""
        return self.result is Result.OK

    def after(self, prefix: str) -> str | None:
        """The text behind `prefix` (such as "+CREG") and its colon; None when it is another's.

        Case, spaces before the colon and a missing space after it do not matter.
        """
        head, colon, rest = self.text.partition(":")
        if colon and head.strip().upper() == prefix.upper():
            return rest.strip()
        return None


_PLAIN = {
    result.value: result
    for result in (
        Result.OK,
        Result.ERROR,
        Result.CONNECT,
        Result.NO_CARRIER,
        Result.NO_DIALTONE,
        Result.BUSY,
        Result.NO_ANSWER,
        Result.NOT_SUPPORTED,
        Result.NOT_AVAILABLE,
    )
} | {"NO DIAL TONE": Result.NO_DIALTONE, "COMMAND NOT SUPPORTED": Result.NOT_SUPPORTED}
_WITH_CODE = (Result.CME_ERROR, Result.CMS_ERROR, Result.MODEM_ERROR)
_BY_NUMBER = {str(number): result for result, number in NUMERIC.items()}


class AnswerLexer:
    """Bytes in, answers out. Empty lines and NULs vanish; a line is given once it has ended.

    `numeric=True` reads a line of one digit as a V0 result code. In verbose mode such a line
    is information, because `0` is also a legal answer.
    """

    def __init__(self, *, numeric: bool = False) -> None:
        self.numeric = numeric
        self._line = bytearray()

    @property
    def pending(self) -> bytes:
        """The bytes of a line that has not ended yet."""
        return bytes(self._line)

    def feed(self, data: bytes) -> list[Answer]:
        """Take bytes, cut anywhere; return the lines they complete."""
        answers: list[Answer] = []
        for byte in data:
            if byte in (0x0D, 0x0A):
                self._end(answers)
            elif byte != 0:
                self._line.append(byte)
                if len(self._line) >= LINE_LIMIT:
                    self._end(answers)
                elif bytes(self._line) == b"> ":
                    self._line.clear()
                    answers.append(Answer(b"> ", "> ", AnswerKind.PROMPT))
        return answers

    def flush(self) -> list[Answer]:
        """Give up the unfinished line as it is: for a deadline, or a link that closed."""
        answers: list[Answer] = []
        self._end(answers)
        return answers

    def _end(self, answers: list[Answer]) -> None:
        raw = bytes(self._line)
        self._line.clear()
        if raw.strip():
            answers.append(classify(raw, numeric=self.numeric))


def classify(raw: bytes, *, numeric: bool = False) -> Answer:
    """One line without its end, as an answer."""
    text = decode(raw).strip()
    word = text.upper()
    if numeric and text in _BY_NUMBER:
        return Answer(raw, text, AnswerKind.FINAL, _BY_NUMBER[text])
    if word in _PLAIN:
        return Answer(raw, text, AnswerKind.FINAL, _PLAIN[word])
    if word.startswith("CONNECT "):
        return Answer(raw, text, AnswerKind.FINAL, Result.CONNECT, reason=text[8:].strip())
    for result in _WITH_CODE:
        head, colon, rest = text.partition(":")
        if colon and head.strip().upper() == result.value:
            reason = rest.strip()
            return Answer(raw, text, AnswerKind.FINAL, result, cme_number(reason), reason)
    return Answer(raw, text)


def decode(raw: bytes) -> str:
    """UTF-8 when it is, otherwise Latin-1, which takes any byte."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
