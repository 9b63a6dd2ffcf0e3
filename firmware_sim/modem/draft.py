"""What a dialogue has found so far, while it asks."""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware_sim.modem import answers
from firmware_sim.modem.reading import Network, Reading, Registration, SimState
from firmware_sim_native import plmn


@dataclass
class Draft:
    """What was found so far; `Reading` is made of it when a round is complete."""

    manufacturer: str = ""
    model: str = ""
    revision: str = ""
    imei: str = ""
    imeisv: str = ""
    imei_problem: str = ""
    functionality: int | None = None
    errors_are_told: bool = False
    sim: SimState = SimState.UNKNOWN
    pin_tries: int | None = None
    imsi: str = ""
    iccid: str = ""
    ef_ad_length: int | None = None
    stats: dict[str, answers.Registered] = field(default_factory=dict)
    reports_refused: set[str] = field(default_factory=set)
    serving: answers.Serving = field(default_factory=answers.Serving)
    name: str = ""
    signal_dbm: int | None = None
    locks: dict[str, bool] = field(default_factory=dict)
    clock: str | None = None
    networks: tuple[Network, ...] = ()
    overridden: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    def best(self) -> answers.Registered:
        """The most telling of the registrations: served, then emergency, denied, searching."""
        found = list(self.stats.values())
        if not found:
            return answers.Registered(Registration.UNKNOWN)
        return min(found, key=lambda one: (_ORDER.index(one.registration), one.cell is None))

    def forget_card(self) -> None:
        """The card is gone, or may be another one."""
        self.imsi, self.iccid, self.ef_ad_length, self.pin_tries = "", "", None, None

    def reading(self) -> Reading:
        """The values as they stand."""
        best = self.best()
        served = best.registration.registered
        serving = self.serving if served else answers.Serving()
        return Reading(
            manufacturer=self.manufacturer,
            model=self.model,
            revision=self.revision,
            imei=self.imei,
            imeisv=self.imeisv,
            sim=self.sim,
            pin_tries=self.pin_tries,
            imsi=self.imsi,
            iccid=self.iccid,
            mnc_length=self.ef_ad_length or _planned_length(self.imsi),
            registration=best.registration,
            serving=serving.plmn,
            operator=self.name if served else "",
            access=best.access or serving.access,
            cell=best.cell,
            signal_dbm=self.signal_dbm,
            locks=tuple(code for code in FACILITIES if self.locks.get(code)),
            clock=self.clock,
            networks=self.networks,
            overridden=self.overridden,
            problems=tuple(self.problems.values()),
        )


_ORDER = (
    Registration.ROAMING,
    Registration.HOME,
    Registration.EMERGENCY,
    Registration.DENIED,
    Registration.SEARCHING,
    Registration.IDLE,
    Registration.UNKNOWN,
)
FACILITIES = ("PN", "PU", "PP", "PC")


def _planned_length(imsi: str) -> int | None:
    """The MNC length of the numbering plan, when the card's network leaves no doubt."""
    if len(imsi) < 6:
        return None
    for digits in (imsi[:6], imsi[:5]):
        facts = plmn.lookup(digits)
        if facts.known and facts.mnc_length == len(digits) - 3:
            return facts.mnc_length
    return plmn.lookup(imsi[:3]).mnc_length
