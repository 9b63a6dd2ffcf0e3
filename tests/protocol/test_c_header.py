"""The C header: it compiles as C11 without a warning, and it says what the code says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from firmware_sim.rig.conformance import suite
from firmware_sim_protocol import layout, numbers
from firmware_sim_protocol.layout import Field
from firmware_sim_protocol.numbers import HEADER_SIZE, MessageType
from tests.support.needs import needs_program

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "protocol" / "include"
PACKAGES = {"gcc": "gcc", "clang": "clang", "arm-none-eabi-gcc": "gcc-arm-none-eabi"}
STRICT = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wcast-align")
STRUCTS: dict[str, tuple[Field, ...]] = {
    "header": layout.HEADER,
    "keyset_entry": layout.KEYSET_ENTRY,
    "signature": layout.SIGNATURE_ENTRY,
    "extension_header": layout.EXTENSION_HEADER,
    **{kind.name.lower(): fields for kind, fields in layout.BODIES.items()},
    **{f"extension_{k.name.lower()}": f for k, f in layout.EXTENSIONS.items() if f},
}

# Reads messages in hexadecimal, one a line; prints "field hex" for header and fixed part.
READER = """\
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "odap.h"

static void show(const char *name, const uint8_t *octets, size_t size)
{
    printf("%%s ", name);
    for (size_t i = 0; i < size; i++) printf("%%02x", octets[i]);
    printf("\\n");
}

int main(void)
{
    static char line[2 * ODAP_MAX_MESSAGE + 2];
    static uint8_t message[ODAP_MAX_MESSAGE];
    while (fgets(line, sizeof line, stdin)) {
        size_t size = strlen(line) / 2;
        for (size_t i = 0; i < size; i++) {
            unsigned octet;
            if (sscanf(line + 2 * i, "%%2x", &octet) != 1) return 1;
            message[i] = (uint8_t)octet;
        }
        const struct odap_header *header = (const struct odap_header *)message;
        const uint8_t *body = message + ODAP_HEADER_SIZE;
        if (memcmp(header->magic, ODAP_MAGIC, 4) || header->version[0] != ODAP_VERSION) return 2;
        printf("size %%zu\\n", size);
        printf("xid %%lu\\n", (unsigned long)odap_u32(header->exchange_id));
        printf("body %%u\\n", (unsigned)odap_u16(header->body_len));
        switch (header->type[0]) {
%s        default: return 3;
        }
    }
    return 0;
}
"""


def compiled(tmp_path: Path, text: str, *flags: str, compiler: str = "cc") -> Path:
    source, program = tmp_path / "program.c", tmp_path / "program"
    source.write_text(text)
    command = [compiler, *STRICT, *flags, f"-I{INCLUDE}", str(source), "-o", str(program)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    return program


@pytest.mark.parametrize("compiler", [*PACKAGES])
def test_the_header_compiles_alone_without_a_warning(tmp_path: Path, compiler: str) -> None:
    needs_program(compiler, PACKAGES[compiler])
    text = '#include "odap.h"\n#include "odap.h"\nextern int odap_dummy;\nint odap_dummy;\n'
    compiled(tmp_path, text, "-ffreestanding", "-c", compiler=compiler)


def test_every_struct_has_the_offsets_of_the_byte_tables(tmp_path: Path) -> None:
    needs_program("cc", "gcc")
    lines = []
    for name, fields in STRUCTS.items():
        for field in fields:
            where = f"offsetof(struct odap_{name}, {field.name})"
            lines.append(f'    printf("{name}.{field.name} %zu\\n", {where});')
        lines.append(f'    printf("{name} %zu\\n", sizeof(struct odap_{name}));')
    body = "\n".join(lines)
    head = '#include <stddef.h>\n#include <stdio.h>\n#include "odap.h"\nint main(void)'
    text = f"{head}\n{{\n{body}\n}}\n"
    program = compiled(tmp_path, text)
    told = subprocess.run([program], capture_output=True, text=True, timeout=30).stdout.split("\n")
    expected = []
    for name, fields in STRUCTS.items():
        offset = 0
        for field in fields:
            expected.append(f"{name}.{field.name} {offset}")
            offset += field.kind.size
        expected.append(f"{name} {offset}")
    assert told[:-1] == expected


def test_every_number_is_the_code_s(tmp_path: Path) -> None:
    needs_program("cc", "gcc")
    checks = []
    for prefix, table in (
        ("TYPE", MessageType),
        ("DECISION", numbers.Decision),
        ("LOCK", numbers.LockState),
        ("ROLE", numbers.Role),
        ("EXTENSION", numbers.ExtensionType),
        ("REASON", numbers.Reason),
        ("SCOPE", numbers.TicketScope),
        ("EVIDENCE", numbers.Evidence),
    ):
        for each in table:
            checks.append(f'_Static_assert(ODAP_{prefix}_{each.name} == {int(each)}, "");')
    for limit in ("MAX_MESSAGE", "MAX_DROPS", "LOCAL_MAX_AGE_S", "TEN_YEARS_S", "BACKOFF_CAP_MS"):
        checks.append(f'_Static_assert(ODAP_{limit} == {getattr(numbers, limit)}, "");')
    text = '#include "odap.h"\n' + "\n".join(checks) + "\nint main(void) { return 0; }\n"
    assert subprocess.run([compiled(tmp_path, text)], timeout=30).returncode == 0


def test_readers_read_big_endian(tmp_path: Path) -> None:
    needs_program("cc", "gcc")
    text = """#include "odap.h"
