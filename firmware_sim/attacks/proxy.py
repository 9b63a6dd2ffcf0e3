"""A middleman between a live device and a live server: shows what passes, and changes answers.

A pure machine: it is told octets of either side and answers with octets for either side. An
attack is put on one RESPONSE; what the device says next tells whether it took it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from firmware_sim.attacks.attack import Attack, Verdict
from firmware_sim.attacks.bench import Exchange
from firmware_sim.attacks.forge import digest
from firmware_sim.attacks.reports.explain import parts_of, title_of
from firmware_sim.attacks.scenes import Raw, Wait
from firmware_sim.attacks.world import World
from firmware_sim.errors import SimError, UsageError
from firmware_sim.server.keys import ServerKeys
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.errors import ProtocolError, Refusal
from firmware_sim_protocol.framing import Framing
from firmware_sim_protocol.numbers import Algorithm, MessageType
from firmware_sim_protocol.rules import Stage
from firmware_sim_protocol.signing import PrivateKey
from firmware_sim_protocol.values import Confirm, Error, Request

SHOWN = (
    "exchange_id",
    "imei",
    "serving_plmn",
    "lock_state",
    "decision",
    "country",
    "policy_version",
    "keyset_version",
    "stage",
)
"""Fields of the short form of a message."""


class LiveWorld(World):
    """The keys that a middleman has: those of the server, if it was given them."""

    keys: ServerKeys | None

    @classmethod
    def of(cls, seed: int, keys: ServerKeys | None) -> LiveWorld:
        """The world of a live deployment."""
        algorithm = keys.act.algorithm if keys is not None else Algorithm.ESP256
        world = cls(seed, algorithm)
        object.__setattr__(world, "keys", keys)
        return world

    @property
    def act(self) -> PrivateKey:
        if self.keys is None:
            raise SimError("proxy", "this attack signs anew: give the server's keys with --keys")
        return self.keys.act

    @property
    def unlock(self) -> PrivateKey:
        if self.keys is None or self.keys.unlock is None:
            raise SimError("proxy", "this attack needs the server's UNLOCK key: --keys")
        return self.keys.unlock

    def _act(self, algorithm: Algorithm) -> PrivateKey:
        if algorithm is not self.act.algorithm:
            raise SimError("proxy", f"the server has no {algorithm.name} key")
        return self.act


@dataclass
class LiveBench:
    """As much of a bench as a forger of answers needs."""

    world: LiveWorld
    framing: Framing
    now_s: int
    scene: str = "live"

    def wrap(self, message: bytes) -> bytes:
        return self.framing.wrap(message)

    def answer(self, exchange: Exchange, *, key: PrivateKey | None = None, **changes: Any) -> bytes:
        """The honest answer with these fields changed, signed again."""
        from dataclasses import replace

        response = replace(exchange.response, **changes)
        return build_message(response, exchange.exchange_id, (key or self.world.act,))


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to show: who said it, and what."""

    who: str
    text: str
    octets: bytes = b""


