"""What the phone knows about itself and its place, from the modem and its receivers."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from firmware_sim_protocol.values import Cell, Gnss


class SimCondition(enum.Enum):
    """What the SIM wants."""

    READY = "ready"
    ABSENT = "absent"
    PIN = "pin"
    PUK = "puk"
    LOCKED = "locked"
    """Refused by personalisation (3GPP TS 22.022)."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the modem reported last. None: not known.

    PLMNs are strings of 5 or 6 digits. `serving` is the registered network: it says where
    the phone is; `sim` is the SIM's home network: it does not.
    """

    imei: str | None = None
    imei2: str | None = None
    serving: str | None = None
    sim: str | None = None
    operator: str = ""
    signal: int = 0
    """Bars, 0 to 4."""
    cell: Cell | None = None
    gnss: Gnss | None = None
    wifi_country: str | None = None
    """ISO 3166-1 alpha-2, as an access point announces it (IEEE 802.11, 9.4.2.8)."""
    sim_state: SimCondition = SimCondition.UNKNOWN
    sim_lock: str = ""
    """PN, PU, PP or PC, where the SIM is refused."""
    pin_tries: int | None = None
    registered: bool = False


NOTHING_SEEN = Evidence()


def is_pin(text: str) -> bool:
    """Whether a card could have this PIN: 4 to 8 digits. Source: ETSI TS 131 101, 9.5.1."""
    return text.isascii() and text.isdigit() and 4 <= len(text) <= 8
