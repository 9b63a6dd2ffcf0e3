"""A link around another: what a subclass does not change goes to the inner link."""

from __future__ import annotations

from typing import Any

from firmware_sim.links.link import Link

_WAITING = frozenset(("add_bell", "remove_bell", "flush", "waiting"))
"""What `wait` asks for; the wrapper has exactly what the inner link has."""


class WrappedLink:
    """Base of links that look at, or change, what passes."""

    def __init__(self, inner: Link) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        if name in _WAITING:
            return getattr(self._inner, name)
        raise AttributeError(name)

    @property
    def name(self) -> str:
        """The inner link's."""
        return self._inner.name

    def send(self, data: bytes) -> None:
        """To the inner link. Raises: LinkClosed, LinkError."""
        self._inner.send(data)

    def receive(self) -> bytes:
        """From the inner link. Raises: LinkClosed."""
        return self._inner.receive()

    def ready(self) -> bool:
        """As the inner link."""
        inner = getattr(self._inner, "ready", None)
        return bool(inner is not None and inner())

    def fileno(self) -> int | None:
        """The inner link's descriptor."""
        return self._inner.fileno()

    def close(self) -> None:
        """Close the inner link."""
        self._inner.close()
