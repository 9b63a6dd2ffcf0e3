"""Times whole processes and functions fairly: in turn, several times, the median quoted."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence


def wall(command: Sequence[str]) -> float:
    """Seconds of one run of a command; its output is thrown away.

    Raises:
        subprocess.CalledProcessError: it fails.
    """
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def in_turn(rounds: int, *sides: Callable[[], float]) -> list[float]:
    """Run the sides A B A B ... `rounds` times after one warm-up; the median of each side."""
    for side in sides:
        side()
    figures: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, found in zip(sides, figures, strict=True):
            found.append(side())
    return [statistics.median(found) for found in figures]


def timed(function: Callable[[], object], repeats: int) -> Callable[[], float]:
    """A side for `in_turn`: seconds of one call, over `repeats` calls."""

    def side() -> float:
        started = time.perf_counter()
        for _ in range(repeats):
            function()
        return (time.perf_counter() - started) / repeats

    return side
