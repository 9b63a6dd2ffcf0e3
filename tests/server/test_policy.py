"""Policy files: what they may say, how a mistake is named, and what reviews of them find."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.errors import SimError
from firmware_sim.server import policyfile, review, toml_lines
from firmware_sim.server.decision import PlaceEvidence, decide
from firmware_sim.server.imeilist import ImeiFile
from firmware_sim.server.policy import Policy
from firmware_sim_protocol.numbers import Decision
from firmware_sim_protocol.values import Cell

IMEI = "490154203237518"
HEAD = '[policy]\nname = "test"\nversion = 1\n'
PLACE = '\n[[territory]]\ncountry = "CU"\nsource = "a test"\n'


def load(text: str) -> Policy:
    return Policy.load(text, "p.toml")


MISTAKES = {
    '[policy\nname = "x"': r"p\.toml: .*line 1",
    "": r"p\.toml:1: policy is missing",
    '[policy]\nname = "x"\n': r"p\.toml:1: policy\.version is missing",
    '[policy]\nname = "x"\nversion = "1"\n': r"p\.toml:3: policy\.version must be a whole number",
    '[policy]\nname = "x"\nversion = true\n': r"p\.toml:3: policy\.version must be a whole",
    '[policy]\nname = ""\nversion = 1\n': r"p\.toml:2: policy\.name must be a text",
    HEAD + "defualt = 'lock'\n": r"p\.toml:4: policy\.defualt .* did you mean 'default'",
    HEAD + 'default = "deny"\n': r"p\.toml:4: policy\.default must be one of activate, lock, pend",
    HEAD + "[teritory]\n": r"p\.toml:4: teritory .* did you mean 'territory'",
    HEAD + '[territory]\ncountry = "CU"\n': r"p\.toml:4: territory must be a list of tables",
    HEAD + PLACE + PLACE.replace("CU", "Cuba"): r"p\.toml:10: territory\[2\]\.country must be two",
    HEAD + '\n[[territory]]\ncountry = "CU"\n': r"p\.toml:5: territory\[1\]\.source is missing",
    HEAD + PLACE + 'subdivisions = ["UA-43"]\n': r"p\.toml:8: .*subdivisions UA-43 is not of CU",
    HEAD + PLACE + 'shared_mcc = ["250"]\n': r"p\.toml:8: .*shared_mcc makes sense only with",
    HEAD + '[evidence]\norder = ["sim"]\n': r"p\.toml:5: evidence\.order a SIM says whose",
    HEAD + '[evidence]\norder = ["gnss", "gnss"]\n': r"p\.toml:5: evidence\.order names .* twice",
    HEAD + '[evidence]\norder = [\n  "gnss",\n  "gps",\n]\n': r"p\.toml:5: evidence\.order must be",
    HEAD + "[timing]\nretry_after_s = 0\n": r"p\.toml:5: timing\.retry_after_s must be a whole",
    HEAD + "[grace]\nwarn = true\n": r"p\.toml:4: grace\.lock_after_s is missing",
    HEAD + '[[list]]\nkind = "block"\n': r"p\.toml:4: list\[1\] needs either imeis or file",
    HEAD + '[[list]]\nkind = "block"\nimeis = ["490154203237519"]\n': r"p\.toml:6: .*check digit",
    HEAD + '[[list]]\nkind = "block"\nfile = "no.txt"\n': r"p\.toml:6: .*no\.txt: No such file",
    HEAD + '[text.en]\nterritory = "a\\u001bb"\n': r"p\.toml:5: text\.en\.territory has a control",
    HEAD + '[text.en]\nterritori = "a"\n': r"p\.toml:5: text\.en\.territori .*did you mean",
    HEAD + f'[text.en]\nterritory = "{"é" * 257}"\n': r"p\.toml:5: .*514 octets",
    HEAD + '[text."no locale"]\nterritory = "a"\n': r"p\.toml:4: .* is no BCP 47 tag",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_each_mistake_is_named_with_its_line_and_key(text: str) -> None:
    with pytest.raises(SimError, match=MISTAKES[text]) as caught:
        load(text)
    assert caught.value.part == "policy"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", policyfile.packs())
def test_every_pack_that_ships_is_sound(name: str) -> None:
    policy = policyfile.pack(name)
    assert policy.name == name
    assert review.lint(policy) == []
    assert all(territory.source for territory in policy.territories)


def test_the_default_pack_is_marked_as_policy_of_2021_and_names_six_places() -> None:
    policy = policyfile.pack()
    assert policy.as_of == "2021-09"
    assert [territory.country for territory in policy.territories] == [
        "CU", "IR", "SY", "KP", "SD", "UA",
    ]  # fmt: skip
    assert policy.territories[-1].subdivisions == ("UA-43", "UA-40")


@given(st.text(alphabet="[]=\"\n.#policy_ver123{}, '", max_size=200))
def test_no_text_makes_the_reader_fail_in_another_way(text: str) -> None:
    with contextlib.suppress(SimError):
        load(text)


def test_lines_are_found_behind_comments_long_strings_and_lists() -> None:
    text = (
        '# first\n[policy]  # a comment\nnote = """\n[not.a.table]\nkey = 1\n"""\nlist = [\n'
        ' "a",\n]\nlast = 1\n[[row]]\nx = 1\n[[row]]\n"y" = 2\n'
    )
    lines = toml_lines.locate(text)
    assert lines["policy",] == 2
    assert lines["policy", "last"] == 10
    assert lines["row", 1, "y"] == 14
    assert ("not", "a", "table") not in lines
    assert toml_lines.line_of(lines, ("row", 0, "missing")) == 11


# Evidence and rules -------------------------------------------------------------------------


def test_wifi_and_cell_count_only_where_the_policy_admits_them() -> None:
    wifi = PlaceEvidence(wifi_country="CU")
    assert decide(wifi, (IMEI,), load(HEAD + PLACE)).decision is Decision.PENDING
    admitted = load(HEAD + PLACE + '[evidence]\norder = ["serving", "wifi"]\n')
    assert decide(wifi, (IMEI,), admitted).decision is Decision.LOCK_TERRITORY
    elsewhere = decide(PlaceEvidence(wifi_country="DE"), (IMEI,), admitted)
    assert (elsewhere.decision, elsewhere.country) == (Decision.ACTIVATE, "DE")
    area = (
        HEAD + '[evidence]\norder = ["serving", "cell"]\n[[territory]]\ncountry = "UA"\n'
        'source = "x"\nsubdivisions = ["UA-43"]\nshared_mcc = ["250"]\n'
        'areas = [{ plmn = "25001", first = 9100, last = 9199 }]\n'
    )
    policy = load(area)
    for number, wanted in ((9100, Decision.LOCK_TERRITORY), (9200, Decision.ACTIVATE)):
        cell = Cell(access=7, area=number, cell=1)
        found = decide(PlaceEvidence(serving="25001", cell=cell), (IMEI,), policy)
        assert found.decision is wanted
    assert decide(PlaceEvidence(serving="25002", cell=cell), (IMEI,), policy).decision is (
        Decision.ACTIVATE
    )


def test_a_country_that_shares_its_mcc_is_uncertain_where_the_network_is_not_listed() -> None:
    text = HEAD + '[[territory]]\ncountry = "US"\nsource = "x"\nuncertain = "pending"\n'
    unlisted = decide(PlaceEvidence(serving="310999"), (IMEI,), load(text))
    assert (unlisted.decision, unlisted.country) == (Decision.PENDING, None)
    listed = decide(PlaceEvidence(serving="310410"), (IMEI,), load(text))
    assert listed.decision is Decision.LOCK_TERRITORY
    assert decide(PlaceEvidence(serving="26201"), (IMEI,), load(text)).decision is (
        Decision.ACTIVATE
    )


def test_approved_countries_lock_everywhere_else_and_wait_where_nothing_is_known() -> None:
    policy = policyfile.pack("approved-countries")
    for serving, wanted in (
        ("26201", Decision.ACTIVATE),
        ("310410", Decision.LOCK_TERRITORY),
        ("00101", Decision.PENDING),
    ):
        assert decide(PlaceEvidence(serving=serving), (IMEI,), policy).decision is wanted


def test_a_white_list_leaves_everybody_else_pending_but_not_unlocked() -> None:
    policy = load(HEAD + PLACE + f'[[list]]\nkind = "white"\nimeis = ["{IMEI[:8]}"]\n')
    there = PlaceEvidence(serving="26201")
    assert decide(there, (IMEI,), policy).decision is Decision.ACTIVATE
    assert decide(there, ("352099001761481",), policy).decision is Decision.PENDING
    assert decide(there, (IMEI, "352099001761481"), policy).decision is Decision.PENDING
    cuba = decide(PlaceEvidence(serving="36801"), (IMEI,), policy)
    assert cuba.decision is Decision.LOCK_TERRITORY


def test_withdrawing_goes_before_finance_and_blocking_before_both() -> None:
    rows = "".join(
        f'[[list]]\nkind = "{kind}"\nimeis = ["{IMEI}"]\n' for kind in ("finance", "withdraw")
    )
    assert decide(PlaceEvidence(serving="26201"), (IMEI,), load(HEAD + rows)).decision is (
        Decision.DEACTIVATE
    )
    rows += f'[[list]]\nkind = "block"\nimeis = ["{IMEI}"]\n'
    assert decide(PlaceEvidence(serving="26201"), (IMEI,), load(HEAD + rows)).decision is (
        Decision.LOCK_BLOCKLIST
    )


@given(st.from_regex(r"[0-9]{5,6}", fullmatch=True))
def test_a_decision_depends_on_nothing_but_its_inputs(serving: str) -> None:
    policy = policyfile.pack()
    evidence = PlaceEvidence(serving=serving)
    first = decide(evidence, (IMEI,), policy)
    assert decide(evidence, (IMEI,), policy) == first
    assert decide(PlaceEvidence(serving=serving, sim="36801"), (IMEI,), policy) == first
    assert (first.decision is Decision.PENDING) == (first.country is None and not _known(serving))


def _known(serving: str) -> bool:
    from firmware_sim_native import plmn

    return bool(plmn.lookup(serving).countries)


# Lists in files -----------------------------------------------------------------------------


def test_a_sorted_list_is_searched_where_it_lies_and_any_other_is_read(tmp_path: Path) -> None:
    numbers = [f"{number:015}" for number in range(10**14, 10**14 + 5000, 3)]
    searched, read = tmp_path / "sorted.txt", tmp_path / "any.txt"
    searched.write_text("".join(f"{number}\n" for number in numbers))
    read.write_text("# ours\n" + "".join(f"{number}  # x\n" for number in reversed(numbers)))
    for path in (searched, read):
        listed = ImeiFile(path)
        assert len(listed) == len(numbers)
        assert all(number in listed for number in numbers)
        assert f"{10**14 + 1:015}" not in listed
        assert "12345678" not in listed
        assert listed.disorder() is None
    broken = tmp_path / "broken.txt"
    broken.write_text("490154203237518\n1234\n")
    with pytest.raises(ValueError, match="line 2"):
        ImeiFile(broken)


def test_a_policy_whose_list_has_changed_is_another_policy(tmp_path: Path) -> None:
    path, black = tmp_path / "policy.toml", tmp_path / "black.txt"
    path.write_text(HEAD + '[[list]]\nkind = "block"\nfile = "black.txt"\n')
    digests = []
    for text in ("490154203237518\n", "# moved\n490154203237518\n", "352099001761481\n"):
        black.write_text(text)
        digests.append(policyfile.read(path).digest)
    assert digests[0] == digests[1] != digests[2]


def test_lint_finds_a_line_out_of_order_in_a_list_that_is_searched(tmp_path: Path) -> None:
    numbers = [f"{number:015}" for number in range(10**14, 10**14 + 5000)]
    numbers[2001], numbers[2002] = numbers[2002], numbers[2001]
    (tmp_path / "black.txt").write_text("".join(f"{number}\n" for number in numbers))
    path = tmp_path / "policy.toml"
    path.write_text(HEAD + '[[list]]\nkind = "block"\nfile = "black.txt"\n')
    remarks = review.lint(policyfile.read(path))
    assert [(remark.key, "2003" in remark.text) for remark in remarks] == [("list[1].file", True)]


# Reviews ------------------------------------------------------------------------------------

SMELLS = {
    HEAD: "activates every phone",
    HEAD + 'default = "lock"\n': "no phone is activated",
    HEAD + PLACE + PLACE: "never reached",
    HEAD + PLACE.replace("CU", "XX"): "has no MCC",
    HEAD + PLACE + 'uncertain = "lock"\n': "may be somewhere else",
    HEAD + PLACE.replace("a test", "TODO"): "is not filled in",
    HEAD + PLACE + 'subdivisions = ["CU-03"]\n': "no evidence that is in use",
    HEAD + PLACE + 'areas = [{ plmn = "36801", first = 1, last = 2 }]\n': 'lacks "cell"',
    HEAD + PLACE + "[timing]\nrecheck_after_s = 5\n": "calls every 5 s",
    HEAD + PLACE + '[text.fr]\nterritory = "x"\n': "no English text",
    HEAD + PLACE + '[text.en]\nterritory = "x"\n[text.fr]\nnotice = "x"\n': "lacks territory",
}


@pytest.mark.parametrize("text", SMELLS)
def test_lint_finds_each_smell(text: str) -> None:
    assert any(SMELLS[text] in remark.text for remark in review.lint(load(text)))


def test_compare_names_the_networks_that_are_answered_differently() -> None:
    old = policyfile.pack()
    assert review.compare(old, old) == []
    text = policyfile.pack_text("territory-2021").replace('country = "KP"', 'country = "DE"')
    found = {row.country: row for row in review.compare(old, load(text))}
    assert set(found) == {"KP", "DE"}
    assert (found["DE"].old, found["DE"].new) == ("ACTIVATE", "LOCK_TERRITORY")
    assert "26201" in found["DE"].networks
