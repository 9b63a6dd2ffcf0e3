"""The C tests elsewhere: other processors and byte orders, compilers, optimisation levels."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from native_core.shell import ALL, STRICT, TESTS, ToolFailure, run


@dataclass(frozen=True)
class Build:
    """One way to build the tests, and the emulator to run them with ("" for this machine)."""

    compiler: str
    level: str
    emulator: str = ""
    path: str = ""
    """A bulk path that must run there."""

    @property
    def name(self) -> str:
        """What the report calls it."""
        return f"{self.compiler} {self.level}"


LEVELS = ("-O0", "-O1", "-O2", "-O3")
BUILDS = (
    *(Build(compiler, level) for compiler in ("gcc", "clang") for level in LEVELS),
    *(Build("aarch64-linux-gnu-gcc", level, "qemu-aarch64", "neon") for level in ("-O0", "-O3")),
    *(Build("arm-linux-gnueabihf-gcc", level, "qemu-arm") for level in ("-O0", "-O3")),
    *(Build("riscv64-linux-gnu-gcc", level, "qemu-riscv64") for level in ("-O0", "-O3")),
    *(Build("s390x-linux-gnu-gcc", level, "qemu-s390x") for level in ("-O0", "-O3")),
)


def portability() -> int:
    """0 when the tests pass everywhere with one digest of all answers; else 1."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        lines = list(pool.map(lambda build: attempt(build, Path(folder)), BUILDS))
    failed = False
    digests = set()
    for build, line in zip(BUILDS, lines, strict=True):
        print(f"{build.name:30} {line}")
        words = line.split()
        if words[:1] != ["checks"]:
            failed = True
            continue
        digests.add(words[3])
        if build.path and build.path not in words[5:]:
            print(f"{build.name}: the path {build.path} did not run")
            failed = True
    if len(digests) > 1:
        print("the answers differ between builds")
    return 1 if failed or len(digests) != 1 else 0


def attempt(build: Build, folder: Path) -> str:
    """Build and run the tests one way; give their line, or what went wrong."""
    program = folder / build.name.replace(" ", "")
    static = ("-static",) if build.emulator else ()
    sources = (TESTS / "core_test.c", *ALL)
    try:
        run([build.compiler, build.level, *static, *STRICT, *sources, "-o", program])
        return run([*([build.emulator] if build.emulator else []), program]).strip()
    except ToolFailure as failure:
        return f"FAILED {failure}"
