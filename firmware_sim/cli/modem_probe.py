"""`firmware-sim modem probe`: everything that a modem tells about itself, its card, its network."""

from __future__ import annotations

import argparse
import json
import sys

from firmware_sim.cli.modem_line import add_line_options, line_settings
from firmware_sim.cli.tracing import add_trace_option, traced
from firmware_sim.errors import SimError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_line_options(parser)
    parser.add_argument("--json", action="store_true", help="one object on stdout")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="every command and answer, on stderr"
    )
    add_trace_option(parser)
    parser.add_argument(
        "--scan", action="store_true", help="look for every network in reach (up to 3 minutes)"
    )
    parser.add_argument(
        "--within", type=float, default=60.0, metavar="SECONDS", help="give up after this long"
    )


def run(options: argparse.Namespace) -> int:
    """Read the modem once."""
    from firmware_sim.cli.timeline import Timeline, printable
    from firmware_sim.events import Event
    from firmware_sim.links.clock import MonotonicClock
    from firmware_sim.modem.phase import DialogueOptions
    from firmware_sim.rig.modem_port import ModemPort, drive, opener_of, read_until_done

    timeline = Timeline(sys.stderr)

    def show(event: Event) -> None:
        if options.verbose or event.kind == "departure":
            timeline(event)

    dialogue = DialogueOptions(within_ms=int(options.within * 1000))
    port = ModemPort(opener_of(options.url, line_settings(options)), dialogue)
    clock = MonotonicClock()
    with traced(options.trace, show) as tell:
        try:
            read_until_done(port, clock, tell)
            if options.scan and port.dialogue.failure is None:
                port.dialogue.scan(clock.now())
                port.step(clock.now())
                drive(port, clock, tell)
        finally:
            port.close()
    reading = port.dialogue.reading
    if port.dialogue.failure is not None or reading is None:
        raise SimError("modem", port.dialogue.failure or "no reading")
    shown = reading.as_json()
    if options.json:
        print(json.dumps(shown, ensure_ascii=False))
        return 0
    for name, value in shown.items():
        print(f"{name:<13} {printable(_plain(value))}")
    return 0


def _plain(value: object) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, dict):
        return " ".join(str(part) for part in value.values())
    if isinstance(value, list):
        return ", ".join(
            f"{part['plmn']} {part['name']}" if isinstance(part, dict) else str(part)
            for part in value
        )
    return str(value)
