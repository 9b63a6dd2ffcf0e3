"""The errors of this package, grouped by who is to blame."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware_sim_protocol.rules import Code, Rule, Stage


class ProtocolError(Exception):
    """The root of every error of this package."""


class BuildError(ProtocolError):
    """Our side asked for a message that ODAP/1 cannot carry; the text names the field."""


class KeyFormatError(ProtocolError):
    """A private key or key file is not one of ours; the text says what is wrong."""


class Refusal(ProtocolError):
    """What the peer sent breaks a rule.

    `rule` is the broken rule, `stage` and `code` are the rule's own, `detail` says what was
    found. Only the stage ever goes on the wire (SPEC.md, "ERROR").
    """

    def __init__(self, rule: Rule, detail: str = "") -> None:
        text = f"{rule.code.value} at {rule.stage.name}: {rule.text}"
        super().__init__(f"{text} ({detail})" if detail else text)
        self.rule = rule
        self.detail = detail

    @property
    def stage(self) -> Stage:
        return self.rule.stage

    @property
    def code(self) -> Code:
        return self.rule.code
