"""Vectors of the wire: framing, parsing, building, the typed form."""

from __future__ import annotations

from typing import Any

from firmware_sim.rig.conformance.fields import to_fields
from firmware_sim_protocol import layout
from firmware_sim_protocol.codec import build_message, carried_evidence
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.extensions import encode_extension
from firmware_sim_protocol.framing import SerialFraming, TcpFraming
from firmware_sim_protocol.numbers import (
    MAX_MESSAGE,
    SIGNING_CONTEXT,
    Algorithm,
    Decision,
    LockState,
    MessageType,
)
from firmware_sim_protocol.rules import Rule
from firmware_sim_protocol.typed import to_text
from firmware_sim_protocol.values import Extensions
from vector_files.cast import EVERYTHING, IMEI2, XID, entry, example, key, resealed, sealed, signers
from vector_files.form import Group

ESP256 = Algorithm.ESP256
FLAGS = {
    "Minimal": "nothing that may be absent is there",
    "Full": "every extension is there, known and unknown",
    "Extreme": "fields at the ends of their ranges",
    "Truncated": "octets are missing",
    "Trailing": "octets are left over",
    "Header": "a field of the header is wrong",
    "Field": "a field of the fixed part is wrong",
    "Extension": "an extension is wrong",
    "Split": "the stream comes in pieces",
    "Deadline": "time runs out",
    "Stuffing": "octets that must be escaped",
    "Resynchronise": "good frames follow bad ones",
    "Mistyped": "a slip of the finger",
}


def parse_groups() -> list[Group]:
    good, bad = Group("parse"), Group("parse")
    for algorithm in Algorithm:
        for kind in MessageType:
            if algorithm is Algorithm.ED25519 and kind not in SIGNING_CONTEXT:
                continue
            name = f"{kind.name}, {algorithm.name}" if kind in SIGNING_CONTEXT else kind.name
            for label, message in _variants(kind, algorithm):
                raw = build_message(message, _xid(kind), signers(kind, algorithm))
                good.valid(
                    f"{name}, {label.lower()}",
                    {"message": raw.hex()},
                    {
                        "type": kind.name,
                        "exchange_id": _xid(kind),
                        "fields": to_fields(message),
                        "key_ids": [k.public.key_id.hex() for k in signers(kind, algorithm)],
                        "digest": open_envelope(raw).digest.hex(),
                    },
                    label,
                )
    for kind in MessageType:
        _sizes(bad, kind)
    _headers(bad)
    _fields(bad)
    _extensions(bad)
    return [good, bad]


def _xid(kind: MessageType) -> int:
    return 0 if kind is MessageType.KEYSET else XID


def _variants(kind: MessageType, algorithm: Algorithm) -> list[tuple[str, Any]]:
    variants = [("Minimal", example(kind, algorithm))]
    full = example(kind, algorithm, extensions=EVERYTHING)
    extreme: dict[str, Any] = {}
    if kind is MessageType.REQUEST:
        full = example(kind, algorithm, extensions=EVERYTHING, imei2=IMEI2)
        full = _with(full, evidence=carried_evidence(full))
        extreme = {
            "serving_plmn": None,
            "sim_plmn": None,
            "evidence": 0,
            "policy_version": 0xFFFF_FFFF,
            "boot_count": 0xFFFF_FFFF,
            "lock_state": LockState.STORE_FAULT,
        }
    elif kind is MessageType.RESPONSE:
        full = example(
            kind,
            algorithm,
            extensions=EVERYTHING,
            country="UA",
            subdivision="UA-43",
            decision=Decision.LOCK_TERRITORY,
            retry_after=0xFFFF_FFFE,
        )
        extreme = {
            "country": None,
            "recheck_after": None,
            "issued_at": 0,
            "not_after": 0xFFFF_FFFF_FFFF_FFFF,
            "max_age": 0xFFFF_FFFF,
            "decision": Decision.DEACTIVATE,
        }
    elif kind is MessageType.ERROR:
        extreme = {"stage": 255, "retry_after": None}
    variants.append(("Full", full))
    if extreme:
        variants.append(("Extreme", example(kind, algorithm, **extreme)))
    return variants


