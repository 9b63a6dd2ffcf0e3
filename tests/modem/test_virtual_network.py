"""Registration in all domains, reports, operator selection, scan, signal, clock."""

from __future__ import annotations

import pytest

from firmware_sim.modem.virtual import Access, Registration, VirtualModem, default_state
from tests.support.asking import ask, fresh, unasked

OK = "OK"
DOMAINS = ("+CREG", "+CGREG", "+CEREG", "+C5GREG")


@pytest.mark.parametrize("stat", list(Registration))
def test_what_the_network_says_is_read_in_every_domain(stat: Registration) -> None:
    modem = fresh()
    modem.set("registration", stat.name.lower(), 0)
    expected = int(stat)
    assert ask(modem, "AT+CREG?;+CGREG?;+CEREG?") == [
        f"{name}: 0,{expected}" for name in DOMAINS[:3]
    ] + [OK]


@pytest.mark.parametrize(
    ("access", "stats", "cgreg"),
    [
        ("gsm", (1, 1, 0, 0), '+CGREG: 2,1,"7659","6590",0,"01"'),
        ("edge", (1, 1, 0, 0), '+CGREG: 2,1,"7659","6590",3,"01"'),
        ("utran", (1, 1, 0, 0), '+CGREG: 2,1,"7659","00166590",2,"01"'),
        ("hspa", (1, 1, 0, 0), '+CGREG: 2,1,"7659","00166590",6,"01"'),
        ("lte", (1, 1, 1, 0), '+CGREG: 2,1,"7659","00166590",7'),
        ("nb_iot", (1, 1, 1, 0), '+CGREG: 2,1,"7659","00166590",9'),
        ("en_dc", (1, 1, 1, 0), '+CGREG: 2,1,"7659","00166590",13'),
        ("nr", (0, 0, 0, 1), "+CGREG: 2,0"),
        ("ng_ran", (0, 0, 0, 1), "+CGREG: 2,0"),
    ],
)
def test_each_technology_registers_in_its_own_domains(
    access: str, stats: tuple[int, ...], cgreg: str
) -> None:
    modem = fresh()
    modem.set("access", access, 0)
    asked = ";".join(f"{name}?" for name in DOMAINS)
    assert ask(modem, f"AT{asked}") == [
        f"{name}: 0,{stat}" for name, stat in zip(DOMAINS, stats, strict=True)
    ] + [OK]
    assert ask(modem, "AT+CGREG=2;+CGREG?") == [cgreg, OK]


def test_a_5g_cell_has_a_long_area_a_long_cell_and_a_slice() -> None:
    modem = fresh()
    modem.set("access", "nr", 0)
    modem.set("area", "ABCDEF", 0)
    modem.set("cell", "FEDCBA987", 0)
    assert ask(modem, "AT+C5GREG=2;+C5GREG?") == [
        '+C5GREG: 2,1,"ABCDEF","0FEDCBA987",11,1,"01"',
        OK,
    ]


@pytest.mark.parametrize("name", DOMAINS[:3])
def test_a_change_is_reported_as_each_mode_asks_and_mode_0_is_silent(name: str) -> None:
    told: dict[int, list[str]] = {}
    for mode in range(4):
        modem = fresh()
        ask(modem, f"AT{name}={mode}")
        modem.set("registration", "denied", 0)
        modem.set("registration", "auto", 0)
        told[mode] = unasked(modem)
    here = f'{name}: 1,"7659","00166590",7'
    assert told == {
        0: [],
        1: [f"{name}: 3", f"{name}: 1"],
        2: [f"{name}: 3", here],
        3: [f"{name}: 3,,,,0,11", here],
    }


def test_a_new_cell_is_reported_in_mode_2_and_not_in_mode_1() -> None:
    modem = fresh()
    ask(modem, "AT+CREG=1;+CEREG=2")
    modem.set("cell", "ABCDEF1", 0)
    assert unasked(modem) == ['+CEREG: 1,"7659","0ABCDEF1",7']


def test_reports_come_after_the_result_of_the_command_that_caused_them() -> None:
    modem = fresh()
    ask(modem, "AT+CREG=1;+CEREG=1")
    assert ask(modem, "AT+COPS=2;+COPS?") == ["+COPS: 2", OK, "+CREG: 0", "+CEREG: 0"]
    assert ask(modem, "AT+COPS=0") == [OK, "+CREG: 1", "+CEREG: 1"]


def test_reports_are_framed_like_information_and_silent_under_q1() -> None:
    modem = fresh()
    ask(modem, "AT+CREG=1")
    modem.set("registration", "denied", 0)
    assert modem.outgoing() == b"\r\n+CREG: 3\r\n"
    ask(modem, "ATQ1")
    modem.set("registration", "auto", 0)
    assert modem.outgoing() == b""


