"""The scene as text in a frame, for a terminal.

Right-to-left text is written in logical order, as every terminal expects it, and stands at
the right edge.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from firmware_sim.screen.catalog import code
from firmware_sim.screen.text import words
from firmware_sim.screen.tree import Direction, Node, Role, Scene

LEAST_COLUMNS, MOST_COLUMNS = 30, 60
_PADLOCK = (" ╭───╮ ", " │   │ ", "┏┷━━━┷┓", "┃  ●  ┃", "┗━━━━━┛")
_BOLD, _DIM, _REVERSE, _RED, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[7m", "\x1b[31m", "\x1b[0m"


def render(scene: Scene, columns: int = 46, color: bool = False) -> str:
    """Lines that end in a newline, each at most `columns` wide (30 to 60)."""
    columns = max(LEAST_COLUMNS, min(MOST_COLUMNS, columns))
    painter = _Painter(columns - 4, scene.direction is Direction.RTL, color)
    rows: list[str] = []
    before: Role | None = None
    for node in scene.walk():
        if node.role is Role.BUTTON and before is not Role.BUTTON and rows and rows[-1].strip():
            rows.append(painter.blank())
        rows += painter.rows(node)
        before = node.role
    rows += painter.rest()
    while rows and not rows[-1].strip():
        rows.pop()
    bar = "─" * (columns - 2)
    lines = [f"╭{bar}╮", *(f"│ {row} │" for row in rows), f"╰{bar}╯"]
    return "\n".join(lines) + "\n"


def width_of(text: str) -> int:
    """Terminal cells: two for wide letters, none for marks. Source: UAX #11."""
    return sum(
        0
        if unicodedata.combining(c) or unicodedata.category(c) in ("Cf", "Mn", "Me")
        else 2
        if unicodedata.east_asian_width(c) in "WF"
        else 1
        for c in text
    )


class _Painter:
    """Turns nodes into rows of one width."""

    def __init__(self, width: int, rtl: bool, color: bool) -> None:
        self.width, self.rtl, self.color = width, rtl, color
        self._name = ""
        """What the next value is, still to be written."""

    def rows(self, node: Node) -> Iterator[str]:
        """The rows of one node, without those of its children."""
        name, self._name = self._name, ""
        if name and node.role is Role.TEXT and node.resource_id and self._fits(name, node.text):
            yield self._pair(name, node.text)
            return
        if name:
            yield from self._paragraph(name, _DIM)
        if node.role is Role.TEXT and not node.resource_id:
            self._name = node.text
        elif node.role is Role.STATUS:
            yield self._row(node.text or " ", _DIM, "end")
            yield self.blank()
        elif node.role is Role.BANNER:
            yield from self._paragraph(node.text, _REVERSE)
            yield self.blank()
        elif node.role is Role.IMAGE and node.resource_id == "icon.padlock":
            yield from (self._row(part, _BOLD, "center") for part in _PADLOCK)
            yield self.blank()
        elif node.role is Role.HEADING:
            yield from self._paragraph(node.text, _BOLD)
            yield self.blank()
        elif node.role is Role.TEXT:
            style = _RED if node.resource_id in ("problem", "refused") else ""
            step = node.resource_id.startswith("step.")
            yield from self._paragraph(self._step(node) if step else node.text, style)
            if not step:
                yield self.blank()
        elif node.role is Role.PROGRESS:
            yield self._bar(int(node.text.rstrip("%")) / 100)
        elif node.role is Role.BUTTON:
            yield from self._paragraph(f"[ {node.text} ]", _REVERSE if node.focused else _BOLD)
        elif node.role is Role.OPTION:
            mark = "(•)" if node.selected else "( )"
            yield from self._paragraph(f"{mark} {node.label}", _REVERSE if node.focused else "")
        elif node.role is Role.FIELD:
            shown = "•" * len(node.text) if node.secret else node.text
            yield from self._paragraph(f"[{code(shown) if self.rtl else shown}_]", "")
            yield self.blank()

    def _step(self, node: Node) -> str:
        if node.selected:
            return f"▸ {node.text}"
        return f"{'✓' if node.label != node.text else '·'} {node.text}"

    def _bar(self, share: float) -> str:
        done = round(share * self.width)
        bar, rest = "█" * done, "░" * (self.width - done)
        return rest + bar if self.rtl else bar + rest

    def _fits(self, name: str, value: str) -> bool:
        return width_of(name) + 2 + width_of(value) <= self.width and "\n" not in value

    def _pair(self, name: str, value: str) -> str:
        spare = " " * (self.width - width_of(name) - width_of(value))
        shown = f"{_DIM}{name}{_PLAIN}" if self.color else name
        return f"{value}{spare}{shown}" if self.rtl else f"{shown}{spare}{value}"

    def rest(self) -> Iterator[str]:
        """What was held back for a value that never came."""
        if self._name:
            yield from self._paragraph(self._name, _DIM)

    def blank(self) -> str:
        """An empty row."""
        return " " * self.width

    def _paragraph(self, text: str, style: str) -> Iterator[str]:
        for part in self._wrapped(text):
            yield self._row(part, style, "start")

    def _wrapped(self, text: str) -> Iterator[str]:
        for paragraph in text.split("\n"):
            row = ""
            for word in words(paragraph):
                if row and width_of(row + word.rstrip()) > self.width:
                    yield row.rstrip()
                    row = ""
                for letter in word:
                    if width_of((row + letter).rstrip()) > self.width:
                        yield row
                        row = ""
                    row += letter
            yield row.rstrip()

    def _row(self, text: str, style: str, align: str) -> str:
        spare = max(0, self.width - width_of(text))
        before = {"start": 0, "center": spare // 2, "end": spare}[align]
        if self.rtl and align != "center":
            before = spare - before
        painted = f"{style}{text}{_PLAIN}" if self.color and style else text
        return " " * before + painted + " " * (spare - before)
