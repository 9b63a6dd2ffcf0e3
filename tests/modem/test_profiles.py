"""Profiles of real families: well-formed, sourced, and as their sources say."""

from __future__ import annotations

import string
from importlib import resources

import pytest

from firmware_sim.errors import UsageError
from firmware_sim.modem.at import parse_line
from firmware_sim.modem.at.command import Form
from firmware_sim.modem.virtual import VirtualModem, default_state, load, names
from firmware_sim.modem.virtual.commands import TABLE
from firmware_sim.modem.virtual.profile import NOT_CHECKED, read
from firmware_sim.modem.virtual.templates import FACTS
from tests.support.asking import IMEI, ask, fresh, unasked

OK = "OK"
FAMILIES = [name for name in names() if name != "generic"]


def test_the_families_that_rigs_meet_are_there() -> None:
    found = {load(name).family for name in FAMILIES}
    assert found >= {"Quectel", "SIMCom", "u-blox", "Sierra", "Telit", "Huawei"}


@pytest.mark.parametrize("name", FAMILIES)
def test_each_deviation_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    for deviation in load(name).deviations:
        assert deviation.what
        assert len(deviation.source) >= len(NOT_CHECKED)


@pytest.mark.parametrize("name", FAMILIES)
def test_no_deviation_is_checked_against_nothing_in_the_whole_family(name: str) -> None:
    sources = [deviation.source for deviation in load(name).deviations]
    assert any(not source.startswith(NOT_CHECKED) for source in sources)


@pytest.mark.parametrize("name", FAMILIES)
def test_templates_use_facts_that_there_are(name: str) -> None:
    profile = load(name)
    texts = [*profile.banner, profile.sim_inserted, profile.sim_removed, profile.sim_ready]
    texts += [line for row in profile.deviations for line in row.answer]
    for text in texts:
        used = {field for _, field, _, _ in string.Formatter().parse(text) if field}
        assert used <= set(FACTS)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_a_family_lacks_or_carries_over_is_a_command_of_ours(name: str) -> None:
    profile = load(name)
    assert profile.missing <= set(TABLE)
    for deviation in profile.deviations:
        if deviation.carries_out:
            meant = parse_line(deviation.carries_out.format("1", **{"0_minus_1": "1"}))
            assert meant is not None
            assert all(command.name in TABLE for command in meant)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("situation", [{}, {"sim": "none"}, {"pin": "1234"}, {"serving": "none"}])
def test_every_answer_of_a_family_can_be_given_in_every_situation(
    name: str, situation: dict[str, str]
) -> None:
    modem = fresh(profile=load(name))
    for setting, value in situation.items():
        modem.set(setting, value, 0)
    unasked(modem)
    ask(modem, "AT+CMEE=1")
    for command, form in load(name).answers:
        text = '"SC"' if command == "+QPINC" else "1"
        line = f"AT{command}{form.value}{text if form is Form.SET else ''}"
        *_, final = [row for row in ask(modem, line) if not row.startswith(("+CPIN", "#", "^"))]
        assert final.startswith((OK, "+CME ERROR: ", "ERROR"))
    for command in load(name).missing:
        assert ask(modem, f"AT{command}?") in (["ERROR"], ["+CME ERROR: 4"])


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_gives_the_identity_it_was_made_with(name: str) -> None:
    modem = fresh(serving="36801", profile=load(name))
    assert IMEI in ask(modem, "AT+CGSN")
    assert ask(modem, "AT+CGMI")[0] == load(name).manufacturer
    assert ask(modem, "AT+COPS=3,2;+COPS?")[0].startswith('+COPS: 0,2,"36801"')
    assert ask(modem, "AT+CREG?")[0] == "+CREG: 0,5"


