"""TBCD: decimal digits two a byte, the first in the low nibble, filler F.

Source: 3GPP TS 29.002, 17.7.8 (TBCD-STRING).
"""

from __future__ import annotations

from firmware_sim_native._core import ffi, lib


def pack_imei(imei15: str) -> bytes:
    """15 digits as 8 bytes; the check digit is not judged.

    Raises:
        ValueError: not 15 ASCII digits.
    """
    text = imei15.encode("ascii", "replace")
    packed = ffi.new("uint8_t[8]")
    if len(text) != 15 or lib.fsim_imei_pack(text, packed) != 0:
        raise ValueError("an IMEI to pack is 15 decimal digits")
    return bytes(packed)


def unpack_imei(b8: bytes) -> str:
    """8 bytes as 15 digits; the check digit is not judged.

    Raises:
        ValueError: not 8 bytes, a nibble above 9, or a filler other than F.
    """
    digits = ffi.new("uint8_t[15]")
    if len(b8) != 8 or lib.fsim_imei_unpack(bytes(b8), digits) != 0:
        raise ValueError("a packed IMEI is 8 bytes: 15 decimal nibbles and the filler F")
    return bytes(digits).decode("ascii")


def pack(digits: str) -> bytes:
    """Any number of digits as TBCD, with the filler F after an odd number.

    Raises:
        ValueError: a character that is no ASCII digit.
    """
    if not (digits.isascii() and digits.isdigit()) and digits:
        raise ValueError("TBCD here holds decimal digits only")
    padded = digits + "F" * (len(digits) % 2)
    return bytes(
        int(second, 16) << 4 | int(first) for first, second in zip(*[iter(padded)] * 2, strict=True)
    )


def unpack(data: bytes) -> str:
    """The digits of TBCD; a filler F is allowed only at the very end.

    Raises:
        ValueError: a nibble above 9 that is no final filler.
    """
    nibbles = [nibble for byte in data for nibble in (byte & 15, byte >> 4)]
    if nibbles and nibbles[-1] == 15:
        nibbles.pop()
    if any(nibble > 9 for nibble in nibbles):
        raise ValueError("TBCD here holds decimal digits only")
    return "".join(map(str, nibbles))
