"""A lab to test: its service in this process, or a process of its own with a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.testclient import TestClient

from firmware_sim.lab.handlers import Lab
from firmware_sim.lab.phone import Setup
from firmware_sim.lab.service import Access, Service
from firmware_sim.links.clock import ManualClock
from firmware_sim.links.entropy import SeededEntropy
from tests.support.program import line_with, started

HOST = "127.0.0.1:8021"
WALL_S = 1_767_225_600
"""2026-01-01."""


@contextmanager
def client(token: str | None = None, phones: int = 1) -> Iterator[TestClient]:
    """A client of a lab whose clock stands still unless time is skipped."""
    lab = Lab(ManualClock(), lambda: WALL_S, SeededEntropy(1), Setup())
    for _ in range(phones):
        lab.add(lab.defaults, on=False)
    service = Service(lab, Access(frozenset({HOST}), token))
    with TestClient(service.app(), base_url=f"http://{HOST}") as made:
        yield made


@contextmanager
def page(*words: str) -> Iterator[str]:
    """The address of `firmware-sim lab WORDS` in a process of its own."""
    with started("lab", "--listen", "127.0.0.1:0", "--seed", "1", *words) as process:
        yield line_with(process.stdout, "listening").split()[-1]
