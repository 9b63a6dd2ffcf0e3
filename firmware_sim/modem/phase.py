"""Where a dialogue is, where it may go, and how long it waits."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DialogueOptions:
    """Patience, in milliseconds, and what is allowed. `poll_ms` None: only codes wake us."""

    within_ms: int = 60_000
    """One round of questions, whole."""
    attention_ms: int = 5_000
    attention_each_ms: int = 1_000
    busy_ms: int = 20_000
    """How long a card may say that it is busy; the first pause, then doubled up to 4 s."""
    busy_first_ms: int = 250
    poll_ms: int | None = 15_000
    power_up: bool = True
    """Send `AT+CFUN=1` (not stored) to a modem that booted with its radio off (CFUN 0)."""


DEFAULT_OPTIONS = DialogueOptions()


class Phase(enum.Enum):
    """Where the dialogue is."""

    IDLE = "idle"
    ATTENTION = "attention"
    READING = "reading"
    WATCHING = "watching"
    FAILED = "failed"


MOVES: dict[Phase, frozenset[Phase]] = {
    Phase.IDLE: frozenset({Phase.ATTENTION, Phase.FAILED}),
    Phase.ATTENTION: frozenset({Phase.ATTENTION, Phase.READING, Phase.FAILED}),
    Phase.READING: frozenset({Phase.ATTENTION, Phase.WATCHING, Phase.FAILED}),
    Phase.WATCHING: frozenset({Phase.ATTENTION, Phase.READING, Phase.FAILED}),
    Phase.FAILED: frozenset({Phase.ATTENTION}),
}
"""The legal moves; anything else is a mistake of ours and raises KeyError."""
