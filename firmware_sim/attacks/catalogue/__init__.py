"""The catalogue of attacks: one row each, sorted by what they strike at."""

from __future__ import annotations

from functools import cache

from firmware_sim.attacks.attack import Attack
from firmware_sim.errors import UsageError


@cache
def attacks() -> tuple[Attack, ...]:
    """Every attack, in the order of the catalogue."""
    from firmware_sim.attacks.catalogue import (
        answers,
        behaviour,
        frames,
        keysets,
        layouts,
        signatures,
        stores,
        tickets,
        unsigned,
        weakkeys,
    )

    rooms = (
        signatures,
        weakkeys,
        keysets,
        frames,
        layouts,
        answers,
        unsigned,
        tickets,
        stores,
        behaviour,
    )
    rows = tuple(row for room in rooms for row in room.ROWS)
    ids = [row.id for row in rows]
    assert len(set(ids)) == len(ids), sorted(one for one in ids if ids.count(one) > 1)
    return rows


def attack_named(identifier: str) -> Attack:
    """The attack with this id.

    Raises:
        UsageError: there is none.
    """
    for row in attacks():
        if row.id.lower() == identifier.lower():
            return row
    raise UsageError("attack", f"no attack {identifier!r} (see `firmware-sim attack list`)")
