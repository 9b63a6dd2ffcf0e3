"""One line of a modem, with what is overridden replaced and everything else left byte for byte.

Only the digits change: quotes, spaces, extra fields and hexadecimal spelling stay the maker's.
Source: 3GPP TS 27.007 (the answers), TS 31.102 (the files of the card).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from firmware_sim.modem import answers
from firmware_sim.modem.at import Command, split
from firmware_sim.modem.override import CPIN_WORDS, Overrides, network_name
from firmware_sim.modem.reading import SimState

EF_AD, EF_IMSI = 28589, 28423
"""6FAD and 6F07. Source: TS 31.102, 4.2.18 and 4.2.2."""


@dataclass(frozen=True, slots=True)
class Context:
    """The command line that is being answered; which `+CRSM` and `+CSIM` of it come next."""

    commands: tuple[Command, ...] = ()
    crsm: int = 0
    csim: int = 0

    def asks(self, *names: str) -> bool:
        """Whether one of these commands is among them."""
        return any(command.name in names for command in self.commands)

    def file(self) -> int | None:
        """The file of the `+CRSM` whose answer comes next."""
        text = self._second("+CRSM", self.crsm)
        return int(text) if text.isdigit() else None

    def apdu(self) -> bytes:
        """The command of the `+CSIM` whose answer comes next; b"" when it is none."""
        text = self._second("+CSIM", self.csim)
        return bytes.fromhex(text) if re.fullmatch(r"([0-9A-Fa-f]{2}){4,}", text) else b""

    def _second(self, name: str, index: int) -> str:
        asked = [command.fields for command in self.commands if command.name == name]
        return asked[index][1].text if index < len(asked) and len(asked[index]) > 1 else ""


@dataclass
class Known:
    """What the modem really has, as far as it was heard; kept up to date by its answers."""

    imei: str = ""
    imsi: str = ""
    home: str | None = None
    mnc_length: int | None = None
    serving: str | None = None
    selected: int | None = None
    """The file that `+CSIM` selected last."""
    context: Context = field(default_factory=Context)
    """The last question about the card: what a late or doubled answer is an answer to."""


def rewrite(text: str, overrides: Overrides, known: Known, context: Context) -> str:
    """The line to tell instead of `text`; `text` itself when nothing is overridden in it.

    NULs are passed over by whoever reads lines (V.250, 5.2), so they must not hide a word from
    us. What is known to be the real IMEI or IMSI is never told, whatever question it answers:
    after a lost or a doubled line the question may be another one.
    """
    clean = text.replace("\0", "")
    head, colon, rest = clean.partition(":")
    name = head.strip().upper()
    if colon and (rule := _BY_NAME.get(name)) is not None:
        told = head + colon + rule(rest, overrides, known, context)
    elif not colon and clean.strip().strip('"').isdigit():
        told = _bare_digits(clean, overrides, known, context)
    elif colon and name[:1] in ("+", "^", "#", "*", "$", "!") and name not in _LISTS:
        told = _named_network(clean, overrides, known)
    else:
        told = clean
    told = _identity(told, overrides, known)
    return text if told == clean else told


_LISTS = frozenset(("+CPOL", "+COPN", "+CRSM", "+CSIM", "+CNUM"))
"""Tables of the card and the modem, in which the serving network is one of many."""

_REGISTRATION = re.compile(r"(\s*)(?:(\d{1,2})(\s*,\s*))?(\d{1,2})(?=\s*(?:,|$))(.*)", re.DOTALL)


def _registration(rest: str, overrides: Overrides, known: Known, context: Context) -> str:
    """`n,stat,...` or `stat,...`: only <stat> changes, and the cell goes when nobody serves."""
    found = _REGISTRATION.fullmatch(rest)
    if found is None:
        return rest
    space, mode, comma, stat, tail = found.groups()
    told = overrides.stat(int(stat), known.home, known.serving)
    if told == int(stat):
        return rest
    if told in (0, 2, 3, 4, 8):
        tail = ""
    return f"{space}{mode or ''}{comma or ''}{told}{tail}"


_OPERATOR = re.compile(r'(\s*\(?\s*\d\s*,\s*)(\d)(\s*,\s*)("[^"]*"?|[^,)\s][^,)]*)(.*)', re.DOTALL)


def _operator(rest: str, overrides: Overrides, known: Known, context: Context) -> str:
    """The answer to `+COPS?`, and the list of `+COPS=?`."""
    if re.match(r'\s*\(\s*\d?\s*,\s*"', rest) or rest.count("(") > 1:
        return _scan(rest, overrides, known)
    found = _OPERATOR.fullmatch(rest)
    if found is None:
        return rest
    before, form, comma, oper, after = found.groups()
    plain = answers.from_ucs2(oper.strip('"'))
    if form == "2" and plain.isdigit():
        known.serving = plain
    if overrides.claimed_registration is not None and not overrides.claimed_registration.registered:
        return before.rstrip().rstrip(",").rstrip()  # `+COPS: 0`
    if overrides.serving is None:
        return rest
    told = overrides.serving if form == "2" else network_name(overrides.serving)
    return f"{before}{form}{comma}{_as_written(told, oper)}{after}"


def _as_written(told: str, oper: str) -> str:
    """`told` in the spelling of `oper`: quoted or not, in UCS2 or not."""
    quote = '"' if oper.startswith('"') else ""
    inner = oper.strip('"')
    if answers.from_ucs2(inner) != inner:
        told = told.encode("utf-16-be").hex().upper()
    return f"{quote}{told}{quote}"


_ENTRY = re.compile(r"\((\s*\d\s*),([^()]*)\)")


def _scan(rest: str, overrides: Overrides, known: Known) -> str:
    """In a list of networks the current one (status 2) is told under the claimed PLMN."""
    if overrides.serving is None:
        return rest
    claimed = overrides.serving

    def entry(found: re.Match[str]) -> str:
        fields = re.findall(r'"[^"]*"|[^,]+|(?<=,)(?=,)', found.group(2))
        if len(fields) < 3 or found.group(1).strip() != "2":
            return found.group()
        name = network_name(claimed)
        told = [
            _as_written(value, old)
            for value, old in zip((name, name, claimed), fields[:3], strict=True)
        ]
        return f"({found.group(1)},{','.join([*told, *fields[3:]])})"

    return _ENTRY.sub(entry, rest)


def _cpin(rest: str, overrides: Overrides, known: Known, context: Context) -> str:
    word = None if overrides.sim is None else CPIN_WORDS.get(overrides.sim)
    if word is None:
        return rest
    return rest[: len(rest) - len(rest.lstrip())] + word


def _crsm(rest: str, overrides: Overrides, known: Known, context: Context) -> str:
    """EF_AD and EF_IMSI of the claimed home network."""
    found = answers.read_crsm(rest)
    if found is None or not found.ok:
        return rest
    file = context.file() or known.context.file()
    return _replaced_hex(rest, found.data, _file(file, found.data, overrides))


def _csim(rest: str, overrides: Overrides, known: Known, context: Context) -> str:
    """The same files, read by APDU: SELECT names one, READ BINARY from its start shows it."""
    parts = split(rest)
    text = parts[1].text if len(parts) > 1 else ""
    apdu = context.apdu() or known.context.apdu()
    if not re.fullmatch(r"([0-9A-Fa-f]{2}){2,}", text) or not apdu:
        return rest
    data, status = bytes.fromhex(text)[:-2], bytes.fromhex(text)[-2:]
    if apdu[1] == 0xA4 and status[0] in (0x90, 0x61, 0x91, 0x9F):
        known.selected = (
            int.from_bytes(apdu[5 : 5 + apdu[4]][-2:], "big") if len(apdu) > 6 else None
        )
    if apdu[1] != 0xB0 or apdu[2:4] != b"\0\0" or not data:
        return rest
    return _replaced_hex(rest, data, _file(known.selected, data, overrides))


def _file(file: int | None, data: bytes, overrides: Overrides) -> bytes:
    """The content to tell of a file of the card."""
    if overrides.home is None:
        return data
    if file == EF_AD and len(data) >= 4:
        length = (data[3] & 0xF0) | (len(overrides.home) - 3)
        return data[:3] + bytes([length]) + data[4:]
    if file == EF_IMSI and len(data) >= 2 and (imsi := unpack_imsi(data)):
        return pack_imsi(overrides.imsi(imsi), len(data))
    return data


def _replaced_hex(rest: str, data: bytes, told: bytes) -> str:
    """`rest` with the digits of `data` replaced, in the case in which they were written."""
    if told == data:
        return rest
    upper = data.hex().upper()
    if upper in rest:
        return rest.replace(upper, told.hex().upper(), 1)
    return rest.replace(data.hex(), told.hex(), 1)


def unpack_imsi(data: bytes) -> str:
    """EF_IMSI: length, then digits by nibbles behind a parity nibble; "" when it is none."""
    nibbles = "".join(f"{byte & 15:x}{byte >> 4:x}" for byte in data[1 : 1 + data[0]])[1:]
    digits = nibbles.rstrip("f")
    return digits if digits.isdigit() else ""


def pack_imsi(imsi: str, size: int) -> bytes:
    """The inverse; `size` bytes in all, filled with FF."""
    parity = "9" if len(imsi) % 2 else "1"
    nibbles = parity + imsi + ("" if len(imsi) % 2 else "f")
    body = bytes(int(nibbles[at + 1] + nibbles[at], 16) for at in range(0, len(nibbles), 2))
    return (bytes([len(body)]) + body).ljust(size, b"\xff")


def _bare_digits(text: str, overrides: Overrides, known: Known, context: Context) -> str:
    """`+CIMI` and `+CGSN` answer with digits alone; which they are, the question says."""
    digits = text.strip().strip('"')
    if context.asks("+CIMI") and (digits == known.imsi or not context.asks("+CGSN", "+GSN")):
        known.imsi = digits
        return text.replace(digits, overrides.imsi(digits))
    if context.asks("+CGSN", "+GSN") and overrides.imei is not None:
        return _serial(text, digits, overrides.imei)
    return text


def _serial(text: str, digits: str, imei: str) -> str:
    if len(digits) == 15:
        return text.replace(digits, imei)
    if len(digits) in (16, 17):
        return text.replace(digits, (imei[:14] if len(digits) == 16 else imei) + digits[-2:])
    return text.replace(digits, imei[:14]) if len(digits) == 14 else text


def _identity(text: str, overrides: Overrides, known: Known) -> str:
    """The real IMEI and IMSI wherever else a modem prints them (`ATI`, `IMEI: ...`)."""
    if overrides.imei is not None and known.imei:
        text = text.replace(known.imei, overrides.imei)
        # The IMEISV begins with the same fourteen digits.
        text = re.sub(rf"(?<!\d){known.imei[:14]}(?=\d\d(?!\d))", overrides.imei[:14], text)
    if overrides.home is not None and known.imsi:
        text = text.replace(known.imsi, overrides.imsi(known.imsi))
    return text


def _serial_answer(rest: str, overrides: Overrides, known: Known, context: Context) -> str:
    """`+CGSN: "..."`: an IMEI, an IMEISV, or a software version of two digits."""
    digits = rest.strip().strip('"')
    if overrides.imei is None or not digits.isdigit():
        return rest
    return _serial(rest, digits, overrides.imei)


def _imsi_answer(rest: str, overrides: Overrides, known: Known, context: Context) -> str:
    digits = rest.strip().strip('"')
    if not digits.isdigit():
        return rest
    known.imsi = digits
    return rest.replace(digits, overrides.imsi(digits))


def _named_network(text: str, overrides: Overrides, known: Known) -> str:
    """Makers' own codes (`+QNWINFO: "FDD LTE","26201",...`) name the network in quotes."""
    if overrides.serving is None or known.serving is None:
        return text
    return text.replace(f'"{known.serving}"', f'"{overrides.serving}"')


