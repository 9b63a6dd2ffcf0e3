"""Builds tests/cdevice, the device in C; with flags that open holes."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1] / "cdevice"
STRICT = ("-std=c11", "-Wall", "-Wextra", "-Werror")

# Flag -> the attacks that a device with this hole accepts, all of them.
HOLES: dict[str, frozenset[str]] = {
    flag: frozenset(names.split())
    for flag, names in {
        "BACK_OFF": "FRM-007",
        "CONTEXT": "SIG-022 ODP-006 ODP-049",
        "COUNTER": "STO-003",
        "CRITICAL": "TLV-004 ODP-060 ODP-061",
        "DEADLINE": "FRM-006",
        "DECISION": "TLV-013-00 TLV-013-07 TLV-013-81 TLV-013-FF",
        "DEVICE": "BND-009",
        "DISTINCT": "KEY-008",
        "DROPS": "DOS-001",
        "ERROR": "POL-010",
        "EXPIRY": "TIM-001 TIM-002 UNL-005",
        "FLOORS": "POL-007",
        "IMEI": "BND-008",
        "KEY_EXPIRY": "KEY-004 KEY-005",
        "LOW_S": "SIG-007",
        "MAC": "STO-002 STO-004",
        "NONCE": "FRS-001 FRS-007 FRS-009 POL-011",
        "ORDER": "STO-001",
        "REALM": "BND-004 ODP-030 ODP-040",
        "REQUEST_HASH": "BND-005 BND-006",
        "RESERVED": "FRM-018 FRM-018-R",
        "ROLE": "SIG-025 KEY-001 KEY-002 KEY-003 UNL-001",
        "ROLLBACK": "POL-001 POL-007 ODP-043",
        "SCOPE": "UNL-003 UNL-003-B",
        "THRESHOLD": "KEY-007 KEY-013 KEY-016",
        "TICKET_REUSE": "UNL-002 UNL-009",
        "TRAILING": "FRM-001 FRM-002",
    }.items()
}


def build(folder: Path, *flags: str) -> Path:
    """The program, with these holes."""
    objects = [_compiled(source, folder, flags) for source in sorted(SOURCES.glob("*.c"))]
    program = folder / "-".join(("cdevice", *flags))
    subprocess.run(["gcc", *map(str, objects), "-o", str(program), "-lcrypto"], check=True)
    return program


@cache
def _compiled(source: Path, folder: Path, flags: tuple[str, ...]) -> Path:
    wanted = tuple(flag for flag in flags if f"ODAP_BUG_{flag}" in source.read_text())
    if wanted != flags:
        return _compiled(source, folder, wanted)
    made = folder / "-".join((source.stem, *flags, ".o"))
    defines = [f"-DODAP_BUG_{flag}" for flag in flags]
    # A hole may leave a variable without a use.
    lenient = ("-Wno-unused",) if flags else ()
    command = [
        "gcc",
        *STRICT,
        *lenient,
        "-O0" if flags else "-O1",
        *defines,
        "-c",
        str(source),
        "-o",
        str(made),
    ]
    subprocess.run(command, check=True)
    return made
