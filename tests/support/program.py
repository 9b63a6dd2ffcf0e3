"""Runs firmware-sim as a user does: a process of its own, its output and exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PROGRAM = str(Path(sys.executable).with_name("firmware-sim"))


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The object on the last line of stdout."""
        found: dict[str, Any] = json.loads(self.stdout.splitlines()[-1])
        return found

    def one_line(self) -> str:
        """The only line on stderr; a traceback, silence or a second line fails the test."""
        lines = self.stderr.splitlines()
        assert len(lines) == 1, self.stderr
        assert "Traceback" not in self.stderr
        return lines[0]


def firmware_sim(*words: object, cwd: Path | None = None, timeout: float = 60) -> Finished:
    """Run `firmware-sim WORDS` to its end."""
    done = subprocess.run(
        [PROGRAM, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@contextmanager
def started(*words: object) -> Iterator[subprocess.Popen[str]]:
    """`firmware-sim WORDS` running beside the test; it is ended, and reaped, at the end."""
    process = subprocess.Popen(
        [PROGRAM, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env=dict(os.environ, PYTHONUNBUFFERED="1"),
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def line_with(stream: IO[str] | None, word: str) -> str:
    """Read until a line holds `word`; the end of the output fails the test with what came."""
    assert stream is not None
    seen = []
    for line in stream:
        seen.append(line)
        if word in line:
            return line.rstrip("\n")
    raise AssertionError(f"no line with {word!r} in {''.join(seen)!r}")
