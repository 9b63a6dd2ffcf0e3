"""The lock: what the phone is, for good, and the only things that change it.

Every decision that a verified RESPONSE carries leads to its own state from every state but
STORE_FAULT; a ticket opens three of them; a reset or a foreign identity never opens any. A
factory reset does not lift a lock. STORE_FAULT has no way out: floors and used tickets are
gone, and an answer could not be judged against them.

Source: SPEC.md, "Lock states".
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from firmware_sim_protocol.numbers import Decision, LockState, Reason, TicketScope


class LockEvent(enum.Enum):
    """What can happen to the lock."""

    __hash__ = object.__hash__  # members are compared by identity; Enum's own hash is slow

    ACTIVATE = "a verified fresh ACTIVATE"
    LOCK_TERRITORY = "a verified fresh LOCK_TERRITORY"
    LOCK_BLOCKLIST = "a verified fresh LOCK_BLOCKLIST"
    LOCK_FINANCE = "a verified fresh LOCK_FINANCE"
    PENDING = "a verified fresh PENDING"
    DEACTIVATE = "a verified fresh DEACTIVATE"
    TICKET = "a verified unlock ticket"
    NOTICE_TERRITORY = "an announced territory lock is due"
    NOTICE_BLOCKLIST = "an announced blocklist lock is due"
    NOTICE_FINANCE = "an announced finance lock is due"
    IDENTITY_CHANGED = "another IMEI or device key than the record's"
    FACTORY_RESET = "a factory reset"
    STORE_LOST = "no valid record where one must be"


_DECIDED = {
    LockEvent.ACTIVATE: LockState.ACTIVE,
    LockEvent.LOCK_TERRITORY: LockState.LOCKED_TERRITORY,
    LockEvent.LOCK_BLOCKLIST: LockState.LOCKED_BLOCKLIST,
    LockEvent.LOCK_FINANCE: LockState.LOCKED_FINANCE,
    LockEvent.PENDING: LockState.PENDING,
    LockEvent.DEACTIVATE: LockState.SETUP_LOCKED,
    LockEvent.IDENTITY_CHANGED: LockState.SETUP_LOCKED,
    LockEvent.STORE_LOST: LockState.STORE_FAULT,
}

LOCK_MOVES: Mapping[LockState, Mapping[LockEvent, LockState]] = {
    LockState.UNPROVISIONED: {**_DECIDED, LockEvent.FACTORY_RESET: LockState.UNPROVISIONED},
    LockState.SETUP_LOCKED: {**_DECIDED, LockEvent.FACTORY_RESET: LockState.SETUP_LOCKED},
    LockState.PENDING: {
        **_DECIDED,
        LockEvent.TICKET: LockState.ACTIVE,
        LockEvent.FACTORY_RESET: LockState.SETUP_LOCKED,
    },
    LockState.ACTIVE: {
        **_DECIDED,
        LockEvent.NOTICE_TERRITORY: LockState.LOCKED_TERRITORY,
        LockEvent.NOTICE_BLOCKLIST: LockState.LOCKED_BLOCKLIST,
        LockEvent.NOTICE_FINANCE: LockState.LOCKED_FINANCE,
        LockEvent.FACTORY_RESET: LockState.SETUP_LOCKED,
    },
    LockState.LOCKED_TERRITORY: {
        **_DECIDED,
        LockEvent.TICKET: LockState.ACTIVE,
        LockEvent.FACTORY_RESET: LockState.LOCKED_TERRITORY,
    },
    # No ticket opens it: a stolen phone is the server's to release.
    LockState.LOCKED_BLOCKLIST: {
        **_DECIDED,
        LockEvent.FACTORY_RESET: LockState.LOCKED_BLOCKLIST,
    },
    LockState.LOCKED_FINANCE: {
        **_DECIDED,
        LockEvent.TICKET: LockState.ACTIVE,
        LockEvent.FACTORY_RESET: LockState.LOCKED_FINANCE,
    },
    LockState.STORE_FAULT: {
        LockEvent.STORE_LOST: LockState.STORE_FAULT,
        LockEvent.FACTORY_RESET: LockState.STORE_FAULT,
        LockEvent.IDENTITY_CHANGED: LockState.STORE_FAULT,
    },
}

EVENT_OF_DECISION: Mapping[Decision, LockEvent] = {
    decision: LockEvent[decision.name] for decision in Decision
}

NOTICE_OF_REASON: Mapping[Reason, LockEvent] = {
    Reason.BLOCKLISTED: LockEvent.NOTICE_BLOCKLIST,
    Reason.FINANCE: LockEvent.NOTICE_FINANCE,
}
"""What an ACTIVATE with LOCK_NOTICE announces; every other reason announces a territory lock."""

SCOPE_OF_STATE: Mapping[LockState, TicketScope] = {
    LockState.LOCKED_TERRITORY: TicketScope.TERRITORY,
    LockState.LOCKED_FINANCE: TicketScope.FINANCE,
    LockState.PENDING: TicketScope.PENDING,
}

LOCKED = frozenset(
    {LockState.LOCKED_TERRITORY, LockState.LOCKED_BLOCKLIST, LockState.LOCKED_FINANCE}
)

REASON_OF_STATE: Mapping[LockState, str] = {
    LockState.LOCKED_TERRITORY: "territory",
    LockState.LOCKED_BLOCKLIST: "blocklist",
    LockState.LOCKED_FINANCE: "finance",
}
"""The word that the view carries."""


def notice_event(reason: Reason) -> LockEvent:
    """Which lock an ACTIVATE with this reason and a LOCK_NOTICE announces."""
    return NOTICE_OF_REASON.get(reason, LockEvent.NOTICE_TERRITORY)
