"""One function a page: from a view to the blocks that stand on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from firmware_sim.screen.layout import Sheet
from firmware_sim.screen.pages import endings, faults, locking, setup
from firmware_sim.screen.pages.frame import Frame
from firmware_sim.view import Page, View

PAGES: Mapping[Page, Callable[[Sheet, View], Frame]] = {
    Page.BOOT: setup.boot,
    Page.LANGUAGE: setup.language,
    Page.NETWORK: setup.network,
    Page.WIFI: setup.wifi,
    Page.SIM_PIN: setup.sim_pin,
    Page.ACTIVATING: setup.activating,
    Page.HOME: endings.home,
    Page.WAITING: endings.waiting,
    Page.WARNING: endings.warning,
    Page.LOCKED: locking.locked,
    Page.TICKET: locking.ticket,
    Page.EMERGENCY: locking.emergency,
    Page.SIM_LOCKED: faults.sim_locked,
    Page.STORAGE_FAULT: faults.storage_fault,
    Page.SERVER_UNREACHABLE: faults.server_unreachable,
}

__all__ = ["PAGES", "Frame"]
