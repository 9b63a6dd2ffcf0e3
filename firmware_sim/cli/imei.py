"""`firmware-sim imei`: check a list, take one apart, make some, name the ways to check."""

from __future__ import annotations

import argparse
import json

from firmware_sim.cli import imei_check
from firmware_sim.errors import UsageError
from firmware_sim_native import imei
from firmware_sim_native.tac import SOURCES, Identity, take_apart

SERIALS = 10**6


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of `imei`."""
    words = parser.add_subparsers(dest="imei_command", metavar="WORD", required=True)
    check = words.add_parser(
        "check",
        help="judge a list: exit status 0 when no line is refused, 1 otherwise",
        description="Judge a list of IMEIs, one a line: 15 digits, 14 (no check digit) or 16 "
        "(IMEISV). Reads plain text, gzip and zstd, or one column of CSV. Duplicates are "
        "counted, not refused.",
    )
    imei_check.configure(check)
    check.set_defaults(run_imei=imei_check.run)
    generate = words.add_parser("generate", help="make IMEIs with right check digits")
    generate.add_argument("--tac", required=True, metavar="TAC", help="8 digits")
    generate.add_argument("--count", type=int, default=1, metavar="N", help="how many (default 1)")
    generate.add_argument("--seed", type=int, metavar="N", help="the same ones again")
    generate.add_argument("--json", action="store_true")
    generate.set_defaults(run_imei=_generate)
    show = words.add_parser("show", help="take one apart: exit status 0 when it is good, else 1")
    show.add_argument("imei", metavar="IMEI", help="14, 15 or 16 digits")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run_imei=_show)
    paths = words.add_parser("paths", help="the ways to check a list on this machine")
    paths.add_argument("--json", action="store_true")
    paths.set_defaults(run_imei=_paths)


def run(options: argparse.Namespace) -> int:
    """Run the word after `imei`."""
    status: int = options.run_imei(options)
    return status


def _generate(options: argparse.Namespace) -> int:
    tac: str = options.tac
    if len(tac) != 8 or not (tac.isascii() and tac.isdigit()):
        raise UsageError("imei", f"a TAC is 8 digits, not {tac!r}")
    if not 1 <= options.count <= SERIALS:
        raise UsageError("imei", f"a TAC has {SERIALS:,} serial numbers: ask for 1 to as many")
    # The null IMEI would be refused everywhere.
    first = 1 if tac == "0" * 8 else 0
    if options.count > SERIALS - first:
        raise UsageError("imei", "TAC 00000000 has one serial number less: the null IMEI")
    import random

    chance = random.Random(options.seed)  # noqa: S311 (made-up identities, not secrets)
    made = []
    for serial in chance.sample(range(first, SERIALS), options.count):
        body = f"{tac}{serial:06}"
        made.append(f"{body}{imei.check_digit(body)}")
    if options.json:
        print(json.dumps({"tac": tac, "count": len(made), "seed": options.seed, "imeis": made}))
    else:
        print("\n".join(made))
    return 0


def _show(options: argparse.Namespace) -> int:
    identity = take_apart(options.imei)
    facts = _facts(options.imei, identity)
    if options.json:
        print(json.dumps(facts))
    else:
        for name, value in facts.items():
            if value is not None:
                words = "; ".join(value) if isinstance(value, list) else value
                print(f"{name.replace('_', ' '):21}{_word(words)}")
    return 0 if identity.verdict.accepted else 1


def _facts(text: str, identity: Identity) -> dict[str, object]:
    return {
        "imei": text,
        "valid": identity.verdict.accepted,
        "reason": identity.verdict.name.lower() if identity.verdict.refused else None,
        "kind": identity.kind,
        "tac": identity.tac,
        "serial": identity.serial,
        "check_digit": identity.check_digit,
        "expected_check_digit": identity.expected_check_digit,
        "svn": identity.svn,
        "reporting_body": identity.body,
        "reporting_body_code": identity.body_code,
        "test": identity.test,
        "sources": list(SOURCES),
    }


def _word(value: object) -> object:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _paths(options: argparse.Namespace) -> int:
    names = imei.paths()
    if options.json:
        print(json.dumps({"paths": list(names), "chosen": names[0]}))
    else:
        print("\n".join(names))
    return 0
