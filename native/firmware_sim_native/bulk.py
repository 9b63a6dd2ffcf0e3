"""Lists of IMEIs: a verdict for each line, counts for each reason, at the speed of memory.

The work is done in C on the caller's own buffer: nothing is copied, the interpreter lock is
released, so that threads over parts of one buffer run side by side. The way to do it (AVX2,
NEON or portable) is chosen once; all ways give equal answers on every input.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias

from firmware_sim_native._core import ffi, lib

Buffer: TypeAlias = bytes | bytearray | memoryview
"""Or anything else with the buffer protocol: mmap, array, a numpy array."""
PATH_VARIABLE = "FIRMWARE_SIM_NATIVE_PATH"
"""Set this in the environment to force one of `paths()`."""


class LineVerdict(enum.IntEnum):
    """The verdict on one line or row; the number is that of `enum fsim_line_verdict`."""

    IMEI = 0
    """Accepted: 15 digits, check digit right."""
    LENGTH = 1
    """Refused: neither 14, 15 nor 16 characters."""
    NON_DIGIT = 2
    """Refused: a character other than ASCII 0 to 9."""
    CHECK_DIGIT = 3
    """Refused: the Luhn sum of 15 digits is no multiple of ten."""
    NULL = 4
    """Refused: TAC and serial number are all zeros."""
    BLANK = 5
    """Nothing on the line: neither accepted nor refused."""
    IMEI14 = 6
    """Accepted: 14 digits, an IMEI without its check digit."""
    IMEISV = 7
    """Accepted: 16 digits, a software version number instead of the check digit."""

    @property
    def accepted(self) -> bool:
        """Whether this is a good IMEI of one of the three lengths."""
        return self in ACCEPTED

    @property
    def refused(self) -> bool:
        """Whether this is one of the reasons."""
        return self in REFUSED


ACCEPTED = (LineVerdict.IMEI, LineVerdict.IMEI14, LineVerdict.IMEISV)
REFUSED = (
    LineVerdict.LENGTH,
    LineVerdict.NON_DIGIT,
    LineVerdict.CHECK_DIGIT,
    LineVerdict.NULL,
)


@dataclass(frozen=True, slots=True)
class BulkVerdicts:
    """The verdicts on a buffer: one byte a line (a number of LineVerdict), and how many of each."""

    verdicts: memoryview
    counts: Mapping[LineVerdict, int]

    @property
    def accepted(self) -> int:
        """Lines with a good IMEI of any length."""
        return sum(self.counts[verdict] for verdict in ACCEPTED)

    @property
    def refused(self) -> int:
        """Lines with something else on them."""
        return sum(self.counts[verdict] for verdict in REFUSED)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused line: number from 1, offset of its first byte and its length in bytes."""

    line: int
    offset: int
    length: int
    verdict: LineVerdict


def paths() -> tuple[str, ...]:
    """The ways that run on this processor, the fastest first: "avx2" or "neon", "portable"."""
    return tuple(_paths())


def path_named(name: str | None = None) -> Any:
    """The way to use: `name`, else the one forced by the environment, else the fastest.

    Raises:
        ValueError: no such way on this processor.
    """
    wanted = name or os.environ.get(PATH_VARIABLE) or next(iter(_paths()))
    try:
        return _paths()[wanted]
    except KeyError:
        have = ", ".join(_paths())
        raise ValueError(f"no path {wanted!r} on this processor; there are: {have}") from None


@cache
def _paths() -> dict[str, Any]:
    built = (lib.fsim_bulk_paths[i] for i in range(lib.fsim_bulk_path_count))
    return {ffi.string(path.name).decode("ascii"): path for path in built if path.runs_here()}


def judge(line: bytes) -> LineVerdict:
    """The verdict on one line of a list, line end removed."""
    return LineVerdict(lib.fsim_line_check(line, len(line)))


def validate_many(
    buffer: Buffer,
    *,
    form: Literal["rows", "lines"] = "rows",
    verdicts: bytearray | memoryview | None = None,
    path: str | None = None,
) -> BulkVerdicts:
    """Judge every IMEI in `buffer`, where it is.

    Args:
        buffer: with form "rows", rows of 16 bytes: the IMEI, filled up with NUL, space, CR or
            LF. With form "lines", text: lines end in LF or CRLF, the last may lack it.
        form: "rows" or "lines".
        verdicts: where to write one byte a line, if it should not be allocated here.
        path: one of `paths()` to force it.

    Raises:
        ValueError: a length that is no multiple of 16 for rows, `verdicts` too short for the
            lines, an unknown `form` or `path`.
    """
    chosen = path_named(path)
    data = ffi.from_buffer("uint8_t[]", buffer)
    if form == "rows":
        if len(data) % 16:
            raise ValueError(
                f"{len(data)} bytes are no whole number of 16-byte rows; text takes form='lines'"
            )
        room = len(data) // 16
    elif form == "lines":
        room = lib.fsim_count_lines(data, len(data))
    else:
        raise ValueError(f"form is rows or lines, not {form!r}")
    view = memoryview(bytearray(room) if verdicts is None else verdicts)
    if len(view) < room:
        raise ValueError(f"{room} lines need as many bytes for their verdicts, not {len(view)}")
    out = ffi.from_buffer("uint8_t[]", view, require_writable=True)
    if form == "rows":
        counts = ffi.new("uint64_t[8]")
        lib.fsim_bulk_rows(chosen, data, room, out, counts)
    else:
        state = ffi.new("struct fsim_lines *", {"verdicts": out, "verdict_room": max(room, 1)})
        lib.fsim_bulk_lines(chosen, data, len(data), 1, state)
        counts = state.counts
    return BulkVerdicts(view[:room], {verdict: counts[verdict] for verdict in LineVerdict})


