"""What the judges are asked: situations, and what is true in each."""

from __future__ import annotations

from dataclasses import dataclass, fields

from firmware_sim.modem.virtual import VirtualModem, default_state, load, names
from firmware_sim.modem.virtual.defaults import name_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a program says about a modem; None where it said nothing.

    `operator`: PLMN of the serving network. `registration`: home, roaming, denied, searching,
    none, or `unregistered` from a program that does not tell the last three apart. `sim`:
    ready, absent, pin or network. `home`: PLMN of the SIM. `lock`: whether a network
    personalisation is engaged, yes or no.
    """

    imei: str | None = None
    operator: str | None = None
    registration: str | None = None
    sim: str | None = None
    home: str | None = None
    lock: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One situation: how the modem is set, and the truth about it.

    `begins`: where the modem is when the judge opens it; it is then carried to `serving`, and
    the truth is that after the move. `profile`: the family it plays.
    """

    name: str
    serving: str = "26201"
    sim: str = "26201"
    changes: tuple[tuple[str, str], ...] = ()
    registration: str = "home"
    sim_state: str = "ready"
    locked: bool = False
    profile: str = "generic"
    begins: str = ""

    def modem(self, imei: str, profile: str = "") -> VirtualModem:
        """A virtual modem in this situation."""
        state = default_state(imei, self.begins or self.serving, self.sim)
        made = VirtualModem(state, load(profile or self.profile))
        for name, value in self.changes:
            made.set(name, value, 0)
        return made

    @property
    def registered(self) -> bool:
        return self.registration in ("home", "roaming")

    def truth(self, imei: str) -> Facts:
        """The right answer."""
        return Facts(
            imei=imei,
            operator=self.serving if self.registered else "",
            registration=self.registration,
            sim=self.sim_state,
            home=self.sim if self.sim_state in ("ready", "network") else "",
            lock="yes" if self.locked else "no",
        )


CASES = (
    Case(name="home"),
    Case(name="roaming", serving="36801", registration="roaming"),
    Case(name="denied", changes=(("registration", "denied"),), registration="denied"),
    Case(name="searching", changes=(("registration", "searching"),), registration="searching"),
    Case(name="no SIM", sim="none", registration="none", sim_state="absent"),
    Case(name="SIM PIN", changes=(("pin", "1234"),), registration="none", sim_state="pin"),
    Case(
        name="network lock",
        changes=(("lock.PN", "26202"),),
        registration="none",
        sim_state="network",
        locked=True,
    ),
    Case(name="MNC of 2", serving="25001", sim="25001"),
    Case(name="MNC of 3", serving="310410", sim="310410"),
    Case(name="moved", begins="26201", serving="25032", registration="roaming"),
    *(
        Case(name=load(name).family, profile=name, serving="36801", registration="roaming")
        for name in names()
        if name not in ("generic", "phonesim")
    ),
)


def name_matches(said: str | None, plmn: str) -> bool:
    """Whether a name is the network's, as far as a program shows it."""
    return bool(said) and name_of(plmn).startswith((said or "").strip())


def disagreements(told: Facts, truth: Facts) -> list[str]:
    """Each fact that was told and is wrong: `registration: denied, not home`."""
    wrong = []
    for row in fields(Facts):
        said, right = getattr(told, row.name), getattr(truth, row.name)
        if said == "unregistered" and right in ("denied", "searching", "none"):
            continue
        if said is not None and said != right:
            wrong.append(f"{row.name}: {said or 'nothing'}, not {right or 'nothing'}")
    return wrong
