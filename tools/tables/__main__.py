"""Merges, lays out, writes or compares; see tools/plmn_tables."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from firmware_sim_native.plmn_file import Table, TableError, read, write
from tables.emit import c_source
from tables.merge import FILES, Contradiction, Decision, Rule, merge

ROOT = Path(__file__).resolve().parent.parent.parent
TSV = ROOT / "native" / "firmware_sim_native" / "plmn.tsv"
C_FILE = ROOT / "native" / "c" / "fsim_plmn_table.c"


def main() -> int:
    """0 in sync or written, 1 out of sync, 2 usage, 3 the lists contradict each other."""
    parser = argparse.ArgumentParser(prog="tools/plmn_tables")
    parser.add_argument("--check", action="store_true", help="compare only, exit 1 on a difference")
    parser.add_argument("--report", action="store_true", help="print what changes and which rules")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", metavar="DIR")
    options = parser.parse_args()
    have_data = all((options.data / name).exists() for name in FILES)
    if not have_data and not options.check:
        print("tools/plmn_tables: the source lists are not here (see --data)", file=sys.stderr)
        return 3
    try:
        if not have_data:
            return check_without_sources()
        table, decisions = merge(options.data)
        old = read(TSV.read_text(encoding="utf-8")) if TSV.exists() else None
    except (Contradiction, TableError, OSError) as error:
        print(f"tools/plmn_tables: {error}", file=sys.stderr)
        return 3
    wanted = {TSV: write(table), C_FILE: c_source(table)}
    if options.report:
        report(old, table, decisions)
    if options.check or options.report:
        return compare(wanted) if options.check else 0
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    print(f"{len(table.mccs)} MCCs, {len(table.plmns)} networks written")
    return 0


def check_without_sources() -> int:
    """Hold the C table against plmn.tsv; say what was not checked."""
    status = compare({C_FILE: c_source(read(TSV.read_text(encoding="utf-8")))})
    print("the source lists are not here: the merge was not repeated, only the C table checked")
    return status


def compare(wanted: dict[Path, str]) -> int:
    """1 when a file differs from what it should hold, and its name on stderr."""
    stale = [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    for path in stale:
        print(f"{path.relative_to(ROOT)}: not what tools/plmn_tables writes", file=sys.stderr)
    return 1 if stale else 0


def report(old: Table | None, new: Table, decisions: list[Decision]) -> None:
    """Print the differences between two tables, then every case that a rule decided."""
    before = lines_of(old) if old else {}
    after = lines_of(new)
    print(f"{len(new.mccs)} MCCs, {len(new.plmns)} networks")
    for code in sorted(before.keys() | after.keys()):
        if before.get(code) != after.get(code):
            word = "added" if code not in before else "removed" if code not in after else "changed"
            print(f"{word}: {after.get(code) or before[code]}")
            if word == "changed":
                print(f"    was: {before[code]}")
    counts = Counter(decision.rule for decision in decisions)
    for rule in Rule:
        print(f"\n{rule.name}: {rule.value} ({counts[rule]})")
        for decision in decisions:
            if decision.rule is rule:
                print(f"    {decision.code}: {decision.detail}")


def lines_of(table: Table) -> dict[str, str]:
    """The lines of a table's file by what they speak of."""
    lines = write(table).splitlines()
    return {" ".join(line.split("\t")[:2]): line.replace("\t", " | ") for line in lines}


if __name__ == "__main__":
    sys.exit(main())
