"""Each attack is refused by the sound handset, and each one's twin falls to it."""

from __future__ import annotations

import pytest

from firmware_sim.attacks.attack import Attack, Framing, Verdict
from firmware_sim.attacks.catalogue import attacks
from firmware_sim.attacks.inprocess import InProcess
from firmware_sim.attacks.runner import Outcome, judge
from firmware_sim.attacks.world import World
from firmware_sim_protocol.numbers import Algorithm
from firmware_sim_protocol.rules import SOUND, Guard

WORLDS = {algorithm: World(1, algorithm) for algorithm in Algorithm}


def _judged(attack: Attack, algorithm: Algorithm, guard: Guard, serial: bool) -> Outcome:
    serial = serial if attack.framing is Framing.ANY else attack.framing is Framing.SERIAL
    return judge(attack, InProcess(guard, serial=serial), WORLDS[algorithm])


@pytest.mark.parametrize("algorithm", list(Algorithm), ids=lambda each: each.name)
@pytest.mark.parametrize("serial", [False, True], ids=["length", "serial"])
@pytest.mark.parametrize("attack", attacks(), ids=lambda each: each.id)
def test_the_sound_handset_refuses(attack: Attack, serial: bool, algorithm: Algorithm) -> None:
    outcome = _judged(attack, algorithm, SOUND, serial)
    assert outcome.verdict is Verdict.REJECTED, outcome.why
    assert outcome.code_fits is not False, (outcome.codes, attack.code)


@pytest.mark.parametrize("algorithm", list(Algorithm), ids=lambda each: each.name)
@pytest.mark.parametrize("attack", attacks(), ids=lambda each: each.id)
def test_its_twin_falls_to_it(attack: Attack, algorithm: Algorithm) -> None:
    twin = Guard(frozenset({attack.rule}))
    outcome = _judged(attack, algorithm, twin, False)
    assert outcome.verdict is Verdict.ACCEPTED, (outcome.verdict, outcome.why, outcome.codes)
