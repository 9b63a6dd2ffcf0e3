"""Which line of a TOML text a key stands on: `tomllib` tells values, not places."""

from __future__ import annotations

import re
import tomllib
from typing import Any

Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=(.*)$")
_PART = re.compile(r"\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+)")


def locate(text: str) -> dict[Path, int]:
    """Path of each table and key -> its line, counted from 1. The text must be valid TOML."""
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    rest: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if rest:
            rest.append(line)
            if _complete("\n".join(rest)):
                rest = []
            continue
        if header := _HEADER.match(line):
            table = _parts(header.group(2))
            if header.group(1) == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines[(*table, *_parts(key.group(1)))] = number
            value = f"value ={key.group(2)}"
            if not _complete(value):
                rest = [value]
    return lines


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of this path, or of the nearest table or key above it."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1


def _parts(dotted: str) -> Path:
    return tuple(next(group for group in found if group) for found in _PART.findall(dotted))


def _complete(text: str) -> bool:
    # A value that spans lines (an array, a long string) is whole once it parses.
    try:
        parsed: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return bool(parsed)
