"""What every link promises, whatever carries its bytes; one contract test holds them all to it.

1. `send` never blocks: what the carrier does not take now waits in an outbox of limited size,
   and goes out with later calls of `send`, `receive`, or inside `wait`.
2. `receive` never blocks: b"" means "nothing now". When the other side is gone it first gives
   every byte that still arrived, then raises `LinkClosed`, and goes on raising it.
3. `close` may be called twice. It gives the outbox a short chance to leave.
4. No carrier's own exception comes through: only `LinkError` and `LinkClosed`.
"""

from __future__ import annotations

from typing import Protocol

from firmware_sim.errors import SimError


class LinkError(SimError):
    """A link could not be opened, or cannot go on."""


class LinkClosed(LinkError):
    """The other side is gone (or we closed the link ourselves)."""


class Link(Protocol):
    """A two-way stream of bytes."""

    @property
    def name(self) -> str:
        """What a person calls it: the URL or path it was opened with."""
        ...

    def send(self, data: bytes) -> None:
        """Send, or keep for later. Raises: LinkClosed, LinkError (the outbox is full)."""
        ...

    def receive(self) -> bytes:
        """Bytes that have arrived, or b"". Raises: LinkClosed."""
        ...

    def fileno(self) -> int | None:
        """The descriptor that becomes readable, or None when there is none to watch."""
        ...

    def close(self) -> None:
        """Let go of it; the other side sees the end."""
        ...


class Listener(Protocol):
    """A place where others can call."""

    @property
    def address(self) -> str:
        """The URL that reaches it, with the port that the system chose."""
        ...

    def accept(self) -> Link | None:
        """The next caller, or None when nobody is waiting."""
        ...

    def fileno(self) -> int | None:
        """The descriptor that becomes readable when somebody calls."""
        ...

    def close(self) -> None:
        """Stop listening; links already accepted live on."""
        ...
