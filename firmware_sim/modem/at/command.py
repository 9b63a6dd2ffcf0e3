"""Command lines as a modem reads them: from bytes to a line, from a line to commands.

The lexer works byte by byte, so how the stream was cut cannot matter. Before the prefix
everything is noise (LF, ESC, NUL, half a line of an earlier program) and is dropped; after it
control characters are dropped, backspace edits, CR ends the line.
Source: ITU-T V.250, 5.2 (line), 5.3 (basic syntax), 5.4 (extended syntax).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from firmware_sim.modem.at.fields import Field, split

CR, LF, BS = 0x0D, 0x0A, 0x08
LINE_LIMIT = 2048
"""Most bytes a line may have; V.250 5.2.2 asks for 40 at least. A longer line is an error."""

EXTENDED = "+^$#%*!_@"
"""First letters of extended names: `+` is the standards' (V.250, 5.4.1), the others makers'."""


class Form(enum.Enum):
    """The four ways to write a command. Source: ITU-T V.250, 5.4.3 and 5.4.4."""

    EXECUTE = ""
    READ = "?"
    TEST = "=?"
    SET = "="


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a line: upper-case name, form, the text after `=`, for D and L the rest."""

    name: str
    form: Form
    text: str = ""

    @property
    def fields(self) -> tuple[Field, ...]:
        """The parameters of the SET form."""
        return split(self.text)

    def __str__(self) -> str:
        if self.form is Form.EXECUTE:
            return self.name + self.text
        return f"{self.name}{self.form.value}{self.text}"


@dataclass(frozen=True, slots=True)
class Repeat:
    """`A/`: carry out the last line again. Source: ITU-T V.250, 5.2.4."""


@dataclass(frozen=True, slots=True)
class Line:
    """A complete line, the prefix and CR taken off; `overlong` when it passed LINE_LIMIT."""

    body: str
    overlong: bool = False


class CommandLexer:
    """Bytes in, one event per byte out: what to echo, and a line when one is complete."""

    def __init__(self) -> None:
        self._prefix = b""
        self._body: bytearray | None = None

    def feed(self, byte: int) -> tuple[bytes, Line | Repeat | None]:
        """Take one byte (0-255); return what an echoing modem gives back, and a line or None."""
        if self._body is None:
            return self._seek(byte)
        if byte == CR:
            body = bytes(self._body)
            self._body = None
            return b"\r", Line(body.decode("latin-1"), overlong=len(body) > LINE_LIMIT)
        if byte == BS:
            if self._body:
                self._body.pop()
                return b"\b", None
            return b"", None
        if byte < 0x20 or byte == 0x7F:
            return b"", None
        if len(self._body) <= LINE_LIMIT:
            self._body.append(byte)
        return bytes([byte]), None

    def _seek(self, byte: int) -> tuple[bytes, Line | Repeat | None]:
        if self._prefix and byte in b"Tt":
            echo, self._prefix, self._body = self._prefix + bytes([byte]), b"", bytearray()
            return echo, None
        if self._prefix and byte == ord("/"):
            echo, self._prefix = self._prefix + b"/", b""
            return echo, Repeat()
        self._prefix = bytes([byte]) if byte in b"Aa" else b""
        return b"", None


def parse_line(body: str) -> tuple[Command, ...] | None:
    """The commands of a line's body; None when it is not in the language at all.

    `E0+CMEE=1;+CREG?` is three commands: extended ones end with `;`, basic ones need nothing.
    """
    commands: list[Command] = []
    at = 0
    while at < len(body):
        letter = body[at].upper()
        if letter in " ;":
            at += 1
            continue
        if letter in EXTENDED:
            command, at = _extended(body, at)
        elif letter == "S" and body[at + 1 : at + 2].isdigit():
            command, at = _register(body, at)
        elif letter in "DL" and (letter == "D" or body[at + 1 : at + 2] not in "0123"):
            # Dialling takes the rest of the line, `;` (a voice call) included. V.250, 6.3.1.
            command, at = Command("D", Form.EXECUTE, body[at + 1 :]), len(body)
        elif letter == "&" or letter.isalpha():
            command, at = _basic(body, at)
        else:
            return None
        if command is None:
            return None
        commands.append(command)
    return tuple(commands)


def _digits(body: str, at: int) -> int:
    while at < len(body) and body[at] in "0123456789 ":
        at += 1
    return at


def _basic(body: str, at: int) -> tuple[Command | None, int]:
    width = 2 if body[at] == "&" else 1
    name = body[at : at + width].upper()
    if len(name) < width or not name[-1].isalpha():
        return None, at
    end = _digits(body, at + width)
    return Command(name, Form.EXECUTE, body[at + width : end].replace(" ", "")), end


def _register(body: str, at: int) -> tuple[Command | None, int]:
    end = _digits(body, at + 1)
    name = "S" + body[at + 1 : end].replace(" ", "")
    if body[end : end + 1] == "?":
        return Command(name, Form.READ), end + 1
    if body[end : end + 1] == "=":
        last = _digits(body, end + 1)
        return Command(name, Form.SET, body[end + 1 : last].strip()), last
    return None, at


def _extended(body: str, at: int) -> tuple[Command | None, int]:
    end, inside = at, False
    while end < len(body) and (inside or body[end] != ";"):
        inside ^= body[end] == '"'
        end += 1
    text = body[at:end].strip()
    stop = next((index for index, letter in enumerate(text) if letter in "=?"), len(text))
    name, rest = text[:stop].replace(" ", "").upper(), text[stop:]
    if len(name) < 2 or not all(letter.isalnum() or letter in "_-./:" for letter in name[1:]):
        return None, at
    tail = rest.replace(" ", "")
    if tail in ("", "?", "=?"):
        return Command(name, Form(tail)), end
    if rest.startswith("="):
        return Command(name, Form.SET, rest[1:].strip()), end
    return None, at
