"""modem probe, list, doctor, record and bridge as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.program import firmware_sim, line_with, started

IMEI = "356938035643809"
KEYS = [
    "manufacturer",
    "model",
    "revision",
    "imei",
    "imeisv",
    "sim",
    "imsi",
    "iccid",
    "mnc_length",
    "registration",
    "serving",
    "access",
    "cell",
    "signal_dbm",
    "locks",
    "clock",
]


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Path]:
    """A virtual modem of another process: a German card in Cuba."""
    path = tmp_path / "modem"
    words = ("--serving", "36801", "--sim", "26201", "--imei", IMEI)
    with started("modem", "serve", "--pty", path, *words, "--control", tmp_path / "c") as process:
        line_with(process.stdout, "control:")
        yield path


def test_probe_json_has_every_key_of_the_contract(line: Path) -> None:
    done = firmware_sim("modem", "probe", line, "--json")
    assert done.status == 0
    assert set(KEYS) <= set(done.json)
    assert done.json["imei"] == IMEI
    assert done.json["serving"] == "36801"
    assert done.json["registration"] == "roaming"
    assert done.json["sim"] == "ready"
    assert done.json["mnc_length"] == 2
    assert done.json["locks"] == []
    assert len(done.stdout.splitlines()) == 1


def test_probe_writes_its_dialogue_to_a_capture_file(line: Path, tmp_path: Path) -> None:
    trace = tmp_path / "probe.pcapng"
    assert firmware_sim("modem", "probe", line, "--trace", trace).status == 0
    kept = trace.read_bytes()
    assert kept.startswith(b"\x0a\x0d\x0d\x0a")
    assert b"AT+CGSN" in kept
    assert IMEI.encode() in kept
    wrong = firmware_sim("modem", "probe", line, "--trace", tmp_path / "probe.txt")
    assert wrong.status == 2
    assert "does not end in .pcapng" in wrong.one_line()


def test_probe_scans_only_when_asked(line: Path) -> None:
    assert firmware_sim("modem", "probe", line, "--json").json["networks"] == []
    found = firmware_sim("modem", "probe", line, "--json", "--scan").json["networks"]
    assert {"plmn", "name", "status", "access"} == set(found[0])
    assert "36801" in [network["plmn"] for network in found]


def test_probe_verbose_shows_every_command_and_answer_on_stderr(line: Path) -> None:
    done = firmware_sim("modem", "probe", f"pty:{line}", "--json", "-v")
    assert done.json["imei"] == IMEI
    for text in ("-> AT+CGSN", f"<- {IMEI}", "-> AT+COPS?", '<- +COPS: 0,2,"36801",7'):
        assert text in done.stderr


def test_probe_for_a_person_is_one_fact_a_line(line: Path) -> None:
    done = firmware_sim("modem", "probe", line, "--baud", "9600", "--rtscts")
    assert done.status == 0
    facts = dict(row.split(maxsplit=1) for row in done.stdout.splitlines())
    assert facts["imei"] == IMEI
    assert facts["problems"] == "-"


@pytest.mark.parametrize(
    ("url", "status", "cause"),
    [
        (
            "/nowhere/ttyUSB2",
            3,
            "modem: cannot open /nowhere/ttyUSB2: no such device",
        ),
        ("tcp://127.0.0.1", 2, "expected tcp://HOST:PORT"),
        ("gopher://x", 2, "cannot open gopher://x"),
        ("usb:ffff:fffe", 3, "no serial port belongs to usb:ffff:fffe"),
        ("replay:/nowhere.jsonl", 3, "cannot read /nowhere.jsonl: no such file or directory"),
    ],
)
def test_what_cannot_be_probed_is_one_line(url: str, status: int, cause: str) -> None:
    done = firmware_sim("modem", "probe", url)
    assert done.status == status
    assert cause in done.one_line()


def test_a_line_that_nobody_answers_is_one_line(tmp_path: Path) -> None:
    master, slave = os.openpty()
    try:
        done = firmware_sim("modem", "probe", f"pty:{os.ttyname(slave)}")
    finally:
        os.close(master)
        os.close(slave)
    assert done.status == 3
    assert done.one_line() == "firmware-sim: modem: nothing answers AT within 5 s"


def test_list_is_json_when_asked() -> None:
    done = firmware_sim("modem", "list", "--json")
    assert done.status == 0
    assert all(
        {"device", "description", "usb", "at"} == set(row) for row in json.loads(done.stdout)
    )
    assert firmware_sim("modem", "list").status == 0


def test_doctor_is_content_with_a_good_modem(line: Path) -> None:
    done = firmware_sim("modem", "doctor", line, "--json")
    assert done.status == 0
    rows = json.loads(done.stdout)
    assert {row["health"] for row in rows} == {"ok"}
    seen = {row["what"] for row in rows}
    assert {
        "device",
        "permission",
        "holders",
        "opens",
        "answers",
        "imei",
        "sim",
        "locks",
        "signal",
        "network",
    } == seen


def test_doctor_says_how_to_mend_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "modem"
    words = ("--set", "pin=1234", "--control", tmp_path / "c")
    with started("modem", "serve", "--pty", path, *words) as process:
        line_with(process.stdout, "control:")
        done = firmware_sim("modem", "doctor", path)
    assert done.status == 1
    assert "FAIL  sim         asks for its PIN, 3 tries left" in done.stdout
    assert "-> switch the PIN off in a phone, or enter it there" in done.stdout
    nothing = firmware_sim("modem", "doctor", "/nowhere/ttyUSB2")
    assert nothing.status == 1
    assert nothing.stdout.startswith("FAIL  device      /nowhere/ttyUSB2: no such device")


def test_a_recording_plays_as_the_modem_that_it_was(line: Path, tmp_path: Path) -> None:
    file = tmp_path / "kept.jsonl"
    assert firmware_sim("modem", "record", line, file, "--note", "a test").status == 0
    live = firmware_sim("modem", "probe", line, "--json").json
    played = firmware_sim("modem", "probe", f"replay:{file}", "--json").json
    assert {**played, "clock": None} == {**live, "clock": None}
    again = firmware_sim("modem", "record", line, file)
    assert again.status == 3
    assert "cannot record" in again.one_line()


def test_a_masked_recording_holds_no_identity_and_activates(line: Path, tmp_path: Path) -> None:
    file = tmp_path / "masked.jsonl"
    assert firmware_sim("modem", "record", line, file, "--mask", "lab").status == 0
    assert IMEI not in file.read_text()
    done = firmware_sim(
        "activate", "--modem", f"replay:{file}", "--json", "--expect", "locked", cwd=tmp_path
    )
    assert done.status == 0
    assert done.json["country"] == "CU"
    assert done.json["imei"][:8] == IMEI[:8]
    assert done.json["imei"] != IMEI


def test_a_dialogue_that_departs_from_its_recording_is_told_where(
    line: Path, tmp_path: Path
) -> None:
    file = tmp_path / "kept.jsonl"
    assert firmware_sim("modem", "record", line, file).status == 0
    rows = file.read_text().splitlines()
    at = next(number for number, row in enumerate(rows) if "AT+CSQ" in row and "program" in row)
    file.write_text("\n".join(rows[:at] + rows[at + 2 :]) + "\n")
    done = firmware_sim("modem", "probe", f"replay:{file}")
    assert done.status == 0
    assert f"AT+CSQ is not in the recording, asked after line {at - 1}" in done.stderr


def test_the_override_bridge_locks_a_phone_that_is_at_home(tmp_path: Path) -> None:
    """A real modem in a lab, the locked screen of a territory that is somewhere else."""
    real, told = tmp_path / "real", tmp_path / "told"
    control = ("--control", tmp_path / "c")
    with started("modem", "serve", "--pty", real, "--serving", "26201", *control) as modem:
        line_with(modem.stdout, "control:")
        trace = tmp_path / "bridge.pcapng"
        words = ("--expose", f"pty:{told}", "--override", "serving=36801", "--trace", trace)
        with started("modem", "bridge", real, *words) as bridge:
            assert line_with(bridge.stdout, "OVERRIDE").endswith("OVERRIDE: serving=36801")
            probe = firmware_sim("modem", "probe", told, "--json")
            done = firmware_sim("activate", "--modem", told, "--json", cwd=tmp_path)
            line_with(bridge.stdout, '"26201",7 -> +COPS: 0,2,"36801",7')
    kept = trace.read_bytes()
    assert b"OVERRIDE: serving=36801" in kept  # what is overridden
    assert b'+COPS: 0,2,"26201",7 -> +COPS: 0,2,"36801",7' in kept  # and each time it is
    assert probe.json["serving"] == "36801"
    assert probe.json["registration"] == "roaming"
    assert probe.json["overridden"] == "serving=36801"
    assert (done.json["outcome"], done.json["country"]) == ("locked", "CU")
    assert "OVERRIDE: serving=36801" in done.json["screen"]["text"]


@pytest.mark.parametrize(
    "override", ["serving=1", "imei=123456789012345", "sim=broken", "colour=red"]
)
def test_an_override_that_makes_no_sense_is_wrong_usage(override: str, tmp_path: Path) -> None:
    done = firmware_sim(
        "modem", "bridge", "/nowhere", "--expose", f"pty:{tmp_path}/x", "--override", override
    )
    assert done.status == 2
    assert f"--override {override}" in done.one_line()


def test_the_bridge_ends_when_it_is_told_to(line: Path, tmp_path: Path) -> None:
    words = ("--expose", f"pty:{tmp_path}/told", "--override", "serving=25032")
    with started("modem", "bridge", line, *words) as bridge:
        line_with(bridge.stdout, "OVERRIDE")
        bridge.terminate()
        assert bridge.wait(10) == 0
    assert not (tmp_path / "told").is_symlink()
    assert isinstance(bridge, subprocess.Popen)