@pytest.mark.parametrize(
    ("name", "line", "answer"),
    [
        ("quectel-eg25", "AT+QPINC?", ['+QPINC: "SC",3,10', '+QPINC: "P2",3,10', OK]),
        ("quectel-eg25", "AT+QSIMSTAT?", ["+QSIMSTAT: 0,1", OK]),
        ("quectel-eg25", "AT+CGSN=1", ["ERROR"]),
        ("quectel-eg25", "AT+CSCS?", ['+CSCS: "GSM"', OK]),
        ("simcom-sim7600", "AT+CICCID", ["+ICCID: 8926201000000000005F", OK]),
        ("simcom-sim7600", "AT+SPIC", ["+SPIC: 3,10,3,10", OK]),
        ("ublox-sara-r4", "AT+UPINCNT", ["+UPINCNT: 3,3,10,10", OK]),
        ("sierra-mc7455", "AT+CPINC?", ["+CPINC: 3,3,10,10", OK]),
        ("sierra-mc7455", "AT!ICCID?", ["!ICCID: 8926201000000000005F", OK]),
        ("telit-le910", "AT#QSS?", ["#QSS: 0,1", OK]),
        ("huawei-me909s", "AT^CPIN?", ["^CPIN: READY,,10,3,10,3", OK]),
        ("huawei-me909s", "AT^SYSINFOEX", ['^SYSINFOEX:2,3,0,1,,6,"LTE",601,"LTE"', OK]),
        ("huawei-me909s", "AT^CARDLOCK?", ["^CARDLOCK: 2,10,0", OK]),
        ("huawei-me909s", "AT+CMEE?", ["+CMEE: 1", OK]),
        ("phonesim", "AT+SIMSTATE?", ["+SIMSTATE: 1", OK]),
    ],
)
def test_a_maker_s_own_command_answers_as_its_source_shows(
    name: str, line: str, answer: list[str]
) -> None:
    assert ask(fresh(profile=load(name)), line) == answer


@pytest.mark.parametrize(
    ("name", "removed", "inserted"),
    [
        ("quectel-eg25", ["+CPIN: NOT READY"], ["+CPIN: READY"]),
        ("simcom-sim7600", ["+SIMCARD: NOT AVAILABLE"], ["+CPIN: READY"]),
        ("ublox-sara-r4", ["+UUSIMSTAT:0"], ["+UUSIMSTAT:6"]),
        ("sierra-mc7455", [], []),
        ("telit-le910", ["#QSS: 0"], ["#QSS: 1"]),
        ("huawei-me909s", ["^SIMST:255"], ["^SIMST:1"]),
    ],
)
def test_a_card_taken_out_and_put_in_is_told_in_the_family_s_own_words(
    name: str, removed: list[str], inserted: list[str]
) -> None:
    modem = fresh(profile=load(name))
    modem.set("sim", "none", 0)
    assert unasked(modem) == removed
    modem.set("sim", "26201", 0)
    assert unasked(modem) == inserted


def test_a_family_greets_at_power_up_and_says_ready_after_the_pin() -> None:
    modem = VirtualModem(default_state(sim="none"), load("quectel-eg25"))
    assert unasked(modem)[:3] == ["RDY", "+CFUN: 1", "+CPIN: NOT INSERTED"]
    modem = fresh(profile=load("quectel-eg25"))
    modem.set("pin", "1234", 0)
    assert ask(modem, "AT+CPIN=1234") == [OK, "+CPIN: READY"]


def test_slots_that_count_from_1_are_carried_over() -> None:
    modem = fresh(profile=load("quectel-eg25"))
    assert ask(modem, "AT+QUIMSLOT=2")[0] == OK
    assert ask(modem, "AT+QUIMSLOT?") == ["+QUIMSLOT: 2", OK]
    assert ask(modem, "AT+QUIMSLOT=0") == ["ERROR"]
    assert modem.state.slot == 1


def test_an_unknown_command_is_refused_in_the_family_s_own_way() -> None:
    modem = fresh(profile=load("ublox-sara-r4"))
    assert ask(modem, "AT+CMEE=2;+NOSUCH") == ["+CME ERROR: operation not supported"]


HEAD = 'family="x"\nmanufacturer="x"\nmodel="x"\nrevision="x"\n'


@pytest.mark.parametrize(
    "document",
    [
        "family",
        'family = "x"',
        HEAD + "[[deviation]]\nsource='s'",
        HEAD + "[[deviation]]\nwhat='w'\nsource='s'\ncolour='red'",
        HEAD + "[[deviation]]\nwhat='w'\nsource='s'\nform='!'",
        HEAD + "[[deviation]]\nwhat='w'\nsource='s'\nsetting={colour='red'}",
        HEAD + "[[deviation]]\nwhat='w'\nsource='s'\nanswer='x'",
        HEAD + "[[deviation]]\nwhat='w'\nsource='s'\nmissing='x'",
    ],
)
def test_a_profile_with_a_mistake_is_refused_in_one_line(document: str) -> None:
    with pytest.raises(UsageError) as caught:
        read("mine", document)
    assert "profile mine: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_profiles_travel_with_the_package() -> None:
    folder = resources.files("firmware_sim.modem.virtual") / "profiles"
    assert {f"{name}.toml" for name in FAMILIES} == {entry.name for entry in folder.iterdir()}
