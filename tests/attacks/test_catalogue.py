"""The catalogue is complete: each rule is attacked, each row left out has its reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from firmware_sim.attacks.attack import Attack
from firmware_sim.attacks.catalogue import attack_named, attacks
from firmware_sim.attacks.catalogue.left_out import LEFT_OUT
from firmware_sim.attacks.curves import A, B, P
from firmware_sim.attacks.twins import NOT_OF_THE_DEVICE, TWINS, twin_named
from firmware_sim.errors import UsageError
from firmware_sim_protocol.rules import Rule

SPEC = (Path(__file__).resolve().parents[2] / "protocol" / "SPEC.md").read_text(encoding="utf-8")


def test_every_rule_of_a_device_is_attacked() -> None:
    attacked = {attack.rule for attack in attacks()}
    assert attacked == set(Rule) - set(NOT_OF_THE_DEVICE)


def test_every_twin_stands_for_one_rule() -> None:
    assert {twin.rule for twin in TWINS} == set(Rule) - set(NOT_OF_THE_DEVICE)
    assert all(twin.guard.waived == {twin.rule} for twin in TWINS)


@pytest.mark.parametrize("attack", attacks(), ids=lambda each: each.id)
def test_every_attack_cites_a_section_that_exists(attack: Attack) -> None:
    number, title = attack.section.split(" ", 1)
    heading = rf"^#+ {re.escape(number)}\.? {re.escape(title)}$"
    assert re.search(heading, SPEC, flags=re.MULTILINE), attack.section
    assert attack.source
    assert attack.sent


def test_no_attack_is_left_out_that_is_there() -> None:
    there = {attack.id for attack in attacks()}
    assert not there & set(LEFT_OUT)
    assert all(len(reason) > 20 for reason in LEFT_OUT.values())


def test_a_twin_is_found_by_its_rule_and_by_an_attack() -> None:
    guard, text = twin_named("SIG-007")
    assert guard.waived == {Rule.SIG_LOW_S}
    assert twin_named("sig-low-s") == (guard, text)
    assert text.startswith("TWIN sig-low-s: ")


@pytest.mark.parametrize("name", ["", "no-such-rule", "layout-plmn"])
def test_what_is_no_twin_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        twin_named(name)
    assert "\n" not in str(refused.value)


def test_an_attack_is_found_in_any_case() -> None:
    assert attack_named("sig-001") is attack_named("SIG-001")
    with pytest.raises(UsageError):
        attack_named("SIG-999")


def test_the_x_that_is_no_point_is_none() -> None:
    x = 1
    assert pow(x**3 + A * x + B, (P - 1) // 2, P) == P - 1
