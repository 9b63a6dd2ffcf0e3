"""The virtual modem's port: framing to the byte, echo, V, Q, CMEE, chaining, repetition."""

from __future__ import annotations

import pytest

from firmware_sim.modem.virtual import VirtualModem, default_state
from tests.support.asking import IMEI, ask, fresh


def raw(modem: VirtualModem, data: bytes) -> bytes:
    modem.receive(data, 0)
    return modem.outgoing()


def untouched() -> VirtualModem:
    return VirtualModem(default_state(IMEI))


@pytest.mark.parametrize(
    ("setup", "line", "answer"),
    [
        (b"", b"AT\r", b"AT\r\r\nOK\r\n"),
        (b"", b"at+cgsn\r", b"at+cgsn\r\r\n356938035643809\r\n\r\nOK\r\n"),
        (b"", b"\n\x1b\0AT\r", b"AT\r\r\nOK\r\n"),
        (b"", b"AT+NOSUCH\r", b"AT+NOSUCH\r\r\nERROR\r\n"),
        (b"ATE0\r", b"AT+CREG?\r", b"\r\n+CREG: 0,1\r\n\r\nOK\r\n"),
        (b"ATE0V0\r", b"AT\r", b"0\r"),
        (b"ATE0V0\r", b"AT+CREG?\r", b"+CREG: 0,1\r\n0\r"),
        (b"ATE0V0\r", b"AT+NOSUCH\r", b"4\r"),
        (b"ATE0V0\r", b"ATD*99#\r", b"3\r"),
        (b"ATE0\r", b"ATD*99#\r", b"\r\nNO CARRIER\r\n"),
        (b"ATE0Q1\r", b"AT+NOSUCH\r", b""),
        (b"ATE0Q1\r", b"AT+CSQ\r", b"\r\n+CSQ: 20,99\r\n"),
        (b"ATE0Q1\r", b"ATQ0\r", b"\r\nOK\r\n"),
        (b"ATE0\r", b"ATE1\r", b"\r\nOK\r\n"),
        (
            b"ATE0\r",
            b"ATI\r",
            b"\r\nNorvik\r\nNV-7 LTE\r\nRevision: NV7-01.04\r\n\r\nOK\r\n",
        ),
    ],
)
def test_every_byte_of_an_answer_is_as_v250_has_it(
    setup: bytes, line: bytes, answer: bytes
) -> None:
    modem = untouched()
    raw(modem, setup)
    assert raw(modem, line) == answer


@pytest.mark.parametrize(
    ("mode", "answer"),
    [("0", "ERROR"), ("1", "+CME ERROR: 10"), ("2", "+CME ERROR: SIM not inserted")],
)
def test_a_refusal_is_told_as_cmee_asks(mode: str, answer: str) -> None:
    modem = fresh(sim="none")
    assert ask(modem, f"AT+CMEE={mode};+CPIN?") == [answer]
    assert ask(modem, "AT+CMEE?") == [f"+CMEE: {mode}", "OK"]


def test_a_refusal_under_v0_keeps_its_text_and_under_q1_is_silent() -> None:
    modem = fresh(sim="none")
    assert raw(modem, b"ATV0+CMEE=1;+CPIN?\r") == b"\r\n+CME ERROR: 10\r\n"
    assert raw(modem, b"ATQ1;+CPIN?\r") == b""


def test_an_unknown_command_is_error_in_every_mode() -> None:
    modem = fresh()
    assert [ask(modem, f"AT+CMEE={mode};+NOSUCH") for mode in "012"] == [["ERROR"]] * 3


def test_commands_of_a_line_run_in_order_and_stop_at_the_first_refusal() -> None:
    modem = fresh()
    assert ask(modem, "ATE0V1+CMEE=1;+CGSN;+CSQ;+CGSN=9;+CREG?") == [
        IMEI,
        "+CSQ: 20,99",
        "+CME ERROR: 50",
    ]


def test_a_line_is_repeated_without_its_cr() -> None:
    modem = fresh()
    assert ask(modem, "AT+CSQ") == ["+CSQ: 20,99", "OK"]
    assert raw(modem, b"A/") == b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n"


@pytest.mark.parametrize("line", ["AT=", "ATE2", "ATV9", "AT&", "ATS7=300", "AT" + "E" * 3000])
def test_what_is_no_command_is_an_error(line: str) -> None:
    assert ask(fresh(), line) == ["ERROR"]


def test_reset_and_factory_settings_bring_the_standards_back() -> None:
    for reset in ("ATZ", "AT&F", "ATZ0", "AT&F0"):
        modem = fresh()
        ask(modem, "AT+CMEE=2;+CREG=2;+COPS=3,2")
        raw(modem, reset.encode() + b"\r")
        assert raw(modem, b"AT+CMEE?;+CREG?\r").startswith(b"AT+CMEE?;+CREG?\r\r\n+CMEE: 0\r\n")


def test_clac_names_every_command_once_with_its_prefix() -> None:
    *names, final = ask(fresh(), "AT+CLAC")
    assert final == "OK"
    assert len(names) == len(set(names))
    assert {"AT+CGSN", "ATE", "AT&F", "AT+CLAC", "AT+C5GREG"} <= set(names)
