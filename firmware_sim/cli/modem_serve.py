"""`firmware-sim modem serve`: virtual modems on ports that any program can open."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from firmware_sim.cli.signals import stop_on_signals
from firmware_sim.cli.tracing import add_trace_option, traced
from firmware_sim.errors import SimError, UsageError
from firmware_sim.events import Event

if TYPE_CHECKING:
    from firmware_sim.rig.modems import ModemHost


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    ports = parser.add_argument_group("ports, one modem each")
    ports.add_argument(
        "--pty", metavar="PATH", action="append", default=[], help="make a pty there"
    )
    ports.add_argument("--tcp", metavar="HOST:PORT", action="append", default=[])
    ports.add_argument("--unix", metavar="PATH", action="append", default=[])
    ports.add_argument(
        "--count", type=int, default=1, metavar="N", help="N modems for each port, numbered"
    )
    modem = parser.add_argument_group("the modem")
    modem.add_argument("--serving", metavar="PLMN", default="26201", help="network, or none")
    modem.add_argument(
        "--sim", metavar="PLMN", help="home network of the SIM, or none; default: that of --serving"
    )
    modem.add_argument("--sim2", metavar="PLMN", help="home network of a SIM in the second slot")
    modem.add_argument("--imei", metavar="IMEI", help="15 digits; further modems count up from it")
    modem.add_argument("--profile", default="generic", metavar="NAME", help="family it plays")
    modem.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="as `modem set`, before anybody calls",
    )
    modem.add_argument(
        "--fault",
        metavar="NAME[:KEY=VALUE,...]",
        action="append",
        default=[],
        help="late, lost, torn ...; `--fault help` names them",
    )
    parser.add_argument("--control", metavar="PATH", help="Unix socket for `modem set` and `move`")
    parser.add_argument("--list-profiles", action="store_true", help="name the profiles and stop")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the dialogue")
    add_trace_option(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from firmware_sim.modem.virtual import faults, profile

    if options.list_profiles:
        for name in profile.names():
            row = profile.load(name)
            print(f"{name:14} {row.manufacturer} {row.model} {row.revision}")
        return 0
    if "help" in options.fault:
        for kind in faults.FaultKind:
            print(kind.value)
        return 0
    urls = [f"pty:{path}" for path in options.pty]
    urls += [f"tcp://{place}" for place in options.tcp]
    urls += [f"unix:{path}" for path in options.unix]
    if not urls:
        raise UsageError("modem", "no port: give --pty PATH, --tcp HOST:PORT or --unix PATH")
    if options.count < 1:
        raise UsageError("modem", f"--count is 1 or more, not {options.count}")
    return _serve(options, urls)


def _serve(options: argparse.Namespace, urls: list[str]) -> int:
    from firmware_sim.modem.virtual import VirtualModem, default_state, faults, make_sim, profile
    from firmware_sim.modem.virtual.defaults import DEFAULT_IMEI, plmn_or_none
    from firmware_sim.modem.virtual.settings import apply
    from firmware_sim.rig.modems import ModemHost, numbered

    family = profile.load(options.profile)
    chosen = [faults.parse(written) for written in options.fault]
    first = _checked_imei(options.imei or DEFAULT_IMEI)
    second = plmn_or_none(options.sim2)
    modems: list[tuple[VirtualModem, str]] = []
    for index, url in enumerate(numbered(urls, options.count)):
        state = default_state(_counted_up(first, index), options.serving, options.sim)
        if second:
            state.sims[1] = make_sim(second, slot=1)
        for change in options.set:
            name, equals, value = change.partition("=")
            if not equals:
                raise UsageError("modem", f"--set {change}: NAME=VALUE")
            apply(state, name, value, 0)
        modems.append((VirtualModem(state, family, chosen), url))
    _allow_files(2 * len(modems))
    control = f"unix:{options.control}" if options.control else None
    with traced(options.trace, None) as trace:

        def tell(index: int, event: Event) -> None:
            if options.verbose:
                _print_event(index, event)
            if options.trace is not None:
                trace(event if len(modems) == 1 else _marked(index, event))

        _host(ModemHost(modems, control, on_event=tell), control)
    return 0


def _host(host: ModemHost, control: str | None) -> None:
    from firmware_sim.cli.modem_control import default_control

    try:
        if control is None:
            _try_default_control(host, default_control())
        stop_on_signals()
        for index, port in enumerate(host.ports):
            state = port.modem.state
            print(
                f"modem {index}: {port.address} IMEI {state.imei} serving {state.serving}",
                flush=True,
            )
        if host.control:
            print(f"control: {host.control}", flush=True)
        host.run()
    except KeyboardInterrupt:
        return  # being told to stop is how this command ends
    finally:
        host.close()


def _try_default_control(host: ModemHost, path: str) -> None:
    try:
        host.open_control(f"unix:{path}")
    except SimError as cause:
        print(f"firmware-sim: no control socket ({cause.text})", file=sys.stderr)


_SPARE_FILES = 64
"""Files a process has open beside its ports: libraries, control, standard streams."""


def _allow_files(ports: int) -> None:
    """Raise the soft limit of open files to what that many ports need, as far as it may go."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ports + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        top = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (top, hard))


def _checked_imei(written: str) -> str:
    from firmware_sim_native import imei

    refusal = imei.check(written)
    if refusal is not None:
        raise UsageError("modem", f"IMEI {written}: {refusal.name.lower().replace('_', ' ')}")
    return written


def _counted_up(first: str, steps: int) -> str:
    """The IMEI `steps` serial numbers later, with its own check digit."""
    from firmware_sim_native import imei

    if steps == 0:
        return first
    body = f"{(int(first[:14]) + steps) % 10**14:014d}"
    return body + str(imei.check_digit(body))


def _marked(index: int, event: Event) -> Event:
    """The event with its modem's number before its text: one capture holds them all."""
    return replace(event, text=f"modem {index}: {event.text}")


def _print_event(index: int, event: Event) -> None:
    arrow = {True: "<", False: ">", None: "*"}[event.sent]
    for line in filter(None, event.text.splitlines()):
        print(f"{index} {event.at:8} {arrow} {line}", flush=True)
