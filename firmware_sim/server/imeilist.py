"""A list of IMEIs in a file, up to the size of a national register, without reading it in.

One number a line: 15 digits (an IMEI) or 8 (a TAC), `#` begins a comment. A file of 15-digit
lines in rising order, nothing else, is searched where it lies (16 octets a line); any other
file is held in memory.

Source: 3GPP TS 22.016, 5 (registers of equipment identities).
"""

from __future__ import annotations

import hashlib
import mmap
import re
from functools import cached_property
from pathlib import Path

LINE = 16
MAX_IN_MEMORY = 64 * 1024 * 1024
CHUNK = 1 << 20
_NUMBER = re.compile(rb"[0-9]{8}|[0-9]{15}")
_SAMPLES = 1024


class ImeiFile:
    """Answers `number in file`; numbers are strings of digits.

    Raises:
        OSError: the file cannot be read.
        ValueError: a line is no IMEI and no TAC; the text names the line.
    """

    def __init__(self, path: Path) -> None:
        self._map: mmap.mmap | None = None
        self._few: frozenset[bytes] = frozenset()
        self._count = 0
        size = path.stat().st_size
        if size and size % LINE == 0:
            with path.open("rb") as file:
                octets = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if self._sorted_lines(octets):
                self._map, self._count = octets, size // LINE
                return
            octets.close()
        if size > MAX_IN_MEMORY:
            raise ValueError("too big to be held in memory: sort it, 15 digits a line")
        self._few = frozenset(_read_lines(path.read_bytes()))
        self._count = len(self._few)

    @staticmethod
    def _sorted_lines(octets: mmap.mmap) -> bool:
        # Every line would cost a minute for a national register; an even sample finds a file
        # that is not in this form at all. A search in a file that lies fails closed: not found
        # on a black list only if the order is broken right there, and `policy lint` reads all.
        count = len(octets) // LINE
        step = max(1, count // _SAMPLES)
        last = b""
        for index in range(0, count, step):
            line = octets[index * LINE : index * LINE + LINE]
            if line[15:] != b"\n" or not line[:15].isdigit() or line <= last:
                return False
            last = line
        return True

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of what is listed: a policy whose list changes is another policy."""
        whole = hashlib.sha256()
        if self._map is not None:
            for start in range(0, len(self._map), CHUNK):
                whole.update(self._map[start : start + CHUNK])
        else:
            for number in sorted(self._few):
                whole.update(number + b"\n")
        return whole.digest()

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, str):
            return False
        wanted = number.encode("ascii", "replace")
        if self._map is None:
            return wanted in self._few
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            line = self._map[middle * LINE : middle * LINE + 15]
            if line == wanted:
                return True
            if line < wanted:
                low = middle + 1
            else:
                high = middle
        return False

    def disorder(self) -> int | None:
        """The first line (counted from 1) that breaks the order of a searched file, or None."""
        last = b""
        for index in range(self._count if self._map is not None else 0):
            assert self._map is not None
            line = self._map[index * LINE : index * LINE + LINE]
            if line[15:] != b"\n" or not line[:15].isdigit() or line <= last:
                return index + 1
            last = line
        return None


def _read_lines(octets: bytes) -> list[bytes]:
    numbers = []
    for number, line in enumerate(octets.splitlines(), 1):
        digits = line.split(b"#", 1)[0].strip()
        if not digits:
            continue
        if not _NUMBER.fullmatch(digits):
            raise ValueError(f"line {number} is no IMEI of 15 and no TAC of 8 digits")
        numbers.append(digits)
    return numbers
