"""How long the whole suite of attacks takes against the handset in this process, on one core."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.figure import Figure

BOUND_S = 10.0


def figures() -> Iterator[Figure]:
    from firmware_sim.attacks.catalogue import attacks
    from firmware_sim.attacks.suite import Settings, run_simulator

    chosen = attacks()
    for twins, name in (("none", "attacks"), ("each", "attacks and twins")):
        started = time.process_time()
        result = run_simulator(chosen, Settings(twins=twins))
        seconds = time.process_time() - started
        note = f"{len(result.outcomes)} attacks with their controls, {result.wrong} wrong"
        if result.twins:
            note += f", {len(result.caught)} of {len(result.twins)} twins caught"
        yield Figure(name=name, value=seconds, unit="s", bound=BOUND_S, note=note)
