"""What follows from the state: the secret asked for, the registration, the serving network."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from firmware_sim.modem.at.results import CmeError
from firmware_sim.modem.virtual.state import (
    Access,
    Lock,
    LockKind,
    ModemState,
    Network,
    Registration,
    Sim,
)


class SimState(enum.Enum):
    """What +CPIN? says; the value is its <code>. Source: 3GPP TS 27.007, 8.3."""

    READY = "READY"
    PIN = "SIM PIN"
    PUK = "SIM PUK"
    NETWORK_PIN = "PH-NET PIN"
    NETWORK_PUK = "PH-NET PUK"
    SUBSET_PIN = "PH-NETSUB PIN"
    SUBSET_PUK = "PH-NETSUB PUK"
    PROVIDER_PIN = "PH-SP PIN"
    PROVIDER_PUK = "PH-SP PUK"
    CORPORATE_PIN = "PH-CORP PIN"
    CORPORATE_PUK = "PH-CORP PUK"
    # The three below are no <code>: +CPIN? answers with +CME ERROR 10, 13 and 13.
    ABSENT = "NOT INSERTED"
    BLOCKED = "BLOCKED"
    OFF = "NOT READY"


WAITS_FOR: dict[LockKind, tuple[SimState, SimState]] = {
    LockKind.NETWORK: (SimState.NETWORK_PIN, SimState.NETWORK_PUK),
    LockKind.SUBSET: (SimState.SUBSET_PIN, SimState.SUBSET_PUK),
    LockKind.PROVIDER: (SimState.PROVIDER_PIN, SimState.PROVIDER_PUK),
    LockKind.CORPORATE: (SimState.CORPORATE_PIN, SimState.CORPORATE_PUK),
}

REFUSES_WITH: dict[SimState, CmeError] = {
    SimState.PIN: CmeError.SIM_PIN,
    SimState.PUK: CmeError.SIM_PUK,
    SimState.NETWORK_PIN: CmeError.NETWORK_PIN,
    SimState.NETWORK_PUK: CmeError.NETWORK_PUK,
    SimState.SUBSET_PIN: CmeError.SUBSET_PIN,
    SimState.SUBSET_PUK: CmeError.SUBSET_PUK,
    SimState.PROVIDER_PIN: CmeError.PROVIDER_PIN,
    SimState.PROVIDER_PUK: CmeError.PROVIDER_PUK,
    SimState.CORPORATE_PIN: CmeError.CORPORATE_PIN,
    SimState.CORPORATE_PUK: CmeError.CORPORATE_PUK,
    SimState.ABSENT: CmeError.SIM_NOT_INSERTED,
    SimState.BLOCKED: CmeError.SIM_FAILURE,
    SimState.OFF: CmeError.SIM_FAILURE,
}
"""What a command that needs the SIM gives in each state but READY."""


def sim_of(state: ModemState) -> Sim | None:
    """The card in the slot that is in use; None for an empty slot."""
    return state.sims[state.slot] if state.slot < len(state.sims) else None


def lets_in(lock: Lock, sim: Sim) -> bool:
    """Whether a card passes a personalisation. Source: 3GPP TS 22.022, clauses 5 to 8."""
    home = sim.home
    subset = sim.imsi[len(home) : len(home) + 2]
    code = {
        LockKind.NETWORK: home,
        LockKind.SUBSET: f"{home}:{subset}",
        LockKind.PROVIDER: f"{home}:{sim.gid1}",
        LockKind.CORPORATE: f"{home}:{sim.gid1}:{sim.gid2}",
    }[lock.kind]
    return code.upper() in {allowed.upper() for allowed in lock.codes}


def blocking_lock(state: ModemState) -> Lock | None:
    """The first engaged personalisation that does not let the card in, in the order PN PU PP PC."""
    sim = sim_of(state)
    if sim is None or not state.locks:
        return None
    for kind in LockKind:
        lock = state.locks.get(kind)
        if lock is not None and lock.key.asked and not lets_in(lock, sim):
            return lock
    return None


def sim_state(state: ModemState) -> SimState:
    """What the modem waits for before it can use the card."""
    sim = sim_of(state)
    if state.functionality == 0:
        return SimState.OFF
    if sim is None:
        return SimState.ABSENT
    if sim.pin.puk_tries == 0:
        return SimState.BLOCKED
    if sim.pin.tries == 0:
        return SimState.PUK
    if sim.pin.asked and not sim.pin.given:
        return SimState.PIN
    lock = blocking_lock(state)
    if lock is None:
        return SimState.READY
    pin, puk = WAITS_FOR[lock.kind]
    return pin if lock.key.tries else puk


def _found(state: ModemState) -> Network | None:
    plmn = state.chosen or state.serving
    return next((network for network in state.networks if network.plmn == plmn), None)


def registration(state: ModemState) -> Registration:
    """The <stat> that the modem reports."""
    if state.functionality != 1 or state.detached or sim_state(state) is not SimState.READY:
        return Registration.IDLE
    if state.searching_until is not None:
        return Registration.SEARCHING
    if state.registration is not None:
        return state.registration
    network, sim = _found(state), sim_of(state)
    if network is None or sim is None:
        return Registration.SEARCHING
    if network.forbidden or network.plmn in sim.forbidden:
        return Registration.DENIED
    at_home = network.plmn == sim.home or network.plmn in sim.equivalent
    return Registration.HOME if at_home else Registration.ROAMING


def registered(state: ModemState) -> bool:
    """Whether the modem has normal service."""
    return registration(state) in (Registration.HOME, Registration.ROAMING)


def network_of(state: ModemState) -> Network | None:
    """The network the modem is registered on, or None."""
    return _found(state) if registered(state) else None


_EPS = (Access.LTE, Access.NB_IOT, Access.EN_DC)
_5GS = (Access.LTE_5GC, Access.NR, Access.NG_RAN)


@dataclass(frozen=True, slots=True)
class Camped:
    """What the modem reports about its network at one instant; worked out once for all."""

    stat: Registration
    network: Network | None
    attached: bool
    reject_cause: int


def camped(state: ModemState) -> Camped:
    """Registration and network together."""
    stat = registration(state)
    on_network = stat in (Registration.HOME, Registration.ROAMING)
    return Camped(stat, _found(state) if on_network else None, state.attached, state.reject_cause)


def domain_registration(camp: Camped, command: str) -> Registration:
    """The <stat> for one of +CREG, +CGREG, +CEREG, +C5GREG.

    EPS and 5GS are reported only on a cell of theirs. Off a network the state of the search
    is the same for all. On NR alone there is no circuit-switched and no GPRS registration.
    """
    network = camp.network
    if network is None:
        return camp.stat
    if command != "+CREG" and not camp.attached:
        return Registration.IDLE
    if command == "+CEREG":
        belongs = network.access in _EPS
    elif command == "+C5GREG":
        belongs = network.access in _5GS
    else:
        belongs = network.access not in _5GS
    return camp.stat if belongs else Registration.IDLE
