"""The bridge's dialogue against the virtual modem, in simulated time."""

from __future__ import annotations

import pytest

from firmware_sim.modem import steps
from firmware_sim.modem.at import changes_for_good, parse_line
from firmware_sim.modem.dialogue import FIRST_ROUND, MOVES, ModemDialogue, Phase
from firmware_sim.modem.reading import Reading, Registration, SimState
from firmware_sim.modem.steps import Group
from firmware_sim.modem.virtual import (
    FaultKind,
    Lock,
    LockKind,
    VirtualModem,
    default_state,
    fault,
    load,
    names,
)
from firmware_sim.modem.virtual.state import ModemState
from tests.support.modem_talk import Talk


def read(state: ModemState) -> tuple[Talk, Reading]:
    talk = Talk(ModemDialogue(), VirtualModem(state)).start().run()
    assert talk.dialogue.failure is None
    assert talk.dialogue.reading is not None
    return talk, talk.dialogue.reading


def test_a_german_card_in_cuba_is_read_whole() -> None:
    _, reading = read(default_state(imei="490154203237518", serving="36801", sim="26201"))
    assert reading.imei == "490154203237518"
    assert reading.imeisv.startswith("49015420323751")
    assert reading.sim is SimState.READY
    assert reading.imsi.startswith("26201")
    assert reading.mnc_length == 2
    assert reading.home_plmn == "26201"
    assert reading.iccid.startswith("89")
    assert reading.registration is Registration.ROAMING
    assert reading.serving == "36801"
    assert reading.access == "LTE"
    assert reading.cell is not None
    assert reading.signal_dbm == -73
    assert reading.locks == ()
    assert reading.clock == "2026-01-01T00:00:00+00:00"
    assert reading.problems == ()


def test_a_network_code_of_three_digits_keeps_its_third() -> None:
    _, reading = read(default_state(serving="310410", sim="310410"))
    assert (reading.serving, reading.home_plmn, reading.mnc_length) == ("310410", "310410", 3)
    assert reading.registration is Registration.HOME


def test_a_modem_without_a_card_still_has_an_identity() -> None:
    state = default_state(serving="26201", sim="26201")
    state.sims = [None]
    _, reading = read(state)
    assert reading.sim is SimState.ABSENT
    assert (reading.imsi, reading.iccid, reading.home_plmn) == ("", "", None)


def test_a_card_that_wants_its_pin_is_reported_and_nothing_is_guessed() -> None:
    state = default_state(serving="26201", sim="26201")
    assert state.sims[0] is not None
    state.sims[0].pin.asked = True
    talk, reading = read(state)
    assert reading.sim is SimState.PIN
    assert reading.pin_tries == 3
    assert not [command for command in talk.commands() if command.startswith("AT+CPIN=")]


def test_a_told_pin_is_sent_once_and_opens_the_card() -> None:
    state = default_state(serving="26201", sim="26201")
    assert state.sims[0] is not None
    state.sims[0].pin.asked = True
    talk, _ = read(state)
    talk.dialogue.enter_pin("1234", talk.now)
    talk.run(limit_ms=10_000, until=lambda: talk.dialogue.so_far.imsi != "").run()
    reading = talk.dialogue.reading
    assert reading is not None
    assert reading.sim is SimState.READY
    assert talk.commands().count('AT+CPIN="1234"') == 1
    assert [event.text for event in talk.events if event.kind == "pin"] == [
        "the card accepted the PIN"
    ]
    shown = [event for event in talk.events if "+CPIN=" in event.text]
    assert [event.text for event in shown] == ['AT+CPIN="****"'] * 2  # the command and its echo
    assert not [event for event in shown if b"1234" in event.raw]


def test_a_wrong_pin_costs_one_try_and_is_not_repeated() -> None:
    state = default_state(serving="26201", sim="26201")
    assert state.sims[0] is not None
    state.sims[0].pin.asked = True
    talk, _ = read(state)
    talk.dialogue.enter_pin("9999", talk.now)
    talk.run_for(120_000)
    reading = talk.dialogue.reading
    assert reading is not None
    assert reading.sim is SimState.PIN
    assert reading.pin_tries == 2
    assert talk.commands().count('AT+CPIN="9999"') == 1


def test_a_pin_is_not_sent_to_a_card_that_does_not_ask() -> None:
    talk, _ = read(default_state(serving="26201", sim="26201"))
    talk.dialogue.enter_pin("1234", talk.now)
    talk.run_for(1_000)
    assert not [command for command in talk.commands() if command.startswith("AT+CPIN=")]
    assert [event.text for event in talk.events if event.kind == "refusal"] == [
        "the PIN was not sent: the card is ready"
    ]
    with pytest.raises(ValueError, match="4 to 8 digits"):
        talk.dialogue.enter_pin("12", talk.now)


def test_a_network_locked_card_is_shown_with_its_lock() -> None:
    state = default_state(serving="26201", sim="26201")
    lock = Lock(LockKind.NETWORK, codes=("310260",))
    lock.key.asked = True
    state.locks[LockKind.NETWORK] = lock
    _, reading = read(state)
    assert reading.sim is SimState.NETWORK_LOCKED
    assert reading.sim.lock == "PN"
    assert "PN" in reading.locks