def test_moving_changes_country_and_a_search_takes_its_time() -> None:
    modem = fresh()
    ask(modem, "AT+CREG=1;+COPS=3,2")
    modem.set("search_ms", "4000", 0)
    modem.move("36801", 1000)
    assert unasked(modem) == ["+CREG: 2"]
    assert modem.wake_at() == 5000
    modem.tick(4999)
    assert unasked(modem) == []
    assert ask(modem, "AT+COPS?", 4999) == ["+COPS: 0", OK]
    modem.tick(5000)
    assert unasked(modem) == ["+CREG: 5"]
    assert ask(modem, "AT+COPS?", 5000) == ['+COPS: 0,2,"36801",7', OK]
    assert modem.wake_at() is None


def test_a_search_comes_before_the_network_after_power_up_the_pin_and_flight_mode() -> None:
    state = default_state(serving="26201")
    state.search_ms = 3000
    modem = VirtualModem(state)
    ask(modem, "ATE0+CREG=1")
    assert ask(modem, "AT+CREG?", 2999) == ["+CREG: 1,2", OK]
    modem.tick(3000)
    assert unasked(modem) == ["+CREG: 1"]
    assert ask(modem, "AT+CFUN=4", 4000) == [OK, "+CREG: 0"]
    assert ask(modem, "AT+CFUN=1", 5000) == [OK, "+CREG: 2"]
    modem.tick(8000)
    assert unasked(modem) == ["+CREG: 1"]
    modem.set("pin", "1234", 9000)
    assert unasked(modem) == ["+CREG: 0"]
    assert ask(modem, "AT+CPIN=1234", 9000) == [OK, "+CREG: 2"]
    assert modem.wake_at() == 12000


def test_without_coverage_the_modem_searches_and_measures_nothing() -> None:
    modem = fresh(serving="none")
    assert ask(modem, "AT+CREG?;+COPS?;+CSQ;+CESQ") == [
        "+CREG: 0,2",
        "+COPS: 0",
        "+CSQ: 99,99",
        "+CESQ: 99,99,255,255,255,255",
        OK,
    ]


def test_a_scan_names_each_network_with_its_state_and_takes_its_time() -> None:
    modem = fresh()
    modem.set("forbidden", "26202", 0)
    modem.set("scan_ms", "90000", 0)
    assert ask(modem, "AT+COPS=?") == []
    assert modem.wake_at() == 90000
    modem.tick(90000)
    scan, final = unasked(modem)
    assert final == OK
    assert scan.startswith(
        '+COPS: (2,"Telekom Deutschland GmbH","Telekom De","26201",7),'
        '(3,"Vodafone GmbH","Vodafone G","26202",7),'
    )
    assert scan.endswith(",,(0-4),(0-2)")


def test_a_command_during_a_scan_is_answered_after_it() -> None:
    modem = fresh()
    modem.set("scan_ms", "1000", 0)
    ask(modem, "AT+COPS=?", 0)
    assert ask(modem, "AT+CSQ", 500) == []
    modem.tick(1000)
    assert unasked(modem)[1:] == [OK, "+CSQ: 20,99", OK]


def test_an_operator_is_chosen_by_number_name_or_not_at_all() -> None:
    modem = fresh()
    ask(modem, "AT+CMEE=1;+CREG=1")
    assert ask(modem, 'AT+COPS=1,2,"26202"') == [OK, "+CREG: 5"]
    assert ask(modem, "AT+COPS?") == ['+COPS: 1,2,"26202",7', OK]
    assert ask(modem, 'AT+COPS=1,0,"Telekom Deutschland GmbH"') == [OK, "+CREG: 1"]
    assert ask(modem, 'AT+COPS=1,2,"99999"') == ["+CME ERROR: 30"]
    modem.set("forbidden", "26202", 0)
    assert ask(modem, 'AT+COPS=1,2,"26202"') == ["+CME ERROR: 32"]
    assert ask(modem, 'AT+COPS=4,2,"99999";+COPS?') == ['+COPS: 0,2,"26201",7', OK]


def test_names_follow_the_format_and_the_character_set_and_numbers_do_not() -> None:
    modem = fresh()
    modem.set("operator", "Mobilé", 0)
    told = []
    for charset in ("IRA", "UTF-8", "UCS2", "GSM"):
        ask(modem, f'AT+CSCS="{charset}"')
        told.append(ask(modem, "AT+COPS=3,0;+COPS?;+COPS=3,2;+COPS?")[:2])
    number = '+COPS: 0,2,"26201",7'
    assert told == [
        ['+COPS: 0,0,"Mobil?",7', number],
        ['+COPS: 0,0,"MobilÃ©",7', number],  # the bytes of UTF-8, read here as Latin-1
        ['+COPS: 0,0,"004D006F00620069006C00E9",7', number],
        ['+COPS: 0,0,"Mobil\x05",7', number],
    ]


def test_operator_names_are_listed_for_the_networks_in_reach() -> None:
    assert ask(fresh(), "AT+COPN")[0] == '+COPN: "26201","Telekom Deutschland GmbH"'


