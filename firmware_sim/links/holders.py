"""Which other processes hold a device open (Linux: /proc)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Holder:
    """A process and the name of its program."""

    pid: int
    program: str


def holders(device: str, proc: Path = Path("/proc")) -> list[Holder]:
    """Other processes that have `device` open, as far as we may look at them."""
    target = os.path.realpath(device)
    found = []
    for entry in sorted(proc.glob("[0-9]*"), key=lambda path: int(path.name)):
        if int(entry.name) == os.getpid():
            continue
        try:
            names = [os.readlink(link) for link in (entry / "fd").iterdir()]
            program = (entry / "comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            continue  # not ours to look at, or gone in the meantime
        if target in names:
            found.append(Holder(int(entry.name), program))
    return found
