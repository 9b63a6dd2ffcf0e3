"""A modem to begin with: SIM, networks and locks made from two PLMNs and an IMEI.

The numbers are made up and the same each time: an IMSI of the SIM's PLMN, an ICCID whose
check digit is right, cells that follow from the PLMN.
Source: 3GPP TS 23.003, 2.2 (IMSI); ITU-T E.118 (ICCID).
"""

from __future__ import annotations

from firmware_sim.errors import UsageError
from firmware_sim.modem.virtual.state import (
    Access,
    Cell,
    ModemState,
    Network,
    Sim,
)
from firmware_sim_native import plmn as plmns

DEFAULT_IMEI = "356938035643809"
"""A well-formed IMEI that no handset has: the example that GSM documents print."""

_NEIGHBOURS = 3
"""How many further networks of the same country a scan finds at most."""


def default_state(
    imei: str = DEFAULT_IMEI, serving: str | None = "26201", sim: str | None = None
) -> ModemState:
    """A modem with one SIM in the first of two slots.

    `serving`, `sim`: PLMNs of 5 or 6 digits; `sim` None takes the serving network's; "none"
    leaves either out. Raises: UsageError: not a PLMN, or an IMEI that is not 15 digits.
    """
    if not (imei.isascii() and imei.isdigit() and len(imei) == 15):
        raise UsageError("modem", f"an IMEI has 15 digits, not {imei!r}")
    network = plmn_or_none(serving)
    home = plmn_or_none(sim) if sim is not None else network
    return ModemState(
        imei=imei,
        sims=[make_sim(home) if home else None, None],
        serving=network,
        networks=networks_around(network) if network else [],
    )


def plmn_or_none(written: str | None) -> str | None:
    """A PLMN of 5 or 6 digits; None for None and "none". Raises: UsageError: anything else."""
    if written is None or written == "none":
        return None
    if not (written.isascii() and written.isdigit() and len(written) in (5, 6)):
        raise UsageError("modem", f"a PLMN has 5 or 6 digits, not {written!r}")
    return written


def make_sim(plmn: str, slot: int = 0) -> Sim:
    """A card of that home network; `slot` makes two cards of one network differ."""
    return Sim(
        iccid=_iccid(plmn, slot),
        imsi=imsi_of(plmn + f"{slot:02d}"),
        mnc_length=len(plmn) - 3,
        provider=name_of(plmn)[:16],
    )


def imsi_of(start: str) -> str:
    """15 digits that begin with `start`."""
    return (start + "1234567890123")[:15]


def _iccid(plmn: str, slot: int) -> str:
    # 89 is telecommunication; a country and issuer follow, here the PLMN itself. The whole has
    # 19 digits and a check digit (E.118, 4.1).
    body = f"89{plmn}{slot:02d}".ljust(18, "0")
    return body + _luhn(body)


def _luhn(digits: str) -> str:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if index % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def name_of(plmn: str) -> str:
    """The network's name in the tables; its number when they have none."""
    return plmns.lookup(plmn).name or plmn


def networks_around(plmn: str) -> list[Network]:
    """The network itself and a few others of its country, as a scan would find them."""
    found = [plmn]
    width = len(plmn) - 3
    for number in range(10**width):
        if len(found) > _NEIGHBOURS:
            break
        other = f"{plmn[:3]}{number:0{width}d}"
        if other != plmn and plmns.lookup(other).known:
            found.append(other)
    return [_network(other, index) for index, other in enumerate(found)]


def _network(plmn: str, index: int) -> Network:
    name = name_of(plmn)
    number = int(plmn)
    cell = Cell(area=0x1000 + number % 0xE000, cell=0x0100000 + number * 16 + index)
    access = (Access.LTE, Access.LTE, Access.GSM, Access.UTRAN)[index % 4]
    return Network(plmn, name[:24], name[:10].rstrip(), access, cell)
