"""Faults by name: what each does to an answer, byte by byte, and that a seed repeats it."""

from __future__ import annotations

import pytest

from firmware_sim.errors import UsageError
from firmware_sim.modem.virtual import Departure, Fault, FaultKind, VirtualModem, default_state
from firmware_sim.modem.virtual.faults import parse
from tests.support.asking import ask, fresh

ANSWER = b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n"


def faulty(*written: str) -> VirtualModem:
    """A silent modem whose faults begin now."""
    modem = fresh()
    for text in written:
        modem.set("fault", text, 0)
    modem.outgoing()
    return modem


def raw(modem: VirtualModem, line: bytes, now: int = 0) -> bytes:
    modem.receive(line + b"\r", now)
    return modem.outgoing()


def at(modem: VirtualModem, now: int) -> bytes:
    modem.tick(now)
    return modem.outgoing()


def test_late_comes_late_and_whole() -> None:
    modem = faulty("late:ms=1500")
    assert raw(modem, b"AT+CSQ") == b""
    assert modem.wake_at() == 1500
    assert at(modem, 1499) == b""
    assert at(modem, 1500) == ANSWER


def test_lost_leaves_the_echo() -> None:
    modem = VirtualModem(default_state(), faults=[parse("lost")])
    assert raw(modem, b"AT+CSQ") == b"AT+CSQ\r"


def test_no_final_keeps_the_information() -> None:
    assert raw(faulty("no-final"), b"AT+CSQ") == b"\r\n+CSQ: 20,99\r\n"


def test_doubled_comes_twice() -> None:
    assert raw(faulty("doubled"), b"AT+CSQ") == ANSWER * 2


def test_torn_comes_in_two_parts_cut_by_the_seed() -> None:
    cuts = set()
    for seed in range(30):
        modem = faulty(f"torn:ms=200,seed={seed}")
        first = raw(modem, b"AT+CSQ")
        assert first
        assert first + at(modem, 200) == ANSWER
        cuts.add(len(first))
    assert len(cuts) > 5


def test_cr_only_and_bare_change_the_line_ends() -> None:
    assert raw(faulty("cr-only"), b"AT+CSQ") == b"\r+CSQ: 20,99\r\rOK\r"
    assert raw(faulty("bare"), b"AT+CSQ") == b"+CSQ: 20,99\r\nOK\r\n"


def test_an_unsolicited_line_comes_in_the_middle() -> None:
    modem = faulty("urc-inside:text=+CREG: 5")
    assert raw(modem, b"AT+CSQ") == b"\r\n+CSQ: 20,99\r\n\r\n+CREG: 5\r\n\r\nOK\r\n"


def test_a_text_with_commas_is_said_instead_of_the_answer() -> None:
    modem = faulty('say:command=+CREG?,text=+CREG: 2,5,"0502","0404736D"|^BOOT:1')
    told = b'\r\n+CREG: 2,5,"0502","0404736D"\r\n^BOOT:1\r\n\r\nOK\r\n'
    assert raw(modem, b"AT+CREG?") == told
    assert raw(modem, b"AT+CREG=?") == b"\r\n+CREG: (0-3)\r\n\r\nOK\r\n"


def test_a_result_may_come_first() -> None:
    assert raw(faulty("result-first"), b"AT+CSQ") == b"\r\nOK\r\n\r\n+CSQ: 20,99\r\n"


def test_a_banner_greets_at_power_up() -> None:
    modem = VirtualModem(default_state(), faults=[parse("banner:text=RDY|+CFUN: 1")])
    assert modem.outgoing() == b"\r\nRDY\r\n\r\n+CFUN: 1\r\n"


def test_noise_is_bytes_that_cannot_be_text() -> None:
    for seed in range(20):
        data = raw(faulty(f"noise:seed={seed}"), b"AT+CSQ")
        noise = data.removesuffix(ANSWER)
        assert 1 <= len(noise) <= 16
        assert all(byte == 0 or byte >= 0x80 for byte in noise)


def test_busy_refuses_the_card_for_a_while_and_nothing_else() -> None:
    modem = faulty("busy:times=2")
    ask(modem, "AT+CMEE=1")
    assert ask(modem, "AT+CGSN")[-1] == "OK"
    assert [ask(modem, "AT+CPIN?") for _ in range(3)] == [
        ["+CME ERROR: 14"],
        ["+CME ERROR: 14"],
        ["+CPIN: READY", "OK"],
    ]


