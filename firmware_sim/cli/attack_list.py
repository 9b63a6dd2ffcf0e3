"""`firmware-sim attack list` and `attack show ID`: the catalogue."""

from __future__ import annotations

import argparse
import json
import textwrap


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of both words."""
    if parser.prog.endswith(" show"):
        parser.add_argument("id", help="id of an attack, such as SIG-007")
        parser.set_defaults(rows="one")
    else:
        rows = parser.add_mutually_exclusive_group()
        rows.add_argument(
            "--twins", dest="rows", action="store_const", const="twins", help="the twins instead"
        )
        rows.add_argument(
            "--left-out",
            dest="rows",
            action="store_const",
            const="left-out",
            help="known attacks that do not apply, and why",
        )
        parser.set_defaults(rows="all")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """0, or 2 for an id that does not exist."""
    if options.rows == "one":
        return _one(options.id, options.json)
    if options.rows == "twins":
        return _twins(options.json)
    if options.rows == "left-out":
        return _left_out(options.json)
    return _all(options.json)


def _one(identifier: str, as_json: bool) -> int:
    from firmware_sim.attacks.catalogue import attack_named
    from firmware_sim.attacks.reports.summary import about

    row = about(attack_named(identifier))
    if as_json:
        print(json.dumps(row, ensure_ascii=False))
        return 0
    width = max(len(name) for name in row)
    for name, value in row.items():
        text = ", ".join(value) or "-" if isinstance(value, list) else str(value)
        head = f"{name.replace('_', ' '):{width}}  "
        print(textwrap.fill(text, 96, initial_indent=head, subsequent_indent=" " * len(head)))
    return 0


def _all(as_json: bool) -> int:
    from firmware_sim.attacks.catalogue import attacks
    from firmware_sim.attacks.reports.summary import about

    rows = attacks()
    if as_json:
        print(json.dumps([about(row) for row in rows], ensure_ascii=False))
        return 0
    for row in rows:
        print(f"{row.id:11} {row.family:22} {row.rule.id:21} {row.sent}")
    print(f"{len(rows)} attacks on {len({row.rule for row in rows})} rules")
    return 0


def _twins(as_json: bool) -> int:
    from firmware_sim.attacks.catalogue import attacks
    from firmware_sim.attacks.twins import TWINS

    found = {twin.id: [row.id for row in attacks() if row.rule is twin.rule] for twin in TWINS}
    if as_json:
        rows = [
            {"id": twin.id, "lacks": twin.rule.text, "attacks": found[twin.id]} for twin in TWINS
        ]
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    for twin in TWINS:
        print(f"{twin.id:21} {twin.rule.text} ({', '.join(found[twin.id])})")
    return 0


def _left_out(as_json: bool) -> int:
    from firmware_sim.attacks.catalogue.left_out import LEFT_OUT

    if as_json:
        print(json.dumps(dict(LEFT_OUT), ensure_ascii=False))
        return 0
    for identifier, reason in LEFT_OUT.items():
        print(f"{identifier:9} {reason}")
    return 0
