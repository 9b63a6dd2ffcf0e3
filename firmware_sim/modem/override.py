"""Chosen answers of a modem, replaced consistently: what is claimed, and what follows from it.

An override of the serving network is also one of the registration: a phone at home in its lab
is roaming in the claimed network, unless its card is of that network. An override of the card's
home changes IMSI and EF_AD together. A claimed card state closes what such a card closes.
Source: 3GPP TS 27.007, 7.2, 7.3, 5.6, 8.3, 8.18; TS 31.102, 4.2.2 and 4.2.18.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from firmware_sim.errors import UsageError
from firmware_sim.modem.reading import Registration, SimState
from firmware_sim_native import imei as imei_core
from firmware_sim_native import plmn

T = TypeVar("T")

KEYS = ("serving", "sim", "imei", "registration")

_SIM_STATES = {
    state.value: state
    for state in (
        SimState.ABSENT,
        SimState.PIN,
        SimState.PUK,
        SimState.NETWORK_LOCKED,
        SimState.SUBSET_LOCKED,
        SimState.PROVIDER_LOCKED,
        SimState.CORPORATE_LOCKED,
    )
}
_REGISTRATIONS = {
    state.value: state
    for state in (
        Registration.IDLE,
        Registration.HOME,
        Registration.SEARCHING,
        Registration.DENIED,
        Registration.ROAMING,
        Registration.EMERGENCY,
    )
}
CPIN_WORDS = {
    SimState.ABSENT: "NOT INSERTED",  # as an unsolicited code; the question is refused
    SimState.PIN: "SIM PIN",
    SimState.PUK: "SIM PUK",
    SimState.NETWORK_LOCKED: "PH-NET PIN",
    SimState.SUBSET_LOCKED: "PH-NETSUB PIN",
    SimState.PROVIDER_LOCKED: "PH-SP PIN",
    SimState.CORPORATE_LOCKED: "PH-CORP PIN",
}
CLOSED_ERRORS = {SimState.ABSENT: 10, SimState.PIN: 11, SimState.PUK: 12}
"""The +CME ERROR with which a claimed card refuses to be read; a locked card can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What is claimed; None means: as the modem says."""

    serving: str | None = None
    home: str | None = None
    sim: SimState | None = None
    imei: str | None = None
    registration: Registration | None = None

    @property
    def banner(self) -> str:
        """For screen and trace: `serving=36801 sim=absent`."""
        parts = {
            "serving": self.serving,
            "sim": self.home or (self.sim.value if self.sim else None),
            "imei": self.imei,
            "registration": self.registration.value if self.registration else None,
        }
        return " ".join(f"{name}={value}" for name, value in parts.items() if value)

    @property
    def claimed_registration(self) -> Registration | None:
        """What is claimed of the registration itself, or follows from the claimed card."""
        if self.registration is not None:
            return self.registration
        if self.sim is not None:
            return Registration.IDLE  # no network takes a card that is closed or not there
        return None

    def imsi(self, real: str) -> str:
        """The card's IMSI under the claimed home: its last digits stay, its length too."""
        if self.home is None or len(real) <= len(self.home):
            return real
        return self.home + real[len(self.home) :]

    def stat(self, real: int, home: str | None, serving: str | None) -> int:
        """The <stat> to tell. `home`, `serving`: what the modem really has, where known."""
        if self.claimed_registration is not None:
            return _STAT[self.claimed_registration]
        pair = next((pair for pair in _HOME_AND_ROAMING if real in pair), None)
        if pair is None or (self.serving is None and self.home is None):
            return real
        told_home, told_serving = self.home or home, self.serving or serving
        if told_home is None or told_serving is None:
            return pair[1] if self.serving is not None else real
        return pair[0] if told_home == told_serving else pair[1]


_STAT = {
    Registration.IDLE: 0,
    Registration.HOME: 1,
    Registration.SEARCHING: 2,
    Registration.DENIED: 3,
    Registration.ROAMING: 5,
    Registration.EMERGENCY: 8,
}
_HOME_AND_ROAMING = ((1, 5), (6, 7), (9, 10))
"""<stat> of a registration at home and its twin abroad: full, SMS only, without CS fallback."""


def parse(pairs: Sequence[str]) -> Overrides:
    """Read `serving=PLMN`, `sim=PLMN|STATE`, `imei=IMEI`, `registration=STATE`.

    Raises: UsageError (a key twice, an unknown key or state, not a PLMN, not an IMEI).
    """
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in KEYS:
            raise UsageError("modem", f"--override {pair}: expected one of {', '.join(KEYS)}=...")
        if key in found:
            raise UsageError("modem", f"--override {key} is given twice")
        found[key] = value
    if not found:
        raise UsageError("modem", "nothing to override: --override serving=PLMN")
    sim = found.get("sim")
    is_plmn = sim is not None and sim.isdigit()
    return Overrides(
        serving=_plmn("serving", found.get("serving")),
        home=_plmn("sim", sim) if is_plmn else None,
        sim=None if sim is None or is_plmn else _state("sim", sim, _SIM_STATES),
        imei=_imei(found.get("imei")),
        registration=(
            _state("registration", found["registration"], _REGISTRATIONS)
            if "registration" in found
            else None
        ),
    )


def _plmn(key: str, value: str | None) -> str | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) in (5, 6)):
        raise UsageError("modem", f"--override {key}={value}: a PLMN is 5 or 6 digits")
    return value


def _imei(value: str | None) -> str | None:
    if value is None:
        return None
    refusal = imei_core.check(value)
    if refusal is not None:
        cause = refusal.name.lower().replace("_", " ")
        raise UsageError("modem", f"--override imei={value}: not an IMEI ({cause})")
    return value


def _state(key: str, value: str, known: dict[str, T]) -> T:
    if value not in known:
        raise UsageError("modem", f"--override {key}={value}: one of {', '.join(known)}")
    return known[value]


def network_name(digits: str) -> str:
    """The name of a network in the numbering plan; its digits when it has none there."""
    return plmn.lookup(digits).name or digits
