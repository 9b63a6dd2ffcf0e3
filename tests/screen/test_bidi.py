"""The bidirectional algorithm against the conformance file of the standard."""

import os
from pathlib import Path

import pytest

from firmware_sim.screen import bidi

CONFORMANCE = Path("/usr/share/unicode/BidiCharacterTest.txt")
"""Source: Unicode Character Database 15.0, in Debian's package unicode-data."""


def _mirrored(letter: str) -> str:
    """As HarfBuzz draws it in a right-to-left run (L4)."""
    return {"(": ")", ")": "("}.get(letter, letter)


def _ordered(text: str, base: int) -> str:
    """The text as a reader's eye meets it from left to right."""
    return "".join(
        "".join(map(_mirrored, reversed(text[run.start : run.end])))
        if run.rtl
        else text[run.start : run.end]
        for run in bidi.visual_runs(text, base)
    )


def test_every_line_of_the_conformance_file_comes_out_as_the_standard_says():
    if not CONFORMANCE.exists():
        reason = f"{CONFORMANCE} is missing (Debian package unicode-data)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    wrong, count = [], 0
    with CONFORMANCE.open(encoding="utf-8") as file:
        for row in file:
            fields = row.split("#")[0].strip().split(";")
            if len(fields) < 5:
                continue
            text = "".join(chr(int(code, 16)) for code in fields[0].split())
            base = int(fields[2])
            if fields[1] == "2":
                assert bidi.base_level(text) == base, row
            runs = bidi.visual_runs(text, base)
            levels = {i: run.level for run in runs for i in range(run.start, run.end)}
            wanted = fields[3].split()
            kept = [i for i, level in enumerate(wanted) if level != "x"]
            order = [
                i
                for run in runs
                for i in sorted(range(run.start, run.end), reverse=run.rtl)
                if wanted[i] != "x"
            ]
            count += 1
            if [levels[i] for i in kept] != [int(wanted[i]) for i in kept] or order != [
                int(i) for i in fields[4].split()
            ]:
                wrong.append(row)
    assert count > 90_000
    assert not wrong, wrong[:3]


@pytest.mark.parametrize(
    ("text", "base", "seen"),
    [
        ("abc", 0, "abc"),
        ("שלום", 1, "םולש"),
        ("abc שלום def", 0, "abc םולש def"),
        ("שלום abc 12", 1, "abc 12 םולש"),
        ("(שלום)", 1, "(םולש)"),
    ],
)
def test_runs_come_in_the_order_that_the_eye_meets_them(text, base, seen):
    assert _ordered(text, base) == seen


def test_a_code_in_a_right_to_left_line_keeps_its_order_when_it_is_isolated():
    bare, isolated = "رمز 35-20 99", "رمز \u206635-20 99\u2069"
    assert "35-20 99" not in _ordered(bare, 1), "the trap that the isolate is there for"
    assert "35-20 99" in _ordered(isolated, 1)
