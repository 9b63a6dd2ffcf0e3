"""Changing the state by name: `registration=denied`, `sim=none`, `lock.PN=26202`.

Names and values are the command line's; reports to the program follow from the change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from firmware_sim.errors import UsageError
from firmware_sim.modem.virtual.defaults import imsi_of, make_sim, networks_around, plmn_or_none
from firmware_sim.modem.virtual.standing import sim_of
from firmware_sim.modem.virtual.state import (
    Access,
    Cell,
    Clock,
    Lock,
    LockKind,
    ModemState,
    Network,
    Registration,
    Secret,
    Sim,
)

_Member = TypeVar("_Member", Registration, Access)


@dataclass(frozen=True, slots=True)
class Setting:
    """One name: what it is, how its values are written, what it does."""

    name: str
    values: str
    change: Callable[[ModemState, str, int], None]


def apply(state: ModemState, name: str, value: str, now: int) -> None:
    """Change one thing. Raises: UsageError: no such name, or the value is not one of its."""
    setting = SETTINGS.get(name)
    if setting is None:
        raise UsageError("modem", f"no setting {name!r}; there are: {', '.join(sorted(SETTINGS))}")
    try:
        setting.change(state, value, now)
    except ValueError as cause:
        raise UsageError("modem", f"{name}={value}: {cause}; values: {setting.values}") from cause


def moved(state: ModemState, serving: str | None) -> None:
    """Another place: other networks, and what the old one answered is forgotten."""
    plmn = plmn_or_none(serving)
    state.registration = None
    state.serving = plmn
    if plmn is None:
        state.networks = []
    elif not any(network.plmn == plmn for network in state.networks):
        state.networks = networks_around(plmn)


def _serving(state: ModemState, value: str, _now: int) -> None:
    try:
        moved(state, value)
    except UsageError as cause:
        raise ValueError(cause.text) from cause


def _registration(state: ModemState, value: str, _now: int) -> None:
    state.registration = None if value == "auto" else _named(Registration, value)


def _signal(state: ModemState, value: str, _now: int) -> None:
    if value == "none":
        state.signal_dbm = None
        return
    dbm = int(value)
    if not -140 <= dbm <= -20:
        raise ValueError("out of range")
    state.signal_dbm = dbm


def _network(state: ModemState) -> Network:
    plmn = state.chosen or state.serving
    for network in state.networks:
        if network.plmn == plmn:
            return network
    raise ValueError("there is no serving network")


def _access(state: ModemState, value: str, _now: int) -> None:
    _network(state).access = _named(Access, value)


def _area(state: ModemState, value: str, _now: int) -> None:
    here = _network(state)
    here.cell = Cell(_hex(value, 24), here.cell.cell, here.cell.routing)


def _cell(state: ModemState, value: str, _now: int) -> None:
    here = _network(state)
    here.cell = Cell(here.cell.area, _hex(value, 36), here.cell.routing)


def _operator(state: ModemState, value: str, _now: int) -> None:
    here = _network(state)
    here.long_name, here.short_name = value[:24], value[:10]


def _forbidden(state: ModemState, value: str, _now: int) -> None:
    names = set() if value == "none" else {_plmn(part) for part in value.split(",")}
    for network in state.networks:
        network.forbidden = network.plmn in names


def _hex(value: str, bits: int) -> int:
    number = int(value, 16)
    if not 0 <= number < 1 << bits:
        raise ValueError(f"more than {bits} bits")
    return number


def _sim(state: ModemState, value: str, _now: int) -> None:
    while len(state.sims) <= state.slot:
        state.sims.append(None)
    if value == "none":
        state.sims[state.slot] = None
        return
    state.sims[state.slot] = make_sim(_plmn(value), slot=state.slot)


def _plmn(value: str) -> str:
    try:
        plmn = plmn_or_none(value)
    except UsageError as cause:
        raise ValueError(cause.text) from cause
    if plmn is None:
        raise ValueError("not a PLMN")
    return plmn


def _slot(state: ModemState, value: str, _now: int) -> None:
    slot = int(value)
    if not 0 <= slot < max(2, len(state.sims)):
        raise ValueError("no such slot")
    state.slot = slot


def _card(state: ModemState) -> Sim:
    sim = sim_of(state)
    if sim is None:
        raise ValueError("there is no SIM")
    return sim


def _pin(state: ModemState, value: str, _now: int) -> None:
    pin = _card(state).pin
    if value == "off":
        pin.asked = False
        return
    if not (value.isascii() and value.isdigit() and 4 <= len(value) <= 8):
        raise ValueError("a PIN has 4 to 8 digits")
    pin.asked, pin.given, pin.code, pin.tries = True, False, value, pin.most


def _pin_tries(state: ModemState, value: str, _now: int) -> None:
    pin = _card(state).pin
    pin.tries = _within(value, pin.most)


def _puk(state: ModemState, value: str, _now: int) -> None:
    if not (value.isascii() and value.isdigit() and len(value) == 8):
        raise ValueError("a PUK has 8 digits")
    _card(state).pin.puk = value


def _puk_tries(state: ModemState, value: str, _now: int) -> None:
    pin = _card(state).pin
    pin.puk_tries = _within(value, pin.most_puk)


def _within(value: str, most: int) -> int:
    tries = int(value)
    if not 0 <= tries <= most:
        raise ValueError(f"0 to {most}")
    return tries


def _imsi(state: ModemState, value: str, _now: int) -> None:
    if not (value.isascii() and value.isdigit() and 6 <= len(value) <= 15):
        raise ValueError("an IMSI has up to 15 digits")
    _card(state).imsi = imsi_of(value)


def _mnc_length(state: ModemState, value: str, _now: int) -> None:
    if value not in ("2", "3", "none"):
        raise ValueError("2, 3 or none")
    _card(state).mnc_length = None if value == "none" else int(value)


def _provider(state: ModemState, value: str, _now: int) -> None:
    _card(state).provider = value[:16]


def _msisdn(state: ModemState, value: str, _now: int) -> None:
    if value.removeprefix("+") and not value.removeprefix("+").isdigit():
        raise ValueError("a number in digits")
    _card(state).msisdn = value[:21]


_PARTS = {
    LockKind.NETWORK: 0,
    LockKind.SUBSET: 1,
    LockKind.PROVIDER: 1,
    LockKind.CORPORATE: 2,
}
"""How many parts a code has behind the PLMN: two IMSI digits, GID1, GID1 and GID2."""


def _lock(kind: LockKind) -> Callable[[ModemState, str, int], None]:
    def change(state: ModemState, value: str, _now: int) -> None:
        codes, _, key = value.partition("/")
        if codes == "off":
            state.locks.pop(kind, None)
            return
        for code in codes.split("+"):
            plmn, *more = code.split(":")
            _plmn(plmn)
            if len(more) != _PARTS[kind]:
                raise ValueError(f"{code}: {_PARTS[kind]} parts follow the PLMN")
        if key and not (key.isdigit() and 6 <= len(key) <= 16):
            raise ValueError("a control key has 6 to 16 digits")
        secret = Secret(code=key or "12345678", asked=True, tries=10, most=10)
        state.locks[kind] = Lock(kind, secret, tuple(codes.split("+")))

    return change


def _imei(state: ModemState, value: str, _now: int) -> None:
    if not (value.isascii() and value.isdigit() and len(value) == 15):
        raise ValueError("15 digits")
    state.imei = value


def _clock(state: ModemState, value: str, now: int) -> None:
    state.clock = _parsed(value, now, by_network=False)


def _nitz(state: ModemState, value: str, now: int) -> None:
    told = _parsed(value, now, by_network=True)
    if state.zone_update:
        state.clock = told


def _parsed(value: str, now: int, *, by_network: bool) -> Clock:
    moment = datetime.fromisoformat(value)
    offset = moment.utcoffset()
    minutes = int(offset.total_seconds()) // 60 if offset else 0
    local = int((moment.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds())
    return Clock(local, now, minutes // 15, by_network=by_network)


def _functionality(state: ModemState, value: str, _now: int) -> None:
    if value not in ("0", "1", "4"):
        raise ValueError("0, 1 or 4")
    state.functionality = int(value)


def _battery(state: ModemState, value: str, _now: int) -> None:
    state.battery = _within(value, 100)


def _search(state: ModemState, value: str, _now: int) -> None:
    state.search_ms = _within(value, 600_000)


def _scan(state: ModemState, value: str, _now: int) -> None:
    state.scan_ms = _within(value, 600_000)


def _cause(state: ModemState, value: str, _now: int) -> None:
    state.reject_cause = _within(value, 255)


def _named(kind: type[_Member], value: str) -> _Member:
    try:
        return kind[value.upper().replace("-", "_")]
    except KeyError:
        raise ValueError("no such value") from None


_WORDS = "|".join(member.name.lower() for member in Registration)
_ACCESSES = "|".join(member.name.lower() for member in Access)

SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("access", _ACCESSES, _access),
        Setting("area", "hex digits", _area),
        Setting("battery", "0..100", _battery),
        Setting("cell", "hex digits", _cell),
        Setting("clock", "2026-11-26T09:41:00+01:00", _clock),
        Setting("forbidden", "PLMN,PLMN... or none", _forbidden),
        Setting("functionality", "0|1|4", _functionality),
        Setting("imei", "15 digits", _imei),
        Setting("imsi", "up to 15 digits", _imsi),
        Setting("mnc_length", "2|3|none", _mnc_length),
        Setting("msisdn", "digits, + in front when international", _msisdn),
        Setting("nitz", "2026-11-26T09:41:00+01:00", _nitz),
        Setting("operator", "a name", _operator),
        Setting("pin", "off or 4 to 8 digits", _pin),
        Setting("pin.tries", "0..3", _pin_tries),
        Setting("provider", "a name of up to 16 letters", _provider),
        Setting("puk", "8 digits", _puk),
        Setting("puk.tries", "0..10", _puk_tries),
        Setting("registration", f"auto|{_WORDS}", _registration),
        Setting("reject_cause", "0..255", _cause),
        Setting("scan_ms", "0..600000", _scan),
        Setting("search_ms", "0..600000", _search),
        Setting("serving", "PLMN or none", _serving),
        Setting("signal", "-140..-20 or none", _signal),
        Setting("sim", "PLMN or none", _sim),
        Setting("slot", "0|1", _slot),
        *(
            Setting(f"lock.{kind.value}", "off or CODE+CODE...[/KEY]", _lock(kind))
            for kind in LockKind
        ),
    )
}
"""Name -> setting. `fault` is the machine's own."""