int main(void)
{
    const uint8_t a[8] = {0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
    const uint8_t minus_one[4] = {0xff, 0xff, 0xff, 0xff}, least[4] = {0x80, 0, 0, 0};
    return !(odap_u16(a) == 0xfedc && odap_u32(a) == 0xfedcba98u
             && odap_u64(a) == 0xfedcba9876543210u && odap_i32(minus_one) == -1
             && odap_i32(least) == INT32_MIN && odap_i32(a + 4) == 0x76543210);
}
"""
    program = compiled(tmp_path, text, "-fsanitize=undefined", "-fno-sanitize-recover")
    assert subprocess.run([program], timeout=30).returncode == 0


def test_a_c_program_reads_the_vectors_with_it(tmp_path: Path) -> None:
    needs_program("cc", "gcc")
    cases = ""
    for kind, fields in layout.BODIES.items():
        name = kind.name.lower()
        cases += f"        case ODAP_TYPE_{kind.name}: {{\n"
        cases += f"            const struct odap_{name} *m = (const struct odap_{name} *)body;\n"
        for field in fields:
            cases += f'            show("{field.name}", m->{field.name}, sizeof m->{field.name});\n'
        cases += "            break;\n        }\n"
    program = compiled(tmp_path, READER % cases)
    vectors = [v for v in suite.load(ROOT / "protocol/vectors/parse.json") if v.result == "valid"]
    lines = "".join(v.input["message"] + "\n" for v in vectors)
    found = subprocess.run([program], input=lines, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0
    blocks = found.stdout.split("size ")[1:]
    assert len(blocks) == len(vectors) > 20
    for block, vector in zip(blocks, vectors, strict=True):
        read = dict(line.split(" ") for line in ("size " + block).splitlines())
        raw = bytes.fromhex(vector.input["message"])
        assert int(read.pop("size")) == len(raw)
        assert int(read.pop("xid")) == vector.output["exchange_id"]
        body_len = int(read.pop("body"))
        fixed = sum(len(value) for value in read.values()) // 2
        assert "".join(read.values()) == raw[HEADER_SIZE : HEADER_SIZE + fixed].hex()
        assert fixed == layout.BODY_SIZES[MessageType[vector.output["type"]]] <= body_len
        for name, value in vector.output["fields"].items():
            if isinstance(value, int) and name in read:
                assert int(read[name], 16) == value
