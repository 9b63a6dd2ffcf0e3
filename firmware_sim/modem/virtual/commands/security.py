"""Secrets and locks: +CPIN, +CPINR, +CLCK, +CPWD.

Source: 3GPP TS 27.007, 7.4, 7.5, 8.3 and 8.65; TS 22.022 (personalisation).
"""

from __future__ import annotations

from firmware_sim.modem.at.command import Command
from firmware_sim.modem.at.results import CmeError
from firmware_sim.modem.virtual import codes
from firmware_sim.modem.virtual.outcome import (
    Device,
    Outcome,
    Refused,
    Verbs,
    number,
    says,
    text,
)
from firmware_sim.modem.virtual.standing import (
    REFUSES_WITH,
    WAITS_FOR,
    SimState,
    blocking_lock,
    sim_of,
    sim_state,
)
from firmware_sim.modem.virtual.state import Lock, LockKind, Secret

_HAS_NO_CODE = (SimState.ABSENT, SimState.BLOCKED, SimState.OFF)
_PUKS = tuple(puk for _, puk in WAITS_FOR.values())

NEVER_ENGAGED = ("PS", "PF", "FD", "AO", "OI", "OX", "AI", "IR")
"""Facilities that can be asked about and are always off here."""
FACILITIES = ("SC", *NEVER_ENGAGED[:3], *(kind.value for kind in LockKind), *NEVER_ENGAGED[3:])


def _ask(device: Device, _command: Command) -> Outcome:
    stands = sim_state(device.state)
    if stands in _HAS_NO_CODE:
        raise Refused(REFUSES_WITH[stands])
    return Outcome([f"+CPIN: {stands.value}"])


def _enter(device: Device, command: Command) -> Outcome:
    stands = sim_state(device.state)
    if stands in _HAS_NO_CODE:
        raise Refused(REFUSES_WITH[stands])
    if stands is SimState.READY:
        raise Refused(CmeError.NOT_ALLOWED)
    fields = command.fields
    code = text(fields, 0)
    new = text(fields, 1, default="")
    sim = sim_of(device.state)
    assert sim is not None
    if stands is SimState.PIN:
        _must(codes.verify(sim.pin, code), device)
    elif stands is SimState.PUK:
        _legal(new)
        _must(codes.unblock(sim.pin, code, new), device)
    else:
        _personalisation(device, stands, code, new)
    return Outcome()


def _personalisation(device: Device, stands: SimState, code: str, new: str) -> None:
    lock = blocking_lock(device.state)
    assert lock is not None
    if stands in _PUKS:
        # The unblocking key gives the tries back and may set a new key. TS 22.022, 4.
        _must(codes.unblock(lock.key, code, new or lock.key.code), device)
    else:
        # The right control key takes the personalisation away. TS 22.022, 4.
        _must(codes.switch(lock.key, code, on=False), device)


def _must(good: bool, device: Device) -> None:
    """Raise what a wrong code gives: the next state if the tries are used up, else 16."""
    if good:
        return
    stands = sim_state(device.state)
    worse = stands in (SimState.PUK, SimState.BLOCKED) or stands in _PUKS
    raise Refused(REFUSES_WITH[stands] if worse else CmeError.INCORRECT_PASSWORD)


def _legal(code: str) -> None:
    # A PIN has 4 to 8 digits. Source: ETSI TS 102 221, 9.5.1.
    if not (code.isascii() and code.isdigit() and 4 <= len(code) <= 8):
        raise Refused(CmeError.INCORRECT_PARAMETERS)


def _tries(device: Device, command: Command) -> Outcome:
    device.sim()
    rows = _counters(device)
    asked = command.fields[0].text if command.fields else ""
    if asked:
        rows = [row for row in rows if row[0].startswith(asked)]
    return Outcome([f"+CPINR: {name},{left},{most}" for name, left, most in rows])


def _counters(device: Device) -> list[tuple[str, int, int]]:
    sim = sim_of(device.state)
    rows: list[tuple[str, int, int]] = []
    if sim is not None:
        rows += _pair("SIM PIN", "SIM PUK", sim.pin)
    for kind, lock in device.state.locks.items():
        pin, puk = WAITS_FOR[kind]
        rows += _pair(pin.value, puk.value, lock.key)
    return rows


