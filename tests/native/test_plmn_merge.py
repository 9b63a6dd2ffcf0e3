"""The generator of the tables: its rules, what it refuses, what it reports, what it checks."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_sim_native import plmn_file

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from tables.emit import c_source  # noqa: E402  (tools/ is not a package of the project)
from tables.merge import FILES, Contradiction, Rule, merge  # noqa: E402

Rows = dict[str, list[dict[str, str]]]
COUNTRY = {"mcc": "250", "iso": "RU", "primary_iso": "RU", "kind": "country"} | dict.fromkeys(
    ("also_used_in_iso", "sources_agree", "sources_partial", "sources_conflict", "note"), ""
)
LENGTH = {"mcc": "250", "mnc_length": "2", "basis": "itu"}
NETWORK = {
    "mcc": "250",
    "mnc": "01",
    "iso": "RU",
    "name": "One",
    "status": "itu-assigned",
    "sources": "ITU-OB1280",
    "geo_subdivision": "",
    "note": "",
}


def lists(countries: list[dict[str, str]], networks: list[dict[str, str]]) -> Rows:
    made = [COUNTRY | row for row in countries]
    lengths = [LENGTH | {"mcc": row["mcc"]} for row in made]
    return dict(zip(FILES, (made, lengths, [NETWORK | row for row in networks]), strict=True))


def write(rows: Rows, folder: Path) -> Path:
    for name, content in rows.items():
        with (folder / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, content[0])
            writer.writeheader()
            writer.writerows(content)
    return folder


SHARED = {"mcc": "310", "iso": "GU;US", "primary_iso": "US", "kind": "shared"}


@pytest.mark.parametrize(
    ("countries", "networks", "rule", "countries_of_it"),
    [
        ([{"sources_conflict": "x=UG"}], [{}], Rule.BASE, ()),
        ([{"also_used_in_iso": "UA"}], [{}], Rule.ALSO_USED, ()),
        ([SHARED], [{"mcc": "310", "iso": "GU"}], Rule.TERRITORY, ("GU",)),
        ([{"also_used_in_iso": "MC"}], [{"iso": "RU;MC"}], Rule.EXTRATERRITORIAL, ("RU", "MC")),
        (
            [{}],
            [{"iso": "UA", "status": "unapproved-crimea", "geo_subdivision": "UA-43"}],
            Rule.RECOGNISED,
            ("UA",),
        ),
        (
            [{"mcc": "991", "iso": "", "primary_iso": "", "kind": "trial"}],
            [{"mcc": "991", "iso": "", "status": "international"}],
            Rule.TRIAL,
            (),
        ),
        ([{"kind": "unofficial"}], [{}], Rule.UNOFFICIAL, ()),
        ([{"kind": "withdrawn"}], [{}], Rule.FORMER, ()),
        ([{}], [{"status": "itu-withdrawn"}], Rule.HISTORY, ()),
        ([{}], [{"mnc": "001", "status": "unlisted-inactive"}], Rule.UNLISTED_LENGTH, ()),
    ],
)
def test_each_rule_decides_its_case(
    countries: list[dict[str, str]],
    networks: list[dict[str, str]],
    rule: Rule,
    countries_of_it: tuple[str, ...],
    tmp_path: Path,
) -> None:
    table, decisions = merge(write(lists(countries, networks), tmp_path))
    assert rule in {decision.rule for decision in decisions}
    assert table.plmns[0].countries == countries_of_it
    assert table.plmns[0].withdrawn is (rule is Rule.HISTORY)


def test_a_shared_mcc_puts_the_country_it_was_allocated_to_first(tmp_path: Path) -> None:
    table, _ = merge(write(lists([SHARED], [{"mcc": "310", "iso": "US"}]), tmp_path))
    assert table.mccs[0].countries == ("US", "GU")


@pytest.mark.parametrize(
    ("countries", "networks", "text"),
    [
        ([{}], [{"iso": "UA"}], "250-01: UA is not among the countries of its MCC"),
        ([{}], [{"iso": ""}], "250-01: a country where the MCC has none, or none where it has"),
        ([{}], [{"mnc": "001"}], "250-001: MNCs of this MCC have 2 digits"),
        ([{}], [{"mcc": "262"}], "262-01: its MCC is in no MCC list"),
        ([{}], [{}, {"name": "Two"}], "network 250-01: listed twice"),
        ([{}, {"iso": "BY", "primary_iso": "BY"}], [{}], "MCC 250: listed twice"),
        ([{}], [{"status": "rumoured"}], "250-01: no rule for status 'rumoured'"),
        ([{}], [{"status": "test"}], "250-01: no rule for status 'test' under a country MCC"),
        ([{}], [{"geo_subdivision": "UA-43"}], "250-01: UA-43 is no part of RU"),
        ([{"kind": "lunar"}], [{}], "MCC 250: no rule for kind 'lunar'"),
        ([{"primary_iso": "BY"}], [{}], "MCC 250: its first country 'BY' is not among RU"),
        ([{"iso": "RU;BY"}], [{}], "MCC 250: kind country does not go with 'RU;BY'"),
        ([{"kind": "shared"}], [{}], "MCC 250: kind shared does not go with 'RU'"),
        ([{}], [{"name": "a\tb"}], "250-01: a tab or line break in its name"),
    ],
)
def test_a_contradiction_that_no_rule_covers_is_refused(
    countries: list[dict[str, str]], networks: list[dict[str, str]], text: str, tmp_path: Path
) -> None:
    with pytest.raises(Contradiction) as caught:
        merge(write(lists(countries, networks), tmp_path))
    assert str(caught.value).startswith(text)


def test_an_mcc_in_one_list_only_is_refused(tmp_path: Path) -> None:
    rows = lists([{}], [{}])
    rows[FILES[1]].append(LENGTH | {"mcc": "262"})
    with pytest.raises(Contradiction, match="MCC 262: in one of the MCC lists only"):
        merge(write(rows, tmp_path))


def tool(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tables", *words]
    return subprocess.run(command, cwd=ROOT / "tools", capture_output=True, text=True)


def test_the_c_table_is_what_the_generator_writes_from_the_table_that_ships() -> None:
    table = plmn_file.read((ROOT / "native/firmware_sim_native/plmn.tsv").read_text("utf-8"))
    assert (ROOT / "native/c/fsim_plmn_table.c").read_text("utf-8") == c_source(table)


def test_without_the_source_lists_the_check_says_what_it_could_not_check(tmp_path: Path) -> None:
    done = tool("--check", "--data", str(tmp_path))
    assert done.returncode == 0
    assert "the source lists are not here: the merge was not repeated" in done.stdout
    assert tool("--data", str(tmp_path)).returncode == 3


def test_the_report_says_what_changes_and_the_check_fails_until_it_is_written(
    tmp_path: Path,
) -> None:
    folder = write(lists([{}], [{"name": "Another name"}]), tmp_path)
    report = tool("--report", "--data", str(folder))
    assert report.returncode == 0
    assert "changed: plmn | 250 01 | - | - | current | itu-assigned: ITU-OB1280 | Another name" in (
        report.stdout
    )
    assert "removed: mcc | 368 | country | CU | 2" in report.stdout
    check = tool("--check", "--data", str(folder))
    assert check.returncode == 1
    assert "native/c/fsim_plmn_table.c: not what tools/plmn_tables writes" in check.stderr


def test_contradicting_lists_stop_the_tool_with_one_line(tmp_path: Path) -> None:
    done = tool("--report", "--data", str(write(lists([{}], [{"iso": "UA"}]), tmp_path)))
    assert done.returncode == 3
    assert done.stderr.startswith("tools/plmn_tables: 250-01: UA is not among")
    assert done.stderr.count("\n") == 1
