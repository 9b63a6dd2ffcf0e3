"""Retry, recheck, announced locks, change of place: when a phone asks, and with what."""

from __future__ import annotations

import pytest

from firmware_sim.handset.exchange import ExchangeState
from firmware_sim.view import Page, UserAction
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.numbers import Cause, Decision, LockState, MessageType, Reason
from firmware_sim_protocol.values import Error, Extensions
from tests.support.deployment import NOW_S, Bench

DAY = 86_400


def cause_of(request: bytes) -> Cause | None:
    return parse_message(open_envelope(request)).extensions.cause


def test_a_reconnect_sends_the_same_request_while_its_exchange_lives() -> None:
    bench = Bench()
    bench.boot()
    bench.intercept = lambda reply: [] if reply[5] == MessageType.RESPONSE else [reply]
    bench.settle()
    assert bench.phone.exchange_state is ExchangeState.WAIT_RESPONSE
    bench.phone.link_lost(bench.now, "reset by peer")
    bench.linked = False
    assert bench.settle().exchange_state is ExchangeState.BACKOFF
    bench.intercept = lambda reply: [reply]
    assert bench.run(7_000).view.page is Page.HOME
    first, second = bench.server.requests
    assert first == second


def test_after_the_deadline_a_new_request_with_a_new_nonce_goes_out() -> None:
    bench = Bench()
    bench.boot()
    bench.intercept = lambda reply: [] if reply[5] == MessageType.RESPONSE else [reply]
    bench.settle()
    bench.run(29_999)
    assert bench.phone.exchange_state is ExchangeState.WAIT_RESPONSE
    bench.run(1)
    assert bench.phone.exchange_state is ExchangeState.BACKOFF
    assert bench.refusals() == ["exchange-deadline"]
    bench.intercept = lambda reply: [reply]
    assert bench.run(7_000).view.page is Page.HOME
    first, second = (parse_message(open_envelope(raw)) for raw in bench.server.requests)
    assert first.device_nonce != second.device_nonce


def test_a_trickle_of_octets_does_not_put_the_deadline_off() -> None:
    bench = Bench()
    bench.boot()
    bench.intercept = lambda reply: [] if reply[5] == MessageType.RESPONSE else [reply]
    bench.settle()
    junk = build_message(Error(stage=0, retry_after=None), 1)
    frame = bench.server_side.wrap(junk)[:-1]
    for _ in range(4):
        bench.phone.receive(frame[:10], bench.now)
        bench.run(8_000)
    assert bench.phone.exchange_state is not ExchangeState.WAIT_RESPONSE
    assert "frame-deadline" in bench.refusals()


def test_a_lost_confirmation_is_repeated_and_then_given_up() -> None:
    bench = Bench()
    bench.server.acknowledges = False
    bench.boot()
    assert bench.settle().view.page is Page.HOME
    assert bench.phone.exchange_state is ExchangeState.WAIT_ACK
    bench.phone.link_lost(bench.now, "reset by peer")
    bench.linked = False
    bench.run(7_000)
    assert [confirm.response_hash for confirm in bench.server.confirms] == [
        bench.server.confirms[0].response_hash
    ] * 2
    bench.run(30_000)
    assert bench.phone.exchange_state is ExchangeState.IDLE
    assert bench.phone.lock_state is LockState.ACTIVE


def test_an_active_phone_checks_in_when_its_recheck_is_due_and_a_lock_arrives_days_later() -> None:
    bench = Bench()
    bench.server.answer = {"decision": Decision.ACTIVATE, "recheck_after": 3 * DAY}
    bench.boot()
    assert bench.settle().view.page is Page.HOME
    bench.server.answer = {"decision": Decision.LOCK_TERRITORY, "policy_version": 2}
    assert bench.run((3 * DAY - 1) * 1000).view.page is Page.HOME
    assert len(bench.server.requests) == 1
    assert bench.run(1000).view.page is Page.LOCKED
    assert cause_of(bench.server.requests[1]) is Cause.RECHECK


def test_an_active_phone_stays_active_while_the_server_is_silent() -> None:
    bench = Bench()
    bench.server.answer = {"recheck_after": DAY}
    bench.boot()
    bench.settle()
    bench.online = False
    assert bench.run(30 * DAY * 1000).view.page is Page.HOME


def test_the_recheck_survives_a_restart_by_the_wall_clock() -> None:
    bench = Bench()
    bench.server.answer = {"recheck_after": 3 * DAY}
    bench.boot()
    bench.settle()
    bench.pass_time(2 * DAY * 1000)
    bench.restart()
    bench.settle()
    assert len(bench.server.requests) == 1
    bench.run(DAY * 1000)
    assert len(bench.server.requests) == 2


