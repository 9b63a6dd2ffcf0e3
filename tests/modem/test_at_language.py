"""The AT language on its own: lines, commands, parameters, answers, the registry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.modem.at import (
    REGISTRY,
    AnswerKind,
    AnswerLexer,
    Command,
    CommandLexer,
    Form,
    Repeat,
    Result,
    changes_for_good,
    cme_text,
    groups,
    parse_line,
    split,
)
from firmware_sim.modem.at.alphabet import from_septets, to_septets
from firmware_sim.modem.at.command import LINE_LIMIT, Line
from firmware_sim.modem.at.results import CmeError, cme_number


def read(data: bytes) -> tuple[bytes, list[Line | Repeat]]:
    lexer, echo, lines = CommandLexer(), b"", []
    for byte in data:
        back, line = lexer.feed(byte)
        echo += back
        if line is not None:
            lines.append(line)
    return echo, lines


@pytest.mark.parametrize(
    ("data", "echo", "lines"),
    [
        (b"AT\r", b"AT\r", [Line("")]),
        (b"\nat+cgsn\r", b"at+cgsn\r", [Line("+cgsn")]),
        (b"\x1b\r\0AT\0+CSQ\r", b"AT+CSQ\r", [Line("+CSQ")]),
        (b"garbage A AAT\rA/", b"AT\rA/", [Line(""), Repeat()]),
        (b"AT+CSX\x08Q\r", b"AT+CSX\bQ\r", [Line("+CSQ")]),
        (b"AT\x08\r", b"AT\r", [Line("")]),
        (b"ATE0\r\nATI\r\n", b"ATE0\rATI\r", [Line("E0"), Line("I")]),
    ],
)
def test_a_line_is_found_in_what_programs_send(
    data: bytes, echo: bytes, lines: list[Line | Repeat]
) -> None:
    assert read(data) == (echo, lines)


def test_a_line_past_the_limit_is_told_and_does_not_grow() -> None:
    _, lines = read(b"AT" + b"x" * (LINE_LIMIT + 500) + b"\rAT\r")
    assert isinstance(lines[0], Line)
    assert lines[0].overlong
    assert len(lines[0].body) == LINE_LIMIT + 1
    assert lines[1] == Line("")


@pytest.mark.parametrize(
    ("body", "commands"),
    [
        ("", ()),
        ("E0V1", (Command("E", Form.EXECUTE, "0"), Command("V", Form.EXECUTE, "1"))),
        ("&F&C1", (Command("&F", Form.EXECUTE), Command("&C", Form.EXECUTE, "1"))),
        ("+creg?", (Command("+CREG", Form.READ),)),
        ("+COPS = ?", (Command("+COPS", Form.TEST),)),
        (
            'e0+cmee=1;+CLCK="PN",2',
            (
                Command("E", Form.EXECUTE, "0"),
                Command("+CMEE", Form.SET, "1"),
                Command("+CLCK", Form.SET, '"PN",2'),
            ),
        ),
        ('+CPIN="1;2"', (Command("+CPIN", Form.SET, '"1;2"'),)),
        ("S7=30S3?", (Command("S7", Form.SET, "30"), Command("S3", Form.READ))),
        ("D*99#", (Command("D", Form.EXECUTE, "*99#"),)),
        ("^SYSINFO", (Command("^SYSINFO", Form.EXECUTE),)),
        ("=", None),
        ("&", None),
        ("&1", None),
        ("+", None),
        ("S7", None),
        ("1", None),
    ],
)
def test_a_line_holds_these_commands(body: str, commands: tuple[Command, ...] | None) -> None:
    assert parse_line(body) == commands


@given(st.text(st.characters(max_codepoint=255)))
def test_no_line_breaks_the_parser(body: str) -> None:
    parse_line(body)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", []),
        (",", [("", False), ("", False)]),
        (
            '2, 5,"0502", 0404736D',
            [("2", False), ("5", False), ("0502", True), ("0404736D", False)],
        ),
        ('0,2,"A, B",7', [("0", False), ("2", False), ("A, B", True), ("7", False)]),
        ('"25001")', [("25001", True)]),
        ('"open', [("open", True)]),
    ],
)
def test_parameters_split_as_makers_write_them(text: str, fields: list[tuple[str, bool]]) -> None:
    assert [(field.text, field.quoted) for field in split(text)] == fields


def test_a_field_is_a_number_only_when_it_is_one() -> None:
    assert [field.number for field in split("7,,x,²,-1")] == [7, None, None, None, None]


def test_scan_groups_survive_brackets_in_names_and_stray_ones() -> None:
    text = '(2,"T (DE)","T","26201",7),(1,"V","V","26202",2)),,(0-4),(0,2'
    assert groups(text) == ('2,"T (DE)","T","26201",7', '1,"V","V","26202",2', "0-4", "0,2")


def answers(data: bytes, *, numeric: bool = False) -> list[tuple[str, Result | None, int | None]]:
    lexer = AnswerLexer(numeric=numeric)
    return [(a.text, a.result, a.code) for a in lexer.feed(data) + lexer.flush()]


@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n", b"\r\r\n"])
def test_every_line_end_gives_the_same_answers(end: bytes) -> None:
    data = end.join([b"AT+CGMM", b"", b"EG91", b"", b"OK", b""])
    assert answers(data) == [("AT+CGMM", None, None), ("EG91", None, None), ("OK", Result.OK, None)]


@pytest.mark.parametrize(
    ("line", "result", "code"),
    [
        (b"ERROR", Result.ERROR, None),
        (b"+CME ERROR: 10", Result.CME_ERROR, 10),
        (b"+CME ERROR:14", Result.CME_ERROR, 14),
        (b"+CME ERROR: SIM PIN required", Result.CME_ERROR, 11),
        (b"+CME ERROR: Network Personalisation PIN required", Result.CME_ERROR, 40),
        (b"+CME ERROR: something else", Result.CME_ERROR, None),
        (b"+CMS ERROR: 302", Result.CMS_ERROR, 302),
        (b"COMMAND NOT SUPPORT", Result.NOT_SUPPORTED, None),
        (b"NA", Result.NOT_AVAILABLE, None),
        (b"MODEM ERROR: 3", Result.MODEM_ERROR, 3),
        (b"CONNECT 115200", Result.CONNECT, None),
        (b"0", None, None),
    ],
)
def test_finals_are_told_from_information(line: bytes, result: Result | None, code: int) -> None:
    [(_, found, number)] = answers(line + b"\r\n")
    assert (found, number) == (result, code)


def test_a_lone_digit_is_final_only_when_the_modem_speaks_numbers() -> None:
    assert answers(b"0\r", numeric=True) == [("0", Result.OK, None)]


def test_a_prompt_needs_no_line_end() -> None:
    assert [a.kind for a in AnswerLexer().feed(b"\r\n> ")] == [AnswerKind.PROMPT]


def test_noise_is_kept_as_bytes_and_cut_at_the_limit() -> None:
    lexer = AnswerLexer()
    found = lexer.feed(b"\xff\xfe\0" + b"\x80" * 10_000 + b"\r\nOK\r\n")
    assert b"".join(a.raw for a in found[:-1]) == b"\xff\xfe" + b"\x80" * 10_000
    assert found[-1].ok


@given(st.binary(max_size=200), st.integers(0, 200))
def test_answers_do_not_depend_on_how_the_stream_was_cut(data: bytes, cut: int) -> None:
    whole, halves = AnswerLexer(), AnswerLexer()
    expected = whole.feed(data) + whole.flush()
    assert halves.feed(data[:cut]) + halves.feed(data[cut:]) + halves.flush() == expected


def test_the_text_behind_a_prefix_is_found_whatever_the_spaces() -> None:
    lexer = AnswerLexer()
    [one, two, three] = lexer.feed(b"+CREG: 2,5\r\n+creg :1\r\n+CREGX: 1\r\n")
    assert [a.after("+CREG") for a in (one, two, three)] == ["2,5", "1", None]


def test_the_alphabet_of_gsm_is_128_letters_and_comes_back() -> None:
    every = bytes(range(128))
    assert to_septets(from_septets(every)) == every
    assert to_septets("Mobilé @_Ж") == b"Mobil\x05 \x00\x11?"
    assert from_septets(b"AB\xff\xff") == "AB"
    assert from_septets(b"A\x80") == "A?"


def test_every_cme_error_reads_back_from_its_own_text() -> None:
    assert {error: cme_number(cme_text(error)) for error in CmeError} == {
        error: int(error) for error in CmeError
    }
    assert cme_text(777) == "error 777"


@pytest.mark.parametrize(
    ("body", "lasting"),
    [
        ("+CPIN?", False),
        ('+CPIN="1234"', True),
        ('+CLCK="PN",2', False),
        ('+CLCK="PN",0,"12345678"', True),
        ("+CRSM=176,28589,0,0,4", False),
        ('+CRSM=214,28589,0,0,4,"00000002"', True),
        ('+CSIM=14,"00A40004023F00"', False),
        ('+CSIM=26,"0020000108FFFFFFFFFFFFFFFF"', True),
        ("+COPS=3,2", False),
        ("+COPS=0", True),
        ("+COPS=?", False),
        ("+CFUN=1", False),
        ("+CFUN=0", True),
        ("+CFUN=1,1", True),
        ("&W", True),
        ("+CREG=2", False),
        ("^SIMLOCK=1", True),
        ("^SYSINFO?", False),
    ],
)
def test_what_changes_a_modem_for_good_is_known(body: str, lasting: bool) -> None:
    parsed = parse_line(body)
    assert parsed is not None
    assert changes_for_good(parsed[0]) is lasting


def test_every_entry_of_the_registry_names_its_clause() -> None:
    assert all(entry.clause and entry.what for entry in REGISTRY.values())
