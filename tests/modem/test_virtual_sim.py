"""PIN, PUK, personalisation, the card's files, two cards."""

from __future__ import annotations

import pytest

from firmware_sim.modem.virtual import VirtualModem
from tests.support.asking import ask, fresh, unasked

OK = "OK"


def pin_modem(pin: str = "1234") -> VirtualModem:
    modem = fresh()
    modem.set("pin", pin, 0)
    unasked(modem)
    ask(modem, "AT+CMEE=1")
    return modem


def test_the_right_pin_opens_the_card_and_the_network_follows() -> None:
    modem = pin_modem()
    ask(modem, "AT+CREG=1")
    assert ask(modem, "AT+CPIN?") == ["+CPIN: SIM PIN", OK]
    assert ask(modem, 'AT+CPIN="1234"') == [OK, "+CREG: 1"]
    assert ask(modem, "AT+CPIN?;+CIMI") == ["+CPIN: READY", "262010012345678", OK]


def test_three_wrong_pins_ask_for_the_puk_and_ten_wrong_puks_block_the_card() -> None:
    modem = pin_modem()
    assert [ask(modem, 'AT+CPIN="0000"') for _ in range(3)] == [
        ["+CME ERROR: 16"],
        ["+CME ERROR: 16"],
        ["+CME ERROR: 12"],
    ]
    assert ask(modem, "AT+CPIN?") == ["+CPIN: SIM PUK", OK]
    assert ask(modem, 'AT+CPIN="1234"') == ["+CME ERROR: 50"]
    answers = [ask(modem, 'AT+CPIN="00000000","1111"') for _ in range(10)]
    assert answers == [["+CME ERROR: 12"]] * 9 + [["+CME ERROR: 13"]]
    assert ask(modem, "AT+CPIN?") == ["+CME ERROR: 13"]


def test_the_puk_sets_a_new_pin_and_gives_the_tries_back() -> None:
    modem = pin_modem()
    for _ in range(3):
        ask(modem, 'AT+CPIN="0000"')
    assert ask(modem, 'AT+CPIN="12345678","77"') == ["+CME ERROR: 50"]
    assert ask(modem, 'AT+CPIN="12345678","7777"') == [OK]
    assert ask(modem, "AT+CPINR") == ["+CPINR: SIM PIN,3,3", "+CPINR: SIM PUK,10,10", OK]
    ask(modem, "AT+CFUN=0")
    ask(modem, "AT+CFUN=1")
    assert ask(modem, "AT+CPIN?") == ["+CPIN: SIM PIN", OK]
    assert ask(modem, "AT+CPIN=7777") == [OK]


def test_a_wrong_pin_between_right_ones_costs_nothing_in_the_end() -> None:
    modem = pin_modem()
    ask(modem, "AT+CPIN=0000")
    assert ask(modem, 'AT+CPINR="SIM PIN"') == ["+CPINR: SIM PIN,2,3", OK]
    ask(modem, "AT+CPIN=1234")
    assert ask(modem, 'AT+CPINR="SIM PIN"') == ["+CPINR: SIM PIN,3,3", OK]


def test_the_pin_is_switched_on_changed_and_off_through_clck_and_cpwd() -> None:
    modem = fresh()
    ask(modem, "AT+CMEE=1")
    assert ask(modem, 'AT+CLCK="SC",2') == ["+CLCK: 0", OK]
    assert ask(modem, 'AT+CLCK="SC",0,"1234"') == ["+CME ERROR: 3"]
    assert ask(modem, 'AT+CLCK="SC",1,"1234"') == [OK]
    assert ask(modem, 'AT+CPWD="SC","9999","4321"') == ["+CME ERROR: 16"]
    assert ask(modem, 'AT+CPWD="SC","1234","4321"') == [OK]
    assert ask(modem, 'AT+CLCK="SC",2') == ["+CLCK: 1", OK]
    assert ask(modem, 'AT+CLCK="SC",0,"4321";+CLCK="SC",2') == ["+CLCK: 0", OK]
    assert ask(modem, 'AT+CPWD="P2","1","2"') == ["+CME ERROR: 4"]


