"""After the first reading: what changes in the modem is noticed, read again, and told."""

from __future__ import annotations

from firmware_sim.modem.dialogue import ModemDialogue, Phase
from firmware_sim.modem.reading import Registration, SimState
from firmware_sim.modem.virtual import VirtualModem, default_state, make_sim
from tests.support.modem_talk import Talk
from tests.support.scripted_modem import ScriptedModem, info


def watching(serving: str = "26201", sim: str = "26201") -> tuple[Talk, VirtualModem]:
    modem = VirtualModem(default_state(serving=serving, sim=sim))
    talk = Talk(ModemDialogue(), modem).start().run()
    assert talk.dialogue.phase is Phase.WATCHING
    talk.events.clear()
    return talk, modem


def told(talk: Talk) -> list[dict[str, object]]:
    return [dict(event.detail) for event in talk.events if event.kind == "reading"]


def test_roaming_into_cuba_is_told_within_a_second() -> None:
    talk, modem = watching()
    modem.move("36801", talk.now)
    talk.run_for(1_000)
    assert talk.dialogue.reading is not None
    assert talk.dialogue.reading.serving == "36801"
    assert talk.dialogue.reading.registration is Registration.ROAMING
    assert told(talk)[-1]["serving"] == "36801"


def test_a_lost_network_is_told_and_so_is_its_return() -> None:
    talk, modem = watching()
    modem.set("registration", "searching", talk.now)
    talk.run_for(1_000)
    assert talk.dialogue.reading is not None
    assert (talk.dialogue.reading.registration, talk.dialogue.reading.serving) == (
        Registration.SEARCHING,
        None,
    )
    modem.set("registration", "home", talk.now)
    talk.run_for(1_000)
    assert talk.dialogue.reading.registration is Registration.HOME
    assert talk.dialogue.reading.serving == "26201"


def test_a_card_that_is_taken_out_takes_its_imsi_with_it() -> None:
    talk, modem = watching()
    modem.set("sim", "none", talk.now)
    talk.run_for(1_000)
    reading = talk.dialogue.reading
    assert reading is not None
    assert (reading.sim, reading.imsi, reading.iccid) == (SimState.ABSENT, "", "")


def test_a_card_that_is_put_in_is_read() -> None:
    talk, modem = watching()
    modem.set("sim", "none", talk.now)
    talk.run_for(1_000)
    modem.set("sim", "310410", talk.now)
    talk.run_for(1_000)
    reading = talk.dialogue.reading
    assert reading is not None
    assert reading.sim is SimState.READY
    assert reading.home_plmn == "310410"


def test_a_change_that_no_code_announces_is_found_by_the_next_poll() -> None:
    talk, modem = watching()
    modem.state.sims[0] = make_sim("36801")  # nobody calls settle: nothing is reported
    talk.run_for(16_000)
    assert talk.dialogue.reading is not None
    assert talk.dialogue.reading.home_plmn == "36801"


def test_the_same_news_over_and_over_cause_no_new_questions() -> None:
    modem = ScriptedModem()
    talk = Talk(ModemDialogue(), modem).start().run()
    before = len(modem.heard)
    line = b'\r\n+CREG: 5,"0502","0404736D",7\r\n\r\n+CPIN: READY\r\n\r\n^RSSI: 9\r\n'
    modem.unasked += [(talk.now + 100 * turn, line) for turn in range(50)]
    talk.run_for(10_000)
    assert len(modem.heard) == before


def test_news_that_never_stop_are_answered_at_most_five_times_a_second() -> None:
    modem = ScriptedModem()
    talk = Talk(ModemDialogue(), modem).start().run()
    before = modem.heard.count("AT+CREG?")
    modem.unasked += [
        (talk.now + 20 * turn, f"\r\n+CREG: {2 + turn % 2}\r\n".encode()) for turn in range(250)
    ]
    talk.run_for(5_000)
    assert 5 <= modem.heard.count("AT+CREG?") - before <= 26


def test_signal_codes_change_the_reading_without_a_question() -> None:
    modem = ScriptedModem()
    talk = Talk(ModemDialogue(), modem).start().run()
    before = len(modem.heard)
    modem.unasked.append((talk.now + 100, b"\r\n+CSQ: 31,99\r\n"))
    talk.run_for(1_000)
    assert talk.dialogue.reading is not None
    assert talk.dialogue.reading.signal_dbm == -51
    assert len(modem.heard) == before


def test_a_modem_that_restarts_is_read_from_the_beginning() -> None:
    modem = ScriptedModem()
    talk = Talk(ModemDialogue(), modem).start().run()
    modem.echo = False
    modem.changes["AT+CGMR"] = info("2.0")
    modem.unasked.append((talk.now + 100, b"\r\nRDY\r\n"))
    talk.run_for(3_000)
    assert talk.dialogue.reading is not None
    assert talk.dialogue.reading.revision == "2.0"


def test_a_modem_that_dies_while_watched_is_a_failure_and_the_last_reading_is_kept() -> None:
    modem = ScriptedModem()
    talk = Talk(ModemDialogue(), modem).start().run()
    modem.silent_from = "ATQ0V1E1"
    talk.run_for(60_000)
    assert talk.dialogue.failure == "the modem stopped answering (no answer within 5 s)"
    assert talk.dialogue.reading is not None
