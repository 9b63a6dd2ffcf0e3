"""The device in C, written from SPEC.md alone: sound as it is, and with one hole at a time.

The suite must find exactly the holes that a build flag opens.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from firmware_sim.attacks.attack import Verdict
from firmware_sim.attacks.catalogue import attack_named, attacks
from firmware_sim.attacks.controlled import Controlled
from firmware_sim.attacks.suite import Result, Settings, run_device
from firmware_sim_protocol.numbers import Algorithm
from tests.support.cdevice import HOLES, SOURCES, build

OPENABLE = tuple(sorted(set().union(*HOLES.values())))
UNSUPPORTED = {"FRM-005", "FRM-011", "FRM-012", "FRM-013", "FRM-013-A"}  # serial framing
UNSUPPORTED |= {"ODP-053"}  # it has no typed form
UNSUPPORTED |= {"STO-007", "STO-008", "STO-008-E", "POL-008"}  # its record is its own affair


def _run(
    program: Path, names: tuple[str, ...], settings: Settings, *, controls: bool = True
) -> Result:
    device = Controlled(str(program), "tcp://127.0.0.1:0", patience_s=20.0)
    try:
        return run_device(
            [attack_named(name) for name in names], device, settings, controls=controls
        )
    finally:
        device.close()


def _those(result: Result, verdict: Verdict) -> set[str]:
    return {one.attack.id for one in result.outcomes if one.verdict is verdict}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cdevice")


@pytest.mark.parametrize("algorithm", list(Algorithm), ids=lambda each: each.name)
def test_without_holes_it_refuses_everything(folder: Path, algorithm: Algorithm) -> None:
    names = tuple(attack.id for attack in attacks())
    result = _run(build(folder), names, Settings(algorithm=algorithm))
    others = [one for one in result.outcomes if one.verdict is not Verdict.REJECTED]
    assert {one.attack.id for one in others} == UNSUPPORTED, [
        (one.attack.id, one.verdict, one.why) for one in others
    ]
    assert all(one.code_fits is not False for one in result.outcomes)


@pytest.mark.parametrize("flag", sorted(HOLES))
def test_each_hole_is_found_and_no_other(folder: Path, flag: str) -> None:
    program = build(folder, flag)
    own = _run(program, tuple(sorted(HOLES[flag])), Settings())
    assert _those(own, Verdict.ACCEPTED) == HOLES[flag], [one.why for one in own.outcomes]
    # The controls of all other attacks ran on the sound build, which differs in one check.
    others = tuple(name for name in OPENABLE if name not in HOLES[flag])
    rest = _run(program, others, Settings(), controls=False)
    assert _those(rest, Verdict.REJECTED) == set(others), [
        (one.attack.id, one.verdict, one.why)
        for one in rest.outcomes
        if one.verdict is not Verdict.REJECTED
    ]


def test_every_flag_of_the_sources_is_tried() -> None:
    text = "".join(source.read_text() for source in SOURCES.glob("*.c"))
    assert set(re.findall(r"ODAP_BUG_(\w+)", text)) == set(HOLES)


def test_the_holes_are_of_many_classes() -> None:
    families = {attack_named(next(iter(sorted(names)))).family for names in HOLES.values()}
    assert len(families) >= 10


def test_the_device_shares_nothing_with_the_simulator() -> None:
    for source in (*SOURCES.glob("*.c"), *SOURCES.glob("*.h")):
        included = re.findall(r'#include "([^"]+)"', source.read_text())
        assert set(included) <= {"device.h", "state.h"}, source.name
