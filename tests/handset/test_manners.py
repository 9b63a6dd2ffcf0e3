"""Small things that a phone does right: pages, power, floods, acknowledgements of others."""

from __future__ import annotations

import pytest

from firmware_sim.handset.evidence import SimCondition
from firmware_sim.handset.exchange import ExchangeState
from firmware_sim.view import Page, UserAction
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.numbers import Decision, LockState, MessageType
from firmware_sim_protocol.values import ConfirmAck
from tests.support.deployment import GERMANY, REALM, Bench


def act(bench: Bench, name: str, value: str = "") -> Page:
    bench.phone.acts(UserAction(name, value), bench.now)
    return bench.settle().view.page


def test_an_acknowledgement_of_another_answer_ends_nothing() -> None:
    bench = Bench()
    bench.boot()

    def exchange(reply: bytes) -> list[bytes]:
        if reply[5] != MessageType.CONFIRM_ACK:
            return [reply]
        envelope = open_envelope(reply)
        message = parse_message(envelope)
        assert isinstance(message, ConfirmAck)
        other = ConfirmAck(
            realm=REALM, device_key_id=message.device_key_id, response_hash=bytes(32)
        )
        return [build_message(other, envelope.header.exchange_id)]

    bench.intercept = exchange
    bench.settle()
    assert bench.refusals() == ["bind-request"]
    assert bench.phone.exchange_state is ExchangeState.WAIT_ACK


def test_the_power_button_restarts_the_phone_beside_the_same_modem() -> None:
    bench = Bench()
    bench.boot()
    bench.settle()
    assert act(bench, "power") is Page.HOME
    assert bench.phone.record.boot_count == 2


def test_going_back_from_an_unreachable_server_does_not_hide_why() -> None:
    bench = Bench()
    bench.online = False
    bench.boot()
    assert bench.settle().view.page is Page.SERVER_UNREACHABLE
    assert act(bench, "back") is Page.SERVER_UNREACHABLE


def test_junk_outside_an_exchange_is_not_answered() -> None:
    bench = Bench()
    bench.boot()
    bench.settle()
    sent = len(bench.server.errors)
    writes = bench.flash.changes
    for _ in range(1000):
        bench.deliver(bench.server.responses[0])
    assert bench.phone.outgoing() == b""
    assert len(bench.server.errors) == sent
    assert bench.flash.changes == writes
    assert bench.phone.lock_state is LockState.ACTIVE


def test_a_pin_is_handed_to_the_modem_once() -> None:
    bench = Bench()
    bench.boot()
    bench.see(registered=False, serving=None, sim_state=SimCondition.PIN, pin_tries=3)
    assert bench.settle().view.page is Page.SIM_PIN
    act(bench, "sim_pin", "1234")
    assert (bench.phone.pin, bench.phone.pin) == ("1234", None)
    bench.see(sim_state=SimCondition.READY)
    assert bench.settle().view.page is Page.NETWORK
    bench.see(registered=True, serving="26201")
    assert bench.settle().view.page is Page.HOME


def test_a_refused_sim_is_told_with_its_lock_and_wifi_still_helps() -> None:
    bench = Bench()
    bench.boot()
    bench.see(registered=False, serving=None, sim_state=SimCondition.LOCKED, sim_lock="PN")
    view = bench.settle().view
    assert (view.page, view.sim_lock) == (Page.SIM_LOCKED, "PN")
    act(bench, "wifi")
    assert act(bench, "wifi.join", "") is Page.HOME


@pytest.mark.parametrize("page", [Page.LANGUAGE, Page.HOME, Page.LOCKED])
def test_an_emergency_call_can_be_made_and_left(page: Page) -> None:
    bench = Bench()
    if page is Page.LOCKED:
        bench.server.answer = {"decision": Decision.LOCK_BLOCKLIST}
    bench.boot()
    if page is not Page.LANGUAGE:
        bench.settle()
    bench.phone.acts(UserAction("emergency"), bench.now)
    assert bench.phone.view.page is Page.EMERGENCY
    bench.phone.acts(UserAction("back"), bench.now)
    assert bench.phone.view.page is page


@pytest.mark.parametrize(
    "name", ["continue", "ticket", "ticket.open", "sim_pin", "warning.ok", "x"]
)
def test_a_control_that_is_not_on_the_page_does_nothing(name: str) -> None:
    bench = Bench()
    bench.boot()
    bench.settle()
    assert act(bench, name, "1") is Page.HOME


def test_octets_one_by_one_are_the_same_as_all_at_once() -> None:
    views = []
    for size in (1, 3, 10_000):
        bench = Bench()
        bench.boot()

        def split(reply: bytes, bench: Bench = bench, size: int = size) -> list[bytes]:
            data = bench.server_side.wrap(reply)
            for start in range(0, len(data), size):
                bench.phone.receive(data[start : start + size], bench.now)
            return []

        bench.intercept = split
        bench.settle()
        views.append((bench.phone.view, bench.server.requests))
        assert bench.phone.view.page is Page.HOME
    assert views[0] == views[1] == views[2]


def test_a_phone_that_is_switched_off_hears_nothing() -> None:
    bench = Bench()
    bench.phone.receive(b"junk", 0)
    bench.phone.sees(GERMANY, 0)
    bench.phone.tick(0)
    bench.phone.acts(UserAction("continue"), 0)
    assert not bench.phone.wants_link
    assert not bench.phone.settled
    assert bench.phone.wake_at() is None
    assert bench.phone.view.page is Page.BOOT


def test_a_pending_phone_asks_again_after_somebody_has_looked_at_the_ticket_page() -> None:
    bench = Bench()
    bench.server.answer = {"decision": Decision.PENDING, "retry_after": 60}
    bench.boot()
    bench.settle()
    assert act(bench, "ticket.open") is Page.TICKET
    bench.run(30_000)
    assert act(bench, "back") is Page.WAITING
    bench.server.answer = {}
    bench.run(25_000)
    assert len(bench.server.requests) == 1
    assert bench.run(25_000).view.page is Page.HOME


def test_the_deadline_of_an_exchange_does_not_close_a_challenge() -> None:
    bench = Bench()
    bench.server.answer = {"decision": Decision.LOCK_TERRITORY}
    bench.server.acknowledges = False
    bench.boot()
    bench.settle()
    bench.online = False
    assert act(bench, "ticket.open") is Page.TICKET
    challenge = bench.phone.view.challenge
    bench.run(3_600_000)
    assert bench.phone.view.challenge == challenge != ""


def test_a_typed_message_that_is_no_ticket_is_told_as_such() -> None:
    bench = Bench()
    bench.server.answer = {"decision": Decision.LOCK_TERRITORY}
    bench.boot()
    bench.settle()
    act(bench, "ticket.open")
    act(bench, "ticket", bench.phone.view.challenge)
    assert "no message to a device" in bench.phone.view.problem
