"""Where the sources are, and how a compiler is called."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ROOT / "native" / "c"
TESTS = ROOT / "tests" / "native" / "c"
CORE = (SOURCES / "fsim_core.c", SOURCES / "fsim_plmn_table.c")
ALL = (*CORE, *sorted(SOURCES.glob("fsim_bulk*.c")))
STRICT = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-Wpedantic", f"-I{SOURCES}")


class ToolFailure(Exception):
    """A program that is not there, or that failed; the text is for the user."""


def run(words: Sequence[str | Path], seconds: float = 300) -> str:
    """Run a program, give what it printed.

    Raises:
        ToolFailure: it is not there, failed, or took longer than `seconds`.
    """
    line = [str(word) for word in words]
    if shutil.which(line[0]) is None:
        raise ToolFailure(f"{line[0]} is not installed")
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise ToolFailure(f"{line[0]}: no end after {seconds:.0f} s") from None
    if done.returncode != 0:
        raise ToolFailure(f"{' '.join(line)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout + done.stderr
