"""Whose phone this is: another IMEI, another key, a reset, a copied record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware_sim.handset.board import Board
from firmware_sim.view import Page, UserAction
from firmware_sim_protocol.codec import parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.numbers import Cause, Decision, Evidence, LockState, MessageType
from firmware_sim_protocol.values import Cell, Extensions, Gnss
from tests.support.deployment import IMEI, OTHER_IMEI, Bench, key

DAY = 86_400


def last_request(bench: Bench):
    return parse_message(open_envelope(bench.server.requests[-1]))


def active() -> Bench:
    bench = Bench()
    bench.server.answer = {"policy_version": 5}
    bench.boot()
    bench.settle()
    assert bench.phone.lock_state is LockState.ACTIVE
    return bench


def test_a_phone_with_another_imei_is_set_up_anew_and_keeps_its_floors() -> None:
    bench = active()
    floor = bench.phone.floor
    bench.online = False
    bench.see(imei=OTHER_IMEI)
    assert bench.phone.view.page is Page.LANGUAGE
    assert bench.phone.lock_state is LockState.SETUP_LOCKED
    bench.restart()
    assert bench.settle().lock_state is LockState.SETUP_LOCKED
    assert bench.phone.floor == floor
    bench.online = True
    assert bench.run(10_000).view.page is Page.HOME
    request = last_request(bench)
    assert (request.imei, request.policy_version) == (OTHER_IMEI, 5)
    assert request.extensions.cause is Cause.IDENTITY_CHANGED


def test_an_active_phone_is_not_home_before_its_modem_has_told_the_imei() -> None:
    bench = active()
    bench.new_phone()
    bench.boot(evidence=False)
    assert bench.phone.view.page is Page.BOOT
    assert not bench.phone.settled
    bench.phone.sees(bench.evidence, bench.now)
    assert bench.phone.view.page is Page.HOME


def test_another_second_imei_is_another_phone() -> None:
    bench = Bench()
    bench.evidence = replace(bench.evidence, imei2="356938035643809")
    bench.boot()
    bench.settle()
    assert last_request(bench).imei2 == "356938035643809"
    bench.online = False
    bench.see(imei2="001010123456780")
    assert bench.phone.lock_state is LockState.SETUP_LOCKED


def test_the_board_fills_in_the_second_imei_that_the_modem_has_no_command_for() -> None:
    board = Board(imei=IMEI, imei2=OTHER_IMEI, device_key=key("device"), storage_key=bytes(32))
    bench = Bench(board=board)
    bench.boot()
    bench.settle()
    assert last_request(bench).imei2 == OTHER_IMEI


def test_another_device_key_over_the_same_record_is_another_phone() -> None:
    bench = active()
    bench.board = replace(bench.board, device_key=key("another device"))
    bench.online = False
    bench.restart()
    assert bench.settle().lock_state is LockState.SETUP_LOCKED
    assert bench.refusals() == ["store-device"]
    assert bench.phone.record.policy_version == 5
    bench.online = True
    assert bench.run(10_000).view.page is Page.HOME


def test_a_record_that_was_copied_to_another_board_is_worth_nothing() -> None:
    bench = active()
    bench.board = Board(imei=IMEI, device_key=key("other"), storage_key=b"\1" * 32)
    bench.restart()
    view = bench.settle().view
    assert view.page is Page.STORAGE_FAULT
    assert view.problem
    assert bench.phone.lock_state is LockState.STORE_FAULT
    assert bench.refusals().count("store-mac") == 2
    assert len(bench.server.requests) == 1


def test_a_factory_reset_forgets_the_activation_but_no_floor() -> None:
    bench = active()
    floor = bench.phone.floor
    bench.phone.factory_reset(bench.now)
    assert bench.phone.view.page is Page.LANGUAGE
    assert bench.phone.lock_state is LockState.SETUP_LOCKED
    bench.server.answer = {"policy_version": 4}
    bench.settle()
    assert bench.refusals() == ["policy-version"]
    assert bench.phone.floor == floor
    assert bench.phone.lock_state is LockState.SETUP_LOCKED
    assert last_request(bench).extensions.cause is Cause.FACTORY_RESET
    bench.server.answer = {"policy_version": 5}
    assert bench.run(10_000).view.page is Page.HOME


def test_a_factory_reset_does_not_lift_a_lock() -> None:
    bench = Bench()
    bench.server.answer = {"decision": Decision.LOCK_FINANCE}
    bench.boot()
    bench.settle()
    bench.online = False
    bench.phone.factory_reset(bench.now)
    assert bench.settle().view.page is Page.LOCKED


def test_every_kind_of_evidence_is_told_with_its_flag() -> None:
    bench = Bench()
    cell = Cell(access=7, area=0x1234, cell=0xABCDEF)
    fix = Gnss(latitude_e7=449_000_000, longitude_e7=341_000_000, accuracy_m=20, age_s=3)
    bench.evidence = replace(bench.evidence, cell=cell, gnss=fix, wifi_country="UA")
    bench.boot()
    bench.phone.acts(UserAction("language", "uk"), bench.now)
    bench.server.answer = {"extensions": Extensions(display_text="Bitte warten")}
    bench.settle()
    request = last_request(bench)
    expected = Extensions(cell=cell, gnss=fix, wifi_country="UA", locale="uk", cause=Cause.FIRST)
    assert request.extensions == expected
    assert request.evidence == (
        Evidence.SERVING | Evidence.SIM | Evidence.CELL | Evidence.GNSS | Evidence.WIFI_COUNTRY
    )


def test_the_text_of_the_server_is_shown_on_the_locked_page() -> None:
    bench = Bench()
    bench.server.answer = {
        "decision": Decision.LOCK_TERRITORY,
        "extensions": Extensions(display_text="Ask the shop."),
    }
    bench.boot()
    assert bench.settle().view.message == "Ask the shop."
    bench.online = False
    bench.restart()
    assert bench.settle().view.message == "Ask the shop."


def test_wifi_lets_a_phone_without_a_sim_ask() -> None:
    bench = Bench()
    bench.evidence = replace(bench.evidence, serving=None, sim=None, registered=False, operator="")
    bench.boot()
    assert bench.settle().view.page is Page.NETWORK
    bench.phone.acts(UserAction("wifi"), bench.now)
    assert bench.phone.view.page is Page.WIFI
    bench.phone.acts(UserAction("wifi.join", "CU"), bench.now)
    assert bench.settle().view.page is Page.HOME
    request = last_request(bench)
    assert (request.serving_plmn, request.extensions.wifi_country) == (None, "CU")


def test_the_boots_of_a_phone_are_counted() -> None:
    bench = Bench()
    bench.boot()
    bench.settle()
    assert last_request(bench).boot_count == 1
    bench.restart()
    bench.restart()
    assert bench.phone.record.boot_count == 3


@pytest.mark.parametrize(
    ("news", "rule"),
    [({"imei": OTHER_IMEI}, "bind-imei"), ({"imei2": OTHER_IMEI}, "store-imei")],
    ids=["first", "second"],
)
def test_a_modem_that_is_exchanged_while_the_answer_is_under_way_is_found_out(news, rule) -> None:
    bench = Bench()
    bench.evidence = replace(bench.evidence, imei2="001010123456780")
    bench.boot()

    def exchange(reply: bytes) -> list[bytes]:
        if reply[5] == MessageType.RESPONSE and len(bench.server.requests) == 1:
            bench.see(**news)
        return [reply]

    bench.intercept = exchange
    bench.settle()
    assert rule in bench.refusals()
    bench.online = True
    assert bench.run(20_000).view.page is Page.HOME
    assert len(bench.server.requests) == 2
    last = last_request(bench)
    assert (last.imei, last.imei2) == (bench.evidence.imei, bench.evidence.imei2)


def test_a_phone_whose_store_is_lost_listens_to_nobody() -> None:
    bench = active()
    answer = bench.server.responses[0]
    bench.flash.restore(b"", b"")
    bench.restart()
    bench.settle()
    bench.deliver(answer)
    assert bench.phone.lock_state is LockState.STORE_FAULT
    assert bench.phone.view.page is Page.STORAGE_FAULT
