"""Runs the examples of a document as they stand there, and compares what they print.

A block marked `console` is one shell session in an empty folder. A line that begins with
`$ ` is a command (continued by a backslash at its end); the lines under it must appear in its
output, in this order; a line `...` stands for anything. A command that ends in ` &` stays
running until the block is over; the next one starts when it has printed its first line.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Example:
    """One command and the lines that the document shows under it."""

    command: str
    shown: tuple[str, ...]


def blocks(text: str) -> list[list[Example]]:
    """The sessions of a Markdown document."""
    return [list(_examples(match.group(1))) for match in BLOCK.finditer(text)]


def _examples(body: str) -> Iterator[Example]:
    lines = body.replace("\\\n", " ").splitlines()
    starts = [at for at, line in enumerate(lines) if line.startswith("$ ")]
    assert starts, f"a console block without a command: {body!r}"
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        shown = tuple(line for line in lines[start + 1 : end] if line.strip())
        yield Example(re.sub(r"\s+", " ", lines[start][2:]).strip(), shown)


def play(session: list[Example], folder: Path) -> None:
    """Run one session; the first command that fails or prints something else fails the test."""
    tools = folder / "tools"
    tools.mkdir()
    # In a checkout tools/run prepares .venv first; here it is prepared, and tested elsewhere.
    program = Path(sys.executable).with_name("firmware-sim")
    (tools / "run").symlink_to(program)
    with ExitStack() as running:
        for example in session:
            if example.command.endswith(" &"):
                first = running.enter_context(_background(example.command[:-2], folder))
                _compare(example, first)
                continue
            done = subprocess.run(
                ["bash", "-c", example.command],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=120,
                stdin=subprocess.DEVNULL,
                env=_environment(),
            )
            said = done.stdout + done.stderr
            # `echo $?` is how a document shows a failing status; otherwise success is meant.
            assert done.returncode == 0, f"{example.command}\n{said}"
            _compare(example, said)


def _compare(example: Example, said: str) -> None:
    remaining = iter(said.splitlines())
    for line in example.shown:
        if line == "...":
            continue
        wanted = line.strip()
        found = any(wanted in printed for printed in remaining)
        assert found, f"{example.command}\nprints no line {wanted!r} (in this order):\n{said}"


@contextmanager
def _background(command: str, folder: Path) -> Iterator[str]:
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command}"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env=_environment(),
    )
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        assert first, f"{command}\nended with {process.wait()} and printed nothing"
        yield first
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def _environment() -> dict[str, str]:
    return dict(os.environ, PYTHONUNBUFFERED="1", COLUMNS="100", NO_COLOR="1")
