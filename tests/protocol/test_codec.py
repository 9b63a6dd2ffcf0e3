"""The codec: values and bytes stand for each other, one to one, and nothing else gets through."""

from __future__ import annotations

import dataclasses
from typing import Any

import construct
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim_native import imei, plmn, tbcd
from firmware_sim_protocol import codec, layout
from firmware_sim_protocol.errors import BuildError, Refusal
from firmware_sim_protocol.extensions import encode_extension
from firmware_sim_protocol.numbers import (
    Algorithm,
    Decision,
    Evidence,
    LockState,
    MessageType,
    Role,
)
from firmware_sim_protocol.rules import SOUND, Guard, Rule, Stage
from firmware_sim_protocol.values import Cell, Extensions, Gnss
from tests.support.messages import (
    ALGORITHMS,
    NOW,
    entry,
    example,
    imeis,
    key,
    keyset,
    messages,
)

TYPES = tuple(MessageType)


def offset(kind: MessageType, name: str) -> int:
    total = 0
    for row in layout.BODIES[kind]:
        if row.name == name:
            return total
        total += row.kind.size
    raise KeyError(name)


def patched(kind: MessageType, name: str, octets: bytes) -> bytes:
    """The example's body with other octets in one field."""
    body = bytearray(codec.build_body(example(kind)))
    start = offset(kind, name)
    body[start : start + len(octets)] = octets
    return bytes(body)


def refused(kind: MessageType, body: bytes, guard: Guard = SOUND) -> Rule:
    with pytest.raises(Refusal) as caught:
        codec.parse_body(kind, body, guard)
    return caught.value.rule


def parsed(kind: MessageType, body: bytes, guard: Guard = SOUND) -> Any:
    """The message, or the rule of stage LAYOUT that it breaks."""
    try:
        return codec.parse_body(kind, body, guard)
    except Refusal as refusal:
        return refusal.rule if refusal.stage is Stage.LAYOUT else refusal


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
@given(data=st.data())
def test_what_is_built_is_what_is_parsed(kind: MessageType, data: st.DataObject) -> None:
    message = data.draw(messages(kind))
    body = codec.build_body(message)
    assert codec.parse_body(kind, body) == message
    assert codec.build_body(codec.parse_body(kind, body)) == body


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
@given(data=st.data())
def test_bytes_that_are_accepted_are_the_bytes_that_would_be_built(
    kind: MessageType, data: st.DataObject
) -> None:
    body = bytearray(codec.build_body(data.draw(messages(kind))))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place] = data.draw(st.integers(0, 255))
    message = parsed(kind, bytes(body))
    assert isinstance(message, Rule) or codec.build_body(message) == bytes(body)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
@given(data=st.data())
def test_no_twin_falls_over(kind: MessageType, data: st.DataObject) -> None:
    body = bytearray(codec.build_body(data.draw(messages(kind))))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    waived = data.draw(st.sets(st.sampled_from(Rule), max_size=3))
    verdict = parsed(kind, bytes(body), Guard(frozenset(waived)))
    assert not isinstance(verdict, Refusal)


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.name)
@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_a_body_of_any_shorter_size_is_refused_by_its_size(
    kind: MessageType, algorithm: Algorithm
) -> None:
    body = codec.build_body(example(kind, algorithm))
    assert {refused(kind, body[:size]) for size in range(len(body))} == {Rule.LAYOUT_SIZE}


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_what_follows_the_fixed_part_must_be_whole_extensions(kind: MessageType) -> None:
    body = codec.build_body(example(kind))
    for tail in (b"\0", b"\x70\0\0", b"\x70\0\0\1", b"\x70\0\xff\xff\0"):
        assert refused(kind, body + tail) is Rule.EXT_WHOLE


