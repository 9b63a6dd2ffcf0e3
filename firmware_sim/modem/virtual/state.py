"""What a virtual modem is made of: SIMs, locks, networks, cells, signal, clock.

A plain tree that tests and `modem set` may write to; what follows from it (which secret is
asked for, whether the modem is registered) is computed in `standing`, never stored twice.
Source: 3GPP TS 27.007 (numbers), TS 22.022 (personalisation), TS 31.102 (SIM).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Registration(enum.IntEnum):
    """<stat> of +CREG and its sisters. Source: 3GPP TS 27.007, 7.2."""

    IDLE = 0
    HOME = 1
    SEARCHING = 2
    DENIED = 3
    UNKNOWN = 4
    ROAMING = 5
    EMERGENCY = 8


class Access(enum.IntEnum):
    """<AcT>: the radio access technology. Source: 3GPP TS 27.007, 7.2."""

    GSM = 0
    GSM_COMPACT = 1
    UTRAN = 2
    EDGE = 3
    HSDPA = 4
    HSUPA = 5
    HSPA = 6
    LTE = 7
    EC_GSM = 8
    NB_IOT = 9
    LTE_5GC = 10
    NR = 11
    NG_RAN = 12
    EN_DC = 13


class LockKind(enum.Enum):
    """Personalisations of the equipment; the value is the <fac> of +CLCK. Source: TS 22.022."""

    NETWORK = "PN"
    SUBSET = "PU"
    PROVIDER = "PP"
    CORPORATE = "PC"


@dataclass(slots=True)
class Secret:
    """A code with its tries and the code that unblocks it: PIN and PUK, or CK and its PUK.

    `code` and `puk`: decimal digits. `tries` and `puk_tries`: what is left of `most` and
    `most_puk`. `asked`: whether the check is switched on. `given`: whether it was entered
    since power-up.
    """

    code: str = "1234"
    puk: str = "12345678"
    asked: bool = False
    given: bool = False
    tries: int = 3
    puk_tries: int = 10
    most: int = 3
    most_puk: int = 10


@dataclass(slots=True)
class Lock:
    """One personalisation: the key, and the SIM codes it lets in.

    `codes`: for PN PLMNs ("26201"); PU "26201:12" (IMSI digits 6 and 7 behind); PP
    "26201:0A" (GID1 in hex); PC "26201:0A:FF" (GID1 and GID2). The lock is engaged while
    `key.asked` holds.
    """

    kind: LockKind
    key: Secret = field(default_factory=lambda: Secret(code="12345678", most=10, tries=10))
    codes: tuple[str, ...] = ()


@dataclass(slots=True)
class Sim:
    """A UICC with a USIM.

    `imsi`: 15 digits. `iccid`: 19 or 20 digits. `mnc_length`: 2 or 3 (EF_AD, byte 4), or None
    for a card whose EF_AD has only three bytes. `gid1`, `gid2`: hex text. `equivalent`:
    further PLMNs that count as home (EF_EHPLMN). `forbidden`: EF_FPLMN.
    """

    iccid: str
    imsi: str
    mnc_length: int | None = 2
    pin: Secret = field(default_factory=Secret)
    provider: str = ""
    msisdn: str = ""
    gid1: str = ""
    gid2: str = ""
    equivalent: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()

    @property
    def home(self) -> str:
        """The home PLMN, 5 or 6 digits; without an MNC length in EF_AD two digits are taken."""
        return self.imsi[: 3 + (self.mnc_length or 2)]


@dataclass(slots=True)
class Cell:
    """Where the modem camps. `area`: LAC or TAC, 16 bits (24 for NR); `cell`: 28 bits (36 for
    NR, 16 for GSM); `routing`: RAC, 8 bits."""

    area: int = 0x1A2B
    cell: int = 0x0123ABCD
    routing: int = 0x01


@dataclass(slots=True)
class Network:
    """A network in reach: PLMN, long (16) and short (8 letters) names, technology."""

    plmn: str
    long_name: str
    short_name: str
    access: Access = Access.LTE
    cell: Cell = field(default_factory=Cell)
    forbidden: bool = False


@dataclass(slots=True)
class Clock:
    """The modem's clock: local seconds since 1970 at instant `at` (ms, monotonic).

    `quarters`: local time minus UTC in quarters of an hour, daylight saving included
    (-96..96). `daylight`: hours of daylight saving in it, 0..2. `by_network`: from NITZ.
    """

    seconds: int = 1_767_225_600  # 2026-01-01 00:00:00
    at: int = 0
    quarters: int = 0
    daylight: int = 0
    by_network: bool = False

    def read(self, now: int) -> int:
        """Local seconds since 1970 at `now` (ms)."""
        return self.seconds + max(0, now - self.at) // 1000


@dataclass(slots=True)
class Context:
    """A packet context of +CGDCONT."""

    kind: str = "IP"
    apn: str = ""
    active: bool = False


@dataclass(slots=True)
class ModemState:
    """The whole modem.

    `serving`: the PLMN that an automatic selection finds, or None for no coverage.
    `registration`: what the network answers; None lets it follow from SIM and PLMN.
    `signal_dbm`: RSSI in dBm (-113..-51), None for not known. `chosen`: PLMN of a manual
    selection (+COPS=1). `zone_update`: whether the network's time sets the clock (+CTZU).
    `detached`: +COPS=2. `functionality`: +CFUN. `search_ms`: how long a search lasts (after
    power-up, the PIN, a move ...), `scan_ms` how long +COPS=? takes. `reject_cause`: of
    TS 24.008, 10.5.3.6.
    """

    imei: str
    software_version: str = "01"
    sims: list[Sim | None] = field(default_factory=list)
    slot: int = 0
    locks: dict[LockKind, Lock] = field(default_factory=dict)
    networks: list[Network] = field(default_factory=list)
    serving: str | None = None
    registration: Registration | None = None
    signal_dbm: int | None = -73
    clock: Clock = field(default_factory=Clock)
    zone_update: bool = True
    functionality: int = 1
    chosen: str | None = None
    detached: bool = False
    attached: bool = True
    contexts: dict[int, Context] = field(default_factory=lambda: {1: Context(apn="internet")})
    battery: int = 87
    reject_cause: int = 11
    search_ms: int = 0
    scan_ms: int = 0
    searching_until: int | None = None

    @property
    def imeisv(self) -> str:
        """16 digits: the IMEI without its check digit, then the software version (TS 23.003)."""
        return self.imei[:14] + self.software_version
