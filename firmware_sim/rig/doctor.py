"""What a rig needs of a modem, checked in the order in which a person would mend it.

Each finding says what was looked at, whether it is well, what was seen, and how to mend it.
"""

from __future__ import annotations

import enum
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from firmware_sim.links.holders import Holder
from firmware_sim.links.ports import Port, likely_at
from firmware_sim.modem.reading import Reading, Registration, SimState

WEAK_DBM = -105
"""Below this a registration comes and goes."""


class Health(enum.Enum):
    """How a finding stands."""

    WELL = "ok"
    DOUBTFUL = "warn"
    ILL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor."""

    what: str
    health: Health
    seen: str
    mend: str = ""


def well(what: str, seen: str) -> Finding:
    """Nothing to mend."""
    return Finding(what, Health.WELL, seen)


def ill(what: str, seen: str, mend: str) -> Finding:
    """A rig cannot work like this."""
    return Finding(what, Health.ILL, seen, mend)


def device_path(url: str) -> str | None:
    """The device behind a URL, when it is one of this machine."""
    if url.startswith("pty:"):
        return url.removeprefix("pty:")
    return url if url.startswith("/") else None


def examine_device(path: str, held_by: Sequence[Holder], user: str) -> Iterator[Finding]:
    """Existence, kind, permission, and who else has it. `held_by`: see links.holders."""
    try:
        found = os.stat(path)
    except OSError:
        yield ill("device", f"{path}: no such device", "plug it in; `firmware-sim modem list`")
        return
    if not stat.S_ISCHR(found.st_mode):
        yield ill("device", f"{path}: not a serial device", "`firmware-sim modem list`")
        return
    yield well("device", path)
    if os.access(path, os.R_OK | os.W_OK):
        yield well("permission", "may be read and written")
    else:
        yield ill(
            "permission",
            f"{path} is closed to {user}",
            f"sudo usermod -aG dialout {user}, then log in anew",
        )
    others = [holder for holder in held_by if holder.program != "firmware-sim"]
    if not others:
        yield well("holders", "no other program has it open")
    for holder in others:
        yield _held(path, holder)


def _held(path: str, holder: Holder) -> Finding:
    seen = f"{holder.program} (process {holder.pid}) has it open"
    if holder.program == "ModemManager":
        mend = (
            "sudo systemctl stop ModemManager, or tell it to leave this modem alone: a udev rule "
            'with ENV{ID_MM_DEVICE_IGNORE}="1", or mmcli --inhibit-device=UID'
        )
        return ill("holders", seen, mend)
    return Finding("holders", Health.DOUBTFUL, seen, f"stop it if it reads {path} too")


def examine_silence(heard: bytes, port: Port | None, siblings: Sequence[Port]) -> Finding:
    """Why nothing answered AT: what came instead, and which interface to try."""
    candidates = [one.device for one in siblings if likely_at(one) and one != port]
    advice = f"try {', '.join(candidates)}" if candidates else "try the modem's other interfaces"
    if b"$G" in heard:
        return ill("answers", "speaks NMEA: this is the position interface", advice)
    if b"\x7e" in heard:
        return ill("answers", "speaks frames with 7E flags: this is the diagnostic port", advice)
    if heard:
        mend = "check --baud and --rtscts; " + advice
        return ill("answers", f"sends {len(heard)} bytes that are no AT answers", mend)
    mend = "check power and --baud; without RTS/CTS wiring leave --rtscts off; " + advice
    return ill("answers", "nothing answers AT", mend)


def examine_reading(reading: Reading) -> Iterator[Finding]:
    """Identity, card, locks, radio and network."""
    name = " ".join(filter(None, (reading.manufacturer, reading.model, reading.revision)))
    yield well("answers", name or "a modem that does not tell its maker")
    if reading.imei:
        yield well("imei", reading.imei)
    else:
        yield ill("imei", "no usable IMEI", "give one: `activate --imei IMEI`")
    yield _card(reading)
    if reading.locks:
        yield Finding(
            "locks",
            Health.DOUBTFUL,
            f"personalised: {', '.join(reading.locks)}",
            "only cards of its own network work; the network's unlock code ends that",
        )
    elif not reading.sim.lock:
        yield well("locks", "none")
    radio = next((problem for problem in reading.problems if "radio" in problem), None)
    if radio is not None:
        yield ill("radio", radio, "AT+CFUN=1")
    yield _signal(reading)
    yield _network(reading)


_CARD: dict[SimState, tuple[str, str]] = {
    SimState.ABSENT: ("no card", "insert a SIM; check the tray and the slot"),
    SimState.PUK: ("asks for its PUK", "unblock it in a phone with the PUK of the card's letter"),
    SimState.BUSY: ("still busy", "wait a minute; take the card out and in"),
    SimState.FAILED: ("does not work in this modem", "clean the contacts; try another card"),
    SimState.UNKNOWN: ("is not told by the modem", "update its firmware or try another modem"),
    SimState.PHONE_LOCKED: ("refused: the phone wants its first card (PS)", "insert that card"),
    SimState.NETWORK_LOCKED: ("refused: locked to another network (PN)", ""),
    SimState.SUBSET_LOCKED: ("refused: locked to another network subset (PU)", ""),
    SimState.PROVIDER_LOCKED: ("refused: locked to another service provider (PP)", ""),
    SimState.CORPORATE_LOCKED: ("refused: locked to another corporation (PC)", ""),
}


def _card(reading: Reading) -> Finding:
    if reading.sim is SimState.READY:
        if not reading.imsi:
            return Finding("sim", Health.DOUBTFUL, "ready, but its IMSI is not readable")
        return well("sim", f"ready, home network {reading.home_plmn or 'not known'}")
    if reading.sim is SimState.PIN:
        tries = "" if reading.pin_tries is None else f", {reading.pin_tries} tries left"
        return ill(
            "sim", f"asks for its PIN{tries}", "switch the PIN off in a phone, or enter it there"
        )
    seen, mend = _CARD[reading.sim]
    return ill("sim", f"the card {seen}", mend or "insert a card of the right network")


def _signal(reading: Reading) -> Finding:
    if reading.signal_dbm is None:
        return Finding("signal", Health.DOUBTFUL, "none measured", "check the antenna")
    if reading.signal_dbm < WEAK_DBM:
        return Finding(
            "signal", Health.DOUBTFUL, f"{reading.signal_dbm} dBm, weak", "check the antenna"
        )
    return well("signal", f"{reading.signal_dbm} dBm")


def _network(reading: Reading) -> Finding:
    state = reading.registration
    if state.registered and reading.serving is not None:
        return well("network", f"{reading.serving} {reading.operator}".strip() + f", {state.value}")
    if state.registered:
        return ill("network", "registered, but its PLMN is not told", "AT+COPS=3,2; AT+COPS?")
    if state is Registration.DENIED:
        return ill("network", "denied", "the network refuses this card or IMEI: try another")
    if state is Registration.SEARCHING:
        return ill("network", "searching", "wait a minute; check antenna and bands")
    return ill("network", f"not registered ({state.value})", "check card, antenna and AT+COPS?")
