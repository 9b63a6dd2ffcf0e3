"""The corpus: one file a target, one input a line, in hexadecimal."""

from __future__ import annotations

from pathlib import Path

ROOM = 48_000
"""Octets of one file."""
FOLDER = Path(__file__).resolve().parents[2] / "tests" / "protocol" / "corpus"


def read(target: str) -> list[bytes]:
    """The kept inputs of a target; none if there is no file."""
    path = FOLDER / f"{target}.hex"
    if not path.exists():
        return []
    return [bytes.fromhex(line) for line in path.read_text(encoding="ascii").split("\n")[:-1]]


def write(target: str, inputs: set[bytes]) -> None:
    """Keep these inputs, shortest first, as many as there is room for."""
    FOLDER.mkdir(exist_ok=True)
    lines: list[str] = []
    room = ROOM
    for each in sorted(inputs, key=lambda each: (len(each), each)):
        room -= 2 * len(each) + 1
        if room < 0:
            break
        lines.append(each.hex())
    (FOLDER / f"{target}.hex").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