def _pair(pin: str, puk: str, secret: Secret) -> list[tuple[str, int, int]]:
    return [(pin, secret.tries, secret.most), (puk, secret.puk_tries, secret.most_puk)]


def _facility(device: Device, command: Command) -> Outcome:
    fields = command.fields
    facility, mode = text(fields, 0).upper(), number(fields, 1, range(3))
    if facility not in FACILITIES:
        raise Refused(CmeError.INCORRECT_PARAMETERS)
    kind = next((kind for kind in LockKind if kind.value == facility), None)
    lock = device.state.locks.get(kind) if kind else None
    if mode == 2:
        return Outcome([f"+CLCK: {int(_engaged(device, facility, lock))}"])
    password = text(fields, 2, default="")
    if facility == "SC":
        _lock_card(device, password, on=mode == 1)
    elif kind is not None:
        _lock_equipment(device, kind, lock, password, on=mode == 1)
    else:
        raise Refused(CmeError.NOT_SUPPORTED)
    return Outcome()


def _engaged(device: Device, facility: str, lock: Lock | None) -> bool:
    if facility == "SC":
        return device.sim().pin.asked
    return lock is not None and lock.key.asked


def _lock_card(device: Device, password: str, *, on: bool) -> None:
    pin = device.open_sim().pin
    if pin.asked == on:
        # The card refuses to switch what is already so. ETSI TS 102 221, 11.1.11 and 11.1.12.
        raise Refused(CmeError.NOT_ALLOWED)
    _legal(password)
    _must(codes.switch(pin, password, on=on), device)


def _lock_equipment(
    device: Device, kind: LockKind, lock: Lock | None, password: str, *, on: bool
) -> None:
    if not password:
        raise Refused(CmeError.INCORRECT_PARAMETERS)
    if on:
        sim = device.open_sim()
        if lock is not None and lock.key.asked:
            raise Refused(CmeError.NOT_ALLOWED)
        # The codes are taken from the card that is in. Source: 3GPP TS 22.022, 5.1.
        code = _code_of(kind, sim.home, sim.imsi, sim.gid1, sim.gid2)
        key = Secret(code=password, asked=True, most=10, tries=10)
        device.state.locks[kind] = Lock(kind, key, (code,))
        return
    if lock is None or not lock.key.asked:
        raise Refused(CmeError.NOT_ALLOWED)
    if lock.key.tries == 0:
        raise Refused(REFUSES_WITH[WAITS_FOR[kind][1]])
    if not codes.switch(lock.key, password, on=False):
        spent = lock.key.tries == 0
        raise Refused(REFUSES_WITH[WAITS_FOR[kind][1]] if spent else CmeError.INCORRECT_PASSWORD)


def _code_of(kind: LockKind, home: str, imsi: str, gid1: str, gid2: str) -> str:
    match kind:
        case LockKind.NETWORK:
            return home
        case LockKind.SUBSET:
            return f"{home}:{imsi[len(home) : len(home) + 2]}"
        case LockKind.PROVIDER:
            return f"{home}:{gid1}"
        case LockKind.CORPORATE:
            return f"{home}:{gid1}:{gid2}"


def _password(device: Device, command: Command) -> Outcome:
    fields = command.fields
    facility, old, new = text(fields, 0).upper(), text(fields, 1), text(fields, 2)
    if facility != "SC":
        raise Refused(CmeError.NOT_SUPPORTED)
    pin = device.open_sim().pin
    if not pin.asked:
        # A PIN whose check is off cannot be changed. Source: ETSI TS 102 221, 11.1.10.
        raise Refused(CmeError.NOT_ALLOWED)
    _legal(new)
    _must(codes.change(pin, old, new), device)
    return Outcome()


TABLE: dict[str, Verbs] = {
    "+CPIN": Verbs(read=_ask, set=_enter, test=says()),
    "+CPINR": Verbs(execute=_tries, set=_tries, test=says()),
    "+CLCK": Verbs(
        set=_facility,
        test=says("+CLCK: (" + ",".join(f'"{name}"' for name in FACILITIES) + ")"),
    ),
    "+CPWD": Verbs(set=_password, test=says('+CPWD: ("SC",8)')),
}
