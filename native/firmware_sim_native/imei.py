"""IMEI: the check with a reason, the check digit.

An IMEI is 15 decimal digits: TAC (8), serial number (6), check digit. Text in, verdict out;
what is written in other digits than ASCII ones is no IMEI.
Source: 3GPP TS 23.003, 6.2.1 and annex B.
"""

from __future__ import annotations

import enum

from firmware_sim_native._core import lib


class ImeiRefusal(enum.Enum):
    """Why an IMEI is refused; the number is that of `enum fsim_imei_verdict`."""

    LENGTH = 1
    """Not 15 characters."""
    NON_DIGIT = 2
    """A character other than ASCII 0 to 9."""
    CHECK_DIGIT = 3
    """The Luhn sum is no multiple of ten."""
    NULL = 4
    """All zeros: what a phone without an identity reports."""


_REFUSALS: tuple[ImeiRefusal | None, ...] = (None, *ImeiRefusal)


def check(imei: str | bytes) -> ImeiRefusal | None:
    """Why `imei` (15 digits, check digit included) is refused; None when it is good."""
    # A character outside ASCII becomes "?", one for one: the length stays, the digit goes.
    text = imei.encode("ascii", "replace") if isinstance(imei, str) else imei
    verdict: int = lib.fsim_imei_check(text, len(text))
    return _REFUSALS[verdict]


def is_valid(imei: str | bytes) -> bool:
    """Whether `imei` is 15 digits with the right check digit, and not the null IMEI."""
    return check(imei) is None


def check_digit(first14: str) -> int:
    """The check digit, 0 to 9, of TAC and serial number (14 digits).

    Raises:
        ValueError: not 14 ASCII digits.
    """
    text = first14.encode("ascii", "replace")
    digit: int = lib.fsim_imei_check_digit(text) if len(text) == 14 else -1
    if digit < 0:
        raise ValueError("the check digit is that of 14 decimal digits")
    return digit
