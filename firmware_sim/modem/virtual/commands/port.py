"""The port and its language: echo, result codes, error mode, character set, +CLAC.

Source: ITU-T V.250, 6; 3GPP TS 27.007, 5.5, 8.37 and 9.1.
"""

from __future__ import annotations

from firmware_sim.modem.at.command import Command
from firmware_sim.modem.at.results import CmeError, Result
from firmware_sim.modem.virtual.outcome import (
    Device,
    Handler,
    NotACommand,
    Outcome,
    Refused,
    Verbs,
    number,
    ok,
    says,
    text,
)
from firmware_sim.modem.virtual.session import Session

CHARSETS = ("GSM", "IRA", "UCS2", "UTF-8")


def _flag(command: Command, highest: int = 1) -> int:
    value = int(command.text or "0")
    if value > highest:
        raise NotACommand
    return value


def _echo(device: Device, command: Command) -> Outcome:
    device.session.echo = bool(_flag(command))
    return Outcome()


def _verbose(device: Device, command: Command) -> Outcome:
    device.session.verbose = bool(_flag(command))
    return Outcome()


def _quiet(device: Device, command: Command) -> Outcome:
    device.session.quiet = bool(_flag(command))
    return Outcome()


def fresh_session(device: Device) -> Session:
    """The port's settings after a reset: the standards', then the profile's."""
    session = Session()
    defaults = device.profile.defaults
    session.errors = int(defaults.get("errors", session.errors))
    session.echo = defaults.get("echo", "1") == "1"
    session.charset = defaults.get("charset", session.charset)
    return session


def _reset(device: Device, command: Command) -> Outcome:
    _flag(command)
    device.session = fresh_session(device)
    return Outcome()


def _kept(name: str, highest: int) -> Handler:
    def handler(device: Device, command: Command) -> Outcome:
        device.session.plain[name] = str(_flag(command, highest))
        return Outcome()

    return handler


def _view(device: Device, _command: Command) -> Outcome:
    session = device.session
    flags = f"E{session.echo:d} Q{session.quiet:d} V{session.verbose:d}"
    return Outcome([flags, f"+CMEE: {session.errors}", f'+CSCS: "{session.charset}"'])


def _errors_set(device: Device, command: Command) -> Outcome:
    device.session.errors = number(command.fields, 0, range(3), default=0)
    return Outcome()


def _errors_read(device: Device, _command: Command) -> Outcome:
    return Outcome([f"+CMEE: {device.session.errors}"])


def _charset_set(device: Device, command: Command) -> Outcome:
    wanted = text(command.fields, 0).upper()
    if wanted not in CHARSETS:
        raise Refused(CmeError.INCORRECT_PARAMETERS)
    device.session.charset = wanted
    return Outcome()


def _charset_read(device: Device, _command: Command) -> Outcome:
    return Outcome([f'+CSCS: "{device.session.charset}"'])


def kept(name: str, first: str, allowed: range, more: str = "") -> Verbs:
    """A setting that is only stored and read back: one number, `more` behind it."""

    def read(device: Device, _command: Command) -> Outcome:
        return Outcome([f"{name}: {device.session.plain.get(name, first)}"])

    def put(device: Device, command: Command) -> Outcome:
        number(command.fields, 0, allowed)
        device.session.plain[name] = ",".join(field.text for field in command.fields)
        return Outcome()

    span = f"({allowed.start}-{allowed.stop - 1})" if len(allowed) > 1 else f"({allowed.start})"
    return Verbs(read=read, set=put, test=says(f"{name}: {span}{more}"))


def _register(name: str, first: str) -> Verbs:
    def read(device: Device, _command: Command) -> Outcome:
        return Outcome([f"{int(device.session.plain.get(name, first)):03d}"])

    def put(device: Device, command: Command) -> Outcome:
        if not command.text.isdigit() or int(command.text) > 255:
            raise NotACommand
        device.session.plain[name] = command.text
        return Outcome()

    return Verbs(read=read, set=put)


def _no_carrier(_device: Device, _command: Command) -> Outcome:
    # There is no far end to talk to: every call attempt ends at once. V.250, 6.3.1.
    return Outcome(result=Result.NO_CARRIER)


TABLE: dict[str, Verbs] = {
    "E": Verbs(execute=_echo),
    "V": Verbs(execute=_verbose),
    "Q": Verbs(execute=_quiet),
    "X": Verbs(execute=_kept("X", 4)),
    "Z": Verbs(execute=_reset),
    "&F": Verbs(execute=_reset),
    "&C": Verbs(execute=_kept("&C", 2)),
    "&D": Verbs(execute=_kept("&D", 2)),
    "&K": Verbs(execute=_kept("&K", 4)),
    "&S": Verbs(execute=_kept("&S", 1)),
    "&V": Verbs(execute=_view),
    "&W": Verbs(execute=ok),
    "D": Verbs(execute=_no_carrier),
    "A": Verbs(execute=_no_carrier),
    "O": Verbs(execute=_no_carrier),
    "H": Verbs(execute=ok),
    "S0": _register("S0", "0"),
    "S3": _register("S3", "13"),
    "S4": _register("S4", "10"),
    "S5": _register("S5", "8"),
    "S6": _register("S6", "2"),
    "S7": _register("S7", "60"),
    "S8": _register("S8", "2"),
    "S10": _register("S10", "15"),
    "+CMEE": Verbs(read=_errors_read, set=_errors_set, test=says("+CMEE: (0-2)")),
    "+CSCS": Verbs(
        read=_charset_read,
        set=_charset_set,
        test=says("+CSCS: (" + ",".join(f'"{name}"' for name in CHARSETS) + ")"),
    ),
    "+IPR": kept("+IPR", "115200", range(4_000_001)),
    "+IFC": kept("+IFC", "2,2", range(4), ",(0-2)"),
}
