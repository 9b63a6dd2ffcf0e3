"""A link to a modem with the override bridge before it: what is read from it is overridden."""

from __future__ import annotations

from firmware_sim.events import Event
from firmware_sim.links import Link
from firmware_sim.links.clock import Clock, MonotonicClock
from firmware_sim.links.wrapping import WrappedLink
from firmware_sim.modem.override_bridge import OverrideBridge


class OverrideLink(WrappedLink):
    """Everything of the inner link, with the bridge between."""

    def __init__(self, inner: Link, bridge: OverrideBridge, clock: Clock | None = None) -> None:
        super().__init__(inner)
        self.bridge = bridge
        self._clock = clock if clock is not None else MonotonicClock()
        self._told = b""

    @property
    def name(self) -> str:
        """The inner link's, and that it is overridden."""
        return f"{self._inner.name} (overridden: {self.bridge.overrides.banner})"

    def send(self, data: bytes) -> None:
        """Through the bridge to the modem. Raises: LinkClosed, LinkError."""
        self.bridge.from_program(data, self._clock.now())
        if passed := self.bridge.to_modem():
            self._inner.send(passed)
        self._told += self.bridge.to_program()

    def receive(self) -> bytes:
        """From the modem through the bridge. Raises: LinkClosed."""
        if data := self._inner.receive():
            self.bridge.from_modem(data, self._clock.now())
        told = self._told + self.bridge.to_program()
        self._told = b""
        return told

    def ready(self) -> bool:
        """Whether the bridge itself has an answer, or the inner link is ready by itself."""
        return bool(self._told) or super().ready()

    def events(self) -> list[Event]:
        """What passed and what was overridden; taken."""
        return self.bridge.events()
