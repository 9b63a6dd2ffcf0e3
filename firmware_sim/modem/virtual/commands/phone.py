"""The phone around the radio: functionality, activity, clock, battery, +CLAC.

Source: 3GPP TS 27.007, 8.1, 8.2, 8.4, 8.15, 8.37, 8.40, 8.41.
"""

from __future__ import annotations

from datetime import datetime

from firmware_sim.modem.at.command import Command
from firmware_sim.modem.at.results import CmeError, Result
from firmware_sim.modem.virtual.commands.port import kept
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
from firmware_sim.modem.virtual.reports import clock_text
from firmware_sim.modem.virtual.state import Clock

_EPOCH = datetime(1970, 1, 1)


def _level_read(device: Device, _command: Command) -> Outcome:
    return Outcome([f"+CFUN: {device.state.functionality}"])


def _level_set(device: Device, command: Command) -> Outcome:
    fields = command.fields
    level = number(fields, 0, range(5), default=1)
    if level not in (0, 1, 4):
        raise Refused(CmeError.NOT_SUPPORTED)
    reset = number(fields, 1, range(2), default=0)
    state = device.state
    if level == 0 or reset:
        for sim in state.sims:
            if sim is not None:
                sim.pin.given = False  # the card loses power, and with it the PIN
    state.functionality = level
    device.restarts = bool(reset)
    return Outcome()


def _clock_read(device: Device, _command: Command) -> Outcome:
    return Outcome([f'+CCLK: "{clock_text(device.state.clock, device.now)}"'])


def _clock_set(device: Device, command: Command) -> Outcome:
    device.state.clock = parse_clock(text(command.fields, 0), device.now)
    return Outcome()


def parse_clock(written: str, now: int) -> Clock:
    """A clock from `yy/MM/dd,hh:mm:ss[+-zz]`. Raises: Refused: it is none."""
    try:
        local = datetime.strptime(written[:17], "%y/%m/%d,%H:%M:%S")
        quarters = int(written[17:]) if len(written) > 17 else 0
    except ValueError:
        raise Refused(CmeError.INCORRECT_PARAMETERS) from None
    if not -96 <= quarters <= 96:
        raise Refused(CmeError.INCORRECT_PARAMETERS)
    return Clock(int((local - _EPOCH).total_seconds()), now, quarters)


def _zone_update(device: Device, command: Command) -> Outcome:
    device.state.zone_update = bool(number(command.fields, 0, range(2)))
    return Outcome()


def _zone_update_read(device: Device, _command: Command) -> Outcome:
    return Outcome([f"+CTZU: {int(device.state.zone_update)}"])


def _zone_reports(device: Device, command: Command) -> Outcome:
    device.session.zone_reports = number(command.fields, 0, range(4), default=0)
    return Outcome()


def _zone_reports_read(device: Device, _command: Command) -> Outcome:
    return Outcome([f"+CTZR: {device.session.zone_reports}"])


def _battery(device: Device, _command: Command) -> Outcome:
    return Outcome([f"+CBC: 0,{device.state.battery}"])


def _unlocked_call(_device: Device, _command: Command) -> Outcome:
    return Outcome(result=Result.OK)


TABLE: dict[str, Verbs] = {
    "+CFUN": Verbs(read=_level_read, set=_level_set, test=says("+CFUN: (0,1,4),(0-1)")),
    "+CPAS": Verbs(execute=says("+CPAS: 0"), test=says("+CPAS: (0,2,3,4)")),
    "+CCLK": Verbs(read=_clock_read, set=_clock_set, test=ok),
    "+CTZU": Verbs(read=_zone_update_read, set=_zone_update, test=says("+CTZU: (0-1)")),
    "+CTZR": Verbs(read=_zone_reports_read, set=_zone_reports, test=says("+CTZR: (0-3)")),
    "+CBC": Verbs(execute=_battery, test=says("+CBC: (0-3),(0-100)")),
    "+CHUP": Verbs(execute=_unlocked_call, test=ok),
    "+CLCC": Verbs(execute=ok, read=says("+CLCC: 0"), set=ok, test=says("+CLCC: (0,1)")),
    "+CRC": kept("+CRC", "0", range(2)),
    "+CLIP": kept("+CLIP", "0,1", range(2)),
    "+CCWA": kept("+CCWA", "0", range(2)),
    "+CSSN": kept("+CSSN", "0,0", range(2), ",(0-1)"),
    "+CUSD": kept("+CUSD", "0", range(3)),
    "+WS46": Verbs(read=says("+WS46: 28"), set=ok, test=says("+WS46: (12,22,25,28)")),
}
