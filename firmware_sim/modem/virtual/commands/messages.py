"""Short messages: a modem with an empty store. Nothing can be sent and nothing arrives.

Programs ask for these before they look at anything else. Source: 3GPP TS 27.005, 3.
"""

from __future__ import annotations

from firmware_sim.modem.at.command import Command
from firmware_sim.modem.at.results import CmeError
from firmware_sim.modem.virtual.commands.port import kept
from firmware_sim.modem.virtual.outcome import Device, Outcome, Refused, Verbs, number, ok, says

_STORES = ("SM", "ME", "MT")
_SLOTS = 20


def _format_read(device: Device, _command: Command) -> Outcome:
    return Outcome([f"+CMGF: {device.session.message_text}"])


def _format_set(device: Device, command: Command) -> Outcome:
    device.session.message_text = number(command.fields, 0, range(2), default=0)
    return Outcome()


def _stores_read(device: Device, _command: Command) -> Outcome:
    device.open_sim()
    return Outcome(["+CPMS: " + ",".join(f'"SM",0,{_SLOTS}' for _ in range(3))])


def _stores_set(device: Device, command: Command) -> Outcome:
    device.open_sim()
    if any(field.text not in _STORES for field in command.fields):
        raise Refused(CmeError.INCORRECT_PARAMETERS)
    return Outcome(["+CPMS: " + ",".join(f"0,{_SLOTS}" for _ in range(3))])


def _none(device: Device, _command: Command) -> Outcome:
    device.open_sim()
    return Outcome()


def _centre(device: Device, _command: Command) -> Outcome:
    device.open_sim()
    return Outcome(['+CSCA: "",129'])


_ONE = "(" + ",".join(f'"{name}"' for name in _STORES) + ")"

TABLE: dict[str, Verbs] = {
    "+CSMS": Verbs(
        read=says("+CSMS: 0,1,1,1"), set=says("+CSMS: 1,1,1"), test=says("+CSMS: (0,1)")
    ),
    "+CPMS": Verbs(read=_stores_read, set=_stores_set, test=says(f"+CPMS: {_ONE},{_ONE},{_ONE}")),
    "+CMGF": Verbs(read=_format_read, set=_format_set, test=says("+CMGF: (0,1)")),
    "+CMGL": Verbs(execute=_none, set=_none, test=says("+CMGL: (0-4)")),
    "+CNMI": kept("+CNMI", "0,0,0,0,0", range(4), ",(0-3),(0,2),(0-2),(0,1)"),
    "+CSCA": Verbs(read=_centre, test=ok),
    "+CGSMS": kept("+CGSMS", "3", range(4)),
    "+CSDH": kept("+CSDH", "0", range(2)),
}
