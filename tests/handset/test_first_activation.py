"""The whole path of one phone against a server of a few lines."""

from __future__ import annotations

import pytest

from firmware_sim.handset.firmware import UNOFFICIAL
from firmware_sim.view import Page
from firmware_sim_protocol.framing import SerialFraming, TcpFraming
from firmware_sim_protocol.numbers import Algorithm, Decision, LockState, Reason
from tests.support.deployment import Bench, Keys, Server, key


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("framing", [TcpFraming, SerialFraming])
def test_a_new_phone_activates_and_ends_at_home(algorithm, framing) -> None:
    bench = Bench(server=Server(Keys(algorithm)), framing=framing)
    bench.boot()
    assert bench.phone.view.page is Page.LANGUAGE
    phone = bench.settle()
    assert phone.view.page is Page.HOME
    assert phone.lock_state is LockState.ACTIVE
    assert phone.settled
    assert not phone.wants_link
    assert [confirm.lock_state for confirm in bench.server.confirms] == [LockState.ACTIVE]
    assert bench.refusals() == []


def test_a_locked_phone_shows_where_and_why_and_comes_up_locked() -> None:
    bench = Bench()
    bench.server.answer = {
        "decision": Decision.LOCK_TERRITORY,
        "reason": Reason.PLACE_FORBIDDEN,
        "country": "CU",
    }
    bench.boot()
    view = bench.settle().view
    assert (view.page, view.country, view.reason) == (Page.LOCKED, "CU", "territory")
    assert len(view.reference) == 9
    bench.new_phone()
    bench.online = False
    bench.boot()
    assert bench.phone.view.page is Page.LOCKED
    assert bench.settle().view.country == "CU"


def test_a_locked_phone_is_released_when_a_newer_policy_releases_it() -> None:
    bench = Bench()
    bench.server.answer = {"decision": Decision.LOCK_TERRITORY, "policy_version": 1}
    bench.boot()
    bench.settle()
    bench.server.answer = {"decision": Decision.ACTIVATE, "policy_version": 2}
    bench.restart()
    assert not bench.phone.settled
    assert bench.settle().view.page is Page.HOME


def test_a_pending_phone_waits_and_asks_again_by_itself() -> None:
    bench = Bench()
    bench.server.answer = {"decision": Decision.PENDING, "retry_after": 60}
    bench.boot()
    view = bench.settle().view
    assert view.page is Page.WAITING
    assert view.retry_s is not None
    assert 60 <= view.retry_s <= 75
    bench.server.answer = {"decision": Decision.ACTIVATE}
    assert bench.run(59_000).view.page is Page.WAITING
    assert bench.run(20_000).view.page is Page.HOME


def test_unofficial_firmware_ends_at_home_and_says_why() -> None:
    bench = Bench(firmware=UNOFFICIAL)
    bench.boot()
    assert bench.settle().view.page is Page.HOME
    assert bench.phone.lock_state is LockState.UNPROVISIONED
    assert bench.flash.changes == 0
    assert any("no activation module" in event.text for event in bench.events)
    assert bench.server.requests == []


def test_a_server_that_signs_with_another_key_moves_nothing() -> None:
    bench = Bench()
    bench.server.signer = key("somebody")
    bench.boot()
    phone = bench.settle()
    assert phone.lock_state is LockState.UNPROVISIONED
    assert phone.view.page is Page.ACTIVATING
    assert bench.refusals() == ["key-known"]
    assert bench.run(31_000).view.page is Page.SERVER_UNREACHABLE


def test_an_unreachable_server_is_asked_again_with_growing_pauses() -> None:
    bench = Bench()
    bench.online = False
    bench.boot()
    view = bench.settle().view
    assert view.page is Page.SERVER_UNREACHABLE
    assert view.problem == "no answer from the server"
    waits = []
    while len(waits) < 12:
        wait = bench.phone.wake_at() - bench.now
        waits.append(wait)
        bench.run(wait)
    for attempt, wait in enumerate(waits):
        floor = min(5_000 << attempt, 3_600_000)
        assert floor <= wait <= min(3_600_000, floor * 5 // 4)
    bench.online = True
    assert bench.run(3_600_000).view.page is Page.HOME
