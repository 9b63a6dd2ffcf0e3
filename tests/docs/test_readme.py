"""The README's examples do what it says."""

import re
from pathlib import Path

import pytest

from tests.support.console import Example, blocks, play

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SESSIONS = blocks(README)


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session[0].command[:60])
def test_an_example_of_the_readme_runs(session: list[Example], tmp_path: Path) -> None:
    play(session, tmp_path)


def test_the_readme_has_examples() -> None:
    assert len(SESSIONS) >= 5


def test_every_link_of_the_readme_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    assert targets
    for target in targets:
        assert "://" in target or (ROOT / target).exists(), target
