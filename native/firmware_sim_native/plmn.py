"""PLMN: three bytes of BCD and back, and what the numbering plan says of one.

A PLMN is a str of 5 or 6 digits: MCC (3) and MNC (2 or 3). Leading zeros and the number of
digits count: 405-12 and 405-012 are two networks.
Source: 3GPP TS 24.008, 10.5.1.13; ITU-T E.212.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from firmware_sim_native import plmn_file
from firmware_sim_native._core import ffi, lib
from firmware_sim_native._single import plmn_builder, plmn_lookup
from firmware_sim_native.plmn_file import TableError as TableError


class PlmnKind(enum.Enum):
    """What an MCC stands for; the number is that of `enum fsim_plmn_kind`."""

    UNKNOWN = 0
    """No such MCC in the table."""
    COUNTRY = 1
    """One country."""
    SHARED = 2
    """One of several countries."""
    INTERNATIONAL = 3
    """901, 902, 991: no country."""
    TEST = 4
    """001: no country."""
    PRIVATE = 5
    """999: no country."""


@dataclass(frozen=True, slots=True)
class PlmnFacts:
    """What is known of a PLMN, or of an MCC alone.

    `countries` are all that may be meant (ISO 3166-1 alpha-2, the one the MCC was allocated
    to first); `country` is the one to name: the only one, or the first of a listed network,
    None when the network is not listed and several are possible. `subdivisions` (ISO 3166-2)
    are where an unapproved network operates, `subdivision` the first of them. `mnc_length`
    is 2 or 3, None when the MCC has both or none. `known`: this very network is listed and
    not withdrawn. `name` and `sources` are empty when it is not listed at all.
    """

    kind: PlmnKind
    country: str | None
    countries: tuple[str, ...]
    subdivision: str | None
    mnc_length: int | None
    known: bool
    name: str = ""
    subdivisions: tuple[str, ...] = ()
    sources: str = ""


def pack(digits: str) -> bytes:
    """5 or 6 digits as the 3 bytes of TS 24.008, 10.5.1.13.

    Raises:
        ValueError: not 5 or 6 ASCII digits.
    """
    text = digits.encode("ascii", "replace")
    packed = ffi.new("uint8_t[3]")
    if lib.fsim_plmn_pack(text, len(text), packed) != 0:
        raise ValueError("a PLMN is 5 or 6 decimal digits")
    return bytes(packed)


def unpack(b3: bytes) -> str:
    """3 bytes of TS 24.008, 10.5.1.13 as 5 or 6 digits.

    Raises:
        ValueError: not 3 bytes, or a nibble that is neither a digit nor the filler F of a
            two-digit MNC.
    """
    digits = ffi.new("uint8_t[6]")
    count = lib.fsim_plmn_unpack(bytes(b3), digits) if len(b3) == 3 else -1
    if count < 0:
        raise ValueError("a packed PLMN is 3 bytes of decimal nibbles")
    return bytes(digits)[:count].decode("ascii")


class PlmnTable:
    """A table of networks, laid out for the core: the one that ships, or an update."""

    def __init__(self, text: str, built_in: Any = None) -> None:
        """Lay out the table of a file's text; `built_in` is the same one, laid out in C.

        Raises:
            TableError: the line and the field that are wrong.
        """
        if built_in:
            self._struct, self._alive = built_in, ()
        else:
            self.table = plmn_file.read(text)
            self._struct, self._alive = _lay_out(self.table)
            text = plmn_file.write(self.table)
        # As written, the lines of the networks stand in the order of the core's rows. Taking
        # one apart when it is asked for spares a start the reading of all.
        lines = text.splitlines()
        _, self.date, self.sources = lines[0].split("\t")
        self._networks = lines[1 + self._struct.mcc_count :]
        self._text = text
        self._facts: dict[tuple[int, int], PlmnFacts] = {}

    @cached_property
    def table(self) -> plmn_file.Table:
        """All of its rows."""
        return plmn_file.read(self._text)

    @property
    def mccs(self) -> tuple[plmn_file.MccRow, ...]:
        """The rows of the country codes, in their order."""
        return self.table.mccs

    @property
    def rows(self) -> tuple[plmn_file.PlmnRow, ...]:
        """The rows of the networks, in their order."""
        return self.table.plmns

    @classmethod
    def load(cls, path: Path) -> PlmnTable:
        """Read an update out of tree, in the form of plmn.tsv.

        Raises:
            TableError: the file cannot be read, or the line that is wrong.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TableError(
                f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}"
            ) from error
        try:
            return cls(text)
        except TableError as error:
            raise TableError(f"{path}: {error}") from error

    def lookup(self, digits: str) -> PlmnFacts:
        """What the table says of a PLMN of 5 or 6 digits, or of an MCC of 3.

        Raises:
            ValueError: another number of digits, or a character that is no ASCII digit.
        """
        text = digits.encode("ascii", "replace")
        found = ffi.new("struct fsim_plmn_facts *")
        if lib.fsim_plmn_lookup(self._struct, text, len(text), found) != 0:
            raise ValueError("a PLMN is 5 or 6 decimal digits, an MCC 3")
        key = (found.mcc_row, found.row)
        facts = self._facts.get(key)
        if facts is None:
            facts = self._facts[key] = self._read(found)
        return facts

    def _read(self, found: Any) -> PlmnFacts:
        row = self._networks[found.row].split("\t") if found.row != 0xFFFF else None
        countries = _codes(self._struct.countries, found.country, found.country_count)
        subdivisions = _codes(self._struct.subdivisions, found.subdivision, found.subdivision_count)
        sure = len(countries) == 1 or (found.known and countries)
        return PlmnFacts(
            kind=PlmnKind(found.kind),
            country=countries[0] if sure else None,
            countries=countries,
            subdivision=subdivisions[0] if subdivisions else None,
            mnc_length=found.mnc_length or None,
            known=bool(found.known),
            name=row[6] if row else "",
            subdivisions=subdivisions,
            sources=row[5] if row else "",
        )


@cache
def default_table() -> PlmnTable:
    """The table that ships: its rows from plmn.tsv, its lookup in the arrays of the core."""
    text = resources.files("firmware_sim_native").joinpath("plmn.tsv").read_text("utf-8")
    return PlmnTable(text, lib.fsim_plmn_shipped())


def _build(digits: str) -> PlmnFacts:
    return default_table().lookup(digits)


# All PLMNs of one place in the table share their facts, which `lookup` asks for once.
plmn_builder(_build)
lookup = plmn_lookup
"""What the table that ships says of a PLMN of 5 or 6 digits, or of an MCC of 3.

Raises ValueError for another number of digits, or a character that is no ASCII digit.
"""


def _codes(array: Any, first: int, count: int) -> tuple[str, ...]:
    return tuple(bytes(ffi.buffer(array[i])).decode("ascii") for i in range(first, first + count))


def _lay_out(table: plmn_file.Table) -> tuple[Any, tuple[Any, ...]]:
    arrays = plmn_file.layout(table)
    parts = (
        ffi.new("struct fsim_plmn_mcc[]", arrays.mccs),
        ffi.new("uint16_t[]", arrays.networks),
        ffi.new("struct fsim_plmn_exception[]", arrays.exceptions),
        ffi.new("char[][2]", [code.encode() for code in arrays.countries]),
        ffi.new("char[][5]", [code.encode() for code in arrays.subdivisions]),
    )
    struct = ffi.new("struct fsim_plmn_table *", [*parts, *(len(part) for part in parts)])
    return struct, parts
