"""Write the documents, or with --check say which of them differ from the declarations."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from specification import c_header, dissector, machines, tables
from specification.marked import MarkTrouble, filled

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "protocol" / "SPEC.md"
HEADER = ROOT / "protocol" / "include" / "odap.h"
DISSECTOR = ROOT / "protocol" / "wireshark" / "odap.lua"


def documents() -> dict[Path, str]:
    """Every document and what it should hold."""
    sections = {**tables.sections(), **machines.sections()}
    return {
        SPEC: filled(SPEC.read_text(encoding="utf-8"), sections),
        HEADER: c_header.header(),
        DISSECTOR: dissector.dissector(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/spec", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if anything differs")
    options = parser.parse_args()
    try:
        wanted = documents()
    except MarkTrouble as trouble:
        print(f"tools/spec: {trouble}", file=sys.stderr)
        return 1
    differing = [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in differing:
        name = path.relative_to(ROOT)
        if options.check:
            print(f"tools/spec: {name} differs from the declarations: run tools/spec")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
            print(f"tools/spec: wrote {name}")
    return 1 if options.check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
