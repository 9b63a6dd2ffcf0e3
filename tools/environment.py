"""The private environment of a checkout: .venv, pinned by hash, with the C core built.

Uses the standard library only, because it runs before anything is installed. Two stamps
in .venv say what was installed from: the pins, and the sources of the C core. A stamp
that differs means work to do; equal stamps cost a few milliseconds.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PINS = {
    "run": ROOT / "tools" / "constraints" / "run.txt",
    "test": ROOT / "tools" / "constraints" / "test.txt",
}
OLDEST_PYTHON = (3, 11)


class EnvironmentFailure(Exception):
    """The environment cannot be made; the text is one line for the user."""


def prepare(purpose: str) -> Path:
    """Make or refresh .venv for `run` or `test`; return its bin directory.

    Raises:
        EnvironmentFailure: an old Python, a failed install, a C core that does not build.
    """
    if sys.version_info < OLDEST_PYTHON:
        have = ".".join(map(str, sys.version_info[:3]))
        raise EnvironmentFailure(f"Python 3.11 or newer is needed, this is {have}")
    bin_dir = VENV / "bin"
    python = bin_dir / "python"
    with _only_one_at_a_time():
        if not python.exists():
            _say("making .venv")
            _create()
        _install_pins(python, purpose)
        _install_project(python)
    return bin_dir


def _create() -> None:
    try:
        venv.EnvBuilder(with_pip=True, clear=VENV.exists()).create(VENV)
    except (OSError, subprocess.CalledProcessError) as error:
        raise EnvironmentFailure(
            f"cannot make {VENV.name}: {error} (on Debian: apt install python3-venv)"
        ) from error


def _install_pins(python: Path, purpose: str) -> None:
    # What tests need contains what running needs, so a test environment serves both.
    wanted = {name: _digest([PINS[name]]) for name in ("run", "test")}
    stamp = VENV / "pins.stamp"
    have = stamp.read_text() if stamp.exists() else ""
    if have == wanted["test"] or (purpose == "run" and have == wanted["run"]):
        return
    _say(f"installing pinned packages ({PINS[purpose].name})")
    _pip(python, "--require-hashes", "--only-binary=:all:", "-r", str(PINS[purpose]))
    stamp.write_text(wanted[purpose])


def _install_project(python: Path) -> None:
    sources = [ROOT / "pyproject.toml", *sorted((ROOT / "native").rglob("*.[ch]"))]
    sources += sorted((ROOT / "native").rglob("CMakeLists.txt"))
    sources += sorted((ROOT / "native").rglob("*.txt"))
    wanted = _digest(sources)
    stamp = VENV / "project.stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    _say("building the C core")
    _pip(python, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp.write_text(wanted)


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # The build backend starts cmake and ninja by name: the environment's own come first.
    environment = dict(os.environ, PATH=f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}")
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        raise EnvironmentFailure(f"pip install {' '.join(arguments)} failed (its words are above)")


def _digest(files: list[Path]) -> str:
    total = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for file in files:
        total.update(file.name.encode() + b"\0" + file.read_bytes())
    return total.hexdigest()


@contextmanager
def _only_one_at_a_time() -> Iterator[None]:
    """Two first runs at once would install into each other's half-made environment."""
    lock = ROOT / ".venv.lock"
    try:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise EnvironmentFailure(f"cannot write in {ROOT}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _say(text: str) -> None:
    print(f"firmware-sim: {text} ...", file=sys.stderr, flush=True)
