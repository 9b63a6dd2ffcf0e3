"""Time, as a value that is handed in: the system's, or one that a test moves by hand."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic milliseconds; only differences mean anything."""

    def now(self) -> int:
        """Milliseconds since some fixed instant; never falls."""
        ...


class MonotonicClock:
    """The system's monotonic clock, counted from the making of this object."""

    def __init__(self) -> None:
        self._start = time.monotonic_ns()

    def now(self) -> int:
        """Milliseconds since this clock was made."""
        return (time.monotonic_ns() - self._start) // 1_000_000


class ManualClock:
    """A clock that stands still until told to move."""

    def __init__(self, start: int = 0) -> None:
        self._now = start

    def now(self) -> int:
        """Milliseconds; as set."""
        return self._now

    def advance(self, milliseconds: int) -> int:
        """Move forward and return the new time. Raises: ValueError (backwards)."""
        if milliseconds < 0:
            raise ValueError(f"a monotonic clock does not go back ({milliseconds} ms)")
        self._now += milliseconds
        return self._now


def unix_seconds() -> int:
    """The wall clock: whole seconds since 1970-01-01 UTC. It may jump; never use it to wait."""
    return int(time.time())


def unix_milliseconds() -> int:
    """The wall clock in milliseconds since 1970, rounded down; what `unix_seconds` says of it."""
    return time.time_ns() // 1_000_000