@pytest.mark.parametrize(
    ("kind", "name", "octets", "rule"),
    [
        ("RESPONSE", "decision", b"\x00", Rule.LAYOUT_DECISION),
        ("RESPONSE", "decision", b"\x07", Rule.LAYOUT_DECISION),
        ("RESPONSE", "decision", b"\xff", Rule.LAYOUT_DECISION),
        ("RESPONSE", "reason", b"\x00\x08", Rule.LAYOUT_VALUE),
        ("RESPONSE", "country", b"de", Rule.LAYOUT_VALUE),
        ("RESPONSE", "country", b"D\xff", Rule.LAYOUT_VALUE),
        ("RESPONSE", "subdivision", b"\0BE", Rule.LAYOUT_VALUE),
        ("RESPONSE", "subdivision", b"B\0E", Rule.LAYOUT_VALUE),
        ("RESPONSE", "subdivision", b"\0\0\0", Rule.LAYOUT_VALUE),
        ("RESPONSE", "country", b"\xff\xffBE\0", Rule.LAYOUT_VALUE),
        ("RESPONSE", "imei", bytes.fromhex("94104502237315f9"), Rule.LAYOUT_IMEI),
        ("RESPONSE", "imei", bytes.fromhex("9410450223731508"), Rule.LAYOUT_IMEI),
        ("RESPONSE", "imei", bytes.fromhex("a4104502237315f8"), Rule.LAYOUT_IMEI),
        ("RESPONSE", "imei", bytes.fromhex("00000000000000f0"), Rule.LAYOUT_IMEI),
        ("RESPONSE", "imei", b"\xff" * 8, Rule.LAYOUT_IMEI),
        ("REQUEST", "serving_plmn", bytes.fromhex("63fa10"), Rule.LAYOUT_PLMN),
        ("REQUEST", "serving_plmn", bytes.fromhex("a3f810"), Rule.LAYOUT_PLMN),
        ("REQUEST", "serving_plmn", b"\xff" * 3, Rule.LAYOUT_EVIDENCE),
        ("REQUEST", "evidence", b"\x00\x01", Rule.LAYOUT_EVIDENCE),
        ("REQUEST", "evidence", b"\x00\x07", Rule.LAYOUT_EVIDENCE),
        ("REQUEST", "evidence", b"\x00\x23", Rule.LAYOUT_VALUE),
        ("REQUEST", "evidence", b"\x00\x20", Rule.LAYOUT_VALUE),
        ("REQUEST", "lock_state", b"\x08", Rule.LAYOUT_VALUE),
        ("REQUEST", "firmware_kind", b"\x00", Rule.LAYOUT_VALUE),
        ("REQUEST", "device_key_algorithm", b"\x03", Rule.LAYOUT_VALUE),
        ("CONFIRM", "lock_state", b"\xff", Rule.LAYOUT_VALUE),
        ("UNLOCK_TICKET", "scope", b"\x00\x08", Rule.LAYOUT_VALUE),
        ("KEYSET", "root_threshold", b"\x00", Rule.KEYSET_THRESHOLD),
        ("KEYSET", "root_threshold", b"\x04", Rule.KEYSET_THRESHOLD),
        ("KEYSET", "entry_count", b"\x06", Rule.LAYOUT_SIZE),
        ("KEYSET", "entry_count", b"\x00", Rule.LAYOUT_VALUE),
    ],
)
def test_a_field_that_is_not_of_its_table_is_refused(
    kind: str, name: str, octets: bytes, rule: Rule
) -> None:
    assert refused(MessageType[kind], patched(MessageType[kind], name, octets)) is rule


EVERYTHING = Extensions(
    cell=Cell(access=7, area=0x1A2B, cell=0x0123ABCD),
    gnss=Gnss(latitude_e7=231_136_000, longitude_e7=-823_666_000, accuracy_m=12, age_s=3),
    wifi_country="CU",
)


def test_a_request_with_every_kind_of_evidence_names_each() -> None:
    request = dataclasses.replace(
        example(MessageType.REQUEST),
        serving_plmn="36801",
        sim_plmn="26201",
        evidence=Evidence(31),
        extensions=EVERYTHING,
    )
    assert codec.parse_body(MessageType.REQUEST, codec.build_body(request)) == request


@pytest.mark.parametrize("kind", list(Evidence))
def test_evidence_that_is_carried_and_not_named_cannot_be_built(kind: Evidence) -> None:
    request = dataclasses.replace(
        example(MessageType.REQUEST),
        serving_plmn="36801",
        sim_plmn="26201",
        evidence=Evidence(31) & ~kind,
        extensions=EVERYTHING,
    )
    with pytest.raises(BuildError, match="is not what it carries"):
        codec.build_body(request)


