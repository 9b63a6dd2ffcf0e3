"""`firmware-sim attack device`: the simulator behind the control contract, on standard input."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from firmware_sim.errors import UsageError

if TYPE_CHECKING:
    from firmware_sim.attacks.adapter import Adapter
    from firmware_sim.attacks.device import Ability


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = "The contract: firmware_sim/attacks/CONTROL.md. For attack run --control."
    parser.add_argument("--twin", metavar="ID", help="without one check")
    parser.add_argument("--framing", choices=("length", "serial"), default="length")
    parser.add_argument(
        "--can",
        metavar="WORDS",
        help="only these words work; without 'advance' its clock is the real one",
    )


def run(options: argparse.Namespace) -> int:
    """0 when standard input ends."""
    from firmware_sim.attacks.adapter import Adapter
    from firmware_sim.attacks.device import Ability
    from firmware_sim.attacks.twins import twin_named
    from firmware_sim.links.clock import MonotonicClock
    from firmware_sim.links.waiting import Waitable, wait
    from firmware_sim_protocol.rules import SOUND

    guard = twin_named(options.twin)[0] if options.twin else SOUND
    can = _words(options.can)
    clock = None if Ability.TIME in can else MonotonicClock().now
    adapter = Adapter(guard, serial=options.framing == "serial", can=can, clock=clock)
    source = sys.stdin.fileno()
    waiting = bytearray()
    while True:
        sources: list[Waitable] = [_Input(source)]
        if adapter.link is not None:
            sources.append(adapter.link)
        wake = adapter.wake_ms()
        ready = wait(sources, None if wake is None else wake / 1000)
        if any(isinstance(one, _Input) for one in ready):
            read = os.read(source, 65_536)
            if not read:
                return 0
            waiting += read
        while b"\n" in waiting:
            line, _, rest = bytes(waiting).partition(b"\n")
            waiting = bytearray(rest)
            print(json.dumps(_answer(adapter, line)), flush=True)
        adapter.serve()


def _words(text: str | None) -> tuple[Ability, ...]:
    from firmware_sim.attacks.adapter import CAN

    if text is None:
        return CAN
    known = {ability.value: ability for ability in CAN}
    for word in text.split(","):
        if word not in known:
            raise UsageError("device", f"no control {word!r} (known: {', '.join(known)})")
    return tuple(known[word] for word in text.split(","))


def _answer(adapter: Adapter, line: bytes) -> dict[str, object]:
    try:
        request = json.loads(line)
    except ValueError:
        request = None
    if not isinstance(request, dict):
        return {"id": None, "ok": False, "error": "a request is one JSON object"}
    return adapter.answer(request)


class _Input:
    """Standard input among links."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int | None:
        return self._descriptor
