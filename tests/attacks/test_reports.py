"""What a run is told as: each form is complete, well formed, and the same for the same seed."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import jsonschema
import pytest

from firmware_sim.attacks.attack import Verdict
from firmware_sim.attacks.catalogue import attack_named
from firmware_sim.attacks.reports import junit, page, sarif
from firmware_sim.attacks.reports.explain import parts_of
from firmware_sim.attacks.reports.summary import summary
from firmware_sim.attacks.suite import Result, Settings, run_simulator
from firmware_sim_protocol.rules import Rule

NAMES = ("SIG-001", "SIG-007", "KEY-003", "KEY-026", "TLV-011-K", "UNL-001", "STO-001", "FRM-011")
CHOSEN = tuple(attack_named(name) for name in NAMES)
VERDICTS = ("rejected", "accepted", "crash", "hang", "unsupported", "invalid")


def _timeless(result: Result) -> Result:
    outcomes = tuple(replace(outcome, seconds=0.0) for outcome in result.outcomes)
    return replace(result, outcomes=outcomes)


@pytest.fixture(scope="module")
def result() -> Result:
    return _timeless(run_simulator(CHOSEN, Settings(seed=7)))


@pytest.fixture(scope="module")
def mixed(result: Result) -> Result:
    """One verdict of each kind, as if the device had been that bad."""
    outcomes = tuple(
        replace(outcome, verdict=verdict, why=f'because <{verdict.value}> & "so"')
        for outcome, verdict in zip(result.outcomes, Verdict, strict=False)
    )
    return replace(result, outcomes=outcomes)


def test_the_json_object_has_the_keys_that_programs_rely_on(result: Result) -> None:
    found = summary(result)
    assert found["attacks"] == len(NAMES) == found["rejected"]
    assert [found[verdict] for verdict in VERDICTS[1:]] == [0] * 5
    assert found["twins"] == found["twins_caught"] == len({one.rule for one in CHOSEN})
    assert [row["id"] for row in found["verdicts"]] == list(NAMES)
    assert json.loads(json.dumps(found)) == found


def test_a_status_says_what_was_found(result: Result, mixed: Result) -> None:
    assert result.status == 0
    assert mixed.status == 1
    invalid = replace(result.outcomes[0], verdict=Verdict.INVALID)
    assert replace(result, outcomes=(invalid,)).status == 3
    survivor = tuple(replace(cell, verdict=Verdict.REJECTED) for cell in result.cells)
    assert replace(result, cells=survivor).status == 3


def test_two_runs_with_one_seed_write_the_same_reports(result: Result) -> None:
    again = _timeless(run_simulator(CHOSEN, Settings(seed=7), jobs=2))
    for render in (junit.render, sarif.render, page.render):
        assert render(again) == render(result)
    assert summary(again) == summary(result)


def test_another_seed_sends_other_octets(result: Result) -> None:
    other = _timeless(run_simulator(CHOSEN, Settings(seed=8)))
    assert page.render(other) != page.render(result)
    assert summary(other)["rejected"] == len(NAMES)


def test_junit_counts_what_it_holds(mixed: Result) -> None:
    suite = ET.fromstring(junit.render(mixed)).find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    assert int(suite.attrib["tests"]) == len(cases)
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[name]) == sum(case.find(tag) is not None for case in cases)
    assert sum(case.find("failure") is not None for case in cases) == 3


# The members of SARIF 2.1.0 that we write, and no others (OASIS SARIF 2.1.0, 3.13 to 3.33). The
# official schema, which also accepts our documents, is not part of this project.
_TEXT = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string"}},
    "additionalProperties": False,
}
_BAG = {"type": "object"}
SARIF = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"const": sarif.SCHEMA},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "minItems": 1, "items": {
            "type": "object",
            "required": ["tool", "results"],
            "additionalProperties": False,
            "properties": {
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "properties": _BAG,
                "tool": {"type": "object", "required": ["driver"], "additionalProperties": False,
                         "properties": {"driver": {
                             "type": "object", "required": ["name"],
                             "additionalProperties": False,
                             "properties": {
                                 "name": {"type": "string"}, "version": {"type": "string"},
                                 "rules": {"type": "array", "uniqueItems": True, "items": {
                                     "type": "object", "required": ["id"],
                                     "additionalProperties": False,
                                     "properties": {
                                         "id": {"type": "string"}, "name": {"type": "string"},
                                         "shortDescription": _TEXT, "fullDescription": _TEXT,
                                         "help": _TEXT, "properties": _BAG}}}}}}},
                "results": {"type": "array", "items": {
                    "type": "object", "required": ["message"], "additionalProperties": False,
                    "properties": {
                        "ruleId": {"type": "string"},
                        "ruleIndex": {"type": "integer", "minimum": -1},
                        "kind": {"enum": ["notApplicable", "pass", "fail", "review", "open",
                                          "informational"]},
                        "level": {"enum": ["none", "note", "warning", "error"]},
                        "message": _TEXT,
                        "partialFingerprints": {"type": "object",
                                                "additionalProperties": {"type": "string"}},
                        "properties": _BAG,
                        "locations": {"type": "array", "items": {
                            "type": "object", "additionalProperties": False,
                            "properties": {"logicalLocations": {
                                "type": "array", "uniqueItems": True, "items": {
                                    "type": "object", "additionalProperties": False,
                                    "properties": {
                                        "name": {"type": "string"}, "kind": {"type": "string"},
                                        "fullyQualifiedName": {"type": "string"}}}}}}}}}},
            },
        }},
    },
}  # fmt: skip


def test_sarif_keeps_its_schema(mixed: Result) -> None:
    document = json.loads(sarif.render(mixed))
    jsonschema.Draft202012Validator(SARIF).validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for found in run["results"]:
        assert rules[found["ruleIndex"]] == found["ruleId"]
        # 3.27.10: a level other than none is for failures only.
        assert (found["level"] == "none") == (found["kind"] != "fail")


def test_the_sarif_check_can_fail(mixed: Result) -> None:
    document = json.loads(sarif.render(mixed))
    document["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SARIF).validate(document)


class _Balance(HTMLParser):
    """Tags that are opened and not closed, or the other way round."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_the_page_stands_alone_and_holds_everything(mixed: Result) -> None:
    text = page.render(mixed)
    balance = _Balance()
    balance.feed(text)
    assert not balance.wrong
    assert not balance.open
    assert not re.search(r"src=|href=\"(?!#)|url\(|@import|https?://", text)
    assert "because &lt;crash&gt; &amp;" in text
    for outcome in mixed.outcomes:
        assert f'<details id="{outcome.attack.id}"' in text
        assert f"--attack {outcome.attack.id} --algorithm esp256 --seed 7" in text
    assert 'class="frame attacker"' in text