def test_the_padding_of_an_ed25519_key_is_zero() -> None:
    body = bytearray(codec.build_body(example(MessageType.REQUEST, Algorithm.ED25519)))
    start = offset(MessageType.REQUEST, "device_key")
    assert body[start + 32] == 0
    body[start + 32] = 1
    assert refused(MessageType.REQUEST, bytes(body)) is Rule.LAYOUT_VALUE


def keyset_body(**entry_fields: bytes) -> bytes:
    """The example's body with other octets in its last entry."""
    body = bytearray(codec.build_body(keyset()))
    start = len(body) - layout.KEYSET_ENTRY_SIZE
    for row in layout.KEYSET_ENTRY:
        if row.name in entry_fields:
            body[start : start + row.kind.size] = entry_fields[row.name]
        start += row.kind.size
    return bytes(body)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"algorithm": b"\x03"}, Rule.KEYSET_ALGORITHM),
        ({"algorithm": b"\x00"}, Rule.KEYSET_ALGORITHM),
        ({"roles": b"\x00\x00"}, Rule.LAYOUT_VALUE),
        ({"roles": b"\x00\x20"}, Rule.LAYOUT_VALUE),
        ({"roles": b"\x80\x01"}, Rule.LAYOUT_VALUE),
        ({"public_key": b"\x04" + bytes(32)}, Rule.KEYSET_KEY_STRONG),
        ({"public_key": b"\x02" + b"\xff" * 32}, Rule.KEYSET_KEY_STRONG),
        ({"public_key": b"\x00" * 33}, Rule.KEYSET_KEY_STRONG),
        ({"algorithm": b"\x02", "public_key": b"\x01" + bytes(32)}, Rule.KEYSET_KEY_STRONG),
        ({"algorithm": b"\x02", "public_key": b"\x02" + bytes(32)}, Rule.KEYSET_KEY_STRONG),
        ({"algorithm": b"\x02", "public_key": b"\xff" * 32 + b"\0"}, Rule.KEYSET_KEY_STRONG),
    ],
)
def test_an_entry_of_a_keyset_is_a_sound_key(fields: dict[str, bytes], rule: Rule) -> None:
    assert refused(MessageType.KEYSET, keyset_body(**fields)) is rule


def test_no_key_stands_twice_in_a_keyset() -> None:
    twice = keyset(entries=(*keyset().entries, entry(key("act"), Role.UNLOCK)))
    body = codec.build_body(twice)
    assert refused(MessageType.KEYSET, body) is Rule.KEYSET_KEYS_DISTINCT


def test_the_negative_of_a_key_is_another_key() -> None:
    octets = key("act").public.octets
    mirrored = entry(key("act"), Role.UNLOCK, public_key=bytes((octets[0] ^ 1,)) + octets[1:])
    body = codec.build_body(keyset(entries=(*keyset().entries, mirrored)))
    assert codec.parse_body(MessageType.KEYSET, body)


def test_a_keyset_holds_at_most_32_entries() -> None:
    rows = tuple(entry(key(f"any {n}"), Role.ROOT) for n in range(33))
    whole = codec.build_body(keyset(entries=rows[:32]))
    assert codec.parse_body(MessageType.KEYSET, whole) == keyset(entries=rows[:32])
    with pytest.raises(BuildError, match="entries"):
        codec.build_body(keyset(entries=rows))
    body = bytearray(whole + whole[-layout.KEYSET_ENTRY_SIZE :])
    body[offset(MessageType.KEYSET, "entry_count")] = 33
    assert refused(MessageType.KEYSET, bytes(body)) is Rule.LAYOUT_VALUE


ERROR = codec.build_body(example(MessageType.ERROR))


