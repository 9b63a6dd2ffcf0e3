"""Packet service: attach, contexts. Source: 3GPP TS 27.007, 10.1."""

from __future__ import annotations

from firmware_sim.modem.at.command import Command
from firmware_sim.modem.at.results import CmeError
from firmware_sim.modem.virtual.commands.port import kept
from firmware_sim.modem.virtual.outcome import Device, Outcome, Refused, Verbs, number, says, text
from firmware_sim.modem.virtual.standing import registered
from firmware_sim.modem.virtual.state import Context

_MOST = 8


def _attach_read(device: Device, _command: Command) -> Outcome:
    return Outcome([f"+CGATT: {int(device.state.attached and registered(device.state))}"])


def _attach_set(device: Device, command: Command) -> Outcome:
    wanted = bool(number(command.fields, 0, range(2)))
    if wanted and not registered(device.state):
        raise Refused(CmeError.NO_SERVICE)
    device.state.attached = wanted
    return Outcome()


def _contexts(device: Device, _command: Command) -> Outcome:
    rows = sorted(device.state.contexts.items())
    return Outcome([f'+CGDCONT: {cid},"{row.kind}","{row.apn}","",0,0' for cid, row in rows])


def _define(device: Device, command: Command) -> Outcome:
    fields = command.fields
    cid = number(fields, 0, range(1, _MOST + 1))
    if len(fields) == 1:
        device.state.contexts.pop(cid, None)
        return Outcome()
    kind = text(fields, 1, default="IP").upper()
    if kind not in ("IP", "IPV6", "IPV4V6"):
        raise Refused(CmeError.INCORRECT_PARAMETERS)
    device.state.contexts[cid] = Context(kind, text(fields, 2, default=""))
    return Outcome()


def _active(device: Device, _command: Command) -> Outcome:
    rows = sorted(device.state.contexts.items())
    return Outcome([f"+CGACT: {cid},{int(row.active)}" for cid, row in rows])


def _activate(device: Device, command: Command) -> Outcome:
    wanted = bool(number(command.fields, 0, range(2)))
    cid = number(command.fields, 1, range(1, _MOST + 1), default=1)
    context = device.state.contexts.get(cid)
    if context is None:
        raise Refused(CmeError.INVALID_INDEX)
    if wanted and not registered(device.state):
        raise Refused(CmeError.NO_SERVICE)
    context.active = wanted
    return Outcome()


TABLE: dict[str, Verbs] = {
    "+CGATT": Verbs(read=_attach_read, set=_attach_set, test=says("+CGATT: (0,1)")),
    "+CGDCONT": Verbs(
        read=_contexts,
        set=_define,
        test=says(
            *(f'+CGDCONT: (1-{_MOST}),"{kind}",,,(0),(0)' for kind in ("IP", "IPV6", "IPV4V6"))
        ),
    ),
    "+CGACT": Verbs(read=_active, set=_activate, test=says("+CGACT: (0,1)")),
    "+CGEREP": kept("+CGEREP", "0,0", range(3), ",(0,1)"),
}
