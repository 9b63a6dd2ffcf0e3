"""Who may sign: the server's keys, the roots behind them, and their files.

A folder of keys holds `act.key` and `unlock.key` (PKCS #8 PEM, 0600), `keysets/` with every
signed KEYSET message since the first, and `trust.keyset`, a copy of the latest: the public
side, which phones are given at manufacture. Roots lie in a folder of their own, which the
server never reads: it belongs offline.

Source: SPEC.md, "Keysets"; RFC 5958 (PKCS #8).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from firmware_sim.errors import SimError
from firmware_sim_protocol.codec import parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.errors import ProtocolError
from firmware_sim_protocol.keyset import KeyRing, sign_keyset
from firmware_sim_protocol.numbers import Algorithm, MessageType, Role
from firmware_sim_protocol.signing import PrivateKey
from firmware_sim_protocol.values import KeyEntry, KeySet

Entropy = Callable[[int], bytes]

MADE_KEYS_FROM_S = 1_735_689_600
"""2025-01-01: keys made without a clock are valid from here, and a phone's time floor starts."""
VALIDITY_S = 20 * 365 * 86_400
DEFAULT_ROOTS = 3
DEFAULT_THRESHOLD = 2


class KeyTrouble(SimError):
    """The keys cannot be used; the text names the file or the key."""

    def __init__(self, text: str) -> None:
        super().__init__("keys", text)


@dataclass(frozen=True)
class ServerKeys:
    """What an issuer signs with, and the chain of keysets that makes devices believe it.

    Raises:
        KeyTrouble: the chain is broken, or a key is not in the latest keyset with its role.
    """

    act: PrivateKey
    unlock: PrivateKey | None
    keysets: tuple[bytes, ...]
    """Whole signed KEYSET messages, version by version; the last is in force."""

    def __post_init__(self) -> None:
        check_chain(self.keysets)
        # A key that the keyset does not name signs what every device refuses: say so now.
        require_role(self.keyset, self.act, Role.ACT)
        if self.unlock is not None:
            require_role(self.keyset, self.unlock, Role.UNLOCK)

    @cached_property
    def keyset(self) -> KeySet:
        """The keyset in force."""
        return read_keyset(self.keysets[-1])

    @property
    def realm(self) -> bytes:
        """16 octets: the deployment."""
        return self.keyset.realm

    @property
    def trust(self) -> bytes:
        """The signed KEYSET message that a phone is given at manufacture."""
        return self.keysets[-1]


def read_keyset(message: bytes) -> KeySet:
    """The keyset of one KEYSET message, read but not verified.

    Raises:
        KeyTrouble: it is none.
    """
    try:
        envelope = open_envelope(message)
        if envelope.header.type is not MessageType.KEYSET:
            raise KeyTrouble(f"a {envelope.header.type.name} is no KEYSET")
        keyset = parse_message(envelope)
    except ProtocolError as error:
        raise KeyTrouble(f"not a KEYSET: {error}") from error
    assert isinstance(keyset, KeySet)
    return keyset


def check_chain(keysets: tuple[bytes, ...]) -> None:
    """Each keyset must follow from the one before; the first must carry its own roots' threshold.

    Raises:
        KeyTrouble: naming the version that does not follow.
    """
    if not keysets:
        raise KeyTrouble("there is no keyset")
    first = read_keyset(keysets[0])
    # A first keyset follows itself with version - 1: old and new roots are the same keys.
    before = replace(first, version=first.version - 1) if first.version else first
    for message in keysets:
        try:
            before = KeyRing(before).next_keyset(open_envelope(message), before.not_before)
        except ProtocolError as error:
            version = read_keyset(message).version
            raise KeyTrouble(f"keyset {version} does not follow: {error}") from error


def require_role(keyset: KeySet, key: PrivateKey, role: Role) -> None:
    """The key must stand in the keyset with this role.

    Raises:
        KeyTrouble: it does not.
    """
    found = KeyRing(keyset).find(key.public.key_id)
    name = (role.name or "").lower()
    if found is None:
        raise KeyTrouble(f"the {name} key is not in keyset {keyset.version} (revoked, or mixed up)")
    if not found[1].roles & role:
        raise KeyTrouble(f"the {name} key has no role {role.name} in keyset {keyset.version}")


def entry(key: PrivateKey, roles: Role, not_before: int, not_after: int) -> KeyEntry:
    """The row of a keyset for a key."""
    return KeyEntry(
        algorithm=key.algorithm,
        roles=roles,
        not_before=not_before,
        not_after=not_after,
        public_key=key.public.octets,
    )


def make_roots(
    entropy: Entropy, algorithm: Algorithm = Algorithm.ESP256, count: int = DEFAULT_ROOTS
) -> tuple[PrivateKey, ...]:
    """Fresh root keys."""
    return tuple(PrivateKey.derive(algorithm, entropy(32)) for _ in range(count))


def found(
    roots: tuple[PrivateKey, ...],
    act: PrivateKey,
    unlock: PrivateKey,
    *,
    realm: bytes,
    threshold: int = DEFAULT_THRESHOLD,
    not_before: int = MADE_KEYS_FROM_S,
    validity_s: int = VALIDITY_S,
) -> bytes:
    """The first KEYSET message of a deployment, version 1, epoch 1, signed by all roots."""
    until = not_before + validity_s
    rows = [entry(key, Role.ROOT, not_before, until) for key in roots]
    rows.append(entry(act, Role.ACT, not_before, until))
    rows.append(entry(unlock, Role.UNLOCK, not_before, until))
    keyset = KeySet(
        realm=realm,
        version=1,
        not_before=not_before,
        not_after=until,
        policy_epoch=1,
        root_threshold=threshold,
        entries=tuple(rows),
    )
    return sign_keyset(keyset, roots)


def make_keys(
    entropy: Entropy,
    algorithm: Algorithm = Algorithm.ESP256,
    not_before: int = MADE_KEYS_FROM_S,
    *,
    roots: tuple[PrivateKey, ...] | None = None,
) -> ServerKeys:
    """A whole set of test keys in memory, for the embedded server: equal entropy, equal keys.

    `not_before`: seconds since 1970; validity begins here, and so does a phone's time floor.
    """
    realm = entropy(16)
    roots = make_roots(entropy, algorithm) if roots is None else roots
    act = PrivateKey.derive(algorithm, entropy(32))
    unlock = PrivateKey.derive(algorithm, entropy(32))
    threshold = min(DEFAULT_THRESHOLD, len(roots))
    first = found(roots, act, unlock, realm=realm, threshold=threshold, not_before=not_before)
    return ServerKeys(act, unlock, (first,))


def save_keys(keys: ServerKeys, folder: Path) -> None:
    """Write a new folder of keys: 0700, its private keys 0600.

    Raises:
        KeyTrouble: it exists and is not empty, or cannot be written.
    """
    from firmware_sim.server import keyfiles

    keyfiles.save(keys, folder)


def load_keys(folder: Path) -> ServerKeys:
    """Read a folder of keys.

    Raises:
        KeyTrouble: a file is missing, damaged or open to others, or the keys do not fit.
    """
    from firmware_sim.server import keyfiles

    return keyfiles.load(folder)
