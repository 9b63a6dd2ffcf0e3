"""firmware-sim policy: read a policy critically, compare two, ask what one would decide."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from firmware_sim.errors import UsageError

if TYPE_CHECKING:
    from firmware_sim.server.decision import PlaceEvidence, Verdict
    from firmware_sim.server.policy import Policy
    from firmware_sim_protocol.values import Gnss

DEFAULT_IMEI = "490154203237518"


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of `policy`."""
    words = parser.add_subparsers(dest="policy_command", metavar="WORD", required=True)
    lint = words.add_parser(
        "lint", help="find what looks like a mistake: exit status 0 when nothing does, else 1"
    )
    lint.add_argument("policies", nargs="+", metavar="FILE", help="a file, or the name of a pack")
    lint.add_argument("--json", action="store_true")
    lint.set_defaults(run_policy=_lint)
    diff = words.add_parser(
        "diff",
        help="networks that two policies answer differently: exit status 0 when none, else 1",
    )
    diff.add_argument("old", metavar="OLD")
    diff.add_argument("new", metavar="NEW")
    diff.add_argument("--json", action="store_true")
    diff.set_defaults(run_policy=_diff)
    show = words.add_parser("show", help="what a policy says, or would decide for a phone")
    show.add_argument("policy", metavar="FILE", nargs="?", default="territory-2021")
    show.add_argument("--serving", metavar="PLMN", help="network that the phone is registered on")
    show.add_argument("--sim", metavar="PLMN", help="home network of its SIM")
    show.add_argument("--gnss", metavar="LAT,LON[,METRES]", help="a position fix")
    show.add_argument("--wifi", metavar="CC", help="country that access points announce")
    show.add_argument("--imei", default=DEFAULT_IMEI)
    show.add_argument("--text", action="store_true", help="the policy's own text")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run_policy=_show)
    packs = words.add_parser("list", help="the policies that ship")
    packs.add_argument("--json", action="store_true")
    packs.set_defaults(run_policy=_list)


def run(options: argparse.Namespace) -> int:
    """Run the word after `policy`."""
    status: int = options.run_policy(options)
    return status


def _lint(options: argparse.Namespace) -> int:
    from firmware_sim.server import policyfile, review

    rows = []
    for word in options.policies:
        policy = policyfile.find(word)
        rows += [
            {"policy": word, "key": remark.key, "text": remark.text}
            for remark in review.lint(policy)
        ]
    if options.json:
        print(json.dumps({"remarks": rows}))
    else:
        for row in rows:
            print(f"{row['policy']}: {row['key']} {row['text']}")
    return 1 if rows else 0


def _diff(options: argparse.Namespace) -> int:
    from firmware_sim.server import policyfile, review

    old, new = policyfile.find(options.old), policyfile.find(options.new)
    found = review.compare(old, new)
    settings = [
        {"key": key, "old": before, "new": after}
        for key, before, after in zip(
            ("name", "version", "default", "evidence", "timing", "grace", "first_sim"),
            _settings(old),
            _settings(new),
            strict=True,
        )
        if before != after
    ]
    decided = [setting["key"] for setting in settings if setting["key"] not in ("name", "version")]
    if options.json:
        networks = [
            {"place": row.country, "networks": row.networks, "old": row.old, "new": row.new}
            for row in found
        ]
        print(json.dumps({"settings": settings, "networks": networks}))
    else:
        for setting in settings:
            print(f"{setting['key']}: {setting['old']} -> {setting['new']}")
        for row in found:
            some = " ".join(row.networks[:6]) + (" ..." if len(row.networks) > 6 else "")
            print(f"{row.country}: {row.old} -> {row.new}  ({len(row.networks)}: {some})")
    return 1 if found or decided else 0


def _settings(policy: Policy) -> tuple[str, ...]:
    from dataclasses import asdict

    def plain(value: object) -> str:
        # `value` is one of the policy's dataclasses; their common type cannot be written.
        rows = asdict(value) if value is not None else {}  # type: ignore[call-overload]
        return ", ".join(f"{key}={_word(item)}" for key, item in rows.items()) or "none"

    return (
        policy.name,
        str(policy.version),
        policy.default.value,
        plain(policy.evidence),
        plain(policy.timing),
        plain(policy.grace),
        plain(policy.first_sim),
    )


def _word(item: object) -> str:
    if isinstance(item, tuple):
        return "+".join(_word(part) for part in item)
    return str(getattr(item, "value", item))