def _with(message: Any, **changes: Any) -> Any:
    import dataclasses

    return dataclasses.replace(message, **changes)


def _sizes(group: Group, kind: MessageType) -> None:
    raw = sealed(kind, ESP256)
    end = 16 + len(open_envelope(raw).body)
    name = kind.name
    group.invalid(
        f"{name}: half a header", {"message": raw[:15].hex()}, Rule.FRAME_LENGTH, "Truncated"
    )
    group.invalid(
        f"{name}: no last octet", {"message": raw[:-1].hex()}, Rule.HEADER_SIZES, "Truncated"
    )
    group.invalid(
        f"{name}: one octet more", {"message": (raw + b"\0").hex()}, Rule.HEADER_SIZES, "Trailing"
    )
    short = resealed(raw, raw[16 : end - 1], kind, ESP256)
    group.invalid(
        f"{name}: the body ends inside its last field",
        {"message": short.hex()},
        Rule.LAYOUT_SIZE,
        "Truncated",
    )
    if kind in SIGNING_CONTEXT:
        for text, octets in (("no signature block", raw[:end]), ("count 0", raw[:end] + b"\0")):
            group.invalid(f"{name}: {text}", {"message": octets.hex()}, Rule.SIG_PRESENT)
        nine = raw[:end] + b"\x09" + 9 * raw[end + 1 : end + 97]
        group.invalid(f"{name}: 9 signatures", {"message": nine.hex()}, Rule.SIG_COUNT)


def _headers(group: Group) -> None:
    raw = sealed(MessageType.ERROR, ESP256)
    for place, octets, text, rule in (
        (0, b"odap", "magic in small letters", Rule.HEADER_MAGIC),
        (4, b"\0", "version 0", Rule.HEADER_VERSION),
        (4, b"\2", "version 2", Rule.HEADER_VERSION),
        (5, b"\0", "type 0", Rule.HEADER_TYPE),
        (5, b"\x0b", "type 11", Rule.HEADER_TYPE),
        (6, b"\x80\0", "a flag", Rule.HEADER_RESERVED),
        (14, b"\0\1", "reserved is 1", Rule.HEADER_RESERVED),
        (12, b"\0\4", "body_len one too small", Rule.HEADER_SIZES),
        (12, b"\xff\xff", "body_len 65535", Rule.HEADER_SIZES),
    ):
        bent = raw[:place] + octets + raw[place + len(octets) :]
        group.invalid(f"header: {text}", {"message": bent.hex()}, rule, "Header")
    filler = MAX_MESSAGE - len(raw) - 4
    body = raw[16:] + encode_extension(0x700, bytes(filler))
    largest = resealed(raw, body, MessageType.ERROR, ESP256)
    group.valid("a message of 4096 octets", {"message": largest.hex()}, None, "Extreme")
    over = largest[:12] + (len(body) + 1).to_bytes(2) + largest[14:] + b"\0"
    group.invalid("a message of 4097 octets", {"message": over.hex()}, Rule.FRAME_LENGTH)