@pytest.mark.parametrize(
    ("kind", "foreign", "own", "asked", "refusal"),
    [
        ("PN", "26202", "26201", "PH-NET PIN", 41),
        ("PU", "26201:99", "26201:00", "PH-NETSUB PIN", 43),
        ("PP", "26201:0A", "26201:", "PH-SP PIN", 45),
        ("PC", "26201:0A:0B", "26201::", "PH-CORP PIN", 47),
    ],
)
def test_each_personalisation_keeps_a_foreign_card_out_until_its_key_is_given(
    kind: str, foreign: str, own: str, asked: str, refusal: int
) -> None:
    modem = fresh()
    ask(modem, "AT+CMEE=1;+CREG=1")
    modem.set(f"lock.{kind}", own, 0)
    assert ask(modem, f'AT+CPIN?;+CLCK="{kind}",2') == ["+CPIN: READY", "+CLCK: 1", OK]
    modem.set(f"lock.{kind}", f"{foreign}/87654321", 0)
    assert unasked(modem) == ["+CREG: 0"]
    assert ask(modem, "AT+CPIN?") == [f"+CPIN: {asked}", OK]
    assert ask(modem, "AT+CIMI") == ["262010012345678", OK]
    assert ask(modem, 'AT+CPIN="11111111"') == ["+CME ERROR: 16"]
    assert ask(modem, f'AT+CPINR="{asked}"') == [f"+CPINR: {asked},9,10", OK]
    for _ in range(8):
        assert ask(modem, f'AT+CLCK="{kind}",0,"11111111"') == ["+CME ERROR: 16"]
    assert ask(modem, f'AT+CLCK="{kind}",0,"11111111"') == [f"+CME ERROR: {refusal}"]
    puk = asked.replace("PIN", "PUK")
    assert ask(modem, "AT+CPIN?") == [f"+CPIN: {puk}", OK]
    assert ask(modem, f'AT+CLCK="{kind}",0,"87654321"') == [f"+CME ERROR: {refusal}"]
    assert ask(modem, 'AT+CPIN="12345678"') == [OK]
    assert ask(modem, 'AT+CPIN="87654321"') == [OK, "+CREG: 1"]
    assert ask(modem, f'AT+CLCK="{kind}",2') == ["+CLCK: 0", OK]


def test_a_personalisation_engaged_by_command_takes_its_code_from_the_card() -> None:
    modem = fresh()
    ask(modem, "AT+CMEE=1")
    assert ask(modem, 'AT+CLCK="PN",1,"55555555"') == [OK]
    assert ask(modem, 'AT+CPIN?;+CLCK="PN",2') == ["+CPIN: READY", "+CLCK: 1", OK]
    assert ask(modem, 'AT+CLCK="PN",1,"55555555"') == ["+CME ERROR: 3"]
    modem.set("sim", "26203", 0)
    assert ask(modem, "AT+CPIN?")[-2:] == ["+CPIN: PH-NET PIN", OK]
    modem.set("sim", "26201", 0)
    assert ask(modem, "AT+CPIN?")[-2:] == ["+CPIN: READY", OK]


