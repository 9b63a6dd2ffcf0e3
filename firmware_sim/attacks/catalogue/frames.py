"""Attacks on framing, header and sizes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from firmware_sim.attacks import forge
from firmware_sim.attacks.attack import Actor, Framing
from firmware_sim.attacks.bench import Bench, Exchange
from firmware_sim.attacks.device import Ability
from firmware_sim.attacks.scenes import ForgeAnswer, Forged, Raw, Step, Wait, answer
from firmware_sim_protocol.extensions import encode_extension
from firmware_sim_protocol.numbers import Decision, MessageType
from firmware_sim_protocol.rules import Rule
from firmware_sim_protocol.values import Extensions

RESPONSE = MessageType.RESPONSE
FLAG, ESCAPE = 0x7E, 0x7D
TIME = frozenset({Ability.TIME})


def _with_header(kind: int = RESPONSE, **odd: Any) -> ForgeAnswer:
    """A header with these odd fields, well signed."""

    def build(bench: Bench, exchange: Exchange) -> bytes:
        _, body, _ = forge.split(exchange.honest)
        head = forge.header(kind, exchange.exchange_id, len(body), **odd)
        return forge.signed(RESPONSE, head, body, [bench.world.act])

    return build


def _big(bench: Bench, exchange: Exchange, size: int = 4500) -> bytes:
    """An answer that is right in everything but its size."""
    body = forge.split(exchange.honest)[1] + encode_extension(0x7F02, bytes(size))
    return forge.sealed(RESPONSE, exchange.exchange_id, body, [bench.world.act])


def _one_more(bench: Bench, exchange: Exchange) -> bytes:
    return exchange.honest + b"\x00"


def _two_in_one(bench: Bench, exchange: Exchange) -> bytes:
    return exchange.honest + bench.answer(exchange, decision=Decision.LOCK_TERRITORY)


def _last_octet_zero(bench: Bench, exchange: Exchange) -> bytes:
    for count in range(8192):
        message = bench.answer(exchange, extensions=Extensions(unknown=((0x7F02, b"%d" % count),)))
        if message[-1] == 0:
            return message
    raise AssertionError("no signature ends in 00 in 8192")


def _cut_short(bench: Bench, exchange: Exchange) -> bytes:
    """The last octet is missing and would be 00: what a zeroed buffer holds anyway."""
    return _last_octet_zero(bench, exchange)[:-1]


def _every_prefix(bench: Bench, exchange: Exchange) -> Iterator[Step]:
    message = _last_octet_zero(bench, exchange)
    # Fewer than the drops that end an exchange; every length is the fuzzers' business.
    for size in (16, 17, 100, len(message) - 97, len(message) - 96, len(message) - 1):
        yield message[:size]


def _trickle(bench: Bench, exchange: Exchange) -> Forged:
    """A fifth of the frame every 4 s: each part in time, the whole not."""
    frame = bench.wrap(exchange.honest)
    part = len(frame) // 5 + 1
    steps: list[Step] = []
    for start in range(0, len(frame), part):
        steps += [Raw(frame[start : start + part], "a fifth of the frame"), Wait(4_000)]
    return steps[:-1]


def _late(bench: Bench, exchange: Exchange) -> Forged:
    return [Wait(31_000), exchange.honest]


def _bad_fcs(bench: Bench, exchange: Exchange) -> Forged:
    return [Raw(_stuffed(exchange.honest, fcs=zlib.crc32(exchange.honest) ^ 1), "FCS wrong")]


def _good_fcs(bench: Bench, exchange: Exchange) -> bytes:
    head, body, block = forge.split(bench.answer(exchange, decision=Decision.LOCK_TERRITORY))
    return head + forge.patched(RESPONSE, body, "decision", Decision.ACTIVATE) + block


def _stuffed(message: bytes, *, fcs: int | None = None, needless: bool = False) -> bytes:
    octets = message + (zlib.crc32(message) if fcs is None else fcs).to_bytes(4, "little")
    out = bytearray((FLAG,))
    for octet in octets:
        odd = needless and octet not in (FLAG ^ 0x20, ESCAPE ^ 0x20, 0x31, 0x33)
        if octet in (FLAG, ESCAPE, 0x11, 0x13) or odd:
            out += bytes((ESCAPE, octet ^ 0x20))
            needless = needless and not odd
        else:
            out.append(octet)
    out.append(FLAG)
    return bytes(out)


def _needless_escape(bench: Bench, exchange: Exchange) -> Forged:
    return [Raw(_stuffed(exchange.honest, needless=True), "an escape that nothing asks for")]


def _aborted(bench: Bench, exchange: Exchange) -> Forged:
    frame = _stuffed(exchange.honest)
    return [Raw(frame[:-1] + bytes((ESCAPE, FLAG)), "7D 7E: aborted at its end")]


LENGTH, SERIAL = Framing.LENGTH, Framing.SERIAL
ROWS = (
    answer(
        "FRM-001",
        "trailing-data",
        Rule.HEADER_SIZES,
        "a good answer and one octet more",
        "construct issue 983; RFC 9124, THREAT.IMG.EXTRA",
        _one_more,
    ),
    answer(
        "FRM-002",
        "trailing-data",
        Rule.HEADER_SIZES,
        "two good messages in one frame",
        "CVE-2017-13156; XSW, USENIX Security 2012",
        _two_in_one,
    ),
    answer(
        "FRM-003",
        "truncation",
        Rule.HEADER_SIZES,
        "prefixes of a good answer",
        "Wycheproof TruncatedSignature",
        _every_prefix,
    ),
    answer(
        "FRM-003-Z",
        "truncation",
        Rule.HEADER_SIZES,
        "a good answer without its last octet, which is 00",
        "Wycheproof TruncatedSignature",
        _cut_short,
    ),
    answer(
        "FRM-004",
        "endless-data",
        Rule.FRAME_LENGTH,
        "a well signed answer of 4.9 kB behind its u16 length",
        "TUF endless data attack",
        _big,
        framing=LENGTH,
    ),
    answer(
        "FRM-005",
        "endless-data",
        Rule.FRAME_LENGTH,
        "a well signed answer of 4.9 kB without a flag before its end",
        "TUF endless data attack; libideviceactivation src/activation.c",
        _big,
        framing=SERIAL,
    ),
    answer(
        "FRM-006",
        "slow-retrieval",
        Rule.FRAME_DEADLINE,
        "a fifth of the frame every 4 s",
        "TUF and Uptane slow retrieval; CVE-2007-6750",
        _trickle,
        needs=TIME,
        actor=Actor.MIDDLEMAN,
    ),
    answer(
        "ODP-010",
        "slow-retrieval",
        Rule.EXCHANGE_DEADLINE,
        "the good answer after 31 s",
        "TUF and Uptane slow retrieval",
        _late,
        needs=TIME,
        actor=Actor.MIDDLEMAN,
    ),
    answer(
        "FRM-011",
        "crc",
        Rule.FRAME_FCS,
        "a wrong FCS around a good answer",
        "RFC 1662, 3.1",
        _bad_fcs,
        framing=SERIAL,
        actor=Actor.MIDDLEMAN,
    ),
    answer(
        "FRM-012",
        "crc",
        Rule.SIG_VERIFIES,
        "a right FCS around a changed answer",
        "RFC 1662: the FCS is no integrity check",
        _good_fcs,
        framing=SERIAL,
        actor=Actor.MIDDLEMAN,
    ),
    answer(
        "FRM-013",
        "framing",
        Rule.FRAME_ESCAPE,
        "an escape before an ordinary octet",
        "RFC 1662, 4.2",
        _needless_escape,
        framing=SERIAL,
        actor=Actor.MIDDLEMAN,
    ),
    answer(
        "FRM-013-A",
        "framing",
        Rule.FRAME_ESCAPE,
        "a whole frame that ends in 7D 7E",
        "RFC 1662, 4.3",
        _aborted,
        framing=SERIAL,
        actor=Actor.MIDDLEMAN,
    ),
    answer(
        "FRM-017",
        "header",
        Rule.HEADER_MAGIC,
        "magic ODAQ, well signed",
        "RFC 9052, 2 (tags)",
        _with_header(magic=b"ODAQ"),
    ),
    answer(
        "FRM-018",
        "header",
        Rule.HEADER_RESERVED,
        "a flag set, well signed",
        "RFC 9413",
        _with_header(flags=1),
    ),
    answer(
        "FRM-018-R",
        "header",
        Rule.HEADER_RESERVED,
        "the reserved word set, well signed",
        "RFC 9413",
        _with_header(reserved=0x8000),
    ),
    answer(
        "FRM-019",
        "downgrade",
        Rule.HEADER_VERSION,
        "version 0, well signed",
        "CVE-2014-3566",
        _with_header(version=0),
    ),
    answer(
        "FRM-019-2",
        "downgrade",
        Rule.HEADER_VERSION,
        "version 2, well signed",
        "CVE-2014-3566",
        _with_header(version=2),
    ),
    answer(
        "ODP-011",
        "header",
        Rule.HEADER_TYPE,
        "type 0x44, well signed as an answer",
        "RFC 9413",
        _with_header(kind=0x44),
    ),
    answer(
        "ODP-011-0",
        "header",
        Rule.HEADER_TYPE,
        "type 0, well signed as an answer",
        "RFC 9413",
        _with_header(kind=0),
    ),
)
