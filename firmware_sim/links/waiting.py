"""Block until one of several links or listeners has something to say."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar


class Waitable(Protocol):
    """What links and listeners have in common."""

    def fileno(self) -> int | None:
        """The descriptor that becomes readable, or None."""
        ...


class _Outbox(Protocol):
    """A link whose bytes may wait for the carrier."""

    @property
    def waiting(self) -> bool: ...
    def flush(self) -> None: ...


class _Belled(Protocol):
    """A link without a descriptor: it rings when something arrives."""

    def ready(self) -> bool: ...
    def add_bell(self, bell: Callable[[], None]) -> None: ...
    def remove_bell(self, bell: Callable[[], None]) -> None: ...


W = TypeVar("W", bound=Waitable)


def wait(links: Sequence[W], timeout_s: float | None) -> list[W]:
    """Those of `links` whose `receive` or `accept` has something; [] after `timeout_s` seconds.

    While it waits, outboxes are emptied as their carriers take the bytes. `timeout_s` None
    waits for ever, 0 only looks.
    """
    until = None if timeout_s is None else time.monotonic() + timeout_s
    belled = [link for link in links if hasattr(link, "add_bell")]
    if not belled:
        return _poll(links, until, None)
    if len(belled) == len(links):
        return _listen_for_bells(links, until)
    inner, outer = os.pipe()
    os.set_blocking(outer, False)

    def ring() -> None:
        # A full pipe has rung already; a closed one has nobody to wake.
        try:
            os.write(outer, b"!")
        except OSError:
            return

    bells: list[_Belled] = belled  # type: ignore[assignment]  # checked by hasattr above
    for link in bells:
        link.add_bell(ring)
    try:
        return _poll(links, until, inner)
    finally:
        for link in bells:
            link.remove_bell(ring)
        os.close(inner)
        os.close(outer)


def _ready_now(link: object) -> bool:
    ready = getattr(link, "ready", None)
    return bool(ready is not None and ready())


def _listen_for_bells(links: Sequence[W], until: float | None) -> list[W]:
    event = threading.Event()
    bells: Sequence[_Belled] = links  # type: ignore[assignment]  # the caller checked them all
    for link in bells:
        link.add_bell(event.set)
    try:
        while True:
            event.clear()
            found = [link for link in links if _ready_now(link)]
            left = None if until is None else until - time.monotonic()
            if found or (left is not None and left <= 0):
                return found
            event.wait(left)
    finally:
        for link in bells:
            link.remove_bell(event.set)


def _poll(links: Sequence[W], until: float | None, bell: int | None) -> list[W]:
    poller = select.poll()
    by_descriptor: dict[int, W] = {}
    for link in links:
        descriptor = link.fileno()
        if descriptor is not None:
            by_descriptor[descriptor] = link
            poller.register(descriptor, select.POLLIN)
    if bell is not None:
        poller.register(bell, select.POLLIN)
    outboxes: dict[int, _Outbox] = {
        descriptor: link  # type: ignore[misc]  # hasattr says that it has one
        for descriptor, link in by_descriptor.items()
        if hasattr(link, "flush")
    }
    while True:
        found = {id(link) for link in links if _ready_now(link)}
        for descriptor, outbox in outboxes.items():
            wanted = select.POLLIN | (select.POLLOUT if outbox.waiting else 0)
            poller.modify(descriptor, wanted)
        if found:
            left_ms: float | None = 0
        elif until is None:
            left_ms = None
        else:
            left_ms = max(0.0, (until - time.monotonic()) * 1000)
        for descriptor, events in poller.poll(left_ms):
            if descriptor == bell:
                os.read(descriptor, 4096)
                continue
            if events & select.POLLOUT:
                outboxes[descriptor].flush()
            if events & ~select.POLLOUT:
                found.add(id(by_descriptor[descriptor]))
        found |= {id(link) for link in links if _ready_now(link)}
        if found or (until is not None and time.monotonic() >= until):
            return [link for link in links if id(link) in found]