def test_a_wall_clock_that_was_set_back_brings_the_check_in_forward() -> None:
    bench = Bench()
    bench.server.answer = {"recheck_after": 3 * DAY}
    bench.boot()
    bench.settle()
    bench.rtc_s = NOW_S - 10 * DAY
    bench.restart()
    assert bench.settle().view.page is Page.HOME
    assert len(bench.server.requests) == 2


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (Reason.FINANCE, LockState.LOCKED_FINANCE),
        (Reason.BLOCKLISTED, LockState.LOCKED_BLOCKLIST),
        (Reason.PLACE_FORBIDDEN, LockState.LOCKED_TERRITORY),
    ],
)
def test_an_announced_lock_warns_first_and_comes_without_the_server(reason, state) -> None:
    bench = Bench()
    bench.server.answer = {"reason": reason, "extensions": Extensions(lock_notice=10 * DAY)}
    bench.boot()
    view = bench.settle().view
    assert (view.page, view.lock_in_s) == (Page.WARNING, 10 * DAY)
    assert view.reason == state.name.removeprefix("LOCKED_").lower()
    bench.phone.acts(UserAction("warning.ok"), bench.now)
    assert bench.phone.view.page is Page.HOME
    bench.online = False
    bench.run(4 * DAY * 1000)
    bench.restart()
    assert bench.settle().view.page is Page.WARNING
    bench.run(6 * DAY * 1000)
    assert bench.phone.lock_state is state
    assert bench.phone.view.page is Page.LOCKED
    bench.restart()
    assert bench.phone.lock_state is state
    bench.server.answer = {"policy_version": 2}
    bench.online = True
    assert bench.run(3_600_000).view.page is Page.HOME


def test_a_phone_that_moves_asks_about_the_place_where_it_is_now() -> None:
    bench = Bench()
    bench.boot()
    bench.settle()
    bench.server.answer = {"decision": Decision.LOCK_TERRITORY, "country": "CU"}
    bench.see(serving="36801")
    assert bench.settle().view.page is Page.LOCKED
    assert cause_of(bench.server.requests[1]) is Cause.PLACE_CHANGED
    bench.server.answer = {}
    bench.see(serving="26201")
    assert bench.settle().view.page is Page.HOME


def test_losing_the_network_is_no_change_of_place() -> None:
    bench = Bench()
    bench.boot()
    bench.settle()
    bench.see(serving=None, registered=False)
    bench.see(serving="26201", registered=True)
    bench.settle()
    assert len(bench.server.requests) == 1


def test_a_phone_that_moves_while_it_waits_for_the_answer_asks_anew_at_once() -> None:
    bench = Bench()
    bench.boot()
    held: list[bytes] = []

    def hold(reply: bytes) -> list[bytes]:
        if reply[5] == MessageType.RESPONSE and not held:
            held.append(reply)
            bench.see(serving="36801")
        return [reply]

    bench.intercept = hold
    assert bench.settle().view.page is Page.HOME
    assert bench.refusals() == ["bind-place"]
    first, second = (parse_message(open_envelope(raw)) for raw in bench.server.requests)
    assert (first.serving_plmn, second.serving_plmn) == ("26201", "36801")
    assert first.device_nonce != second.device_nonce


def test_deactivate_sends_the_phone_back_to_setup_without_a_loop() -> None:
    bench = Bench()
    bench.server.answer = {"recheck_after": DAY}
    bench.boot()
    bench.settle()
    bench.server.answer = {"decision": Decision.DEACTIVATE, "policy_version": 2}
    bench.run(DAY * 1000)
    assert bench.phone.lock_state is LockState.SETUP_LOCKED
    assert bench.phone.view.page is Page.WAITING
    before = len(bench.server.requests)
    bench.run(60_000)
    assert len(bench.server.requests) - before <= 4
    bench.server.answer = {"policy_version": 3}
    assert bench.run(3_600_000).view.page is Page.HOME


def test_pending_backs_off_and_never_asks_sooner_than_it_was_told() -> None:
    bench = Bench()
    bench.server.answer = {"decision": Decision.PENDING, "retry_after": 40}
    bench.boot()
    bench.settle()
    waits = []
    for _ in range(8):
        wait = bench.phone.wake_at() - bench.now
        waits.append(wait)
        bench.run(wait)
    assert min(waits) >= 40_000
    assert waits[-1] >= 5_000 << 7
    assert len(bench.server.requests) == 9


def test_an_error_lengthens_the_pause_by_an_hour_at_most_and_changes_nothing() -> None:
    bench = Bench()
    bench.boot()
    error = build_message(Error(stage=8, retry_after=10 * DAY), 1)
    bench.intercept = lambda reply: [error]
    phone = bench.settle()
    assert phone.lock_state is LockState.UNPROVISIONED
    assert phone.view.page is Page.SERVER_UNREACHABLE
    assert phone.view.retry_s == 3600


def test_a_person_does_not_have_to_wait() -> None:
    bench = Bench()
    bench.online = False
    bench.boot()
    bench.settle()
    bench.online = True
    bench.phone.acts(UserAction("retry"), bench.now)
    assert bench.settle().view.page is Page.HOME


def test_eight_drops_are_survived_and_the_ninth_ends_the_attempt() -> None:
    bench = Bench()
    bench.boot()
    count = 8

    def precede(reply: bytes) -> list[bytes]:
        if reply[5] != MessageType.RESPONSE:
            return [reply]
        forged = reply[:-1] + bytes([reply[-1] ^ 1])
        return [forged] * count + [reply]

    bench.intercept = precede
    assert bench.settle().view.page is Page.HOME
    assert bench.refusals() == ["sig-verifies"] * 8
    other = Bench()
    other.boot()
    count = 9
    other.intercept = precede
    assert other.settle().view.page is Page.SERVER_UNREACHABLE
    assert other.refusals()[:9] == ["sig-verifies"] * 9
