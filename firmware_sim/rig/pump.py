"""Drives phones: in real time over links, or in virtual time when all peers are in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from firmware_sim.links.clock import Clock, ManualClock
from firmware_sim.links.waiting import wait
from firmware_sim.rig.phone import Phone

IDLE_S = 0.25
"""Longest wait without a look: bounds what a lost wake-up costs."""


def run(
    phones: Sequence[Phone],
    clock: Clock,
    done: Callable[[], bool],
    until: int | None = None,
) -> bool:
    """Step the phones until `done()`; False when `until` (monotonic ms) comes first.

    With a `ManualClock` time jumps to the next instant at which a machine has something to
    do, and a rig in which nobody has anything to do has stopped for good: False.
    """
    while True:
        now = clock.now()
        for phone in phones:
            phone.step(now)
        if done():
            return True
        if until is not None and now >= until:
            return False
        wakes = [due for phone in phones if (due := phone.wake_at()) is not None]
        if until is not None:
            wakes.append(until)
        if isinstance(clock, ManualClock):
            if not wakes:
                return False
            clock.advance(max(0, min(wakes) - now))
            continue
        links = [link for phone in phones for link in phone.links]
        timeout = IDLE_S if not wakes else min(IDLE_S, max(0, min(wakes) - now) / 1000)
        wait(links, timeout)
