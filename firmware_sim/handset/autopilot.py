"""The person who accepts every default: what `activate` puts in front of the phone."""

from __future__ import annotations

from firmware_sim.view import Page, UserAction, View

_TOUCH = {Page.LANGUAGE: UserAction("continue")}


def autopilot(view: View) -> UserAction | None:
    """The next touch; None where there is only waiting, or no default to accept."""
    return _TOUCH.get(view.page)
