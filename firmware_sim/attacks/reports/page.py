"""One page of HTML that needs nothing else: verdicts, matrix, and each attack's frames."""

from __future__ import annotations

from html import escape

from firmware_sim.attacks.attack import WRONG, Verdict
from firmware_sim.attacks.bench import Frame
from firmware_sim.attacks.reports.explain import parts_of, title_of
from firmware_sim.attacks.reports.summary import reproduce
from firmware_sim.attacks.runner import Outcome
from firmware_sim.attacks.suite import Result

BEFORE, AFTER = 4, 16
"""Frames shown before the attack begins, and from there on; a flood repeats itself."""
_MARKS = {
    Verdict.ACCEPTED: "A",
    Verdict.REJECTED: "·",
    Verdict.CRASH: "C",
    Verdict.HANG: "H",
    Verdict.UNSUPPORTED: "–",
    Verdict.INVALID: "?",
}
_STYLE = """
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
body{max-width:76rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}th,td{text-align:start;padding:.15rem .5rem;vertical-align:top}
thead th{border-bottom:1px solid}code,pre,.hex{font-family:ui-monospace,monospace;font-size:.8rem}
.hex{overflow-wrap:anywhere;max-width:34rem}
.rejected{color:#176b2c}.accepted,.crash,.hang{color:#b00020;font-weight:700}
.invalid{color:#8a5a00;font-weight:700}.unsupported{color:#666}
@media (prefers-color-scheme:dark){.rejected{color:#7ddc93}.accepted,.crash,.hang{color:#ff8a95}
.invalid{color:#ffc46b}.unsupported{color:#aaa}}
details{border-top:1px solid #8886;padding:.4rem 0}summary{cursor:pointer}
:target{outline:2px solid}
.frame{margin:.6rem 0 .6rem 1rem;border-inline-start:3px solid #8886;padding-inline-start:.6rem}
.attacker{border-color:#b00020}.scroll{overflow-x:auto}
.matrix td,.matrix th{padding:0 .2rem;font-size:.7rem;text-align:center}
.matrix th[scope=row]{white-space:nowrap;text-align:start}
.matrix th[scope=col]{writing-mode:vertical-rl;font-weight:400}
.matrix td.accepted{background:#b0002022}.own{outline:1px solid}
"""


def render(result: Result) -> str:
    """The document."""
    title = f"Attacks on {result.device}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        _totals(result),
        _matrix(result),
        "<h2>Attacks</h2>",
        *(_attack(result, outcome) for outcome in result.outcomes),
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _totals(result: Result) -> str:
    settings = result.settings
    rows = [
        f"<tr><th scope=row>{verdict.value}</th>"
        f'<td class="{verdict.value if result.count(verdict) else "unsupported"}">'
        f"{result.count(verdict)}</td></tr>"
        for verdict in Verdict
    ]
    framing = "serial" if settings.serial else "length"
    how = f"{settings.algorithm.name}, {framing} framing, seed {settings.seed}"
    twins = ""
    if result.twins:
        twins = f"<p>Twins: {len(result.caught)} of {len(result.twins)} caught.</p>"
        for label, names in (
            ("No attack finds these twins", result.survivors),
            ("These attacks do not fell their twin", result.blunt),
        ):
            if names:
                twins += f"<p class=invalid>{label}: {escape(', '.join(names))}</p>"
    total = f"<p>{len(result.outcomes)} attacks; {escape(how)}.</p>"
    return f"{total}<table>{''.join(rows)}</table>{twins}"


def _matrix(result: Result) -> str:
    if not result.cells:
        return ""
    found = {(cell.attack, cell.twin): cell for cell in result.cells}
    head = "".join(f"<th scope=col>{escape(twin)}</th>" for twin in result.twins)
    rows = []
    for outcome in result.outcomes:
        attack = outcome.attack
        cells = []
        for twin in result.twins:
            cell = found.get((attack.id, twin))
            if cell is None:
                cells.append("<td></td>")
                continue
            own = " own" if twin == attack.twin else ""
            name = cell.verdict.value
            cells.append(
                f'<td class="{name}{own}" title="{escape(f"{attack.id} on {twin}: {name}")}">'
                f"{_MARKS[cell.verdict]}</td>"
            )
        name = escape(attack.id)
        link = f'<a href="#{name}">{name}</a>'
        rows.append(f"<tr><th scope=row>{link}</th>{''.join(cells)}</tr>")
    legend = "; ".join(f"{mark} {verdict.value}" for verdict, mark in _MARKS.items())
    return (
        f"<h2>Attack and twin</h2><p>{legend}; outlined: the twin that the attack is for.</p>"
        f"<div class=scroll><table class=matrix><thead><tr><th></th>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _attack(result: Result, outcome: Outcome) -> str:
    attack = outcome.attack
    name = outcome.verdict.value
    code = {None: "", True: ", as expected", False: f", expected {attack.code.value}"}
    seen = ", ".join(dict.fromkeys(outcome.codes)) or "none told"
    rows = (
        ("class", f"{attack.family}, by {attack.actor.value}"),
        ("breaks", f"{attack.rule.id}: {attack.rule.text} (SPEC.md, {attack.section})"),
        ("sent", attack.sent),
        ("expected", f"{attack.expected}; {attack.code.value}"),
        ("seen", f"{name}: {outcome.why}" + (f" ({outcome.state})" if outcome.state else "")),
        ("codes", seen + code[outcome.code_fits]),
        ("source", attack.source),
    )
    table = "".join(
        f"<tr><th scope=row>{escape(key)}</th><td>{escape(value)}</td></tr>" for key, value in rows
    )
    opened = " open" if outcome.verdict in WRONG else ""
    return (
        f'<details id="{escape(attack.id)}"{opened}><summary><b>{escape(attack.id)}</b> '
        f'<span class="{name}">{name}</span> {escape(attack.sent)}</summary>'
        f"<table>{table}</table><pre>{escape(reproduce(result, attack))}</pre>"
        f"{_frames(outcome)}</details>"
    )


def _frames(outcome: Outcome) -> str:
    start = max(0, outcome.hostile_from - BEFORE)
    end = outcome.hostile_from + AFTER
    shown = [_frame(frame) for frame in outcome.frames[start:end]]
    left = len(outcome.frames) - end
    if left > 0:
        shown.append(f"<p>and {left} more</p>")
    return "".join(shown)


def _frame(frame: Frame) -> str:
    octets = frame.octets
    title = title_of(octets) if octets else ""
    note = f" ({frame.note})" if frame.note and octets else frame.note
    head = f"{frame.at} ms {frame.who}: {title}{note}"
    table = "".join(
        f"<tr><td>{part.offset}</td><td class=hex>{part.octets.hex(' ', 4)}</td>"
        f"<td>{escape(part.name)}</td><td>{escape(part.value)}</td></tr>"
        for part in parts_of(octets)
    )
    body = f"<table>{table}</table>" if table else ""
    return f'<div class="frame {frame.who}"><div>{escape(head)}</div>{body}</div>'
