"""A modem that the rig reads: the link to it, the dialogue over it, and its return when lost.

One pump drives a port: wait on `links()` until `wake_at()`, then call `step(now)`.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from firmware_sim.errors import SimError
from firmware_sim.events import Event
from firmware_sim.links import Link, LinkClosed, LinkError, SerialSettings, open_link, wait
from firmware_sim.links.clock import Clock, MonotonicClock
from firmware_sim.links.reattach import DEFAULT_PATIENCE, Patience, Reattachment
from firmware_sim.links.settings import DEFAULT_SERIAL
from firmware_sim.modem.dialogue import ModemDialogue
from firmware_sim.modem.override import Overrides
from firmware_sim.modem.override_bridge import OverrideBridge
from firmware_sim.modem.phase import DEFAULT_OPTIONS, DialogueOptions, Phase
from firmware_sim.rig.override_link import OverrideLink
from firmware_sim.rig.replaying import ReplayLink

Opener = Callable[[], Link]


def opener_of(
    url: str, serial: SerialSettings = DEFAULT_SERIAL, overrides: Overrides | None = None
) -> Opener:
    """How to open a modem, now and whenever it comes back.

    A USB modem is remembered by its identity the first time, because its port's name may
    change. `replay:FILE` plays a recording. With `overrides` the modem is read once, and the
    link that is given tells them instead of the truth. Raises (when called): LinkError,
    UsageError, SimError (a modem that cannot be read cannot be overridden).
    """
    known: list[str] = []

    def opened() -> Link:
        if url.startswith("replay:"):
            return ReplayLink.load(url.removeprefix("replay:"))
        if not known:
            known.append(_stable(url))
        return open_link(known[0], part="modem", serial=serial)

    if overrides is None:
        return opened
    return lambda: overridden(opened, overrides)


def overridden(opened: Opener, overrides: Overrides) -> OverrideLink:
    """Read the modem, then put the override bridge before its link."""
    port = ModemPort(opened)
    read_until_done(port, MonotonicClock())
    link, reading = port.link, port.dialogue.reading
    if link is None or reading is None:
        port.close()
        raise SimError("modem", port.dialogue.failure or "no reading")
    return OverrideLink(link, OverrideBridge(overrides, reading))


def _stable(url: str) -> str:
    """The USB identity behind a device path, when it has one with which it can be found."""
    if not url.startswith("/dev/"):
        return url
    from firmware_sim.links import ports

    real = os.path.realpath(url)
    for port in ports.serial_ports():
        if port.usb is not None and port.device == real:
            try:
                ports.find(port.usb, ports.serial_ports())
            except LinkError:
                return url  # two alike: only the path tells them apart
            return f"usb:{port.usb}"
    return url


class ModemPort:
    """See the module. `opener` gives a fresh link each time it is called."""

    def __init__(
        self,
        opener: Opener,
        options: DialogueOptions = DEFAULT_OPTIONS,
        patience: Patience = DEFAULT_PATIENCE,
    ) -> None:
        self.dialogue = ModemDialogue(options)
        self._opener = opener
        self._patience = patience
        self._link: Link | None = None
        self._lost: Reattachment | None = None
        self._events: list[Event] = []

    @property
    def link(self) -> Link | None:
        """The link, while there is one."""
        return self._link

    def open(self, now: int) -> None:
        """Open the link and start the dialogue. Raises: LinkError, UsageError."""
        self._link = self._opener()
        self.dialogue.start(now)
        self.step(now)

    def links(self) -> list[Link]:
        """What to wait on."""
        return [] if self._link is None else [self._link]

    def wake_at(self) -> int | None:
        """When `step` has something to do without bytes."""
        if self._lost is not None:
            return self._lost.wake_at()
        return self.dialogue.wake_at()

    def step(self, now: int) -> None:
        """Carry bytes both ways, let time pass, and look after a lost link."""
        if self._lost is not None:
            self._look_after(self._lost, now)
        if self._link is None:
            return
        try:
            while data := self._link.receive():
                self.dialogue.receive(data, now)
            self.dialogue.tick(now)
            if asked := self.dialogue.outgoing():
                self._link.send(asked)
        except LinkClosed as closed:
            self._link.close()
            self._link = None
            if self.dialogue.phase is not Phase.FAILED:
                self._lost = Reattachment(self._opener, self._patience, closed.text, now)
                self._tell(now, f"{closed.text}; waiting for it to come back")

    def events(self) -> list[Event]:
        """What the link and the dialogue noticed; taken."""
        taken = self._events + self.dialogue.events()
        if isinstance(self._link, ReplayLink | OverrideLink):
            taken += self._link.events()
        self._events = []
        return sorted(taken, key=lambda event: event.at)

    def close(self) -> None:
        """Let go of the link."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _look_after(self, lost: Reattachment, now: int) -> None:
        link = lost.attempt(now)
        if link is not None:
            self._link, self._lost = link, None
            self._tell(now, f"{link.name}: it is back")
            self.dialogue.start(now)
        elif lost.expired(now):
            self._lost = None
            self.dialogue.link_lost(lost.cause, now)

    def _tell(self, now: int, text: str) -> None:
        self._events.append(Event(now, "link", "state", text))


def read_until_done(
    port: ModemPort, clock: Clock, tell: Callable[[Event], None] = lambda _: None
) -> None:
    """Drive a port from `open` to its first reading or its failure. Raises: LinkError."""
    port.open(clock.now())
    drive(port, clock, tell)


def drive(port: ModemPort, clock: Clock, tell: Callable[[Event], None] = lambda _: None) -> None:
    """Drive an open port until its dialogue rests: nothing more to ask, or failed."""
    while port.dialogue.failure is None and port.dialogue.phase is not Phase.WATCHING:
        for event in port.events():
            tell(event)
        wake = port.wake_at()
        seconds = None if wake is None else max(0, wake - clock.now()) / 1000
        wait(port.links(), seconds)
        port.step(clock.now())
    for event in port.events():
        tell(event)