def test_a_selection_looks_for_no_twin_that_others_aim_at() -> None:
    """The matrix of one attack: the other twins stand in it, and are no holes in the catalogue."""
    chosen = [attack_named("SIG-001")]
    result = run_simulator(chosen, Settings(twins="all"))
    assert len(result.twins) > 80
    assert result.caught == ("sig-verifies",)
    assert (result.survivors, result.status) == ((), 0)
    lost = [replace(cell, verdict=Verdict.REJECTED) for cell in result.cells]
    assert replace(result, cells=tuple(lost)).survivors == ("sig-verifies",)


def test_the_page_shows_the_whole_matrix() -> None:
    whole = run_simulator(CHOSEN[:2], Settings(twins="all"))
    own = {(one.id, one.twin) for one in CHOSEN[:2]}
    for cell in whole.cells:
        wanted = Verdict.ACCEPTED if (cell.attack, cell.twin) in own else Verdict.REJECTED
        if cell.twin in {"exchange-deadline", "back-off"}:
            continue
        assert cell.verdict is wanted, cell
    assert f"SIG-007 on {Rule.SIG_LOW_S.id}: accepted" in page.render(whole)


@pytest.mark.parametrize("name", NAMES)
def test_the_parts_of_a_message_are_the_message(result: Result, name: str) -> None:
    (outcome,) = (one for one in result.outcomes if one.attack.id == name)
    for frame in outcome.frames:
        joined = b"".join(part.octets for part in parts_of(frame.octets))
        assert joined == frame.octets
