"""The setup wizard: which page follows which, and what lies over it.

Two tables. PAGE_MOVES has the pages themselves; a page shows what is so, it decides nothing:
the lock state does. OVERLAYS has the entry pages that a person opens over another page, and
that close to it again.

Source: SPEC.md, "Screens"; 3GPP TS 22.022 (personalisation), TS 22.101, 10 (emergency calls
from any page).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from firmware_sim.view import Page


class PageEvent(enum.Enum):
    """What turns a page."""

    __hash__ = object.__hash__  # members are compared by identity; Enum's own hash is slow

    SETUP = "the phone must be set up"
    OPEN = "the phone is active, or has no activation module"
    CLOSED = "the phone is locked"
    UNDECIDED = "the server does not know yet"
    FAULT = "the record is lost, or cannot be written"
    FORWARD = "a person goes on"
    BACK = "a person goes back"
    PIN = "the SIM wants its PIN"
    SIM_REFUSED = "the SIM is refused by personalisation"
    SIM_READY = "the SIM wants nothing any more"
    NETWORK = "the server can be reached"
    ASKING = "an exchange begins"
    UNREACHABLE = "an exchange failed"
    PUT_OFF = "the server wants to be asked later"
    ANNOUNCED = "active, and a lock is announced"
    READ = "a person has read the announcement"


_P, _E = Page, PageEvent

_LOCK_NEWS = {
    _E.SETUP: _P.LANGUAGE,
    _E.OPEN: _P.HOME,
    _E.CLOSED: _P.LOCKED,
    _E.UNDECIDED: _P.WAITING,
    _E.ANNOUNCED: _P.WARNING,
}
"""A verified answer, a reset or a foreign identity shows on every page."""

PAGE_MOVES: Mapping[Page, Mapping[PageEvent, Page]] = {
    _P.BOOT: {**_LOCK_NEWS, _E.FAULT: _P.STORAGE_FAULT},
    _P.LANGUAGE: {**_LOCK_NEWS, _E.FORWARD: _P.NETWORK},
    _P.NETWORK: {
        **_LOCK_NEWS,
        _E.BACK: _P.LANGUAGE,
        _E.PIN: _P.SIM_PIN,
        _E.SIM_REFUSED: _P.SIM_LOCKED,
        _E.NETWORK: _P.ACTIVATING,
    },
    _P.SIM_PIN: {
        **_LOCK_NEWS,
        _E.BACK: _P.LANGUAGE,
        _E.SIM_REFUSED: _P.SIM_LOCKED,
        _E.SIM_READY: _P.NETWORK,
        _E.NETWORK: _P.ACTIVATING,
    },
    _P.SIM_LOCKED: {
        **_LOCK_NEWS,
        _E.BACK: _P.LANGUAGE,
        _E.PIN: _P.SIM_PIN,
        _E.SIM_READY: _P.NETWORK,
        _E.NETWORK: _P.ACTIVATING,
    },
    _P.ACTIVATING: {
        **_LOCK_NEWS,
        _E.FAULT: _P.STORAGE_FAULT,
        _E.UNREACHABLE: _P.SERVER_UNREACHABLE,
        _E.PUT_OFF: _P.WAITING,
    },
    _P.HOME: _LOCK_NEWS,
    _P.LOCKED: _LOCK_NEWS,
    _P.WAITING: {**_LOCK_NEWS, _E.ASKING: _P.WAITING},
    _P.WARNING: {**_LOCK_NEWS, _E.READ: _P.HOME},
    # After a commit that failed: the state is the old one, and the next attempt may succeed.
    _P.STORAGE_FAULT: {**_LOCK_NEWS, _E.ASKING: _P.ACTIVATING, _E.FAULT: _P.STORAGE_FAULT},
    _P.SERVER_UNREACHABLE: {**_LOCK_NEWS, _E.ASKING: _P.ACTIVATING, _E.BACK: _P.NETWORK},
}

OVERLAYS: Mapping[str, Mapping[Page, Page]] = {
    "wifi": dict.fromkeys(
        (
            _P.NETWORK,
            _P.SIM_PIN,
            _P.SIM_LOCKED,
            _P.LOCKED,
            _P.WAITING,
            _P.HOME,
            _P.SERVER_UNREACHABLE,
        ),
        _P.WIFI,
    ),
    "emergency": {
        page: _P.EMERGENCY for page in Page if page not in (_P.EMERGENCY, _P.WIFI, _P.TICKET)
    },
    "ticket.open": {_P.LOCKED: _P.TICKET, _P.WAITING: _P.TICKET},
}
"""Control -> page below -> page above."""

SETUP_PAGES = frozenset({_P.BOOT, _P.LANGUAGE, _P.NETWORK, _P.SIM_PIN, _P.SIM_LOCKED})
"""Before these are done a phone that is not set up asks nothing."""
