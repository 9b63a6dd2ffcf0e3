"""Vulnerable twins: the same handset without one named check.

Every attack has its twin, which must fall to it, and every twin must fall to an attack: an
attack that kills no twin proves nothing, a twin that survives shows a hole in the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware_sim.errors import UsageError
from firmware_sim_protocol.rules import Guard, Rule, rule_named

NOT_OF_THE_DEVICE = {
    Rule.LAYOUT_PLMN: "only a REQUEST carries PLMNs: a rule of the server",
    Rule.LAYOUT_EVIDENCE: "only a REQUEST carries evidence: a rule of the server",
    Rule.NONCE_REUSE: "the server's promise to answer one nonce once",
}
"""Rules that no device enforces, and why; the server's tests break them."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A handset that waives one rule."""

    id: str
    rule: Rule

    @property
    def guard(self) -> Guard:
        return Guard(waived=frozenset({self.rule}))

    @property
    def text(self) -> str:
        """What its screen says."""
        return f"TWIN {self.id}: does not hold that {self.rule.text}"


TWINS = tuple(Twin(rule.id, rule) for rule in Rule if rule not in NOT_OF_THE_DEVICE)


def twin_named(identifier: str) -> tuple[Guard, str]:
    """The guard of a twin and the banner for its screen.

    `identifier`: a rule's id ("sig-low-s") or an attack's ("SIG-007"), whose twin is meant.

    Raises:
        UsageError: there is no such twin.
    """
    from firmware_sim.attacks.catalogue import attacks

    for attack in attacks():
        if attack.id.lower() == identifier.lower():
            identifier = attack.twin
    try:
        rule = rule_named(identifier)
    except KeyError:
        raise UsageError(
            "twin", f"no twin {identifier!r} (see `firmware-sim attack list --twins`)"
        ) from None
    if rule in NOT_OF_THE_DEVICE:
        raise UsageError("twin", f"{identifier}: {NOT_OF_THE_DEVICE[rule]}")
    twin = Twin(rule.id, rule)
    return twin.guard, twin.text
