"""Two ends in one process; also between threads."""

from __future__ import annotations

import threading
from collections.abc import Callable

from firmware_sim.links.link import LinkClosed, LinkError
from firmware_sim.links.queued import OUTBOX_LIMIT


class MemoryLink:
    """One end of `pair()`. Bytes sent on the other end are there at once."""

    def __init__(self, name: str, part: str, lock: threading.Lock) -> None:
        self._name = name
        self._part = part
        self._lock = lock
        self._inbox = bytearray()
        self._bells: list[Callable[[], None]] = []
        self._other: MemoryLink | None = None
        self._closed = False

    @property
    def name(self) -> str:
        """`memory:a` or `memory:b`, unless the pair was named."""
        return self._name

    def send(self, data: bytes) -> None:
        """Put bytes into the other end. Raises: LinkClosed, LinkError (nobody reads)."""
        with self._lock:
            other = self._other
            if self._closed or other is None:
                raise LinkClosed(self._part, f"{self._name}: closed")
            if other._closed:
                raise LinkClosed(self._part, f"{self._name}: the other side closed")
            if len(other._inbox) + len(data) > OUTBOX_LIMIT:
                raise LinkError(
                    self._part, f"{self._name}: the other side does not read what it is sent"
                )
            other._inbox += data
            bells = list(other._bells)
        for bell in bells:
            bell()

    def receive(self) -> bytes:
        """Bytes that have arrived, or b"". Raises: LinkClosed."""
        with self._lock:
            if self._closed:
                raise LinkClosed(self._part, f"{self._name}: closed")
            if self._inbox:
                data = bytes(self._inbox)
                self._inbox.clear()
                return data
            if self._other is None or self._other._closed:
                raise LinkClosed(self._part, f"{self._name}: the other side closed")
            return b""

    def ready(self) -> bool:
        """True when `receive` gives bytes or raises."""
        gone = self._closed or self._other is None or self._other._closed
        return gone or bool(self._inbox)

    def add_bell(self, bell: Callable[[], None]) -> None:
        """Call `bell` (from any thread) whenever something arrives."""
        with self._lock:
            self._bells.append(bell)

    def remove_bell(self, bell: Callable[[], None]) -> None:
        """Stop calling `bell`."""
        with self._lock:
            self._bells.remove(bell)

    def fileno(self) -> int | None:
        """None: there is no descriptor to watch; `wait` uses a bell."""
        return None

    def close(self) -> None:
        """Close this end; the other reads what is left and then sees the end."""
        with self._lock:
            self._closed = True
            bells = list(self._bells)
            if self._other is not None:
                bells += self._other._bells
        for bell in bells:
            bell()


def pair(name: str = "memory", part: str = "link") -> tuple[MemoryLink, MemoryLink]:
    """Two joined ends."""
    lock = threading.Lock()
    a, b = MemoryLink(f"{name}:a", part, lock), MemoryLink(f"{name}:b", part, lock)
    a._other, b._other = b, a
    return a, b
