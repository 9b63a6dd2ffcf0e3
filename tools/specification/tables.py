"""Byte tables, number tables, rules and one worked example."""

from __future__ import annotations

import enum
import hashlib
import textwrap

from firmware_sim_protocol import codec, framing, layout, numbers, rules, signing, values
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.layout import Field
from firmware_sim_protocol.numbers import SIGNING_CONTEXT, Algorithm, ExtensionType, MessageType
from firmware_sim_protocol.signing import PrivateKey, signed_octets
from specification.marked import table

TABLES: dict[str, type[enum.IntEnum]] = {
    "message-types": MessageType,
    "algorithms": Algorithm,
    "decisions": numbers.Decision,
    "reasons": numbers.Reason,
    "lock-states": numbers.LockState,
    "firmware-kinds": numbers.FirmwareKind,
    "causes": numbers.Cause,
    "stages": rules.Stage,
}
BITS: dict[str, type[enum.IntFlag]] = {
    "roles": numbers.Role,
    "evidence": numbers.Evidence,
    "scopes": numbers.TicketScope,
}
LIMITS = (
    "MAX_MESSAGE",
    "HEADER_SIZE",
    "SIGNATURE_ENTRY_SIZE",
    "MAX_SIGNATURES",
    "MAX_EXTENSIONS",
    "MAX_KEYSET_ENTRIES",
    "FRAME_DEADLINE_MS",
    "EXCHANGE_DEADLINE_MS",
    "MAX_DROPS",
    "BACKOFF_BASE_MS",
    "BACKOFF_CAP_MS",
    "LOCAL_MAX_AGE_S",
    "TEN_YEARS_S",
)


def sections() -> dict[str, str]:
    """Name of the mark -> Markdown."""
    made = {
        "header": bytes_of(layout.HEADER),
        "signature-entry": bytes_of(layout.SIGNATURE_ENTRY),
        "extension-header": bytes_of(layout.EXTENSION_HEADER),
        "keyset-entry": bytes_of(layout.KEYSET_ENTRY),
        "contexts": contexts(),
        "extensions": extensions(),
        "limits": limits(),
        "rules": rule_table(),
        "codes": code_table(),
        "small-order": small_order(),
        "example": example(),
    }
    for kind, fields in layout.BODIES.items():
        made[f"body-{kind.name.lower().replace('_', '-')}"] = bytes_of(fields)
    for name, numbers_ in TABLES.items():
        made[f"numbers-{name}"] = table(
            ("number", "name"), [(int(each), f"`{each.name}`") for each in numbers_]
        )
    for name, bits in BITS.items():
        made[f"numbers-{name}"] = table(
            ("bit", "name"), [(f"0x{int(each):04x}", f"`{each.name}`") for each in bits]
        )
    return made


def bytes_of(fields: tuple[Field, ...]) -> str:
    """The byte table of a fixed part."""
    rows: list[tuple[object, ...]] = []
    offset = 0
    for field in fields:
        absent = "all ones" if field.absent else ""
        meaning = field.text + (f" ({field.numbers})" if field.numbers else "")
        rows.append((offset, field.kind.size, f"`{field.name}`", field.kind.name, absent, meaning))
        offset += field.kind.size
    heads = ("offset", "octets", "field", "kind", "absent", "meaning")
    return table(heads, rows) + f"\nFixed part: {offset} octets.\n"


def contexts() -> str:
    rows: list[tuple[object, ...]] = []
    for kind in MessageType:
        context = SIGNING_CONTEXT.get(kind)
        signed = "unsigned" if context is None else f"`ODAP/1 {context.decode()}`"
        rows.append((int(kind), f"`{kind.name}`", layout.BODY_SIZES[kind], signed))
    return table(("type", "name", "fixed part", "context that is signed"), rows)


