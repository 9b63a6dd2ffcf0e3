"""A run as one JSON object, and one attack as another."""

from __future__ import annotations

from typing import Any

from firmware_sim.attacks.attack import Attack, Verdict
from firmware_sim.attacks.runner import Outcome
from firmware_sim.attacks.suite import Result


def reproduce(result: Result, attack: Attack) -> str:
    """The one command that runs this attack on this device again."""
    settings = result.settings
    words = ["firmware-sim attack run", f"--attack {attack.id}"]
    words.append(f"--algorithm {settings.algorithm.name.lower()}")
    if settings.serial:
        words.append("--framing serial")
    words.append(f"--seed {settings.seed}")
    return " ".join(words) + result.command


def about(attack: Attack) -> dict[str, Any]:
    """A row of the catalogue."""
    return {
        "id": attack.id,
        "class": attack.family,
        "actor": attack.actor.value,
        "rule": attack.rule.id,
        "rule_text": attack.rule.text,
        "section": f"SPEC.md, {attack.section}",
        "sent": attack.sent,
        "expected": attack.expected,
        "code": attack.code.value,
        "twin": attack.twin,
        "framing": attack.framing.value,
        "algorithm": attack.algorithm.name.lower() if attack.algorithm is not None else "any",
        "needs": sorted(ability.value for ability in attack.needs),
        "source": attack.source,
    }


def verdict_of(result: Result, outcome: Outcome) -> dict[str, Any]:
    """One verdict."""
    attack = outcome.attack
    return {
        "id": attack.id,
        "class": attack.family,
        "verdict": outcome.verdict.value,
        "why": outcome.why,
        "state": outcome.state,
        "expected_code": attack.code.value,
        "codes": list(outcome.codes),
        "code_fits": outcome.code_fits,
        "twin": attack.twin,
        "twin_verdict": next(
            (
                cell.verdict.value
                for cell in result.cells
                if cell.attack == attack.id and cell.twin == attack.twin
            ),
            None,
        ),
        "seconds": round(outcome.seconds, 4),
        "reproduce": reproduce(result, attack),
    }


def summary(result: Result) -> dict[str, Any]:
    """The whole run."""
    found: dict[str, Any] = {"device": result.device}
    found["algorithm"] = result.settings.algorithm.name.lower()
    found["framing"] = "serial" if result.settings.serial else "length"
    found["seed"] = result.settings.seed
    found["attacks"] = len(result.outcomes)
    for verdict in Verdict:
        found[verdict.value] = result.count(verdict)
    fitting = [outcome.code_fits for outcome in result.outcomes]
    found["codes_as_expected"] = fitting.count(True)
    found["codes_otherwise"] = fitting.count(False)
    found["twins"] = len(result.twins)
    found["twins_caught"] = len(result.caught)
    found["twins_not_caught"] = list(result.survivors)
    found["attacks_without_effect"] = list(result.blunt)
    found["verdicts"] = [verdict_of(result, outcome) for outcome in result.outcomes]
    return found
