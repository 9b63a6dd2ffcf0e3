"""The table of PLMNs as a text file: read, checked line by line, and laid out for the core.

One file format serves three ends: the table that ships (plmn.tsv, from which
tools/plmn_tables makes the C table), an update out of tree (`--plmn-table FILE`), and the
names that do not fit on a phone. Fields are separated by tabs, `#` starts a comment line:

    table   DATE  SOURCES               one line, the first
    mcc     368   country  CU  2        MCC, kind, countries (`;` between), MNC length
    plmn    368 01  -  -  current  ITU-OB1280  CUBACEL

A plmn line holds MCC, MNC (digits, leading zeros count), countries and subdivisions where
they differ from those of the MCC (`-` where not), `current` or `withdrawn`, its sources,
and its name. MNC length is 2, 3, mixed or unknown.

Source: the layout is ours; the codes are those of ITU-T E.212, ISO 3166-1 and ISO 3166-2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

KINDS = ("unknown", "country", "shared", "international", "test", "private")
"""The words of `enum fsim_plmn_kind`, at their numbers."""
LENGTHS = {"unknown": 0, "mixed": 1, "2": 2, "3": 3}
WITHDRAWN, EXCEPTION, PRIMARY = 0x8000, 0x4000, 0x2000
"""The flags of `networks`, as in fsim_core.h."""
FORMAT = "firmware-sim PLMN table"


class TableError(ValueError):
    """A table that cannot be used: the text names the line and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class MccRow:
    """One mobile country code: `kind` is a word of KINDS, `length` a key of LENGTHS."""

    mcc: str
    kind: str
    countries: tuple[str, ...]
    length: str


@dataclass(frozen=True, slots=True)
class PlmnRow:
    """One network. Empty `countries` means those of its MCC."""

    mcc: str
    mnc: str
    countries: tuple[str, ...]
    subdivisions: tuple[str, ...]
    withdrawn: bool
    sources: str
    name: str

    @property
    def key(self) -> int:
        """What `networks` of the C table holds: the MNC, and 1000 more for three digits."""
        return int(self.mnc) + (1000 if len(self.mnc) == 3 else 0)


