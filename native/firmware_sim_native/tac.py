"""What the digits of an IMEI mean: TAC, serial number, reporting body, test or not.

Source: 3GPP TS 23.003, 6.2; GSMA TS.06, annex A, version 25.0 of May 2024 (the bodies, read
through an encyclopedia's copy of the table, not in the document itself).
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware_sim_native._single import check_digit
from firmware_sim_native.bulk import LineVerdict, judge

SOURCES = ("3GPP TS 23.003, 6.2 and annex B", "GSMA TS.06 v25.0 (May 2024), annex A")

TEST = "test IMEI"
_BODIES = {
    "01": "CTIA (PTCRB), United States",
    "10": "DECT devices",
    "30": "Iridium, United States (satellite phones)",
    "33": "DGPT, France",
    "35": "TÜV SÜD (BABT), United Kingdom",
    "44": "BABT, United Kingdom",
    "45": "NTA, Denmark",
    "49": "BZT / BAPT, Germany",
    "50": "BZT ETS, Germany",
    "51": "Cetecom ICT, Germany",
    "52": "Cetecom, Germany",
    "53": "TÜV, Germany",
    "54": "Phoenix Test Lab, Germany",
    "86": "TAF, China",
    "91": "MSAI, India",
    "98": "reserved (a few TACs were allocated from it)",
    "99": "Global Hexadecimal Administrator",
}
# 00: nations with a two-digit country code; 02 to 09: with a three-digit one.
_TEST_BODIES = frozenset({"00", *(f"0{digit}" for digit in range(2, 10))})


def reporting_body(code: str) -> str | None:
    """Who allocates (or allocated) TACs that begin with these two digits; None: not listed."""
    return TEST if code in _TEST_BODIES else _BODIES.get(code)


@dataclass(frozen=True, slots=True)
class Identity:
    """An IMEI of 14, 15 or 16 digits taken apart; None where the text has no such part.

    `check_digit` is the one written in an IMEI of 15 digits, else the one that belongs to the
    first 14; `expected_check_digit` is always the latter.
    """

    verdict: LineVerdict
    kind: str | None
    tac: str | None = None
    serial: str | None = None
    check_digit: int | None = None
    expected_check_digit: int | None = None
    svn: str | None = None
    body_code: str | None = None
    body: str | None = None
    test: bool | None = None


def take_apart(text: str) -> Identity:
    """The parts of an IMEI, also of one whose check digit is wrong."""
    verdict = judge(text.encode("ascii", "replace"))
    if verdict in (LineVerdict.LENGTH, LineVerdict.NON_DIGIT, LineVerdict.BLANK):
        # Nothing on a line is no line; nothing where an IMEI belongs is a wrong length.
        return Identity(LineVerdict.LENGTH if not text else verdict, None)
    expected = check_digit(text[:14])
    return Identity(
        verdict=verdict,
        kind={14: "imei14", 15: "imei", 16: "imeisv"}[len(text)],
        tac=text[:8],
        serial=text[8:14],
        check_digit=int(text[14]) if len(text) == 15 else expected,
        expected_check_digit=expected,
        svn=text[14:] if len(text) == 16 else None,
        body_code=text[:2],
        body=reporting_body(text[:2]),
        test=text[:2] in _TEST_BODIES,
    )
