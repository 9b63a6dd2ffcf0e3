"""Another Python beside the one that runs the tests, found by name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NAMES = ("python3.14", "python3.13", "python3.12", "python3.11")


def other_python() -> str:
    """The path of one that works; without one the test is skipped, or fails where CI is set."""
    mine = f"python3.{sys.version_info.minor}"
    for name in NAMES:
        if name == mine:
            continue
        for path in (shutil.which(name), *_of_pyenv(name)):
            if path and _works(path):
                return path
    reason = f"no other Python found by the names {', '.join(n for n in NAMES if n != mine)}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _of_pyenv(name: str) -> list[str]:
    pyenv = shutil.which("pyenv")
    if pyenv is None:
        return []
    root = subprocess.run([pyenv, "root"], capture_output=True, text=True).stdout.strip()
    return [str(path) for path in sorted(Path(root).glob(f"versions/*/bin/{name}"))]


def _works(path: str) -> bool:
    done = subprocess.run([path, "-c", "import zlib, gettext"], capture_output=True)
    return done.returncode == 0
