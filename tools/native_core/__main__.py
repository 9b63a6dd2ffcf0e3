"""Chooses what to show of the core; see tools/core."""

from __future__ import annotations

import argparse
import sys

from native_core.firmware import firmware
from native_core.fuzz import fuzz
from native_core.portability import portability
from native_core.prove import prove
from native_core.shell import ToolFailure


def main() -> int:
    """0 shown, 1 not so, 2 usage, 3 a tool is missing or failed."""
    parser = argparse.ArgumentParser(prog="tools/core", description=__doc__)
    words = parser.add_subparsers(dest="word", required=True)
    for word, does in (("prove", prove), ("firmware", firmware), ("portability", portability)):
        words.add_parser(word).set_defaults(does=does)
    fuzzing = words.add_parser("fuzz")
    fuzzing.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    try:
        status: int = fuzz(options.seconds) if options.word == "fuzz" else options.does()
    except ToolFailure as failure:
        print(f"tools/core: {failure}", file=sys.stderr)
        return 3
    return status


if __name__ == "__main__":
    sys.exit(main())
