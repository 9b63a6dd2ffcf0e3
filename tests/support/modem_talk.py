"""A dialogue and a modem, joined in simulated time: no links, no threads, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from firmware_sim.events import Event
from firmware_sim.modem.dialogue import ModemDialogue, Phase


class Modem(Protocol):
    """What answers: a virtual modem or a scripted one."""

    def receive(self, data: bytes, now: int) -> None: ...
    def tick(self, now: int) -> None: ...
    def outgoing(self) -> bytes: ...
    def wake_at(self) -> int | None: ...


Carry = Callable[[bytes, int], Iterable[tuple[int, bytes]]]
"""Bytes and the time they left -> pieces with the time they arrive."""


def at_once(data: bytes, now: int) -> Iterable[tuple[int, bytes]]:
    return [(now, data)]


@dataclass
class Talk:
    """Both machines and the line between them; `sent` is everything the bridge sent."""

    dialogue: ModemDialogue
    modem: Modem
    carry: Carry = at_once
    now: int = 0
    sent: bytes = b""
    events: list[Event] = field(default_factory=list)
    _on_the_way: list[tuple[int, int, bytes]] = field(default_factory=list)
    _count: int = 0

    def start(self) -> Talk:
        self.dialogue.start(self.now)
        return self

    def run(self, until: Callable[[], bool] | None = None, limit_ms: int = 300_000) -> Talk:
        """Go on until the dialogue rests (reading or failure), `until` holds, or time is up."""
        stop = self.now + limit_ms
        done = until or self.rests
        while not done():
            self._exchange(done)
            if done():
                break
            times = [self.dialogue.wake_at(), self.modem.wake_at()]
            times += [piece[0] for piece in self._on_the_way]
            known = [time for time in times if time is not None]
            if not known:
                break
            self.now = max(self.now, min(known))
            if self.now > stop:
                self.now = stop
                break
            self.modem.tick(self.now)
            self.dialogue.tick(self.now)
        self.events += self.dialogue.events()
        return self

    def run_for(self, milliseconds: int) -> Talk:
        end = self.now + milliseconds
        self.run(until=lambda: False, limit_ms=milliseconds)
        self.now = end
        return self

    def rests(self) -> bool:
        if self._on_the_way:
            return False
        return self.dialogue.phase in (Phase.WATCHING, Phase.FAILED)

    def commands(self) -> list[str]:
        text = self.sent.decode("ascii").replace("\x1b", "")
        return [command for command in text.split("\r") if command]

    def _exchange(self, done: Callable[[], bool]) -> None:
        moved = True
        while moved and not done():
            moved = False
            if asked := self.dialogue.outgoing():
                self.sent += asked
                self.modem.receive(asked, self.now)
                moved = True
            if answer := self.modem.outgoing():
                for at, piece in self.carry(answer, self.now):
                    # A serial line keeps the order of its bytes.
                    at = max([at, *(earlier[0] for earlier in self._on_the_way)])
                    self._on_the_way.append((at, self._count, piece))
                    self._count += 1
                moved = True
            while not done() and self._on_the_way and self._on_the_way[0][0] <= self.now:
                self.dialogue.receive(self._on_the_way.pop(0)[2], self.now)
                moved = True