def test_a_facility_that_is_never_engaged_can_be_asked_and_not_set() -> None:
    modem = fresh()
    ask(modem, "AT+CMEE=1")
    assert ask(modem, 'AT+CLCK="FD",2') == ["+CLCK: 0", OK]
    assert ask(modem, 'AT+CLCK="FD",1,"1"') == ["+CME ERROR: 4"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("AT+CRSM=176,12258,0,0,10", '+CRSM: 144,0,"986202010000000000F5"'),
        ("AT+CRSM=176,12258,0,2,3", '+CRSM: 144,0,"020100"'),
        ("AT+CRSM=176,12258,0,0,11", "+CRSM: 108,10"),
        ("AT+CRSM=176,12258,0,99,1", "+CRSM: 107,0"),
        ("AT+CRSM=176,28589,0,0,0", '+CRSM: 144,0,"00000002"'),
        ("AT+CRSM=176,28423,0,0,9", '+CRSM: 144,0,"082926100021436587"'),
        ("AT+CRSM=176,28486,0,0,17", '+CRSM: 144,0,"0154656C656B6F6D20446575747363686C"'),
        ("AT+CRSM=178,28599,1,4,4", '+CRSM: 144,0,"11F2FF00"'),
        ("AT+CRSM=178,28599,9,4,4", "+CRSM: 106,131"),
        ("AT+CRSM=178,28599,1,4,9", "+CRSM: 108,4"),
        ("AT+CRSM=176,28599,0,0,4", "+CRSM: 105,129"),
        ("AT+CRSM=178,28589,1,4,4", "+CRSM: 105,129"),
        ("AT+CRSM=176,1,0,0,4", "+CRSM: 106,130"),
        ("AT+CRSM=192,1", "+CRSM: 106,130"),
        ("AT+CRSM=192,28589", '+CRSM: 144,0,"62148202412183026FAD8A01058B036F060180020004"'),
        ('AT+CRSM=214,28589,0,0,4,"00000003"', "+CRSM: 105,133"),
    ],
)
def test_files_are_read_with_the_status_words_of_a_card(line: str, answer: str) -> None:
    assert ask(fresh(), line) == [answer, OK]


@pytest.mark.parametrize(("sim", "length"), [("26201", "02"), ("310410", "03")])
def test_ef_ad_tells_the_length_of_the_mnc(sim: str, length: str) -> None:
    assert ask(fresh(sim=sim), "AT+CRSM=176,28589,0,0,4") == [
        f'+CRSM: 144,0,"000000{length}"',
        OK,
    ]


def test_an_old_card_has_an_ef_ad_without_the_length() -> None:
    modem = fresh(sim="310410")
    modem.set("mnc_length", "none", 0)
    assert ask(modem, "AT+CRSM=176,28589,0,0,0") == ['+CRSM: 144,0,"000000"', OK]


def test_behind_the_pin_only_the_free_files_can_be_read() -> None:
    modem = pin_modem()
    assert ask(modem, "AT+CRSM=176,28423,0,0,9") == ["+CRSM: 105,130", OK]
    assert ask(modem, "AT+CRSM=176,28589,0,0,4") == ['+CRSM: 144,0,"00000002"', OK]


def card(modem: VirtualModem, apdu: str) -> str:
    [answer, final] = ask(modem, f'AT+CSIM={len(apdu)},"{apdu}"')
    assert final == OK
    length, _, data = answer.removeprefix("+CSIM: ").partition(",")
    assert int(length) == len(data.strip('"'))
    return data.strip('"')


def test_apdus_select_and_read_files() -> None:
    modem = fresh()
    assert card(modem, "00A4040007A0000000871002") == "6128"
    assert card(modem, "00A40004026F07") == "6116"
    assert card(modem, "00B0000009") == "0829261000214365879000"
    assert card(modem, "00C0000004") == "621482029000"
    assert card(modem, "00A40004026FB7") == "6119"
    assert card(modem, "00B2020404") == "19F1FF009000"
    assert card(modem, "A0A40000026FAD") == "9F0F"
    assert card(modem, "A0C000000F") == "000000046FAD04000FFFFF010200009000"
    assert card(modem, "00A4000402FFFF") == "6A82"
    assert card(modem, "00A4040002A1A1") == "6A82"
    assert card(modem, "0084000008") == "6D00"
    assert card(modem, "1084000008") == "6E00"
    assert card(modem, "00A40004") == "6700"


def test_apdus_verify_change_switch_and_unblock_the_pin() -> None:
    modem = pin_modem()
    right, wrong, new = "31323334FFFFFFFF", "30303030FFFFFFFF", "37373737FFFFFFFF"
    puk = "3132333435363738"
    assert card(modem, "0020000100") == "63C3"
    assert card(modem, f"0020000108{wrong}") == "63C2"
    assert card(modem, f"0020000108{right}") == "9000"
    assert ask(modem, "AT+CPIN?") == ["+CPIN: READY", OK]
    assert card(modem, f"0024000110{right}{new}") == "9000"
    assert card(modem, f"0026000108{new}") == "9000"
    assert card(modem, f"0028000108{new}") == "9000"
    assert [card(modem, f"0020000108{wrong}") for _ in range(3)] == ["63C2", "63C1", "6983"]
    assert card(modem, f"0020000108{new}") == "6983"
    assert card(modem, f"002C000110{wrong}{right}") == "63C9"
    assert card(modem, f"002C000110{puk}{right}") == "9000"
    assert card(modem, f"0020008108{right}") == "6A88"


