"""Merges the source lists into one table by the rules below, and refuses what no rule covers.

The lists: mcc_country.csv (MCC to countries, with the sources that agree or conflict),
mcc_mnc_length.csv (2 or 3 digits), plmn.csv (networks). The ITU is the base; AOSP and
mobile-broadband-provider-info corroborate; the rest only checks.
"""

from __future__ import annotations

import csv
import enum
from dataclasses import dataclass
from pathlib import Path

from firmware_sim_native.plmn_file import MccRow, PlmnRow, Table, TableError, layout

DATE = "2024-07"
SOURCES = (
    "ITU-T E.212 lists, Operational Bulletins 1117 (MCC) and 1280 (MNC) with amendments to "
    "1295 of July 2024; additions after it as seen through mcc-mnc-p1 1.1.0; unlisted networks "
    "from Wikipedia-derived lists (python-stdnum 2.2, npm mcc-mnc-list), corroborated by AOSP "
    "and mobile-broadband-provider-info"
)
FILES = ("mcc_country.csv", "mcc_mnc_length.csv", "plmn.csv")


class Rule(enum.Enum):
    """What decides where the lists do not say one plain thing. The text is the rule."""

    BASE = "the judged list of countries of an MCC stands; a conflicting source is only reported"
    ALSO_USED = "use of an MCC in another country outside its allocation is not a possible country"
    TERRITORY = "a network's own countries stand when they are among those of its MCC"
    EXTRATERRITORIAL = "a network's countries may add those noted as also using the MCC"
    RECOGNISED = "an unapproved network belongs to the recognised territory, not to the MCC's"
    TRIAL = "trial MCCs count as international: no country"
    UNOFFICIAL = "an MCC that is in use without an ITU assignment keeps its country"
    FORMER = "an MCC no longer listed by the ITU keeps its country"
    HISTORY = "withdrawn networks stay as history and decide nothing"
    UNLISTED_LENGTH = "the MNC length of the ITU stands; an unlisted network may have another"


class Contradiction(Exception):
    """The lists contradict each other and no rule covers it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One case that a rule decided."""

    rule: Rule
    code: str
    detail: str


_MCC_KINDS = {
    "country": ("country", None),
    "shared": ("shared", None),
    "international": ("international", None),
    "trial": ("international", Rule.TRIAL),
    "test": ("test", None),
    "private": ("private", None),
    "unofficial": ("country", Rule.UNOFFICIAL),
    "withdrawn": ("country", Rule.FORMER),
}
# status of plmn.csv -> kinds of MCC under which it makes sense
_ASSIGNED = frozenset({"country", "shared"})
_STATUS_UNDER = {
    "itu-assigned": _ASSIGNED,
    "itu-added-after-OB1295": _ASSIGNED,
    "itu-withdrawn-after-OB1295": _ASSIGNED,
    "itu-withdrawn": _ASSIGNED,
    "unlisted-operational": _ASSIGNED,
    "unlisted-inactive": _ASSIGNED,
    "unapproved-crimea": _ASSIGNED,
    "unapproved-occupied": _ASSIGNED,
    "international": frozenset({"international"}),
    "international-withdrawn": frozenset({"international"}),
    "test": frozenset({"test"}),
    "private": frozenset({"private"}),
}


def merge(folder: Path) -> tuple[Table, list[Decision]]:
    """The table and what the rules decided.

    Raises:
        Contradiction: lists that contradict each other; the text names the row.
        OSError: a list that cannot be read.
    """
    countries, lengths, networks = (_rows(folder / name) for name in FILES)
    decisions: list[Decision] = []
    length_of = {row["mcc"]: row["mnc_length"] or "unknown" for row in lengths}
    notes = {row["mcc"]: row for row in countries}
    mccs = [_mcc(row, length_of, decisions) for row in countries]
    by_mcc = {row.mcc: row for row in mccs}
    _once([row.mcc for row in mccs], "MCC")
    if set(length_of) != set(by_mcc):
        odd = sorted(set(length_of) ^ set(by_mcc))
        raise Contradiction(f"MCC {', '.join(odd)}: in one of the MCC lists only")
    plmns = []
    for row in networks:
        if row["mcc"] not in by_mcc:
            raise Contradiction(f"{row['mcc']}-{row['mnc']}: its MCC is in no MCC list")
        also = _split(notes[row["mcc"]]["also_used_in_iso"])
        plmns.append(_plmn(row, by_mcc[row["mcc"]], also, decisions))
    _once([f"{row.mcc}-{row.mnc}" for row in plmns], "network")
    table = Table(
        DATE,
        SOURCES,
        tuple(sorted(mccs, key=lambda row: row.mcc)),
        tuple(sorted(plmns, key=lambda row: (row.mcc, row.key))),
    )
    try:
        layout(table)
    except TableError as error:
        raise Contradiction(str(error)) from error
    return table, decisions


