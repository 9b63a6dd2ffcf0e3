"""The doctor's findings for everything that can be wrong, handed in as values."""

from __future__ import annotations

import dataclasses
import os

import pytest

from firmware_sim.links.holders import Holder
from firmware_sim.links.ports import Port, UsbIdentity
from firmware_sim.modem.reading import Reading, Registration, SimState
from firmware_sim.rig.doctor import (
    Finding,
    Health,
    examine_device,
    examine_reading,
    examine_silence,
)

GOOD = Reading(
    manufacturer="Maker",
    imei="490154203237518",
    sim=SimState.READY,
    imsi="262011234567890",
    mnc_length=2,
    registration=Registration.HOME,
    serving="26201",
    signal_dbm=-73,
)


def of(what: str, reading: Reading) -> Finding:
    return next(one for one in examine_reading(reading) if one.what == what)


def test_a_good_modem_has_nothing_to_mend() -> None:
    assert {one.health for one in examine_reading(GOOD)} == {Health.WELL}


@pytest.mark.parametrize("sim", [state for state in SimState if state is not SimState.READY])
def test_every_state_of_a_card_has_a_line_and_a_remedy(sim: SimState) -> None:
    found = of("sim", dataclasses.replace(GOOD, sim=sim, imsi=""))
    assert found.health is Health.ILL
    assert found.mend


@pytest.mark.parametrize("state", [state for state in Registration if not state.registered])
def test_every_registration_that_serves_nobody_has_a_remedy(state: Registration) -> None:
    found = of("network", dataclasses.replace(GOOD, registration=state, serving=None))
    assert found.health is Health.ILL
    assert found.mend


@pytest.mark.parametrize(
    ("change", "what", "health"),
    [
        ({"signal_dbm": None}, "signal", Health.DOUBTFUL),
        ({"signal_dbm": -110}, "signal", Health.DOUBTFUL),
        ({"locks": ("PN", "PP")}, "locks", Health.DOUBTFUL),
        ({"imei": ""}, "imei", Health.ILL),
        ({"problems": ("the radio is off (CFUN 4)",)}, "radio", Health.ILL),
        ({"serving": None}, "network", Health.ILL),
        ({"imsi": ""}, "sim", Health.DOUBTFUL),
    ],
)
def test_each_thing_that_is_wrong_is_found(
    change: dict[str, object], what: str, health: Health
) -> None:
    reading = dataclasses.replace(GOOD, **change)  # type: ignore[arg-type]
    assert of(what, reading).health is health


def test_modem_manager_on_the_port_is_told_with_its_remedy() -> None:
    master, slave = os.openpty()
    try:
        held = [Holder(812, "ModemManager"), Holder(900, "firmware-sim")]
        found = list(examine_device(os.ttyname(slave), held, "ana"))
    finally:
        os.close(master)
        os.close(slave)
    assert [one.what for one in found] == ["device", "permission", "holders"]
    assert found[2].seen == "ModemManager (process 812) has it open"
    assert "systemctl stop ModemManager" in found[2].mend


@pytest.mark.parametrize(
    ("heard", "seen"),
    [
        (b"$GPGGA,123519,4807.038,N\r\n", "position interface"),
        (b"\x7e\x13\x7e", "diagnostic port"),
        (b"login: ", "no AT answers"),
        (b"", "nothing answers AT"),
    ],
)
def test_a_wrong_interface_is_told_by_what_it_says(heard: bytes, seen: str) -> None:
    ports = [
        Port(f"/dev/ttyUSB{number}", "", UsbIdentity(0x2C7C, 0x0125, "A", number))
        for number in range(4)
    ]
    found = examine_silence(heard, ports[1], ports)
    assert seen in found.seen
    assert "try /dev/ttyUSB2, /dev/ttyUSB3" in found.mend
