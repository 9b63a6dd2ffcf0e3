"""A phone whose flash is a directory, for tests that kill it: run as a program.

    python -m tests.support.phone_on_disk DIRECTORY SCENARIO

Prints the lock state at the end; a state is printed only after the phone has shown it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from firmware_sim.links.flashfile import FileFlash
from firmware_sim.view import UserAction
from firmware_sim_protocol.numbers import Decision, LockState, TicketScope
from firmware_sim_protocol.typed import from_text, to_text
from tests.support.deployment import Bench

DAY_MS = 86_400_000


def first_activation(bench: Bench) -> None:
    bench.boot()
    bench.settle()


def locked_later(bench: Bench) -> None:
    """The check-in of an active phone is answered with a lock."""
    bench.server.answer = {"decision": Decision.LOCK_FINANCE, "policy_version": 2}
    bench.boot()
    bench.see(serving="36801")
    bench.settle()


def unlocked(bench: Bench) -> None:
    """A ticket opens a locked phone; there is no server."""
    bench.online = False
    bench.server.answer = {"policy_version": 2}
    bench.boot()
    bench.settle()
    bench.phone.acts(UserAction("ticket.open"), bench.now)
    challenge = from_text(bench.phone.view.challenge)
    ticket = bench.server.ticket(challenge, TicketScope.FINANCE)
    bench.phone.acts(UserAction("ticket", to_text(ticket)), bench.now)
    bench.settle()


def offline(bench: Bench) -> None:
    """It only comes up."""
    bench.online = False
    bench.boot()
    bench.settle()


SCENARIOS = {
    "first-activation": first_activation,
    "locked-later": locked_later,
    "unlocked": unlocked,
    "offline": offline,
}


def run(directory: Path, scenario: str) -> Bench:
    """One power-on of the phone that lives in `directory`."""
    # Nonces that no earlier power-on has used.
    seed = len(list(directory.parent.iterdir())) * 1000 + list(SCENARIOS).index(scenario)
    with FileFlash(directory) as flash:
        bench = Bench(flash=flash, seed=seed)
        SCENARIOS[scenario](bench)
    return bench


def main() -> None:
    state: LockState = run(Path(sys.argv[1]), sys.argv[2]).phone.lock_state
    print(state.name, flush=True)


if __name__ == "__main__":
    main()
