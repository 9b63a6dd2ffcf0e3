"""Registration, operator, scan, signal, indicators.

Source: 3GPP TS 27.007, 7.2, 7.3, 7.21, 8.5, 8.9, 8.10, 8.69, 10.1.20, 10.1.22, 10.1.47.
"""

from __future__ import annotations

from collections.abc import Callable

from firmware_sim.modem.at.alphabet import to_septets
from firmware_sim.modem.at.command import Command
from firmware_sim.modem.at.results import CmeError
from firmware_sim.modem.virtual import reports
from firmware_sim.modem.virtual.outcome import (
    Device,
    Outcome,
    Refused,
    Verbs,
    number,
    ok,
    says,
    text,
)
from firmware_sim.modem.virtual.standing import (
    SimState,
    camped,
    network_of,
    registered,
    sim_of,
    sim_state,
)
from firmware_sim.modem.virtual.state import ModemState, Network


def _registration(name: str, highest: int) -> Verbs:
    def read(device: Device, _command: Command) -> Outcome:
        mode = device.session.reports[name]
        return Outcome(
            [f"{name}: {mode},{reports.registration_text(camped(device.state), name, mode)}"]
        )

    def put(device: Device, command: Command) -> Outcome:
        device.session.reports[name] = number(command.fields, 0, range(highest + 1), default=0)
        return Outcome()

    return Verbs(read=read, set=put, test=says(f"{name}: (0-{highest})"))


def _spelled(network: Network, form: int, charset: str) -> str:
    name = (network.long_name, network.short_name, network.plmn)[form]
    if form == 2:
        return name  # digits are no text of the character set. TS 27.007, 7.3.
    return in_charset(name, charset)


def in_charset(name: str, charset: str) -> str:
    """A name as the set of +CSCS writes it; what a set lacks becomes `?`."""
    if charset == "UCS2":
        return name.encode("utf-16-be").hex().upper()
    if charset == "UTF-8":
        return name
    if charset == "GSM":
        return to_septets(name).decode("ascii")
    return name.encode("ascii", "replace").decode("ascii")


def _operator(device: Device, _command: Command) -> Outcome:
    network, mode = network_of(device.state), _mode(device.state)
    if network is None:
        return Outcome([f"+COPS: {mode}"])
    form = device.session.operator_format
    spelled = _spelled(network, form, device.session.charset)
    return Outcome([f'+COPS: {mode},{form},"{spelled}",{network.access}'])


def _mode(state: ModemState) -> int:
    if state.detached:
        return 2
    return 1 if state.chosen else 0


def _scan(device: Device, _command: Command) -> Outcome:
    if device.state.functionality != 1:
        raise Refused(CmeError.NOT_ALLOWED)
    here, sim = network_of(device.state), sim_of(device.state)
    rows = []
    for network in device.state.networks:
        # <stat>: 1 available, 2 current, 3 forbidden.
        barred = network.forbidden or (sim is not None and network.plmn in sim.forbidden)
        stat = 2 if network is here else 3 if barred else 1
        long_name, short_name = (_spelled(network, form, device.session.charset) for form in (0, 1))
        rows.append(f'({stat},"{long_name}","{short_name}","{network.plmn}",{network.access})')
    listed = ",".join([*rows, "", "(0-4)", "(0-2)"])
    return Outcome([f"+COPS: {listed}"], after_ms=device.state.scan_ms)


def _select(device: Device, command: Command) -> Outcome:
    fields, state, session = command.fields, device.state, device.session
    mode = number(fields, 0, range(5), default=0)
    form = number(fields, 1, range(3), default=session.operator_format)
    if mode == 3:
        session.operator_format = number(fields, 1, range(3))
        return Outcome()
    if mode == 2:
        state.detached = True
        return Outcome()
    stands = sim_state(state)
    if stands is not SimState.READY:
        device.open_sim()
        raise Refused(CmeError.NOT_ALLOWED)
    session.operator_format = form
    if mode == 0:
        state.detached, state.chosen = False, None
        return Outcome()
    wanted = text(fields, 2)
    found = next((network for network in state.networks if _named(network, form, wanted)), None)
    if found is None:
        if mode == 4:  # manual, automatic when that fails
            state.detached, state.chosen = False, None
            return Outcome()
        raise Refused(CmeError.NO_SERVICE)
    sim = sim_of(state)
    if found.forbidden or (sim is not None and found.plmn in sim.forbidden):
        raise Refused(CmeError.EMERGENCY_ONLY)
    state.detached, state.chosen = False, found.plmn
    return Outcome()


def _named(network: Network, form: int, wanted: str) -> bool:
    name = (network.long_name, network.short_name, network.plmn)[form]
    return wanted in (name, in_charset(name, "UCS2"))


def _names(device: Device, _command: Command) -> Outcome:
    return Outcome([f'+COPN: "{row.plmn}","{row.long_name}"' for row in device.state.networks])


def _preferred(device: Device, _command: Command) -> Outcome:
    device.open_sim()
    return Outcome()


def _signal(device: Device, _command: Command) -> Outcome:
    return Outcome([f"+CSQ: {reports.rssi(device.state)},99"])


def _signal_all(device: Device, _command: Command) -> Outcome:
    return Outcome([f"+CESQ: {reports.signal_all(device.state)}"])


_INDICATORS: tuple[tuple[str, str, Callable[[ModemState], int]], ...] = (
    ("battchg", "(0-5)", lambda state: min(5, state.battery // 17)),
    ("signal", "(0-5)", reports.bars),
    ("service", "(0-1)", lambda state: int(registered(state))),
    ("call", "(0-1)", lambda _state: 0),
    ("roam", "(0-1)", reports.roaming),
)


def _indicators(device: Device, _command: Command) -> Outcome:
    return Outcome(["+CIND: " + ",".join(str(value(device.state)) for _, _, value in _INDICATORS)])


def _report_indicators(device: Device, command: Command) -> Outcome:
    fields = command.fields
    mode = number(fields, 0, range(4), default=0)
    device.session.indicator_reports = mode > 0 and number(fields, 3, range(3), default=0) > 0
    return Outcome()


def _report_mode(device: Device, _command: Command) -> Outcome:
    on = device.session.indicator_reports
    return Outcome([f"+CMER: {3 if on else 0},0,0,{int(on)},0"])


TABLE: dict[str, Verbs] = {
    "+CREG": _registration("+CREG", 3),
    "+CGREG": _registration("+CGREG", 3),
    "+CEREG": _registration("+CEREG", 3),
    "+C5GREG": _registration("+C5GREG", 3),
    "+COPS": Verbs(read=_operator, set=_select, test=_scan),
    "+COPN": Verbs(execute=_names, test=ok),
    "+CPOL": Verbs(read=_preferred, test=says("+CPOL: (1-8),(0-2)")),
    "+CSQ": Verbs(execute=_signal, test=says("+CSQ: (0-31,99),(0-7,99)")),
    "+CESQ": Verbs(
        execute=_signal_all,
        test=says("+CESQ: (0-63,99),(0-7,99),(0-96,255),(0-49,255),(0-34,255),(0-97,255)"),
    ),
    "+CIND": Verbs(
        read=_indicators,
        test=says("+CIND: " + ",".join(f'("{name}",{span})' for name, span, _ in _INDICATORS)),
    ),
    "+CMER": Verbs(
        read=_report_mode,
        set=_report_indicators,
        test=says("+CMER: (0-3),(0),(0),(0-1),(0)"),
    ),
}
