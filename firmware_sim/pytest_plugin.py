"""Fixtures for projects that test against the simulator.

Loaded into every pytest run beside which the package is installed, so it imports nothing of
ours before a fixture is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from firmware_sim.rig.activation import Result
    from firmware_sim.rig.bench import Bench
    from firmware_sim.screen.tree import Scene

GOLDENS = "goldens"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that turns the golden assertion into a recording."""
    group = parser.getgroup("firmware-sim")
    group.addoption(
        "--record-goldens",
        action="store_true",
        help="write the pictures that `golden_screen` compares, instead of comparing them",
    )


@pytest.fixture
def golden_screen(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Scene, str], None]:
    """An assertion: `golden_screen(scene, name)` fails unless the scene looks as approved.

    The picture is `goldens/NAME.png` beside the test's file, compared by decoded pixels. On a
    failure the new picture and the difference lie in the test's temporary directory, and the
    message names them. `pytest --record-goldens` writes the picture instead.
    """
    from firmware_sim.screen import goldens, png

    folder = request.path.parent / GOLDENS
    recording = bool(request.config.getoption("--record-goldens"))

    def check(made: Scene, name: str) -> None:
        path = folder / f"{name}.png"
        after = png.render(made, level=9)
        if recording:
            goldens.write(path, after)
            return
        if not path.exists():
            pytest.fail(f"no golden screen {path}; record it: pytest --record-goldens")
        finding = goldens.compare(name, path.read_bytes(), after)
        if finding is None:
            return
        new, changed = tmp_path / f"{name}.new.png", tmp_path / f"{name}.difference.png"
        goldens.write(new, after)
        difference = goldens.difference(finding.before, after) if finding.before else b""
        if difference:
            goldens.write(changed, difference)
        seen = f"{new} and {changed}" if difference else str(new)
        pytest.fail(f"screen {finding}; see {seen}, or approve: pytest --record-goldens")

    return check


@pytest.fixture
def sim_activate() -> Callable[..., Result]:
    """One activation from power-on to the final screen, real modems and servers included.

    `sim_activate(modem="/dev/ttyUSB2", server="tcp://127.0.0.1:7443").outcome`; the keywords
    are the fields of `firmware_sim.rig.plan.Plan`. What fails during the run is in `failure`;
    what cannot be set up raises: `UsageError` for a plan that contradicts itself, `SimError`
    for a modem or server that is not there.
    """
    from firmware_sim.rig.activation import Activation
    from firmware_sim.rig.plan import Plan

    def activate(**fields: Any) -> Result:
        return Activation(Plan(**fields)).run(lambda event: None)

    return activate


@pytest.fixture
def sim_bench() -> Callable[..., Bench]:
    """A phone with all its peers in memory, on a clock that the test moves.

    `bench = sim_bench(serving="26201"); bench.boot(); bench.advance(days=8)`; the keywords are
    those of `firmware_sim.rig.bench.Bench`.
    """
    from firmware_sim.rig.bench import Bench

    return Bench
