"""Clocks and entropy: what repeats, what does not, what never goes back."""

from __future__ import annotations

import pytest

from firmware_sim.links.clock import ManualClock, MonotonicClock, unix_seconds
from firmware_sim.links.entropy import SeededEntropy, SystemEntropy


def test_a_manual_clock_moves_only_forward_and_only_when_told() -> None:
    clock = ManualClock(5)
    assert (clock.now(), clock.advance(10), clock.now()) == (5, 15, 15)
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)


def test_the_monotonic_clock_begins_at_zero_and_never_falls() -> None:
    clock = MonotonicClock()
    readings = [clock.now() for _ in range(1000)]
    assert readings[0] < 1000
    assert readings == sorted(readings)
    assert unix_seconds() > 1_700_000_000


def test_a_seed_repeats_its_bytes_however_they_are_taken() -> None:
    one, other = SeededEntropy(7), SeededEntropy(7)
    assert one(100) == b"".join(other(n) for n in (1, 31, 32, 33, 3))
    assert SeededEntropy(8)(32) != SeededEntropy(7)(32)


def test_the_system_gives_as_many_bytes_as_asked_and_others_each_time() -> None:
    entropy = SystemEntropy()
    assert [len(entropy(n)) for n in (0, 1, 32)] == [0, 1, 32]
    assert entropy(32) != entropy(32)
