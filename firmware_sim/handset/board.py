"""What is burnt in when the phone is made."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_sim_protocol.signing import PrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Identity of one board.

    `imei`, `imei2`: as printed on the box, 15 digits. What counts in an exchange is what the
    modem reports; `imei2` fills in where the modem has no command for a second IMEI.
    `device_key` signs requests. `storage_key` (32 octets) seals the record: a flash that is
    moved to another board is worth nothing there.
    """

    imei: str
    device_key: PrivateKey
    storage_key: bytes
    imei2: str | None = None
    model: str = "Norvik One"
