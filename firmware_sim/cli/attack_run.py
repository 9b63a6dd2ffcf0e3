"""`firmware-sim attack run`: the catalogue against a device under test."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_sim.cli.tracing import Tell, add_trace_option, check_trace, traced
from firmware_sim.errors import SimError, UsageError
from firmware_sim.events import Event

if TYPE_CHECKING:
    from firmware_sim.attacks.attack import Attack
    from firmware_sim.attacks.runner import Outcome
    from firmware_sim.attacks.suite import Result, Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    which = parser.add_argument_group("which attacks")
    which.add_argument("--attack", action="append", default=[], metavar="ID", help="only this one")
    which.add_argument("--class", dest="family", action="append", default=[], metavar="CLASS")
    which.add_argument("--rule", action="append", default=[], metavar="RULE")
    device = parser.add_argument_group("which device (default: the simulator in this process)")
    device.add_argument("--twin", metavar="ID", help="the simulator without one check")
    device.add_argument(
        "--control",
        metavar="CMD",
        help="start CMD and control another device by it (firmware_sim/attacks/CONTROL.md)",
    )
    device.add_argument(
        "--listen",
        metavar="URL",
        default="tcp://127.0.0.1:0",
        help="where that device finds its server: tcp://, tls://...?cert=&key=, unix:, pty:PATH",
    )
    device.add_argument(
        "--reach",
        metavar="URL",
        help="the URL that the device is told, where it differs from --listen",
    )
    device.add_argument(
        "--timeout", type=float, default=5.0, metavar="S", help="how long a device may be silent"
    )
    how = parser.add_argument_group("how")
    how.add_argument("--algorithm", choices=("esp256", "ed25519"), default="esp256")
    how.add_argument("--framing", choices=("length", "serial"), help="default: length")
    how.add_argument("--seed", type=int, default=1, metavar="N")
    how.add_argument("-j", dest="jobs", type=int, default=1, metavar="N", help="processes")
    twins = how.add_mutually_exclusive_group()
    twins.add_argument(
        "--matrix", dest="twins", action="store_const", const="all", help="every attack x twin"
    )
    twins.add_argument("--no-twins", dest="twins", action="store_const", const="none")
    parser.set_defaults(twins="each")
    reports = parser.add_argument_group("reports")
    reports.add_argument("--junit", type=Path, metavar="FILE")
    reports.add_argument("--sarif", type=Path, metavar="FILE")
    reports.add_argument("--html", type=Path, metavar="FILE")
    reports.add_argument("--json", action="store_true", help="one object, and nothing else")
    add_trace_option(reports)


def run(options: argparse.Namespace) -> int:
    """0: nothing wrong found; 1: accepted, crashed or hung; 2: usage; 3: the run itself failed."""
    from firmware_sim.attacks.suite import Settings
    from firmware_sim.attacks.twins import twin_named
    from firmware_sim_protocol.numbers import Algorithm

    if options.control and options.twin:
        raise UsageError("attack", "--twin is the simulator's; --control names another device")
    if options.jobs < 1:
        raise UsageError("attack", "-j needs at least one process")
    check_trace(options.trace)
    chosen = _chosen(options)
    rule = next(iter(twin_named(options.twin)[0].waived)) if options.twin else None
    settings = Settings(
        algorithm=Algorithm[options.algorithm.upper()],
        serial=options.framing == "serial",
        seed=options.seed,
        twins=options.twins,
        rule=rule,
    )
    with traced(options.trace, None) as tell:
        progress = _Progress(len(chosen), quiet=options.json, tell=tell)
        result = _run(options, chosen, settings, progress)
        progress.end()
    _write(options, result)
    if options.json:
        from firmware_sim.attacks.reports.summary import summary

        print(json.dumps(summary(result), ensure_ascii=False))
    else:
        _tell(result)
    return result.status


def _chosen(options: argparse.Namespace) -> tuple[Attack, ...]:
    from firmware_sim.attacks.catalogue import attack_named, attacks

    wanted = [name for words in options.attack for name in words.split(",") if name]
    rows = tuple(attack_named(name) for name in wanted) if wanted else attacks()
    for option, values, known in (
        ("class", options.family, {row.family for row in attacks()}),
        ("rule", options.rule, {row.rule.id for row in attacks()}),
    ):
        for value in values:
            if value not in known:
                raise UsageError("attack", f"no {option} {value!r} in the catalogue")
    if options.family:
        rows = tuple(row for row in rows if row.family in options.family)
    if options.rule:
        rows = tuple(row for row in rows if row.rule.id in options.rule)
    if not rows:
        raise UsageError("attack", "no attack is left to run")
    return rows


def _run(
    options: argparse.Namespace,
    chosen: tuple[Attack, ...],
    settings: Settings,
    progress: _Progress,
) -> Result:
    from firmware_sim.attacks.suite import run_device, run_simulator

    if not options.control:
        return run_simulator(chosen, settings, options.jobs, progress)
    from firmware_sim.attacks.controlled import Controlled

    device = Controlled(
        options.control, options.listen, reach=options.reach, patience_s=options.timeout
    )
    words = f" --control {_quoted(options.control)} --listen {_quoted(options.listen)}"
    if options.reach:
        words += f" --reach {_quoted(options.reach)}"
    try:
        return run_device(chosen, device, settings, progress, words)
    finally:
        device.close()


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)


class _Progress:
    """What has been tried so far: one line that is written over, on a terminal."""

    def __init__(self, total: int, quiet: bool, tell: Tell) -> None:
        self._total = total
        self._done = 0
        self._quiet = quiet
        self._trace = _Trace(tell)
        self._terminal = sys.stderr.isatty()

    def __call__(self, outcome: Outcome) -> None:
        self._done += 1
        self._trace(outcome)
        if self._quiet:
            return
        line = f"[{self._done:3}/{self._total}] {outcome.attack.id:11} {outcome.verdict.value}"
        if self._terminal:
            print(f"\r{line:60}", end="", file=sys.stderr, flush=True)
        elif outcome.verdict.value != "rejected":
            print(line, file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._terminal and not self._quiet:
            print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)


_PARTS = {"device": "handset", "server": "server", "attacker": "link", "bench": "link"}
"""Who speaks, as the timeline of a capture names the parts."""


class _Trace:
    """The frames of one attack after the other, as events; each attack has its own clock."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._now = 0

    def __call__(self, outcome: Outcome) -> None:
        name, started = outcome.attack.id, self._now
        for number, frame in enumerate(outcome.frames):
            self._now = max(self._now, started + frame.at)
            hostile = frame.who == "attacker" and number >= outcome.hostile_from
            text = f"{name}: {frame.note or frame.who}{' (hostile)' if hostile else ''}"
            kind = "message" if frame.octets else "state"
            sent = frame.who != "bench" or None
            event = Event(self._now, _PARTS[frame.who], kind, text, raw=frame.octets, sent=sent)
            self._tell(event)
        verdict = {"attack": name, "verdict": outcome.verdict.value}
        self._tell(Event(self._now, "link", "verdict", f"{name}: {outcome.why}", verdict))


