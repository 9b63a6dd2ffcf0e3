"""USB modems keep their identity when their port's number changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from firmware_sim.errors import UsageError
from firmware_sim.links import Link, LinkError, memory
from firmware_sim.links.holders import Holder, holders
from firmware_sim.links.ports import Port, UsbIdentity, find, likely_at, parse_identity
from firmware_sim.links.reattach import Patience, Reattachment

EC25 = [
    Port(f"/dev/ttyUSB{number}", "EC25", UsbIdentity(0x2C7C, 0x0125, "A1", number))
    for number in range(4)
]


def test_a_modem_that_comes_back_under_another_number_is_found() -> None:
    wanted = EC25[2].usb
    assert wanted is not None
    again = [Port("/dev/ttyUSB3", "EC25", wanted), Port("/dev/ttyUSB2", "other")]
    assert find(wanted, again).device == "/dev/ttyUSB3"


def test_an_identity_is_written_and_read() -> None:
    for text in ("2c7c:0125:A1:2", "2c7c:0125::", "2c7c:0125:A1:"):
        assert str(parse_identity(text)) == text
    assert parse_identity("2C7C:125") == UsbIdentity(0x2C7C, 0x125)
    for text in ("", "2c7c", "x:y", "1:2:3:4:5", "1:2:3:x"):
        with pytest.raises(UsageError):
            parse_identity(text)


def test_an_identity_that_fits_several_ports_names_them() -> None:
    with pytest.raises(LinkError, match="name the interface: /dev/ttyUSB0, /dev/ttyUSB1"):
        find(UsbIdentity(0x2C7C, 0x0125), EC25)
    with pytest.raises(LinkError, match="no serial port belongs"):
        find(UsbIdentity(0x2C7C, 0x0125, "B2"), EC25)


def test_likely_at_ports_are_told_by_maker_and_interface() -> None:
    assert [likely_at(port) is not None for port in EC25] == [False, False, True, True]
    acm = Port("/dev/ttyACM0", "", UsbIdentity(0x0001, 0x0002))
    assert likely_at(acm) == "a modem by its USB class (CDC ACM)"
    assert likely_at(Port("/dev/ttyS0")) is None


def test_the_holder_of_a_device_is_named(tmp_path: Path) -> None:
    device = tmp_path / "ttyX"
    device.write_text("")
    proc = tmp_path / "proc"
    for pid, program in ((4242, "ModemManager"), (4243, "other")):
        (proc / str(pid) / "fd").mkdir(parents=True)
        (proc / str(pid) / "comm").write_text(program + "\n")
    (proc / "4242" / "fd" / "7").symlink_to(os.path.realpath(device))
    (proc / "4243" / "fd" / "1").symlink_to("/dev/null")
    assert holders(str(device), proc) == [Holder(4242, "ModemManager")]


def test_reattachment_tries_with_growing_pauses_and_ends_with_both_causes() -> None:
    tried: list[int] = []
    now = 0

    def reopen() -> Link:
        tried.append(now)
        raise LinkError("modem", "no such device")

    lost = Reattachment(reopen, Patience(1_000, 50, 300), "the cable was pulled", 0)
    while not lost.expired(now):
        now = max(now + 1, lost.wake_at())
        assert lost.attempt(now) is None
    assert tried == [50, 100, 200, 400, 700]
    assert lost.cause == "the cable was pulled; it did not come back: no such device"


def test_reattachment_gives_the_link_when_it_is_back() -> None:
    near, _ = memory.pair()
    lost = Reattachment(lambda: near, Patience(), "reset", 0)
    assert lost.attempt(10) is None
    assert lost.attempt(50) is near