_BAD_FIELDS: tuple[tuple[str, str, str, str, Rule], ...] = (
    ("RESPONSE", "decision", "00", "decision 0", Rule.LAYOUT_DECISION),
    ("RESPONSE", "decision", "07", "decision 7", Rule.LAYOUT_DECISION),
    ("RESPONSE", "decision", "ff", "decision 255", Rule.LAYOUT_DECISION),
    ("RESPONSE", "reason", "0008", "unknown reason", Rule.LAYOUT_VALUE),
    ("RESPONSE", "country", "6465", "country in small letters", Rule.LAYOUT_VALUE),
    ("RESPONSE", "country", "ffff424500", "subdivision without country", Rule.LAYOUT_VALUE),
    ("RESPONSE", "subdivision", "004245", "padding before", Rule.LAYOUT_VALUE),
    ("RESPONSE", "imei", "94104502237315f9", "wrong check digit", Rule.LAYOUT_IMEI),
    ("RESPONSE", "imei", "9410450223731508", "filler 0", Rule.LAYOUT_IMEI),
    ("RESPONSE", "imei", "9a104502237315f8", "digit 9, then A", Rule.LAYOUT_IMEI),
    ("RESPONSE", "imei", "00000000000000f0", "fifteen zeros", Rule.LAYOUT_IMEI),
    ("RESPONSE", "imei", "ffffffffffffffff", "absent, where it may not be", Rule.LAYOUT_IMEI),
    ("REQUEST", "imei2", "94104502237315f9", "second: wrong check digit", Rule.LAYOUT_IMEI),
    ("REQUEST", "serving_plmn", "62f2a0", "digit A in the MNC", Rule.LAYOUT_PLMN),
    ("REQUEST", "serving_plmn", "f2f210", "no first digit", Rule.LAYOUT_PLMN),
    ("REQUEST", "serving_plmn", "ffffff", "absent, but its bit is set", Rule.LAYOUT_EVIDENCE),
    ("REQUEST", "evidence", "0001", "no bit for the SIM", Rule.LAYOUT_EVIDENCE),
    ("REQUEST", "evidence", "0007", "a bit for no cell", Rule.LAYOUT_EVIDENCE),
    ("REQUEST", "evidence", "8003", "an unknown bit", Rule.LAYOUT_VALUE),
    ("REQUEST", "lock_state", "08", "unknown lock state", Rule.LAYOUT_VALUE),
    ("REQUEST", "firmware_kind", "03", "unknown kind", Rule.LAYOUT_VALUE),
    ("REQUEST", "device_key_algorithm", "00", "algorithm 0", Rule.LAYOUT_VALUE),
    ("UNLOCK_TICKET", "scope", "0008", "unknown scope", Rule.LAYOUT_VALUE),
    ("KEYSET", "root_threshold", "00", "threshold 0", Rule.KEYSET_THRESHOLD),
    ("KEYSET", "root_threshold", "04", "threshold 4 of 3 roots", Rule.KEYSET_THRESHOLD),
    ("KEYSET", "entry_count", "00", "no entries", Rule.LAYOUT_VALUE),
    ("KEYSET", "entry_count", "06", "more entries than there are", Rule.LAYOUT_SIZE),
)


def _fields(group: Group) -> None:
    for name, field, octets, text, rule in _BAD_FIELDS:
        kind = MessageType[name]
        raw = sealed(kind, ESP256)
        body = bytearray(open_envelope(raw).body)
        start = _offset(layout.BODIES[kind], field)
        changed = bytes.fromhex(octets)
        body[start : start + len(changed)] = changed
        bent = resealed(raw, bytes(body), kind, ESP256)
        group.invalid(f"{name}.{field}: {text}", {"message": bent.hex()}, rule, "Field")
    _entries(group)
    request = sealed(MessageType.REQUEST, Algorithm.ED25519)
    body = bytearray(open_envelope(request).body)
    body[_offset(layout.BODIES[MessageType.REQUEST], "device_key") + 32] = 1
    bent = resealed(request, bytes(body), MessageType.REQUEST, Algorithm.ED25519)
    text = "REQUEST.device_key: the octet after an Ed25519 key is not 00"
    group.invalid(text, {"message": bent.hex()}, Rule.LAYOUT_VALUE, "Field")


def _offset(rows: tuple[layout.Field, ...], name: str) -> int:
    total = 0
    for row in rows:
        if row.name == name:
            return total
        total += row.kind.size
    raise KeyError(name)


