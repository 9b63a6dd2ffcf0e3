"""How long to wait before the next attempt."""

from __future__ import annotations

from firmware_sim_protocol.numbers import BACKOFF_BASE_MS, BACKOFF_CAP_MS

MAX_EXPONENT = 16
JITTER_OCTETS = 2


def backoff_ms(attempt: int, jitter: bytes, at_least_ms: int = 0) -> int:
    """Milliseconds: 5 s x 2^attempt, at most 1 h, plus up to a quarter of jitter.

    `attempt` counts from 0. `jitter`: 2 octets of entropy. `at_least_ms`: what the server
    asked for; it lengthens the wait. The cap holds for the phone's own figure with jitter.
    """
    base = BACKOFF_BASE_MS << min(attempt, MAX_EXPONENT)
    spread = base * int.from_bytes(jitter) // 0xFFFF // 4
    return max(min(BACKOFF_CAP_MS, base + spread), at_least_ms)
