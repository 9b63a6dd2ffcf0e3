"""What a benchmark measures: one figure with its bound and both sides of its ratio."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure.

    `sides` names what was divided: {"ours": seconds, "bare": seconds}; empty for a figure
    that is no ratio. `at_least` turns the bound from a ceiling into a floor. `note` holds
    what a reader must know: conditions, a table, a comparison.
    """

    name: str
    value: float
    unit: str
    bound: float | None
    at_least: bool = False
    sides: dict[str, float] | None = None
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the value keeps its bound; a figure without bound always does."""
        if self.bound is None:
            return True
        return self.value >= self.bound if self.at_least else self.value <= self.bound