def _mcc(row: dict[str, str], length_of: dict[str, str], decisions: list[Decision]) -> MccRow:
    mcc, listed = row["mcc"], _split(row["iso"])
    if row["kind"] not in _MCC_KINDS:
        raise Contradiction(f"MCC {mcc}: no rule for kind {row['kind']!r}")
    kind, rule = _MCC_KINDS[row["kind"]]
    if rule:
        decisions.append(Decision(rule, mcc, f"{row['kind']}: {row['note']}"))
    if row["sources_conflict"]:
        decisions.append(Decision(Rule.BASE, mcc, f"{row['iso']}; {row['sources_conflict']}"))
    if row["also_used_in_iso"]:
        decisions.append(Decision(Rule.ALSO_USED, mcc, row["also_used_in_iso"]))
    primary = row["primary_iso"]
    if (primary or listed) and primary not in listed:
        raise Contradiction(f"MCC {mcc}: its first country {primary!r} is not among {row['iso']}")
    if {"country": len(listed) != 1, "shared": len(listed) < 2}.get(kind, bool(listed)):
        raise Contradiction(f"MCC {mcc}: kind {row['kind']} does not go with {row['iso']!r}")
    ordered = (primary, *(code for code in listed if code != primary)) if listed else ()
    return MccRow(mcc, kind, ordered, length_of.get(mcc, "unknown"))


def _plmn(
    row: dict[str, str], mcc: MccRow, also: tuple[str, ...], decisions: list[Decision]
) -> PlmnRow:
    code, status = f"{row['mcc']}-{row['mnc']}", row["status"]
    if mcc.kind not in _STATUS_UNDER.get(status, frozenset()):
        raise Contradiction(f"{code}: no rule for status {status!r} under a {mcc.kind} MCC")
    places = _split(row["iso"])
    subdivisions = _split(row["geo_subdivision"])
    own = set(places) - set(mcc.countries)
    if status.startswith("unapproved-"):
        decisions.append(Decision(Rule.RECOGNISED, code, f"{row['iso']}: {row['note']}"))
    elif own and own <= set(also):
        decisions.append(Decision(Rule.EXTRATERRITORIAL, code, row["iso"]))
    elif own:
        raise Contradiction(f"{code}: {row['iso']} is not among the countries of its MCC")
    elif places and places != mcc.countries:
        decisions.append(Decision(Rule.TERRITORY, code, row["iso"]))
    if bool(places) != bool(mcc.countries):
        raise Contradiction(f"{code}: a country where the MCC has none, or none where it has one")
    for subdivision in subdivisions:
        if subdivision.partition("-")[0] not in places:
            raise Contradiction(f"{code}: {subdivision} is no part of {row['iso']}")
    if mcc.length not in ("mixed", "unknown", str(len(row["mnc"]))):
        if not status.startswith("unlisted-"):
            raise Contradiction(f"{code}: MNCs of this MCC have {mcc.length} digits")
        decisions.append(Decision(Rule.UNLISTED_LENGTH, code, f"MCC has {mcc.length}"))
    withdrawn = "withdrawn" in status
    if withdrawn:
        decisions.append(Decision(Rule.HISTORY, code, status))
    if "\t" in row["name"] or "\n" in row["name"]:
        raise Contradiction(f"{code}: a tab or line break in its name")
    return PlmnRow(
        row["mcc"],
        row["mnc"],
        () if places == mcc.countries and not subdivisions else places,
        subdivisions,
        withdrawn,
        f"{status}: {row['sources']}",
        row["name"],
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _split(text: str) -> tuple[str, ...]:
    return tuple(code for code in text.split(";") if code)


def _once(codes: list[str], what: str) -> None:
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise Contradiction(f"{what} {', '.join(twice)}: listed twice")