def test_a_modem_that_never_answers_is_one_clear_line_in_five_seconds() -> None:
    class Dead:
        def receive(self, data: bytes, now: int) -> None: ...
        def tick(self, now: int) -> None: ...
        def outgoing(self) -> bytes:
            return b""

        def wake_at(self) -> int | None:
            return None

    talk = Talk(ModemDialogue(), Dead()).start().run()
    assert talk.dialogue.failure == "nothing answers AT within 5 s"
    assert 5_000 <= talk.now <= 5_100


def test_a_link_that_closes_ends_the_dialogue_and_a_new_start_revives_it() -> None:
    talk, _ = read(default_state(serving="26201", sim="26201"))
    talk.dialogue.link_lost("/dev/ttyUSB2: the other side is gone", talk.now)
    assert talk.dialogue.failure == "/dev/ttyUSB2: the other side is gone"
    assert talk.dialogue.wake_at() is None
    talk.start().run()
    assert talk.dialogue.failure is None
    assert talk.dialogue.reading is not None


def test_the_bridge_can_send_nothing_that_changes_a_modem_for_good() -> None:
    commands = steps.every_command()
    assert len(commands) > 30
    scan = steps.STEPS[steps.Group.SCAN][0].asked.command
    assert Group.SCAN not in FIRST_ROUND
    for command in commands:
        body = command.removeprefix("\x1b").removeprefix("AT")
        parsed = parse_line(body)
        assert parsed is not None, command
        lasting = [str(part) for part in parsed if changes_for_good(part)]
        if command == steps.PIN_TEMPLATE:
            assert lasting, "the registry must know that a PIN costs a try"
        else:
            assert lasting == [], command
    # What the registry would call harmless, but a rig must never do without being told.
    forbidden = ("+CFUN=0", "+CFUN=4", "+COPS=0", "+COPS=?", "+COPS=2", "+CPWD", "+CPIN=", "&W")
    for command in commands:
        if command not in (steps.PIN_TEMPLATE, scan):
            assert not any(word in command for word in forbidden), command


def test_everything_that_is_sent_is_in_the_list() -> None:
    state = default_state(serving="36801", sim="26201")
    talk, _ = read(state)
    talk.run_for(60_000)
    known = {command.removeprefix("\x1b") for command in steps.every_command()}
    assert set(talk.commands()) <= known


def test_every_phase_can_be_left_but_never_sideways() -> None:
    assert set(MOVES) == set(Phase)
    for phase, targets in MOVES.items():
        assert Phase.IDLE not in targets
        assert Phase.ATTENTION in targets, phase


def test_a_scan_is_made_only_when_told_and_may_take_minutes() -> None:
    state = default_state(serving="26201", sim="26201")
    state.scan_ms = 150_000
    talk, reading = read(state)
    assert reading.networks == ()
    talk.dialogue.scan(talk.now)
    talk.run()
    assert talk.dialogue.failure is None
    assert talk.dialogue.reading is not None
    assert "26201" in [network.plmn for network in talk.dialogue.reading.networks]
    assert talk.commands().count("AT+COPS=?") == 1
    assert talk.now >= 150_000


@pytest.mark.parametrize("name", names())
def test_every_family_of_modems_is_read_right(name: str) -> None:
    state = default_state(imei="490154203237518", serving="36801", sim="26201")
    modem = VirtualModem(state, load(name))
    talk = Talk(ModemDialogue(), modem).start().run()
    assert talk.dialogue.failure is None
    told = talk.dialogue.reading
    assert told is not None
    assert (told.imei, told.serving, told.sim) == ("490154203237518", "36801", SimState.READY)
    assert told.imsi == state.sims[0].imsi  # type: ignore[union-attr]
    assert told.home_plmn == "26201"
    assert told.registration is Registration.ROAMING
    assert told.cell is not None
    assert told.manufacturer == modem.profile.manufacturer
    modem.move("26201", talk.now)
    talk.run_for(20_000)  # families without a code for it are polled
    assert talk.dialogue.reading is not None
    assert talk.dialogue.reading.serving == "26201"


SURVIVED = {
    FaultKind.LATE,
    FaultKind.DOUBLED,
    FaultKind.TORN,
    FaultKind.CR_ONLY,
    FaultKind.BARE,
    FaultKind.URC_INSIDE,
    FaultKind.BANNER,
    FaultKind.NOISE,
    FaultKind.BUSY,
    FaultKind.PACE,
}


@pytest.mark.parametrize("every", [1, 3, 7])
@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_named_fault_ends_in_the_right_identity_or_a_clear_error(
    kind: FaultKind, every: int
) -> None:
    state = default_state(imei="490154203237518", serving="36801", sim="26201")
    modem = VirtualModem(state, faults=[fault(kind, seed=every, every=every)])
    talk = Talk(ModemDialogue(), modem).start()
    talk.run(until=lambda: modem.departure is not None or talk.rests())
    dialogue = talk.dialogue
    if modem.departure is not None:
        dialogue.link_lost("hung up", talk.now)
    assert talk.now <= 60_000
    if kind in SURVIVED:
        assert dialogue.failure is None
    if dialogue.failure is not None:
        assert dialogue.reading is None
        assert "\n" not in dialogue.failure
    else:
        assert dialogue.reading is not None
        assert (dialogue.reading.imei, dialogue.reading.serving) == ("490154203237518", "36801")
