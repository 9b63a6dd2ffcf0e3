"""IMEI: the check with a reason, the check digit, whole lists at memory speed.

An IMEI is 15 decimal digits: TAC (8), serial number (6), check digit. Text in, verdict out;
what is written in other digits than ASCII ones is no IMEI.
Source: 3GPP TS 23.003, 6.2.1 and annex B.
"""

from __future__ import annotations

import enum

from firmware_sim_native._single import check_digit as check_digit
from firmware_sim_native._single import imei_verdict
from firmware_sim_native._single import is_valid as is_valid
from firmware_sim_native.bulk import BulkVerdicts as BulkVerdicts
from firmware_sim_native.bulk import LineVerdict as LineVerdict
from firmware_sim_native.bulk import paths as paths
from firmware_sim_native.bulk import validate_many as validate_many


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
    return _REFUSALS[imei_verdict(imei)]
