"""The serial ports of this machine, and who a USB modem is, whatever number its port got today.

After a reset or a pulled cable ttyUSB2 comes back as ttyUSB3; vendor, product, serial number
and interface stay. Source: USB 2.0, 9.6.1 and 9.6.5 (descriptors).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from firmware_sim.errors import UsageError
from firmware_sim.links.link import LinkError


@dataclass(frozen=True, slots=True)
class UsbIdentity:
    """`VID:PID:SERIAL:INTERFACE`; an empty serial or no interface means "any" when asked for."""

    vid: int
    pid: int
    serial: str = ""
    interface: int | None = None

    def __str__(self) -> str:
        number = "" if self.interface is None else str(self.interface)
        return f"{self.vid:04x}:{self.pid:04x}:{self.serial}:{number}"

    def matches(self, other: UsbIdentity) -> bool:
        """Whether `other` is the one that is asked for."""
        return (
            (self.vid, self.pid) == (other.vid, other.pid)
            and self.serial in ("", other.serial)
            and self.interface in (None, other.interface)
        )


def parse_identity(text: str) -> UsbIdentity:
    """Read `VID:PID[:SERIAL[:INTERFACE]]`. Raises: UsageError."""
    parts = text.split(":")
    try:
        vid, pid = (int(part, 16) for part in parts[:2])
        number = parts[3] if len(parts) > 3 else ""
        interface = int(number) if number else None
    except ValueError:
        parts = []
    if not 2 <= len(parts) <= 4:
        raise UsageError("modem", f"usb:{text}: expected usb:VID:PID[:SERIAL[:INTERFACE]]")
    return UsbIdentity(vid, pid, parts[2] if len(parts) > 2 else "", interface)


@dataclass(frozen=True, slots=True)
class Port:
    """A serial port: device path, what it says of itself, who it is."""

    device: str
    description: str = ""
    usb: UsbIdentity | None = None


def serial_ports() -> list[Port]:
    """Every serial port that the system knows, in the order of their names."""
    from serial.tools import list_ports

    found = []
    for info in list_ports.comports():
        usb = None
        if info.vid is not None and info.pid is not None:
            usb = UsbIdentity(
                info.vid, info.pid, info.serial_number or "", _interface(info.location)
            )
        text = info.description if info.description not in (None, "n/a") else ""
        found.append(Port(info.device, text, usb))
    return sorted(found, key=lambda port: port.device)


def _interface(location: str | None) -> int | None:
    """`1-2.3:1.2` (bus, ports, configuration, interface) -> 2."""
    tail = (location or "").rpartition(":")[2].rpartition(".")[2]
    return int(tail) if ":" in (location or "") and tail.isdigit() else None


def find(wanted: UsbIdentity, ports: Iterable[Port]) -> Port:
    """The one port that is `wanted`. Raises: LinkError (none, or more than one)."""
    found = [port for port in ports if port.usb is not None and wanted.matches(port.usb)]
    if not found:
        raise LinkError("modem", f"no serial port belongs to usb:{wanted}")
    if len(found) > 1:
        devices = ", ".join(port.device for port in found)
        raise LinkError("modem", f"usb:{wanted} has several ports, name the interface: {devices}")
    return found[0]


# Which interface of a composite modem speaks AT. From memory of ModemManager's port type hints
# and of the Linux option and qcserial drivers; not checked against hardware.
_AT_INTERFACES: dict[int, tuple[str, frozenset[int]]] = {
    0x2C7C: ("Quectel", frozenset({2, 3})),
    0x05C6: ("Qualcomm reference", frozenset({2, 3})),
    0x1E0E: ("SIMCom", frozenset({2, 3, 4})),
    0x1199: ("Sierra Wireless", frozenset({3})),
    0x12D1: ("Huawei", frozenset({0, 1, 2})),
    0x1BC7: ("Telit", frozenset({0, 3, 4})),
    0x1546: ("u-blox", frozenset({0, 2, 4})),
    0x2CB7: ("Fibocom", frozenset({0, 2})),
    0x19D2: ("ZTE", frozenset({1, 2, 3})),
}


def likely_at(port: Port) -> str | None:
    """Why a port may speak AT, in a few words; None when nothing says so."""
    if port.usb is None:
        return None
    known = _AT_INTERFACES.get(port.usb.vid)
    if known is not None and port.usb.interface in known[1]:
        return f"{known[0]}, interface {port.usb.interface}"
    if known is None and "ttyACM" in port.device:
        return "a modem by its USB class (CDC ACM)"
    words = port.description.lower()
    return "says that it is a modem" if "modem" in words or " at " in f" {words} " else None
