"""`firmware-sim vectors`: the vectors of ODAP/1, put to an implementation."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware_sim.rig.conformance.suite import Answer, Finding

SHOWN = 20
"""Findings printed for each file, unless all are asked for."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    words = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    check = words.add_parser("check", help="put the vectors to an implementation and report")
    check.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="vector files (default: all)"
    )
    check.add_argument(
        "--implementation",
        metavar="CMD",
        help="a program that answers vectors (protocol/vectors/README.md); default: our own",
    )
    check.add_argument("--vectors", type=Path, metavar="DIR", help="where the vector files lie")
    check.add_argument(
        "--strict", action="store_true", help="another stage or code of a refusal is wrong, too"
    )
    check.add_argument("--all", action="store_true", help="print every finding")
    check.add_argument("--json", action="store_true", help="print one object")
    words.add_parser("serve", help="answer vectors: one JSON object a line in, one out")


def run(options: argparse.Namespace) -> int:
    """Run `check` or `serve`; 1 when an answer was wrong."""
    return _serve() if options.what == "serve" else _check(options)


def _serve() -> int:
    from firmware_sim.rig.conformance.operations import answer

    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            request = json.loads(line)
            reply = answer(request) if isinstance(request, dict) else None
        except ValueError:
            reply = None
        if reply is None:
            reply = {"id": None, "result": "error", "note": "no JSON object"}
        print(json.dumps(reply), flush=True)
    return 0


def _check(options: argparse.Namespace) -> int:
    from firmware_sim.rig.conformance import operations, suite
    from firmware_sim.rig.conformance.peer import Peer

    files = options.files or suite.files(options.vectors or _folder())
    if options.implementation is None:
        findings = {path: _put(path, operations.answer) for path in files}
    else:
        with Peer(options.implementation) as peer:
            findings = {path: _put(path, peer.answer) for path in files}
    bad = {suite.Verdict.WRONG}
    if options.strict:
        bad.add(suite.Verdict.OTHER_CODE)
    wrong = any(found.verdict in bad for rows in findings.values() for found in rows)
    if options.json:
        _print_json(findings)
    else:
        _print(findings, None if options.all else SHOWN)
    return 1 if wrong else 0


def _folder() -> Path:
    import firmware_sim_protocol
    from firmware_sim.rig.conformance.suite import VectorTrouble

    folder = Path(firmware_sim_protocol.__file__).resolve().parents[1] / "vectors"
    if not folder.is_dir():
        raise VectorTrouble("the vectors are not installed with the program: give --vectors DIR")
    return folder


def _put(path: Path, answer: Answer) -> list[Finding]:
    from firmware_sim.rig.conformance import suite

    return [suite.check(vector, answer) for vector in suite.load(path)]


def _print(findings: Mapping[Path, list[Finding]], shown: int | None) -> None:
    total: Counter[str] = Counter()
    for path, rows in findings.items():
        counts = Counter(found.verdict.value for found in rows)
        total += counts
        print(f"{path.name:18} {_counts(counts)}")
        notable = [found for found in rows if found.text]
        for found in notable[:shown]:
            vector = found.vector
            print(f"    {vector.operation} {vector.number} ({vector.comment}): {found.text}")
        if shown is not None and len(notable) > shown:
            print(f"    and {len(notable) - shown} more (--all)")
    print(f"{'all':18} {_counts(total)}")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {word}" for word, number in counts.items())


def _print_json(findings: Mapping[Path, list[Finding]]) -> None:
    print(
        json.dumps(
            {
                path.name: {
                    "counts": Counter(found.verdict.name for found in rows),
                    "findings": [
                        {
                            "tcId": found.vector.number,
                            "operation": found.vector.operation,
                            "comment": found.vector.comment,
                            "verdict": found.verdict.name,
                            "text": found.text,
                        }
                        for found in rows
                        if found.verdict.name != "RIGHT"
                    ],
                }
                for path, rows in findings.items()
            }
        )
    )
