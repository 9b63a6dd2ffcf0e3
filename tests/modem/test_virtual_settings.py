"""`modem set` by name: every setting changes what a program sees, and refuses what it is not."""

from __future__ import annotations

import pytest

from firmware_sim.errors import UsageError
from firmware_sim.modem.virtual.settings import SETTINGS
from tests.support.asking import ask, fresh

# Setting -> (value, a question, its answer afterwards).
SHOWN: dict[str, tuple[str, str, str]] = {
    "access": ("gsm", "AT+COPS?", '+COPS: 0,0,"Telekom Deutschland GmbH",0'),
    "area": ("BEEF", "AT+CREG=2;+CREG?", '+CREG: 2,1,"BEEF","00166590",7'),
    "battery": ("12", "AT+CBC", "+CBC: 0,12"),
    "cell": ("1234567", "AT+CREG=2;+CREG?", '+CREG: 2,1,"7659","01234567",7'),
    "clock": ("2026-11-26T09:41:00+01:00", "AT+CCLK?", '+CCLK: "26/11/26,09:41:00+04"'),
    "forbidden": ("26201", "AT+CREG?", "+CREG: 0,3"),
    "functionality": ("4", "AT+CFUN?", "+CFUN: 4"),
    "imei": ("490154203237518", "AT+CGSN", "490154203237518"),
    "imsi": ("262019", "AT+CIMI", "262019123456789"),
    "lock.PC": ("26202:1:2", 'AT+CLCK="PC",2', "+CLCK: 1"),
    "lock.PN": ("26202", 'AT+CLCK="PN",2', "+CLCK: 1"),
    "lock.PP": ("26202:1", 'AT+CLCK="PP",2', "+CLCK: 1"),
    "lock.PU": ("26202:11", 'AT+CLCK="PU",2', "+CLCK: 1"),
    "mnc_length": ("3", "AT+CRSM=176,28589,0,0,4", '+CRSM: 144,0,"00000003"'),
    "msisdn": ("+491701234567", "AT+CNUM", '+CNUM: ,"+491701234567",145'),
    "nitz": ("2026-11-26T09:41:00-02:00", "AT+CCLK?", '+CCLK: "26/11/26,09:41:00-08"'),
    "operator": ("Test", "AT+COPS?", '+COPS: 0,0,"Test",7'),
    "pin": ("1234", "AT+CPIN?", "+CPIN: SIM PIN"),
    "pin.tries": ("0", "AT+CPIN?", "+CPIN: SIM PUK"),
    "provider": ("X", "AT+CRSM=176,28486,0,0,2", '+CRSM: 144,0,"0158"'),
    "puk.tries": ("4", 'AT+CPINR="SIM PUK"', "+CPINR: SIM PUK,4,10"),
    "registration": ("roaming", "AT+CREG?", "+CREG: 0,5"),
    "serving": ("36801", "AT+COPS=3,2;+COPS?", '+COPS: 0,2,"36801",7'),
    "signal": ("-111", "AT+CSQ", "+CSQ: 1,99"),
    "sim": ("310410", "AT+CIMI", "310410001234567"),
    "slot": ("1", "AT+CSUS?", "+CSUS: 1"),
}


ELSEWHERE = {"puk", "reject_cause", "scan_ms", "search_ms"}
"""Settings whose effect takes more than one question: below, and in test_virtual_network."""


@pytest.mark.parametrize("name", sorted(set(SETTINGS) - ELSEWHERE))
def test_a_setting_shows_in_what_a_program_reads(name: str) -> None:
    value, question, answer = SHOWN[name]
    modem = fresh()
    modem.set(name, value, 0)
    modem.outgoing()
    assert ask(modem, question)[0] == answer


@pytest.mark.parametrize("name", sorted(set(SETTINGS) - {"operator", "provider"}))
def test_a_value_that_is_none_of_its_is_refused_in_one_line(name: str) -> None:
    modem = fresh()
    with pytest.raises(UsageError) as caught:
        modem.set(name, "?!", 0)
    assert "values: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_puk_and_the_reject_cause_show_when_they_are_needed() -> None:
    modem = fresh()
    for name, value in (("puk", "99999999"), ("pin", "1234"), ("pin.tries", "0")):
        modem.set(name, value, 0)
    assert ask(modem, "AT+CPIN=99999999,4321")[-1] == "OK"
    ask(modem, "AT+CEREG=3")
    modem.set("reject_cause", "7", 0)
    modem.set("registration", "denied", 0)
    assert modem.outgoing() == b"\r\n+CEREG: 3,,,,0,7\r\n"


def test_an_unknown_setting_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UsageError, match="no setting 'colour'; there are: access, area"):
        fresh().set("colour", "red", 0)


def test_a_change_is_an_event_with_its_name_and_value() -> None:
    modem = fresh()
    modem.events()
    modem.set("signal", "-90", 7)
    [event] = modem.events()
    assert (event.at, event.part, event.kind) == (7, "modem", "state")
    assert event.detail == {"name": "signal", "value": "-90"}


def test_the_dialogue_is_told_in_events() -> None:
    modem = fresh()
    modem.events()
    modem.receive(b"AT+CSQ\r", 5)
    asked, told = modem.events()
    assert (asked.raw, asked.sent) == (b"AT+CSQ\r", False)
    assert (told.raw, told.sent) == (b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n", True)