@dataclass(frozen=True, slots=True)
class Table:
    """A whole table, both lists sorted by their keys."""

    date: str
    sources: str
    mccs: tuple[MccRow, ...]
    plmns: tuple[PlmnRow, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The arrays of `struct fsim_plmn_table`."""

    mccs: list[tuple[int, int, int]]
    networks: list[int]
    exceptions: list[tuple[int, int, int]]
    countries: list[str]
    subdivisions: list[str]


def read(text: str) -> Table:
    """The table of a file's text.

    Raises:
        TableError: the line and the field that are wrong.
    """
    date = sources = ""
    mccs: dict[str, MccRow] = {}
    plmns: dict[tuple[str, str], PlmnRow] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line or line.startswith("#"):
            continue
        fields = line.split("\t")
        try:
            if fields[0] == "table":
                _, date, sources = _exactly(fields, 3)
            elif fields[0] == "mcc":
                mcc = _mcc(fields)
                if mccs.setdefault(mcc.mcc, mcc) is not mcc:
                    raise TableError(f"MCC {mcc.mcc} is listed twice")
            elif fields[0] == "plmn":
                plmn = _plmn(fields)
                if plmn.mcc not in mccs:
                    raise TableError(f"no mcc line for {plmn.mcc} before it")
                if plmns.setdefault((plmn.mcc, plmn.mnc), plmn) is not plmn:
                    raise TableError(f"{plmn.mcc}-{plmn.mnc} is listed twice")
            else:
                raise TableError(f"a line starts with table, mcc or plmn, not {fields[0][:20]!r}")
        except TableError as error:
            raise TableError(f"line {number}: {error}") from None
    if not date or not mccs:
        raise TableError("no table line and no mcc line: not a PLMN table")
    table = Table(
        date,
        sources,
        tuple(mccs[key] for key in sorted(mccs)),
        tuple(sorted(plmns.values(), key=lambda row: (row.mcc, row.key))),
    )
    layout(table)
    return table


def write(table: Table) -> str:
    """The text of a table; `read` gives the same table back."""
    lines = [f"table\t{table.date}\t{table.sources}"]
    for mcc in table.mccs:
        lines.append(f"mcc\t{mcc.mcc}\t{mcc.kind}\t{_joined(mcc.countries)}\t{mcc.length}")
    for row in table.plmns:
        state = "withdrawn" if row.withdrawn else "current"
        lines.append(
            f"plmn\t{row.mcc} {row.mnc}\t{_joined(row.countries)}\t{_joined(row.subdivisions)}"
            f"\t{state}\t{row.sources}\t{row.name}"
        )
    return "\n".join(lines) + "\n"


def layout(table: Table) -> Layout:
    """The table as the C core wants it.

    Raises:
        TableError: more rows or countries than the C types can count.
    """
    places = _Places()
    mccs: list[tuple[int, int, int]] = []
    networks: list[int] = []
    exceptions: list[tuple[int, int, int]] = []
    subdivisions: list[tuple[str, ...]] = []
    by_mcc: dict[str, list[PlmnRow]] = {}
    for row in table.plmns:
        by_mcc.setdefault(row.mcc, []).append(row)
    for mcc in table.mccs:
        key = int(mcc.mcc) | KINDS.index(mcc.kind) << 10 | LENGTHS[mcc.length] << 13
        mccs.append((key, len(networks), places.of(mcc.countries)))
        for row in by_mcc.get(mcc.mcc, ()):
            flags = WITHDRAWN if row.withdrawn else 0
            if row.countries == mcc.countries[:1] and row.countries and not row.subdivisions:
                flags |= PRIMARY
            elif row.countries or row.subdivisions:
                flags |= EXCEPTION
                if row.subdivisions not in subdivisions:
                    subdivisions.append(row.subdivisions)
                exceptions.append(
                    (
                        len(networks),
                        places.of(row.countries or mcc.countries),
                        subdivisions.index(row.subdivisions),
                    )
                )
            networks.append(row.key | flags)
    flat, where = _flat(subdivisions)
    if len(networks) >= 0xFFFF or len(flat) > 15 or len(places.flat) > 0xFFF:
        raise TableError("more networks, countries or subdivisions than the core can count")
    return Layout(
        mccs,
        networks,
        [(row, place, where[index]) for row, place, index in exceptions],
        places.flat,
        flat,
    )


class _Places:
    """Countries in one array; a place is `first << 4 | count`, runs are shared where possible."""

    def __init__(self) -> None:
        self.flat: list[str] = []
        self._seen: dict[tuple[str, ...], int] = {(): 0}

    def of(self, countries: tuple[str, ...]) -> int:
        if countries not in self._seen:
            self._seen[countries] = len(self.flat) << 4 | len(countries)
            self.flat += countries
        return self._seen[countries]


def _flat(runs: Iterable[tuple[str, ...]]) -> tuple[list[str], list[int]]:
    flat: list[str] = []
    where: list[int] = []
    for run in runs:
        where.append((len(flat) << 4 | len(run)) if run else 0)
        flat += run
    return flat, where


def _mcc(fields: list[str]) -> MccRow:
    _, mcc, kind, countries, length = _exactly(fields, 5)
    if not re.fullmatch(r"[0-9]{3}", mcc):
        raise TableError(f"an MCC has three digits, not {mcc!r}")
    if kind not in KINDS[1:]:
        raise TableError(f"kind {kind!r} is none of {', '.join(KINDS[1:])}")
    if length not in LENGTHS:
        raise TableError(f"MNC length {length!r} is none of {', '.join(LENGTHS)}")
    row = MccRow(mcc, kind, _codes(countries, r"[A-Z]{2}", "country"), length)
    wanted = {"country": len(row.countries) == 1, "shared": len(row.countries) > 1}
    if not wanted.get(kind, not row.countries):
        raise TableError(f"kind {kind} does not go with {len(row.countries)} countries")
    return row


def _plmn(fields: list[str]) -> PlmnRow:
    _, code, countries, subdivisions, state, sources, name = _exactly(fields, 7)
    match = re.fullmatch(r"([0-9]{3}) ([0-9]{2,3})", code)
    if not match:
        raise TableError(f"a PLMN is three digits, a space, and two or three, not {code!r}")
    if state not in ("current", "withdrawn"):
        raise TableError(f"a PLMN is current or withdrawn, not {state!r}")
    return PlmnRow(
        match[1],
        match[2],
        _codes(countries, r"[A-Z]{2}", "country"),
        _codes(subdivisions, r"[A-Z]{2}-[A-Z0-9]{2}", "subdivision"),
        state == "withdrawn",
        sources,
        name,
    )


def _codes(text: str, form: str, what: str) -> tuple[str, ...]:
    if text == "-":
        return ()
    codes = tuple(text.split(";"))
    for code in codes:
        if not re.fullmatch(form, code):
            raise TableError(f"{code!r} is no {what} code")
    if len(codes) > 15 or len(set(codes)) < len(codes):
        raise TableError(f"a {what} named twice, or more than 15")
    return codes


def _exactly(fields: list[str], count: int) -> list[str]:
    if len(fields) != count:
        raise TableError(f"a {fields[0]} line has {count} fields, this one has {len(fields)}")
    return fields


def _joined(codes: tuple[str, ...]) -> str:
    return ";".join(codes) or "-"
