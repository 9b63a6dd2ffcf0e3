"""The server inside this process: the same issuer as `firmware-sim serve`, with keys of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from firmware_sim.rig.ports import IssuerPort
from firmware_sim.server.issuer import Issuer
from firmware_sim.server.keys import ServerKeys, make_keys
from firmware_sim.server.policy import Policy
from firmware_sim.server.store import DeviceStore, MemoryStore
from firmware_sim_protocol.framing import TcpFraming
from firmware_sim_protocol.numbers import Algorithm

SIMULATED_NOW_S = 1_631_232_000
"""2021-09-10 00:00 UTC, in the week of the case: the wall clock of a seeded run."""


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """An issuer and the wall clock at the pump's instant 0."""

    issuer: Issuer
    keys: ServerKeys
    epoch_s: int

    def connect(self) -> IssuerPort:
        """A new connection to it."""
        return IssuerPort(self.issuer, TcpFraming(), self.epoch_s)


def embedded_server(
    policy: Policy,
    entropy: Callable[[int], bytes],
    epoch_s: int,
    *,
    keys: ServerKeys | None = None,
    store: DeviceStore | None = None,
    algorithm: Algorithm = Algorithm.ESP256,
) -> EmbeddedServer:
    """A server with these keys and this store; with new keys and memory where none are given."""
    keys = keys or make_keys(entropy, algorithm, epoch_s)
    issuer = Issuer(keys=keys, policy=policy, store=store or MemoryStore(), entropy=entropy)
    return EmbeddedServer(issuer, keys, epoch_s)
