"""The options of every command that opens a modem's line."""

from __future__ import annotations

import argparse

from firmware_sim.links.settings import SerialSettings

BAUD_RATES = range(50, 4_000_001)


def add_line_options(parser: argparse.ArgumentParser) -> None:
    """URL, rate, flow control."""
    parser.add_argument(
        "url",
        metavar="URL",
        help="device path, COM7, pty:PATH, tcp://HOST:PORT, unix:PATH, usb:VID:PID[:SERIAL[:IF]], "
        "rfc2217://HOST:PORT, socket://HOST:PORT, replay:FILE",
    )
    parser.add_argument("--baud", type=_baud, default=115200, metavar="N", help="bits per second")
    parser.add_argument("--rtscts", action="store_true", help="hardware flow control (RTS/CTS)")


def line_settings(options: argparse.Namespace) -> SerialSettings:
    """What the options chose."""
    return SerialSettings(baud=options.baud, rtscts=options.rtscts)


def _baud(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) not in BAUD_RATES:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate (50 to 4000000)")
    return int(text)