def _entries(group: Group) -> None:
    raw = sealed(MessageType.KEYSET, ESP256)
    whole = open_envelope(raw).body
    start = len(whole) - layout.KEYSET_ENTRY_SIZE
    for field, octets, text, rule in (
        ("algorithm", "00", "algorithm 0", Rule.KEYSET_ALGORITHM),
        ("algorithm", "03", "algorithm 3", Rule.KEYSET_ALGORITHM),
        ("roles", "0000", "no role", Rule.LAYOUT_VALUE),
        ("roles", "0020", "an unknown role", Rule.LAYOUT_VALUE),
        ("public_key", "04" + "00" * 32, "a key of another form", Rule.KEYSET_KEY_STRONG),
        ("public_key", "02" + "ff" * 32, "no point of P-256", Rule.KEYSET_KEY_STRONG),
    ):
        body = bytearray(whole)
        at = start + _offset(layout.KEYSET_ENTRY, field)
        changed = bytes.fromhex(octets)
        body[at : at + len(changed)] = changed
        bent = resealed(raw, bytes(body), MessageType.KEYSET, ESP256)
        group.invalid(f"KEYSET entry, {field}: {text}", {"message": bent.hex()}, rule, "Field")
    rows = example(MessageType.KEYSET, ESP256).entries
    twice = sealed(MessageType.KEYSET, ESP256, entries=(*rows, rows[-1]))
    group.invalid("KEYSET: a key twice", {"message": twice.hex()}, Rule.KEYSET_KEYS_DISTINCT)
    weak = entry(key("act", Algorithm.ED25519), rows[3].roles, public_key=b"\1" + bytes(31))
    message = sealed(MessageType.KEYSET, ESP256, entries=(*rows, weak))
    text = "KEYSET: an Ed25519 key of small order"
    group.invalid(text, {"message": message.hex()}, Rule.KEYSET_KEY_STRONG)


_BAD_TAILS: tuple[tuple[str, list[tuple[int, bytes]], Rule], ...] = (
    ("twice the same", [(4, b"en"), (4, b"en")], Rule.EXT_ORDER),
    ("numbers fall", [(5, b"\1"), (4, b"en")], Rule.EXT_ORDER),
    ("one number with and without the critical bit", [(0x700, b""), (0x8700, b"")], Rule.EXT_ORDER),
    ("critical and unknown", [(0x8700, b"")], Rule.EXT_CRITICAL),
    ("known, with another critical bit", [(0x8004, b"en")], Rule.EXT_CRITICAL_BIT),
    ("LOCALE: empty", [(4, b"")], Rule.EXT_VALUE),
    ("LOCALE: a space", [(4, b"e n")], Rule.EXT_VALUE),
    ("LOCALE: 36 characters", [(4, b"abcdefgh-" * 4)], Rule.EXT_VALUE),
    ("CAUSE: 0", [(5, b"\0")], Rule.EXT_VALUE),
    ("CAUSE: two octets", [(5, b"\1\1")], Rule.EXT_VALUE),
    ("CELL: one octet short", [(1, bytes(12))], Rule.EXT_VALUE),
    ("GNSS: north of the pole", [(2, (900_000_001).to_bytes(4) + bytes(12))], Rule.EXT_VALUE),
    ("WIFI_COUNTRY: small letters", [(3, b"de")], Rule.EXT_VALUE),
    ("DISPLAY_TEXT: empty", [(0x101, b"")], Rule.EXT_VALUE),
    ("DISPLAY_TEXT: 513 octets", [(0x101, b"x" * 513)], Rule.EXT_VALUE),
    ("DISPLAY_TEXT: no UTF-8", [(0x101, b"\xc0\x80")], Rule.EXT_VALUE),
    ("DISPLAY_TEXT: escape", [(0x101, b"\x1b[2J")], Rule.EXT_VALUE),
    ("DISPLAY_TEXT: carriage return", [(0x101, b"a\rb")], Rule.EXT_VALUE),
    ("LOCK_NOTICE: three octets", [(0x102, bytes(3))], Rule.EXT_VALUE),
    ("17 of them", [(0x200 + n, b"") for n in range(17)], Rule.EXT_COUNT),
)


