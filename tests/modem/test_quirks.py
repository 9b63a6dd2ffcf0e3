"""What real modems do that breaks naive bridges; each quirk by its name.

The answers are constructed from descriptions of such modems, not recorded from them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from firmware_sim.modem import answers
from firmware_sim.modem.dialogue import DialogueOptions, ModemDialogue
from firmware_sim.modem.reading import Cell, Reading, Registration, SimState
from tests.support.modem_talk import Talk
from tests.support.scripted_modem import ERROR, OK, Late, Said, ScriptedModem, info

IMEI = "490154203237518"
READ_PLMN = ("AT+COPS?", "AT+COPS=3,2")


def talk_with(modem: ScriptedModem, options: DialogueOptions | None = None) -> Talk:
    return Talk(ModemDialogue(options or DialogueOptions()), modem).start().run()


def reading_of(**changes: Said | Sequence[Said]) -> Reading:
    """The reading of a healthy modem in which some answers are replaced."""
    talk = talk_with(ScriptedModem(named(changes)))
    assert talk.dialogue.failure is None
    assert talk.dialogue.reading is not None
    return talk.dialogue.reading


COMMANDS = {
    "creg": "AT+CREG?",
    "cops": "AT+COPS?",
    "cpin": "AT+CPIN?",
    "cgsn": "AT+CGSN",
    "cgsn2": "AT+CGSN=2",
    "cimi": "AT+CIMI",
    "ad": "AT+CRSM=176,28589,0,0,4",
    "csq": "AT+CSQ",
    "cfun": "AT+CFUN?",
    "cgmi": "AT+CGMI",
    "cclk": "AT+CCLK?",
}


def named(changes: dict[str, Said | Sequence[Said]]) -> dict[str, Said | Sequence[Said]]:
    return {COMMANDS[name]: said for name, said in changes.items()}


def test_the_healthy_modem_reads_as_written() -> None:
    reading = reading_of()
    assert reading == Reading(
        manufacturer="Maker",
        model="M1",
        revision="1.0",
        imei=IMEI,
        sim=SimState.READY,
        imsi="262011234567890",
        iccid="89490100011010325476",
        mnc_length=2,
        registration=Registration.ROAMING,
        serving="36801",
        operator="CUBACEL",
        access="LTE",
        cell=Cell("0502", "0404736D"),
        signal_dbm=-73,
        clock="2026-11-26T14:00:00+01:00",
    )


# ---- quirk 1: registration -----------------------------------------------------------------

CELL = Cell("0502", "0404736D")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('2,5,"0502","0404736D",7', CELL),
        ('5,"0502","0404736D",7', CELL),  # as an unsolicited code
        ("2,5,0502,0404736D,7", CELL),  # hexadecimal without quotes
        ("5,0502,0404736D,7", CELL),
        ("2,5,,,7", None),  # empty fields
        ("2,5,,", None),
        ('2, 5, "0502", "0404736D", 7', CELL),  # spaces
        ('2,5,"0502","0404736D",7,"01"', CELL),  # a RAC behind
        ('5,"0502","0404736D",7,01', CELL),
        ("2,5", None),
        ("5", None),
    ],
)
def test_quirk_1_registration_is_read_in_every_spelling(said: str, expected: Cell | None) -> None:
    registered = answers.read_registration(said)
    assert registered is not None
    assert registered.registration is Registration.ROAMING
    assert registered.cell == expected
    assert reading_of(creg=info(f"+CREG: {said}")).registration is Registration.ROAMING


def test_quirk_1_a_read_and_an_unsolicited_code_look_alike_and_mean_the_same() -> None:
    reading = reading_of(
        creg=b'\r\n+CREG: 2,5,"0502","0404736D"\r\n\r\n+CREG: 5,"0502","0404736D"\r\n' + OK
    )
    assert (reading.registration, reading.cell) == (Registration.ROAMING, CELL)


def test_quirk_1_an_answer_after_ok_is_not_lost() -> None:
    late = Late(((0, OK), (120, b'\r\n+CREG: 2,5,"0502","0404736D"\r\n')))
    reading = reading_of(creg=late)
    assert (reading.registration, reading.cell) == (Registration.ROAMING, CELL)


def test_quirk_1_an_area_code_is_not_taken_for_a_state() -> None:
    assert answers.read_registration("1,0005,0404736D") == answers.Registered(
        Registration.HOME, Cell("0005", "0404736D")
    )
    assert answers.read_registration("17") is None
    assert answers.read_registration('"0502"') is None


# ---- quirk 2: operator ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        '0,2,"36801",7',
        '0,2,"36801")',  # a stray bracket
        "0,2,36801",  # no quotes
        "0,2,36801,7",
        '0, 2, "36801", 7',
        '0,2,"00330036003800300031",7',  # the digits in UCS2
        '1,2,"36801",,',  # unquoted empties
    ],
)
def test_quirk_2_the_serving_network_is_read_in_every_spelling(said: str) -> None:
    reading = reading_of(cops=[info('+COPS: 0,0,"Cubacel, La Habana",7'), info(f"+COPS: {said}")])
    assert reading.serving == "36801"
    assert reading.operator == "Cubacel, La Habana"  # a comma inside quotes


def test_quirk_2_a_name_is_never_taken_for_a_network_code() -> None:
    reading = reading_of(cops=[info('+COPS: 0,0,"36801"'), info('+COPS: 0,0,"36801"')])
    assert reading.serving is None
    assert reading.problems == ("the modem names its network, but does not give its PLMN",)


def test_quirk_2_one_network_given_once_for_each_technology_is_one_network() -> None:
    found = answers.read_scan(
        '(1,"Cubacel","CUB","36801",0),(2,"Cubacel","CUB","36801",7),(3,"A, B","AB","00101"),'
        ",(0,1,2,3,4),(0,1,2)"
    )
    assert [(one.plmn, one.name, one.status, one.access) for one in found] == [
        ("36801", "Cubacel", 2, ("GSM", "LTE")),
        ("00101", "A, B", 3, ()),
    ]


# ---- quirk 3: unsolicited codes that look like answers ----------------------------------------


def test_quirk_3_unsolicited_cpin_and_csq_in_the_middle_are_understood() -> None:
    reading = reading_of(
        cpin=b"\r\n+CSQ: 5,99\r\n\r\n+CPIN: SIM PIN\r\n\r\n+CPIN: READY\r\n" + OK,
        csq=b"\r\n+CPIN: READY\r\n\r\n+CSQ: 20,99\r\n" + OK,
    )
    assert (reading.sim, reading.signal_dbm) == (SimState.READY, -73)


@pytest.mark.parametrize("noise", ["^RSSI: 12", "^BOOT:15589150,0,0,0,75", "+CIEV: 5,1", "RING"])
def test_quirk_3_codes_at_any_time_do_not_become_an_identity(noise: str) -> None:
    modem = ScriptedModem(before_each=f"\r\n{noise}\r\n".encode())
    talk = talk_with(modem)
    reading = talk.dialogue.reading
    assert reading is not None
    assert (reading.manufacturer, reading.imei, reading.imsi) == ("Maker", IMEI, "262011234567890")


# ---- quirk 4: the card starts slowly -----------------------------------------------------------

BUSY = b"\r\n+CME ERROR: 14\r\n"


def test_quirk_4_a_busy_card_is_asked_again_with_growing_pauses() -> None:
    talk = talk_with(ScriptedModem({"AT+CPIN?": [BUSY] * 5 + [info("+CPIN: READY")]}))
    assert talk.dialogue.reading is not None
    assert talk.dialogue.reading.sim is SimState.READY
    asked = [event.at for event in talk.events if event.sent and event.text == "AT+CPIN?"]
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert pauses == [250, 500, 1000, 2000, 4000]


def test_quirk_4_a_card_that_stays_busy_is_said_to_be_busy_within_its_time() -> None:
    talk = talk_with(ScriptedModem({"AT+CPIN?": BUSY}))
    assert talk.dialogue.reading is not None
    assert talk.dialogue.reading.sim is SimState.BUSY
    assert talk.now <= 25_000


def test_quirk_4_ready_too_early_is_seen_by_the_busy_answer_of_the_card() -> None:
    reading = reading_of(
        cimi=[BUSY, BUSY, info("262011234567890")], ad=[BUSY, info('+CRSM: 144,0,"00000003"')]
    )
    assert (reading.imsi, reading.mnc_length) == ("262011234567890", 3)


def test_quirk_4_no_final_ok_at_all() -> None:
    talk = talk_with(ScriptedModem({"AT+CPIN?": b"\r\n+CPIN: SIM PIN\r\n"}))
    assert talk.dialogue.reading is not None
    assert talk.dialogue.reading.sim is SimState.PIN
    assert talk.now < 5_000


def test_quirk_4_not_ready_as_a_state_is_busy_too() -> None:
    reading = reading_of(cpin=[info("+CPIN: NOT READY"), info("+CPIN: READY")])
    assert reading.sim is SimState.READY


# ---- quirk 5: the IMEI --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "imeisv"),
    [
        (info(IMEI), ""),
        (info(f'"{IMEI}"'), ""),  # quoted
        (info(f"+CGSN: {IMEI}"), ""),  # prefixed
        (info(f'+CGSN: "{IMEI}"'), ""),
        (info(f"IMEI: {IMEI}"), ""),
        (info("4901542032375101"), "4901542032375101"),  # an IMEISV
        (info("AT+CGSN", IMEI), ""),  # the echoed command
    ],
)
def test_quirk_5_the_imei_is_found_however_it_is_dressed(said: bytes, imeisv: str) -> None:
    reading = reading_of(cgsn=said)
    assert (reading.imei, reading.imeisv) == (IMEI, imeisv)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("000000000000000", "the modem has no IMEI (all zeros)"),
        (
            "490154203237517",
            "IMEI 490154203237517 has a wrong check digit (8 would be right)",
        ),
        ("49015420323751", "49015420323751 is no IMEI: 14 digits"),
        ("A1B2C3", "the modem does not tell its IMEI"),
    ],
)
def test_quirk_5_an_imei_that_is_none_is_one_clear_line(said: str, problem: str) -> None:
    talk = talk_with(ScriptedModem({"AT+CGSN": info(said)}))
    assert talk.dialogue.failure == problem
    assert talk.dialogue.so_far.manufacturer == "Maker"


def test_quirk_5_an_imei_that_differs_each_time_is_not_believed() -> None:
    other = "356938035643809"
    talk = talk_with(ScriptedModem({"AT+CGSN": [info(IMEI), info(other)] * 10}))
    assert talk.dialogue.failure is not None


def test_quirk_5_imei_and_imeisv_that_contradict_each_other_are_a_failure() -> None:
    talk = talk_with(ScriptedModem({"AT+CGSN=2": info("+CGSN: 3569380356438001")}))
    assert talk.dialogue.failure is not None
    assert "contradict" in talk.dialogue.failure


# ---- quirk 6: noise ------------------------------------------------------------------------------


def test_quirk_6_boot_banners_are_no_answers() -> None:
    modem = ScriptedModem(before_each=b"\r\nRDY\r\n\r\n+PBREADY\r\n\r\nPB DONE\r\n")
    reading = talk_with(modem).dialogue.reading
    assert reading is not None
    assert (reading.manufacturer, reading.model, reading.imei) == ("Maker", "M1", IMEI)


def test_quirk_6_nul_and_binary_bytes_do_not_end_the_dialogue() -> None:
    modem = ScriptedModem(before_each=b"\x00\x00\xff\xfe\x80\r\n")
    reading = talk_with(modem).dialogue.reading
    assert reading is not None
    assert (reading.imei, reading.serving) == (IMEI, "36801")


def test_quirk_6_a_name_that_is_no_utf_8_is_kept_as_it_came() -> None:
    reading = reading_of(cops=[b'\r\n+COPS: 0,0,"M\xf3vil",7\r\n' + OK, info('+COPS: 0,2,"36801"')])
    assert reading.operator == "Móvil"


def test_quirk_6_a_number_cut_in_two_by_noise_is_not_a_shorter_number() -> None:
    cut = b"\r\n26201123456\r\n7890\r\n" + OK
    assert reading_of(cimi=[cut, cut, cut, info("262011234567890")]).imsi == "262011234567890"


# ---- quirk 7: a modem that has almost nothing ----------------------------------------------------


def test_quirk_7_no_plain_at_no_echo_and_cr_only() -> None:
    modem = ScriptedModem({"AT": None, "ATQ0V1E1": None}, echo=False, cr_only=True)
    talk = talk_with(modem)
    assert talk.dialogue.reading is not None
    assert talk.dialogue.reading.imei == IMEI
    assert talk.dialogue.reading.serving == "36801"


def test_quirk_7_plain_at_is_refused() -> None:
    talk = talk_with(ScriptedModem({"AT": ERROR, "ATQ0V1E1": ERROR}, echo=False))
    assert talk.dialogue.reading is not None
    assert talk.dialogue.reading.imei == IMEI


def test_quirk_7_a_radio_that_booted_off_is_switched_on_once_and_said_so() -> None:
    modem = ScriptedModem({"AT+CFUN?": [info("+CFUN: 0"), info("+CFUN: 1")], "AT+CFUN=1": OK})
    talk = talk_with(modem)
    assert talk.dialogue.reading is not None
    assert modem.heard.count("AT+CFUN=1") == 1
    assert [event.text for event in talk.events if event.kind == "radio"]
    left = ScriptedModem({"AT+CFUN?": info("+CFUN: 4")})
    reading = talk_with(left).dialogue.reading
    assert reading is not None
    assert reading.problems == ("the radio is off (CFUN 4)",)
    assert "AT+CFUN=1" not in left.heard


def test_quirk_7_errors_as_numbers_although_nobody_asked() -> None:
    reading = reading_of(cpin=b"\r\n+CME ERROR: 10\r\n")
    assert reading.sim is SimState.ABSENT


def test_quirk_7_a_modem_that_refuses_the_numeric_format_while_searching() -> None:
    modem = ScriptedModem(
        {"AT+CREG?": [info("+CREG: 2,2")], "AT+COPS=3,2": [ERROR, OK], "AT+COPS=3,0": ERROR}
    )
    talk = talk_with(modem)
    reading = talk.dialogue.reading
    assert reading is not None
    assert (reading.registration, reading.serving) == (Registration.SEARCHING, None)
    assert "AT+COPS=3,2" not in modem.heard  # not asked before there is a network
    modem.changes["AT+CREG?"] = info("+CREG: 2,5")
    modem.changes["AT+COPS=3,2"] = OK
    modem.unasked.append((talk.now + 1_000, b"\r\n+CREG: 5\r\n"))
    talk.run_for(5_000)
    assert talk.dialogue.reading is not None
    assert talk.dialogue.reading.serving == "36801"


def test_quirk_7_other_words_for_no() -> None:
    for word in (b"COMMAND NOT SUPPORT", b"NA", b"MODEM ERROR: 4"):
        reading = reading_of(csq=b"\r\n" + word + b"\r\n")
        assert reading.signal_dbm is None
        assert reading.imei == IMEI


# ---- quirk 8: what costs minutes -----------------------------------------------------------------


def test_quirk_8_no_scan_and_no_new_selection_on_the_default_path() -> None:
    modem = ScriptedModem()
    talk = talk_with(modem)
    talk.run_for(120_000)
    assert not {"AT+COPS=?", "AT+COPS=0"} & set(modem.heard)


# ---- echo and lateness ---------------------------------------------------------------------------


@pytest.mark.parametrize("echo", [True, False])
def test_an_answer_that_comes_after_its_deadline_is_not_taken_for_the_next_one(echo: bool) -> None:
    late = Late(((5_400, info("490154203237518")),))
    modem = ScriptedModem({"AT+CGMR": [late, info("1.0")]}, echo=echo)
    talk = talk_with(modem)
    assert talk.dialogue.reading is not None
    assert (talk.dialogue.reading.revision, talk.dialogue.reading.imei) == ("1.0", IMEI)


def test_doubled_answers_do_not_shift_the_dialogue() -> None:
    doubled = {
        command: info(text) * 2
        for command, text in {
            "AT+CGMI": "Maker",
            "AT+CGMM": "M1",
            "AT+CGSN": IMEI,
            "AT+CIMI": "262011234567890",
        }.items()
    }
    for echo in (True, False):
        reading = talk_with(ScriptedModem(dict(doubled), echo=echo)).dialogue.reading
        assert reading is not None
        assert (reading.manufacturer, reading.model, reading.imei, reading.imsi) == (
            "Maker",
            "M1",
            IMEI,
            "262011234567890",
        )


def test_a_modem_that_stops_answering_in_the_middle_is_one_clear_line() -> None:
    modem = ScriptedModem(silent_from="AT+CFUN?")
    talk = talk_with(modem)
    assert talk.dialogue.failure == "the modem stopped answering (no answer within 5 s)"
    assert talk.now <= 60_000


def _all_silent() -> dict[str, None]:
    from firmware_sim.modem import steps

    return dict.fromkeys(command.replace("\x1b", "") for command in steps.every_command())


def test_one_command_that_is_never_answered_costs_its_time_and_not_the_reading() -> None:
    talk = talk_with(ScriptedModem({"AT+CGMR": None}))
    assert talk.dialogue.reading is not None
    assert talk.dialogue.reading.revision == ""
    assert talk.dialogue.reading.imei == IMEI


def test_the_whole_dialogue_has_one_deadline() -> None:
    slow = {command: Late(((900, info("x")),)) for command in _all_silent()}
    slow["AT"] = slow["ATQ0V1E1"] = Late(((900, OK),))
    talk = talk_with(ScriptedModem(dict(slow)), DialogueOptions(within_ms=10_000))
    assert talk.dialogue.failure is not None
    assert talk.dialogue.failure.startswith("not done after 10 s, last asked AT+")
    assert talk.now == 10_000
