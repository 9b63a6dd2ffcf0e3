"""Asking a virtual modem in a test: one line in, the lines out."""

from __future__ import annotations

from firmware_sim.modem.virtual import GENERIC, Fault, Profile, VirtualModem, default_state

IMEI = "356938035643809"


def fresh(
    serving: str | None = "26201",
    sim: str | None = "26201",
    profile: Profile = GENERIC,
    faults: tuple[Fault, ...] = (),
) -> VirtualModem:
    """A modem that does not echo, with its greeting taken away."""
    modem = VirtualModem(default_state(IMEI, serving, sim), profile, faults)
    modem.receive(b"ATE0\r", 0)
    modem.outgoing()
    return modem


def ask(modem: VirtualModem, line: str, now: int = 0) -> list[str]:
    """What comes back for a line at once: the lines, without the empty ones."""
    modem.receive(line.encode("latin-1") + b"\r", now)
    return unasked(modem)


def unasked(modem: VirtualModem) -> list[str]:
    """The lines that wait to be sent."""
    return [row for row in modem.outgoing().decode("latin-1").split("\r\n") if row]
