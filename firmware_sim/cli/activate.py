"""firmware-sim activate: a phone boots, asks, and ends on a screen."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_sim.cli.tracing import add_trace_option, check_trace, traced
from firmware_sim.errors import SimError, UsageError

if TYPE_CHECKING:
    from firmware_sim.rig.activation import Result
    from firmware_sim.rig.plan import Plan

EXPECTABLE = ("activated", "locked", "pending")
DEFAULT_PICTURE = Path("firmware-sim-screen.png")
"""Where the picture goes when nobody says where, and a person is looking."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `activate`."""
    parser.description = (
        "Boot a phone, read its modem, ask the server, and end on the screen it decides."
    )
    modem = parser.add_argument_group("the phone and where it is")
    modem.add_argument("--serving", metavar="PLMN", help="network the virtual modem registers on")
    modem.add_argument("--sim", metavar="PLMN", help="home network of the virtual SIM")
    modem.add_argument("--imei", help="15 digits; default: a test IMEI, or the one of --state")
    modem.add_argument("--imei2", help="IMEI of a second SIM slot")
    modem.add_argument("--pin", help="PIN to type when the SIM asks for it")
    modem.add_argument("--locale", default="en", metavar="TAG", help="language chosen in setup")
    modem.add_argument("--vendor", default="Norvik", help="name in the lock message")
    modem.add_argument(
        "--firmware",
        choices=("official", "unofficial"),
        default="official",
        help="boot image; an unofficial one has no activation module",
    )
    ends = parser.add_argument_group("the two other ends")
    ends.add_argument(
        "--modem",
        default="virtual:",
        metavar="URL",
        help="virtual: (default), a device path, or any pyserial URL",
    )
    ends.add_argument(
        "--server",
        default="embedded:",
        metavar="URL",
        help="embedded: (default), tcp://HOST:PORT, tls://HOST:PORT?ca=FILE, unix:PATH, or a serial"
        " line: pty:PATH, a device path, any pyserial URL",
    )
    ends.add_argument("--policy", type=Path, metavar="FILE", help="of the embedded server")
    ends.add_argument(
        "--trust", type=Path, metavar="FILE", help="KEYSET that the phone trusts from the factory"
    )
    ends.add_argument(
        "--algorithm", choices=("esp256", "ed25519"), default="esp256", help="of new keys"
    )
    run = parser.add_argument_group("the run")
    run.add_argument("--state", type=Path, metavar="DIR", help="keep the phone here between runs")
    run.add_argument("--seed", type=int, metavar="N", help="two runs with one seed are identical")
    run.add_argument(
        "--timeout", type=int, default=120, metavar="S", help="give up after S seconds"
    )
    run.add_argument(
        "--for", dest="follow", default="0s", metavar="TIME", help="stay on: 90s, 30m, 12h or 10d"
    )
    run.add_argument("--until", choices=EXPECTABLE, help="with --for: end at this outcome")
    run.add_argument("--reattach", action="store_true", help="wait for a modem that is unplugged")
    run.add_argument(
        "--unlock",
        nargs="?",
        const="",
        metavar="CMD",
        help="locked: show the challenge, type a ticket (one line of standard input, or what CMD"
        " prints: it gets the challenge on its own standard input)",
    )
    run.add_argument("--twin", metavar="ID", help="run a vulnerable twin (see `attack list`)")
    add_trace_option(run)
    result = parser.add_argument_group("the result")
    result.add_argument("--screenshot", type=Path, metavar="FILE.png")
    result.add_argument("--json", action="store_true", help="one object on the last line")
    result.add_argument("--expect", choices=EXPECTABLE, help="exit status 1 for another outcome")


