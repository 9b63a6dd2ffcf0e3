"""The simulator as another process: over TCP, TLS, a Unix socket and a serial line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from firmware_sim.attacks.attack import Verdict
from firmware_sim.attacks.catalogue import attack_named
from firmware_sim.attacks.controlled import Controlled
from firmware_sim.attacks.runner import run
from firmware_sim.attacks.world import World
from firmware_sim_protocol.numbers import Algorithm
from tests.support.certificates import make_certificates
from tests.support.program import PROGRAM, firmware_sim

# One of each actor, each control word, each way to end; every family's machinery.
NAMES = (
    *("SIG-001", "SIG-010", "KEY-003", "KEY-016", "FRM-001", "FRM-003", "FRM-004", "FRM-005"),
    *("FRM-006", "FRM-007", "FRM-011", "TLV-004", "BND-008", "BND-010", "FRS-002", "TIM-007"),
    *("POL-002", "POL-007", "UNL-002", "UNL-009", "STO-001", "STO-003", "STO-009", "STO-010"),
    "DOS-004",
)
CHOSEN = tuple(attack_named(name) for name in NAMES)
WORLD = World(3, Algorithm.ESP256)


def _verdicts(url: str, *words: str, reach: str | None = None) -> dict[str, tuple[str, str]]:
    command = " ".join((PROGRAM, "attack", "device", *words))
    device = Controlled(command, url, reach=reach, patience_s=20.0)
    try:
        return {
            outcome.attack.id: (outcome.verdict.value, outcome.why)
            for outcome in run(CHOSEN, device, WORLD)
        }
    finally:
        device.close()


def _all_refused(found: dict[str, tuple[str, str]], unsupported: set[str]) -> None:
    rest = {name: says for name, says in found.items() if says[0] != Verdict.REJECTED.value}
    assert set(rest) == unsupported, rest
    assert all(says[0] == Verdict.UNSUPPORTED.value for says in rest.values()), rest


def test_over_tcp() -> None:
    _all_refused(_verdicts("tcp://127.0.0.1:0"), {"FRM-005", "FRM-011"})


def test_over_a_unix_socket(tmp_path: Path) -> None:
    _all_refused(_verdicts(f"unix:{tmp_path}/server"), {"FRM-005", "FRM-011"})


def test_over_tls(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    device = Controlled(
        f"{PROGRAM} attack device",
        f"tls://127.0.0.1:0?cert={made.cert}&key={made.key}",
        patience_s=20.0,
    )
    address = device.listening.split("?")[0]
    device.reach = f"{address}?ca={made.ca}"
    try:
        outcomes = list(run(CHOSEN, device, WORLD))
    finally:
        device.close()
    _all_refused(
        {one.attack.id: (one.verdict.value, one.why) for one in outcomes}, {"FRM-005", "FRM-011"}
    )


def test_over_a_serial_line(tmp_path: Path) -> None:
    found = _verdicts(f"pty:{tmp_path}/line", "--framing", "serial")
    # Nobody can break a terminal's link, and a length before each frame is the other framing.
    _all_refused(found, {"FRM-004", "FRM-007"})


def test_a_twin_in_another_process_falls_to_its_attack() -> None:
    found = _verdicts("tcp://127.0.0.1:0", "--twin", "sig-verifies")
    accepted = {name for name, says in found.items() if says[0] == Verdict.ACCEPTED.value}
    assert accepted == {"SIG-001"}


@pytest.mark.parametrize("words", ["reset", "reset,state"])
@pytest.mark.parametrize(
    ("twin", "verdict"), [((), Verdict.REJECTED), (("--twin", "sig-low-s"), Verdict.ACCEPTED)]
)
def test_a_device_with_a_clock_of_its_own_is_judged_from_the_wire(
    words: str, twin: tuple[str, ...], verdict: Verdict
) -> None:
    command = " ".join((PROGRAM, "attack", "device", "--can", words, *twin))
    device = Controlled(command, "tcp://127.0.0.1:0", patience_s=5.0)
    try:
        outcomes = list(run((attack_named("SIG-007"), attack_named("FRM-006")), device, WORLD))
    finally:
        device.close()
    assert [one.verdict for one in outcomes] == [verdict, Verdict.UNSUPPORTED], outcomes[0].why


def test_the_command_line_controls_another_process() -> None:
    control = f"{PROGRAM} attack device --twin policy-version"
    done = firmware_sim("attack", "run", "--control", control, "--rule", "policy-version", "--json")
    assert done.status == 1
    assert done.json["device"] == "simulator without policy-version"
    assert done.json["accepted"] == done.json["attacks"] == 2
    assert all("--control" in row["reproduce"] for row in done.json["verdicts"])


def test_no_check_of_the_simulator_is_an_assert() -> None:
    """The device under `python -O`, which drops every assert."""
    command = f"{sys.executable} -O {PROGRAM} attack device"
    device = Controlled(command, "tcp://127.0.0.1:0", patience_s=20.0)
    try:
        outcomes = list(run(CHOSEN[:6], device, WORLD))
    finally:
        device.close()
    assert {one.verdict for one in outcomes} == {Verdict.REJECTED}
