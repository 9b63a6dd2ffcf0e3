"""firmware-sim lab: phones on a page, live and touchable."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from firmware_sim.cli.tracing import add_trace_option, check_trace, traced
from firmware_sim.errors import SimError, UsageError
from firmware_sim.events import Event

if TYPE_CHECKING:
    from firmware_sim.lab.phone import Setup

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lab`."""
    parser.description = "Serve a page with live phones, and the API under it."
    parser.add_argument("--listen", default="127.0.0.1:8021", metavar="HOST:PORT")
    parser.add_argument(
        "--token", help="asked of every caller; needed to listen elsewhere than on loopback"
    )
    parser.add_argument("--phones", type=int, default=1, metavar="N", help="phones to begin with")
    parser.add_argument("--serving", default="36801", metavar="PLMN")
    parser.add_argument("--sim", default="26201", metavar="PLMN")
    parser.add_argument("--imei", help="of the first phone; the others count on")
    parser.add_argument("--locale", default="en", metavar="TAG")
    parser.add_argument("--vendor", default="Norvik")
    parser.add_argument("--policy", metavar="FILE", help="policy file, or the name of a pack")
    parser.add_argument("--algorithm", choices=("esp256", "ed25519"), default="esp256")
    parser.add_argument("--twin", metavar="ID", help="vulnerable twins (see `attack list`)")
    parser.add_argument("--seed", type=int, metavar="N", help="the same keys and nonces each time")
    add_trace_option(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted. 0 at the end, 2 for wrong usage, 3 when it cannot listen."""
    import socket

    import uvicorn

    from firmware_sim.lab.handlers import Lab
    from firmware_sim.lab.service import Access, Service
    from firmware_sim.links.clock import MonotonicClock, unix_seconds
    from firmware_sim.links.entropy import SeededEntropy, SystemEntropy

    check_trace(options.trace)
    host, port = _address(options.listen)
    if host not in LOOPBACK and not options.token:
        raise UsageError("lab", f"to listen on {host}, which is not loopback, give a --token")
    if not 0 <= options.phones <= 64:
        raise UsageError("lab", f"0 to 64 phones, not {options.phones}")
    entropy = SystemEntropy() if options.seed is None else SeededEntropy(options.seed)
    lab = Lab(MonotonicClock(), unix_seconds, entropy, _setup(options))
    for number in range(options.phones):
        lab.add(_numbered(lab.defaults, number), on=False)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named so that asyncio switches Nagle's algorithm off on what it accepts:
    # it costs 40 ms an answer otherwise.
    door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
        door.listen()  # from here on a caller waits instead of being turned away
    except OSError as error:
        door.close()
        raise SimError("lab", f"cannot listen on {options.listen}: {error.strerror}") from error
    port = door.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    names = frozenset(f"{name}:{port}" for name in (shown, "127.0.0.1", "localhost", "[::1]"))
    service = Service(lab, Access(names, options.token))
    query = f"?token={options.token}" if options.token else ""
    print(f"lab: listening on http://{shown}:{port}/{query}", flush=True)
    config = uvicorn.Config(
        service.app(), log_level="warning", lifespan="on", timeout_graceful_shutdown=1
    )
    trusted = [phone.trust for phone in lab.phones.values()]
    with traced(options.trace, None, keysets=trusted) as tell:

        def observe(name: str, event: Event) -> None:
            tell(replace(event, text=f"{name}: {event.text}"))

        if options.trace is not None:
            lab.observe(observe)
        uvicorn.Server(config).run(sockets=[door])
    return 0


def _setup(options: argparse.Namespace) -> Setup:
    from firmware_sim.lab.phone import Setup
    from firmware_sim.modem.virtual import DEFAULT_IMEI
    from firmware_sim.rig.plan import Plan, check
    from firmware_sim.screen import catalog
    from firmware_sim_protocol.numbers import Algorithm
    from firmware_sim_protocol.rules import SOUND

    check(Plan(imei=options.imei, serving=options.serving, sim=options.sim))
    catalog.catalog(options.locale)  # says so now when there is none
    guard, notice = SOUND, ""
    if options.twin is not None:
        from firmware_sim.attacks.twins import twin_named

        guard, notice = twin_named(options.twin)
    return Setup(
        imei=options.imei or DEFAULT_IMEI,
        serving=options.serving,
        sim=options.sim,
        locale=options.locale,
        vendor=options.vendor,
        policy=options.policy,
        algorithm=Algorithm[options.algorithm.upper()],
        guard=guard,
        notice=notice,
    )


def _numbered(setup: Setup, number: int) -> Setup:
    """The same with the IMEI `number` further on."""

    from firmware_sim_native import imei

    body = f"{(int(setup.imei[:14]) + number) % 10**14:014d}"
    return replace(setup, imei=body + str(imei.check_digit(body)))


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise UsageError("lab", f"{text!r} is not HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)
