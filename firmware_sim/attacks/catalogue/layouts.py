"""Attacks on the layout of a body: sizes, values, extensions. All of them are well signed."""

from __future__ import annotations

from collections.abc import Callable

from firmware_sim.attacks import forge
from firmware_sim.attacks.bench import Bench, Exchange
from firmware_sim.attacks.scenes import ForgeAnswer, answer
from firmware_sim_native import tbcd
from firmware_sim_protocol.extensions import encode_extension
from firmware_sim_protocol.numbers import ExtensionType, MessageType
from firmware_sim_protocol.rules import Rule

RESPONSE = MessageType.RESPONSE
TEXT, NOTICE = ExtensionType.DISPLAY_TEXT, ExtensionType.LOCK_NOTICE


def _fixed(exchange: Exchange) -> bytes:
    """The fixed part of the honest answer, without extensions."""
    start, size = forge.offset_of(RESPONSE, "recheck_after")
    return exchange.body[: start + size]


def _body(change: Callable[[Exchange], bytes]) -> ForgeAnswer:
    def build(bench: Bench, exchange: Exchange) -> bytes:
        body = change(exchange)
        return forge.sealed(RESPONSE, exchange.exchange_id, body, [bench.world.act])

    return build


def _tail(octets: bytes) -> ForgeAnswer:
    """These octets where the extensions stand."""
    return _body(lambda exchange: _fixed(exchange) + octets)


def _field(name: str, value: int | bytes) -> ForgeAnswer:
    return _body(lambda exchange: forge.patched(RESPONSE, _fixed(exchange), name, value))


def _cut(octets: int) -> ForgeAnswer:
    return _body(lambda exchange: _fixed(exchange)[:-octets])


def _imei(change: Callable[[bytes], bytes]) -> ForgeAnswer:
    def build(exchange: Exchange) -> bytes:
        octets = tbcd.pack_imei(exchange.response.imei)
        return forge.patched(RESPONSE, _fixed(exchange), "imei", change(octets))

    return _body(build)


