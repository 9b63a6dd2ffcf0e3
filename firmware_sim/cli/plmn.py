"""`firmware-sim plmn`: what the numbering plan says of a network or of a country."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from firmware_sim.errors import SimError, UsageError
from firmware_sim_native import plmn


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of `plmn`."""
    words = parser.add_subparsers(dest="plmn_command", metavar="WORD", required=True)
    show = words.add_parser("show", help="one network, or one country code")
    show.add_argument("plmn", metavar="PLMN|MCC", help="5 or 6 digits (405-012 too), or 3")
    show.set_defaults(run_plmn=_show)
    rows = words.add_parser("list", help="the networks that may be in a country")
    rows.add_argument("--country", required=True, metavar="CC", help="ISO 3166-1, such as CU")
    rows.add_argument("--withdrawn", action="store_true", help="with those that are history")
    rows.set_defaults(run_plmn=_list)
    for word in (show, rows):
        word.add_argument("--plmn-table", type=Path, metavar="FILE", help="use this table instead")
        word.add_argument("--json", action="store_true")


def run(options: argparse.Namespace) -> int:
    """Run the word after `plmn`.

    Raises:
        SimError: the table cannot be used.
        UsageError: no PLMN, no country.
    """
    try:
        table = plmn.PlmnTable.load(options.plmn_table) if options.plmn_table else None
    except plmn.TableError as error:
        raise SimError("plmn", str(error)) from error
    status: int = options.run_plmn(options, table or plmn.default_table())
    return status


def _show(options: argparse.Namespace, table: plmn.PlmnTable) -> int:
    digits = re.sub(r"^([0-9]{3})[- ]([0-9]{2,3})$", r"\1\2", options.plmn)
    try:
        facts = table.lookup(digits)
    except ValueError as error:
        raise UsageError("plmn", f"{options.plmn!r}: {error}") from error
    answer = {
        "plmn": digits,
        "kind": facts.kind.name.lower(),
        "country": facts.country,
        "countries": list(facts.countries),
        "subdivision": facts.subdivision,
        "subdivisions": list(facts.subdivisions),
        "mnc_length": facts.mnc_length,
        "known": facts.known,
        "name": facts.name or None,
        "sources": [source for source in (facts.sources, table.sources) if source],
        "date": table.date,
    }
    if options.json:
        print(json.dumps(answer))
        return 0
    for name, value in answer.items():
        words = _words(value)
        if words:
            print(f"{name.replace('_', ' '):15}{words}")
    return 0


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(value)
    return "" if value is None else str(value)


def _list(options: argparse.Namespace, table: plmn.PlmnTable) -> int:
    country = options.country.upper()
    mccs = {row.mcc: row for row in table.mccs}
    codes = [row.mcc for row in table.mccs if country in row.countries]
    rows = [
        row
        for row in table.rows
        if country in (row.countries or mccs[row.mcc].countries)
        and (options.withdrawn or not row.withdrawn)
    ]
    if not codes and not rows:
        raise UsageError("plmn", f"the table knows no country {options.country!r}")
    networks = [
        {
            "plmn": row.mcc + row.mnc,
            "mcc": row.mcc,
            "mnc": row.mnc,
            "name": row.name,
            "countries": list(row.countries or mccs[row.mcc].countries),
            "subdivisions": list(row.subdivisions),
            "known": not row.withdrawn,
            "sources": [row.sources],
        }
        for row in rows
    ]
    if options.json:
        answer = {
            "country": country,
            "mccs": codes,
            "networks": networks,
            "sources": [table.sources],
            "date": table.date,
        }
        print(json.dumps(answer))
        return 0
    print(f"MCC: {', '.join(codes) or 'none of its own'}  (data of {table.date})")
    for row in rows:
        where = f"  [{'; '.join(row.subdivisions)}]" if row.subdivisions else ""
        past = "  (withdrawn)" if row.withdrawn else ""
        print(f"{row.mcc} {row.mnc:3}  {row.name}{where}{past}")
    return 0
