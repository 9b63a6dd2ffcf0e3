"""The laws of one command and its answer, each alone."""

from __future__ import annotations

import pytest

from firmware_sim.modem.exchange import (
    AFTER_OK_MS,
    NO_ECHO_MS,
    NO_FINAL_MS,
    QUIET_MS,
    SETTLE_LIMIT_MS,
    Asked,
    Ending,
    Exchange,
    Finished,
)

SERIAL = Asked("AT+CGSN", "+CGSN", bare=True, informs=True)
CREG = Asked("AT+CREG?", "+CREG", informs=True)


def asked(question: Asked, *, echoes: bool | None, now: int = 0) -> Exchange:
    exchange = Exchange()
    exchange.echoes = echoes
    exchange.ask(question, now)
    assert exchange.outgoing() == question.command.encode() + b"\r"
    return exchange


def end(exchange: Exchange) -> Finished:
    done = exchange.finished()
    assert done is not None
    return done


def test_what_comes_before_the_echo_is_not_the_answer() -> None:
    exchange = asked(SERIAL, echoes=True)
    exchange.receive(b"\r\n356938035643809\r\n\r\nOK\r\n", 1)
    exchange.receive(b"AT+CGSN\r\r\n490154203237518\r\n\r\nOK\r\n", 2)
    assert end(exchange).lines == ("490154203237518",)


def test_a_final_without_the_echo_ends_the_exchange_as_unclear() -> None:
    exchange = asked(SERIAL, echoes=True)
    exchange.receive(b"\r\n356938035643809\r\n\r\nOK\r\n", 1)
    assert exchange.wake_at() == 1 + NO_ECHO_MS
    exchange.tick(1 + NO_ECHO_MS)
    done = end(exchange)
    assert (done.ending, done.lines, done.answered) == (Ending.UNCLEAR, (), False)


def test_an_echo_behind_noise_is_an_echo_and_one_inside_a_word_is_not() -> None:
    exchange = asked(Asked("AT"), echoes=True)
    exchange.receive(b"\xff\xfeAT\r\r\nOK\r\n", 1)
    assert end(exchange).ending is Ending.OK
    exchange = asked(Asked("AT"), echoes=True)
    exchange.receive(b"FORMAT\r\r\nOK\r\n", 1)
    assert exchange.finished() is None


def test_a_modem_that_does_not_echo_is_asked_only_when_the_line_is_quiet() -> None:
    exchange = Exchange()
    exchange.echoes = False
    exchange.receive(b"\r\nOK\r\n", 100)
    exchange.ask(SERIAL, 101)
    assert exchange.outgoing() == b""
    exchange.receive(b"\r\n356938035643809\r\n\r\nOK\r\n", 104)  # late, or doubled
    exchange.tick(100 + QUIET_MS)
    assert exchange.outgoing() == b""
    exchange.tick(104 + QUIET_MS)
    assert exchange.outgoing() == b"AT+CGSN\r"
    exchange.receive(b"\r\n490154203237518\r\n\r\nOK\r\n", 200)
    assert end(exchange).lines == ("490154203237518",)


def test_a_modem_that_is_never_quiet_is_asked_all_the_same() -> None:
    exchange = Exchange()
    exchange.echoes = False
    exchange.receive(b"\x00", 0)
    exchange.ask(SERIAL, 0)
    now = 0
    while exchange.outgoing() == b"":
        now += 5
        assert now <= SETTLE_LIMIT_MS + 5
        exchange.receive(b"\x00", now)
        exchange.tick(now)


@pytest.mark.parametrize(
    "line",
    ["+CREG: 2,1", "+CGSNX: 490154203237518", "^BOOT:15589150,0", "RDY", "PB DONE", "RING"],
)
def test_a_line_of_something_else_is_never_the_answer(line: str) -> None:
    exchange = asked(SERIAL, echoes=False)
    exchange.receive(f"\r\n{line}\r\n\r\n490154203237518\r\n\r\nOK\r\n".encode(), 1)
    assert end(exchange).lines == ("490154203237518",)


def test_a_bare_line_is_no_answer_to_a_question_that_has_a_prefix() -> None:
    exchange = asked(CREG, echoes=False)
    exchange.receive(b"\r\n2,1\r\n\r\n+CREG: 2,5\r\n\r\nOK\r\n", 1)
    assert end(exchange).lines == ("2,5",)


def test_ok_alone_waits_a_moment_for_an_answer_that_comes_after_it() -> None:
    exchange = asked(CREG, echoes=False)
    exchange.receive(b"\r\nOK\r\n", 10)
    assert exchange.finished() is None
    exchange.receive(b"\r\n+CREG: 2,5\r\n", 10 + AFTER_OK_MS - 1)
    assert end(exchange).lines == ("2,5",)
    exchange = asked(CREG, echoes=False)
    exchange.receive(b"\r\nOK\r\n", 10)
    exchange.tick(10 + AFTER_OK_MS)
    done = end(exchange)
    assert (done.ending, done.lines) == (Ending.OK, ())


def test_an_answer_without_a_final_ends_after_a_silence() -> None:
    exchange = asked(CREG, echoes=False)
    exchange.receive(b"\r\n+CREG: 2,5\r\n", 100)
    exchange.tick(100 + NO_FINAL_MS - 1)
    assert exchange.finished() is None
    exchange.tick(100 + NO_FINAL_MS)
    assert end(exchange).ending is Ending.UNFINISHED


def test_results_of_calls_end_nothing() -> None:
    exchange = asked(CREG, echoes=False)
    exchange.receive(b"\r\nNO CARRIER\r\n\r\nCONNECT\r\n\r\nBUSY\r\n", 1)
    assert exchange.finished() is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"ERROR", None),
        (b"+CME ERROR: 14", 14),
        (b"+CME ERROR: SIM busy", 14),
        (b"COMMAND NOT SUPPORT", None),
        (b"NA", None),
        (b"MODEM ERROR: 3", 3),
    ],
)
def test_every_word_for_no_is_a_refusal(said: bytes, code: int | None) -> None:
    exchange = asked(CREG, echoes=False)
    exchange.receive(b"\r\n" + said + b"\r\n", 1)
    done = end(exchange)
    assert (done.ending, done.code) == (Ending.REFUSED, code)


def test_silence_ends_at_the_deadline_and_not_before() -> None:
    exchange = asked(CREG, echoes=False)
    assert exchange.wake_at() == CREG.within_ms
    exchange.tick(CREG.within_ms - 1)
    assert exchange.finished() is None
    exchange.tick(CREG.within_ms)
    assert end(exchange).ending is Ending.SILENT
