"""protocol/include/odap.h: numbers, limits and layouts for C, freestanding."""

from __future__ import annotations

import enum

from firmware_sim_protocol import layout, numbers, rules
from firmware_sim_protocol.layout import Field
from firmware_sim_protocol.numbers import SIGNING_CONTEXT, ExtensionType, MessageType
from specification.tables import LIMITS

_HEAD = """\
/*
 * ODAP/1 for C11: numbers, limits and layouts of protocol/SPEC.md. No code but four readers.
 * Made by tools/spec from the declarations that the Python code runs on; do not edit.
 *
 * Every member of every struct is an array of octets, so there is no padding and no byte order:
 * a struct may be laid over received octets anywhere. Multi-octet numbers are big-endian; read
 * them with odap_u16, odap_u32, odap_u64.
 */
#ifndef ODAP_H
#define ODAP_H

#include <stdint.h>

#define ODAP_MAGIC "ODAP"
"""
_READERS = """
static inline uint16_t odap_u16(const uint8_t octets[2])
{
    return (uint16_t)((uint16_t)(octets[0] << 8) | octets[1]);
}

static inline uint32_t odap_u32(const uint8_t octets[4])
{
    return (uint32_t)odap_u16(octets) << 16 | odap_u16(octets + 2);
}

static inline uint64_t odap_u64(const uint8_t octets[8])
{
    return (uint64_t)odap_u32(octets) << 32 | odap_u32(octets + 4);
}

static inline int32_t odap_i32(const uint8_t octets[4])
{
    const uint32_t bits = odap_u32(octets);
    return bits < 0x80000000u ? (int32_t)bits : -(int32_t)(0xffffffffu - bits) - 1;
}
"""
TABLES: dict[str, type[enum.IntEnum] | type[enum.IntFlag]] = {
    "type": MessageType,
    "algorithm": numbers.Algorithm,
    "role": numbers.Role,
    "decision": numbers.Decision,
    "reason": numbers.Reason,
    "lock": numbers.LockState,
    "firmware": numbers.FirmwareKind,
    "evidence": numbers.Evidence,
    "cause": numbers.Cause,
    "scope": numbers.TicketScope,
    "extension": ExtensionType,
    "stage": rules.Stage,
}


def header() -> str:
    """The whole file."""
    parts = [_HEAD, f"#define ODAP_VERSION {numbers.VERSION}\n"]
    parts += [f"#define ODAP_{name} {getattr(numbers, name)}\n" for name in LIMITS]
    parts.append(f"#define ODAP_EXTENSION_CRITICAL 0x{numbers.CRITICAL_BIT:04x}u\n")
    parts.append("#define ODAP_ABSENT_U32 0xffffffffu\n\n")
    parts.append("/* What is signed: 64 spaces, the context, 00, header, body. */\n")
    parts += [
        f'#define ODAP_CONTEXT_{kind.name} "ODAP/1 {context.decode()}"\n'
        for kind, context in SIGNING_CONTEXT.items()
    ]
    parts.append('#define ODAP_KEY_ID_LABEL "ODAP/1 key"\n')
    parts += [_enum(name, table) for name, table in TABLES.items()]
    parts.append(_codes())
    parts.append(_struct("header", layout.HEADER, "before every body"))
    for kind, fields in layout.BODIES.items():
        parts.append(_struct(kind.name.lower(), fields, f"fixed part of {kind.name}"))
    parts.append(_struct("keyset_entry", layout.KEYSET_ENTRY, "entry_count of them in a KEYSET"))
    parts.append(_struct("signature", layout.SIGNATURE_ENTRY, "after the count (u8) of signatures"))
    parts.append(
        _struct("extension_header", layout.EXTENSION_HEADER, "before the value of an extension")
    )
    for extension, fields in layout.EXTENSIONS.items():
        if fields:
            name = extension.name.lower()
            parts.append(_struct(f"extension_{name}", fields, f"value of {extension.name}"))
    parts += [_READERS, "\n#endif\n"]
    return "".join(parts)


def _enum(name: str, table: type[enum.IntEnum] | type[enum.IntFlag]) -> str:
    bits = issubclass(table, enum.IntFlag)
    lines = [f"\nenum odap_{name} {{"]
    for each in table:
        value = f"0x{int(each):04x}" if bits or table is ExtensionType else str(int(each))
        lines.append(f"    ODAP_{name.upper()}_{each.name} = {value},")
    lines.append("};\n")
    return "\n".join(lines)


def _codes() -> str:
    lines = ["\n/* For logs and test ports; never on the wire. The numbers are this file's own. */"]
    lines.append("enum odap_code {")
    lines += [f"    ODAP_{code.value}," for code in rules.Code]
    lines.append("};\n")
    return "\n".join(lines)


def _struct(name: str, fields: tuple[Field, ...], text: str) -> str:
    lines = [f"\n/* {name.upper()}: {text}. */", f"struct odap_{name} {{"]
    for field in fields:
        absent = "; all ones: absent" if field.absent else ""
        comment = f"/* {field.kind.name}: {field.text}{absent} */"
        lines.append(f"    uint8_t {field.name}[{field.kind.size}]; {comment}")
    size = layout.size_of(fields)
    lines.append("};")
    lines.append(f"#define ODAP_{name.upper()}_SIZE {size}")
    lines.append(
        f'_Static_assert(sizeof(struct odap_{name}) == ODAP_{name.upper()}_SIZE, "{name}");\n'
    )
    return "\n".join(lines)
