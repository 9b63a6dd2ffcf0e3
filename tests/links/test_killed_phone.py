"""A real process that is killed at each system call with which it writes its flash.

strace delivers SIGKILL on entering the n-th call that touches the flash, for every call and
every n; then the directory is opened by the next process. One run without a kill counts the
calls, so the list is complete whatever the code does.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from firmware_sim.view import Page
from firmware_sim_protocol.numbers import LockState
from tests.support.needs import needs_program
from tests.support.phone_on_disk import run

ROOT = Path(__file__).parents[2]
CALLS = ("mkdir", "openat", "write", "fsync", "ftruncate", "rename", "flock")
"""Every call that FileFlash changes anything with; `test_no_other_call_writes` holds that."""

BEFORE = {
    "first-activation": (),
    "locked-later": ("first-activation",),
    "unlocked": ("first-activation", "locked-later"),
}
AFTER = {
    "first-activation": LockState.ACTIVE,
    "locked-later": LockState.LOCKED_FINANCE,
    "unlocked": LockState.ACTIVE,
}
STATES = {
    "first-activation": {LockState.UNPROVISIONED, LockState.ACTIVE},
    "locked-later": {LockState.ACTIVE, LockState.LOCKED_FINANCE},
    "unlocked": {LockState.LOCKED_FINANCE, LockState.ACTIVE},
}


def strace(flash: Path, scenario: str, *options: str) -> subprocess.CompletedProcess[str]:
    program = needs_program("strace", "strace")
    names = ("slot-0", "slot-1", "counter", "counter.new", "lock")
    paths = [
        word for path in (flash, *(flash / name for name in names)) for word in ("-P", str(path))
    ]
    command = [program, "-f", "--quiet=all", *options, *paths]
    phone = [sys.executable, "-m", "tests.support.phone_on_disk", str(flash), scenario]
    environment = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONDONTWRITEBYTECODE="1")
    return subprocess.run(
        [*command, *phone], capture_output=True, text=True, timeout=120, env=environment, cwd=ROOT
    )


def prepared(folder: Path, scenario: str) -> Path:
    """A flash on which `scenario` can begin."""
    flash = folder / "flash"
    for earlier in BEFORE[scenario]:
        run(flash, earlier)
    return flash


def counted(flash: Path, scenario: str) -> Counter[str]:
    """How often each call touches the flash in a run that nobody kills."""
    log = flash.parent / "calls.txt"
    done = strace(flash, scenario, "-o", str(log))
    assert (done.returncode, done.stdout.strip()) == (0, AFTER[scenario].name), done.stderr
    calls: Counter[str] = Counter()
    for line in log.read_text().splitlines():
        name = line.split(None, 1)[-1].split("(", 1)[0]
        if name.isidentifier():
            calls[name] += 1
    return calls


@pytest.mark.parametrize("scenario", STATES)
def test_killed_at_any_writing_call_it_comes_up_old_or_new(tmp_path: Path, scenario: str) -> None:
    template = tmp_path / "template"
    template.mkdir()
    prepared(template, scenario)
    probe = tmp_path / "probe"
    shutil.copytree(template, probe)
    calls = counted(probe / "flash", scenario)
    points = [(name, number) for name in CALLS for number in range(1, calls[name] + 1)]
    assert {"openat", "write", "fsync", "rename"} <= {name for name, _ in points}
    assert len(points) >= 20

    def kill(point: tuple[str, int]) -> tuple[tuple[str, int], Path, int, str]:
        name, number = point
        folder = tmp_path / f"{name}-{number}"
        shutil.copytree(template, folder)
        done = strace(
            folder / "flash",
            scenario,
            "-o",
            os.devnull,
            "-e",
            f"inject={name}:signal=SIGKILL:when={number}",
        )
        return point, folder / "flash", done.returncode, done.stdout

    seen = set()
    with ThreadPoolExecutor(2) as pool:
        for point, killed, status, printed in pool.map(kill, points):
            assert status in (-signal.SIGKILL, 128 + signal.SIGKILL), point
            bench = run(killed, "offline")
            state = bench.phone.lock_state
            assert state in STATES[scenario], point
            # What was shown was durable.
            assert printed.strip() in ("", state.name), point
            home = bench.phone.view.page is Page.HOME
            assert home == (state is LockState.ACTIVE), point
            used = bool(bench.phone.record.tickets)
            assert used == (scenario == "unlocked" and state is LockState.ACTIVE), point
            seen.add(state)
    assert seen == STATES[scenario]


def test_no_other_call_writes(tmp_path: Path) -> None:
    flash = prepared(tmp_path, "unlocked")
    harmless = {"openat", "read", "close", "fstat", "newfstatat", "lseek", "ioctl", "fcntl"}
    harmless |= {"stat", "statx", "getdents64", "access", "readlink", "execve", "lstat"}
    assert set(counted(flash, "unlocked")) <= harmless | set(CALLS)
