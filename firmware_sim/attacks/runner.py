"""Runs attacks: a positive control, the attack, a control afterwards, one verdict.

A device that refuses everything fails its controls: its verdicts are INVALID. What needs a
control that the device lacks is UNSUPPORTED. Refusal codes are scored apart: a device may
refuse for another reason than the one that the attack is about, and still be safe.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from firmware_sim.attacks.attack import Attack, Framing, Verdict
from firmware_sim.attacks.bench import Bench, Frame, Silent
from firmware_sim.attacks.device import Ability, Crashed, Device, DeviceTrouble, Hung, Lacking
from firmware_sim.attacks.world import World

ENDINGS = (Crashed, Hung, DeviceTrouble, Silent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one attack on one device came to."""

    attack: Attack
    verdict: Verdict
    why: str
    state: str = ""
    """Lock state and page after the attack, where the device tells them."""
    codes: tuple[str, ...] = ()
    """Refusal codes since the attack began."""
    frames: tuple[Frame, ...] = ()
    hostile_from: int = 0
    seconds: float = 0.0

    @property
    def code_fits(self) -> bool | None:
        """Whether the expected code was among them; None where the device tells no codes."""
        if self.verdict is not Verdict.REJECTED or not self.codes or self.attack.denial:
            return None
        return self.attack.code.value in self.codes


def run(
    chosen: Sequence[Attack], device: Device, world: World, *, controls: bool = True
) -> Iterator[Outcome]:
    """Every attack in turn. A device that breaks down in one is made anew for the next."""
    for attack in chosen:
        started = time.perf_counter()
        outcome = judge(attack, device, world, controls=controls)
        yield _timed(outcome, time.perf_counter() - started)


def _timed(outcome: Outcome, seconds: float) -> Outcome:
    return replace(outcome, seconds=seconds)


def judge(attack: Attack, device: Device, world: World, *, controls: bool = True) -> Outcome:
    """One attack and its verdict."""
    lacking = _lacking(attack, device)
    if lacking:
        return Outcome(attack=attack, verdict=Verdict.UNSUPPORTED, why=lacking)
    if controls:
        failure = control(attack, device, world, "before")
        if isinstance(failure, Lacking):
            return Outcome(attack=attack, verdict=Verdict.UNSUPPORTED, why=str(failure))
        if failure is not None:
            why = f"control before: {failure}"
            return Outcome(attack=attack, verdict=Verdict.INVALID, why=why)
    bench = Bench(device, world, attack.id)
    verdict, why = _attacked(attack, bench)
    state = _state(bench) if verdict in (Verdict.ACCEPTED, Verdict.REJECTED) else ""
    codes = tuple(code for code in bench.refusals if code)
    frames, hostile_from = tuple(bench.frames), bench.hostile_from or 0
    if controls and verdict is Verdict.REJECTED:
        verdict, why = _afterwards(attack, bench, verdict, why)
    return Outcome(
        attack=attack,
        verdict=verdict,
        why=why,
        state=state,
        codes=codes,
        frames=frames,
        hostile_from=hostile_from,
    )


def control(attack: Attack, device: Device, world: World, when: str) -> Exception | str | None:
    """The same scene played honestly; None when it reaches its goal."""
    bench = Bench(device, world, f"{attack.id} control {when}")
    try:
        attack.play(bench, False)
        reached = attack.goal(bench)
    except (*ENDINGS, Lacking) as ending:
        return ending
    if reached:
        return None
    return f"the honest scene ends in {_state(bench) or 'another state'}"


def _attacked(attack: Attack, bench: Bench) -> tuple[Verdict, str]:
    try:
        try:
            attack.play(bench, True)
        except Silent as silent:
            if bench.hostile_from is None:
                return Verdict.INVALID, f"the attack was never reached: {silent}"
        reached = attack.goal(bench)
    except Crashed as crashed:
        return Verdict.CRASH, str(crashed)
    except Hung as hung:
        return Verdict.HANG, str(hung)
    except Lacking as lacking:
        return Verdict.UNSUPPORTED, str(lacking)
    except DeviceTrouble as trouble:
        return Verdict.INVALID, trouble.text
    except Silent as silent:
        return Verdict.HANG, f"after the attack: {silent}"
    if reached is attack.denial:
        return Verdict.REJECTED, attack.expected
    if attack.denial:
        return Verdict.ACCEPTED, f"the attack put it out of action: not so that {attack.expected}"
    return Verdict.ACCEPTED, f"against the rule that {attack.rule.text}"


def _afterwards(attack: Attack, bench: Bench, verdict: Verdict, why: str) -> tuple[Verdict, str]:
    """The control after the attack: on the same device where it can recover, else a new one."""
    # In real time a recovery lasts as long as the exchange that was attacked: a new device then.
    recovers = attack.recovers and not attack.denial and Ability.TIME in bench.device.abilities
    try:
        if recovers and bench.recover():
            return verdict, why
    except ENDINGS as ending:
        failure: object = ending
    else:
        failure = "an honest server cannot activate it" if recovers else None
    fresh = control(attack, bench.device, bench.world, "after")
    if fresh is not None:
        return Verdict.INVALID, f"control after: {fresh}"
    if failure is not None:
        return Verdict.HANG, f"the device does not come back after the attack: {failure}"
    return verdict, why


def _lacking(attack: Attack, device: Device) -> str:
    wanted = Framing.SERIAL if device.serial else Framing.LENGTH
    if attack.framing not in (Framing.ANY, wanted):
        return f"needs {attack.framing.value} framing"
    missing = sorted(ability.value for ability in attack.needs - device.abilities)
    return f"the device has no control {', '.join(missing)}" if missing else ""


def _state(bench: Bench) -> str:
    try:
        report = bench.report()
    except ENDINGS:
        return ""
    return ", ".join(part for part in (report.lock_state, report.page) if part)
