"""Virtual modems on real ports: any number in one process, with a control socket beside them.

A modem outlives the programs that use its port, as a real one does. What it does is the
machine's business; here bytes are carried, hang-ups carried out, and control lines answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from firmware_sim.errors import SimError, UsageError
from firmware_sim.events import Event
from firmware_sim.links import Link, LinkClosed, LinkError, Listener, listen, wait
from firmware_sim.links.clock import Clock, MonotonicClock
from firmware_sim.modem.virtual import Departure, VirtualModem
from firmware_sim.modem.virtual.described import described

_LINE_LIMIT = 65536
_ADVICE = (
    'a control line is one object: {"set": {"NAME": "VALUE"}}, {"move": "PLMN"} or {"state": true}'
)


@dataclass(slots=True)
class Port:
    """One modem where programs can reach it. `url`: what `links.listen` takes."""

    modem: VirtualModem
    url: str
    listener: Listener
    link: Link | None = None
    called: bool = False

    @property
    def address(self) -> str:
        """The URL that reaches it now."""
        return self.listener.address

    def is_due(self, now: int) -> bool:
        """Whether the modem has something to do although nobody sent anything."""
        due = self.modem.wake_at()
        return due is not None and due <= now

    def take_in(self, now: int) -> None:
        """Accept a caller, or read what the caller sent."""
        if self.link is None:
            self.link = self.listener.accept()
            if self.link is not None and self.called:
                self.modem.reattach(now)  # what was meant for the last caller is not for this one
            self.called = self.called or self.link is not None
            return
        try:
            data = self.link.receive()
        except LinkClosed:
            self._drop()
            return
        if data:
            self.modem.receive(data, now)

    def give_out(self, now: int) -> None:
        """Send what is due; leave the link when the modem does."""
        if self.link is None:
            return  # nobody listens: bytes wait, and are dropped when somebody calls
        data = self.modem.outgoing()
        if data:
            try:
                self.link.send(data)
            except LinkError:
                self._drop()
                return
        if self.modem.departure is not None:
            self._leave(self.modem.departure, now)

    def close(self) -> None:
        """Take the port away."""
        self._drop()
        self.listener.close()

    def _drop(self) -> None:
        if self.link is not None:
            self.link.close()
            self.link = None

    def _leave(self, departure: Departure, now: int) -> None:
        self._drop()
        if self.url.startswith("pty:"):
            # A terminal cannot be hung up and kept: the modem comes back on a new one.
            self.listener.close()
            if departure is Departure.RE_ENUMERATED:
                self.url = next_number(self.url)
            self.listener = listen(self.url, part="modem")
        self.modem.reattach(now)


def next_number(url: str) -> str:
    """The name a device gets when it comes back: ttyUSB2 becomes ttyUSB3, a bare name gets 1."""
    found = re.search(r"\d+$", url)
    if found is None:
        return f"{url}1"
    return url[: found.start()] + str(int(found.group()) + 1)


@dataclass(slots=True)
class _Caller:
    link: Link
    unread: bytearray = field(default_factory=bytearray)


class ModemHost:
    """Serves modems until `stop`. One thread; everything happens in `step`."""

    def __init__(
        self,
        modems: Iterable[tuple[VirtualModem, str]],
        control: str | None = None,
        clock: Clock | None = None,
        on_event: Callable[[int, Event], None] | None = None,
    ) -> None:
        """`modems`: each with its URL; `control`: a URL to listen on for control lines.

        Raises: LinkError: a port cannot be made; those already made are taken away again.
        """
        self._clock = clock or MonotonicClock()
        self._on_event = on_event
        self._callers: list[_Caller] = []
        self._control: Listener | None = None
        self._stopped = False
        self.ports: list[Port] = []
        try:
            for modem, url in modems:
                self.ports.append(Port(modem, url, listen(url, part="modem")))
            if control is not None:
                self.open_control(control)
        except SimError:
            self.close()
            raise

    @property
    def control(self) -> str | None:
        """The URL of the control socket."""
        return self._control.address if self._control is not None else None

    def open_control(self, url: str) -> None:
        """Listen there for control lines. Raises: LinkError: it cannot be made."""
        self._control = listen(url, part="modem")

    def run(self) -> None:
        """Serve until `stop` is called (from a signal handler or a control line)."""
        while not self._stopped:
            self.step(None)

    def stop(self) -> None:
        """Let `run` return after what it does now."""
        self._stopped = True

    def step(self, timeout_s: float | None) -> None:
        """Wait for something to happen, at most `timeout_s`, and carry it out."""
        ready = wait(self._waitables(), self._until(timeout_s))
        chosen = {id(one) for one in ready}
        now = self._clock.now()
        for index, port in enumerate(self.ports):
            if id(port.link or port.listener) in chosen:
                port.take_in(now)
            elif not port.is_due(now):
                continue
            port.modem.tick(now)
            port.give_out(now)
            self._tell(index, port)
        if self._control is not None and id(self._control) in chosen:
            caller = self._control.accept()
            if caller is not None:
                self._callers.append(_Caller(caller))
        for caller_ in [c for c in self._callers if id(c.link) in chosen]:
            self._listen_to(caller_, now)

    def close(self) -> None:
        """Take all ports away."""
        for caller in self._callers:
            caller.link.close()
        for port in self.ports:
            port.close()
        if self._control is not None:
            self._control.close()
        self._callers, self.ports, self._control = [], [], None

    def _waitables(self) -> list[Link | Listener]:
        found: list[Link | Listener] = [port.link or port.listener for port in self.ports]
        found += [caller.link for caller in self._callers]
        if self._control is not None:
            found.append(self._control)
        return found

    def _until(self, timeout_s: float | None) -> float | None:
        times = [port.modem.wake_at() for port in self.ports if port.link is not None]
        due = [time for time in times if time is not None]
        if not due:
            return timeout_s
        left = max(0, min(due) - self._clock.now()) / 1000
        return left if timeout_s is None else min(left, timeout_s)

    def _tell(self, index: int, port: Port) -> None:
        for event in port.modem.events():
            if self._on_event is not None:
                self._on_event(index, event)

    # Control: one JSON object a line in, one out.

    def _listen_to(self, caller: _Caller, now: int) -> None:
        try:
            caller.unread += caller.link.receive()
            while (end := caller.unread.find(b"\n")) >= 0:
                line = bytes(caller.unread[:end])
                del caller.unread[: end + 1]
                answer = self._obey(line, now)
                caller.link.send(json.dumps(answer).encode() + b"\n")
            if len(caller.unread) > _LINE_LIMIT:
                raise LinkError("modem", "a control line without an end")
        except LinkError:
            caller.link.close()
            self._callers.remove(caller)

    def _obey(self, line: bytes, now: int) -> dict[str, object]:
        try:
            return {"ok": True, **self._carry_out(line, now)}
        except SimError as refusal:
            return {"ok": False, "error": refusal.text}

    def _carry_out(self, line: bytes, now: int) -> dict[str, object]:
        try:
            wish = json.loads(line)
        except ValueError:
            raise UsageError("modem", _ADVICE) from None
        if not isinstance(wish, dict) or set(wish) - {"modem", "set", "move", "state", "stop"}:
            raise UsageError("modem", _ADVICE)
        index = wish.get("modem", 0)
        if not isinstance(index, int) or not 0 <= index < len(self.ports):
            raise UsageError("modem", f"no modem {index!r}; there are {len(self.ports)}")
        port = self.ports[index]
        port.modem.tick(now)
        changes = wish.get("set", {})
        if not isinstance(changes, dict):
            raise UsageError("modem", _ADVICE)
        for name, value in changes.items():
            port.modem.set(name, str(value), now)
        if "move" in wish:
            serving = wish["move"]
            port.modem.move(None if serving is None else str(serving), now)
        port.give_out(now)
        self._tell(index, port)
        if wish.get("stop"):
            self.stop()
        if wish.get("state"):
            return {"state": described(port.modem), "address": port.address}
        return {}


def numbered(urls: Sequence[str], count: int) -> list[str]:
    """`count` ports for each URL: a pty or socket gets a number behind, TCP the next ports.

    A TCP port of 0 stays 0: the system chooses each.
    """
    if count == 1:
        return list(urls)
    found: list[str] = []
    for url in urls:
        host, _, port = url.rpartition(":")
        if url.startswith("tcp:") and port.isdigit():
            first = int(port)
            found += [f"{host}:{first + step if first else 0}" for step in range(count)]
        else:
            found += [f"{url}{step}" for step in range(count)]
    return found
