"""The proof: Frama-C's WP plug-in over fsim_core.c, goal by goal.

What the contracts say, and so what is proved for every input: no run-time error (also no
unsigned wrap and no cast that loses bits), nothing written but the outputs, termination, and
the answers of Luhn, TBCD and the PLMN's bytes as plain specifications. What is not proved is
listed in NOT_PROVED and printed each time.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

from native_core.shell import SOURCES, ToolFailure, run

# CVC4 decides all goals within a second each; Z3 4.8.12 gives up on those that take one digit
# out of a quantified statement about all digits.
PROVER = "cvc4"
NOT_PROVED = (
    "the answer of the PLMN lookup as a whole (proved: its searches find what a sorted table "
    "holds, no access outside the table, whatever is in it; tested: every PLMN there can be, "
    "against the rows of plmn.tsv)",
    "the contents of fsim_plmn_table.c (generated; held in sync by tools/plmn_tables --check)",
    "the bulk code (fsim_bulk*.c; fuzzed and compared with a model)",
    "that a compiler keeps what the source says (tested: five processors, two compilers)",
)


def prove() -> int:
    """0 when every goal is proved; else 1, and the open goals are printed."""
    with tempfile.TemporaryDirectory() as folder:
        # A why3 configuration of our own: nothing of the user's is read or written.
        config = Path(folder) / "why3.conf"
        run(["why3", "-C", config, "config", "detect"])
        out = _frama_c(config)
    total = re.search(r"Proved goals:\s+(\d+) / (\d+)", out)
    if total is None:
        raise ToolFailure(f"frama-c gave no count of goals\n{out[-4000:]}")
    proved, goals = int(total[1]), int(total[2])
    for line in out.splitlines():
        if "Goal typed_" in line and ": Valid" not in line:
            print(f"open: {line.partition('Goal ')[2]}")
    print(f"proved {proved} of {goals} goals")
    for text in NOT_PROVED:
        print(f"not proved: {text}")
    return 0 if proved == goals > 0 else 1


def _frama_c(config: Path) -> str:
    words = [
        "frama-c",
        "-wp",
        "-wp-rte",
        "-warn-unsigned-overflow",
        "-warn-unsigned-downcast",
        "-warn-signed-downcast",
        "-wp-prover",
        PROVER,
        "-wp-timeout",
        "60",
        "-wp-par",
        "2",
        "-machdep",
        "gcc_x86_64",
        f"-cpp-extra-args=-I{SOURCES}",
        str(SOURCES / "fsim_core.c"),
    ]
    environment = dict(os.environ, WHY3CONFIG=str(config))
    try:
        done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=900)
    except FileNotFoundError:
        raise ToolFailure("frama-c is not installed") from None
    if done.returncode != 0:
        raise ToolFailure(f"frama-c failed\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout
