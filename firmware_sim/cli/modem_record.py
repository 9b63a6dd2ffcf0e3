"""`firmware-sim modem record`: a dialogue with a modem, kept as JSON lines that can be replayed."""

from __future__ import annotations

import argparse
import secrets
import sys
from typing import TYPE_CHECKING

from firmware_sim.cli.modem_line import add_line_options, line_settings
from firmware_sim.cli.signals import stop_on_signals
from firmware_sim.cli.tracing import Tell, add_trace_option, check_trace, traced
from firmware_sim.errors import SimError

if TYPE_CHECKING:
    from firmware_sim.links.clock import Clock
    from firmware_sim.rig.modem_port import Opener


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_line_options(parser)
    parser.add_argument("file", metavar="FILE", help="the recording; must not exist yet")
    parser.add_argument(
        "--mask",
        nargs="?",
        const="",
        metavar="WORD",
        help="replace IMEI, IMSI and ICCID by others of the same kind, the same everywhere; "
        "recordings masked with one WORD agree",
    )
    parser.add_argument(
        "--expose",
        metavar="URL",
        help="record what another program says that opens pty:PATH, tcp://HOST:PORT or unix:PATH; "
        "without it our own reading is recorded",
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        type=float,
        metavar="SECONDS",
        help="stay on and record for so long",
    )
    parser.add_argument("--note", default="", help="a line to keep in the file")
    add_trace_option(parser)


def run(options: argparse.Namespace) -> int:
    """Record until done, for as long as asked, or until interrupted."""
    from firmware_sim.links.clock import MonotonicClock
    from firmware_sim.modem.masking import Masking
    from firmware_sim.rig.modem_port import opener_of
    from firmware_sim.rig.recorder import RecordingFile, RecordingLink

    check_trace(options.trace)
    masking = None
    if options.mask is not None:
        masking = Masking(options.mask or secrets.token_hex(16))
    try:
        out = open(options.file, "x", encoding="utf-8")  # noqa: SIM115  # closed by the recorder
    except OSError as failure:
        why = (failure.strerror or str(failure)).lower()
        raise SimError("modem", f"cannot record to {options.file}: {why}") from None
    clock = MonotonicClock()
    file = RecordingFile(out, masking, options.note)
    plain = opener_of(options.url, line_settings(options))
    try:
        stop_on_signals()
        with traced(options.trace, None) as tell:
            _record(options, lambda: RecordingLink(plain(), file, clock), clock, tell)
    except KeyboardInterrupt:
        print(f"recorded: {options.file}", file=sys.stderr)
        return 0
    finally:
        file.close(clock.now())
    print(f"recorded: {options.file}", file=sys.stderr)
    return 0


def _record(options: argparse.Namespace, opener: Opener, clock: Clock, tell: Tell) -> None:
    from firmware_sim.links import listen, wait
    from firmware_sim.rig.bridging import Bridge
    from firmware_sim.rig.modem_port import ModemPort, read_until_done

    seconds = options.seconds
    until = None if seconds is None else clock.now() + int(seconds * 1000)
    if options.expose is not None:
        listener = listen(options.expose, part="modem")
        bridge = Bridge(opener, listener, tell)
        print(f"{options.url} as {listener.address}", flush=True)
        try:
            while until is None or clock.now() < until:
                bridge.step(clock)
        finally:
            bridge.close()
        return
    port = ModemPort(opener)
    try:
        read_until_done(port, clock, tell)
        while port.dialogue.failure is None and until is not None and clock.now() < until:
            wait(port.links(), max(0.0, min(1.0, (until - clock.now()) / 1000)))
            port.step(clock.now())
            for event in port.events():
                tell(event)
    finally:
        port.close()
    if port.dialogue.failure is not None:
        raise SimError("modem", port.dialogue.failure)
