"""The files of a SIM: what EF_ICCID, EF_AD, EF_IMSI and their neighbours hold.

A file is a transparent body (`bytes`) or a list of records of one size. Contents are computed
from the Sim when they are read, so a changed Sim never shows an old file.
Source: 3GPP TS 31.102, 4.2 and 4.4; ETSI TS 102 221, 13; TS 51.011, 9.2.1 (GET RESPONSE).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from firmware_sim.modem.at.alphabet import to_septets
from firmware_sim.modem.virtual.state import Sim


class Status(enum.Enum):
    """SW1 SW2 of a card. Source: ETSI TS 102 221, 10.2.1."""

    OK = "9000"
    SECURITY = "6982"
    BLOCKED = "6983"
    NOT_FOUND = "6A82"
    NO_RECORD = "6A83"
    WRONG_OFFSET = "6B00"
    WRONG_KIND = "6981"
    WRONG_LENGTH = "6700"
    UNKNOWN_INSTRUCTION = "6D00"
    UNKNOWN_CLASS = "6E00"


@dataclass(frozen=True, slots=True)
class File:
    """One elementary file. `records` is empty for a transparent file; `free` when reading it
    needs no PIN. `folder`: identifier of the directory it lies in."""

    identifier: int
    folder: int
    body: bytes = b""
    records: tuple[bytes, ...] = ()
    free: bool = False

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return sum(map(len, self.records)) if self.records else len(self.body)

    def template(self) -> bytes:
        """The file control parameters, tag 62. Source: ETSI TS 102 221, 11.1.1.3."""
        if self.records:
            length = len(self.records[0])
            descriptor = bytes([0x42, 0x21, length >> 8, length & 0xFF, len(self.records)])
        else:
            descriptor = bytes([0x41, 0x21])
        inner = (
            tlv(0x82, descriptor)
            + tlv(0x83, self.identifier.to_bytes(2))
            + tlv(0x8A, b"\x05")
            + tlv(0x8B, bytes.fromhex("6F0601" if self.free else "6F0602"))
            + tlv(0x80, self.size.to_bytes(2))
        )
        return tlv(0x62, inner)

    def header(self) -> bytes:
        """The 15 bytes of a GSM SIM. Source: 3GPP TS 51.011, 9.2.1."""
        access = b"\x0f\xff\xff" if self.free else b"\x1f\xff\xff"
        return (
            b"\0\0"
            + self.size.to_bytes(2)
            + self.identifier.to_bytes(2)
            + b"\x04\0"
            + access
            + b"\x01\x02"
            + (bytes([1, len(self.records[0])]) if self.records else b"\0\0")
        )


def tlv(tag: int, value: bytes) -> bytes:
    """Tag (one byte), length (one byte), value of up to 127 bytes."""
    return bytes([tag, len(value)]) + value


MASTER, TELECOM, USIM, GSM = 0x3F00, 0x7F10, 0x7FFF, 0x7F20
FOLDERS = frozenset({MASTER, TELECOM, USIM, GSM})
APPLICATION = bytes.fromhex("A0000000871002FF49FFFF89")
"""AID of a USIM. Source: ETSI TS 101 220, annex E: RID A000000087, application 1002."""

EF_DIR, EF_PL, EF_ARR, EF_ICCID = 0x2F00, 0x2F05, 0x2F06, 0x2FE2
EF_LI, EF_IMSI, EF_UST, EF_HPPLMN = 0x6F05, 0x6F07, 0x6F38, 0x6F31
EF_GID1, EF_GID2, EF_MSISDN, EF_SPN = 0x6F3E, 0x6F3F, 0x6F40, 0x6F46
EF_ACC, EF_FPLMN, EF_AD, EF_ECC = 0x6F78, 0x6F7B, 0x6FAD, 0x6FB7
EF_PLMN_WITH_ACT, EF_HPLMN_WITH_ACT, EF_EHPLMN = 0x6F60, 0x6F62, 0x6FD9


def swapped(digits: str) -> bytes:
    """Decimal digits two a byte, the first in the low half, F behind an odd one."""
    padded = digits + "F" * (len(digits) % 2)
    return bytes.fromhex("".join(padded[i + 1] + padded[i] for i in range(0, len(padded), 2)))


def plmn_bytes(plmn: str) -> bytes:
    """Three bytes of a PLMN. Source: 3GPP TS 24.008, 10.5.1.13."""
    third = plmn[5] if len(plmn) == 6 else "F"
    return bytes.fromhex(plmn[1] + plmn[0] + third + plmn[2] + plmn[4] + plmn[3])


def files(sim: Sim) -> dict[int, File]:
    """Every file of the card by its identifier."""
    made = (
        File(EF_ICCID, MASTER, swapped(sim.iccid.ljust(20, "F")), free=True),
        File(EF_DIR, MASTER, records=(_application_record(),), free=True),
        File(EF_PL, MASTER, b"en\xff\xff", free=True),
        File(EF_LI, USIM, b"en\xff\xff", free=True),
        File(EF_AD, USIM, _administrative(sim), free=True),
        File(EF_ECC, USIM, records=(_emergency("112"), _emergency("911")), free=True),
        File(
            EF_SPN,
            USIM,
            b"\x01" + to_septets(sim.provider[:16]).ljust(16, b"\xff"),
            free=True,
        ),
        File(EF_IMSI, USIM, _imsi(sim.imsi)),
        File(EF_UST, USIM, _services(sim)),
        File(EF_HPPLMN, USIM, b"\x05"),
        File(EF_GID1, USIM, bytes.fromhex(sim.gid1 or "FF")),
        File(EF_GID2, USIM, bytes.fromhex(sim.gid2 or "FF")),
        File(EF_MSISDN, USIM, records=(_number_record(sim.msisdn),)),
        File(EF_ACC, USIM, (1 << int(sim.imsi[-1])).to_bytes(2)),
        File(EF_FPLMN, USIM, b"".join(map(plmn_bytes, sim.forbidden)).ljust(12, b"\xff")),
        File(EF_PLMN_WITH_ACT, USIM, b"\xff\xff\xff\0\0" * 8),
        File(EF_HPLMN_WITH_ACT, USIM, plmn_bytes(sim.home) + b"\x40\0"),
        File(EF_EHPLMN, USIM, b"".join(map(plmn_bytes, sim.equivalent)).ljust(12, b"\xff")),
    )
    return {file.identifier: file for file in made}


def _administrative(sim: Sim) -> bytes:
    # Normal operation, no additional information; byte 4 is the length of the MNC and absent on
    # old cards. Source: TS 31.102, 4.2.18.
    head = b"\0\0\0"
    return head if sim.mnc_length is None else head + bytes([sim.mnc_length])


def _imsi(imsi: str) -> bytes:
    # Length, then parity and type 1 in the low half of the first byte. TS 31.102, 4.2.2.
    parity = "9" if len(imsi) % 2 else "1"
    coded = swapped(parity + imsi)
    return bytes([len(coded)]) + coded.ljust(8, b"\xff")


def _services(sim: Sim) -> bytes:
    # Service n is bit (n-1)%8 of byte (n-1)//8. Source: TS 31.102, 4.2.8.
    present = {2: False, 17: bool(sim.gid1), 18: bool(sim.gid2), 19: True, 21: True, 43: True}
    present[71] = bool(sim.equivalent)
    table = bytearray(12)
    for service, there in present.items():
        if there:
            table[(service - 1) // 8] |= 1 << (service - 1) % 8
    return bytes(table)


def _application_record() -> bytes:
    label = b"USIM"
    inner = tlv(0x4F, APPLICATION) + tlv(0x50, label)
    return tlv(0x61, inner).ljust(32, b"\xff")


def _emergency(number: str) -> bytes:
    # Three bytes of digits, no name, category none. Source: TS 31.102, 4.2.21.
    return swapped(number).ljust(3, b"\xff") + b"\0"


def _number_record(msisdn: str) -> bytes:
    # 14 letters of name, then length, TON/NPI, ten bytes of digits, CCP and extension.
    if not msisdn:
        return b"\xff" * 28
    digits = swapped(msisdn.removeprefix("+"))
    kind = b"\x91" if msisdn.startswith("+") else b"\x81"
    body = bytes([len(digits) + 1]) + kind + digits.ljust(10, b"\xff") + b"\xff\xff"
    return b"\xff" * 14 + body
