"""Each command of the virtual modem in each of its forms, with and without a usable card."""

from __future__ import annotations

import pytest

from firmware_sim.modem.at import REGISTRY
from firmware_sim.modem.at.command import Form
from firmware_sim.modem.virtual.commands import TABLE
from tests.support.asking import IMEI, ask, fresh

OK = "OK"
ICCID = "8926201000000000005"
IMSI = "262010012345678"

# Line -> the lines that answer it, on a fresh modem at home (26201) that does not echo.
ANSWERS: dict[str, list[str]] = {
    "AT&C1": [OK],
    "AT&D2": [OK],
    "AT&F": [OK],
    "AT&K3": [OK],
    "AT&S0": [OK],
    "AT&V": ["E0 Q0 V1", "+CMEE: 0", '+CSCS: "IRA"', OK],
    "AT&W": [OK],
    "AT+C5GREG=?": ["+C5GREG: (0-3)", OK],
    "AT+C5GREG=2;+C5GREG?": ["+C5GREG: 2,0", OK],
    "AT+CBC": ["+CBC: 0,87", OK],
    "AT+CBC=?": ["+CBC: (0-3),(0-100)", OK],
    "AT+CCID": [f"+CCID: {ICCID}", OK],
    "AT+CCID?": [f"+CCID: {ICCID}", OK],
    "AT+CCID=?": [OK],
    "AT+CCLK?": ['+CCLK: "26/01/01,00:00:00+00"', OK],
    'AT+CCLK="26/11/26,09:41:00+04";+CCLK?': ['+CCLK: "26/11/26,09:41:00+04"', OK],
    "AT+CCLK=?": [OK],
    "AT+CCWA=1;+CCWA?": ["+CCWA: 1", OK],
    "AT+CCWA=?": ["+CCWA: (0-1)", OK],
    "AT+CEREG=?": ["+CEREG: (0-3)", OK],
    "AT+CEREG=2;+CEREG?": ['+CEREG: 2,1,"7659","00166590",7', OK],
    "AT+CESQ": ["+CESQ: 99,99,255,255,24,38", OK],
    "AT+CESQ=?": ["+CESQ: (0-63,99),(0-7,99),(0-96,255),(0-49,255),(0-34,255),(0-97,255)", OK],
    "AT+CFUN?": ["+CFUN: 1", OK],
    "AT+CFUN=4;+CFUN?": ["+CFUN: 4", OK],
    "AT+CFUN=?": ["+CFUN: (0,1,4),(0-1)", OK],
    "AT+CGACT=1,1;+CGACT?": ["+CGACT: 1,1", OK],
    "AT+CGACT=?": ["+CGACT: (0,1)", OK],
    "AT+CGATT?": ["+CGATT: 1", OK],
    "AT+CGATT=0;+CGATT?": ["+CGATT: 0", OK],
    "AT+CGATT=?": ["+CGATT: (0,1)", OK],
    "AT+CGDCONT?": ['+CGDCONT: 1,"IP","internet","",0,0', OK],
    'AT+CGDCONT=2,"IPV6","x";+CGDCONT=1;+CGDCONT?': ['+CGDCONT: 2,"IPV6","x","",0,0', OK],
    "AT+CGDCONT=?": [
        '+CGDCONT: (1-8),"IP",,,(0),(0)',
        '+CGDCONT: (1-8),"IPV6",,,(0),(0)',
        '+CGDCONT: (1-8),"IPV4V6",,,(0),(0)',
        OK,
    ],
    "AT+CGEREP=2,1;+CGEREP?": ["+CGEREP: 2,1", OK],
    "AT+CGEREP=?": ["+CGEREP: (0-2),(0,1)", OK],
    "AT+CGMI": ["Norvik", OK],
    "AT+CGMI=?": [OK],
    "AT+CGMM": ["NV-7 LTE", OK],
    "AT+CGMM=?": [OK],
    "AT+CGMR": ["NV7-01.04", OK],
    "AT+CGMR=?": [OK],
    "AT+CGREG=?": ["+CGREG: (0-3)", OK],
    "AT+CGREG=1;+CGREG?": ["+CGREG: 1,1", OK],
    "AT+CGSMS=3;+CGSMS?": ["+CGSMS: 3", OK],
    "AT+CGSMS=?": ["+CGSMS: (0-3)", OK],
    "AT+CGSN": [IMEI, OK],
    "AT+CGSN=0": [IMEI, OK],
    "AT+CGSN=1": [f'+CGSN: "{IMEI}"', OK],
    "AT+CGSN=2": ['+CGSN: "3569380356438001"', OK],
    "AT+CGSN=3": ['+CGSN: "01"', OK],
    "AT+CGSN=?": ["+CGSN: (0-3)", OK],
    "AT+CHUP": [OK],
    "AT+CHUP=?": [OK],
    "AT+CIMI": [IMSI, OK],
    "AT+CIMI=?": [OK],
    "AT+CIND?": ["+CIND: 5,4,1,0,0", OK],
    "AT+CIND=?": [
        '+CIND: ("battchg",(0-5)),("signal",(0-5)),("service",(0-1)),("call",(0-1)),("roam",(0-1))',
        OK,
    ],
    "AT+CLAC=?": [OK],
    "AT+CLCC": [OK],
    "AT+CLCC?": ["+CLCC: 0", OK],
    "AT+CLCC=1": [OK],
    "AT+CLCC=?": ["+CLCC: (0,1)", OK],
    'AT+CLCK="PN",2': ["+CLCK: 0", OK],
    "AT+CLCK=?": [
        '+CLCK: ("SC","PS","PF","FD","PN","PU","PP","PC","AO","OI","OX","AI","IR")',
        OK,
    ],
    "AT+CLIP=1;+CLIP?": ["+CLIP: 1", OK],
    "AT+CLIP=?": ["+CLIP: (0-1)", OK],
    "AT+CMEE?": ["+CMEE: 0", OK],
    "AT+CMEE=2;+CMEE?": ["+CMEE: 2", OK],
    "AT+CMEE=?": ["+CMEE: (0-2)", OK],
    "AT+CMER=3,0,0,1;+CMER?": ["+CMER: 3,0,0,1,0", OK],
    "AT+CMER=?": ["+CMER: (0-3),(0),(0),(0-1),(0)", OK],
    "AT+CMGF=1;+CMGF?": ["+CMGF: 1", OK],
    "AT+CMGF=?": ["+CMGF: (0,1)", OK],
    "AT+CMGL": [OK],
    "AT+CMGL=4": [OK],
    "AT+CMGL=?": ["+CMGL: (0-4)", OK],
    "AT+CNMI=2,1;+CNMI?": ["+CNMI: 2,1", OK],
    "AT+CNMI=?": ["+CNMI: (0-3),(0-3),(0,2),(0-2),(0,1)", OK],
    "AT+CNUM": [OK],
    "AT+CNUM=?": [OK],
    "AT+COPN=?": [OK],
    "AT+COPS?": ['+COPS: 0,0,"Telekom Deutschland GmbH",7', OK],
    "AT+COPS=3,2;+COPS?": ['+COPS: 0,2,"26201",7', OK],
    "AT+CPAS": ["+CPAS: 0", OK],
    "AT+CPAS=?": ["+CPAS: (0,2,3,4)", OK],
    "AT+CPIN?": ["+CPIN: READY", OK],
    'AT+CPIN="1234"': ["ERROR"],
    "AT+CPIN=?": [OK],
    "AT+CPINR": ["+CPINR: SIM PIN,3,3", "+CPINR: SIM PUK,10,10", OK],
    'AT+CPINR="SIM PUK"': ["+CPINR: SIM PUK,10,10", OK],
    "AT+CPINR=?": [OK],
    "AT+CPMS?": ['+CPMS: "SM",0,20,"SM",0,20,"SM",0,20', OK],
    'AT+CPMS="SM","SM","SM"': ["+CPMS: 0,20,0,20,0,20", OK],
    "AT+CPMS=?": ['+CPMS: ("SM","ME","MT"),("SM","ME","MT"),("SM","ME","MT")', OK],
    "AT+CPOL?": [OK],
    "AT+CPOL=?": ["+CPOL: (1-8),(0-2)", OK],
    'AT+CPWD="SC","1234","4321"': ["ERROR"],
    "AT+CPWD=?": ['+CPWD: ("SC",8)', OK],
    "AT+CRC=1;+CRC?": ["+CRC: 1", OK],
    "AT+CRC=?": ["+CRC: (0-1)", OK],
    "AT+CREG=?": ["+CREG: (0-3)", OK],
    "AT+CREG=2;+CREG?": ['+CREG: 2,1,"7659","00166590",7', OK],
    "AT+CRSM=176,28589,0,0,4": ['+CRSM: 144,0,"00000002"', OK],
    "AT+CRSM=?": [OK],
    "AT+CSCA?": ['+CSCA: "",129', OK],
    "AT+CSCA=?": [OK],
    'AT+CSCS="UCS2";+CSCS?': ['+CSCS: "UCS2"', OK],
    "AT+CSCS=?": ['+CSCS: ("GSM","IRA","UCS2","UTF-8")', OK],
    "AT+CSDH=1;+CSDH?": ["+CSDH: 1", OK],
    "AT+CSDH=?": ["+CSDH: (0-1)", OK],
    'AT+CSIM=14,"00A40004022FE2"': ['+CSIM: 4,"6116"', OK],
    "AT+CSIM=?": [OK],
    "AT+CSMS?": ["+CSMS: 0,1,1,1", OK],
    "AT+CSMS=1": ["+CSMS: 1,1,1", OK],
    "AT+CSMS=?": ["+CSMS: (0,1)", OK],
    "AT+CSQ": ["+CSQ: 20,99", OK],
    "AT+CSQ=?": ["+CSQ: (0-31,99),(0-7,99)", OK],
    "AT+CSSN=1,1;+CSSN?": ["+CSSN: 1,1", OK],
    "AT+CSSN=?": ["+CSSN: (0-1),(0-1)", OK],
    "AT+CSUS?": ["+CSUS: 0", OK],
    "AT+CSUS=0": [OK],
    "AT+CSUS=?": ["+CSUS: (0-1)", OK],
    "AT+CSVM?": ['+CSVM: 0,"",129', OK],
    "AT+CSVM=?": ["+CSVM: (0,1),(129,145)", OK],
    "AT+CTZR=2;+CTZR?": ["+CTZR: 2", OK],
    "AT+CTZR=?": ["+CTZR: (0-3)", OK],
    "AT+CTZU=0;+CTZU?": ["+CTZU: 0", OK],
    "AT+CTZU=?": ["+CTZU: (0-1)", OK],
    "AT+CUSD=1;+CUSD?": ["+CUSD: 1", OK],
    "AT+CUSD=?": ["+CUSD: (0-2)", OK],
    "AT+GCAP": ["+GCAP: +CGSM,+CLTE2", OK],
    "AT+GCAP=?": [OK],
    "AT+GMI": ["Norvik", OK],
    "AT+GMI=?": [OK],
    "AT+GMM": ["NV-7 LTE", OK],
    "AT+GMM=?": [OK],
    "AT+GMR": ["NV7-01.04", OK],
    "AT+GMR=?": [OK],
    "AT+GSN": [IMEI, OK],
    "AT+GSN=?": [OK],
    "AT+IFC=2,2;+IFC?": ["+IFC: 2,2", OK],
    "AT+IFC=?": ["+IFC: (0-3),(0-2)", OK],
    "AT+IPR=9600;+IPR?": ["+IPR: 9600", OK],
    "AT+IPR=?": ["+IPR: (0-4000000)", OK],
    "AT+WS46?": ["+WS46: 28", OK],
    "AT+WS46=28": [OK],
    "AT+WS46=?": ["+WS46: (12,22,25,28)", OK],
    "ATA": ["NO CARRIER"],
    "ATD123;": ["NO CARRIER"],
    "ATE0": [OK],
    "ATH": [OK],
    "ATI": ["Norvik", "NV-7 LTE", "Revision: NV7-01.04", OK],
    "ATI1": [OK],
    "ATO": ["NO CARRIER"],
    "ATQ0": [OK],
    "ATS0=1S0?": ["001", OK],
    "ATS3?": ["013", OK],
    "ATS4?": ["010", OK],
    "ATS5?": ["008", OK],
    "ATS6?": ["002", OK],
    "ATS7=30S7?": ["030", OK],
    "ATS8?": ["002", OK],
    "ATS10=20S10?": ["020", OK],
    "ATV1": [OK],
    "ATX4": [OK],
    "ATZ": [OK],
}


