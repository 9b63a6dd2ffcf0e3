"""State tables and diagrams, drawn from the tables that the code runs on."""

from __future__ import annotations

import enum
import importlib
from collections.abc import Iterable

from specification.marked import table

Row = tuple[str, str, str, str]
"""State, event, next state, what is done."""


def sections() -> dict[str, str]:
    """Name of the mark -> Markdown, for each machine whose table exists."""
    made: dict[str, str] = {}
    for name, (states, events, rows) in _machines().items():
        made[f"{name}-states"] = meanings("state", states)
        made[f"{name}-events"] = meanings("event", events)
        made[f"{name}-moves"] = moves(rows)
        made[f"{name}-diagram"] = diagram(rows)
    return made


def _machines() -> dict[str, tuple[Iterable[enum.Enum], Iterable[enum.Enum], list[Row]]]:
    exchange = importlib.import_module("firmware_sim.handset.exchange")
    lock = importlib.import_module("firmware_sim.handset.lock")
    devices = importlib.import_module("firmware_sim.server.devices")
    return {
        "exchange": (
            exchange.ExchangeState,
            exchange.ExchangeEvent,
            _nested(exchange.EXCHANGE_MOVES),
        ),
        "lock": (lock.LOCK_MOVES, lock.LockEvent, _nested(lock.LOCK_MOVES)),
        "server": (
            devices.DeviceState,
            devices.DeviceEvent,
            [
                (state.name, event.name, after.name, step.value)
                for (state, event), (after, step) in devices.MOVES.items()
            ],
        ),
    }


def _nested(moves_: dict[enum.Enum, dict[enum.Enum, enum.Enum]]) -> list[Row]:
    return [
        (state.name, event.name, after.name, "")
        for state, row in moves_.items()
        for event, after in row.items()
    ]


def meanings(what: str, members: Iterable[enum.Enum]) -> str:
    rows: list[tuple[object, ...]] = [
        (f"`{each.name}`", each.value if isinstance(each.value, str) else f"number {each.value}")
        for each in members
    ]
    return table((what, "meaning"), rows)


def moves(rows: list[Row]) -> str:
    if any(row[3] for row in rows):
        heads: tuple[str, ...] = ("state", "event", "next state", "what is done")
        return table(heads, [(f"`{s}`", f"`{e}`", f"`{n}`", d) for s, e, n, d in rows])
    states = list(dict.fromkeys(row[0] for row in rows))
    heads = ("event", *(f"`{state}`" for state in states))
    after = {(state, event): following for state, event, following, _ in rows}
    events = dict.fromkeys(row[1] for row in rows)
    return table(
        heads,
        [(f"`{event}`", *(after.get((state, event), "-") for state in states)) for event in events],
    )


def diagram(rows: list[Row]) -> str:
    """One arrow for each pair of states, with every event that leads along it."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for state, event, after, _ in rows:
        arrows.setdefault((state, after), []).append(event)
    lines = ["```mermaid", "stateDiagram-v2"]
    for (state, after), events in arrows.items():
        lines.append(f"    {state} --> {after}: {', '.join(events)}")
    return "\n".join([*lines, "```"]) + "\n"