def _tell(result: Result) -> None:
    from firmware_sim.attacks.attack import WRONG, Verdict
    from firmware_sim.attacks.reports.summary import reproduce

    told: dict[str, int] = {}
    for outcome in result.outcomes:
        if outcome.verdict is Verdict.UNSUPPORTED:
            told[outcome.why] = told.get(outcome.why, 0) + 1
        elif outcome.verdict is not Verdict.REJECTED:
            attack = outcome.attack
            print(f"{outcome.verdict.name:9} {attack.id}: {attack.sent}")
            print(f"          {outcome.why}")
            if outcome.verdict in WRONG:
                print(f"          {reproduce(result, attack)}")
    for why, count in sorted(told.items()):
        print(f"UNSUPPORTED {count} attacks: {why}")
    counts = ", ".join(
        f"{result.count(verdict)} {verdict.value}" for verdict in Verdict if result.count(verdict)
    )
    print(f"{result.device}: {len(result.outcomes)} attacks: {counts}")
    fits = [outcome.code_fits for outcome in result.outcomes]
    if any(fit is not None for fit in fits):
        told_codes = fits.count(True) + fits.count(False)
        print(f"refusal codes: {fits.count(True)} of {told_codes} as expected")
    if result.twins:
        print(f"twins: {len(result.caught)} of {len(result.twins)} caught")
    for name in result.survivors:
        print(f"no attack finds the twin {name}")
    for name in result.blunt:
        print(f"{name} does not fell its twin: it proves nothing")


def _write(options: argparse.Namespace, result: Result) -> None:
    from firmware_sim.attacks.reports import junit, page, sarif

    for path, render in (
        (options.junit, junit.render),
        (options.sarif, sarif.render),
        (options.html, page.render),
    ):
        if path is None:
            continue
        try:
            path.write_text(render(result), encoding="utf-8")
        except OSError as error:
            raise SimError("report", f"cannot write {path}: {error.strerror}") from error
