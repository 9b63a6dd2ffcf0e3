"""The fixtures that the package brings into any project's pytest."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.errors import SimError
from firmware_sim.rig.activation import Result
from firmware_sim.rig.bench import Bench

README = Path(__file__).resolve().parents[2] / "README.md"


def test_an_activation_is_one_call(sim_activate: Callable[..., Result]) -> None:
    result = sim_activate(serving="36801", seed=1)
    assert (result.outcome, result.view.country) == ("locked", "CU")


def test_a_server_that_is_not_there_is_an_error_in_one_line(
    sim_activate: Callable[..., Result],
) -> None:
    with pytest.raises(SimError, match=r"server: cannot connect to tcp://127\.0\.0\.1:9"):
        sim_activate(serving="26201", server="tcp://127.0.0.1:9")


def test_the_example_of_the_readme_runs(sim_bench: Callable[..., Bench]) -> None:
    (code,) = re.findall(r"^  ```python\n(.*?)^  ```$", README.read_text(), re.S | re.M)
    names: dict[str, Any] = {}
    exec(compile(textwrap.dedent(code), "README.md", "exec"), names)
    names["test_a_lock_arrives_after_a_trip_to_cuba"](sim_bench)
