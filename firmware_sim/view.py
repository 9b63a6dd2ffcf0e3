"""What a phone shows, before it is drawn; and what a person does to it.

The handset makes a `View`, the screen draws it; neither knows the other.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Page(enum.Enum):
    """The pages of the setup wizard and what it ends on."""

    __hash__ = object.__hash__  # members are compared by identity; Enum's own hash is slow

    BOOT = "boot"
    LANGUAGE = "language"
    NETWORK = "network"
    """Wi-Fi or a SIM: how the phone is to reach the server."""
    WIFI = "wifi"
    SIM_PIN = "sim-pin"
    SIM_LOCKED = "sim-locked"
    """The SIM is refused by personalisation (3GPP TS 22.022)."""
    ACTIVATING = "activating"
    HOME = "home"
    LOCKED = "locked"
    TICKET = "ticket"
    """Entry of an unlock ticket."""
    EMERGENCY = "emergency"
    WAITING = "waiting"
    """The server has answered that it does not know yet."""
    WARNING = "warning"
    """Active, but a lock is announced."""
    STORAGE_FAULT = "storage-fault"
    SERVER_UNREACHABLE = "server-unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One page and the facts on it. Empty text means: not known, not shown."""

    page: Page
    locale: str = "en"
    """BCP 47 tag."""
    vendor: str = "Norvik"
    """The name in the lock message; the default is an invented maker."""
    imei: str = ""
    imei2: str = ""
    country: str = ""
    """ISO 3166-1 alpha-2, as the server decided it."""
    subdivision: str = ""
    """ISO 3166-2, such as UA-43."""
    reason: str = ""
    """territory, blocklist or finance, for LOCKED and WARNING."""
    reference: str = ""
    """Reference code that a person can read to a support line."""
    operator: str = ""
    """Serving network as shown in the status bar: name or PLMN."""
    signal: int = 0
    """Bars, 0 to 4."""
    step: str = ""
    """ACTIVATING: connecting, challenge, request, verify, commit or confirm."""
    progress: float = 0.0
    """ACTIVATING: 0 to 1."""
    retry_s: int | None = None
    """Seconds until the phone asks again by itself."""
    lock_in_s: int | None = None
    """WARNING: seconds until the announced lock."""
    pin_tries: int | None = None
    sim_lock: str = ""
    """SIM_LOCKED: PN, PU, PP or PC."""
    message: str = ""
    """Display text that the server signed; replaces our own message."""
    challenge: str = ""
    """TICKET: the unlock challenge as text to read out or type elsewhere."""
    problem: str = ""
    """Why the store failed, the server was not reached, or a ticket was refused."""
    notice: str = ""
    """Banner: a vulnerable twin, or what a bridge overrides."""
    clock: str = ""
    """Status bar, such as 09:41."""


@dataclass(frozen=True, slots=True)
class UserAction:
    """What a person did: the control's resource id, and what was typed or chosen.

    language (value: BCP 47 tag), continue, wifi, wifi.join (value: ISO country that the
    Wi-Fi reports, or empty), emergency, back, retry, sim_pin (value: digits), ticket.open,
    ticket (value: the text typed), warning.ok, power.
    """

    name: str
    value: str = ""