def test_taking_the_card_out_and_in_is_told_and_the_network_goes_with_it() -> None:
    modem = fresh()
    ask(modem, "AT+CREG=1;+CMEE=1")
    modem.set("sim", "none", 0)
    assert unasked(modem) == ["+CPIN: NOT INSERTED", "+CREG: 0"]
    assert ask(modem, "AT+CPIN?") == ["+CME ERROR: 10"]
    modem.set("sim", "26201", 0)
    assert unasked(modem) == ["+CPIN: READY", "+CREG: 1"]


def test_the_second_slot_holds_another_card() -> None:
    modem = fresh()
    modem.set("slot", "1", 0)
    assert ask(modem, "AT+CSUS?")[-2:] == ["+CSUS: 1", OK]
    modem.set("sim", "36801", 0)
    unasked(modem)
    assert ask(modem, "AT+CIMI") == ["368010112345678", OK]
    ask(modem, "AT+CREG=1")
    assert ask(modem, "AT+CSUS=0") == [OK, "+CPIN: READY", "+CREG: 1"]
    assert ask(modem, "AT+CIMI") == ["262010012345678", OK]


@pytest.mark.parametrize(
    ("kind", "lets_in", "keeps_out"),
    [("PU", "262010", "262011"), ("PP", "26201", ""), ("PC", "26201", "")],
)
def test_every_personalisation_can_be_engaged_by_command(
    kind: str, lets_in: str, keeps_out: str
) -> None:
    modem = fresh()
    ask(modem, "AT+CMEE=1")
    assert ask(modem, f'AT+CLCK="{kind}",1') == ["+CME ERROR: 50"]
    assert ask(modem, f'AT+CLCK="{kind}",1,"55555555";+CLCK="{kind}",2') == ["+CLCK: 1", OK]
    assert ask(modem, "AT+CPIN?") == ["+CPIN: READY", OK]
    modem.set("sim", "36801", 0)
    assert ask(modem, "AT+CPIN?")[-2].startswith("+CPIN: PH-")
    modem.set("sim", "26201", 0)
    if keeps_out:
        modem.set("imsi", keeps_out + "9", 0)
        assert ask(modem, "AT+CPIN?")[-2] == "+CPIN: PH-NETSUB PIN"
        modem.set("imsi", lets_in + "0", 0)
    assert ask(modem, "AT+CPIN?")[-2:] == ["+CPIN: READY", OK]


def test_a_personalisation_that_is_not_there_cannot_be_taken_away() -> None:
    modem = fresh()
    ask(modem, "AT+CMEE=1")
    assert ask(modem, 'AT+CLCK="PN",0,"12345678"') == ["+CME ERROR: 3"]


def test_the_own_number_lies_on_the_card_and_in_its_answer() -> None:
    modem = fresh()
    modem.set("msisdn", "+491701234567", 0)
    # 14 bytes without a name, 7 bytes follow, +49..., no extension.
    record = "FF" * 14 + "07919471103254" + "76" + "FF" * 6
    assert ask(modem, "AT+CRSM=178,28480,1,4,28") == [f'+CRSM: 144,0,"{record}"', OK]
    assert ask(modem, "AT+CRSM=242")[0].startswith('+CRSM: 144,0,"62')


def test_a_state_written_from_python_is_reported_when_it_settles() -> None:
    modem = fresh()
    ask(modem, "AT+CREG=1")
    modem.state.sims[0] = None
    assert unasked(modem) == []
    modem.settle(10)
    assert unasked(modem) == ["+CPIN: NOT INSERTED", "+CREG: 0"]
