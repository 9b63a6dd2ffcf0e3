"""The numbering plan: every disputed case of the source lists, and the lookup against a model."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from firmware_sim_native import plmn, plmn_file
from firmware_sim_native._core import lib
from firmware_sim_native.plmn import PlmnKind

TSV = Path(plmn.__file__).with_name("plmn.tsv")


@pytest.mark.parametrize(
    ("digits", "country"),
    [
        ("36801", "CU"),
        ("36877", "CU"),
        ("41750", "SY"),
        ("41701", "SY"),
        ("43221", "IR"),
        ("46705", "KP"),
        ("467193", "KP"),
        ("45005", "KR"),
        ("63499", "SD"),
        ("63409", "SD"),
        ("65912", "SS"),
        ("25001", "RU"),
        ("25501", "UA"),
        ("25500", "MD"),
        ("26201", "DE"),
        ("310410", "US"),
        ("310260", "US"),
        ("42301", "PS"),
        ("42505", "PS"),
        ("42506", "PS"),
        ("46601", "TW"),
        ("45400", "HK"),
        ("45501", "MO"),
        ("33000", "PR"),
        ("35002", "BM"),
        ("338050", "JM"),
        ("37699", "TC"),
        ("20801", "FR"),
        ("64799", None),
        ("75001", "FK"),
        ("60401", "MA"),
        ("22101", "XK"),
        ("28967", "GE"),
        ("99501", "IO"),
        ("53499", "MP"),
        ("53599", "GU"),
        ("311780", "AS"),
        ("313790", "PR"),
        ("310140", "GU"),
        ("23436", "IM"),
        ("23403", "JE"),
        ("23455", "GG"),
        ("23433", "GB"),
        ("23499", None),
        ("24414", "AX"),
        ("36251", "SX"),
        ("50510", "NF"),
        ("64701", "YT"),
        ("34020", "GP"),
    ],
)
def test_the_country_of_a_network(digits: str, country: str | None) -> None:
    assert plmn.lookup(digits).country == country


@pytest.mark.parametrize(
    ("digits", "subdivisions"),
    [
        ("25032", ("UA-43", "UA-40")),
        ("25033", ("UA-40",)),
        ("25034", ("UA-43", "UA-40")),
        ("25054", ("UA-43", "UA-40")),
        ("25060", ("UA-43", "UA-40")),
        ("25061", ("UA-43", "UA-40")),
    ],
)
def test_networks_in_crimea_belong_to_ukraine_and_to_its_subdivision(
    digits: str, subdivisions: tuple[str, ...]
) -> None:
    facts = plmn.lookup(digits)
    assert (facts.country, facts.subdivisions) == ("UA", subdivisions)
    assert facts.subdivision == subdivisions[0]


@pytest.mark.parametrize("digits", ["25096", "25097", "25098", "25598", "25599"])
def test_other_occupied_areas_are_ukraine_but_not_crimea(digits: str) -> None:
    facts = plmn.lookup(digits)
    assert (facts.country, facts.subdivision, facts.known) == ("UA", None, True)


@pytest.mark.parametrize("digits", ["250032", "25055", "250600", "250"])
def test_the_rest_of_250_is_russia(digits: str) -> None:
    assert plmn.lookup(digits).country == "RU"
    assert plmn.lookup(digits).countries == ("RU",)


@pytest.mark.parametrize(
    ("digits", "kind"),
    [
        ("00101", PlmnKind.TEST),
        ("001001", PlmnKind.TEST),
        ("00155", PlmnKind.TEST),
        ("90114", PlmnKind.INTERNATIONAL),
        ("90199", PlmnKind.INTERNATIONAL),
        ("90201", PlmnKind.INTERNATIONAL),
        ("99104", PlmnKind.INTERNATIONAL),
        ("99999", PlmnKind.PRIVATE),
        ("999123", PlmnKind.PRIVATE),
        ("11111", PlmnKind.UNKNOWN),
        ("00001", PlmnKind.UNKNOWN),
        ("99899", PlmnKind.UNKNOWN),
    ],
)
def test_where_there_is_no_country_none_is_given(digits: str, kind: PlmnKind) -> None:
    facts = plmn.lookup(digits)
    assert (facts.kind, facts.country, facts.countries) == (kind, None, ())


@pytest.mark.parametrize(
    ("digits", "countries"),
    [
        ("310999", ("US", "GU", "MP", "PR", "VI")),
        ("311999", ("US", "GU", "AS", "VI")),
        ("313999", ("US", "PR")),
        ("34099", ("GP", "MQ", "BL", "MF", "GF")),
        ("36299", ("CW", "BQ", "SX")),
        ("42599", ("IL", "PS")),
        ("50598", ("AU", "NF", "CX", "CC")),
        ("64799", ("RE", "YT")),
    ],
)
def test_an_unlisted_network_of_a_shared_mcc_may_be_in_any_of_its_countries(
    digits: str, countries: tuple[str, ...]
) -> None:
    facts = plmn.lookup(digits)
    assert (facts.kind, facts.country, facts.countries) == (PlmnKind.SHARED, None, countries)


def test_a_listed_network_of_several_countries_names_its_first() -> None:
    facts = plmn.lookup("310260")
    assert (facts.kind, facts.country, facts.countries) == (
        PlmnKind.SHARED,
        "US",
        ("US", "PR", "VI"),
    )


@pytest.mark.parametrize(
    ("digits", "countries"),
    [
        ("20801", "FR MC"),
        ("20810", "FR MC"),
        ("20820", "FR MC"),
        ("20805", "FR"),
        ("21210", "MC"),
        ("22801", "CH LI"),
        ("22802", "CH"),
        ("23403", "JE GG"),
        ("23436", "IM"),
        ("23450", "JE GG"),
        ("23455", "GG JE"),
        ("23458", "IM"),
        ("23473", "IM"),
        ("23501", "GB"),
        ("24201", "NO"),
        ("24414", "AX FI"),
        ("27077", "LU BE"),
        ("27099", "LU BE"),
        ("27401", "IS"),
        ("27402", "IS FO"),
        ("310032", "US GU MP PR VI"),
        ("310110", "GU MP"),
        ("310140", "GU"),
        ("310260", "US PR VI"),
        ("310370", "GU MP"),
        ("310470", "GU"),
        ("310480", "GU"),
        ("31059", "US GU MP PR VI"),
        ("311120", "GU"),
        ("311470", "VI"),
        ("311780", "AS"),
        ("313790", "PR"),
        ("338050", "JM"),
        ("34001", "GP MQ GF BL MF"),
        ("34002", "GP MQ GF"),
        ("34003", "BL MF"),
        ("34008", "BL MF"),
        ("34009", "GP MQ GF BL MF"),
        ("34020", "GP MQ GF BL MF"),
        ("36251", "SX"),
        ("376350", "TC"),
        ("42505", "PS"),
        ("42506", "PS"),
        ("42501", "IL"),
        ("50510", "NF"),
        ("54201", "FJ"),
        ("54202", "FJ NR"),
        ("53602", "NR"),
        ("60400", "MA"),
        ("64700", "RE YT"),
        ("64701", "YT"),
        ("64702", "YT"),
        ("64703", "RE"),
        ("64704", "RE"),
        ("64710", "RE YT"),
        ("74201", "GF"),
    ],
)
def test_each_network_that_the_sources_dispute_is_where_the_rules_put_it(
    digits: str, countries: str
) -> None:
    assert plmn.lookup(digits).countries == tuple(countries.split())


@pytest.mark.parametrize(
    ("mcc", "length"),
    [("001", None), ("330", 3), ("405", None), ("467", None), ("999", None), ("250", 2)],
)
def test_the_mnc_length_of_a_country_is_given_only_where_there_is_one(
    mcc: str, length: int | None
) -> None:
    assert plmn.lookup(mcc).mnc_length == length


@pytest.mark.parametrize("digits", ["312999", "314999", "315999", "316999"])
def test_the_other_mccs_of_the_united_states_are_not_shared(digits: str) -> None:
    assert plmn.lookup(digits).countries == ("US",)


def test_an_mnc_is_digits_and_a_length() -> None:
    two, three = plmn.lookup("40512"), plmn.lookup("405012")
    assert (two.known, two.mnc_length, three.known, three.mnc_length) == (True, 2, True, 3)
    assert two.name != three.name
    assert plmn.lookup("71402").known
    assert plmn.lookup("714020").known
    assert not plmn.lookup("714200").known


def test_a_withdrawn_network_keeps_its_name_and_decides_nothing() -> None:
    facts = plmn.lookup("21425")
    assert (facts.country, facts.known, facts.name) == (
        "ES",
        False,
        "XFERA MÓVILES, S.A. UNIPERSONAL",
    )
    assert facts.sources.startswith("itu-withdrawn")


def test_an_unlisted_network_may_break_the_mnc_length_of_its_country() -> None:
    assert (plmn.lookup("250811").known, plmn.lookup("250811").mnc_length) == (True, 3)
    assert plmn.lookup("250812").mnc_length == 2


def test_a_name_never_decides_a_country() -> None:
    assert (plmn.lookup("65907").name, plmn.lookup("65907").country) == ("Sudani", "SS")


@pytest.mark.parametrize(
    "digits", ["", "3", "36", "3680", "3680111", "36x01", "３６８０１", "-3680"]
)
def test_what_is_no_plmn_is_an_error(digits: str) -> None:
    with pytest.raises(ValueError, match="5 or 6 decimal digits"):
        plmn.lookup(digits)


def test_every_plmn_there_can_be_is_answered_as_the_rows_say() -> None:
    table = plmn_file.read(TSV.read_text("utf-8"))
    mccs = {row.mcc: row for row in table.mccs}
    rows = {row.mcc + row.mnc: row for row in table.plmns}
    mncs = [f"{n:02}" for n in range(100)] + [f"{n:03}" for n in range(1000)]
    seen = 0
    # All networks of the country codes that exist and of their neighbours.
    codes = sorted({f"{int(mcc) + d:03}"[-3:] for mcc in mccs for d in (-1, 0, 1)})
    for mcc, mnc in itertools.product(codes, mncs):
        facts, of_mcc, row = plmn.lookup(mcc + mnc), mccs.get(mcc), rows.get(mcc + mnc)
        counts = row is not None and not row.withdrawn
        countries = of_mcc.countries if of_mcc else ()
        if counts and row is not None and row.countries:
            countries = row.countries
        assert facts.countries == countries, mcc + mnc
        assert facts.known is counts, mcc + mnc
        assert facts.subdivisions == (row.subdivisions if counts and row else ()), mcc + mnc
        assert facts.name == (row.name if row else "")
        seen += counts
    assert seen == sum(not row.withdrawn for row in table.plmns)


def test_the_table_that_ships_is_sorted_as_the_proof_of_the_searches_assumes() -> None:
    table = lib.fsim_plmn_shipped()
    mccs = [table.mccs[i].key & 0x3FF for i in range(table.mcc_count)]
    assert mccs == sorted(set(mccs))
    ends = [*(table.mccs[i].first for i in range(1, table.mcc_count)), table.network_count]
    for i, end in enumerate(ends):
        keys = [table.networks[row] & 0x7FF for row in range(table.mccs[i].first, end)]
        assert keys == sorted(set(keys))


def test_the_table_that_ships_survives_writing_and_reading() -> None:
    text = TSV.read_text("utf-8")
    assert plmn_file.write(plmn_file.read(text)) == text
