"""What the bridge knows about a modem, its card and its network: values only.

Source: 3GPP TS 27.007 (the answers these are read from), TS 22.022 (personalisation).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields


class SimState(enum.Enum):
    """What `+CPIN?` tells about the card. Source: TS 27.007, 8.3."""

    UNKNOWN = "unknown"
    READY = "ready"
    PIN = "pin"
    PUK = "puk"
    ABSENT = "absent"
    BUSY = "busy"
    """Still starting when our patience ended."""
    FAILED = "failed"
    PHONE_LOCKED = "phone-locked"
    """PH-SIM PIN: the phone wants its first card."""
    NETWORK_LOCKED = "network-locked"
    SUBSET_LOCKED = "subset-locked"
    PROVIDER_LOCKED = "provider-locked"
    CORPORATE_LOCKED = "corporate-locked"

    @property
    def lock(self) -> str:
        """The facility of `+CLCK` that refuses this card: PS, PN, PU, PP, PC, or ""."""
        return _LOCKS.get(self, "")


_LOCKS = {
    SimState.PHONE_LOCKED: "PS",
    SimState.NETWORK_LOCKED: "PN",
    SimState.SUBSET_LOCKED: "PU",
    SimState.PROVIDER_LOCKED: "PP",
    SimState.CORPORATE_LOCKED: "PC",
}


class Registration(enum.Enum):
    """<stat> of `+CREG` and its siblings. Source: TS 27.007, 7.2, 10.1.20, 10.1.22."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    HOME = "home"
    SEARCHING = "searching"
    DENIED = "denied"
    ROAMING = "roaming"
    EMERGENCY = "emergency"

    @property
    def registered(self) -> bool:
        """Whether a network serves us."""
        return self in (Registration.HOME, Registration.ROAMING)


# From memory of release 17: 6 and 7 are "SMS only", 9 and 10 "CSFB not preferred", 11 RLOS.
STAT: Mapping[int, Registration] = {
    0: Registration.IDLE,
    1: Registration.HOME,
    2: Registration.SEARCHING,
    3: Registration.DENIED,
    4: Registration.UNKNOWN,
    5: Registration.ROAMING,
    6: Registration.HOME,
    7: Registration.ROAMING,
    8: Registration.EMERGENCY,
    9: Registration.HOME,
    10: Registration.ROAMING,
    11: Registration.EMERGENCY,
}

# <AcT>, from memory of release 17. Source: TS 27.007, 7.3.
ACCESS: Mapping[int, str] = {
    0: "GSM",
    1: "GSM compact",
    2: "UTRAN",
    3: "EGPRS",
    4: "HSDPA",
    5: "HSUPA",
    6: "HSPA",
    7: "LTE",
    8: "EC-GSM-IoT",
    9: "NB-IoT",
    10: "LTE on 5GC",
    11: "NR",
    12: "NR on 5GC",
    13: "EN-DC",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """Where the phone is, in hexadecimal as the network numbers it."""

    area: str
    """LAC or TAC, 4 or 6 digits."""
    id: str
    """CI, up to 8 digits."""


@dataclass(frozen=True, slots=True)
class Network:
    """One network of a scan, its access technologies together."""

    plmn: str
    name: str
    status: int
    """0 unknown, 1 available, 2 current, 3 forbidden."""
    access: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One complete look at a modem. None and "" mean: the modem does not tell."""

    manufacturer: str = ""
    model: str = ""
    revision: str = ""
    imei: str = ""
    """15 digits with a right check digit, read twice."""
    imeisv: str = ""
    """16 digits."""
    sim: SimState = SimState.UNKNOWN
    pin_tries: int | None = None
    imsi: str = ""
    """Up to 15 digits, read twice."""
    iccid: str = ""
    mnc_length: int | None = None
    """2 or 3, from EF_AD, or from the numbering plan when the card does not say."""
    registration: Registration = Registration.UNKNOWN
    serving: str | None = None
    """PLMN of 5 or 6 digits; only while a network serves us."""
    operator: str = ""
    """The network's name as the modem spells it."""
    access: str | None = None
    cell: Cell | None = None
    signal_dbm: int | None = None
    locks: tuple[str, ...] = ()
    """Personalisations that are switched on: PN, PU, PP, PC."""
    clock: str | None = None
    """ISO 8601 with offset; None while the clock was never set."""
    networks: tuple[Network, ...] = ()
    """What a scan found; empty when none was asked for."""
    overridden: str = ""
    """What an override bridge between us and the modem replaces: `serving=36801`."""
    problems: tuple[str, ...] = ()
    """What a person should know, one line each."""

    @property
    def home_plmn(self) -> str | None:
        """MCC and MNC of the card, when IMSI and MNC length are known."""
        if not self.imsi or self.mnc_length is None:
            return None
        return self.imsi[: 3 + self.mnc_length]

    def as_json(self) -> dict[str, object]:
        """The keys of `modem probe --json`."""
        shown: dict[str, object] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, enum.Enum):
                value = value.value
            elif isinstance(value, Cell):
                value = {"area": value.area, "id": value.id}
            elif isinstance(value, tuple):
                value = [asdict(one) if isinstance(one, Network) else one for one in value]
            elif value == "":
                value = None
            shown[field.name] = value
        return shown

    def differences(self, older: Reading) -> dict[str, object]:
        """The fields that changed, with their new values."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != getattr(older, field.name)
        }
