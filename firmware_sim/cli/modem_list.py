"""`firmware-sim modem list`: the serial ports of this machine, and which may speak AT."""

from __future__ import annotations

import argparse
import json


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--json", action="store_true", help="one array on stdout")


def run(options: argparse.Namespace) -> int:
    """List them; nothing is opened."""
    from firmware_sim.links.ports import likely_at, serial_ports

    ports = serial_ports()
    if options.json:
        rows = [
            {
                "device": port.device,
                "description": port.description or None,
                "usb": None if port.usb is None else str(port.usb),
                "at": likely_at(port),
            }
            for port in ports
        ]
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    if not ports:
        print("no serial ports")
    for port in ports:
        usb = f"  usb:{port.usb}" if port.usb is not None else ""
        why = likely_at(port)
        mark = f"  likely AT: {why}" if why else ""
        print(f"{port.device:<16} {port.description}{usb}{mark}".rstrip())
    return 0
