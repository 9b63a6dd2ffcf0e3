"""A message as text that a person can read out, type or paste: challenges and tickets.

Base 32 in Crockford's alphabet, which has no letters that look alike, over the whole message
and its CRC-32, in groups of five. Case, white space and hyphens do not matter; O is read as 0,
I and L as 1. The checksum is for slips of the finger; the signature inside is for the rest.

Source: SPEC.md, "The typed form".
"""

from __future__ import annotations

import zlib

from firmware_sim_protocol.errors import ProtocolError
from firmware_sim_protocol.numbers import HEADER_SIZE, MAX_MESSAGE
from firmware_sim_protocol.rules import SOUND, Guard, Rule

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUP = 5
CHECK_SIZE = 4
_READ = {
    **{char: value for value, char in enumerate(ALPHABET)},
    "O": 0,
    "I": 1,
    "L": 1,
}


class TypedFormError(ProtocolError):
    """The text is no message; the words say what is wrong, for the person who typed it."""


def to_text(message: bytes) -> str:
    """The typed form of a whole message: groups of five characters with hyphens."""
    octets = message + zlib.crc32(message).to_bytes(CHECK_SIZE)
    size = -(-len(octets) * 8 // 5)
    number = int.from_bytes(octets) << (size * 5 - len(octets) * 8)
    digits = "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (size - 1), -1, -5))
    return "-".join(digits[start : start + GROUP] for start in range(0, size, GROUP))


def from_text(text: str, guard: Guard = SOUND) -> bytes:
    """The message that was typed.

    Raises:
        TypedFormError: a character of no meaning, a wrong length or a wrong checksum.
    """
    digits = "".join(text.split()).replace("-", "").upper()
    unknown = sorted({char for char in digits if char not in _READ})
    if unknown:
        raise TypedFormError(f"{unknown[0]!r} is no character of this code")
    size = len(digits) * 5 // 8
    if not HEADER_SIZE + CHECK_SIZE <= size <= MAX_MESSAGE + CHECK_SIZE:
        raise TypedFormError(f"{len(digits)} characters: the code is not complete")
    number = 0
    for char in digits:
        number = number << 5 | _READ[char]
    spare = len(digits) * 5 - size * 8
    octets = (number >> spare).to_bytes(size)
    message, check = octets[:-CHECK_SIZE], octets[-CHECK_SIZE:]
    whole = spare < 5 and not number & ((1 << spare) - 1)
    good = zlib.crc32(message).to_bytes(4) == check or not guard.enforces(Rule.TYPED_FORM)
    if not (whole and good):
        raise TypedFormError("a character is wrong or missing (the checksum does not fit)")
    return message