def run(options: argparse.Namespace) -> int:
    """0: final screen as expected; 1: another outcome; 2: usage; 3: could not be carried out."""
    from firmware_sim.cli.ticket import ticket_source
    from firmware_sim.cli.timeline import Timeline
    from firmware_sim.rig.activation import Activation
    from firmware_sim.rig.drawing import Drawing

    _check_screenshot(options.screenshot)
    timeline = None if options.json else Timeline()
    check_trace(options.trace)
    if options.until is not None and not milliseconds(options.follow):
        raise UsageError("until", "--until ends what --for begins: give both")
    ask = _ask_pin if sys.stdin.isatty() else None
    try:
        activation = Activation(plan_of(options), ask, ticket_source(options.unlock))
        with traced(
            options.trace, timeline, epoch_s=activation.rtc_s, keysets=[activation.trust]
        ) as watch:
            result = activation.run(watch)
    except UsageError:
        raise
    except SimError as failure:
        if options.json:
            print(json.dumps(_never_begun(failure)))
        raise
    drawing = Drawing(result.view)
    picture = options.screenshot
    if picture is None and not options.json and os.access(".", os.W_OK):
        picture = DEFAULT_PICTURE
    if picture is not None:
        _save(picture, drawing.png())
    if options.json:
        print(json.dumps(as_json(result, drawing.summary()), ensure_ascii=False))
    else:
        columns = min(shutil.get_terminal_size().columns, 72)
        print(f"\n{drawing.terminal(columns, sys.stdout.isatty())}\n")
        print(f"outcome: {result.outcome} ({result.reason})")
        if picture is not None:
            print(f"picture: {picture}")
    if result.failure is not None:
        print(f"firmware-sim: {result.failure}", file=sys.stderr)
        return 3
    if options.expect not in (None, result.outcome):
        wanted = f"outcome is {result.outcome}, expected {options.expect}"
        print(f"firmware-sim: {wanted}", file=sys.stderr)
        return 1
    return 0


def plan_of(options: argparse.Namespace) -> Plan:
    """The plan that these options stand for.

    Raises:
        UsageError: options that contradict each other or name what is not there.
    """
    from firmware_sim.rig.plan import Plan
    from firmware_sim_protocol.numbers import Algorithm
    from firmware_sim_protocol.rules import SOUND

    guard, notice = SOUND, ""
    if options.twin is not None:
        from firmware_sim.attacks.twins import twin_named

        guard, notice = twin_named(options.twin)
    if options.timeout <= 0:
        raise UsageError("timeout", f"{options.timeout} s is no time at all")
    return Plan(
        imei=options.imei,
        imei2=options.imei2,
        serving=options.serving,
        sim=options.sim,
        locale=options.locale,
        official=options.firmware == "official",
        modem=options.modem,
        server=options.server,
        policy=options.policy,
        trust=options.trust,
        state=options.state,
        seed=options.seed,
        pin=options.pin,
        vendor=options.vendor,
        algorithm=Algorithm[options.algorithm.upper()],
        guard=guard,
        notice=notice,
        timeout_s=options.timeout,
        follow_ms=milliseconds(options.follow),
        until=options.until,
        reattach=options.reattach,
    )


_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def milliseconds(text: str) -> int:
    """A duration such as 90s, 30m, 12h or 10d.

    Raises:
        UsageError: it is none.
    """
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit()) or unit not in _UNITS:
        raise UsageError("for", f"{text!r} is no duration (90s, 30m, 12h or 10d)")
    return int(number) * _UNITS[unit]


def as_json(result: Result, screen: dict[str, str]) -> dict[str, object]:
    """The object of `--json`."""
    view = result.view
    return {
        "outcome": result.outcome,
        "reason": result.reason,
        "country": view.country or None,
        "subdivision": view.subdivision or None,
        "imei": result.imei or None,
        "serving": result.serving,
        "screen": screen,
        "elapsed_ms": result.elapsed_ms,
    }


def _never_begun(failure: SimError) -> dict[str, object]:
    """The object of `--json` for a phone that never came to show anything."""
    unknown = ("country", "subdivision", "imei", "serving", "screen")
    told: dict[str, object] = {"outcome": "failed", "reason": str(failure)}
    return told | dict.fromkeys(unknown) | {"elapsed_ms": 0}


def _ask_pin() -> str | None:
    """The PIN, typed unseen."""
    from getpass import getpass

    return getpass("PIN of the SIM: ") or None


def _check_screenshot(path: Path | None) -> None:
    """Say before the run, not after it, that the picture cannot be written."""
    if path is None:
        return
    if path.suffix.lower() != ".png":
        raise UsageError("screenshot", f"{path} does not end in .png")
    if not path.parent.is_dir():
        raise UsageError("screenshot", f"there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError("screenshot", f"cannot write {path}")


def _save(path: Path, png: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_bytes(png)
        os.replace(fresh, path)
    except OSError as error:
        raise SimError("screenshot", f"cannot write {path}: {error.strerror}") from error
