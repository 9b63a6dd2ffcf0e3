"""The next answer, tampered with: a middleman between the phone and its embedded server."""

from __future__ import annotations

from collections.abc import Callable

from firmware_sim.attacks.attack import Attack
from firmware_sim.attacks.catalogue import attack_named, attacks
from firmware_sim.attacks.proxy import LiveWorld, Middleman
from firmware_sim.errors import UsageError
from firmware_sim.events import Event
from firmware_sim.links.link import Link
from firmware_sim.rig.ports import Port
from firmware_sim.server.keys import ServerKeys
from firmware_sim_protocol.framing import TcpFraming


def tampering() -> list[dict[str, str]]:
    """The attacks of the catalogue that can be put on a live answer."""
    return [
        {"id": attack.id, "sent": attack.sent, "rule": attack.rule.id}
        for attack in attacks()
        if attack.live is not None
    ]


class TamperedPort:
    """A connection to the server with a middleman on it; it is in force for one answer."""

    def __init__(
        self,
        server: Port,
        attack_id: str,
        keys: ServerKeys,
        epoch_s: int,
        note: Callable[[Event], None],
    ) -> None:
        self.link: Link | None = None
        self._server = server
        self._epoch_s = epoch_s
        self._note = note
        self._later: list[tuple[int, bytes]] = []
        self._middle = Middleman(
            LiveWorld.of(0, keys), TcpFraming(), TcpFraming(), [check_live(attack_id)]
        )

    def send(self, data: bytes, now: int) -> None:
        """Octets of the phone."""
        for out in self._middle.from_device(data, now):
            self._server.send(out.octets, now)
        self._tell(now)

    def receive(self, now: int) -> bytes:
        """Octets for the phone that are due."""
        data = self._server.receive(now)
        if data:
            for out in self._middle.from_server(data, now, self._epoch_s + now // 1000):
                self._later.append((now + out.after_ms, out.octets))
        due = b"".join(octets for at, octets in self._later if at <= now)
        self._later = [(at, octets) for at, octets in self._later if at > now]
        self._tell(now)
        return due

    def events(self) -> list[Event]:
        """What the server noticed."""
        return self._server.events()

    def wake_at(self) -> int | None:
        """When the next held octets are due."""
        return min((at for at, _ in self._later), default=None)

    def close(self) -> None:
        """The phone has hung up."""
        self._middle.lost()
        self._tell(0)
        self._server.close()

    def _tell(self, now: int) -> None:
        for line in self._middle.lines:
            if line.who == "attacker":
                self._note(Event(now, "link", "attack", line.text, raw=line.octets))
        self._middle.lines.clear()


def check_live(attack_id: str) -> Attack:
    """The attack with this id, if it can be put on a live answer.

    Raises:
        UsageError: there is none, or it needs the attack bench.
    """
    attack = attack_named(attack_id)
    if attack.live is None:
        raise UsageError("tamper", f"{attack.id} is no change of an answer: run `attack run`")
    return attack