def _extensions(group: Group) -> None:
    raw = sealed(MessageType.ERROR, ESP256)
    for text, tail, rule in _BAD_TAILS:
        octets = b"".join(encode_extension(number, value) for number, value in tail)
        bent = resealed(raw, raw[16:] + octets, MessageType.ERROR, ESP256)
        group.invalid(f"extension: {text}", {"message": bent.hex()}, rule, "Extension")
    for text, octets in (
        ("one octet alone", b"\0"),
        ("three octets alone", b"\0\4\0"),
        ("length beyond the body", b"\7\0\0\2x"),
    ):
        bent = resealed(raw, raw[16:] + octets, MessageType.ERROR, ESP256)
        group.invalid(f"extension: {text}", {"message": bent.hex()}, Rule.EXT_WHOLE, "Extension")
    sixteen = Extensions(unknown=tuple((0x200 + n, bytes(n)) for n in range(16)))
    many = sealed(MessageType.ERROR, ESP256, extensions=sixteen)
    group.valid("16 unknown extensions", {"message": many.hex()}, None, "Extreme")


def build_groups() -> list[Group]:
    group = Group("build")
    for algorithm in Algorithm:
        for kind in MessageType:
            if algorithm is Algorithm.ED25519 and kind not in SIGNING_CONTEXT:
                continue
            for label, message in _variants(kind, algorithm):
                who = [
                    {"algorithm": int(k.algorithm), "private_key": k.secret.hex()}
                    for k in signers(kind, algorithm)
                ]
                raw = build_message(message, _xid(kind), signers(kind, algorithm))
                group.valid(
                    f"{kind.name}, {algorithm.name}, {label.lower()}",
                    {
                        "type": kind.name,
                        "exchange_id": _xid(kind),
                        "fields": to_fields(message),
                        "signers": who,
                    },
                    {"message": raw.hex()},
                    label,
                )
    return [group]


def framing_groups() -> list[Group]:
    groups = [
        Group("wrap"),
        Group("frame", {"framing": "tcp"}),
        Group("frame", {"framing": "serial"}),
    ]
    wrap, tcp, serial = groups
    plain = sealed(MessageType.ERROR, ESP256)
    awkward = bytes((0x7E, 0x7D, 0x11, 0x13, 0x5E, 0x5D, 0x31, 0x33)) * 4
    for name, message in (("ERROR", plain), ("octets to escape", awkward)):
        for framing in ("tcp", "serial"):
            stream = (TcpFraming if framing == "tcp" else SerialFraming)().wrap(message)
            given = {"framing": framing, "message": message.hex()}
            wrap.valid(f"{framing}: {name}", given, {"stream": stream.hex()})
    _tcp(tcp, plain)
    _serial(serial, plain, awkward)
    return [wrap, tcp, serial]


def _pieces(*pieces: tuple[int, bytes]) -> dict[str, Any]:
    return {"pieces": [{"at": at, "octets": octets.hex()} for at, octets in pieces]}


def _refusal(rule: Rule) -> dict[str, str]:
    return {"stage": rule.stage.name, "code": rule.code.value, "rule": rule.id}


def _tcp(group: Group, message: bytes) -> None:
    stream = TcpFraming().wrap(message)
    found = {"message": message.hex()}
    group.valid("one message", _pieces((0, stream)), {"frames": [found]})
    group.valid("two in one piece", _pieces((0, stream * 2)), {"frames": [found, found]}, "Split")
    single = [(n, stream[n : n + 1]) for n in range(len(stream))]
    group.valid("octet by octet", _pieces(*single), {"frames": [found]}, "Split")
    for length in (0, 15, 4097, 65535):
        given = _pieces((0, length.to_bytes(2) + stream))
        output = {"frames": [_refusal(Rule.FRAME_LENGTH)]}
        group.valid(f"length {length}: the stream ends there", given, output)
    late = {"frames": [_refusal(Rule.FRAME_DEADLINE)]}
    slow = [(n * 1000, stream[n : n + 1]) for n in range(7)]
    group.valid("an octet a second", _pieces(*slow), late, "Deadline")
    cut = {**_pieces((100, stream[:9])), "until": 5100}
    group.valid("5 s after the first octet", cut, late, "Deadline")
    early = {**_pieces((100, stream[:9])), "until": 5099}
    group.valid("a millisecond before", early, {"frames": []}, "Deadline")


