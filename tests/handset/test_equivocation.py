"""Equal version, equal decision: when the server is bound by what it said, and when it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware_sim.view import UserAction
from firmware_sim_protocol.numbers import Decision, LockState
from firmware_sim_protocol.values import Extensions, Gnss
from tests.support.deployment import OTHER_IMEI, Bench

DAY = 86_400
LOCK = {"decision": Decision.LOCK_TERRITORY, "policy_version": 3}


def told(**answer: object) -> Bench:
    """A phone that has had its first answer, under policy 3."""
    bench = Bench()
    bench.server.answer = {"policy_version": 3, **answer}
    bench.boot()
    bench.settle()
    return bench


def ask_again(bench: Bench, **answer: object) -> Bench:
    bench.server.answer = {"policy_version": 3, **answer}
    bench.phone.acts(UserAction("retry"), bench.now)
    bench.settle()
    return bench


def test_the_same_question_gets_the_same_answer() -> None:
    bench = ask_again(told(decision=Decision.LOCK_TERRITORY), decision=Decision.LOCK_TERRITORY)
    assert bench.refusals() == []
    assert len(bench.server.requests) == 2


@pytest.mark.parametrize("decision", [Decision.ACTIVATE, Decision.LOCK_FINANCE, Decision.PENDING])
def test_another_answer_to_the_same_question_is_refused(decision: Decision) -> None:
    bench = ask_again(told(decision=Decision.LOCK_TERRITORY), decision=decision)
    assert bench.refusals() == ["policy-equivocation"]
    assert bench.phone.lock_state is LockState.LOCKED_TERRITORY


def test_it_is_refused_after_a_restart_as_well() -> None:
    bench = told(decision=Decision.LOCK_TERRITORY)
    bench.server.answer = {"policy_version": 3}
    bench.restart()
    bench.settle()
    assert bench.refusals() == ["policy-equivocation"]


def test_a_newer_version_may_say_otherwise() -> None:
    bench = ask_again(told(decision=Decision.LOCK_TERRITORY), policy_version=4)
    assert bench.phone.lock_state is LockState.ACTIVE


@pytest.mark.parametrize("version", [0, 3])
def test_a_new_epoch_frees_the_server_whatever_its_version(version: int) -> None:
    bench = told(decision=Decision.LOCK_TERRITORY)
    bench.server.rotate(replace(bench.server.keyset, version=2, policy_epoch=2))
    again = ask_again(bench, policy_version=version)
    assert again.phone.lock_state is LockState.ACTIVE


def test_from_the_time_of_the_next_check_in_the_server_may_say_otherwise() -> None:
    bench = told(decision=Decision.ACTIVATE, recheck_after=DAY)
    bench.server.answer = LOCK
    bench.run(DAY * 1000 - 1000)
    assert bench.phone.lock_state is LockState.ACTIVE
    bench.run(1000)
    assert bench.phone.lock_state is LockState.LOCKED_TERRITORY
    assert bench.refusals() == []


def test_before_that_time_it_may_not() -> None:
    bench = told(decision=Decision.LOCK_TERRITORY, recheck_after=DAY)
    bench.pass_time((DAY - 1) * 1000)
    assert ask_again(bench).refusals() == ["policy-equivocation"]
    bench.pass_time(1000)
    assert ask_again(bench).phone.lock_state is LockState.ACTIVE


@pytest.mark.parametrize(
    "first",
    [
        {"decision": Decision.PENDING},
        {"decision": Decision.DEACTIVATE},
        {"extensions": Extensions(lock_notice=DAY), "recheck_after": 10 * DAY},
    ],
    ids=["pending", "deactivate", "announced"],
)
def test_an_answer_that_is_not_final_binds_nobody(first: dict[str, object]) -> None:
    bench = told(**first)
    bench.server.answer = LOCK
    bench.phone.factory_reset(bench.now)
    bench.run(20_000)
    assert bench.phone.lock_state is LockState.LOCKED_TERRITORY
    assert "policy-equivocation" not in bench.refusals()


CELLS = Gnss(latitude_e7=449_000_000, longitude_e7=341_000_000, accuracy_m=20, age_s=3)


@pytest.mark.parametrize(
    "news",
    [
        {"serving": "36801"},
        {"sim": "36801"},
        {"imei": OTHER_IMEI},
        {"imei2": OTHER_IMEI},
        {"gnss": CELLS},
        {"wifi_country": "CU"},
    ],
    ids=lambda news: next(iter(news)),
)
def test_another_question_may_get_another_answer(news: dict[str, object]) -> None:
    bench = told(decision=Decision.LOCK_TERRITORY)
    bench.server.answer = {"policy_version": 3}
    bench.see(**news)
    bench.phone.acts(UserAction("retry"), bench.now)
    assert bench.settle().lock_state is LockState.ACTIVE
    assert "policy-equivocation" not in bench.refusals()
