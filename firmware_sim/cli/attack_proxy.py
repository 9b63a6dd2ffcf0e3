"""`firmware-sim attack proxy`: between a real device and a real server."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_sim.cli.signals import stop_on_signals
from firmware_sim.cli.tracing import Tell, add_trace_option, check_trace, traced
from firmware_sim.errors import UsageError
from firmware_sim.events import Event

if TYPE_CHECKING:
    from firmware_sim.attacks.proxy import Line, Middleman, Out
    from firmware_sim.links.clock import Clock
    from firmware_sim.links.link import Link, Listener

POLL_S = 0.5


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--listen", required=True, metavar="URL", help="where the device calls")
    parser.add_argument("--upstream", required=True, metavar="URL", help="where the server is")
    parser.add_argument(
        "--attack", action="append", default=[], metavar="ID", help="change one answer each so"
    )
    parser.add_argument(
        "--keys", type=Path, metavar="DIR", help="the server's keys, for attacks that sign anew"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--decode", action="store_true", help="every field of every message")
    parser.add_argument(
        "--connections", type=int, metavar="N", help="end after N connections (default: never)"
    )
    add_trace_option(parser)


def run(options: argparse.Namespace) -> int:
    """0; 1 if the device accepted a changed answer; 3 if an attack could not be carried out."""
    from firmware_sim.attacks.attack import Verdict
    from firmware_sim.attacks.catalogue import attack_named
    from firmware_sim.attacks.proxy import LiveWorld, Middleman
    from firmware_sim.links import listen
    from firmware_sim.links.clock import MonotonicClock
    from firmware_sim.rig.framing import framing_of
    from firmware_sim.server.keys import load_keys

    check_trace(options.trace)
    chosen = [attack_named(name) for words in options.attack for name in words.split(",") if name]
    keys = load_keys(options.keys) if options.keys is not None else None
    middleman = Middleman(
        LiveWorld.of(options.seed, keys),
        device=framing_of(options.listen),
        server=framing_of(options.upstream),
        attacks=chosen,
    )
    listener = listen(options.listen, part="proxy")
    print(f"listening on {listener.address}", flush=True)
    stop_on_signals()
    served = 0
    clock = MonotonicClock()
    try:
        with traced(options.trace, None, keysets=keys.keysets if keys else ()) as tell:
            while options.connections is None or served < options.connections:
                device = _next_caller(listener)
                served += 1
                _serve(middleman, device, options, clock, tell)
    except KeyboardInterrupt:
        pass  # being told to stop is how it ends; what was seen is told below
    finally:
        listener.close()
    for seen in middleman.seen:
        print(f"{seen.verdict.name} {seen.attack.id}: {seen.why}")
    verdicts = {seen.verdict for seen in middleman.seen}
    if Verdict.ACCEPTED in verdicts:
        return 1
    return 3 if Verdict.INVALID in verdicts else 0


def _next_caller(listener: Listener) -> Link:
    from firmware_sim.links.waiting import wait

    while True:
        found = listener.accept()
        if found is not None:
            return found
        wait([listener], POLL_S)


def _serve(
    middleman: Middleman, device: Link, options: argparse.Namespace, clock: Clock, tell: Tell
) -> None:
    """One connection, until either side closes it."""
    import time

    from firmware_sim.links import open_link
    from firmware_sim.links.clock import unix_seconds
    from firmware_sim.links.link import LinkClosed, LinkError
    from firmware_sim.links.waiting import wait

    try:
        server = open_link(options.upstream, part="server")
    except LinkError as failure:
        # It may be back for the next caller; this one is told by a closed line.
        device.close()
        print(f"{'server':8} {failure.text}", flush=True)
        return
    except UsageError:
        device.close()
        raise
    links = {"device": device, "server": server}
    middleman.connected()
    try:
        while True:
            wait([device, server], POLL_S)
            outs: list[Out] = middleman.from_device(device.receive(), clock.now())
            outs += middleman.from_server(server.receive(), clock.now(), unix_seconds())
            for out in outs:
                time.sleep(out.after_ms / 1000)
                links[out.to].send(out.octets)
            _show(middleman.lines, options.decode, clock.now(), tell)
    except LinkClosed:
        middleman.lost()
        _show(middleman.lines, options.decode, clock.now(), tell)
    finally:
        device.close()
        server.close()


_PARTS = {"device": "handset", "server": "server", "attacker": "link"}
"""Who speaks, as the timeline of a capture names the parts."""


def _show(lines: list[Line], decode: bool, now: int, tell: Tell) -> None:
    from firmware_sim.attacks.reports.explain import parts_of

    for line in lines:
        print(f"{line.who:8} {line.text}", flush=True)
        kind = "message" if line.octets else "state"
        tell(Event(now, _PARTS[line.who], kind, line.text, raw=line.octets, sent=True))
        if decode:
            for part in parts_of(line.octets):
                print(f"{'':8}  {part.offset:5} {part.name}: {part.octets.hex()} {part.value}")
    lines.clear()