@pytest.mark.parametrize("line", ANSWERS)
def test_each_command_answers_by_the_letter(line: str) -> None:
    assert ask(fresh(), line) == ANSWERS[line]


def test_no_command_and_no_form_of_one_is_left_out_of_the_table_above() -> None:
    tried = {(command.name, command.form) for line in ANSWERS for command in _commands(line)}
    tried |= {("+CLAC", Form.EXECUTE), ("+COPS", Form.TEST), ("+COPN", Form.EXECUTE)}  # elsewhere
    forms = {
        (name, form)
        for name, verbs in TABLE.items()
        for form, handler in (
            (Form.EXECUTE, verbs.execute),
            (Form.READ, verbs.read),
            (Form.TEST, verbs.test),
            (Form.SET, verbs.set),
        )
        if handler is not None
    }
    registers = {(name, form) for name, form in forms if name[0] == "S" and name[1:].isdigit()}
    assert forms - registers - tried == set()


def test_every_command_of_the_virtual_modem_is_in_the_registry() -> None:
    assert set(TABLE) - set(REGISTRY) == set()


def _commands(line: str) -> tuple[object, ...]:
    from firmware_sim.modem.at import parse_line

    parsed = parse_line(line[2:])
    assert parsed is not None
    return parsed


NEEDS_CARD = (
    "AT+CIMI",
    "AT+CNUM",
    "AT+CCID",
    'AT+CSIM=14,"00A40004022FE2"',
    "AT+CRSM=176,28589,0,0,4",
    "AT+CPIN?",
    'AT+CPIN="1234"',
    "AT+CPINR",
    'AT+CLCK="SC",2',
    'AT+CPWD="SC","1234","4321"',
    "AT+CPMS?",
    "AT+CMGL",
    "AT+CSCA?",
    "AT+CPOL?",
)