def _show(options: argparse.Namespace) -> int:
    from firmware_sim.server import policyfile
    from firmware_sim.server.decision import decide

    if options.text:
        print(_own_text(options.policy), end="")
        return 0
    policy = policyfile.find(options.policy)
    evidence = _evidence(options)
    if evidence is None:
        _summary(policy, options.json)
        return 0
    verdict = decide(evidence, (options.imei,), policy)
    _verdict(verdict, options.json)
    return 0


def _own_text(word: str) -> str:
    from pathlib import Path

    from firmware_sim.server import policyfile

    if word in policyfile.packs() and not Path(word).exists():
        return policyfile.pack_text(word)
    policyfile.find(word)
    return Path(word).read_text(encoding="utf-8")


def _evidence(options: argparse.Namespace) -> PlaceEvidence | None:
    from firmware_sim.server.decision import PlaceEvidence
    from firmware_sim_native import imei

    for name in ("serving", "sim"):
        digits = getattr(options, name)
        good = digits is None or (digits.isascii() and digits.isdigit() and len(digits) in (5, 6))
        if not good:
            raise UsageError(name, f"PLMN {digits!r} is not MCC and MNC, 5 or 6 digits")
    if options.wifi is not None and not (
        options.wifi.isascii() and options.wifi.isupper() and len(options.wifi) == 2
    ):
        raise UsageError("wifi", f"{options.wifi!r} is not two capital letters")
    if not imei.is_valid(options.imei):
        raise UsageError("imei", f"{options.imei!r} is not 15 digits with a right check digit")
    if not (options.serving or options.sim or options.gnss or options.wifi):
        return None
    return PlaceEvidence(
        serving=options.serving,
        sim=options.sim,
        gnss=_fix(options.gnss) if options.gnss else None,
        wifi_country=options.wifi,
    )


def _fix(text: str) -> Gnss:
    from firmware_sim_protocol.values import Gnss

    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 2:
        numbers.append(10)
    good = len(numbers) == 3 and abs(numbers[0]) <= 90 and abs(numbers[1]) <= 180
    if not good or not 0 <= numbers[2] < 2**32 - 1:
        raise UsageError("gnss", f"{text!r} is not latitude,longitude[,accuracy in metres]")
    return Gnss(
        latitude_e7=round(numbers[0] * 1e7),
        longitude_e7=round(numbers[1] * 1e7),
        accuracy_m=round(numbers[2]),
        age_s=0,
    )


def _verdict(verdict: Verdict, as_json: bool) -> None:
    row = {
        "decision": verdict.decision.name,
        "reason": verdict.reason.name,
        "rule": verdict.rule,
        "country": verdict.country,
        "subdivision": verdict.subdivision,
        "retry_after_s": verdict.retry_after_s,
        "recheck_after_s": verdict.recheck_after_s,
        "lock_notice_s": verdict.lock_notice_s,
    }
    if as_json:
        print(json.dumps(row))
        return
    for key, value in row.items():
        if value is not None:
            print(f"{key:16} {value}")


def _summary(policy: Policy, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "country": territory.country,
                "subdivisions": territory.subdivisions,
                "name": territory.name,
                "action": territory.action.value,
                "uncertain": territory.uncertain.value,
                "source": territory.source,
            }
            for territory in policy.territories
        ]
        head = {"name": policy.name, "version": policy.version, "as_of": policy.as_of}
        print(json.dumps({**head, "default": policy.default.value, "territories": rows}))
        return
    dated = f", as of {policy.as_of}" if policy.as_of else ""
    print(f"{policy.name}, version {policy.version}{dated}: {policy.title}")
    for territory in policy.territories:
        codes = " ".join(territory.subdivisions) or territory.country
        print(f"  {territory.action.value:8} {codes:12} {territory.name:14} {territory.source}")
    for listing in policy.listings:
        print(f"  {listing.decision.name:24} list {listing.name}")
    if policy.first_sim is not None:
        print(f"  first SIM from {' '.join(policy.first_sim.countries)}")
    if policy.grace is not None:
        kind = "warned" if policy.grace.warn else "not warned"
        print(f"  locks after {policy.grace.lock_after_s} s ({kind})")
    print(f"  {policy.default.value:8} elsewhere; pending where the place is unknown")


def _list(options: argparse.Namespace) -> int:
    from firmware_sim.server import policyfile

    rows = {name: policyfile.pack(name).title for name in policyfile.packs()}
    if options.json:
        print(json.dumps(rows))
    else:
        for name, title in rows.items():
            print(f"{name:20} {title}")
    return 0
