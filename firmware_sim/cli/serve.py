"""firmware-sim serve: the activation server, for phones in other processes and other places."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from firmware_sim.cli.tracing import add_trace_option, check_trace, traced
from firmware_sim.errors import SimError, UsageError
from firmware_sim.events import Event

if TYPE_CHECKING:
    from firmware_sim.server.enrolment import Enrolment
    from firmware_sim.server.issuer import Issuer
    from firmware_sim.server.keys import ServerKeys
    from firmware_sim.server.store import DeviceStore


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `serve`."""
    parser.description = (
        "Answer phones that ask to be activated. SIGHUP reads policy and keys again; SIGTERM ends."
    )
    parser.add_argument(
        "--listen",
        action="append",
        metavar="URL",
        help="HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT?cert=FILE&key=FILE, unix:PATH, pty:PATH "
        "(made), or a serial port; may be repeated (default: 127.0.0.1:7470)",
    )
    parser.add_argument("--policy", metavar="FILE", help="policy file, or the name of a pack")
    parser.add_argument(
        "--keys", type=Path, metavar="DIR", help="made by `keys new`; default: keys of this run"
    )
    parser.add_argument(
        "--db", type=Path, metavar="FILE", help="SQLite file; default: all is forgotten at the end"
    )
    limits = parser.add_argument_group("whom it answers")
    limits.add_argument(
        "--enrolled", type=Path, metavar="FILE", help="lines of IMEI and device key id: only these"
    )
    limits.add_argument(
        "--one-key", action="store_true", help="the first device key of an IMEI is its only one"
    )
    limits.add_argument("--max-connections", type=int, default=256, metavar="N")
    output = parser.add_argument_group("what it says")
    output.add_argument("--quiet", action="store_true", help="only addresses and complaints")
    add_trace_option(output)
    output.add_argument("--json", action="store_true", help="one object a line for each event")


DEFAULT_LISTEN = "127.0.0.1:7470"


def run(options: argparse.Namespace) -> int:
    """0: told to end; 2: usage; 3: could not be carried out."""
    from firmware_sim.rig.serving import Serving, open_places

    check_trace(options.trace)
    if options.max_connections < 1:
        raise UsageError("server", "--max-connections must be at least 1")
    if options.enrolled is not None and options.one_key:
        raise UsageError("server", "--enrolled already says which key each IMEI has")
    issuer = _issuer(options)
    places = open_places([_url(place) for place in options.listen or [DEFAULT_LISTEN]])
    signals = _Signals()
    with ExitStack() as stack:
        stack.callback(places.close)
        show = stack.enter_context(
            traced(options.trace, _shown(options), keysets=issuer.keys.keysets)
        )
        serving = Serving(issuer, places, show, max_connections=options.max_connections)
        stack.callback(serving.close)
        for address in places.addresses:
            _say(f"listening on {address}", options.json, address=address)
        _say(
            f"policy {issuer.policy.name} version {issuer.policy.version},"
            f" keyset {issuer.keys.keyset.version}",
            options.json,
            policy=issuer.policy.name,
            version=issuer.policy.version,
        )
        while True:
            serving.run(signals.caught)
            if signals.ended:
                return 0
            signals.reload = False
            _reload(issuer, options)


def _issuer(options: argparse.Namespace) -> Issuer:
    from firmware_sim.links.entropy import SystemEntropy
    from firmware_sim.server.issuer import Issuer
    from firmware_sim.server.policyfile import DEFAULT, find

    policy = find(options.policy or DEFAULT)
    entropy = SystemEntropy()
    keys = _keys(options, entropy)
    return Issuer(
        keys=keys,
        policy=policy,
        store=_store(options.db),
        entropy=entropy,
        enrolment=_enrolment(options),
    )


def _keys(options: argparse.Namespace, entropy: Callable[[int], bytes]) -> ServerKeys:
    from firmware_sim.links.clock import unix_seconds
    from firmware_sim.server.keys import load_keys, make_keys

    if options.keys is not None:
        return load_keys(options.keys)
    if options.db is not None:
        raise UsageError("keys", "a server that remembers needs keys that last: --keys DIR")
    print("firmware-sim: keys of this run only (firmware-sim keys new DIR)", file=sys.stderr)
    return make_keys(entropy, not_before=unix_seconds())


def _store(path: Path | None) -> DeviceStore:
    from firmware_sim.server.store import MemoryStore

    if path is None:
        return MemoryStore()
    from firmware_sim.server.database import SqliteStore

    return SqliteStore(path)


def _enrolment(options: argparse.Namespace) -> Enrolment:
    from firmware_sim.server import enrolment

    if options.enrolled is None:
        return enrolment.ONE_KEY if options.one_key else enrolment.FIRST_USE
    try:
        text = options.enrolled.read_text(encoding="utf-8")
    except OSError as error:
        raise SimError("server", f"{options.enrolled}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SimError("server", f"{options.enrolled}: not UTF-8") from error
    return enrolment.parse(text, str(options.enrolled))


def _url(place: str) -> str:
    """HOST:PORT is a TCP address; everything else names its own kind."""
    host, colon, port = place.rpartition(":")
    if colon and port.isdigit() and "/" not in place and not host.lower().startswith("unix"):
        return f"tcp://{host or '127.0.0.1'}:{port}"
    return place


class _Signals:
    """What the operating system asked for, as flags that the loop looks at."""

    def __init__(self) -> None:
        self.ended = False
        self.reload = False
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._end)
        signal.signal(signal.SIGHUP, self._reload)

    def caught(self) -> bool:
        return self.ended or self.reload

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.ended = True

    def _reload(self, number: int, frame: FrameType | None) -> None:
        self.reload = True


def _reload(issuer: Issuer, options: argparse.Namespace) -> None:
    from firmware_sim.server.keys import load_keys
    from firmware_sim.server.policyfile import DEFAULT, find

    try:
        policy = find(options.policy or DEFAULT)
        if options.keys is not None:
            issuer.set_keys(load_keys(options.keys))
        issuer.set_policy(policy)
    except SimError as error:
        # What was in force stays in force: a typo must not stop phones from being answered.
        print(f"firmware-sim: {error} (nothing changed)", file=sys.stderr, flush=True)


def _shown(options: argparse.Namespace) -> Callable[[Event], None]:
    from firmware_sim.cli.timeline import Timeline

    timeline = Timeline()

    def show(event: Event) -> None:
        if event.kind == "refusal" and not event.detail:
            print(f"firmware-sim: {event.text}", file=sys.stderr, flush=True)
        elif options.json:
            row = {"at_ms": event.at, "kind": event.kind, "text": event.text, **event.detail}
            print(json.dumps(row, default=str), flush=True)
        elif not options.quiet:
            timeline(event)
            sys.stdout.flush()

    return show


def _say(text: str, as_json: bool, **fields: object) -> None:
    print(json.dumps(fields) if as_json else f"firmware-sim serve: {text}", flush=True)
