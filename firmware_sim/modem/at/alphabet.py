"""The default alphabet of GSM: names in a SIM and, after +CSCS="GSM", on the port.

Source: 3GPP TS 23.038, 6.2.1. One septet a byte, unpacked; the extension table is not used.
"""

from __future__ import annotations

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_SEPTETS = {letter: septet for septet, letter in enumerate(_BASIC)}


def to_septets(text: str) -> bytes:
    """One byte (00..7F) a letter; what the alphabet lacks becomes `?`."""
    return bytes(_SEPTETS.get(letter, _SEPTETS["?"]) for letter in text)


def from_septets(data: bytes) -> str:
    """The text of unpacked septets; FF ends it, other bytes above 7F become `?`."""
    body = data.partition(b"\xff")[0]
    return "".join(_BASIC[byte] if byte < len(_BASIC) else "?" for byte in body)
