"""The core as a phone's firmware takes it: two files, no library, so many bytes of flash."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from native_core.shell import CORE, STRICT, TESTS, ToolFailure, run

FLASH_LIMIT = 16 * 1024
"""Bytes of code and tables together on the smallest target."""


@dataclass(frozen=True)
class Target:
    """A processor without an operating system, and how to build for it."""

    name: str
    compiler: str
    flags: tuple[str, ...]
    # What the compiler's own library gives where the processor has no division.
    helpers: frozenset[str] = frozenset()


TARGETS = (
    Target(
        "cortex-m0plus",
        "arm-none-eabi-gcc",
        ("-mcpu=cortex-m0plus", "-mthumb"),
        frozenset({"__aeabi_uidivmod", "__aeabi_uidiv", "__aeabi_idivmod", "__aeabi_idiv"}),
    ),
    Target("cortex-m4", "arm-none-eabi-gcc", ("-mcpu=cortex-m4", "-mthumb")),
    Target("rv32imac", "riscv64-unknown-elf-gcc", ("-march=rv32imac", "-mabi=ilp32")),
)


@dataclass(frozen=True)
class Size:
    """Bytes of one target: code and tables apart, then the whole linked firmware's flash."""

    target: str
    code: int
    tables: int
    linked: int
    ram: int
    helpers: tuple[str, ...]


def measure(target: Target, folder: Path) -> Size:
    """Build the core for one target and link it without a library.

    Raises:
        ToolFailure: it does not build, or needs a symbol that only a libc has.
    """
    build = (target.compiler, "-Os", "-ffreestanding", *STRICT, *target.flags)
    prefix = target.compiler.removesuffix("gcc")
    objects = []
    for source in (*CORE, TESTS / "firmware_probe.c"):
        objects.append(folder / f"{target.name}-{source.stem}.o")
        run([*build, "-c", source, "-o", objects[-1]])
    core = folder / f"{target.name}-core.o"
    run([target.compiler, *target.flags, "-nostdlib", "-r", *objects[:2], "-o", core])
    needs = [line.split()[-1] for line in run([f"{prefix}nm", "-u", core]).splitlines() if line]
    foreign = sorted(set(needs) - target.helpers)
    if foreign:
        raise ToolFailure(f"{target.name}: the core needs {', '.join(foreign)}")
    linked = folder / f"{target.name}.elf"
    run([*build, "-nostdlib", "-static", "-Wl,-e,_start", *objects, "-lgcc", "-o", linked])
    sizes = [_sections(prefix, file) for file in (*objects[:2], linked)]
    return Size(
        target.name,
        sum(sizes[0]),
        sum(sizes[1]),
        sizes[2][0] + sizes[2][1],
        # The probe's own buffers are its RAM; the core's objects have none.
        sum(_ram(prefix, file) for file in objects[:2]),
        tuple(sorted(set(needs))),
    )


def firmware() -> int:
    """0 when every target builds and the smallest stays under the limit; else 1."""
    status = 0
    print(f"{'target':14} {'code':>6} {'tables':>7} {'linked':>7} {'RAM':>4}  from libgcc")
    with tempfile.TemporaryDirectory() as folder:
        for target in TARGETS:
            size = measure(target, Path(folder))
            print(
                f"{size.target:14} {size.code:6} {size.tables:7} {size.linked:7} {size.ram:4}"
                f"  {' '.join(size.helpers) or '-'}"
            )
            if size.linked >= FLASH_LIMIT or size.ram > 0:
                print(f"{size.target}: {FLASH_LIMIT} bytes of flash and no RAM are the limit")
                status = 1
    return status


def _sections(prefix: str, file: Path) -> tuple[int, int]:
    """Bytes of flash: text with read-only data, and data to be copied at start."""
    text, data, *_ = run([f"{prefix}size", file]).splitlines()[1].split()
    return int(text), int(data)


def _ram(prefix: str, file: Path) -> int:
    _, data, bss, *_ = run([f"{prefix}size", file]).splitlines()[1].split()
    return int(data) + int(bss)