def extensions() -> str:
    rows: list[tuple[object, ...]] = []
    for kind in ExtensionType:
        fields = layout.EXTENSIONS[kind]
        text = ", ".join(f"`{field.name}` {field.kind.name}: {field.text}" for field in fields)
        size: object = layout.EXTENSION_SIZES.get(kind, "1 to 35")
        if kind is ExtensionType.LOCALE:
            text = "BCP 47 tag in ASCII: subtags of 1 to 8 letters or digits with hyphens between"
        elif kind is ExtensionType.DISPLAY_TEXT:
            size, text = (
                "1 to 512",
                "UTF-8 without U+0000 to U+001F (but U+000A) or U+007F to U+009F",
            )
        critical = "yes" if int(kind) & numbers.CRITICAL_BIT else "no"
        rows.append((f"0x{int(kind):04x}", f"`{kind.name}`", critical, size, text))
    return table(("type", "name", "critical", "octets", "value"), rows)


def limits() -> str:
    rows: list[tuple[object, ...]] = [(f"`{name}`", getattr(numbers, name)) for name in LIMITS]
    rows.append(("`FLAG`, `ESCAPE`, `MASK`", "0x7e, 0x7d, 0x20"))
    assert (framing.FLAG, framing.ESCAPE, framing.MASK) == (0x7E, 0x7D, 0x20)
    return table(("limit", "value"), rows)


def rule_table() -> str:
    rows: list[tuple[object, ...]] = []
    for stage in rules.Stage:
        for rule in rules.Rule:
            if rule.stage is stage:
                row = (f"{int(stage)} {stage.name}", f"`{rule.id}`", f"`{rule.code.value}`")
                rows.append((*row, rule.text))
    return table(("stage", "rule", "code", "what must hold"), rows)


def code_table() -> str:
    rows: list[tuple[object, ...]] = []
    for code in rules.Code:
        raised = [f"`{rule.id}`" for rule in rules.Rule if rule.code is code]
        rows.append((f"`{code.value}`", ", ".join(raised) or "none"))
    return table(("code", "rules that give it"), rows)


def small_order() -> str:
    encodings = sorted(
        (y | sign << 255).to_bytes(32, "little").hex()
        for y in signing.SMALL_ORDER_Y
        for sign in (0, 1)
    )
    return "```\n" + "\n".join(encodings) + "\n```\n"


def example() -> str:
    """A signed REQUEST with everything that a C program needs to reproduce it."""
    secret = hashlib.sha256(b"ODAP/1 example device").digest()
    device = PrivateKey.derive(Algorithm.ESP256, secret)
    request = values.Request(
        realm=b"example realm 01",
        device_key_id=device.public.key_id,
        device_key_algorithm=Algorithm.ESP256,
        device_key=device.public.octets,
        imei="490154203237518",
        imei2=None,
        device_nonce=hashlib.sha256(b"ODAP/1 example device nonce").digest(),
        server_nonce=hashlib.sha256(b"ODAP/1 example server nonce").digest(),
        serving_plmn="36801",
        sim_plmn="310410",
        evidence=numbers.Evidence.SERVING | numbers.Evidence.SIM,
        policy_epoch=1,
        policy_version=7,
        keyset_version=1,
        lock_state=numbers.LockState.SETUP_LOCKED,
        firmware_kind=numbers.FirmwareKind.OFFICIAL,
        security_version=3,
        boot_count=1,
        extensions=values.Extensions(locale="en", cause=numbers.Cause.FIRST),
    )
    raw = codec.build_message(request, 0x0A0B0C0D, (device,))
    envelope = open_envelope(raw)
    prefix = signed_octets(SIGNING_CONTEXT[MessageType.REQUEST], b"")
    parts = [
        ("private key (P-256 scalar)", device.secret),
        ("public key (compressed)", device.public.octets),
        ("key id", device.public.key_id),
        ("octets signed before header and body", prefix),
        ("header", raw[: numbers.HEADER_SIZE]),
        ("body", envelope.body),
        ("signature block", raw[numbers.HEADER_SIZE + len(envelope.body) :]),
        ("SHA-256 of the whole message", envelope.digest),
        ("TCP frame: length before the message", len(raw).to_bytes(2)),
        ("serial frame: first 8 octets", framing.SerialFraming().wrap(raw)[:8]),
        ("serial frame: last 8 octets", framing.SerialFraming().wrap(raw)[-8:]),
    ]
    lines = []
    for name, octets in parts:
        lines.append(f"{name} ({len(octets)} octets)")
        lines += textwrap.wrap(octets.hex(), 64, initial_indent="  ", subsequent_indent="  ")
    return "```\n" + "\n".join(lines) + "\n```\n"
