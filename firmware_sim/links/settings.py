"""How a serial line is set; everything else about a link is in its URL."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """`baud`: bits per second. `rtscts`: hardware flow control (RTS/CTS of ITU-T V.24)."""

    baud: int = 115200
    rtscts: bool = False


DEFAULT_SERIAL = SerialSettings()
