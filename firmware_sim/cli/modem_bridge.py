"""`firmware-sim modem bridge`: a real modem behind a port of ours, some of its answers replaced."""

from __future__ import annotations

import argparse
import sys

from firmware_sim.cli.modem_line import add_line_options, line_settings
from firmware_sim.cli.signals import stop_on_signals
from firmware_sim.cli.tracing import add_trace_option, check_trace, traced


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_line_options(parser)
    parser.add_argument(
        "--expose",
        metavar="URL",
        required=True,
        help="where programs find it: pty:PATH, tcp://HOST:PORT, unix:PATH",
    )
    parser.add_argument(
        "--override",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="serving=PLMN, sim=PLMN or absent, pin, puk, network-locked ..., imei=IMEI, "
        "registration=home, roaming, denied, searching, idle, emergency",
    )
    add_trace_option(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="every line of both sides")


def run(options: argparse.Namespace) -> int:
    """Bridge until interrupted."""
    from firmware_sim.cli.timeline import Timeline
    from firmware_sim.events import Event
    from firmware_sim.links import listen
    from firmware_sim.links.clock import MonotonicClock
    from firmware_sim.modem import override
    from firmware_sim.rig.bridging import Bridge
    from firmware_sim.rig.modem_port import opener_of

    check_trace(options.trace)
    overrides = override.parse(options.override)
    timeline = Timeline(sys.stdout)

    def show(event: Event) -> None:
        if options.verbose or event.kind != "at":
            timeline(event)
            sys.stdout.flush()

    with traced(options.trace, show) as tell:
        listener = listen(options.expose, part="modem")
        try:
            opener = opener_of(options.url, line_settings(options), overrides)
            bridge = Bridge(opener, listener, tell)
        except BaseException:
            listener.close()
            raise
        clock = MonotonicClock()
        try:
            stop_on_signals()
            print(f"{options.url} as {listener.address}", flush=True)
            tell(Event(clock.now(), "modem", "override", f"OVERRIDE: {overrides.banner}"))
            while True:
                bridge.step(clock)
        except KeyboardInterrupt:
            return 0
        finally:
            bridge.close()
