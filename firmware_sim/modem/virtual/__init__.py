"""The virtual modem: a program talks to us, and takes us for a modem.

    modem = VirtualModem(default_state(serving="36801", sim="26201"))
    modem.receive(b"AT+CGSN\\r", now=0)
    modem.outgoing()

It must not know links, handsets or servers. Times are monotonic milliseconds.
"""

from firmware_sim.modem.virtual.defaults import DEFAULT_IMEI, default_state, make_sim
from firmware_sim.modem.virtual.faults import Departure, Fault, FaultKind, fault
from firmware_sim.modem.virtual.machine import VirtualModem
from firmware_sim.modem.virtual.profile import GENERIC, Deviation, Profile, load, names
from firmware_sim.modem.virtual.state import (
    Access,
    Cell,
    Clock,
    Lock,
    LockKind,
    ModemState,
    Network,
    Registration,
    Secret,
    Sim,
)

__all__ = [
    "DEFAULT_IMEI",
    "GENERIC",
    "Access",
    "Cell",
    "Clock",
    "Departure",
    "Deviation",
    "Fault",
    "FaultKind",
    "Lock",
    "LockKind",
    "ModemState",
    "Network",
    "Profile",
    "Registration",
    "Secret",
    "Sim",
    "VirtualModem",
    "default_state",
    "fault",
    "load",
    "make_sim",
    "names",
]
