"""The words that answers of a profile may hold in braces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from firmware_sim.modem.at.results import CmeError
from firmware_sim.modem.virtual.outcome import Device, Refused
from firmware_sim.modem.virtual.reports import clock_text, rssi, signal_all
from firmware_sim.modem.virtual.standing import (
    SimState,
    blocking_lock,
    network_of,
    registered,
    registration,
    sim_of,
    sim_state,
)
from firmware_sim.modem.virtual.state import Access, LockKind, Network, Registration


def _network(device: Device) -> Network:
    network = network_of(device.state)
    if network is None:
        raise Refused(CmeError.NO_SERVICE)
    return network


def _lock_tries(device: Device, kind: LockKind, *, unblock: bool = False) -> str:
    lock = device.state.locks.get(kind)
    if lock is None:
        return "10"
    return str(lock.key.puk_tries if unblock else lock.key.tries)


def _code_tries(device: Device) -> str:
    """Tries of the code that is asked for now, "" when none is."""
    stands, card = sim_state(device.state), sim_of(device.state)
    if card is None or stands not in (SimState.PIN, SimState.PUK):
        return ""
    return str(card.pin.tries if stands is SimState.PIN else card.pin.puk_tries)


def _generation(device: Device) -> tuple[str, str]:
    """Number and name of the system as Huawei's ^SYSINFOEX counts them."""
    network = network_of(device.state)
    if network is None:
        return "0", "NO SERVICE"
    if network.access in (Access.GSM, Access.GSM_COMPACT, Access.EDGE):
        return "1", "GSM"
    if network.access <= Access.HSPA:
        return "3", "WCDMA"
    return "6", "LTE"


FACTS: Mapping[str, Callable[[Device], str]] = {
    "manufacturer": lambda device: device.profile.manufacturer,
    "model": lambda device: device.profile.model,
    "revision": lambda device: device.profile.revision,
    "imei": lambda device: device.state.imei,
    "imeisv": lambda device: device.state.imeisv,
    "svn": lambda device: device.state.software_version,
    "imsi": lambda device: device.open_sim().imsi,
    "iccid": lambda device: device.sim().iccid,
    "iccid_file": lambda device: device.sim().iccid.ljust(20, "F"),
    "provider": lambda device: device.open_sim().provider,
    "pin_tries": lambda device: str(device.sim().pin.tries),
    "puk_tries": lambda device: str(device.sim().pin.puk_tries),
    "pin_asked": lambda device: str(int(device.sim().pin.asked)),
    "pn_tries": lambda device: _lock_tries(device, LockKind.NETWORK),
    "pn_puk_tries": lambda device: _lock_tries(device, LockKind.NETWORK, unblock=True),
    "pu_tries": lambda device: _lock_tries(device, LockKind.SUBSET),
    "pp_tries": lambda device: _lock_tries(device, LockKind.PROVIDER),
    "pc_tries": lambda device: _lock_tries(device, LockKind.CORPORATE),
    "code_tries": _code_tries,
    "sim_state": lambda device: sim_state(device.state).value,
    "sim_there": lambda device: str(int(sim_of(device.state) is not None)),
    "slot": lambda device: str(device.state.slot),
    "slot_from_1": lambda device: str(device.state.slot + 1),
    "stat": lambda device: str(int(registration(device.state))),
    "registered": lambda device: str(int(registered(device.state))),
    "service": lambda device: "2" if registered(device.state) else "0",
    "roaming": lambda device: str(int(registration(device.state) is Registration.ROAMING)),
    "locked": lambda device: "1" if blocking_lock(device.state) else "2",
    "sim_1_or_255": lambda device: "255" if sim_of(device.state) is None else "1",
    "generation": lambda device: _generation(device)[0],
    "generation_name": lambda device: _generation(device)[1],
    "plmn": lambda device: _network(device).plmn,
    "mcc": lambda device: _network(device).plmn[:3],
    "mnc": lambda device: _network(device).plmn[3:],
    "operator": lambda device: _network(device).long_name,
    "area": lambda device: f"{_network(device).cell.area:04X}",
    "cell": lambda device: f"{_network(device).cell.cell:08X}",
    "area_decimal": lambda device: str(_network(device).cell.area),
    "cell_decimal": lambda device: str(_network(device).cell.cell),
    "access": lambda device: _network(device).access.name,
    "act": lambda device: str(int(_network(device).access)),
    "rssi": lambda device: str(rssi(device.state)),
    "dbm": lambda device: str(device.state.signal_dbm),
    "rsrp": lambda device: str((device.state.signal_dbm or -110) - 30),
    "cesq": lambda device: signal_all(device.state),
    "clock": lambda device: clock_text(device.state.clock, device.now),
    "functionality": lambda device: str(device.state.functionality),
}
"""Name -> its text. One that needs a card or a network refuses the command without it."""


class Facts(Mapping[str, str]):
    """The facts of one device, worked out as they are asked for."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def __getitem__(self, name: str) -> str:
        return FACTS[name](self._device)

    def __iter__(self) -> Iterator[str]:
        return iter(FACTS)

    def __len__(self) -> int:
        return len(FACTS)


def fill(template: str, device: Device) -> str:
    """The template with its facts put in. Raises: Refused: a fact needs card or network."""
    return template.format_map(Facts(device))
