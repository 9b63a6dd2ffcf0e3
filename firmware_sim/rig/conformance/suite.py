"""Vector files: reading them, and holding an implementation's replies against them.

A verdict is about `result` and `output`. Stage and code of a refusal are scored apart: an
implementation that refuses for another reason is not wrong, but it does not tell the same.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_sim.errors import SimError

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class VectorTrouble(SimError):
    """A vector file cannot be used, or a peer cannot be talked to."""

    def __init__(self, text: str) -> None:
        super().__init__("vectors", text)


@dataclass(frozen=True, slots=True)
class Vector:
    """One test of one file."""

    file: str
    number: int
    comment: str
    operation: str
    input: Mapping[str, Any]
    result: str
    """valid or invalid."""
    output: Mapping[str, Any]
    stage: str
    code: str


class Verdict(enum.Enum):
    """What became of one vector."""

    RIGHT = "right"
    OTHER_CODE = "refused, with another stage or code"
    UNSUPPORTED = "not supported by the implementation"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    vector: Vector
    verdict: Verdict
    text: str
    """What was expected and what came; empty when right."""


def load(path: Path) -> Iterator[Vector]:
    """The vectors of one file.

    Raises:
        VectorTrouble: it cannot be read, or is no vector file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for group in content["testGroups"]:
            shared = group.get("input", {})
            for test in group["tests"]:
                yield Vector(
                    file=path.name,
                    number=test["tcId"],
                    comment=test["comment"],
                    operation=group["operation"],
                    input={**shared, **test["input"]},
                    result=test["result"],
                    output=test.get("output", {}),
                    stage=test.get("stage", ""),
                    code=test.get("code", ""),
                )
    except OSError as error:
        raise VectorTrouble(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise VectorTrouble(f"{path}: no vector file ({error})") from error


def files(folder: Path) -> list[Path]:
    """Every vector file of a folder.

    Raises:
        VectorTrouble: there is none.
    """
    found = sorted(folder.glob("*.json"))
    if not found:
        raise VectorTrouble(f"{folder} holds no vector files")
    return found


def check(vector: Vector, answer: Answer) -> Finding:
    """Put one vector to an implementation."""
    request = {"id": vector.number, "operation": vector.operation, "input": dict(vector.input)}
    reply = answer(request)
    result = reply.get("result")
    if result == "unsupported":
        return Finding(vector, Verdict.UNSUPPORTED, "")
    if result != vector.result:
        note = reply.get("code") or reply.get("note") or ""
        return Finding(vector, Verdict.WRONG, f"{result} {note}".strip() + f", not {vector.result}")
    if result == "valid":
        differing = [
            name
            for name, value in vector.output.items()
            if not _same(reply.get("output", {}).get(name), value)
        ]
        if differing:
            return Finding(vector, Verdict.WRONG, f"valid, but {', '.join(differing)} differs")
    elif vector.code and (reply.get("stage"), reply.get("code")) != (vector.stage, vector.code):
        text = f"{reply.get('code')} at {reply.get('stage')}, not {vector.code} at {vector.stage}"
        return Finding(vector, Verdict.OTHER_CODE, text)
    return Finding(vector, Verdict.RIGHT, "")


def _same(have: Any, wanted: Any) -> bool:
    """Equal where `wanted` says anything: an object may hold more names than are asked for."""
    if isinstance(wanted, Mapping) and isinstance(have, Mapping):
        return all(_same(have.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(have, list):
        pairs = zip(have, wanted, strict=False)
        return len(have) == len(wanted) and all(_same(one, two) for one, two in pairs)
    return bool(have == wanted)