class Stream:
    """Judges a text that comes in parts, in constant memory: at most one part is held.

    `refusal_room` is how many refused lines one `refusals` batch may hold; 0 for none.
    `duplicates` keeps a set of the first 14 digits of every accepted IMEI: 8 bytes a slot,
    at most three quarters of the slots used.
    """

    def __init__(
        self, *, refusal_room: int = 0, duplicates: bool = False, path: str | None = None
    ) -> None:
        """Begin at line 1, offset 0."""
        self._path = path_named(path)
        self._state = ffi.new("struct fsim_lines *")
        self._refusals = ffi.new("struct fsim_refusal[]", max(refusal_room, 1))
        self._state.refusals = self._refusals
        self._state.refusal_room = refusal_room
        self._seen = Seen() if duplicates else None
        self._verdicts = ffi.new("uint8_t[]", VERDICT_ROOM if duplicates else 1)
        if duplicates:
            self._state.verdicts = self._verdicts
            self._state.verdict_room = VERDICT_ROOM

    def feed(self, buffer: Buffer, length: int, *, last: bool) -> int:
        """Judge the lines of the first `length` bytes; give how many bytes are used up.

        Stops early when the refusals are full (take them, feed the rest) and before a line
        that is not complete, unless `last`.
        """
        data = ffi.from_buffer("uint8_t[]", buffer)
        at = 0
        while at < length:
            self._state.verdict_count = 0
            used: int = lib.fsim_bulk_lines(self._path, data + at, length - at, last, self._state)
            if self._seen is not None:
                self._seen.note(data + at, used, self._verdicts, self._state.verdict_count)
            at += used
            if used == 0 or self._state.refusal_count == self._state.refusal_room > 0:
                break
        if last and at == length and self._state.skipped:
            lib.fsim_bulk_lines(self._path, data, 0, 1, self._state)
        return at

    def refusals(self) -> Iterator[Refusal]:
        """Take the refused lines found since the last time."""
        count, self._state.refusal_count = self._state.refusal_count, 0
        for i in range(count):
            row = self._refusals[i]
            yield Refusal(row.line, row.offset, row.length, LineVerdict(row.verdict))

    @property
    def lines(self) -> int:
        """Lines judged so far."""
        return int(self._state.lines)

    @property
    def counts(self) -> Mapping[LineVerdict, int]:
        """How many lines got each verdict so far."""
        return {verdict: int(self._state.counts[verdict]) for verdict in LineVerdict}

    @property
    def bodies(self) -> Mapping[str, int]:
        """Accepted lines by reporting body: the first two digits, those that occur."""
        counts = self._state.bodies
        return {f"{body:02}": int(counts[body]) for body in range(100) if counts[body]}

    @property
    def duplicates(self) -> int:
        """Accepted lines whose first 14 digits came before."""
        return self._seen.duplicates if self._seen else 0

    @property
    def seen_bytes(self) -> int:
        """The memory that the set of known IMEIs takes."""
        return self._seen.slot_count * 8 if self._seen else 0


VERDICT_ROOM = 1 << 16


class Seen:
    """A set of IMEIs by their first 14 digits; it doubles before it is three quarters full."""

    def __init__(self) -> None:
        """Begin empty."""
        self.slot_count = 1 << 18
        self.duplicates = 0
        self._fresh = 0
        self._slots = ffi.new("uint64_t[]", self.slot_count)
        self._again = ffi.new("uint8_t[]", VERDICT_ROOM)

    def note(self, text: Any, length: int, verdicts: Any, count: int) -> None:
        """Take in the accepted ones among `count` lines that were judged."""
        while (self._fresh + count) * 4 > self.slot_count * 3:
            larger = ffi.new("uint64_t[]", self.slot_count * 2)
            lib.fsim_seen_grow(self._slots, self.slot_count, larger, self.slot_count * 2)
            self._slots, self.slot_count = larger, self.slot_count * 2
        fresh = lib.fsim_seen_lines(
            self._slots, self.slot_count, text, length, verdicts, count, self._again
        )
        self._fresh += fresh
        accepted = sum(
            map(bytes(ffi.buffer(verdicts, count)).count, [bytes([v]) for v in ACCEPTED])
        )
        self.duplicates += accepted - fresh
