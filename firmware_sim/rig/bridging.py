"""The override bridge between a real modem and programs that open a port of ours."""

from __future__ import annotations

from collections.abc import Callable

from firmware_sim.events import Event
from firmware_sim.links import Link, LinkClosed, LinkError, Listener, wait
from firmware_sim.links.clock import Clock
from firmware_sim.links.reattach import Patience, Reattachment
from firmware_sim.rig.modem_port import Opener

IDLE_S = 1.0
LAB_PATIENCE = Patience(total_ms=600_000)
"""Ten minutes: somebody has to walk to the rack and put the cable back."""


class Bridge:
    """One modem, one exposed port; a caller at a time. `tell` is given every event."""

    def __init__(
        self,
        opener: Opener,
        listener: Listener,
        tell: Callable[[Event], None],
        patience: Patience = LAB_PATIENCE,
    ) -> None:
        self._opener = opener
        self._listener = listener
        self._tell = tell
        self._patience = patience
        self._modem: Link = opener()
        self._program: Link | None = None
        self._lost: Reattachment | None = None

    def step(self, clock: Clock, idle_s: float = IDLE_S) -> None:
        """Wait for something, `idle_s` at most, and carry it across.

        Raises: LinkError (the modem is gone, and did not come back).
        """
        ends: list[Link | Listener] = [self._listener if self._program is None else self._program]
        if self._lost is None:
            ends.append(self._modem)
        seconds = idle_s
        if self._lost is not None:
            seconds = max(0.0, min(idle_s, (self._lost.wake_at() - clock.now()) / 1000))
        wait(ends, seconds)
        now = clock.now()
        if self._lost is not None:
            self._look_after(self._lost, now)
        if self._program is None:
            self._program = self._listener.accept()
        self._carry(now)
        for event in getattr(self._modem, "events", list)():
            self._tell(event)

    def close(self) -> None:
        """Close all three."""
        self._modem.close()
        if self._program is not None:
            self._program.close()
        self._listener.close()

    def _carry(self, now: int) -> None:
        if self._program is not None:
            try:
                asked = self._program.receive()
            except LinkClosed:
                self._program.close()
                self._program = None
                asked = b""
            if asked and self._lost is None:
                self._to_modem(asked, now)
        if self._lost is not None:
            return
        try:
            told = self._modem.receive()
        except LinkClosed as closed:
            self._lose(closed, now)
            return
        if told and self._program is not None:
            try:
                self._program.send(told)
            except LinkError:
                self._program.close()
                self._program = None

    def _to_modem(self, asked: bytes, now: int) -> None:
        try:
            self._modem.send(asked)
        except LinkClosed as closed:
            self._lose(closed, now)

    def _lose(self, closed: LinkClosed, now: int) -> None:
        self._modem.close()
        self._lost = Reattachment(self._opener, self._patience, closed.text, now)
        self._tell(Event(now, "link", "state", f"{closed.text}; waiting for it to come back"))

    def _look_after(self, lost: Reattachment, now: int) -> None:
        link = lost.attempt(now)
        if link is not None:
            self._modem, self._lost = link, None
            self._tell(Event(now, "link", "state", f"{link.name}: it is back"))
        elif lost.expired(now):
            raise LinkError("modem", lost.cause)
