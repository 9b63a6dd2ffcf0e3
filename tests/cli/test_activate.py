"""What `activate` answers for every place the product exists for, as a user runs it."""

from pathlib import Path

import pytest

from tests.support.program import firmware_sim

LOCKED = {
    "36801": ("CU", None),
    "36877": ("CU", None),
    "41750": ("SY", None),
    "43221": ("IR", None),
    "46705": ("KP", None),
    "467193": ("KP", None),
    "63499": ("SD", None),
    "25032": ("UA", "UA-43"),
    "25060": ("UA", "UA-43"),
    "25034": ("UA", "UA-43"),
    "25033": ("UA", "UA-43"),
    "25054": ("UA", "UA-43"),
}
ACTIVATED = ("25001", "25096", "25501", "65912", "45005", "26201", "310410")
PENDING = ("00101", "90114")


@pytest.mark.parametrize("serving", LOCKED)
def test_a_phone_in_a_listed_territory_is_locked_with_the_place_named(serving: str) -> None:
    done = firmware_sim("activate", "--serving", serving, "--json", "--expect", "locked")
    assert done.status == 0, done.stderr
    country, subdivision = LOCKED[serving]
    answer = done.json
    assert answer["outcome"] == "locked"
    assert answer["country"] == country
    if subdivision is None:
        assert answer["subdivision"] is None
    else:
        assert answer["subdivision"] in ("UA-43", "UA-40")
    assert answer["screen"]["id"] == "locked"
    assert answer["serving"] == serving


@pytest.mark.parametrize("serving", ACTIVATED)
def test_a_phone_elsewhere_is_activated(serving: str) -> None:
    done = firmware_sim("activate", "--serving", serving, "--json", "--expect", "activated")
    assert done.status == 0, done.stderr
    assert done.json["outcome"] == "activated"
    assert done.json["screen"]["id"] == "home"


@pytest.mark.parametrize("serving", PENDING)
def test_a_place_that_is_not_known_is_neither_allowed_nor_forbidden(serving: str) -> None:
    done = firmware_sim("activate", "--serving", serving, "--json", "--expect", "pending")
    assert done.status == 0, done.stderr
    assert done.json["screen"]["id"] == "waiting"


def test_a_cuban_sim_that_roams_in_germany_is_in_germany() -> None:
    done = firmware_sim("activate", "--sim", "36801", "--serving", "26201", "--json")
    assert done.json["outcome"] == "activated"


def test_a_german_sim_in_cuba_is_in_cuba() -> None:
    done = firmware_sim("activate", "--sim", "26201", "--serving", "36801", "--json")
    assert done.json["outcome"] == "locked"
    assert done.json["country"] == "CU"


def test_unofficial_firmware_has_nothing_that_asks() -> None:
    done = firmware_sim("activate", "--serving", "36801", "--firmware", "unofficial", "--json")
    assert done.status == 0
    assert done.json["outcome"] == "activated"
    assert "no activation module" in done.json["reason"]


def test_the_screen_speaks_the_chosen_language() -> None:
    arabic = firmware_sim("activate", "--serving", "36801", "--locale", "ar", "--json").json
    assert arabic["screen"]["direction"] == "rtl"
    french = firmware_sim("activate", "--serving", "36801", "--locale", "fr", "--json").json
    assert "ne permet pas la vente" in french["screen"]["text"]
    assert french["screen"]["direction"] == "ltr"


def test_two_runs_with_one_seed_are_identical_byte_for_byte(tmp_path: Path) -> None:
    runs = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        runs.append(firmware_sim("activate", "--serving", "36801", "--seed", "7", cwd=folder))
    assert runs[0] == runs[1]
    pictures = [(tmp_path / name / "firmware-sim-screen.png").read_bytes() for name in "ab"]
    assert pictures[0] == pictures[1]


def test_an_outcome_that_was_not_expected_is_exit_status_1() -> None:
    done = firmware_sim("activate", "--serving", "36801", "--json", "--expect", "activated")
    assert done.status == 1
    assert done.one_line() == "firmware-sim: outcome is locked, expected activated"


def test_a_locked_phone_comes_up_locked(tmp_path: Path) -> None:
    state = tmp_path / "phone"
    first = firmware_sim("activate", "--serving", "36801", "--state", state, "--json")
    assert first.json["outcome"] == "locked"
    again = firmware_sim("activate", "--serving", "36801", "--state", state, "--json")
    assert again.json["outcome"] == "locked"
    assert again.json["imei"] == first.json["imei"]


def test_a_locked_phone_is_released_when_the_policy_releases_it(tmp_path: Path) -> None:
    state, policy = tmp_path / "phone", tmp_path / "mild.toml"
    first = firmware_sim("activate", "--serving", "36801", "--state", state, "--json")
    assert first.json["outcome"] == "locked"
    text = firmware_sim("policy", "show", "--text").stdout
    assert 'country = "CU"' in text
    policy.write_text(text.replace('"CU"', '"ZZ"').replace("version = 1", "version = 2"))
    again = firmware_sim(
        "activate", "--serving", "36801", "--state", state, "--policy", policy, "--json"
    )
    assert again.json["outcome"] == "activated", again.stderr
