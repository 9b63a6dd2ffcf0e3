"""A phone is carried about: the modem's news reach the lock, and the screen says so."""

from __future__ import annotations

import pytest

from firmware_sim.modem.virtual import ModemState, Secret, default_state
from firmware_sim.rig.bench import Bench
from firmware_sim.view import Page, UserAction, View
from firmware_sim_protocol.numbers import LockState


def test_a_phone_that_roams_into_cuba_after_activation_is_locked_at_its_next_check_in() -> None:
    bench = Bench(serving="26201")
    assert bench.boot().page is Page.HOME
    bench.modem.move("36801", bench.now)
    view = bench.advance(days=8)
    assert view.page is Page.LOCKED
    assert view.country == "CU"


def test_a_locked_phone_that_comes_home_is_released_at_its_next_check_in() -> None:
    bench = Bench(serving="36801", sim="26201")
    assert bench.boot().page is Page.LOCKED
    bench.modem.move("26201", bench.now)
    assert bench.advance(hours=3).page is Page.HOME


def test_no_network_is_no_answer_and_the_setup_goes_on_when_one_is_found() -> None:
    bench = Bench(serving=None, sim="26201")
    assert bench.boot().page in (Page.NETWORK, Page.ACTIVATING)
    assert bench.handset.lock_state is not LockState.ACTIVE
    bench.modem.move("26201", bench.now)
    assert bench.settle().page is Page.HOME


def test_a_server_that_is_not_reached_is_asked_again() -> None:
    bench = Bench(serving="26201")
    bench.server_up = False
    assert bench.boot().page is Page.SERVER_UNREACHABLE
    bench.server_up = True
    assert bench.advance(hours=2).page is Page.HOME


def with_pin(pin: str) -> ModemState:
    state = default_state(serving="26201")
    card = state.sims[0]
    assert card is not None
    card.pin = Secret(code=pin, asked=True)
    return state


def test_the_pin_is_asked_on_the_screen_and_typed_there() -> None:
    bench = Bench(state=with_pin("1234"))
    assert bench.boot().page is Page.SIM_PIN
    assert bench.act("sim_pin", "1234").page is Page.HOME


def test_a_wrong_pin_is_sent_once_and_the_screen_says_what_is_left() -> None:
    bench = Bench(state=with_pin("1234"))
    bench.boot()
    view = bench.act("sim_pin", "9999")
    assert view.page is Page.SIM_PIN
    assert view.pin_tries == 2


def test_the_same_seed_gives_the_same_run_to_the_byte() -> None:
    first, second = Bench(seed=5), Bench(seed=5)
    first.boot()
    second.boot()
    assert first.events == second.events
    assert first.flash.read_slot(0) == second.flash.read_slot(0)


@pytest.mark.parametrize("serving", ["36801", "25032"])
def test_nobody_who_only_touches_the_screen_gets_past_the_lock(serving: str) -> None:
    bench = Bench(serving=serving)
    bench.boot()
    for name in ("continue", "back", "retry", "wifi", "back", "emergency", "back", "warning.ok"):
        bench.act(name)
    assert bench.handset.lock_state is LockState.LOCKED_TERRITORY
    assert bench.view.page is Page.LOCKED


def test_a_person_chooses_the_language_before_anything_is_asked() -> None:
    touched: list[Page] = []

    def person(view: View) -> UserAction | None:
        if view.page is Page.LANGUAGE and not touched:
            touched.append(view.page)
            return UserAction("language", "es")
        return UserAction("continue") if view.page is Page.LANGUAGE else None

    bench = Bench(serving="36801", person=person)
    view = bench.boot()
    assert view.locale == "es"
    assert bench.drawing.summary()["title"] == "Este dispositivo está bloqueado"
