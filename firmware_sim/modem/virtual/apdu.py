"""The card behind +CRSM and +CSIM: instructions in, data and status words out.

Source: ETSI TS 102 221, 10 and 11; 3GPP TS 51.011, 9 (class A0); TS 27.007, 8.17 and 8.18.
"""

from __future__ import annotations

from firmware_sim.modem.virtual.card import APPLICATION, FOLDERS, USIM, File, Status, files, tlv
from firmware_sim.modem.virtual.codes import change, switch, unblock, verify
from firmware_sim.modem.virtual.state import Secret, Sim

SELECT, STATUS, READ_BINARY, READ_RECORD, GET_RESPONSE = 0xA4, 0xF2, 0xB0, 0xB2, 0xC0
VERIFY, CHANGE, DISABLE, ENABLE, UNBLOCK = 0x20, 0x24, 0x26, 0x28, 0x2C

Answer = tuple[bytes, str]
"""Data, and SW1 SW2 as four hex digits."""


def opened(sim: Sim) -> bool:
    """Whether the PIN stands in nobody's way."""
    pin = sim.pin
    return pin.tries > 0 and (pin.given or not pin.asked)


def read_binary(sim: Sim, identifier: int, offset: int, length: int) -> Answer:
    """`length` bytes of a transparent file; 0 means up to its end (256 at most)."""
    file = files(sim).get(identifier)
    if refusal := _refusal(sim, file):
        return b"", refusal
    assert file is not None
    if file.records:
        return b"", Status.WRONG_KIND.value
    if offset > len(file.body):
        return b"", Status.WRONG_OFFSET.value
    rest = file.body[offset:]
    if length > len(rest):
        return b"", f"6C{len(rest):02X}"
    return rest[: length or 256], Status.OK.value


def read_record(sim: Sim, identifier: int, record: int, length: int) -> Answer:
    """Record `record` (from 1) of a linear file, `length` bytes or 0 for the whole."""
    file = files(sim).get(identifier)
    if refusal := _refusal(sim, file):
        return b"", refusal
    assert file is not None
    if not file.records:
        return b"", Status.WRONG_KIND.value
    if not 1 <= record <= len(file.records):
        return b"", Status.NO_RECORD.value
    data = file.records[record - 1]
    if length not in (0, len(data)):
        return b"", f"6C{len(data):02X}"
    return data, Status.OK.value


def describe(sim: Sim, identifier: int, *, as_usim: bool = True) -> Answer:
    """The file's control parameters (USIM) or header (SIM)."""
    if identifier in FOLDERS:
        return _folder(sim, identifier), Status.OK.value
    file = files(sim).get(identifier)
    if file is None:
        return b"", Status.NOT_FOUND.value
    return (file.template() if as_usim else file.header()), Status.OK.value


def _refusal(sim: Sim, file: File | None) -> str | None:
    if file is None:
        return Status.NOT_FOUND.value
    if not file.free and not opened(sim):
        return Status.SECURITY.value
    return None


def _folder(sim: Sim, identifier: int) -> bytes:
    # Descriptor of a directory, identifier, name (an application has one), activated, who may,
    # and whether PIN 1 is asked for. Source: ETSI TS 102 221, 11.1.1.3 and 11.1.1.4.10.
    name = tlv(0x84, APPLICATION) if identifier == USIM else b""
    asked = b"\x80" if sim.pin.asked else b"\0"
    inner = (
        tlv(0x82, b"\x78\x21")
        + tlv(0x83, identifier.to_bytes(2))
        + name
        + tlv(0x8A, b"\x05")
        + tlv(0x8B, b"\x2f\x06\x02")
        + tlv(0xC6, tlv(0x90, asked) + tlv(0x83, b"\x01"))
    )
    return tlv(0x62, inner)


def transmit(sim: Sim, selected: str, apdu: bytes) -> tuple[str, bytes, str]:
    """One APDU. Returns the file now selected (hex), the data and the status words."""
    if len(apdu) < 4:
        return selected, b"", Status.WRONG_LENGTH.value
    klass, instruction, p1, p2 = apdu[:4]
    if klass not in (0x00, 0x80, 0xA0):
        return selected, b"", Status.UNKNOWN_CLASS.value
    length = apdu[4] if len(apdu) > 4 else 0
    body = apdu[5 : 5 + length] if len(apdu) > 5 else b""
    here = int(selected, 16)
    match instruction:
        case 0xA4:
            return _select(sim, selected, body, by_name=p1 == 0x04, as_usim=klass != 0xA0)
        case 0xF2:
            data, status = describe(sim, here, as_usim=klass != 0xA0)
            return selected, data[: length or 256], status
        case 0xC0:
            data, status = describe(sim, here, as_usim=klass != 0xA0)
            return selected, data[: length or 256], status
        case 0xB0:
            return selected, *read_binary(sim, here, p1 << 8 | p2, length)
        case 0xB2:
            return selected, *read_record(sim, here, p1, length)
        case 0x20 | 0x24 | 0x26 | 0x28 | 0x2C:
            return selected, b"", _secret(sim.pin, instruction, p2, body)
        case _:
            return selected, b"", Status.UNKNOWN_INSTRUCTION.value


def _select(
    sim: Sim, selected: str, body: bytes, *, by_name: bool, as_usim: bool
) -> tuple[str, bytes, str]:
    if by_name:
        if not body or not APPLICATION.startswith(body[: len(APPLICATION)]):
            return selected, b"", Status.NOT_FOUND.value
        identifier = USIM
    elif len(body) < 2:
        return selected, b"", Status.WRONG_LENGTH.value
    else:
        identifier = int.from_bytes(body[-2:])
    data, status = describe(sim, identifier, as_usim=as_usim)
    if status != Status.OK.value:
        return selected, b"", status
    # A USIM hands the template out on GET RESPONSE (61xx), an old SIM says 9Fxx.
    return f"{identifier:04X}", b"", f"{'61' if as_usim else '9F'}{len(data):02X}"


def _secret(pin: Secret, instruction: int, reference: int, body: bytes) -> str:
    if reference not in (0x01, 0x00):
        return "6A88"  # referenced data not found: there is no second PIN
    codes = [_digits(body[at : at + 8]) for at in range(0, len(body), 8)]
    first = codes[0] if codes else None
    second = codes[1] if len(codes) > 1 else None
    if instruction == VERIFY and not body:
        return f"63C{pin.tries:X}" if pin.tries else Status.BLOCKED.value
    if first is None or (instruction in (CHANGE, UNBLOCK) and second is None):
        return Status.WRONG_LENGTH.value
    match instruction:
        case 0x20:
            good = verify(pin, first)
        case 0x24:
            good = change(pin, first, second or "")
        case 0x2C:
            good = unblock(pin, first, second or "")
            if not good:
                return f"63C{pin.puk_tries:X}" if pin.puk_tries else Status.BLOCKED.value
        case _:
            good = switch(pin, first, on=instruction == ENABLE)
    if good:
        return Status.OK.value
    return f"63C{pin.tries:X}" if pin.tries else Status.BLOCKED.value


def _digits(raw: bytes) -> str:
    return raw.rstrip(b"\xff").decode("ascii", "replace")
