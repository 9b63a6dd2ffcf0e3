"""Reading a policy critically: what it will do that its author may not have meant.

`lint` finds rules that cannot act and habits that end badly; `compare` finds every network of
the numbering plan whose phones would be answered differently by another policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from firmware_sim.server import geography
from firmware_sim.server.decision import PlaceEvidence, Verdict, decide
from firmware_sim.server.imeilist import ImeiFile
from firmware_sim.server.policy import Action, Policy, Source, Territory
from firmware_sim_native import plmn
from firmware_sim_protocol.numbers import Decision

NOBODY = "490154203237518"
"""An IMEI that no list is expected to hold: reviews are about places."""
SHORTEST_RECHECK_S = 60


@dataclass(frozen=True, slots=True)
class Remark:
    """One finding: the key that it is about, and what is wrong."""

    key: str
    text: str


def lint(policy: Policy) -> list[Remark]:
    """Everything that looks like a mistake, though it is a valid policy."""
    return [
        *_territories(policy),
        *_listings(policy),
        *_timing(policy),
        *_texts(policy),
    ]


def _territories(policy: Policy) -> Iterator[Remark]:
    countries = _countries()
    seen: list[Territory] = []
    for number, territory in enumerate(policy.territories, 1):
        key = f"territory[{number}]"
        if territory.country not in countries:
            yield Remark(f"{key}.country", f"{territory.country} has no MCC of its own or shared")
        for other in seen:
            whole = not other.subdivisions or set(territory.subdivisions) <= set(other.subdivisions)
            if other.country == territory.country and whole:
                yield Remark(key, f"never reached: {other.label} comes first")
                break
        seen.append(territory)
        if territory.subdivisions and not _decidable(territory, policy):
            yield Remark(f"{key}.subdivisions", "no evidence that is in use can tell this place")
        if territory.areas and Source.CELL not in policy.evidence.order:
            yield Remark(f"{key}.areas", 'no effect: [evidence] order lacks "cell"')
        if territory.uncertain is Action.LOCK:
            yield Remark(f"{key}.uncertain", "locks phones that may be somewhere else")
        if "todo" in territory.source.lower():
            yield Remark(f"{key}.source", "is not filled in")
    rules = policy.territories or policy.listings or policy.first_sim
    if not rules and policy.default is Action.ACTIVATE:
        yield Remark("policy", "activates every phone whose place is known")
    if policy.default is not Action.ACTIVATE:
        allowing = [row for row in policy.territories if row.action is Action.ACTIVATE]
        if not allowing:
            yield Remark("policy.default", "no territory is allowed, so no phone is activated")


def _decidable(territory: Territory, policy: Policy) -> bool:
    order = policy.evidence.order
    if Source.GNSS in order and geography.CODES & set(territory.subdivisions):
        return True
    if Source.CELL in order and territory.areas:
        return True
    return Source.SERVING in order and any(
        set(facts.subdivisions) & set(territory.subdivisions) for _, facts in _networks()
    )


def _listings(policy: Policy) -> Iterator[Remark]:
    for number, listing in enumerate(policy.listings, 1):
        numbers = listing.imeis
        line = numbers.disorder() if isinstance(numbers, ImeiFile) else None
        if line is not None:
            yield Remark(f"list[{number}].file", f"line {line} is out of order: not found")


def _timing(policy: Policy) -> Iterator[Remark]:
    timing = policy.timing
    for name in ("recheck_after_s", "locked_recheck_after_s"):
        seconds: int = getattr(timing, name)
        if seconds < SHORTEST_RECHECK_S:
            yield Remark(f"timing.{name}", f"every phone calls every {seconds} s")


def _texts(policy: Policy) -> Iterator[Remark]:
    if policy.texts and "en" not in policy.texts:
        yield Remark("text", "there is no English text for other languages to fall back on")
    english = set(policy.texts.get("en", ()))
    for locale, words in policy.texts.items():
        if missing := english - set(words):
            yield Remark(f"text.{locale}", f"lacks {', '.join(sorted(missing))}")


@dataclass(frozen=True, slots=True)
class Difference:
    """Networks of one MCC that the two policies answer differently."""

    country: str
    networks: tuple[str, ...]
    old: str
    new: str


def compare(old: Policy, new: Policy) -> list[Difference]:
    """What changes for phones, network by network, gathered by country and outcome."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for digits, facts in _networks():
        evidence = PlaceEvidence(serving=digits)
        before, after = (_outcome(decide(evidence, (NOBODY,), one)) for one in (old, new))
        if before != after:
            place = facts.subdivision or facts.country or "/".join(facts.countries) or "unknown"
            found.setdefault((place, before, after), []).append(digits)
    return [
        Difference(country, tuple(networks), before, after)
        for (country, before, after), networks in sorted(found.items())
    ]


def _outcome(verdict: Verdict) -> str:
    if verdict.notice_since_s is not None and verdict.decision is Decision.ACTIVATE:
        return "ACTIVATE, then lock"
    return verdict.decision.name


def _networks() -> Iterator[tuple[str, plmn.PlmnFacts]]:
    """Every listed network, and for each MCC one that no list knows: the MCC decides alone."""
    table = plmn.default_table()
    listed = {row.mcc + row.mnc for row in table.rows}
    for digits in sorted(listed):
        yield digits, table.lookup(digits)
    for row in table.mccs:
        stranger = next(row.mcc + mnc for mnc in ("99", "98", "999") if row.mcc + mnc not in listed)
        yield stranger, table.lookup(stranger)


def _countries() -> frozenset[str]:
    table = plmn.default_table()
    return frozenset(code for row in table.mccs for code in row.countries)
