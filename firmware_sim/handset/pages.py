"""The page in front, and the entry page that may lie over it."""

from __future__ import annotations

from firmware_sim.handset.log import Log
from firmware_sim.handset.moves import follow
from firmware_sim.handset.wizard import OVERLAYS, PAGE_MOVES, PageEvent
from firmware_sim.view import Page


class Pages:
    """Walks the wizard's two tables."""

    __slots__ = ("_log", "overlay", "page")

    def __init__(self, log: Log) -> None:
        self._log = log
        self.reset()

    def reset(self) -> None:
        self.page = Page.BOOT
        self.overlay: Page | None = None

    @property
    def top(self) -> Page:
        """What is seen."""
        return self.page if self.overlay is None else self.overlay

    def allows(self, event: PageEvent) -> bool:
        """Whether the table has a move for `event` here."""
        return event in PAGE_MOVES[self.page]

    def turn(self, event: PageEvent) -> None:
        """Follow the table.

        Raises:
            IllegalMove: it has no such move.
        """
        self.page = follow(PAGE_MOVES, self.page, event)

    def covers(self, control: str) -> bool:
        """Whether this control opens something over the page that is seen."""
        return self.overlay is None and self.page in OVERLAYS.get(control, {})

    def open(self, control: str, now: int) -> None:
        """Open what this control opens here; a control that is not on the page does nothing."""
        if self.covers(control):
            self.overlay = OVERLAYS[control][self.page]
        else:
            self._log.add(now, "state", f"{control!r} does nothing on {self.top.value}")

    def close(self) -> bool:
        """Close the entry page; False when there is none."""
        was_open = self.overlay is not None
        self.overlay = None
        return was_open

    def close_if(self, page: Page) -> None:
        """Close this entry page, if it is the one that is open."""
        if self.overlay is page:
            self.overlay = None
