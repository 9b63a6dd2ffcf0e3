"""What fuzzing has found is run again: every kept input, through the same targets."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from firmware_sim_protocol import codec  # noqa: E402
from firmware_sim_protocol.numbers import MessageType  # noqa: E402
from fuzzing import corpus  # noqa: E402  (the path comes first)
from fuzzing.targets import TARGETS, Broken  # noqa: E402
from tests.support.messages import sealed  # noqa: E402

LARGEST = 300_000


@pytest.mark.parametrize("target", TARGETS)
def test_no_kept_input_breaks_a_law(target: str) -> None:
    kept = corpus.read(target)
    assert kept, "tools/fuzz has never kept anything for this target"
    for octets in kept:
        TARGETS[target](octets)


def test_the_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in corpus.FOLDER.glob("*.hex")) < LARGEST
    assert {path.stem for path in corpus.FOLDER.glob("*.hex")} == set(TARGETS)


def test_a_target_notices_a_law_that_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    from fuzzing import targets

    raw = b"\0\0" + sealed(MessageType.ERROR)
    TARGETS["message"](raw)
    monkeypatch.setattr(targets, "build_body", lambda message: codec.build_body(message) + b"x")
    with pytest.raises(Broken):
        TARGETS["message"](raw)
