"""What a device under test offers to the harness, in this process or in another.

Only the server link is compulsory. Everything else is an ability that a device has or lacks;
an attack that needs a missing one is UNSUPPORTED, never passed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

from firmware_sim.errors import SimError
from firmware_sim_protocol.framing import Framing
from firmware_sim_protocol.signing import PrivateKey
from firmware_sim_protocol.values import KeySet


class Ability(enum.Enum):
    """A control of CONTROL.md, by its word."""

    RESET = "reset"
    """Make the device anew, with given identity and trust."""
    STATE = "state"
    """Report page, lock state, refusals."""
    TIME = "advance"
    """Let the monotonic clock run."""
    CLOCK = "clock"
    """Set the wall clock."""
    REBOOT = "reboot"
    CUT = "cut"
    """Cut the power at flash operation n."""
    STORE = "store"
    """Dump and restore the storage."""
    FAIL = "fail"
    """Make flash operations fail."""
    MODEM = "modem"
    """Set what the modem reports."""
    WIPE = "wipe"
    """Factory reset."""
    TICKET = "ticket"
    """Ask for an unlock challenge, and type a ticket."""
    TYPE = "type"
    """Type a ticket as text, in the form of SPEC.md 12.3."""
    LINK = "link"
    """Break the link: any socket can, a terminal cannot."""
    SEAL = "seal"
    """Write a record of one's own making, sealed with the device's storage key."""


class DeviceTrouble(SimError):
    """The device under test cannot be used: it never connected, a control command failed."""

    def __init__(self, text: str) -> None:
        super().__init__("device", text)


class Crashed(Exception):
    """The device ended, or an error came out of it; the text says which."""


class Hung(Exception):
    """The device does not answer."""


class Lacking(Exception):
    """The device lacks an ability."""

    def __init__(self, ability: Ability) -> None:
        super().__init__(f"the device has no control {ability.value!r}")
        self.ability = ability


@dataclass(frozen=True, slots=True, kw_only=True)
class Manufacture:
    """How a device is made for one scene."""

    trust: KeySet
    trust_message: bytes
    """The same, as the signed KEYSET message."""
    realm: bytes
    imei: str
    device_key: PrivateKey
    storage_key: bytes
    serving: str
    sim: str
    rtc_s: int
    seed: bytes
    """What a simulated device draws its chance from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the device says about itself; None: it does not say."""

    page: str | None = None
    lock_state: str | None = None
    time_floor: int | None = None
    writes: int | None = None
    """Changing flash operations since manufacture."""
    refusals: tuple[str, ...] = ()
    """Refusal codes since the last report, oldest first."""


@dataclass(frozen=True, slots=True)
class Dump:
    """Storage as it lies: the slots, and the counter that stands outside of them."""

    slots: tuple[bytes, ...]
    counter: int


class Device(Protocol):
    """One device under test. Times are milliseconds of its monotonic clock.

    Any method may raise `Crashed`, `Hung`, `Lacking` or `DeviceTrouble`.
    """

    name: str
    abilities: frozenset[Ability]
    serial: bool
    """Whether the link carries serial framing."""
    waits_s: float
    """Real seconds that silence lasts before it counts as silence; 0 in virtual time."""

    def framing(self) -> Framing:
        """A framing of the harness's side of the link."""
        ...

    def reset(self, made: Manufacture) -> None:
        """A new device with an empty store, switched on, its modem registered."""
        ...

    def now(self) -> int: ...

    def linked(self) -> bool:
        """Whether the device's link to the server is open."""
        ...

    def send(self, octets: bytes) -> None: ...

    def receive(self) -> bytes:
        """What the device has sent since the last call, once it has come to rest."""
        ...

    def hang_up(self) -> None:
        """Break the link."""
        ...

    def advance(self, ms: int) -> None:
        """Let time pass."""
        ...

    def advance_to_event(self, limit_ms: int) -> None:
        """Let time pass until the device next has something to do, at most `limit_ms`."""
        ...

    def report(self) -> Report: ...

    def reboot(self) -> None:
        """Power off and on."""
        ...

    def set_clock(self, rtc_s: int) -> None: ...

    def set_modem(self, *, imei: str | None = None, serving: str | None = None) -> None: ...

    def cut_at(self, operation: int, torn: bool) -> None:
        """Cut the power after the n-th changing flash operation from now, counted from 0."""
        ...

    def was_cut(self) -> bool:
        """Whether an armed cut has struck; the device is then off until `reboot`."""
        ...

    def fail_flash(self, first: int, count: int | None) -> None:
        """Make `count` changing flash operations fail from the `first` on."""
        ...

    def dump(self) -> Dump: ...

    def restore(self, dump: Dump) -> None:
        """Put storage back and switch the device on anew."""
        ...

    def wipe(self) -> None:
        """Factory reset."""
        ...

    def ask_ticket(self) -> bytes:
        """Open the entry of a ticket; the UNLOCK_CHALLENGE message that it shows."""
        ...

    def type_ticket(self, message: bytes) -> None:
        """Type an UNLOCK_TICKET."""
        ...

    def type_text(self, text: str) -> None:
        """Type any text where a ticket is due."""
        ...

    def seal(self, **changes: object) -> None:
        """Change fields of the stored record, seal it properly, switch on anew."""
        ...

    def close(self) -> None: ...
