"""What one attack is: the rule it breaks, what it sends, how to tell whether it got through.

An attack breaks exactly one rule of the protocol. `play` runs it on a bench, hostile or
honest: the honest run of the same scene is its positive control, so a device that refuses
everything passes no attack, it fails every control.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from firmware_sim.attacks.device import Ability
from firmware_sim_protocol.numbers import Algorithm
from firmware_sim_protocol.rules import Code, Rule, Stage

if TYPE_CHECKING:
    from firmware_sim.attacks.bench import Bench

Play = Callable[["Bench", bool], None]
"""Runs the scene; True: with the hostile message, False: with the honest one in its place."""
Goal = Callable[["Bench"], bool]


class Verdict(enum.Enum):
    """How an attack ended."""

    REJECTED = "rejected"
    """The device refused, and is as it was."""
    ACCEPTED = "accepted"
    """The device did what the rule forbids."""
    CRASH = "crash"
    """The device ended, or an error came out of it."""
    HANG = "hang"
    """The device answers nothing any more."""
    UNSUPPORTED = "unsupported"
    """The device lacks a control that the attack needs: nothing was tested."""
    INVALID = "invalid"
    """A positive control failed: the verdict would mean nothing."""


WRONG = frozenset({Verdict.ACCEPTED, Verdict.CRASH, Verdict.HANG})


class Framing(enum.Enum):
    """Which framing an attack needs."""

    ANY = "any"
    LENGTH = "length"
    SERIAL = "serial"


class Actor(enum.Enum):
    """Who attacks."""

    SERVER = "hostile server"
    MIDDLEMAN = "middleman"
    STORAGE = "storage"
    CLOCK = "clock"
    MODEM = "modem"
    PERSON = "person"


SECTIONS = {
    Stage.FRAME: "2 Framing",
    Stage.HEADER: "3 Message",
    Stage.SIGNATURE: "8 Signatures",
    Stage.LAYOUT: "5 Messages",
    Stage.BINDING: "10 Order of checks",
    Stage.FRESHNESS: "10 Order of checks",
    Stage.TIME: "10 Order of checks",
    Stage.POLICY: "10 Order of checks",
    Stage.COMMIT: "11.6 The record",
    Stage.SCREEN: "11.6 The record",
}
_BY_PREFIX = {
    "KEY_": "9 Keys and keysets",
    "KEYSET_": "9 Keys and keysets",
    "THRESHOLD_": "9 Keys and keysets",
    "TYPED_": "12.3 The typed form",
    "EXT_": "6 Extensions",
}


def section_of(rule: Rule) -> str:
    """The section of SPEC.md that states the rule."""
    for prefix, section in _BY_PREFIX.items():
        if rule.name.startswith(prefix):
            return section
    return SECTIONS[rule.stage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One row of the catalogue."""

    id: str
    family: str
    """The class of attack: "rollback", "role-confusion", ..."""
    rule: Rule
    """The one rule that it breaks; its twin is a device without it."""
    sent: str
    source: str
    play: Play
    goal: Goal
    """What the honest run must reach."""
    denial: bool = False
    """Whether the attacker wants the goal missed (a phone put out of action), not reached."""
    actor: Actor = Actor.SERVER
    needs: frozenset[Ability] = frozenset()
    framing: Framing = Framing.ANY
    algorithm: Algorithm | None = None
    """The algorithm that the attack is about; it chooses its keys itself."""
    expected: str = "refused; state and screen stay as they were"
    refusal: Code | None = None
    """The refusal code to expect, where it is not the rule's own."""
    recovers: bool = True
    """Whether the same device must be able to activate afterwards."""
    live: Callable[[Any, Any], Any] | None = None
    """Makes the hostile answer out of an honest one; a middleman can do that to live traffic."""
    weak: str = ""
    """Which weak key the device trusts in this attack's world."""

    @property
    def section(self) -> str:
        return section_of(self.rule)

    @property
    def code(self) -> Code:
        return self.refusal or self.rule.code

    @property
    def twin(self) -> str:
        """The id of the device that must fall to it."""
        return self.rule.id
