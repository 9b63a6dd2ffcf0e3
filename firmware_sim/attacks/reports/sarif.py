"""SARIF 2.1.0: each attack a rule, each verdict a result.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, 3.27.
"""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any

from firmware_sim.attacks.attack import Verdict
from firmware_sim.attacks.reports.summary import reproduce
from firmware_sim.attacks.runner import Outcome
from firmware_sim.attacks.suite import Result

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_KINDS = {
    Verdict.REJECTED: ("pass", "none"),
    Verdict.UNSUPPORTED: ("notApplicable", "none"),
    Verdict.INVALID: ("open", "none"),
    Verdict.ACCEPTED: ("fail", "error"),
    Verdict.CRASH: ("fail", "error"),
    Verdict.HANG: ("fail", "error"),
}


def render(result: Result) -> str:
    """The document."""
    rules = [
        {
            "id": outcome.attack.id,
            "name": "".join(word.title() for word in outcome.attack.family.split("-")),
            "shortDescription": {"text": outcome.attack.sent},
            "fullDescription": {"text": f"Breaks the rule that {outcome.attack.rule.text}."},
            "help": {"text": f"SPEC.md, {outcome.attack.section}; source: {outcome.attack.source}"},
            "properties": {"rule": outcome.attack.rule.id, "code": outcome.attack.code.value},
        }
        for outcome in result.outcomes
    ]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "firmware-sim",
                "version": metadata.version("firmware-sim"),
                "rules": rules,
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(result, index, outcome) for index, outcome in enumerate(result.outcomes)
        ],
        "properties": {
            "device": result.device,
            "algorithm": result.settings.algorithm.name.lower(),
            "seed": result.settings.seed,
            "twins": len(result.twins),
            "twinsCaught": len(result.caught),
        },
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _result(result: Result, index: int, outcome: Outcome) -> dict[str, Any]:
    kind, level = _KINDS[outcome.verdict]
    attack = outcome.attack
    return {
        "ruleId": attack.id,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": f"{outcome.verdict.value}: {outcome.why}"},
        "locations": [
            {
                "logicalLocations": [
                    {"name": result.device, "kind": "device", "fullyQualifiedName": attack.rule.id}
                ]
            }
        ],
        "partialFingerprints": {"attack/v1": f"{attack.id} on {result.device}"},
        "properties": {
            "codes": list(outcome.codes),
            "state": outcome.state,
            "reproduce": reproduce(result, attack),
        },
    }
