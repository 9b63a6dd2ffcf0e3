"""The state of a virtual modem as plain values, for a person or a program that asks."""

from __future__ import annotations

from firmware_sim.modem.virtual.machine import VirtualModem
from firmware_sim.modem.virtual.reports import clock_text
from firmware_sim.modem.virtual.standing import network_of, registration, sim_of, sim_state


def described(modem: VirtualModem) -> dict[str, object]:
    """Everything a rig wants to know at a glance; JSON can hold it."""
    state = modem.state
    network, sim = network_of(state), sim_of(state)
    return {
        "profile": modem.profile.name,
        "imei": state.imei,
        "imeisv": state.imeisv,
        "slot": state.slot,
        "sim": sim_state(state).value,
        "imsi": sim.imsi if sim else None,
        "iccid": sim.iccid if sim else None,
        "pin_tries": sim.pin.tries if sim else None,
        "puk_tries": sim.pin.puk_tries if sim else None,
        "locks": {kind.value: list(lock.codes) for kind, lock in state.locks.items()},
        "registration": registration(state).name.lower(),
        "serving": network.plmn if network else None,
        "in_reach": [row.plmn for row in state.networks],
        "operator": network.long_name if network else None,
        "access": network.access.name.lower() if network else None,
        "signal_dbm": state.signal_dbm,
        "clock": clock_text(state.clock, modem.now),
        "functionality": state.functionality,
    }
