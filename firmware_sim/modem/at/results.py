"""Result codes: what ends an answer, and the numbers and texts of +CME ERROR.

Source: ITU-T V.250, table 1; 3GPP TS 27.007, 9.2. The numbers are from memory of the
clause and agree with what ModemManager 1.20 and oFono 1.31 read.
"""

from __future__ import annotations

import enum


class Result(enum.Enum):
    """A final or intermediate result code; the value is its verbose text (V1)."""

    OK = "OK"
    CONNECT = "CONNECT"
    RING = "RING"
    NO_CARRIER = "NO CARRIER"
    ERROR = "ERROR"
    NO_DIALTONE = "NO DIALTONE"
    BUSY = "BUSY"
    NO_ANSWER = "NO ANSWER"
    CME_ERROR = "+CME ERROR"
    CMS_ERROR = "+CMS ERROR"
    # Met in the field, in no standard: makers' own ways of saying no.
    NOT_SUPPORTED = "COMMAND NOT SUPPORT"
    NOT_AVAILABLE = "NA"
    MODEM_ERROR = "MODEM ERROR"


NUMERIC: dict[Result, int] = {
    Result.OK: 0,
    Result.CONNECT: 1,
    Result.RING: 2,
    Result.NO_CARRIER: 3,
    Result.ERROR: 4,
    Result.NO_DIALTONE: 6,
    Result.BUSY: 7,
    Result.NO_ANSWER: 8,
}
"""What V0 prints instead of the text. +CME ERROR and +CMS ERROR have no number of their own."""


class CmeError(enum.IntEnum):
    """Why a mobile refused: the <err> of +CME ERROR. Source: 3GPP TS 27.007, 9.2."""

    PHONE_FAILURE = 0
    NO_CONNECTION = 1
    LINK_RESERVED = 2
    NOT_ALLOWED = 3
    NOT_SUPPORTED = 4
    PH_SIM_PIN = 5
    PH_FSIM_PIN = 6
    PH_FSIM_PUK = 7
    SIM_NOT_INSERTED = 10
    SIM_PIN = 11
    SIM_PUK = 12
    SIM_FAILURE = 13
    SIM_BUSY = 14
    SIM_WRONG = 15
    INCORRECT_PASSWORD = 16
    SIM_PIN2 = 17
    SIM_PUK2 = 18
    MEMORY_FULL = 20
    INVALID_INDEX = 21
    NOT_FOUND = 22
    MEMORY_FAILURE = 23
    TEXT_TOO_LONG = 24
    INVALID_TEXT = 25
    DIAL_TOO_LONG = 26
    INVALID_DIAL = 27
    NO_SERVICE = 30
    NETWORK_TIMEOUT = 31
    EMERGENCY_ONLY = 32
    NETWORK_PIN = 40
    NETWORK_PUK = 41
    SUBSET_PIN = 42
    SUBSET_PUK = 43
    PROVIDER_PIN = 44
    PROVIDER_PUK = 45
    CORPORATE_PIN = 46
    CORPORATE_PUK = 47
    HIDDEN_KEY = 48
    INCORRECT_PARAMETERS = 50
    UNKNOWN = 100


_TEXTS: dict[CmeError, str] = {
    CmeError.PHONE_FAILURE: "phone failure",
    CmeError.NO_CONNECTION: "no connection to phone",
    CmeError.LINK_RESERVED: "phone-adaptor link reserved",
    CmeError.NOT_ALLOWED: "operation not allowed",
    CmeError.NOT_SUPPORTED: "operation not supported",
    CmeError.PH_SIM_PIN: "PH-SIM PIN required",
    CmeError.PH_FSIM_PIN: "PH-FSIM PIN required",
    CmeError.PH_FSIM_PUK: "PH-FSIM PUK required",
    CmeError.SIM_NOT_INSERTED: "SIM not inserted",
    CmeError.SIM_PIN: "SIM PIN required",
    CmeError.SIM_PUK: "SIM PUK required",
    CmeError.SIM_FAILURE: "SIM failure",
    CmeError.SIM_BUSY: "SIM busy",
    CmeError.SIM_WRONG: "SIM wrong",
    CmeError.INCORRECT_PASSWORD: "incorrect password",
    CmeError.SIM_PIN2: "SIM PIN2 required",
    CmeError.SIM_PUK2: "SIM PUK2 required",
    CmeError.MEMORY_FULL: "memory full",
    CmeError.INVALID_INDEX: "invalid index",
    CmeError.NOT_FOUND: "not found",
    CmeError.MEMORY_FAILURE: "memory failure",
    CmeError.TEXT_TOO_LONG: "text string too long",
    CmeError.INVALID_TEXT: "invalid characters in text string",
    CmeError.DIAL_TOO_LONG: "dial string too long",
    CmeError.INVALID_DIAL: "invalid characters in dial string",
    CmeError.NO_SERVICE: "no network service",
    CmeError.NETWORK_TIMEOUT: "network timeout",
    CmeError.EMERGENCY_ONLY: "network not allowed - emergency calls only",
    CmeError.NETWORK_PIN: "network personalization PIN required",
    CmeError.NETWORK_PUK: "network personalization PUK required",
    CmeError.SUBSET_PIN: "network subset personalization PIN required",
    CmeError.SUBSET_PUK: "network subset personalization PUK required",
    CmeError.PROVIDER_PIN: "service provider personalization PIN required",
    CmeError.PROVIDER_PUK: "service provider personalization PUK required",
    CmeError.CORPORATE_PIN: "corporate personalization PIN required",
    CmeError.CORPORATE_PUK: "corporate personalization PUK required",
    CmeError.HIDDEN_KEY: "hidden key required",
    CmeError.INCORRECT_PARAMETERS: "incorrect parameters",
    CmeError.UNKNOWN: "unknown",
}


def cme_text(number: int) -> str:
    """The text of a +CME ERROR number; a number outside the table says so itself."""
    try:
        return _TEXTS[CmeError(number)]
    except ValueError:
        return f"error {number}"


def cme_number(text: str) -> int | None:
    """The number of a +CME ERROR given as number or text; None when it is neither.

    Spelling differs between makers (personalisation, lower case): both are folded.
    """
    word = text.strip()
    if word.isascii() and word.isdigit():
        return int(word)
    folded = word.casefold().replace("personalisation", "personalization")
    for number, known in _TEXTS.items():
        if known.casefold() == folded:
            return int(number)
    return None