@dataclass(frozen=True, slots=True)
class Out:
    """Octets for one side ("device" or "server"), after a wait."""

    to: str
    octets: bytes
    after_ms: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of an attack on live traffic."""

    attack: Attack
    verdict: Verdict
    why: str


@dataclass
class Middleman:
    """Between two links with their framings. Attacks are applied one a RESPONSE, in turn."""

    world: LiveWorld
    device: Framing
    server: Framing
    attacks: Sequence[Attack] = ()
    lines: list[Line] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    _next: int = 0
    _request: bytes = b""
    _hostile: Attack | None = None
    _hashes: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        for attack in self.attacks:
            if attack.live is None:
                raise UsageError(
                    "proxy", f"{attack.id} is no change of an answer: it needs the bench"
                )

    @property
    def done(self) -> bool:
        """Whether every attack was tried and answered."""
        return self._next >= len(self.attacks) and self._hostile is None

    def connected(self) -> None:
        """A new connection on both sides."""
        self.device.reset()
        self.server.reset()

    def from_device(self, octets: bytes, now: int) -> list[Out]:
        """Octets that the device has sent."""
        outs = []
        for item in self.device.feed(octets, now):
            if isinstance(item, Refusal):
                self.lines.append(Line("device", f"no frame: {item}"))
                continue
            self._show("device", item)
            self._listen(item)
            outs.append(Out("server", self.server.wrap(item)))
        return outs

    def from_server(self, octets: bytes, now: int, now_s: int) -> list[Out]:
        """Octets that the server has sent; `now_s`: seconds since 1970."""
        outs: list[Out] = []
        for item in self.server.feed(octets, now):
            if isinstance(item, Refusal):
                self.lines.append(Line("server", f"no frame: {item}"))
                continue
            self._show("server", item)
            if item[5] == MessageType.RESPONSE and self._next < len(self.attacks):
                outs += self._attack(item, now_s)
            else:
                outs.append(Out("device", self.device.wrap(item)))
        return outs

    def lost(self) -> None:
        """The device has hung up: an attack that it has not answered was refused."""
        self._conclude(Verdict.REJECTED, "the device hung up")

    def _attack(self, honest: bytes, now_s: int) -> list[Out]:
        attack = self.attacks[self._next]
        self._next += 1
        request = parse_message(open_envelope(self._request)) if self._request else None
        if not isinstance(request, Request) or attack.live is None:
            return [Out("device", self.device.wrap(honest))]
        exchange_id = open_envelope(honest).header.exchange_id
        # There is no bench to name here: `live` is given a LiveBench beside the exchange.
        exchange = Exchange(None, self._request, request, exchange_id, honest)  # type: ignore[arg-type]
        bench = LiveBench(self.world, self.device, now_s)
        self.lines.append(Line("attacker", f"{attack.id}: {attack.sent}"))
        try:
            forged = attack.live(bench, exchange)
        except SimError as failure:
            # The traffic goes on: the next attack may have what this one lacks.
            self.lines.append(Line("attacker", f"{attack.id}: INVALID, {failure.text}"))
            self.seen.append(Seen(attack, Verdict.INVALID, failure.text))
            return [Out("device", self.device.wrap(honest))]
        outs: list[Out] = []
        wait_ms = 0
        self._hashes.clear()
        for step in (forged,) if isinstance(forged, bytes) else forged:
            if isinstance(step, Wait):
                wait_ms += step.ms
                continue
            if isinstance(step, Raw):
                self.lines.append(Line("attacker", f"on the line: {step.note}"))
                outs.append(Out("device", step.octets, wait_ms))
                self._hashes.add(digest(honest))
            else:
                self._show("attacker", step)
                outs.append(Out("device", self.device.wrap(step), wait_ms))
                self._hashes.add(digest(step))
            wait_ms = 0
        self._hostile = attack
        return outs

    def _listen(self, message: bytes) -> None:
        try:
            value = parse_message(open_envelope(message))
        except ProtocolError:
            return
        if isinstance(value, Request):
            self._request = message
        elif isinstance(value, Error):
            known = value.stage in Stage._value2member_map_
            stage = Stage(value.stage).name if known else str(value.stage)
            self._conclude(Verdict.REJECTED, f"refused at {stage}")
        elif isinstance(value, Confirm) and self._hostile is not None:
            took = value.response_hash in self._hashes
            verdict = Verdict.ACCEPTED if took != self._hostile.denial else Verdict.REJECTED
            self._conclude(verdict, f"the device confirms {value.lock_state.name}")

    def _conclude(self, verdict: Verdict, why: str) -> None:
        if self._hostile is None:
            return
        self.seen.append(Seen(self._hostile, verdict, why))
        self.lines.append(Line("attacker", f"{self._hostile.id}: {verdict.value}, {why}"))
        self._hostile = None

    def _show(self, who: str, message: bytes) -> None:
        told = {part.name: part for part in parts_of(message)}
        words = [
            f"{name}={told[name].value or told[name].octets.hex()}"
            for name in SHOWN
            if name in told and told[name].value != "absent"
        ]
        self.lines.append(Line(who, f"{title_of(message)} {' '.join(words)}", message))
