"""The golden assertion in somebody else's project."""

import os
import subprocess
import sys

PLUGIN = ("-p", "firmware_sim.pytest_plugin")
"""By name, as loading every plugin that is installed here takes longer than the test; that an
installed package brings it by itself is a test of the packaging."""
PROJECT = """
from firmware_sim.screen import scene
from firmware_sim.screen.device import SMALL
from firmware_sim.view import Page, View

def test_the_lock(golden_screen):
    view = View(page=Page.LOCKED, vendor="VENDOR")
    golden_screen(scene.build(view, SMALL.reduced(2)), "lock")
"""


def _pytest(directory, *words):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PLUGIN, *words, "."],
        capture_output=True,
        text=True,
        cwd=directory,
        timeout=120,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )


def test_a_project_records_checks_and_sees_what_changed(tmp_path):
    project = tmp_path / "test_lock.py"
    project.write_text(PROJECT.replace("VENDOR", "Norvik"))
    done = _pytest(tmp_path)
    assert done.returncode == 1
    assert "no golden screen" in done.stdout
    assert _pytest(tmp_path, "--record-goldens").returncode == 0
    assert (tmp_path / "goldens" / "lock.png").exists()
    assert _pytest(tmp_path).returncode == 0
    project.write_text(PROJECT.replace("VENDOR", "Morvik"))
    done = _pytest(tmp_path, "--basetemp", str(tmp_path / "temporary"))
    assert done.returncode == 1
    assert "screen lock: changed" in done.stdout
    assert "Traceback" not in done.stdout
    assert list((tmp_path / "temporary").rglob("lock.difference.png"))
