"""`modem serve`, `modem set`, `modem move` as a user types them, and gammu as the witness."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from firmware_sim.cli.modem_control import ask as control_line
from firmware_sim.links import Link, open_link, wait
from tests.support.needs import needs_program
from tests.support.program import firmware_sim, line_with, started

IMEI = "490154203237518"


def ask(link: Link, line: bytes, *ends: bytes) -> bytes:
    link.send(line)
    ends = ends or (b"OK\r\n", b"ERROR\r\n")
    heard = b""
    while not heard.endswith(ends):
        assert wait([link], 10), heard
        heard += link.receive()
    return heard


def test_a_served_modem_is_set_and_moved_from_the_command_line(tmp_path: Path) -> None:
    port, control = tmp_path / "modem", tmp_path / "control"
    words = ["--pty", port, "--imei", IMEI, "--sim", "26201", "--serving", "26201"]
    with started("modem", "serve", *words, "--control", control) as serving:
        assert line_with(serving.stdout, "modem 0") == (
            f"modem 0: pty:{port} IMEI {IMEI} serving 26201"
        )
        line_with(serving.stdout, "control:")
        link = open_link(f"pty:{port}", part="modem")
        assert IMEI.encode() in ask(link, b"ATE0+CREG=1;+CGSN\r")
        done = firmware_sim("modem", "set", "--control", control, "registration=denied")
        assert (done.status, done.stdout, done.stderr) == (0, "", "")
        done = firmware_sim("modem", "move", "--control", control, "--serving", "25032", "--json")
        assert json.loads(done.stdout)["serving"] == "25032"
        assert wait([link], 10)
        assert ask(link, b"AT+COPS=3,2;+COPS?\r") == (
            b'\r\n+CREG: 3\r\n\r\n+CREG: 5\r\n\r\n+COPS: 0,2,"25032",7\r\n\r\nOK\r\n'
        )
        refused = firmware_sim("modem", "set", "--control", control, "signal=loud")
        assert refused.status == 2
        assert "signal=loud" in refused.one_line()
        link.close()
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(10) == 0
    assert not port.exists()
    assert not port.is_symlink()


def test_a_control_line_can_end_the_server(tmp_path: Path) -> None:
    words = ["--unix", tmp_path / "m", "--control", tmp_path / "c"]
    with started("modem", "serve", *words) as serving:
        line_with(serving.stdout, "control:")
        assert control_line(str(tmp_path / "c"), {"stop": True}) == {"ok": True}
        assert serving.wait(10) == 0


def test_gammu_reads_the_imei_that_the_modem_was_given(tmp_path: Path) -> None:
    gammu = needs_program("gammu", "gammu")
    port, settings = tmp_path / "modem", tmp_path / "gammurc"
    settings.write_text(f"[gammu]\ndevice={port}\nconnection=at115200\nmodel=at\n")
    with started(
        "modem", "serve", "--pty", port, "--imei", IMEI, "--control", tmp_path / "c"
    ) as it:
        line_with(it.stdout, "modem 0")
        import subprocess

        told = subprocess.run(
            [gammu, "-c", str(settings), "identify"], capture_output=True, text=True, timeout=60
        )
    assert f"IMEI                 : {IMEI}" in told.stdout.splitlines()


def test_several_ports_make_several_modems_with_their_own_imei(tmp_path: Path) -> None:
    words = ["--unix", tmp_path / "m", "--count", "3", "--control", tmp_path / "c"]
    with started("modem", "serve", *words, "--imei", IMEI) as serving:
        lines = [line_with(serving.stdout, f"modem {index}") for index in range(3)]
        link = open_link(f"unix:{tmp_path}/m2", part="modem")
        assert b"490154203237534" in ask(link, b"AT+CGSN\r")
        link.close()
    assert [line.split(" IMEI ")[1].split()[0] for line in lines] == [
        IMEI,
        "490154203237526",
        "490154203237534",
    ]


def test_settings_and_faults_can_be_given_at_the_start(tmp_path: Path) -> None:
    words = ["--set", "pin=4711", "--fault", "busy:times=1", "--profile", "quectel-eg25"]
    with started(
        "modem", "serve", "--unix", tmp_path / "m", "--control", tmp_path / "c", *words
    ) as serving:
        line_with(serving.stdout, "modem 0")
        link = open_link(f"unix:{tmp_path}/m", part="modem")
        assert b"SIM busy" in ask(link, b"ATE0+CMEE=2;+CPIN?\r", b"busy\r\n")
        assert b"+CPIN: SIM PIN" in ask(link, b"AT+CPIN?\r")
        assert b"Quectel" in ask(link, b"AT+CGMI\r")
        link.close()


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        ([], 2, "modem: no port: give --pty PATH, --tcp HOST:PORT or --unix PATH"),
        (["--tcp", "127.0.0.1:0", "--imei", "490154203237519"], 2, "modem: IMEI 490154203237519"),
        (["--tcp", "127.0.0.1:0", "--serving", "2620"], 2, "modem: a PLMN has 5 or 6 digits"),
        (["--tcp", "127.0.0.1:0", "--profile", "nokia"], 2, "modem: no profile named 'nokia'"),
        (["--tcp", "127.0.0.1:0", "--fault", "explode"], 2, "modem: no fault named 'explode'"),
        (["--tcp", "127.0.0.1:0", "--set", "signal"], 2, "modem: --set signal: NAME=VALUE"),
        (["--tcp", "127.0.0.1:0", "--count", "0"], 2, "modem: --count is 1 or more"),
        (["--tcp", "127.0.0.1"], 2, "modem: "),
        (["--pty", "/nowhere/at/all"], 3, "modem: cannot make a pty at /nowhere/at/all"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(
    words: list[str], status: int, says: str, tmp_path: Path
) -> None:
    done = firmware_sim("modem", "serve", *words, "--control", tmp_path / "c")
    assert done.status == status
    assert says in done.one_line()


def test_setting_without_a_server_says_where_it_looked(tmp_path: Path) -> None:
    done = firmware_sim("modem", "set", "--control", tmp_path / "nobody", "signal=-90")
    assert done.status == 3
    assert str(tmp_path / "nobody") in done.one_line()


@pytest.mark.parametrize("words", [["set"], ["set", "signal"]])
def test_setting_nothing_is_a_wrong_use(words: list[str], tmp_path: Path) -> None:
    done = firmware_sim("modem", *words, "--control", tmp_path / "nobody")
    assert done.status == 2
    assert "NAME=VALUE" in done.one_line()


def test_settings_faults_and_profiles_can_be_listed() -> None:
    assert "registration" in firmware_sim("modem", "set", "--list").stdout
    assert "re-enumerate" in firmware_sim("modem", "serve", "--fault", "help").stdout
    listed = firmware_sim("modem", "serve", "--list-profiles").stdout.splitlines()
    assert any(line.startswith("generic") for line in listed)
