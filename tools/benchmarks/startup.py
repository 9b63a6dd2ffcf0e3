"""How long a person waits: help, and the main job, as whole processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.timing import in_turn, wall

PROGRAM = str(Path(sys.executable).with_name("firmware-sim"))
ROUNDS = 7


def figures() -> Iterator[Figure]:
    bare = [sys.executable, "-c", "pass"]
    helped = [PROGRAM, "--help"]
    job = [PROGRAM, "activate", "--serving", "36801", "--json"]
    python, help_s, job_s = in_turn(
        ROUNDS, lambda: wall(bare), lambda: wall(helped), lambda: wall(job)
    )
    yield Figure(
        name="startup.help",
        value=help_s * 1000,
        unit="ms",
        bound=150,
        sides={"help_s": help_s, "bare_python_s": python},
    )
    yield Figure(
        name="startup.activate",
        value=job_s * 1000,
        unit="ms",
        bound=1000,
        sides={"activate_s": job_s, "bare_python_s": python},
    )
