"""Ends of byte channels, as the pump sees them: a link to the world, or a machine in memory."""

from __future__ import annotations

from typing import Protocol

from firmware_sim.events import Event
from firmware_sim.links.link import Link
from firmware_sim.server.issuer import Issuer
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.framing import Framing


class Machine(Protocol):
    """The verbs of every machine; `now` is monotonic milliseconds."""

    def receive(self, data: bytes, now: int) -> None: ...

    def tick(self, now: int) -> None: ...

    def outgoing(self) -> bytes: ...

    def events(self) -> list[Event]: ...

    def wake_at(self) -> int | None: ...


class Port(Protocol):
    """One end of a byte channel. `receive` gives b"" when there is nothing now.

    `link` is what the pump waits on; None for a peer in memory, which never makes it wait.
    """

    link: Link | None

    def send(self, data: bytes, now: int) -> None: ...

    def receive(self, now: int) -> bytes: ...

    def events(self) -> list[Event]: ...

    def wake_at(self) -> int | None: ...

    def close(self) -> None: ...


class LinkPort:
    """A link to another process or to hardware."""

    def __init__(self, link: Link) -> None:
        self.link: Link | None = link
        self._link = link

    def send(self, data: bytes, now: int) -> None:
        self._link.send(data)

    def receive(self, now: int) -> bytes:
        return self._link.receive()

    def events(self) -> list[Event]:
        return []

    def wake_at(self) -> int | None:
        return None

    def close(self) -> None:
        self._link.close()


class MachinePort:
    """A peer machine in this process, such as the virtual modem."""

    def __init__(self, machine: Machine) -> None:
        self.link: Link | None = None
        self.machine = machine

    def send(self, data: bytes, now: int) -> None:
        self.machine.receive(data, now)

    def receive(self, now: int) -> bytes:
        due = self.machine.wake_at()
        if due is not None and due <= now:
            self.machine.tick(now)
        return self.machine.outgoing()

    def events(self) -> list[Event]:
        return self.machine.events()

    def wake_at(self) -> int | None:
        return self.machine.wake_at()

    def close(self) -> None:
        """A machine in memory has nothing to close."""


class IssuerPort:
    """The embedded server at the other end of a connection.

    `epoch_s` is the server's wall clock, seconds since 1970, at the pump's instant 0.
    """

    def __init__(self, issuer: Issuer, framing: Framing, epoch_s: int) -> None:
        self.link: Link | None = None
        self._issuer = issuer
        self._framing = framing
        self._epoch_s = epoch_s
        self._out = bytearray()

    def send(self, data: bytes, now: int) -> None:
        for item in self._framing.feed(data, now):
            if isinstance(item, Refusal):
                continue  # the phone's own framer made this; nothing to answer
            for answer in self._issuer.answer(item, self._epoch_s + now // 1000, now):
                self._out += self._framing.wrap(answer)

    def receive(self, now: int) -> bytes:
        data = bytes(self._out)
        self._out.clear()
        return data

    def events(self) -> list[Event]:
        return self._issuer.events()

    def wake_at(self) -> int | None:
        return None

    def close(self) -> None:
        self._out.clear()
