"""The card: IMSI, ICCID, its files, the slot in use.

Source: 3GPP TS 27.007, 5.6 (+CIMI), 7.1 (+CNUM), 8.17 (+CSIM), 8.18 (+CRSM).
"""

from __future__ import annotations

from firmware_sim.modem.at.command import Command
from firmware_sim.modem.at.results import CmeError
from firmware_sim.modem.virtual import apdu
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


def _imsi(device: Device, _command: Command) -> Outcome:
    return Outcome([device.open_sim().imsi])


def _iccid(device: Device, _command: Command) -> Outcome:
    # EF_ICCID may be read before the PIN. Source: ETSI TS 102 221, 13.2.
    return Outcome([f"+CCID: {device.sim().iccid}"])


def _number(device: Device, _command: Command) -> Outcome:
    msisdn = device.open_sim().msisdn
    if not msisdn:
        return Outcome()
    return Outcome([f'+CNUM: ,"{msisdn}",{145 if msisdn.startswith("+") else 129}'])


def _restricted(device: Device, command: Command) -> Outcome:
    card = device.sim()
    fields = command.fields
    instruction = number(fields, 0, range(256))
    identifier = number(fields, 1, range(0x10000), default=0)
    p1, p2 = number(fields, 2, range(256), default=0), number(fields, 3, range(256), default=0)
    length = number(fields, 4, range(257), default=0) & 0xFF
    match instruction:
        case apdu.READ_BINARY:
            data, status = apdu.read_binary(card, identifier, p1 << 8 | p2, length)
        case apdu.READ_RECORD:
            data, status = apdu.read_record(card, identifier, p1, length)
        case apdu.GET_RESPONSE:
            data, status = apdu.describe(card, identifier)
            data = data[: length or 256]
        case apdu.STATUS:
            data, status = apdu.describe(card, identifier or 0x3F00)
        case 214 | 220 | 203 | 219:
            # UPDATE BINARY and RECORD, RETRIEVE and SET DATA: this card is read only.
            data, status = b"", "6985"
        case _:
            raise Refused(CmeError.INCORRECT_PARAMETERS)
    words = f"{int(status[:2], 16)},{int(status[2:], 16)}"
    return Outcome([f"+CRSM: {words}" + (f',"{data.hex().upper()}"' if data else "")])


def _generic(device: Device, command: Command) -> Outcome:
    card = device.sim()
    length = number(command.fields, 0, range(4, 523))
    written = text(command.fields, 1)
    try:
        request = bytes.fromhex(written)
    except ValueError:
        raise Refused(CmeError.INCORRECT_PARAMETERS) from None
    if len(written) != length:
        raise Refused(CmeError.INCORRECT_PARAMETERS)
    session = device.session
    session.selected, data, status = apdu.transmit(card, session.selected, request)
    answer = data.hex().upper() + status
    return Outcome([f'+CSIM: {len(answer)},"{answer}"'])


def _slot_read(device: Device, _command: Command) -> Outcome:
    return Outcome([f"+CSUS: {device.state.slot}"])


def _slot_set(device: Device, command: Command) -> Outcome:
    device.state.slot = number(command.fields, 0, range(max(1, len(device.state.sims))))
    return Outcome()


def _slot_test(device: Device, _command: Command) -> Outcome:
    return Outcome([f"+CSUS: (0-{max(1, len(device.state.sims)) - 1})"])


TABLE: dict[str, Verbs] = {
    "+CIMI": Verbs(execute=_imsi, test=ok),
    "+CCID": Verbs(execute=_iccid, read=_iccid, test=ok),
    "+CNUM": Verbs(execute=_number, test=ok),
    "+CRSM": Verbs(set=_restricted, test=ok),
    "+CSIM": Verbs(set=_generic, test=ok),
    "+CSUS": Verbs(read=_slot_read, set=_slot_set, test=_slot_test),
    "+CSVM": Verbs(read=says('+CSVM: 0,"",129'), test=says("+CSVM: (0,1),(129,145)")),
}