@pytest.mark.parametrize(
    ("tail", "rule"),
    [
        ([(4, b"en"), (4, b"en")], Rule.EXT_ORDER),
        ([(5, b"\x01"), (4, b"en")], Rule.EXT_ORDER),
        ([(0x7000, b""), (0xF000, b"")], Rule.EXT_ORDER),
        ([(0xF000, b"")], Rule.EXT_CRITICAL),
        ([(0x8004, b"en")], Rule.EXT_CRITICAL_BIT),
        ([(4, b"")], Rule.EXT_VALUE),
        ([(4, b"e n")], Rule.EXT_VALUE),
        ([(4, b"\xff")], Rule.EXT_VALUE),
        ([(4, b"abcdefgh-" * 4)], Rule.EXT_VALUE),
        ([(4, b"abcdefgh-abcdefgh-abcdefgh-abcdef-ab")], Rule.EXT_VALUE),
        ([(5, b"\x00")], Rule.EXT_VALUE),
        ([(5, b"\x01\x01")], Rule.EXT_VALUE),
        ([(1, bytes(12))], Rule.EXT_VALUE),
        ([(2, (900_000_001).to_bytes(4) + bytes(12))], Rule.EXT_VALUE),
        ([(2, bytes(4) + (1_800_000_001).to_bytes(4) + bytes(8))], Rule.EXT_VALUE),
        ([(2, b"\x80\0\0\0" + bytes(12))], Rule.EXT_VALUE),
        ([(3, b"de")], Rule.EXT_VALUE),
        ([(0x101, b"")], Rule.EXT_VALUE),
        ([(0x101, b"x" * 513)], Rule.EXT_VALUE),
        ([(0x101, b"\xc0\x80")], Rule.EXT_VALUE),
        ([(0x101, b"a\rb")], Rule.EXT_VALUE),
        ([(0x101, b"a\x1bb")], Rule.EXT_VALUE),
        ([(0x101, b"a\x7fb")], Rule.EXT_VALUE),
        ([(0x101, "a\u0085b".encode())], Rule.EXT_VALUE),
        ([(0x102, bytes(3))], Rule.EXT_VALUE),
        ([(0x200 + n, b"") for n in range(17)], Rule.EXT_COUNT),
    ],
)
def test_an_extension_that_breaks_a_rule_is_refused(
    tail: list[tuple[int, bytes]], rule: Rule
) -> None:
    body = ERROR + b"".join(encode_extension(number, value) for number, value in tail)
    assert refused(MessageType.ERROR, body) is rule


@pytest.mark.parametrize(
    "tail",
    [
        [(0x200 + n, b"") for n in range(16)],
        [(0, b"")],
        [(0x7FFF, b"x" * 100)],
        [(4, b"abcdefgh-abcdefgh-abcdefgh-abcdefgh")],
        [(0x101, b"x" * 512)],
        [(0x101, "a\nb\u00a0".encode())],
        [(2, (900_000_000).to_bytes(4) + (1_800_000_000).to_bytes(4) + bytes(8))],
    ],
)
def test_an_extension_at_its_limit_is_accepted(tail: list[tuple[int, bytes]]) -> None:
    body = ERROR + b"".join(encode_extension(number, value) for number, value in tail)
    message = codec.parse_body(MessageType.ERROR, body)
    assert codec.build_body(message) == body


def test_evidence_bits_follow_what_is_carried() -> None:
    fix = Gnss(latitude_e7=1, longitude_e7=2, accuracy_m=3, age_s=4)
    request: Any = example(MessageType.REQUEST)
    silent = dataclasses.replace(request, extensions=Extensions(gnss=fix))
    with pytest.raises(BuildError, match="evidence"):
        codec.build_body(silent)
    told = dataclasses.replace(silent, evidence=request.evidence | Evidence.GNSS)
    assert codec.parse_body(MessageType.REQUEST, codec.build_body(told)) == told


@pytest.mark.parametrize(
    ("kind", "changes", "field"),
    [
        ("RESPONSE", {"imei": "490154203237519"}, "imei"),
        ("RESPONSE", {"imei": "000000000000000"}, "imei"),
        ("RESPONSE", {"imei": None}, "imei"),
        ("RESPONSE", {"device_nonce": b"short"}, "device_nonce"),
        ("RESPONSE", {"country": "de"}, "country"),
        ("RESPONSE", {"country": None, "subdivision": "UA-43"}, "subdivision"),
        ("RESPONSE", {"subdivision": "UA-43"}, "subdivision"),
        ("RESPONSE", {"retry_after": 0xFFFF_FFFF}, "retry_after"),
        ("RESPONSE", {"max_age": 1 << 32}, "max_age"),
        ("RESPONSE", {"max_age": -1}, "max_age"),
        ("RESPONSE", {"issued_at": 1 << 64}, "issued_at"),
        ("RESPONSE", {"decision": 9}, "decision"),
        ("REQUEST", {"serving_plmn": "3680"}, "serving_plmn"),
        ("REQUEST", {"device_key": bytes(32)}, "device_key"),
        ("ERROR", {"stage": 256}, "stage"),
        ("ERROR", {"extensions": Extensions(locale="e n")}, "LOCALE"),
        ("ERROR", {"extensions": Extensions(display_text="\ud800")}, "DISPLAY_TEXT"),
        ("ERROR", {"extensions": Extensions(lock_notice=-1)}, "LOCK_NOTICE"),
        ("ERROR", {"extensions": Extensions(unknown=((4, b""),))}, "known"),
        (
            "ERROR",
            {"extensions": Extensions(unknown=tuple((9 + n, b"") for n in range(17)))},
            "at most",
        ),
    ],
)
def test_a_value_that_the_wire_cannot_carry_is_not_built(
    kind: str, changes: dict[str, Any], field: str
) -> None:
    message: Any = dataclasses.replace(example(MessageType[kind]), **changes)
    with pytest.raises(BuildError, match=field):
        codec.build_body(message)


