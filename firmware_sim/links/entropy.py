"""Chance, as a value that is handed in: the system's, or one that repeats for a seed."""

from __future__ import annotations

import hashlib
import secrets
from typing import Protocol


class Entropy(Protocol):
    """Calling it with n gives n bytes that nobody has seen before."""

    def __call__(self, n: int) -> bytes:
        """`n` bytes."""
        ...


class SystemEntropy:
    """The operating system's generator: the only one fit for keys and nonces in use."""

    def __call__(self, n: int) -> bytes:
        """`n` bytes."""
        return secrets.token_bytes(n)


class SeededEntropy:
    """SHA-256 in counter mode over a seed: the same bytes in every run. Never for real keys."""

    def __init__(self, seed: int) -> None:
        self._seed = f"firmware-sim seed {seed} ".encode()
        self._counter = 0
        self._pool = b""

    def __call__(self, n: int) -> bytes:
        """`n` bytes."""
        while len(self._pool) < n:
            self._pool += hashlib.sha256(self._seed + self._counter.to_bytes(8, "big")).digest()
            self._counter += 1
        taken, self._pool = self._pool[:n], self._pool[n:]
        return taken