@pytest.mark.parametrize(
    ("dbm", "csq", "cesq"),
    [
        ("-113", 0, "99,99,255,255,24,0"),
        ("-111", 1, "99,99,255,255,24,0"),
        ("-51", 31, "99,99,255,255,24,60"),
        ("-20", 31, "99,99,255,255,24,91"),
        ("-140", 0, "99,99,255,255,24,0"),
        ("none", 99, "99,99,255,255,255,255"),
    ],
)
def test_signal_is_told_in_the_steps_of_the_standard(dbm: str, csq: int, cesq: str) -> None:
    modem = fresh()
    modem.set("signal", dbm, 0)
    assert ask(modem, "AT+CSQ;+CESQ") == [f"+CSQ: {csq},99", f"+CESQ: {cesq}", OK]


@pytest.mark.parametrize(
    ("access", "cesq"),
    [(Access.GSM, "38,99,255,255,255,255"), (Access.UTRAN, "99,99,48,40,255,255")],
)
def test_signal_of_older_networks_is_told_in_their_own_values(access: Access, cesq: str) -> None:
    modem = fresh()
    modem.set("access", access.name.lower(), 0)
    assert ask(modem, "AT+CESQ") == [f"+CESQ: {cesq}", OK]


def test_indicators_are_reported_when_asked_for() -> None:
    modem = fresh()
    modem.set("signal", "-111", 0)
    assert unasked(modem) == []
    ask(modem, "AT+CMER=3,0,0,1")
    modem.set("signal", "-60", 0)
    modem.move("36801", 0)
    modem.set("registration", "denied", 0)
    assert unasked(modem) == ["+CIEV: 2,5", "+CIEV: 5,1", "+CIEV: 3,0", "+CIEV: 5,0"]


def test_flight_mode_takes_the_network_and_leaves_the_card() -> None:
    modem = fresh()
    ask(modem, "AT+CREG=1;+CMEE=1")
    assert ask(modem, "AT+CFUN=4") == [OK, "+CREG: 0"]
    assert ask(modem, "AT+CPIN?;+CSQ;+COPS=?") == ["+CPIN: READY", "+CSQ: 99,99", "+CME ERROR: 3"]
    assert ask(modem, "AT+CFUN=0") == [OK]
    assert ask(modem, "AT+CPIN?") == ["+CME ERROR: 13"]
    assert ask(modem, "AT+CFUN=1") == [OK, "+CPIN: READY", "+CREG: 1"]


def test_a_reset_forgets_the_port_and_the_pin() -> None:
    modem = fresh()
    modem.set("pin", "1234", 0)
    ask(modem, "AT+CPIN=1234;+CREG=2")
    assert ask(modem, "AT+CFUN=1,1")[0] == OK
    assert ask(modem, "AT+CREG?;+CPIN?")[1:] == ["+CREG: 0,0", "+CPIN: SIM PIN", OK]


def test_packet_service_can_be_left_and_only_joined_on_a_network() -> None:
    modem = fresh()
    ask(modem, "AT+CMEE=1;+CEREG=1")
    assert ask(modem, "AT+CGATT=0") == [OK, "+CEREG: 0"]
    assert ask(modem, "AT+CREG?") == ["+CREG: 0,1", OK]
    assert ask(modem, "AT+CGATT=1") == [OK, "+CEREG: 1"]
    modem.move(None, 0)
    unasked(modem)
    assert ask(modem, "AT+CGATT=1") == ["+CME ERROR: 30"]
    assert ask(modem, "AT+CGACT=1,1") == ["+CME ERROR: 30"]


def test_the_clock_runs_with_the_instants_told_and_nitz_is_reported() -> None:
    modem = fresh()
    modem.set("clock", "2026-11-26T23:59:58+01:00", 1000)
    assert ask(modem, "AT+CCLK?", 4000) == ['+CCLK: "26/11/27,00:00:01+04"', OK]
    reports = {}
    for mode in range(4):
        ask(modem, f"AT+CTZR={mode}", 4000)
        modem.set("nitz", "2026-11-27T09:00:00+05:30", 4000)
        reports[mode] = unasked(modem)
        modem.set("nitz", "2026-11-27T03:30:00+00:00", 4000)
        unasked(modem)
    assert reports == {
        0: [],
        1: ['+CTZV: "+22"'],
        2: ['+CTZE: "+22",0,"2026/11/27,09:00:00"'],
        3: ['+CTZEU: "+22",0,"2026/11/27,03:30:00"'],
    }


def test_the_network_s_time_is_left_alone_when_the_program_says_so() -> None:
    modem = fresh()
    ask(modem, "AT+CTZU=0;+CTZR=1")
    modem.set("nitz", "2030-01-01T00:00:00+02:00", 0)
    assert unasked(modem) == []
    assert ask(modem, "AT+CCLK?") == ['+CCLK: "26/01/01,00:00:00+00"', OK]


def test_a_zone_west_of_greenwich_has_its_sign() -> None:
    modem = fresh()
    modem.set("clock", "2026-11-26T04:41:00-05:00", 0)
    assert ask(modem, "AT+CCLK?") == ['+CCLK: "26/11/26,04:41:00-20"', OK]
