"""From what the modem says to what the handset takes as evidence: the two meet only here."""

from __future__ import annotations

from firmware_sim.handset.evidence import Evidence, SimCondition
from firmware_sim.modem.reading import ACCESS, Reading, SimState
from firmware_sim_protocol.values import Cell, Gnss

_CONDITIONS = {
    SimState.READY: SimCondition.READY,
    SimState.ABSENT: SimCondition.ABSENT,
    SimState.PIN: SimCondition.PIN,
    SimState.PUK: SimCondition.PUK,
    SimState.PHONE_LOCKED: SimCondition.LOCKED,
    SimState.NETWORK_LOCKED: SimCondition.LOCKED,
    SimState.SUBSET_LOCKED: SimCondition.LOCKED,
    SimState.PROVIDER_LOCKED: SimCondition.LOCKED,
    SimState.CORPORATE_LOCKED: SimCondition.LOCKED,
}
_ACCESS_NUMBERS = {name: number for number, name in ACCESS.items()}
# Bars are the phone maker's choice; no standard gives them. RSSI in dBm, lower edge of each.
_BARS = ((-75, 4), (-85, 3), (-95, 2), (-105, 1))


def evidence_of(
    reading: Reading, gnss: Gnss | None = None, wifi_country: str | None = None
) -> Evidence:
    """The evidence in one reading; a GNSS fix and a Wi-Fi country come from other receivers."""
    return Evidence(
        imei=reading.imei or None,
        serving=reading.serving,
        sim=reading.home_plmn,
        operator=reading.operator or reading.serving or "",
        signal=bars(reading.signal_dbm),
        cell=_cell(reading),
        gnss=gnss,
        wifi_country=wifi_country,
        sim_state=_CONDITIONS.get(reading.sim, SimCondition.UNKNOWN),
        sim_lock=reading.sim.lock,
        pin_tries=reading.pin_tries,
        registered=reading.registration.registered,
    )


def bars(signal_dbm: int | None) -> int:
    """0 to 4 bars for a received signal strength in dBm."""
    if signal_dbm is None:
        return 0
    return next((count for edge, count in _BARS if signal_dbm >= edge), 0)


def _cell(reading: Reading) -> Cell | None:
    if reading.cell is None or reading.access is None:
        return None
    try:
        area, cell = int(reading.cell.area, 16), int(reading.cell.id, 16)
    except ValueError:
        return None  # the modem's own field was not hexadecimal: no evidence, no failure
    return Cell(access=_ACCESS_NUMBERS[reading.access], area=area, cell=cell)