def test_an_unknown_decision_takes_the_twin_home() -> None:
    body = patched(MessageType.RESPONSE, "decision", b"\x63")
    twin = Guard(frozenset({Rule.LAYOUT_DECISION}))
    message: Any = codec.parse_body(MessageType.RESPONSE, body, twin)
    assert message.decision is Decision.ACTIVATE


def test_every_lock_state_and_time_survives_the_wire() -> None:
    for state in LockState:
        confirm: Any = dataclasses.replace(
            example(MessageType.CONFIRM), lock_state=state, record_sequence=NOW
        )
        assert codec.parse_body(MessageType.CONFIRM, codec.build_body(confirm)) == confirm


# Referees ---------------------------------------------------------------------------------


@given(octets=st.binary(min_size=3, max_size=3))
def test_a_plmn_is_read_as_the_core_reads_it(octets: bytes) -> None:
    try:
        expected: Any = None if octets == b"\xff\xff\xff" else plmn.unpack(octets)
    except ValueError:
        expected = Rule.LAYOUT_PLMN
    body = patched(MessageType.REQUEST, "sim_plmn", octets)
    if expected is None:
        expected = Rule.LAYOUT_EVIDENCE
    found = parsed(MessageType.REQUEST, body)
    assert found == expected if isinstance(found, Rule) else found.sim_plmn == expected
    if isinstance(expected, str):
        assert plmn.pack(expected) == octets


@given(octets=st.binary(min_size=8, max_size=8) | imeis.map(tbcd.pack_imei))
def test_an_imei_is_read_as_the_core_reads_it(octets: bytes) -> None:
    try:
        digits = tbcd.unpack_imei(octets)
    except ValueError:
        digits = ""
    expected = digits if imei.is_valid(digits) else Rule.LAYOUT_IMEI
    found = parsed(MessageType.RESPONSE, patched(MessageType.RESPONSE, "imei", octets))
    assert (found if isinstance(found, Rule) else found.imei) == expected


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
@given(data=st.data())
def test_construct_reads_the_same_table_as_the_codec(
    kind: MessageType, data: st.DataObject
) -> None:
    body = codec.build_body(data.draw(messages(kind)))[: layout.BODY_SIZES[kind]]
    ours = layout.BODY_STRUCTS[kind].parse(body)._asdict()
    theirs = layout.construct_of(layout.BODIES[kind]).parse(body)
    assert {name: theirs[name] for name in ours} == ours
    assert layout.BODY_STRUCTS[kind].build(ours) == body


def test_construct_agrees_on_every_size() -> None:
    parts = {**layout.BODIES, **layout.EXTENSIONS, 0: layout.HEADER, 1: layout.KEYSET_ENTRY}
    for fields in parts.values():
        assert layout.construct_of(fields).parse(bytes(layout.size_of(fields)))
        with pytest.raises(construct.ConstructError):
            layout.construct_of(fields).parse(bytes(layout.size_of(fields) + 1))


def test_a_twin_takes_what_is_cut_off_for_absent() -> None:
    twin = Guard(frozenset({Rule.LAYOUT_SIZE}))
    body = codec.build_body(example(MessageType.ERROR))
    assert codec.parse_body(MessageType.ERROR, body[:1], twin).retry_after is None  # type: ignore[union-attr]
    answer: Any = codec.parse_body(
        MessageType.RESPONSE, codec.build_body(example(MessageType.RESPONSE))[:-8], twin
    )
    assert (answer.retry_after, answer.recheck_after) == (None, None)
