"""Framing: the same messages come out however the stream is cut, and junk costs little."""

from __future__ import annotations

import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.framing import Framing, SerialFraming, TcpFraming
from firmware_sim_protocol.numbers import FRAME_DEADLINE_MS, HEADER_SIZE, MAX_MESSAGE
from firmware_sim_protocol.rules import Guard, Rule

FRAMINGS = (TcpFraming, SerialFraming)
MESSAGE = bytes(range(0x70, 0x90))
stuffed = st.sampled_from([0x7E, 0x7D, 0x11, 0x13, 0x5E, 0x5D, 0x31, 0x33, 0x00])
contents = st.lists(stuffed | st.integers(0, 255), min_size=HEADER_SIZE, max_size=60).map(bytes)


def told(found: list[bytes | Refusal]) -> list[bytes | Rule]:
    return [each.rule if isinstance(each, Refusal) else each for each in found]


def fed(framing: Framing, stream: bytes, cuts: list[int]) -> list[bytes | Rule]:
    found: list[bytes | Refusal] = []
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for start, end in itertools.pairwise(edges):
        found += framing.feed(stream[start:end], 0)
    return told(found)


@pytest.mark.parametrize("make", FRAMINGS)
@given(messages=st.lists(contents, max_size=4), cuts=st.lists(st.integers(0, 999), max_size=9))
def test_messages_come_out_as_they_went_in(
    make: type[Framing], messages: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(make().wrap(message) for message in messages)
    assert fed(make(), stream, cuts) == messages


@pytest.mark.parametrize("make", FRAMINGS)
@given(
    parts=st.lists(st.binary(max_size=40) | contents.map(lambda m: b"~" + m + b"~"), max_size=5),
    cuts=st.lists(st.integers(0, 999), max_size=9),
)
def test_any_stream_gives_the_same_however_it_is_cut(
    make: type[Framing], parts: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(parts)
    whole = fed(make(), stream, [])
    assert fed(make(), stream, cuts) == whole
    assert fed(make(), stream, list(range(len(stream)))) == whole


@given(noise=st.binary(max_size=50), message=contents)
def test_a_serial_frame_survives_any_noise_before_its_flag(noise: bytes, message: bytes) -> None:
    assert SerialFraming().feed(noise + SerialFraming().wrap(message), 0)[-1] == message


@given(message=contents, place=st.integers(0, 999), flip=st.integers(1, 255))
def test_a_damaged_serial_frame_never_passes_for_another(
    message: bytes, place: int, flip: int
) -> None:
    stream = bytearray(SerialFraming().wrap(message))
    stream[place % len(stream)] ^= flip
    found = SerialFraming().feed(bytes(stream) + b"~", 0)
    assert all(isinstance(each, Refusal) or each == message for each in found)


@pytest.mark.parametrize("make", FRAMINGS)
def test_the_largest_message_passes_and_one_octet_more_does_not(make: type[Framing]) -> None:
    largest = b"\x7e" * MAX_MESSAGE
    assert make().feed(make().wrap(largest), 0) == [largest]
    assert told(make().feed(make().wrap(largest + b"x"), 0))[0] is Rule.FRAME_LENGTH


@pytest.mark.parametrize("make", FRAMINGS)
def test_the_smallest_message_is_a_header(make: type[Framing]) -> None:
    header = b"h" * HEADER_SIZE
    assert make().feed(make().wrap(header), 0) == [header]
    assert told(make().feed(make().wrap(header[1:]), 0)) == [Rule.FRAME_LENGTH]


@pytest.mark.parametrize("make", FRAMINGS)
def test_the_deadline_of_a_frame_is_not_restarted_by_an_octet(make: type[Framing]) -> None:
    framing = make()
    stream = framing.wrap(MESSAGE)
    assert framing.wake_at() is None
    framing.feed(stream[:2], 1000)
    due = 1000 + FRAME_DEADLINE_MS
    assert framing.wake_at() == due
    framing.feed(stream[2:5], due - 1)
    assert framing.wake_at() == due
    assert framing.expire(due - 1) is None
    refusal = framing.expire(due)
    assert refusal is not None
    assert refusal.rule is Rule.FRAME_DEADLINE
    assert framing.wake_at() is None
    assert framing.feed(stream[5:], due + 1) == []


@pytest.mark.parametrize("make", FRAMINGS)
def test_a_frame_that_ends_after_its_deadline_is_refused_without_a_tick(
    make: type[Framing],
) -> None:
    framing = make()
    stream = framing.wrap(MESSAGE)
    framing.feed(stream[:5], 0)
    assert told(framing.feed(stream[5:], FRAME_DEADLINE_MS)) == [Rule.FRAME_DEADLINE]


@pytest.mark.parametrize("make", FRAMINGS)
def test_the_next_frame_has_a_deadline_of_its_own(make: type[Framing]) -> None:
    framing = make()
    stream = framing.wrap(MESSAGE)
    framing.feed(stream[:5], 0)
    assert framing.feed(stream[5:] + stream[:5], 4000) == [MESSAGE]
    assert framing.wake_at() == 4000 + FRAME_DEADLINE_MS


@pytest.mark.parametrize("make", FRAMINGS)
def test_a_twin_without_deadline_waits_as_long_as_octets_come(make: type[Framing]) -> None:
    framing = make(Guard(frozenset({Rule.FRAME_DEADLINE})))  # type: ignore[call-arg]
    found = []
    for index, octet in enumerate(framing.wrap(MESSAGE)):
        found += framing.feed(bytes((octet,)), index * (FRAME_DEADLINE_MS - 1))
    assert found == [MESSAGE]


def test_a_tcp_stream_is_over_after_a_refusal_until_it_is_reset() -> None:
    framing = TcpFraming()
    good = framing.wrap(MESSAGE)
    assert told(framing.feed(b"\xff\xff" + good, 0)) == [Rule.FRAME_LENGTH]
    assert framing.feed(good, 1) == []
    framing.reset()
    assert framing.feed(good, 2) == [MESSAGE]


def test_a_tcp_length_is_judged_before_its_message_comes() -> None:
    for length in (0, HEADER_SIZE - 1, MAX_MESSAGE + 1, 0xFFFF):
        assert told(TcpFraming().feed(length.to_bytes(2), 0)) == [Rule.FRAME_LENGTH]
    assert TcpFraming().feed(MAX_MESSAGE.to_bytes(2), 0) == []


def serial(octets: bytes) -> list[bytes | Rule]:
    return told(SerialFraming().feed(octets, 0))


def test_serial_frames_refuse_by_their_own_rules() -> None:
    good = SerialFraming().wrap(MESSAGE)
    assert serial(b"~" + b"x" * 19 + b"~") == [Rule.FRAME_LENGTH]
    assert serial(b"~" + b"x" * 20 + b"~") == [Rule.FRAME_FCS]
    assert serial(good[:-1] + b"}~") == [Rule.FRAME_ESCAPE]
    assert serial(b"~}~") == [Rule.FRAME_ESCAPE]
    assert serial(b"~abc}Axyz~" + good) == [Rule.FRAME_ESCAPE, MESSAGE]
    assert serial(b"~" + b"x" * 4101 + b"y" * 9000 + good) == [Rule.FRAME_LENGTH, MESSAGE]


def test_flags_may_be_shared_or_repeated_and_flow_control_is_not_data() -> None:
    good = SerialFraming().wrap(MESSAGE)
    assert serial(good + good[1:]) == [MESSAGE, MESSAGE]
    assert serial(b"~~~~" + good + b"~~") == [MESSAGE]
    sprinkled = b"\x11\x13".join(bytes((octet,)) for octet in good)
    assert serial(sprinkled) == [MESSAGE]


def test_the_fcs_is_that_of_rfc_1662_appendix_c() -> None:
    # RFC 1662, C.3: a frame with its FCS runs the register to the good value DEBB20E3.
    message = b"m" * 20
    octets = message + zlib.crc32(message).to_bytes(4, "little")
    register = 0xFFFF_FFFF
    for octet in octets:
        register ^= octet
        for _ in range(8):
            register = register >> 1 ^ (0xEDB88320 if register & 1 else 0)
    assert register == 0xDEBB20E3
    assert SerialFraming().wrap(message) == b"~" + octets + b"~"


def test_an_endless_serial_frame_costs_no_memory() -> None:
    framing = SerialFraming()
    found: list[bytes | Refusal] = []
    for _ in range(20):
        found += framing.feed(b"x" * 1000, 0)
    assert told(found) == [Rule.FRAME_LENGTH]
    assert len(framing._frame) == 0


def test_the_four_octets_are_escaped_as_rfc_1662_says() -> None:
    framed = SerialFraming().wrap(b"\x7e\x7d\x11\x13" + bytes(16))
    assert framed[:9] == b"~\x7d\x5e\x7d\x5d\x7d\x31\x7d\x33"


def test_a_refusal_ends_a_tcp_stream_and_costs_a_serial_line_one_frame() -> None:
    assert TcpFraming.fatal
    assert not SerialFraming.fatal
