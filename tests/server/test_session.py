"""One connection: bytes in any pieces, limits on what a peer may cost, a clock never ahead."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.server.session import MAX_MESSAGES, QUIET_MS, Session
from firmware_sim_protocol.codec import parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.framing import Framing, SerialFraming, TcpFraming
from firmware_sim_protocol.numbers import MessageType
from firmware_sim_protocol.rules import Stage
from firmware_sim_protocol.values import Challenge, Error, Response
from tests.support.devices import NOW_S, TestDevice, issuer_with

FRAMINGS = [TcpFraming, SerialFraming]


def session(framing: type[Framing] = TcpFraming, epoch_ms: int = NOW_S * 1000) -> Session:
    return Session(issuer_with(), framing(), epoch_ms)  # type: ignore[call-arg]


def answers(talk: Session, framing: type[Framing] = TcpFraming) -> list[bytes]:
    found = framing().feed(talk.outgoing(), 0)  # type: ignore[call-arg]
    assert not any(isinstance(item, Refusal) for item in found)
    return [item for item in found if isinstance(item, bytes)]


@pytest.mark.parametrize("framing", FRAMINGS)
@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 400), max_size=8))
def test_pieces_of_any_size_get_the_same_answer(framing: type[Framing], cuts: list[int]) -> None:
    device = TestDevice()
    octets = framing().wrap(device.challenge_req())  # type: ignore[call-arg]
    talk = session(framing)
    edges = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    for start, end in itertools.pairwise(edges):
        talk.receive(octets[start:end], 0)
    whole = session(framing)
    whole.receive(octets, 0)
    assert talk.outgoing() == whole.outgoing() != b""


@pytest.mark.parametrize("late_ms", [0, 1, 500, 999, 1000, 1001, 59_999])
@pytest.mark.parametrize("fraction_ms", [0, 1, 499, 999])
def test_an_answer_is_never_issued_in_the_future(late_ms: int, fraction_ms: int) -> None:
    epoch_ms = NOW_S * 1000 + fraction_ms
    talk, device, wire = session(epoch_ms=epoch_ms), TestDevice(), TcpFraming()
    talk.receive(wire.wrap(device.challenge_req()), late_ms)
    challenge = parse_message(open_envelope(answers(talk)[0]))
    assert isinstance(challenge, Challenge)
    talk.receive(wire.wrap(device.request(challenge.server_nonce)), late_ms)
    response = parse_message(open_envelope(answers(talk)[0]))
    assert isinstance(response, Response)
    # Both clocks were rounded down when they were read: real time may be 1 ms less than their sum.
    true_ms = epoch_ms + late_ms - 1
    assert response.issued_at <= true_ms / 1000 < response.issued_at + 1


def test_a_broken_length_ends_a_tcp_connection_with_an_error() -> None:
    talk = session()
    talk.receive(b"\xff\xff", 0)
    error = parse_message(open_envelope(answers(talk)[0]))
    assert isinstance(error, Error)
    assert error.stage == Stage.FRAME
    assert talk.closing
    talk.receive(TcpFraming().wrap(TestDevice().challenge_req()), 0)
    assert talk.outgoing() == b""


def test_a_frame_that_is_not_whole_after_five_seconds_is_given_up() -> None:
    talk = session()
    octets = TcpFraming().wrap(TestDevice().challenge_req())
    for index, octet in enumerate(octets[:5]):  # one octet a second does not help
        talk.receive(bytes((octet,)), 1000 * index)
    assert talk.wake_at() == 5000
    talk.tick(4999)
    assert not talk.closing
    talk.tick(5000)
    assert talk.closing


def test_silence_ends_a_socket_but_not_a_serial_line() -> None:
    talk = session()
    assert talk.wake_at() == QUIET_MS
    talk.tick(QUIET_MS)
    assert talk.closing
    line = Session(issuer_with(), SerialFraming(), NOW_S * 1000, lasting=True)
    line.tick(10 * QUIET_MS)
    assert line.wake_at() is None
    assert not line.closing


def test_a_connection_carries_so_many_messages_and_no_more() -> None:
    talk, octets = session(), TcpFraming().wrap(TestDevice().challenge_req())
    for _ in range(MAX_MESSAGES):
        talk.receive(octets, 0)
    assert len(answers(talk)) == MAX_MESSAGES
    assert not talk.closing
    talk.receive(octets, 0)
    assert talk.closing
    assert talk.outgoing() == b""


def test_a_clock_that_is_set_moves_the_answers_of_a_line_that_stays_open() -> None:
    line = Session(issuer_with(), SerialFraming(), 0, lasting=True)
    line.set_clock(NOW_S * 1000 + 1)
    device, wire = TestDevice(), SerialFraming()
    line.receive(wire.wrap(device.challenge_req()), 0)
    challenge = parse_message(open_envelope(answers(line, SerialFraming)[0]))
    assert isinstance(challenge, Challenge)
    line.receive(wire.wrap(device.request(challenge.server_nonce)), 0)
    raw = answers(line, SerialFraming)[0]
    assert MessageType(raw[5]) is MessageType.RESPONSE
    response = parse_message(open_envelope(raw))
    assert isinstance(response, Response)
    assert response.issued_at == NOW_S
