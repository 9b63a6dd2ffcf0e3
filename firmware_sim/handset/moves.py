"""State machines as tables: legal moves are keys, and a missing key is the error."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TypeVar

State = TypeVar("State", bound=enum.Enum)
Trigger = TypeVar("Trigger", bound=enum.Enum)


class IllegalMove(Exception):
    """The table has no such move: a defect of our code, never of the peer's."""

    def __init__(self, state: enum.Enum, trigger: enum.Enum) -> None:
        super().__init__(f"{state.name} has no move for {trigger.name}")
        self.state = state
        self.trigger = trigger


def follow(table: Mapping[State, Mapping[Trigger, State]], state: State, trigger: Trigger) -> State:
    """The state after `trigger`.

    Raises:
        IllegalMove: the table has no move from `state` for `trigger`.
    """
    try:
        return table[state][trigger]
    except KeyError:
        raise IllegalMove(state, trigger) from None