@pytest.mark.parametrize("line", NEEDS_CARD)
def test_what_needs_a_card_says_that_there_is_none(line: str) -> None:
    modem = fresh(sim="none")
    ask(modem, "AT+CMEE=1")
    assert ask(modem, line) == ["+CME ERROR: 10"]


@pytest.mark.parametrize(
    "line", ["AT+CIMI", "AT+CNUM", "AT+CPMS?", "AT+CMGL", "AT+CSCA?", "AT+CPOL?", "AT+COPS=0"]
)
def test_what_needs_the_pin_asks_for_it(line: str) -> None:
    modem = fresh()
    modem.set("pin", "1234", 0)
    ask(modem, "AT+CMEE=1")
    assert ask(modem, line) == ["+CME ERROR: 11"]


@pytest.mark.parametrize(
    "line",
    [
        "AT+CMEE=3",
        "AT+CREG=9",
        "AT+CREG=x",
        "AT+CGSN=4",
        'AT+CSCS="KOI8"',
        "AT+CSCS=",
        "AT+COPS=7",
        "AT+COPS=1,2",
        'AT+CLCK="XX",2',
        'AT+CLCK="PN",3',
        'AT+CLCK="PN",0',
        "AT+CRSM=1,28589",
        'AT+CSIM=14,"00A4"',
        'AT+CSIM=14,"00A40004022FXX"',
        'AT+CCLK="yesterday"',
        'AT+CCLK="26/11/26,09:41:00+99"',
        "AT+CFUN=9",
        "AT+CGATT=2",
        "AT+CGDCONT=99",
        'AT+CGDCONT=1,"X25"',
        "AT+CGACT=1,5",
        "AT+CTZR=4",
        'AT+CPMS="XX"',
        "AT+CSUS=7",
    ],
)
def test_wrong_parameters_are_refused_and_change_nothing(line: str) -> None:
    modem = fresh()
    ask(modem, "AT+CMEE=1")
    before = modem.state.contexts.copy(), modem.state.functionality, modem.state.chosen
    [answer] = ask(modem, line)
    assert answer.startswith("+CME ERROR: ")
    assert before == (modem.state.contexts, modem.state.functionality, modem.state.chosen)
