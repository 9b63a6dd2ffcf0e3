"""Identities in a recording, replaced by others of the same kind, the same everywhere.

What must stay is what the reading is made of: the length, the PLMN at the head of an IMSI, the
TAC at the head of an IMEI, the issuer at the head of an ICCID, and right check digits.
Source: TS 23.003, 2.2 and 6.2; ITU-T E.118.
"""

from __future__ import annotations

import hashlib
import re

from firmware_sim_native import imei as imei_core

_RUN = re.compile(rb"(?<![0-9A-Fa-f])[0-9]{14,22}F?(?![0-9A-Fa-f])")
_SWAPPED = re.compile(rb"(?<![0-9A-Fa-f])98[0-9]{17}[0-9F](?![0-9A-Fa-f])", re.IGNORECASE)

_SECRET = re.compile(rb"(\+(CPIN|CPWD|CLCK)\s*=)([^\r\n;]*)", re.IGNORECASE)
_BEFORE = {b"CPIN": 0, b"CPWD": 1, b"CLCK": 2}
"""Commands that carry a PIN, PUK or password, and the parameters before it."""


def hide_secrets(data: bytes) -> bytes:
    """Lines of either side without their secrets, whose digits become 0: a modem echoes them."""

    def hidden(found: re.Match[bytes]) -> bytes:
        before = _BEFORE[found.group(2).upper()]
        fields = found.group(3).split(b",")
        zeros = [re.sub(rb"[0-9]", b"0", one) for one in fields[before:]]
        return found.group(1) + b",".join(fields[:before] + zeros)

    return _SECRET.sub(hidden, data)


class Masking:
    """Replaces identities; `secret` decides by what, so that two files of a lab agree.

    Line by line: a number that arrives in two pieces must be put together first.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def line(self, data: bytes) -> bytes:
        """Bytes of the modem with every IMSI, IMEI, IMEISV and ICCID replaced."""
        data = _SWAPPED.sub(lambda found: self._swapped(found.group()), data)
        return _RUN.sub(lambda found: self._plain(found.group()), data)

    def _plain(self, run: bytes) -> bytes:
        text = run.decode("ascii")
        digits = text.rstrip("F")
        if set(digits) == {"0"}:
            return run
        if digits.startswith("89") and len(digits) >= 18:
            return (self._iccid(digits) + text[len(digits) :]).encode()
        if len(digits) == 15 and imei_core.is_valid(digits):
            body = digits[:8] + self._digits(digits[8:14], 6)
            return (body + str(imei_core.check_digit(body))).encode()
        if len(digits) in (16, 17):
            # The same serial number as in the IMEI, so that both still agree.
            return (digits[:8] + self._digits(digits[8:14], 6) + digits[14:]).encode()
        if len(digits) in (14, 15):
            return (digits[:6] + self._digits(digits[6:], len(digits) - 6)).encode()
        return run

    def _swapped(self, run: bytes) -> bytes:
        text = run.decode("ascii").upper()
        plain = "".join(text[at + 1] + text[at] for at in range(0, len(text), 2))
        masked = self._iccid(plain.rstrip("F"))
        masked += plain[len(masked) :]
        return "".join(masked[at + 1] + masked[at] for at in range(0, len(masked), 2)).encode()

    def _iccid(self, digits: str) -> str:
        return digits[:7] + self._digits(digits[7:], len(digits) - 7)

    def _digits(self, text: str, count: int) -> str:
        drawn = hashlib.sha256(f"{self._secret} {text}".encode()).hexdigest()
        return str(int(drawn, 16))[-count:].zfill(count)
