"""The envelope: header and sizes of a whole message, before anything of it is believed."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim_protocol import codec
from firmware_sim_protocol.envelope import open_envelope, seal
from firmware_sim_protocol.errors import BuildError, Refusal
from firmware_sim_protocol.numbers import (
    HEADER_SIZE,
    MAX_MESSAGE,
    SIGNATURE_ENTRY_SIZE,
    MessageType,
)
from firmware_sim_protocol.rules import SOUND, Guard, Rule, Stage
from tests.support.messages import (
    ALGORITHMS,
    SIGNED,
    UNSIGNED,
    example,
    key,
    messages,
    sealed,
    signers,
)


def refused(raw: bytes, guard: Guard = SOUND) -> Rule:
    with pytest.raises(Refusal) as caught:
        open_envelope(raw, guard)
    return caught.value.rule


def changed(raw: bytes, place: int, octets: bytes) -> bytes:
    return raw[:place] + octets + raw[place + len(octets) :]


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.name)
@pytest.mark.parametrize("kind", MessageType, ids=lambda kind: kind.name)
def test_a_sealed_message_opens_to_what_was_sealed(kind: MessageType, algorithm: int) -> None:
    from firmware_sim_protocol.numbers import Algorithm

    raw = sealed(kind, Algorithm(algorithm))
    envelope = open_envelope(raw)
    assert envelope.raw == raw
    assert envelope.header.type is kind
    assert envelope.header.exchange_id == (0 if kind is MessageType.KEYSET else 0x01020304)
    assert envelope.body == codec.build_body(example(kind, Algorithm(algorithm)))
    assert envelope.header_and_body == raw[: HEADER_SIZE + len(envelope.body)]
    assert envelope.digest == hashlib.sha256(raw).digest()
    ids = [private.public.key_id for private in signers(kind, Algorithm(algorithm))]
    assert [entry.key_id for entry in envelope.signatures] == ids
    assert codec.parse_message(envelope) == example(kind, Algorithm(algorithm))


@pytest.mark.parametrize("kind", UNSIGNED, ids=lambda kind: kind.name)
@given(data=st.data())
def test_any_unsigned_message_goes_through(kind: MessageType, data: st.DataObject) -> None:
    message = data.draw(messages(kind))
    exchange = data.draw(st.integers(0, 0xFFFF_FFFF))
    envelope = open_envelope(codec.build_message(message, exchange))
    assert envelope.header.exchange_id == exchange
    assert envelope.signatures == ()
    assert codec.parse_message(envelope) == message


@given(octets=st.binary(max_size=200), waived=st.sets(st.sampled_from(Rule), max_size=3))
def test_any_octets_open_or_are_refused(octets: bytes, waived: set[Rule]) -> None:
    for raw in (octets, b"ODAP\x01" + octets):
        assert opened(raw, Guard(frozenset(waived)))


def opened(raw: bytes, guard: Guard) -> bool:
    """Whether it opens, or is refused at a stage that the envelope knows."""
    try:
        return open_envelope(raw, guard).raw == raw
    except Refusal as refusal:
        return refusal.stage <= Stage.SIGNATURE


@pytest.mark.parametrize("kind", MessageType, ids=lambda kind: kind.name)
def test_a_message_cut_anywhere_is_refused(kind: MessageType) -> None:
    raw = sealed(kind)
    body_end = HEADER_SIZE + len(open_envelope(raw).body)
    for size in range(len(raw)):
        rule = refused(raw[:size])
        if size < HEADER_SIZE:
            assert rule is Rule.FRAME_LENGTH
        elif size == body_end:
            assert rule is Rule.SIG_PRESENT
        else:
            assert rule is Rule.HEADER_SIZES


@pytest.mark.parametrize("kind", MessageType, ids=lambda kind: kind.name)
def test_nothing_may_follow_a_message(kind: MessageType) -> None:
    raw = sealed(kind)
    assert refused(raw + b"\0") is Rule.HEADER_SIZES
    assert refused(raw + bytes(SIGNATURE_ENTRY_SIZE)) is Rule.HEADER_SIZES
    twin = Guard(frozenset({Rule.HEADER_SIZES}))
    assert open_envelope(raw + b"\0", twin).body == open_envelope(raw).body


@pytest.mark.parametrize(
    ("place", "octets", "rule"),
    [
        (0, b"P", Rule.HEADER_MAGIC),
        (3, b"p", Rule.HEADER_MAGIC),
        (4, b"\0", Rule.HEADER_VERSION),
        (4, b"\2", Rule.HEADER_VERSION),
        (5, b"\0", Rule.HEADER_TYPE),
        (5, b"\x0b", Rule.HEADER_TYPE),
        (5, b"\xff", Rule.HEADER_TYPE),
        (6, b"\1", Rule.HEADER_RESERVED),
        (7, b"\1", Rule.HEADER_RESERVED),
        (14, b"\1", Rule.HEADER_RESERVED),
        (15, b"\1", Rule.HEADER_RESERVED),
        (12, b"\0\0", Rule.HEADER_SIZES),
        (12, b"\xff\xff", Rule.HEADER_SIZES),
    ],
)
def test_a_header_that_breaks_a_rule_is_refused(place: int, octets: bytes, rule: Rule) -> None:
    assert refused(changed(sealed(MessageType.ERROR), place, octets)) is rule


@pytest.mark.parametrize("kind", SIGNED, ids=lambda kind: kind.name)
def test_a_signature_block_has_1_to_8_signatures(kind: MessageType) -> None:
    raw = open_envelope(sealed(kind)).header_and_body
    one = bytes(SIGNATURE_ENTRY_SIZE)
    assert refused(raw) is Rule.SIG_PRESENT
    assert refused(raw + b"\0") is Rule.SIG_PRESENT
    assert len(open_envelope(raw + b"\1" + one).signatures) == 1
    assert len(open_envelope(raw + b"\x08" + 8 * one).signatures) == 8
    assert refused(raw + b"\x09" + 9 * one) is Rule.SIG_COUNT
    assert refused(raw + b"\xff") is Rule.SIG_COUNT
    assert refused(raw + b"\2" + one) is Rule.HEADER_SIZES
    assert refused(raw + b"\1" + 2 * one) is Rule.HEADER_SIZES


def test_a_message_of_4096_octets_is_the_largest() -> None:
    body = codec.build_body(example(MessageType.ERROR))
    filler = MAX_MESSAGE - HEADER_SIZE - len(body) - 4
    head = b"\x70\0" + filler.to_bytes(2)
    raw = seal(MessageType.ERROR, 0, body + head + bytes(filler))
    assert len(raw) == MAX_MESSAGE
    assert codec.parse_message(open_envelope(raw))
    with pytest.raises(BuildError, match="octets"):
        seal(MessageType.ERROR, 0, body + head + bytes(filler + 1))
    over = changed(raw + b"x", 12, (len(raw) - HEADER_SIZE + 1).to_bytes(2))
    assert refused(over) is Rule.FRAME_LENGTH
    assert open_envelope(over, Guard(frozenset({Rule.FRAME_LENGTH}))).raw == over


def test_a_type_is_sealed_with_the_signatures_that_it_must_have() -> None:
    for kind in UNSIGNED:
        with pytest.raises(BuildError, match="signers"):
            seal(kind, 0, b"", (key("act"),))
    for kind in SIGNED:
        with pytest.raises(BuildError, match="signers"):
            seal(kind, 0, b"")
        with pytest.raises(BuildError, match="signers"):
            seal(kind, 0, b"", (key("act"),) * 9)
    for exchange in (-1, 1 << 32):
        with pytest.raises(BuildError, match="u32"):
            seal(MessageType.ERROR, exchange, b"")
    with pytest.raises(BuildError, match="body"):
        seal(MessageType.ERROR, 0, bytes(70_000))


def test_the_buffer_that_was_opened_cannot_change_afterwards() -> None:
    raw = bytearray(sealed(MessageType.ERROR))
    envelope = open_envelope(raw)
    raw[:] = bytes(len(raw))
    assert envelope.raw == sealed(MessageType.ERROR)


def test_a_seal_at_its_limits() -> None:
    eight = seal(MessageType.KEYSET, 0xFFFF_FFFF, b"", (key("act"),) * 8)
    assert len(open_envelope(eight).signatures) == 8
    assert open_envelope(eight).header.exchange_id == 0xFFFF_FFFF
    room = MAX_MESSAGE - HEADER_SIZE - 1 - SIGNATURE_ENTRY_SIZE
    assert len(seal(MessageType.RESPONSE, 0, bytes(room), (key("act"),))) == MAX_MESSAGE
    with pytest.raises(BuildError, match="at most 4096"):
        seal(MessageType.RESPONSE, 0, bytes(room + 1), (key("act"),))


R, S = 0x1234, 0xFEDC_0000_0001
BOTH = R.to_bytes(32) + S.to_bytes(32)


@pytest.mark.parametrize(
    ("octets", "read"),
    [
        (encode_dss_signature(R, S), BOTH),
        (R.to_bytes(33) + S.to_bytes(33), BOTH),
        (b"\xff" * 70, b"\xff" * 64),
        (encode_dss_signature(1 << 256, 1), encode_dss_signature(1 << 256, 1).ljust(64, b"\0")),
        (encode_dss_signature((1 << 256) - 1, 1), b"\xff" * 32 + (1).to_bytes(32)),
    ],
)
def test_a_twin_takes_a_signature_in_any_encoding(octets: bytes, read: bytes) -> None:
    raw = open_envelope(sealed(MessageType.RESPONSE)).header_and_body
    key_id = key("act").public.key_id
    twin = Guard(frozenset({Rule.SIG_SIZE}))
    message = raw + b"\1" + key_id + octets
    assert refused(message) is Rule.HEADER_SIZES
    [entry] = open_envelope(message, twin).signatures
    assert (entry.key_id, entry.signature) == (key_id, read)
    whole = sealed(MessageType.RESPONSE)
    assert open_envelope(whole, twin).signatures == open_envelope(whole).signatures
