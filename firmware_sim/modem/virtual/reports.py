"""What is told unasked, and the texts that answers and reports share.

`look` notes what a program could see; two looks compared give the unsolicited codes.
Source: 3GPP TS 27.007, 7.2 (+CREG), 8.5, 8.10 (+CIEV), 8.41 (+CTZV, +CTZE), 8.69 (+CESQ).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from firmware_sim.modem.virtual.outcome import Device
from firmware_sim.modem.virtual.profile import Profile
from firmware_sim.modem.virtual.standing import (
    Camped,
    SimState,
    camped,
    domain_registration,
    network_of,
    registration,
    sim_of,
    sim_state,
)
from firmware_sim.modem.virtual.state import Access, Clock, ModemState, Registration

DOMAINS = ("+CREG", "+CGREG", "+CEREG", "+C5GREG")
_EPOCH = datetime(1970, 1, 1)


def registration_text(camp: Camped, command: str, mode: int) -> str:
    """`stat[,"lac","ci",AcT...]` as a read gives behind <n>, and as a report gives alone."""
    stat = domain_registration(camp, command)
    if mode < 2:
        return str(int(stat))
    network = camp.network
    if network is None or stat not in (Registration.HOME, Registration.ROAMING):
        if mode == 3 and stat is Registration.DENIED:
            # <cause_type> 0: the cause is one of TS 24.008, annex G.
            return f"{int(stat)},,,,0,{camp.reject_cause}"
        return str(int(stat))
    cell, access = network.cell, network.access
    if command == "+C5GREG":
        # A TAC of 5GS has three bytes, a cell five; one slice, SST 1. TS 27.007, 10.1.47.
        return f'{int(stat)},"{cell.area:06X}","{cell.cell:010X}",{int(access)},1,"01"'
    width = 4 if access in (Access.GSM, Access.GSM_COMPACT, Access.EDGE) else 8
    here = f'{int(stat)},"{cell.area:04X}","{cell.cell % 16**width:0{width}X}",{int(access)}'
    if command == "+CGREG" and access <= Access.HSPA:
        here += f',"{cell.routing:02X}"'
    return here


def rssi(state: ModemState) -> int:
    """<rssi> 0..31 of +CSQ, 99 when there is nothing to measure. Source: TS 27.007, 8.5."""
    if state.signal_dbm is None or state.functionality != 1 or state.serving is None:
        return 99
    return max(0, min(31, (state.signal_dbm + 113) // 2))


def signal_all(state: ModemState) -> str:
    """The six values of +CESQ: only those of the technology in use are known."""
    network = network_of(state)
    if network is None or state.signal_dbm is None:
        return "99,99,255,255,255,255"
    dbm = state.signal_dbm
    if network.access in (Access.GSM, Access.GSM_COMPACT, Access.EDGE):
        return f"{max(0, min(63, dbm + 111))},99,255,255,255,255"
    if network.access <= Access.HSPA:
        return f"99,99,{max(0, min(96, dbm + 121))},40,255,255"
    # RSRP is the power of one resource element: 30 dB below the RSSI of a 10 MHz cell.
    return f"99,99,255,255,24,{max(0, min(97, dbm - 30 + 141))}"


def bars(state: ModemState) -> int:
    """Signal as 0..5."""
    value = rssi(state)
    return 0 if value == 99 else min(5, (value + 5) // 6)


def roaming(state: ModemState) -> int:
    """1 while roaming."""
    return int(registration(state) is Registration.ROAMING)


def clock_text(clock: Clock, now: int) -> str:
    """`yy/MM/dd,hh:mm:ss+zz`: local time, zone in quarter hours. Source: TS 27.007, 8.15."""
    local = _EPOCH + timedelta(seconds=clock.read(now))
    return f"{local:%y/%m/%d,%H:%M:%S}{clock.quarters:+03d}"


@dataclass(frozen=True, slots=True)
class Look:
    """What a program on the port could know at one instant."""

    registrations: tuple[tuple[str, str], ...]
    """For each domain: the text of mode 1 and of mode 3."""
    sim: SimState
    slot: int
    zone: tuple[int, int]
    indicators: tuple[int, int, int]


def look(device: Device) -> Look:
    """Note it."""
    state = device.state
    camp = camped(state)
    return Look(
        tuple(
            (registration_text(camp, name, 1), registration_text(camp, name, 3)) for name in DOMAINS
        ),
        sim_state(state),
        state.slot,
        (state.clock.quarters, state.clock.daylight),
        (
            bars(state),
            int(camp.network is not None),
            int(camp.stat is Registration.ROAMING),
        ),
    )


def changes(device: Device, before: Look, after: Look) -> list[str]:
    """The unsolicited codes that this program asked for, in the order they happen."""
    session, lines = device.session, []
    if before.sim is not after.sim or before.slot != after.slot:
        lines += _sim_lines(device.state, device.profile, before, after)
    for index, name in enumerate(DOMAINS):
        mode = session.reports[name]
        old, new = before.registrations[index], after.registrations[index]
        if (mode == 1 and old[0] != new[0]) or (mode > 1 and old[1] != new[1]):
            lines.append(f"{name}: {registration_text(camped(device.state), name, mode)}")
    if before.zone != after.zone:
        lines += zone_lines(device)
    if session.indicator_reports:
        # <ind> counts from 1 in the order of +CIND=?: signal 2, service 3, roam 5.
        for number, old_value, new_value in zip(
            (2, 3, 5), before.indicators, after.indicators, strict=True
        ):
            if old_value != new_value:
                lines.append(f"+CIEV: {number},{new_value}")
    return lines


_CODES = tuple(stands for stands in SimState if stands.value.endswith((" PIN", " PUK")))


def _sim_lines(state: ModemState, profile: Profile, before: Look, after: Look) -> list[str]:
    gone, new = (SimState.ABSENT, SimState.OFF), after.sim
    if new is SimState.ABSENT:
        return [profile.sim_removed] if profile.sim_removed and before.sim is not new else []
    if before.sim in _CODES and new is SimState.READY and profile.sim_ready:
        return [profile.sim_ready]
    another = before.sim in gone or before.slot != after.slot
    if another and new is not SimState.OFF and sim_of(state) is not None:
        template = profile.sim_inserted
        return [template.replace("{sim_state}", new.value)] if template else []
    return []


def zone_lines(device: Device) -> list[str]:
    """The report of a changed time zone. Source: 3GPP TS 27.007, 8.41."""
    clock, mode = device.state.clock, device.session.zone_reports
    zone = f"{clock.quarters:+03d}"
    local = _EPOCH + timedelta(seconds=clock.read(device.now))
    universal = local - timedelta(minutes=15 * clock.quarters)
    match mode:
        case 1:
            return [f'+CTZV: "{zone}"']
        case 2:
            return [f'+CTZE: "{zone}",{clock.daylight},"{local:%Y/%m/%d,%H:%M:%S}"']
        case 3:
            return [f'+CTZEU: "{zone}",{clock.daylight},"{universal:%Y/%m/%d,%H:%M:%S}"']
        case _:
            return []
