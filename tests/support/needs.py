"""What a test needs beside Python: said loudly when it is missing, an error under CI."""

from __future__ import annotations

import os
import shutil

import pytest


def needs_program(program: str, package: str) -> str:
    """The path of a program; without it the test is skipped, or fails where CI is set."""
    path = shutil.which(program)
    if path is None:
        reason = f"{program} is missing (Debian package {package})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path