ONE = encode_extension
EMPTY_17 = b"".join(ONE(0x4000 + number, b"") for number in range(17))
EMPTY_700 = b"".join(ONE(0x4000 + number, b"") for number in range(700))
ROWS = (
    answer(
        "TLV-001",
        "double-parse",
        Rule.EXT_ORDER,
        "DISPLAY_TEXT twice",
        "CVE-2013-4787; RFC 8949, 5.6",
        _tail(ONE(TEXT, b"locked") + ONE(TEXT, b"open")),
    ),
    answer(
        "TLV-002",
        "double-parse",
        Rule.EXT_ORDER,
        "an unknown extension twice",
        "CVE-2013-4787; RFC 8949, 5.6",
        _tail(ONE(0x4000, b"1") + ONE(0x4000, b"2")),
    ),
    answer(
        "TLV-003",
        "canonical",
        Rule.EXT_ORDER,
        "extensions in descending order",
        "BOLT #1",
        _tail(ONE(NOTICE, bytes(4)) + ONE(TEXT, b"text")),
    ),
    answer(
        "TLV-004",
        "critical",
        Rule.EXT_CRITICAL,
        "an unknown critical extension",
        "RFC 9052, 3.1; RFC 5280, 4.2; RFC 7296, 2.5",
        _tail(ONE(0xC000, b"must")),
    ),
    answer(
        "TLV-005",
        "critical",
        Rule.EXT_CRITICAL_BIT,
        "DISPLAY_TEXT with the critical bit, which it does not have",
        "RFC 7296, 2.5",
        _tail(ONE(TEXT | 0x8000, b"text")),
    ),
    answer(
        "TLV-007",
        "canonical",
        Rule.EXT_VALUE,
        "LOCK_NOTICE of 2 octets",
        "BOLT #1",
        _tail(ONE(NOTICE, bytes(2))),
    ),
    answer(
        "TLV-007-8",
        "canonical",
        Rule.EXT_VALUE,
        "LOCK_NOTICE of 8 octets",
        "BOLT #1",
        _tail(ONE(NOTICE, bytes(8))),
    ),
    answer(
        "ODP-020",
        "canonical",
        Rule.EXT_VALUE,
        "DISPLAY_TEXT that is not UTF-8",
        "RFC 3629, 3",
        _tail(ONE(TEXT, b"\xc0\xaf")),
    ),
    answer(
        "ODP-021",
        "canonical",
        Rule.EXT_VALUE,
        "DISPLAY_TEXT with a terminal's escape",
        "CWE-150",
        _tail(ONE(TEXT, b"\x1b[2J")),
    ),
    answer(
        "TLV-008",
        "truncation",
        Rule.EXT_WHOLE,
        "the last extension cut short",
        "construct issue 1025",
        _tail(ONE(0x4000, b"12345678")[:-3]),
    ),
    answer(
        "TLV-009",
        "truncation",
        Rule.EXT_WHOLE,
        "one octet after the last extension",
        "construct issue 1025",
        _tail(ONE(0x4000, b"1") + b"\x00"),
    ),
    answer(
        "TLV-009-3",
        "truncation",
        Rule.EXT_WHOLE,
        "three octets after the last extension",
        "construct issue 1025",
        _tail(b"\x40\x00\x00"),
    ),
    answer(
        "FRM-008",
        "length-lie",
        Rule.EXT_WHOLE,
        "an extension that says 64 and has 4 octets",
        "CVE-2014-0160",
        _tail(b"\x40\x00\x00\x40ping"),
    ),
    answer(
        "FRM-010",
        "integer-overflow",
        Rule.EXT_WHOLE,
        "an extension of length FFFF: a 16-bit sum wraps",
        "CWE-190; CVE-2020-36242",
        _tail(b"\x40\x00\xff\xff\x00"),
    ),
    answer(
        "TLV-010",
        "missing",
        Rule.LAYOUT_SIZE,
        "the last field is not there",
        "CVE-2020-5390; RFC 8725, 3.10",
        _cut(4),
    ),
    answer(
        "TLV-010-1",
        "missing",
        Rule.LAYOUT_SIZE,
        "the last octet is not there",
        "CVE-2020-5390; RFC 8725, 3.10",
        _cut(1),
    ),
    answer(
        "TLV-010-8",
        "missing",
        Rule.LAYOUT_SIZE,
        "the last two fields are not there",
        "CVE-2020-5390; RFC 8725, 3.10",
        _cut(8),
    ),
    answer("TLV-011", "limits", Rule.EXT_COUNT, "17 extensions", "CVE-2020-6173", _tail(EMPTY_17)),
    answer(
        "TLV-011-K",
        "limits",
        Rule.EXT_COUNT,
        "700 empty extensions",
        "CVE-2020-6173",
        _tail(EMPTY_700),
    ),
    *(
        answer(
            f"TLV-013-{value:02X}",
            "enum",
            Rule.LAYOUT_DECISION,
            f"decision {value}",
            "fail-safe defaults (Saltzer and Schroeder 1975)",
            _field("decision", value),
        )
        for value in (0, 7, 0x81, 0xFF)
    ),
    answer("ODP-022", "enum", Rule.LAYOUT_VALUE, "reason 999", "RFC 9413", _field("reason", 999)),
    answer(
        "ODP-023",
        "canonical",
        Rule.LAYOUT_VALUE,
        "country in small letters",
        "ISO 3166-1",
        _field("country", b"de"),
    ),
    answer(
        "ODP-024",
        "canonical",
        Rule.LAYOUT_VALUE,
        "subdivision with a control character",
        "ISO 3166-2",
        _field("subdivision", b"\x01\x02\x03"),
    ),
    answer(
        "TLV-016",
        "imei",
        Rule.LAYOUT_IMEI,
        "an IMEI whose filler is 0, not F",
        "3GPP TS 23.003, 6.2; TS 24.008, 10.5.1.4",
        _imei(lambda octets: octets[:-1] + bytes((octets[-1] & 0x0F,))),
    ),
    answer(
        "TLV-016-5",
        "imei",
        Rule.LAYOUT_IMEI,
        "an IMEI whose filler is 5, a sixteenth digit",
        "3GPP TS 23.003, 6.2.2 (IMEISV)",
        _imei(lambda octets: octets[:-1] + bytes((octets[-1] & 0x0F | 0x50,))),
    ),
)
