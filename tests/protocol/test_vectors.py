"""The vectors: right for us, wrong for whoever lacks a rule, and the program that puts them."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_sim.cli.main import main
from firmware_sim.rig.conformance import operations, suite
from firmware_sim.rig.conformance.peer import Peer
from firmware_sim.rig.conformance.suite import Vector, VectorTrouble, Verdict
from firmware_sim_protocol.rules import Code, Guard, Rule, Stage

FOLDER = Path(__file__).resolve().parents[2] / "protocol" / "vectors"
_NAMED = re.compile('"rule": "([a-z0-9-]+)"')
NEVER_REFUSED_WITH = {Code.UNAUTH_ERROR}


@functools.cache
def vectors() -> tuple[Vector, ...]:
    return tuple(vector for path in suite.files(FOLDER) for vector in suite.load(path))


@functools.cache
def content() -> str:
    return "".join(path.read_text(encoding="utf-8") for path in suite.files(FOLDER))


def rules_with_a_vector() -> list[Rule]:
    found = {Rule[name.upper().replace("-", "_")] for name in _NAMED.findall(content())}
    return sorted(found, key=lambda rule: rule.id)


def test_our_implementation_answers_every_vector_rightly() -> None:
    findings = [suite.check(vector, operations.answer) for vector in vectors()]
    assert [f for f in findings if f.verdict is not Verdict.RIGHT] == []
    assert len(findings) > 500


def test_every_refusal_code_stands_in_a_vector() -> None:
    codes = {rule.code for rule in Rule}
    missing = {code for code in codes if f'"{code.value}"' not in content()}
    assert missing == NEVER_REFUSED_WITH


def test_every_stage_of_a_message_stands_in_a_vector() -> None:
    missing = {stage for stage in Stage if f'"{stage.name}"' not in content()}
    assert missing == {Stage.SCREEN}


@pytest.mark.parametrize("rule", rules_with_a_vector(), ids=lambda rule: rule.id)
def test_an_implementation_without_a_rule_is_found_out(rule: Rule) -> None:
    bad = Guard(frozenset({rule}))
    named = [v for v in vectors() if v.code == rule.code.value or rule.id in json.dumps(v.output)]
    verdicts = {suite.check(v, lambda r: operations.answer(r, bad)).verdict for v in named}
    assert verdicts & {Verdict.WRONG, Verdict.OTHER_CODE}, "nobody would notice"


def test_an_implementation_that_lets_the_signature_choose_its_algorithm_is_found_out() -> None:
    bad = Guard(frozenset({Rule.SIG_ALGORITHM}))
    confused = [v for v in vectors() if "an ECDSA signature" in v.comment]
    assert confused
    for vector in confused:
        finding = suite.check(vector, lambda request: operations.answer(request, bad))
        assert finding.verdict is Verdict.WRONG


def test_files_are_small_enough() -> None:
    assert len(content().encode()) < 1_500_000


# The program ------------------------------------------------------------------------------


def serve(*words: str) -> str:
    return " ".join([sys.executable, "-m", "firmware_sim.cli.main", "vectors", "serve", *words])


def test_our_own_program_passes_its_own_check(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["vectors", "check", "--strict", "--implementation", serve()])
    out = capsys.readouterr().out
    assert status == 0, out
    assert f"{len(vectors())} right" in out


def peer_that_says(tmp_path: Path, line: str) -> str:
    script = tmp_path / "peer.py"
    script.write_text(f"import sys, json\nfor line in sys.stdin:\n    r = json.loads(line)\n{line}")
    return f"{sys.executable} {script}"


def test_a_program_that_accepts_everything_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    yes = peer_that_says(
        tmp_path, "    print(json.dumps({'id': r['id'], 'result': 'valid'}), flush=True)\n"
    )
    assert main(["vectors", "check", "--json", "--implementation", yes]) == 1
    counts = {name: row["counts"] for name, row in json.loads(capsys.readouterr().out).items()}
    assert all(row.get("WRONG") for row in counts.values())


def test_a_program_that_knows_nothing_is_not_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    no = peer_that_says(
        tmp_path, "    print(json.dumps({'id': r['id'], 'result': 'unsupported'}), flush=True)\n"
    )
    file = str(FOLDER / "keys.json")
    assert main(["vectors", "check", file, "--implementation", no]) == 0
    assert "not supported" in capsys.readouterr().out


def test_another_code_is_wrong_only_when_strict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = (
        "    print(json.dumps({'id': r['id'], 'result': 'invalid', 'stage': 'FRAME',"
        " 'code': 'E_FRAME'}), flush=True)\n"
    )
    command = peer_that_says(tmp_path, line)
    only_bad = tmp_path / "bad.json"
    whole = json.loads((FOLDER / "keys.json").read_text())
    for group in whole["testGroups"]:
        group["tests"] = [test for test in group["tests"] if test["result"] == "invalid"]
    only_bad.write_text(json.dumps(whole))
    words = ["vectors", "check", str(only_bad), "--implementation", command]
    assert main(words) == 0
    assert "E_FRAME at FRAME, not E_KEY_WEAK at SIGNATURE" in capsys.readouterr().out
    assert main([*words, "--strict"]) == 1


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("    print('hello', flush=True)\n", "no JSON"),
        ("    print('{}', flush=True)\n", "something else"),
        ("    break\n", "without an answer"),
    ],
)
def test_a_program_that_breaks_the_form_is_named(tmp_path: Path, line: str, text: str) -> None:
    with Peer(peer_that_says(tmp_path, line)) as peer, pytest.raises(VectorTrouble, match=text):
        peer.answer({"id": 1, "operation": "parse", "input": {}})


def test_a_silent_program_is_given_up(tmp_path: Path) -> None:
    command = peer_that_says(tmp_path, "    pass\n")
    with Peer(command, timeout_s=0.2) as peer, pytest.raises(VectorTrouble, match="no answer"):
        peer.answer({"id": 1, "operation": "parse", "input": {}})


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--implementation", "/no/such/program"], "cannot start"),
        (["--implementation", "'"], "cannot start"),
        (["/no/such/file.json"], "No such file"),
        (["--vectors", "/no/such/folder"], "holds no vector files"),
        ([str(FOLDER / "README.md")], "no vector file"),
    ],
)
def test_trouble_is_one_line(
    words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["vectors", "check", *words]) == 3
    found = capsys.readouterr().err
    assert text in found
    assert found.count("\n") == 1


@pytest.mark.parametrize("line", ["", "[]", "{", '{"id": 1}', '{"id": 1, "operation": 3}'])
def test_a_request_out_of_form_gets_an_answer_too(line: str) -> None:
    words = [sys.executable, "-m", "firmware_sim.cli.main", "vectors", "serve"]
    found = subprocess.run(words, input=line + "\n", capture_output=True, text=True, timeout=30)
    assert found.returncode == 0, found.stderr
    results = [json.loads(row)["result"] for row in found.stdout.splitlines()]
    assert results == ([] if not line else [results[0]])
    assert set(results) <= {"error", "unsupported"}


def test_input_out_of_form_is_an_error_and_no_verdict() -> None:
    for operation in operations.operations():
        for given in ({}, {"message": 3}, {"message": "zz"}, {"framing": "tcp", "pieces": 1}):
            reply = operations.answer({"id": 1, "operation": operation, "input": given})
            assert reply["result"] == "error", (operation, given, reply)
