"""JUnit XML: one test case an attack, one a twin."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from firmware_sim.attacks.attack import WRONG, Verdict
from firmware_sim.attacks.reports.summary import reproduce
from firmware_sim.attacks.suite import Result


def render(result: Result) -> str:
    """The document."""
    cases = []
    for outcome in result.outcomes:
        attack = outcome.attack
        head = (
            f"    <testcase classname={quoteattr(f'attack.{attack.family}')}"
            f" name={quoteattr(f'{attack.id} {attack.sent}')}"
            f' time="{outcome.seconds:.4f}"'
        )
        text = quoteattr(f"{outcome.why} (reproduce: {reproduce(result, attack)})")
        kind = outcome.verdict.value
        if outcome.verdict in WRONG:
            inside = f'<failure type="{kind}" message={text}/>'
        elif outcome.verdict is Verdict.INVALID:
            inside = f'<error type="{kind}" message={text}/>'
        elif outcome.verdict is Verdict.UNSUPPORTED:
            inside = f"<skipped message={quoteattr(outcome.why)}/>"
        else:
            inside = ""
        cases.append(f"{head}>{inside}</testcase>" if inside else f"{head}/>")
    for twin in result.twins:
        head = f'    <testcase classname="twin" name={quoteattr(twin)} time="0"'
        if twin in result.survivors:
            cases.append(
                f'{head}><failure type="survived" message="no attack found it"/></testcase>'
            )
        else:
            cases.append(f"{head}/>")
    failures = result.wrong + len(result.survivors)
    counts = (
        f'tests="{len(cases)}" failures="{failures}" errors="{result.count(Verdict.INVALID)}"'
        f' skipped="{result.count(Verdict.UNSUPPORTED)}"'
    )
    seconds = sum(outcome.seconds for outcome in result.outcomes)
    name = quoteattr(f"firmware-sim attack: {result.device}")
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites {counts} time="{seconds:.4f}">',
        f'  <testsuite name={name} {counts} time="{seconds:.4f}">',
        *cases,
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"
