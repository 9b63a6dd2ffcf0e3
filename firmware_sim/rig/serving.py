"""An issuer served over real links: many listeners, many callers, and none of them can end it.

One thread, one loop. A caller costs at most one unfinished frame, a bounded outbox and a place
among the connections; when places run out, the caller that has been silent longest and has
shown nothing useful goes. TCP, TLS and Unix sockets speak the length framing, terminals and
serial ports the stuffed one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from firmware_sim.errors import SimError
from firmware_sim.events import Event
from firmware_sim.links.clock import Clock, MonotonicClock, unix_milliseconds
from firmware_sim.links.link import Link, LinkClosed, Listener
from firmware_sim.links.opening import listen, open_link
from firmware_sim.links.waiting import wait
from firmware_sim.server.issuer import Issuer
from firmware_sim.server.session import Session
from firmware_sim_protocol.framing import SerialFraming, TcpFraming

MAX_CONNECTIONS = 256
ACCEPTED_AT_ONCE = 64
LOOK_S = 0.25
"""The longest wait: a stop or reload that was asked for is noticed within it."""
_SOCKETS = ("tcp", "tls", "unix")


@dataclass(eq=False)
class _Caller:
    link: Link
    session: Session
    lasting: bool = False

    def fileno(self) -> int | None:
        return self.link.fileno()


@dataclass
class Places:
    """Where a server listens: sockets and terminals that others open, ports that it opens."""

    listeners: list[Listener] = field(default_factory=list)
    ports: list[Link] = field(default_factory=list)

    @property
    def addresses(self) -> list[str]:
        """What reaches each."""
        return [place.address for place in self.listeners] + [port.name for port in self.ports]

    def close(self) -> None:
        """Let go of all."""
        for listener in self.listeners:
            listener.close()
        for port in self.ports:
            port.close()


def open_places(urls: Sequence[str]) -> Places:
    """Open each: `tcp://`, `tls://`, `unix:`, `pty:PATH` (made), or a serial port.

    Raises:
        SimError: part "server"; one cannot be opened, and then none stays open.
    """
    places = Places()
    try:
        for url in urls:
            if url.split(":", 1)[0].lower() in (*_SOCKETS, "pty"):
                places.listeners.append(listen(url, part="server"))
            else:
                places.ports.append(open_link(url, part="server"))
    except BaseException:
        places.close()
        raise
    return places


class Serving:
    """Serves one issuer until told to stop."""

    def __init__(
        self,
        issuer: Issuer,
        places: Places,
        observe: Callable[[Event], None],
        *,
        clock: Clock | None = None,
        wall_ms: Callable[[], int] = unix_milliseconds,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._issuer = issuer
        self._places = places
        self._observe = observe
        self._clock = clock or MonotonicClock()
        self._wall_ms = wall_ms
        self._most = max_connections
        self._callers: list[_Caller] = []
        for port in places.ports:
            self._welcome(port, stuffed=True)

    @property
    def connections(self) -> int:
        """Callers at this moment."""
        return len(self._callers)

    def run(self, stopped: Callable[[], bool]) -> None:
        """Serve until `stopped`; it is asked at least every LOOK_S seconds."""
        while not stopped():
            self.step(LOOK_S)

    def step(self, longest_s: float) -> None:
        """Wait for something to happen, at most so long, and deal with it."""
        watched: list[Listener | Link] = [*self._places.listeners]
        watched += [caller.link for caller in self._callers]
        ready = {id(item) for item in wait(watched, self._patience(longest_s))}
        for listener in self._places.listeners:
            if id(listener) in ready:
                self._accept(listener)
        now = self._clock.now()
        for caller in list(self._callers):
            if id(caller.link) in ready:
                self._hear(caller, now)
            due = caller.session.wake_at()
            if due is not None and due <= now:
                caller.session.tick(now)
                self._speak(caller)
        self._report()

    def close(self) -> None:
        """Hang up on everybody."""
        for caller in list(self._callers):
            self._part_with(caller)
        self._places.close()
        self._report()

    def _patience(self, longest_s: float) -> float:
        now = self._clock.now()
        dues = [due for caller in self._callers if (due := caller.session.wake_at()) is not None]
        if not dues:
            return longest_s
        return max(0.0, min(longest_s, (min(dues) - now) / 1000))

    def _accept(self, listener: Listener) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                link = listener.accept()
            except SimError as error:
                # Out of descriptors, most likely: the next callers wait, the present ones go on.
                self._complain(str(error))
                self._make_room(len(self._callers) - 1)
                return
            if link is None:
                return
            self._make_room(self._most - 1)
            self._welcome(link, stuffed=listener.address.startswith("pty:"))

    def _welcome(self, link: Link, *, stuffed: bool) -> None:
        framing = SerialFraming() if stuffed else TcpFraming()
        now = self._clock.now()
        session = Session(self._issuer, framing, self._wall_ms() - now, now, lasting=stuffed)
        self._callers.append(_Caller(link, session, stuffed))

    def _make_room(self, most: int) -> None:
        leaving = [caller for caller in self._callers if not caller.lasting]
        leaving.sort(key=lambda caller: (caller.session.useful, caller.session.heard))
        excess = len(self._callers) - max(0, most)
        for caller in leaving[: max(0, excess)]:
            self._part_with(caller)

    def _hear(self, caller: _Caller, now: int) -> None:
        try:
            data = caller.link.receive()
            if data:
                caller.session.set_clock(self._wall_ms() - now)
                caller.session.receive(data, now)
        except LinkClosed as end:
            if caller.lasting:
                self._complain(str(end))
            self._part_with(caller)
            return
        except SimError as error:
            # The store failed, or the port did: this caller gets no answer, the others go on.
            self._complain(str(error))
            self._part_with(caller)
            return
        self._speak(caller)

    def _speak(self, caller: _Caller) -> None:
        data = caller.session.outgoing()
        try:
            if data:
                caller.link.send(data)
        except SimError:
            self._part_with(caller)  # gone, or it does not read what it is sent
            return
        if caller.session.closing:
            self._part_with(caller)

    def _part_with(self, caller: _Caller) -> None:
        if caller in self._callers:
            self._callers.remove(caller)
            caller.link.close()

    def _complain(self, text: str) -> None:
        self._observe(Event(at=self._clock.now(), part="server", kind="refusal", text=text))

    def _report(self) -> None:
        for event in self._issuer.events():
            self._observe(event)
