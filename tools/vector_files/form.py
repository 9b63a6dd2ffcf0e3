"""The form of a vector file, and the check that our own implementation agrees with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from firmware_sim.rig.conformance.operations import answer
from firmware_sim_protocol.rules import Rule

Fields = dict[str, Any]


class Disagreement(Exception):
    """Our implementation does something else than the vector says."""


@dataclass
class Group:
    """Vectors of one operation that share some of their input."""

    operation: str
    input: Fields = field(default_factory=dict)
    tests: list[Fields] = field(default_factory=list)

    def valid(
        self, comment: str, given: Mapping[str, Any], output: Fields | None = None, *flags: str
    ) -> Fields:
        """A vector that must be accepted; `output` None: what our implementation gives.

        Returns what came out.
        """
        reply = self._ask(given)
        if reply["result"] != "valid":
            raise Disagreement(f"{self.operation}, {comment}: {reply}")
        wanted = reply["output"] if output is None else output
        if output is not None and any(reply["output"].get(k) != v for k, v in output.items()):
            raise Disagreement(f"{self.operation}, {comment}: {reply['output']}, not {output}")
        self._add(comment, given, flags, {"result": "valid", "output": wanted})
        return dict(reply["output"])

    def invalid(self, comment: str, given: Mapping[str, Any], rule: Rule, *flags: str) -> None:
        """A vector that must be refused by this rule."""
        reply = self._ask(given)
        if reply["result"] != "invalid" or reply.get("rule") != rule.id:
            raise Disagreement(f"{self.operation}, {comment}: {reply}, not {rule.id}")
        self._add(
            comment,
            given,
            flags,
            {
                "result": "invalid",
                "stage": rule.stage.name,
                "code": rule.code.value,
                "rule": rule.id,
            },
        )

    def refused(self, comment: str, given: Mapping[str, Any], *flags: str) -> None:
        """A vector that must be refused outside the order of checks (no stage, no code)."""
        reply = self._ask(given)
        if reply["result"] != "invalid" or "code" in reply:
            raise Disagreement(f"{self.operation}, {comment}: {reply}")
        self._add(comment, given, flags, {"result": "invalid"})

    def _ask(self, given: Mapping[str, Any]) -> Fields:
        whole = {**self.input, **given}
        return answer({"id": 0, "operation": self.operation, "input": whole})

    def _add(
        self, comment: str, given: Mapping[str, Any], flags: tuple[str, ...], verdict: Fields
    ) -> None:
        self.tests.append(
            {"comment": comment, "flags": list(flags), "input": dict(given), **verdict}
        )


def written(title: str, flags: Mapping[str, str], groups: list[Group]) -> str:
    """One vector file."""
    used = {flag for group in groups for test in group.tests for flag in test["flags"]}
    unknown = used - set(flags)
    if unknown:
        raise Disagreement(f"{title}: flags without a meaning: {sorted(unknown)}")
    number = 0
    test_groups = []
    for group in groups:
        tests = []
        for test in group.tests:
            number += 1
            tests.append({"tcId": number, **test})
        test_groups.append({"operation": group.operation, "input": group.input, "tests": tests})
    head = {
        "protocol": "ODAP/1",
        "header": [title],
        "numberOfTests": number,
        "notes": {flag: flags[flag] for flag in sorted(used)},
    }
    return _lines(head, test_groups)


def _lines(head: Fields, groups: list[Fields]) -> str:
    """JSON with one test a line: it reads and compares well."""
    lines = ["{"]
    lines += [f" {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
    lines.append(' "testGroups": [')
    for index, group in enumerate(groups):
        shared = json.dumps(group["input"])
        lines.append(f'  {{"operation": {json.dumps(group["operation"])}, "input": {shared},')
        lines.append('   "tests": [')
        last = len(group["tests"]) - 1
        for place, test in enumerate(group["tests"]):
            lines.append(f"    {json.dumps(test)}{',' if place < last else ''}")
        lines.append(f"   ]}}{',' if index < len(groups) - 1 else ''}")
    lines += [" ]", "}"]
    return "\n".join(lines) + "\n"
