"""The whole suite: the sound run, the twins, in one process or in several."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from firmware_sim.attacks.attack import WRONG, Attack, Framing, Verdict
from firmware_sim.attacks.catalogue import attack_named, attacks
from firmware_sim.attacks.device import Device, Hung
from firmware_sim.attacks.inprocess import InProcess
from firmware_sim.attacks.runner import Outcome, judge, run
from firmware_sim.attacks.twins import TWINS
from firmware_sim.attacks.world import World
from firmware_sim_protocol.numbers import Algorithm
from firmware_sim_protocol.rules import SOUND, Guard, Rule

PATIENCE_S = 60
"""Real seconds before a device in this process counts as hung; a scene takes milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What decides a run: equal settings, equal verdicts."""

    algorithm: Algorithm = Algorithm.ESP256
    serial: bool = False
    seed: int = 1
    twins: str = "each"
    """"none"; "each": each attack against its own twin; "all": the whole matrix."""
    rule: Rule | None = None
    """The twin that is the device under test; None: the sound handset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One attack on one twin."""

    attack: str
    twin: str
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything that a report tells."""

    device: str
    settings: Settings
    outcomes: tuple[Outcome, ...]
    cells: tuple[Cell, ...] = ()
    command: str = ""
    """The words that choose this device on the command line, for reproduction."""

    def count(self, verdict: Verdict) -> int:
        return sum(outcome.verdict is verdict for outcome in self.outcomes)

    @property
    def wrong(self) -> int:
        return sum(outcome.verdict in WRONG for outcome in self.outcomes)

    @property
    def twins(self) -> tuple[str, ...]:
        """The twins that were tried."""
        return tuple(dict.fromkeys(cell.twin for cell in self.cells))

    @property
    def caught(self) -> tuple[str, ...]:
        """The twins that an attack found."""
        fell = {cell.twin for cell in self.cells if cell.verdict is Verdict.ACCEPTED}
        return tuple(twin for twin in self.twins if twin in fell)

    @property
    def survivors(self) -> tuple[str, ...]:
        """Twins that nothing found: holes in the catalogue.

        A twin that only attacks outside this selection aim at was not looked for.
        """
        aimed = {outcome.attack.twin for outcome in self.outcomes}
        elsewhere = {attack.twin for attack in attacks()} - aimed
        found = elsewhere.union(self.caught)
        return tuple(twin for twin in self.twins if twin not in found)

    @property
    def blunt(self) -> tuple[str, ...]:
        """Attacks that their own twin withstood: they prove nothing."""
        own = {attack.id: attack.twin for attack in (each.attack for each in self.outcomes)}
        return tuple(
            cell.attack
            for cell in self.cells
            if own.get(cell.attack) == cell.twin and cell.verdict is not Verdict.ACCEPTED
        )

    @property
    def status(self) -> int:
        """The exit status: 1 something wrong was found, 3 the run proves nothing, 0 else."""
        if self.wrong:
            return 1
        if self.count(Verdict.INVALID) or self.blunt or self.survivors:
            return 3
        return 0


Progress = Callable[[Outcome], None]


def simulator(attack: Attack, settings: Settings, guard: Guard = SOUND) -> InProcess:
    """The handset in this process, with the framing that the attack needs."""
    serial = settings.serial
    if attack.framing is not Framing.ANY:
        serial = attack.framing is Framing.SERIAL
    return InProcess(guard, serial=serial)


def run_simulator(
    chosen: Sequence[Attack],
    settings: Settings,
    jobs: int = 1,
    progress: Progress = lambda outcome: None,
) -> Result:
    """Every attack on the handset in this process, then on twins.

    Each scene has its own device, chance and clock, so that neither the order nor `jobs`
    changes a verdict.
    """
    waived = settings.rule.name if settings.rule is not None else None
    tasks = [(attack.id, waived, True, settings) for attack in chosen]
    if settings.twins == "each" and waived is None:
        tasks += [(attack.id, attack.rule.name, False, settings) for attack in chosen]
    elif settings.twins == "all" and waived is None:
        tasks += [
            (attack.id, twin.rule.name, False, settings) for twin in TWINS for attack in chosen
        ]
    outcomes: list[Outcome] = []
    cells: list[Cell] = []
    for (name, rule, sound, _), parts in zip(tasks, _map(tasks, jobs), strict=True):
        outcome = Outcome(attack=attack_named(name), **parts)
        if sound:
            outcomes.append(outcome)
            progress(outcome)
        else:
            twin = Rule[str(rule)].id
            cells.append(Cell(attack=name, twin=twin, verdict=outcome.verdict, why=outcome.why))
    label = "simulator" if settings.rule is None else f"twin {settings.rule.id}"
    return Result(
        device=label,
        settings=settings,
        outcomes=tuple(outcomes),
        cells=tuple(cells),
        command=f" --twin {settings.rule.id}" if settings.rule is not None else "",
    )


def run_device(
    chosen: Sequence[Attack],
    device: Device,
    settings: Settings,
    progress: Progress = lambda outcome: None,
    command: str = "",
    *,
    controls: bool = True,
) -> Result:
    """Every attack on another device."""
    outcomes = []
    world = World(settings.seed, settings.algorithm)
    for outcome in run(chosen, device, world, controls=controls):
        outcomes.append(outcome)
        progress(outcome)
    return Result(device=device.name, settings=settings, outcomes=tuple(outcomes), command=command)


Task = tuple[str, str | None, bool, Settings]


def _map(tasks: Sequence[Task], jobs: int) -> Iterator[dict[str, Any]]:
    if jobs <= 1:
        yield from map(_task, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs) as pool:
        yield from pool.imap(_task, tasks, chunksize=8)


def _task(task: Task) -> dict[str, Any]:
    """One attack; an `Attack` holds functions, so only the rest of the outcome travels."""
    name, rule, sound, settings = task
    attack = attack_named(name)
    guard = SOUND if rule is None else Guard(frozenset({Rule[rule]}))
    world = _world(settings.seed, settings.algorithm)
    device = simulator(attack, settings, guard)
    try:
        with _patience():
            if sound:
                outcome = next(iter(run([attack], device, world)))
            else:
                # The twin's control counts; what it looks like afterwards does not.
                outcome = judge(attack, device, world, controls=settings.twins == "each")
    except Hung as hung:
        outcome = Outcome(attack=attack, verdict=Verdict.HANG, why=str(hung))
    names = ("verdict", "why", "state", "codes", "frames", "hostile_from", "seconds")
    if not sound:
        outcome = replace(outcome, frames=())
    return {name: getattr(outcome, name) for name in names}


_WORLDS: dict[tuple[int, Algorithm], World] = {}


def _world(seed: int, algorithm: Algorithm) -> World:
    """One world for all attacks of a process: its keys are derived once."""
    return _WORLDS.setdefault((seed, algorithm), World(seed, algorithm))


@contextmanager
def _patience() -> Iterator[None]:
    """Raises Hung in a device that runs in a circle; only a main thread can be interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(*_: object) -> None:
        raise Hung(f"no answer within {PATIENCE_S} s of real time")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
