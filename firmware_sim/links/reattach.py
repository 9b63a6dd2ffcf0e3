"""Opening a link again after the cable was pulled, the modem restarted, or a server fell over.

A pure machine: it says when to try, is told how it went, and gives up after its patience.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from firmware_sim.errors import SimError
from firmware_sim.links.link import Link


@dataclass(frozen=True, slots=True)
class Patience:
    """In milliseconds: how long to try, and the first and the longest pause between tries."""

    total_ms: int = 10_000
    first_ms: int = 50
    most_ms: int = 1_000


DEFAULT_PATIENCE = Patience()


class Reattachment:
    """From the loss of a link to its return, or to the end of our patience."""

    def __init__(
        self, reopen: Callable[[], Link], patience: Patience, cause: str, now: int
    ) -> None:
        self._reopen = reopen
        self._patience = patience
        self._cause = cause
        self._until = now + patience.total_ms
        self._pause = patience.first_ms
        self._next = now + self._pause
        self._last = ""

    @property
    def cause(self) -> str:
        """Why the link was lost, and why it did not come back."""
        return f"{self._cause}; it did not come back: {self._last}" if self._last else self._cause

    def wake_at(self) -> int:
        """When the next try is due."""
        return self._next

    def expired(self, now: int) -> bool:
        """Whether our patience has ended."""
        return now >= self._until

    def attempt(self, now: int) -> Link | None:
        """Try when it is due; the link, or None."""
        if now < self._next or self.expired(now):
            return None
        try:
            return self._reopen()
        except SimError as failure:
            self._last = failure.text
        self._next = min(now + self._pause, self._until)
        self._pause = min(self._pause * 2, self._patience.most_ms)
        return None
