"""The test world of a run: keys, keyset, identity and wall clock, all drawn from one seed.

The device under test trusts these keys, so that an attack reaches what stands behind the
signature. None of them is of any use outside a bench.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from firmware_sim.server.keys import ServerKeys
from firmware_sim_protocol.keyset import sign_keyset
from firmware_sim_protocol.numbers import Algorithm, Role
from firmware_sim_protocol.signing import PrivateKey
from firmware_sim_protocol.values import KeyEntry, KeySet

NOW_S = 1_767_225_600
"""2026-01-01: the wall clock at a device's first boot."""
DAY_S = 86_400
VALID_FROM_S = NOW_S - 30 * DAY_S
VALID_TO_S = NOW_S + 5 * 365 * DAY_S
EPOCH = 3
"""Above 1, so that an older epoch can be named."""
KEYSET_VERSION = 5
POLICY_VERSION = 100
IMEI = "001010123456780"
OTHER_IMEI = "001010123456798"
SERVING = "26201"
MOVED_TO = "26202"
SIM = "26201"


@dataclass(frozen=True)
class World:
    """Everything that does not depend on the attack."""

    seed: int
    algorithm: Algorithm
    """Of the server's, the roots' and the device's keys."""

    def draw(self, label: str) -> bytes:
        """32 octets that depend on the seed, the algorithm and the label only."""
        text = f"firmware-sim attack {self.seed} {self.algorithm.name} {label}"
        return hashlib.sha256(text.encode()).digest()

    def key(self, label: str, algorithm: Algorithm | None = None) -> PrivateKey:
        """A test key by name."""
        return PrivateKey.derive(algorithm or self.algorithm, self.draw(label))

    @property
    def other_algorithm(self) -> Algorithm:
        """The one that the run's keys do not have."""
        return next(one for one in Algorithm if one is not self.algorithm)

    @cached_property
    def realm(self) -> bytes:
        return self.draw("realm")[:16]

    @cached_property
    def roots(self) -> tuple[PrivateKey, PrivateKey, PrivateKey]:
        return self.key("root 1"), self.key("root 2"), self.key("root 3")

    @cached_property
    def act(self) -> PrivateKey:
        return self.key("act")

    @cached_property
    def act_p256(self) -> PrivateKey:
        """The ACT key with this algorithm: the run's, or a second one."""
        return self._act(Algorithm.ESP256)

    @cached_property
    def act_ed25519(self) -> PrivateKey:
        return self._act(Algorithm.ED25519)

    def _act(self, algorithm: Algorithm) -> PrivateKey:
        return self.act if algorithm is self.algorithm else self.key("act", algorithm)

    @cached_property
    def unlock(self) -> PrivateKey:
        return self.key("unlock")

    @cached_property
    def time(self) -> PrivateKey:
        return self.key("time")

    @cached_property
    def expired(self) -> PrivateKey:
        """An ACT key whose validity ended before the keyset's began."""
        return self.key("expired act")

    @cached_property
    def rogue(self) -> PrivateKey:
        """In no keyset."""
        return self.key("rogue")

    @cached_property
    def device_key(self) -> PrivateKey:
        return self.key("device")

    @cached_property
    def storage_key(self) -> bytes:
        return self.draw("storage")

    @cached_property
    def keyset(self) -> KeySet:
        """What devices trust at manufacture."""
        rows = [entry(root, Role.ROOT) for root in self.roots]
        rows.append(entry(self.act_p256, Role.ACT))
        rows.append(entry(self.act_ed25519, Role.ACT))
        rows.append(entry(self.unlock, Role.UNLOCK))
        rows.append(entry(self.time, Role.TIME))
        rows.append(entry(self.device_key, Role.DEVICE))
        before = VALID_FROM_S - 700 * DAY_S
        rows.append(entry(self.expired, Role.ACT, before, VALID_FROM_S - DAY_S))
        return KeySet(
            realm=self.realm,
            version=KEYSET_VERSION,
            not_before=VALID_FROM_S,
            not_after=VALID_TO_S,
            policy_epoch=EPOCH,
            root_threshold=2,
            entries=tuple(rows),
        )

    @cached_property
    def trust(self) -> bytes:
        return sign_keyset(self.keyset, self.roots)

    @cached_property
    def server_keys(self) -> ServerKeys:
        return ServerKeys(self.act, self.unlock, (self.trust,))


def entry(
    key: PrivateKey, roles: Role, not_before: int = VALID_FROM_S, not_after: int = VALID_TO_S
) -> KeyEntry:
    """The row of a keyset for a test key."""
    return KeyEntry(
        algorithm=key.algorithm,
        roles=roles,
        not_before=not_before,
        not_after=not_after,
        public_key=key.public.octets,
    )
