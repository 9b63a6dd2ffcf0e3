"""What the virtual modem does for each command: one table a topic, joined here."""

from firmware_sim.modem.at.command import Command
from firmware_sim.modem.virtual.commands import (
    identity,
    messages,
    network,
    packet,
    phone,
    port,
    security,
    sim,
)
from firmware_sim.modem.virtual.outcome import Device, Outcome, Verbs, ok

TABLE: dict[str, Verbs] = {
    **identity.TABLE,
    **messages.TABLE,
    **network.TABLE,
    **packet.TABLE,
    **phone.TABLE,
    **port.TABLE,
    **security.TABLE,
    **sim.TABLE,
}
"""Name -> forms."""


def _all(device: Device, _command: Command) -> Outcome:
    own = {name for name, _ in device.profile.answers}
    known = (set(TABLE) | own) - (device.profile.missing - own)
    return Outcome([f"AT{name}" for name in sorted(known)])


TABLE["+CLAC"] = Verbs(execute=_all, test=ok)