def test_busy_may_last_for_a_time_from_power_up() -> None:
    modem = VirtualModem(default_state(), faults=[parse("busy:ms=4000")])
    modem.receive(b"ATE0+CMEE=1\r", 0)
    modem.outgoing()
    assert ask(modem, "AT+CPIN?", 3999) == ["+CME ERROR: 14"]
    assert ask(modem, "AT+CPIN?", 4000) == ["+CPIN: READY", "OK"]
    ask(modem, "AT+CFUN=1,1;E0", 9000)
    ask(modem, "ATE0+CMEE=1", 9000)
    assert ask(modem, "AT+CPIN?", 12999) == ["+CME ERROR: 14"]
    assert ask(modem, "AT+CPIN?", 13000) == ["+CPIN: READY", "OK"]


def test_a_hang_up_cuts_the_answer_and_the_link() -> None:
    for seed in range(20):
        modem = faulty(f"hang-up:after=1,seed={seed}")
        assert raw(modem, b"AT+CSQ") == ANSWER
        half = raw(modem, b"AT+CSQ")
        assert ANSWER.startswith(half)
        assert half != ANSWER
        assert modem.departure is Departure.HUNG_UP
        assert raw(modem, b"AT") == b""
        modem.reattach(0)
        assert modem.departure is None
        assert raw(modem, b"AT") == b"AT\r\r\nOK\r\n"


def test_re_enumeration_leaves_before_the_answer() -> None:
    modem = faulty("re-enumerate:command=+COPS")
    assert raw(modem, b"AT+CSQ") == ANSWER
    assert raw(modem, b"AT+COPS?") == b""
    assert modem.departure is Departure.RE_ENUMERATED


def test_300_baud_take_a_thirtieth_of_a_second_for_each_byte() -> None:
    modem = faulty("300-baud")
    assert raw(modem, b"AT+CSQ") == b""
    assert at(modem, 33) == b"\r"
    assert at(modem, 66) == b"\n"
    assert at(modem, 100) == b"+"
    assert at(modem, 1000 * 10 * len(ANSWER) // 300) == ANSWER[3:]


def test_a_fault_hits_only_its_command_and_only_so_often() -> None:
    modem = faulty("lost:command=+CSQ,after=1,times=1")
    assert [raw(modem, b"AT+CSQ") for _ in range(3)] == [ANSWER, b"", ANSWER]
    assert raw(modem, b"AT") == b"\r\nOK\r\n"


def test_one_in_so_many_is_chosen_by_the_seed_and_repeats() -> None:
    def lost(seed: int) -> list[bool]:
        modem = faulty(f"lost:every=3,seed={seed}")
        return [raw(modem, b"AT") == b"" for _ in range(60)]

    assert lost(1) == lost(1)
    assert lost(1) != lost(2)
    assert 8 < sum(lost(1)) < 35


def test_faults_add_up_in_the_order_given() -> None:
    modem = faulty("doubled", "cr-only")
    assert raw(modem, b"AT") == b"\rOK\r" * 2


def test_faults_can_be_taken_away() -> None:
    modem = faulty("lost")
    assert raw(modem, b"AT") == b""
    modem.set("fault", "none", 0)
    assert raw(modem, b"AT") == b"\r\nOK\r\n"


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_fault_has_a_name_that_parses(kind: FaultKind) -> None:
    assert parse(kind.value).kind is kind


def test_a_fault_is_a_value() -> None:
    assert parse("late:ms=5,seed=1") == parse("late:seed=1,ms=5")
    assert parse("300-baud") == parse("pace:baud=300")
    assert isinstance(parse("late"), Fault)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("explode", "no fault named 'explode'"),
        ("late:hours=2", "hours=2"),
        ("late:ms=soon", "ms is a number"),
        ("late:ms=600001", "ms is 0..600000"),
        ("late:every=0", "every is 1.."),
        ("pace:baud=49", "baud is 50.."),
        ("late:ms", "'ms'"),
    ],
)
def test_a_fault_that_makes_no_sense_is_told_in_one_line(written: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(written)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
