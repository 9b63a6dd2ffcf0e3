"""How a run ended, read off the screen the phone shows: the one place that names outcomes."""

from __future__ import annotations

from firmware_sim.view import Page, View

ACTIVATED, LOCKED, PENDING, FAILED = "activated", "locked", "pending", "failed"
OUTCOMES = (ACTIVATED, LOCKED, PENDING, FAILED)

_OF_PAGE = {
    Page.HOME: ACTIVATED,
    Page.WARNING: ACTIVATED,
    Page.LOCKED: LOCKED,
    Page.WAITING: PENDING,
    Page.STORAGE_FAULT: FAILED,
    Page.SERVER_UNREACHABLE: FAILED,
    Page.SIM_LOCKED: FAILED,
}


def outcome_of(view: View) -> str | None:
    """activated, locked, pending or failed; None while the wizard is under way.

    A phone whose lock is announced is active until it comes, so WARNING is `activated`.
    """
    return _OF_PAGE.get(view.page)
