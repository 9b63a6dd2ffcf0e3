"""Marked sections of a document: what stands between two marks is written by a program."""

from __future__ import annotations

import re

_MARK = re.compile(
    r"(?P<open><!-- made: (?P<name>[a-z0-9-]+) -->\n)(?P<body>.*?)(?P<close><!-- /made -->)",
    re.DOTALL,
)


class MarkTrouble(Exception):
    """A mark names no section, or a section has no mark."""


def filled(text: str, sections: dict[str, str]) -> str:
    """The document with every marked section written anew.

    Raises:
        MarkTrouble: marks and sections do not match.
    """
    marks = [found["name"] for found in _MARK.finditer(text)]
    for name in marks:
        if name not in sections:
            raise MarkTrouble(f"nothing is made for the mark {name}")
    for name in sections:
        if name not in marks:
            raise MarkTrouble(f"no mark for the section {name}")
    return _MARK.sub(lambda m: f"{m['open']}{sections[m['name']].strip()}\n{m['close']}", text)


def table(heads: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |")
    return "\n".join(lines) + "\n"