Rule = Callable[[str, Overrides, Known, Context], str]
_BY_NAME: dict[str, Rule] = {
    "+CREG": _registration,
    "+CGREG": _registration,
    "+CEREG": _registration,
    "+C5GREG": _registration,
    "+COPS": _operator,
    "+CPIN": _cpin,
    "+CRSM": _crsm,
    "+CSIM": _csim,
    "+CGSN": _serial_answer,
    "+GSN": _serial_answer,
    "+CIMI": _imsi_answer,
}


CARD_COMMANDS = frozenset(("+CIMI", "+CRSM", "+CSIM", "+CCID", "+ICCID", "+CPWD", "+CPINR"))
_ENTRY_COMMANDS = frozenset(("+CPIN", "+CPWD"))


def closed(command: Command, sim: SimState) -> bool:
    """Whether a card that claims to be `sim` refuses this command, without asking the modem."""
    if sim is SimState.ABSENT:
        return command.name in CARD_COMMANDS or command.name == "+CPIN"
    if sim in (SimState.PIN, SimState.PUK):
        # The ICCID can be read before the PIN; everything else is behind it.
        fields = command.fields
        iccid = command.name == "+CRSM" and len(fields) > 1 and fields[1].number == 12258
        return command.name in CARD_COMMANDS - {"+CCID", "+ICCID", "+CPINR"} and not iccid
    return False


def enters_secret(commands: Sequence[Command]) -> bool:
    """Whether a line hands a PIN, a PUK or a password to the card."""
    return any(
        command.name in _ENTRY_COMMANDS and command.form.value == "=" for command in commands
    )
