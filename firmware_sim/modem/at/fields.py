"""Parameters: the comma-separated fields of a command or of an answer.

Makers leave out quotes, put spaces and commas inside quoted names, leave a stray bracket at
the end: splitting never raises, and whoever reads a field says what it must be.
Source: ITU-T V.250, 5.4.2; 3GPP TS 27.007, 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter: its text without quotes and outer spaces, and whether it was quoted."""

    text: str
    quoted: bool = False

    @property
    def number(self) -> int | None:
        """The decimal value, or None when the text is not made of ASCII digits alone."""
        return int(self.text) if self.text.isascii() and self.text.isdigit() else None


EMPTY = Field("")


def split(text: str) -> tuple[Field, ...]:
    """The fields of `1,"a,b",,C3`; an empty text has no fields, `,` has two empty ones."""
    if not text.strip():
        return ()
    fields: list[Field] = []
    start, inside = 0, False
    for index, letter in enumerate(text):
        if letter == '"':
            inside = not inside
        elif letter == "," and not inside:
            fields.append(_field(text[start:index]))
            start = index + 1
    fields.append(_field(text[start:]))
    return tuple(fields)


def _field(raw: str) -> Field:
    text = raw.strip()
    if text.startswith('"'):
        # A closing quote may be missing or be followed by a stray bracket: take what is between.
        end = text.rfind('"')
        return Field(text[1:end] if end > 0 else text[1:], quoted=True)
    return Field(text)


def groups(text: str) -> tuple[str, ...]:
    """The bracketed groups of `(2,"A","B","26201",7),(1,...),,(0-4)`, without the brackets.

    Brackets inside quotes do not count; a stray closing bracket is passed over; a group that
    never closes ends with the text.
    """
    found: list[str] = []
    depth, start, inside = 0, 0, False
    for index, letter in enumerate(text):
        if letter == '"':
            inside = not inside
        elif inside:
            continue
        elif letter == "(":
            if depth == 0:
                start = index + 1
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
            if depth == 0:
                found.append(text[start:index])
    if depth:
        found.append(text[start:])
    return tuple(found)