def _serial(group: Group, message: bytes, awkward: bytes) -> None:
    stream = SerialFraming().wrap(message)
    found, stuffed = {"message": message.hex()}, {"message": awkward.hex()}
    group.valid("one frame", _pieces((0, stream)), {"frames": [found]})
    escaped = SerialFraming().wrap(awkward)
    group.valid("escaped octets", _pieces((0, escaped)), {"frames": [stuffed]}, "Stuffing")
    shared = _pieces((0, stream + escaped[1:]))
    group.valid("one flag between two frames", shared, {"frames": [found, stuffed]})
    group.valid("flags alone", _pieces((0, b"~~~" + stream + b"~~")), {"frames": [found]})
    single = [(n, escaped[n : n + 1]) for n in range(len(escaped))]
    group.valid("octet by octet", _pieces(*single), {"frames": [stuffed]}, "Split")
    flow = b"\x13\x11".join(bytes((octet,)) for octet in stream)
    group.valid("XON and XOFF in between", _pieces((0, flow)), {"frames": [found]}, "Stuffing")
    bent = bytearray(stream)
    bent[9] ^= 1
    fcs, length, escape = (
        _refusal(rule) for rule in (Rule.FRAME_FCS, Rule.FRAME_LENGTH, Rule.FRAME_ESCAPE)
    )
    for text, octets, output in (
        ("a wrong FCS, then a good frame", bytes(bent) + stream, [fcs, found]),
        ("noise, then a good frame", b"\r\nOK\r\n" + stream, [length, found]),
        ("an aborted frame, then a good one", stream[:9] + b"}~" + stream, [escape, found]),
        ("an escape of nothing", stream[:9] + b"}A" + stream[9:] + stream, [escape, found]),
        ("19 octets", b"~" + b"x" * 19 + b"~", [length]),
        ("20 octets", b"~" + b"x" * 20 + b"~", [fcs]),
        ("an endless frame, then a good one", b"~" + b"x" * 4200 + stream, [length, found]),
    ):
        group.valid(text, _pieces((0, octets)), {"frames": output}, "Resynchronise")
    late = _refusal(Rule.FRAME_DEADLINE)
    slow = [(n * 1000, stream[n : n + 1]) for n in range(8)]
    given = _pieces(*slow, (9000, stream))
    group.valid("an octet a second", given, {"frames": [late, found]}, "Deadline")


def typed_groups() -> list[Group]:
    write, read = Group("to-text"), Group("from-text")
    for kind in (MessageType.UNLOCK_CHALLENGE, MessageType.UNLOCK_TICKET):
        raw = sealed(kind, ESP256)
        text = to_text(raw)
        write.valid(kind.name, {"message": raw.hex()}, {"text": text})
        output = {"message": raw.hex()}
        read.valid(kind.name, {"text": text}, output)
        loose = text.lower().replace("-", " ").replace("0", "o").replace("1", "l")
        read.valid(f"{kind.name}: small letters, spaces, o and l", {"text": loose}, output)
        digits = text.replace("-", "")
        swapped = digits[:30] + digits[31] + digits[30] + digits[32:]
        bad = {
            "a character wrong": digits[:40] + ("0" if digits[40] != "0" else "2") + digits[41:],
            "a character missing": digits[:-1],
            "two exchanged": swapped,
            "a U": digits[:40] + "U" + digits[41:],
            "a character more": digits + "0",
        }
        for label, typed in bad.items():
            read.refused(f"{kind.name}: {label}", {"text": typed}, "Mistyped")
    return [write, read]
