"""Which framing a channel speaks, read off its URL: one table for both ends.

Source: SPEC.md, "Framing": streams that keep every octet have the length framing, serial lines
the one of RFC 1662.
"""

from __future__ import annotations

from firmware_sim_protocol.framing import Framing, SerialFraming, TcpFraming
from firmware_sim_protocol.rules import SOUND, Guard

LENGTH_FRAMED = ("embedded:", "tcp:", "tls:", "unix:")
"""Schemes of the length framing; every other URL is a terminal or a serial port."""


def framing_of(url: str, guard: Guard = SOUND) -> Framing:
    """The framing of the channel to this URL."""
    length_framed = url.lower().startswith(LENGTH_FRAMED)
    return TcpFraming(guard) if length_framed else SerialFraming(guard)
