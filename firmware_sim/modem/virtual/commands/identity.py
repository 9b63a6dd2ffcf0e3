"""Who the modem is. Source: 3GPP TS 27.007, 5.1 to 5.4; ITU-T V.250, 6.1."""

from __future__ import annotations

from firmware_sim.modem.at.command import Command
from firmware_sim.modem.virtual.outcome import Device, NotACommand, Outcome, Verbs, number, ok, says


def _maker(device: Device, _command: Command) -> Outcome:
    return Outcome([device.profile.manufacturer])


def _model(device: Device, _command: Command) -> Outcome:
    return Outcome([device.profile.model])


def _revision(device: Device, _command: Command) -> Outcome:
    return Outcome([device.profile.revision])


def _imei(device: Device, _command: Command) -> Outcome:
    return Outcome([device.state.imei])


def _serial(device: Device, command: Command) -> Outcome:
    # <snt>: 0 serial number, 1 IMEI, 2 IMEISV, 3 software version number. TS 27.007, 5.4.
    state = device.state
    match number(command.fields, 0, range(4)):
        case 0:
            return Outcome([state.imei])
        case 1:
            return Outcome([f'+CGSN: "{state.imei}"'])
        case 2:
            return Outcome([f'+CGSN: "{state.imeisv}"'])
        case _:
            return Outcome([f'+CGSN: "{state.software_version}"'])


def _information(device: Device, command: Command) -> Outcome:
    profile = device.profile
    match command.text:
        case "" | "0":
            return Outcome([profile.manufacturer, profile.model, f"Revision: {profile.revision}"])
        case "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9":
            return Outcome()
        case _:
            raise NotACommand


_MAKER = Verbs(execute=_maker, test=ok)
_MODEL = Verbs(execute=_model, test=ok)
_REVISION = Verbs(execute=_revision, test=ok)

TABLE: dict[str, Verbs] = {
    "+CGMI": _MAKER,
    "+GMI": _MAKER,
    "+CGMM": _MODEL,
    "+GMM": _MODEL,
    "+CGMR": _REVISION,
    "+GMR": _REVISION,
    "+CGSN": Verbs(execute=_imei, set=_serial, test=says("+CGSN: (0-3)")),
    "+GSN": Verbs(execute=_imei, test=ok),
    "+GCAP": Verbs(execute=says("+GCAP: +CGSM,+CLTE2"), test=ok),
    "I": Verbs(execute=_information),
}
