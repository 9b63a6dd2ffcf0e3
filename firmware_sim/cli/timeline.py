"""The timeline in the terminal: one line an event, who spoke at the left, what at the right."""

from __future__ import annotations

import sys
from typing import TextIO

from firmware_sim.events import Event

_COLOURS = {
    "modem": "36",
    "handset": "33",
    "server": "35",
    "flash": "34",
    "screen": "32",
    "link": "90",
}
_ARROWS = {True: "->", False: "<-", None: "  "}


class Timeline:
    """Writes events as they come; `colour` None means: if the stream is a terminal."""

    def __init__(self, stream: TextIO | None = None, colour: bool | None = None) -> None:
        self._stream = stream if stream is not None else sys.stdout
        self._colour = self._stream.isatty() if colour is None else colour

    def __call__(self, event: Event) -> None:
        """Write one event; a bare OK of the modem says nothing that its answer has not said."""
        if event.kind == "at" and event.text == "OK":
            return
        self._stream.write(self.line(event) + "\n")

    def line(self, event: Event) -> str:
        """The line of one event: seconds since power-on, part, direction, text."""
        part = f"{event.part:<8}"
        if self._colour:
            part = f"\x1b[{_COLOURS.get(event.part, '0')}m{part}\x1b[0m"
        text = printable(event.text)
        return f"{event.at / 1000:9.3f} s  {part} {_ARROWS[event.sent]} {text}"


def printable(text: str) -> str:
    """Text from a modem or a server, safe on a terminal: control characters are escaped."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
