"""Runs the benchmarks named on the command line."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from pathlib import Path

import benchmarks
from benchmarks.figure import Figure

NOT_BENCHMARKS = {"__main__", "figure", "timing"}


def main() -> int:
    names = sorted(
        module.name
        for module in pkgutil.iter_modules(benchmarks.__path__)
        if module.name not in NOT_BENCHMARKS
    )
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"one or more of: {', '.join(names)}")
    parser.add_argument("--list", action="store_true", help="name the benchmarks and stop")
    parser.add_argument("--json", action="store_true", help="print one object of figures")
    options = parser.parse_args()
    if options.list:
        print("\n".join(names))
        return 0
    unknown = set(options.name) - set(names)
    if unknown or not options.name:
        what = f"no benchmark named {', '.join(sorted(unknown))}" if unknown else "name one"
        print(f"tools/bench: {what}; there are: {', '.join(names)}", file=sys.stderr)
        return 2
    results: dict[str, object] = {}
    held = True
    for name in options.name:
        for figure in importlib.import_module(f"benchmarks.{name}").figures():
            held = held and figure.holds
            results[figure.name] = as_json(figure)
            if not options.json:
                print(line(figure), flush=True)
    if options.json:
        print(json.dumps(results))
    return 0 if held else 1


def as_json(figure: Figure) -> dict[str, object]:
    return {
        "value": figure.value,
        "unit": figure.unit,
        "bound": figure.bound,
        "holds": figure.holds,
        **(figure.sides or {}),
        **({"note": figure.note} if figure.note else {}),
    }


def line(figure: Figure) -> str:
    sides = ", ".join(f"{name} {value:.6g}" for name, value in (figure.sides or {}).items())
    relation = "at least" if figure.at_least else "at most"
    bound = "no bound" if figure.bound is None else f"{relation} {figure.bound:g}"
    verdict = "" if figure.bound is None else ("holds" if figure.holds else "DOES NOT HOLD")
    text = f"{figure.name:40} {figure.value:10.4g} {figure.unit:8} {bound:14} {verdict:14} {sides}"
    return text.rstrip() + (f"\n    {figure.note}" if figure.note else "")


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
if __name__ == "__main__":
    sys.exit(main())
