"""The list of checks behind tools/test: one row a check, run in order, all of them reported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from environment import ROOT, EnvironmentFailure, prepare

CI = bool(os.environ.get("CI"))


@dataclass(frozen=True)
class Check:
    """One row: a name, the command (programs of .venv/bin by bare name), what Debian must have."""

    name: str
    command: tuple[str, ...]
    debian: dict[str, str] = field(default_factory=dict)
    """Program or file that must exist -> the Debian package that brings it."""


CHECKS = (
    Check("format", ("ruff", "format", "--check", ".")),
    Check("lint", ("ruff", "check", ".")),
    Check("types", ("mypy",)),
    Check("imports", ("lint-imports",)),
    Check("plmn-tables", ("tools/plmn_tables", "--check")),
    Check("spec", ("tools/spec", "--check")),
    Check("vectors", ("tools/vectors", "--check")),
    Check("catalogues", ("tools/locales", "--check")),
    Check("picture", ("tools/picture", "--check")),
    Check(
        "goldens",
        ("firmware-sim", "screen", "goldens", "check", "--dir", "tests/screen/goldens"),
    ),
    Check(
        "tests",
        ("pytest", "-n", "2", "-q"),
        debian={
            "/usr/share/unicode/BidiCharacterTest.txt": "unicode-data",
            "strace": "strace",
            "arm-none-eabi-gcc": "gcc-arm-none-eabi",
            "clang": "clang",
            "gcc": "gcc",
            "/usr/include/openssl/evp.h": "libssl-dev",
            "tshark": "tshark",
            "chromium": "chromium",
        },
    ),
    Check("package", ("python", "tools/package")),
    Check(
        "judges",
        ("python", "-m", "tests.judges"),
        debian={
            "ModemManager": "modemmanager",
            "mmcli": "modemmanager",
            "ofonod": "ofono",
            "/usr/share/ofono/scripts/list-modems": "ofono-scripts",
            "gammu": "gammu",
            "comgt": "comgt",
            "dbus-daemon": "dbus-daemon",
            "gdbus": "libglib2.0-bin",
        },
    ),
    Check(
        "peers",
        ("python", "-m", "tests.peers"),
        debian={
            "ser2net": "ser2net",
            "ModemManager": "modemmanager",
            "mmcli": "modemmanager",
            "gammu": "gammu",
            "dbus-daemon": "dbus-daemon",
            "gdbus": "libglib2.0-bin",
        },
    ),
    Check(
        "core-firmware",
        ("tools/core", "firmware"),
        debian={
            "arm-none-eabi-gcc": "gcc-arm-none-eabi",
            "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf",
        },
    ),
    Check(
        "core-portability",
        ("tools/core", "portability"),
        debian={
            "clang": "clang",
            "gcc": "gcc",
            "/usr/include/openssl/evp.h": "libssl-dev",
            "qemu-s390x": "qemu-user",
            "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
            "arm-linux-gnueabihf-gcc": "gcc-arm-linux-gnueabihf",
            "riscv64-linux-gnu-gcc": "gcc-riscv64-linux-gnu",
            "s390x-linux-gnu-gcc": "gcc-s390x-linux-gnu",
            # The compilers only recommend their libraries.
            "/usr/aarch64-linux-gnu/lib/libc.a": "libc6-dev-arm64-cross",
            "/usr/arm-linux-gnueabihf/lib/libc.a": "libc6-dev-armhf-cross",
            "/usr/riscv64-linux-gnu/lib/libc.a": "libc6-dev-riscv64-cross",
            "/usr/s390x-linux-gnu/lib/libc.a": "libc6-dev-s390x-cross",
        },
    ),
    Check(
        "core-fuzz",
        ("tools/core", "fuzz"),
        debian={
            "clang": "clang",
            "gcc": "gcc",
            "/usr/include/openssl/evp.h": "libssl-dev",
            "/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a": (
                "libclang-rt-14-dev"
            ),
        },
    ),
    Check(
        "core-proof",
        ("tools/core", "prove"),
        debian={"frama-c": "frama-c-base", "why3": "why3", "cvc4": "cvc4"},
    ),
)


def main(arguments: list[str]) -> int:
    if "--list" in arguments:
        for check in CHECKS:
            print(f"{check.name:12} {' '.join(check.command)}")
        return 0
    unknown = set(arguments) - {check.name for check in CHECKS}
    if unknown:
        print(f"tools/test: no check named {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    chosen = [check for check in CHECKS if not arguments or check.name in arguments]
    try:
        bin_dir = prepare("test")
    except EnvironmentFailure as failure:
        print(f"tools/test: {failure}", file=sys.stderr)
        return 3
    missing = _install_debian(chosen)
    rows = []
    for check in chosen:
        lacking = sorted(
            {package for program, package in check.debian.items() if program in missing}
        )
        if lacking and CI:
            rows.append(
                (check.name, "FAILED", 0.0, f"missing Debian packages: {' '.join(lacking)}")
            )
            continue
        print(f"\n=== {check.name}: {' '.join(check.command)}", flush=True)
        started = time.monotonic()
        code = _run(check.command, bin_dir)
        verdict = "ok" if code == 0 else "FAILED"
        note = f"without {' '.join(lacking)}" if lacking else ""
        rows.append((check.name, verdict, time.monotonic() - started, note))
    print("\n=== summary")
    for name, verdict, seconds, note in rows:
        print(f"{name:12} {verdict:7} {seconds:7.1f} s  {note}".rstrip())
    return 0 if all(verdict == "ok" for _, verdict, _, _ in rows) else 1


def _run(command: tuple[str, ...], bin_dir: Path) -> int:
    environment = dict(os.environ, PATH=f"{bin_dir}{os.pathsep}{os.environ.get('PATH', '')}")
    program = bin_dir / command[0]
    first = str(program) if program.exists() else str(ROOT / command[0])
    return subprocess.run([first, *command[1:]], cwd=ROOT, env=environment).returncode


def _install_debian(checks: list[Check]) -> set[str]:
    """Install what is missing if we may; return the programs and files that are still missing."""
    needs = {program: package for check in checks for program, package in check.debian.items()}
    missing = {program for program in needs if not _present(program)}
    if not missing:
        return set()
    packages = sorted({needs[program] for program in missing})
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"tools/test: missing, some checks are left out: apt install {' '.join(packages)}")
        return missing
    print(f"tools/test: installing {' '.join(packages)}", flush=True)
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    subprocess.run(["apt-get", "-qq", "update"], env=quiet)
    install = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *packages]
    subprocess.run(install, env=quiet, stdout=subprocess.DEVNULL)
    return {program for program in needs if not _present(program)}


def _present(program: str) -> bool:
    return Path(program).exists() if program.startswith("/") else shutil.which(program) is not None
