"""From an answer's text to a fact, over everything that makers do to it. Pure functions.

Each returns None when the text is not what was asked for: the dialogue then asks again, and
never guesses. Source: 3GPP TS 27.007; TS 31.102, 4.2.2 and 4.2.18; TS 23.003, 6.2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from firmware_sim.modem.at import Field, groups, split
from firmware_sim.modem.reading import ACCESS, STAT, Cell, Network, Registration, SimState
from firmware_sim_native import imei as imei_core

_ASCII_DIGITS = re.compile(r"[0-9]+")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_DIGIT_RUN = re.compile(r"(?<![0-9A-Za-z])[0-9]{14,17}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Imei:
    """An identity as found: `imei` of 15 digits or "", `imeisv` of 16 or "", or what is wrong."""

    imei: str = ""
    imeisv: str = ""
    problem: str = ""


def read_imei(text: str) -> Imei | None:
    """An IMEI or IMEISV out of bare, quoted or prefixed text; None when there is none.

    An IMEISV has no check digit (TS 23.003, 6.2.2): the IMEI's is computed from its first 14.
    """
    runs = _DIGIT_RUN.findall(text)
    if len(runs) != 1:
        return None
    digits: str = runs[0]
    if set(digits[:14]) == {"0"}:
        return Imei(problem="the modem has no IMEI (all zeros)")
    if len(digits) == 16:
        body = digits[:14]
        return Imei(imei=body + str(imei_core.check_digit(body)), imeisv=digits)
    if len(digits) == 17 and imei_core.check(digits[:15]) is None:
        return Imei(imei=digits[:15])  # IMEI followed by the software version
    if len(digits) != 15:
        return Imei(problem=f"{digits} is no IMEI: {len(digits)} digits")
    if imei_core.check(digits) is not None:
        right = imei_core.check_digit(digits[:14])
        return Imei(problem=f"IMEI {digits} has a wrong check digit ({right} would be right)")
    return Imei(imei=digits)


def read_imsi(text: str) -> str | None:
    """6 to 15 digits. Source: TS 23.003, 2.2."""
    digits = text.strip().strip('"')
    if _ASCII_DIGITS.fullmatch(digits) and 6 <= len(digits) <= 15:
        return digits
    return None


_CPIN: dict[str, SimState] = {
    "READY": SimState.READY,
    "SIM PIN": SimState.PIN,
    "SIM PUK": SimState.PUK,
    "SIM PIN2": SimState.READY,  # only services behind CHV2 are closed
    "SIM PUK2": SimState.READY,
    "PH-SIM PIN": SimState.PHONE_LOCKED,
    "PH-FSIM PIN": SimState.PHONE_LOCKED,
    "PH-FSIM PUK": SimState.PHONE_LOCKED,
    "PH-NET PIN": SimState.NETWORK_LOCKED,
    "PH-NET PUK": SimState.NETWORK_LOCKED,
    "PH-NETSUB PIN": SimState.SUBSET_LOCKED,
    "PH-NETSUB PUK": SimState.SUBSET_LOCKED,
    "PH-SP PIN": SimState.PROVIDER_LOCKED,
    "PH-SP PUK": SimState.PROVIDER_LOCKED,
    "PH-CORP PIN": SimState.CORPORATE_LOCKED,
    "PH-CORP PUK": SimState.CORPORATE_LOCKED,
    "NOT INSERTED": SimState.ABSENT,
    "NOT READY": SimState.BUSY,
    "SIM FAILURE": SimState.FAILED,
    "SIM BUSY": SimState.BUSY,
}

# <err> of +CME ERROR that tell the card's state. Source: TS 27.007, 9.2.
SIM_ERRORS: dict[int, SimState] = {
    5: SimState.PHONE_LOCKED,
    10: SimState.ABSENT,
    11: SimState.PIN,
    12: SimState.PUK,
    13: SimState.FAILED,
    14: SimState.BUSY,
    15: SimState.FAILED,
    40: SimState.NETWORK_LOCKED,
    41: SimState.NETWORK_LOCKED,
    42: SimState.SUBSET_LOCKED,
    43: SimState.SUBSET_LOCKED,
    44: SimState.PROVIDER_LOCKED,
    45: SimState.PROVIDER_LOCKED,
    46: SimState.CORPORATE_LOCKED,
    47: SimState.CORPORATE_LOCKED,
}


def read_cpin(text: str) -> SimState | None:
    """The word after `+CPIN:`; some makers quote it or write it in lower case."""
    return _CPIN.get(" ".join(text.strip().strip('"').upper().split()))


@dataclass(frozen=True, slots=True)
class Registered:
    """One line of `+CREG` or a sibling, whether it was read or came by itself."""

    registration: Registration
    cell: Cell | None = None
    access: str | None = None


def read_registration(text: str) -> Registered | None:
    """`n,stat[,lac,ci[,AcT]]` as read, `stat[,lac,ci[,AcT[,rac]]]` unsolicited, and between.

    A read answer begins with two short unquoted numbers; an area code has at least four
    digits, so it is never mistaken for <stat>, even without its quotes.
    """
    parts = list(split(text))
    if not parts or not _short(parts[0]):
        return None
    if len(parts) > 1 and _short(parts[1]):
        parts = parts[1:]
    stat = parts[0].number
    registration = None if stat is None else STAT.get(stat)
    if registration is None:
        return None
    rest = parts[1:]
    area, cell_id = _hex(rest, 0, 4), _hex(rest, 1, 1)
    cell = None
    if area and cell_id and registration.registered:
        cell = Cell(area, cell_id)
    # <AcT> is the first short unquoted number behind the cell; a RAC is quoted or two hex digits
    # that stand where <AcT> may be missing, so a number of two digits must be a known <AcT>.
    access = None
    for field in rest[2:]:
        if _short(field) and (act := field.number) in ACCESS and act is not None:
            access = ACCESS[act]
            break
    return Registered(registration, cell, access if registration.registered else None)


def _short(field: Field) -> bool:
    return not field.quoted and field.number is not None and len(field.text) <= 2


def _hex(parts: Sequence[Field], index: int, least: int) -> str:
    if index >= len(parts):
        return ""
    text = parts[index].text.upper()
    if not _HEX.fullmatch(text) or not least <= len(text) <= 9:
        return ""
    return text


@dataclass(frozen=True, slots=True)
class Serving:
    """`+COPS?`: the PLMN or the name of the serving network, whichever the format gave."""

    plmn: str | None = None
    name: str = ""
    access: str | None = None


def read_cops(text: str) -> Serving | None:
    """`mode[,format,oper[,AcT]]`, with stray brackets, missing quotes, and UCS2 digits."""
    parts = split(text.strip().lstrip("(").rstrip(")"))
    if not parts or parts[0].number is None or not 0 <= parts[0].number <= 5:
        return None
    if len(parts) < 3:
        return Serving()
    text_format, oper = parts[1].number, parts[2].text.strip(' ")(')
    access = ACCESS.get(parts[3].number or 0) if len(parts) > 3 and _short(parts[3]) else None
    if not oper:
        return Serving(access=access)
    plain = from_ucs2(oper)
    if text_format == 2:
        if _ASCII_DIGITS.fullmatch(plain) and len(plain) in (5, 6):
            return Serving(plmn=plain, access=access)
        return None  # a numeric operator that is none: noise
    return Serving(name=plain, access=access)


def from_ucs2(text: str) -> str:
    """Undo UCS2 in hexadecimal (TS 27.007, 5.5); other text comes back as it is.

    A PLMN of 5 or 6 digits cannot be taken for it, nor a short name such as FADE.
    """
    if len(text) < 8 or len(text) % 4 or not _HEX.fullmatch(text):
        return text
    plain = bytes.fromhex(text).decode("utf-16-be", "replace")
    return plain if plain.isprintable() and "\ufffd" not in plain else text


def read_scan(text: str) -> tuple[Network, ...]:
    """`+COPS=?`: networks in the order found; a PLMN given once for each <AcT> is one network."""
    found: dict[str, Network] = {}
    for group in groups(text):
        parts = split(group)
        if len(parts) < 4 or parts[0].number is None:
            continue
        plmn = from_ucs2(parts[3].text.strip(' "'))
        if not _ASCII_DIGITS.fullmatch(plmn) or len(plmn) not in (5, 6):
            continue
        name = from_ucs2(parts[1].text) or from_ucs2(parts[2].text)
        act = (
            ACCESS.get(parts[4].number) if len(parts) > 4 and parts[4].number is not None else None
        )
        access = (act,) if act else ()
        if (known := found.get(plmn)) is not None:
            status = max(known.status, parts[0].number, key=_RANK.index)
            found[plmn] = Network(plmn, known.name or name, status, known.access + access)
        elif parts[0].number in _RANK:
            found[plmn] = Network(plmn, name, parts[0].number, access)
    return tuple(found.values())


_RANK = (0, 3, 1, 2)


@dataclass(frozen=True, slots=True)
class CardAnswer:
    """Status words and data of `+CRSM`. Source: TS 102 221, 10.2.1."""

    sw1: int
    sw2: int
    data: bytes

    @property
    def ok(self) -> bool:
        """0x90 00, 0x91 xx, 0x9E xx or 0x9F xx."""
        return self.sw1 in (0x90, 0x91, 0x9E, 0x9F)


def read_crsm(text: str) -> CardAnswer | None:
    """`sw1,sw2[,"hex"]`, with quotes or without."""
    parts = split(text)
    if len(parts) < 2 or parts[0].number is None or parts[1].number is None:
        return None
    sw1, sw2 = parts[0].number, parts[1].number
    data = parts[2].text.strip() if len(parts) > 2 else ""
    if sw1 > 255 or sw2 > 255 or len(data) % 2 or (data and not _HEX.fullmatch(data)):
        return None
    return CardAnswer(sw1, sw2, bytes.fromhex(data))


def mnc_length(ef_ad: bytes) -> int | None:
    """Byte 4 of EF_AD, 2 or 3. Source: TS 31.102, 4.2.18."""
    if len(ef_ad) < 4:
        return None
    length = ef_ad[3] & 0x0F
    return length if length in (2, 3) else None


def read_iccid(text: str) -> str | None:
    """18 to 22 digits, F-padded, bare or quoted. Source: ITU-T E.118."""
    digits = text.strip().strip('"').upper().rstrip("F")
    if re.fullmatch(r"89[0-9]{16,20}", digits):
        return digits
    return None


def iccid_of(ef_iccid: bytes) -> str | None:
    """EF_ICCID: ten bytes, digits with their nibbles swapped. Source: TS 102 221, 13.2."""
    return read_iccid("".join(f"{byte & 15:X}{byte >> 4:X}" for byte in ef_iccid))


def read_csq(text: str) -> int | None:
    """`rssi,ber` -> dBm: 0 is -113, 31 is -51; 99 is not known. Source: TS 27.007, 8.5."""
    parts = split(text)
    if not parts or parts[0].number is None or not 0 <= parts[0].number <= 31:
        return None
    return -113 + 2 * parts[0].number


def read_cesq(text: str) -> int | None:
    """RSRP of LTE, else RSCP of UTRAN, else RxLev of GSM, in dBm. Source: TS 27.007, 8.69."""
    parts = [field.number for field in split(text)]
    if len(parts) < 6:
        return None
    rxlev, rscp, rsrp = parts[0], parts[2], parts[5]
    if rsrp is not None and rsrp <= 97:
        return -141 + rsrp
    if rscp is not None and rscp <= 96:
        return -121 + rscp
    if rxlev is not None and rxlev <= 63:
        return -111 + rxlev
    return None


def read_clck(text: str) -> bool | None:
    """`+CLCK: 0` or `1`; with the class behind it when the modem likes."""
    parts = split(text)
    if not parts or parts[0].text not in ("0", "1"):
        return None
    return parts[0].text == "1"


def read_tries(text: str) -> tuple[str, int] | None:
    """`+CPINR: SIM PIN,3,3` -> ("SIM PIN", 3). Source: TS 27.007, 8.65."""
    parts = split(text)
    if len(parts) < 2 or parts[1].number is None or parts[1].number > 10:
        return None
    return parts[0].text.upper(), parts[1].number


_CLOCK = re.compile(r'"?(\d\d)/(\d\d)/(\d\d),(\d\d):(\d\d):(\d\d)([+-]\d\d)?"?')


def read_cclk(text: str) -> str | None:
    """`"yy/MM/dd,hh:mm:ss+zz"`, zz in quarter hours -> ISO 8601; None for a clock never set.

    Clocks that nobody set count from 1980, 1970 or 2000.
    """
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    if not (10 <= year < 70 and 1 <= month <= 12 and 1 <= day <= 31):
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    quarters = int(found.group(7) or "0")
    if abs(quarters) > 56:
        return None
    sign = "-" if quarters < 0 else "+"
    offset = f"{sign}{abs(quarters) // 4:02}:{abs(quarters) % 4 * 15:02}"
    return f"20{year:02}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{offset}"


_PRINTABLE = re.compile(r"[\x20-\x7e\u00a0-\u00ff]+")


def read_text(text: str) -> str | None:
    """A maker's, model's or revision's name: printable, with an ASCII letter or digit in it.

    Binary noise between lines is often printable in Latin-1; a name without ASCII is not met.
    """
    plain = text.strip().strip('"').strip()
    if _PRINTABLE.fullmatch(plain) and any(
        letter.isascii() and letter.isalnum() for letter in plain
    ):
        return plain
    return None
