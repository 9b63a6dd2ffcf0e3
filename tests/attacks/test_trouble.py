"""Devices that are no devices: one clear line each, and the run goes on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmware_sim.attacks.attack import Verdict
from firmware_sim.attacks.catalogue import attack_named, attacks
from firmware_sim.attacks.controlled import Controlled
from firmware_sim.attacks.device import Crashed, DeviceTrouble, Manufacture
from firmware_sim.attacks.inprocess import InProcess
from firmware_sim.attacks.runner import judge, run
from firmware_sim.attacks.world import World
from firmware_sim.errors import SimError
from firmware_sim_protocol.numbers import Algorithm
from tests.support.program import firmware_sim

BAD = Path(__file__).resolve().parents[1] / "support" / "bad_device.py"
WORLD = World(1, Algorithm.ESP256)
TWO = (attack_named("SIG-001"), attack_named("SIG-007"))


@contextmanager
def _device(how: str, patience_s: float = 0.7) -> Iterator[Controlled]:
    command = f"{sys.executable} {BAD} {how}"
    device = Controlled(command, "tcp://127.0.0.1:0", patience_s=patience_s)
    try:
        yield device
    finally:
        device.close()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("never-connects", "no ChallengeReq within 7200 s"),
        ("wrong-port", "no ChallengeReq within 7200 s"),
        ("nonsense", "no ChallengeReq within 7200 s"),
        ("dies", "the device's process ended (status 7)"),
        ("fails", "control 'reset' failed: no board"),
        ("garbage", "control 'reset': not a JSON object"),
        ("mute", "no answer to control 'reset' within"),
        ("floods", "the device floods the link"),
    ],
)
def test_a_device_in_trouble_is_invalid_in_one_line_and_the_run_goes_on(
    how: str, says: str
) -> None:
    with _device(how) as device:
        outcomes = list(run(TWO, device, WORLD))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.INVALID] * 2
    for outcome in outcomes:
        assert says in outcome.why
        assert "\n" not in outcome.why


class _Breaks(InProcess):
    """The sound handset, until a message with a bad signature arrives."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error
        self._scenes = 0

    def reset(self, made: Manufacture) -> None:
        super().reset(made)
        self._scenes += 1

    def send(self, octets: bytes) -> None:
        if self._scenes == 2 and octets[7:8] == b"\x04":
            raise self._error
        super().send(octets)


def test_a_device_that_ends_under_attack_is_a_crash() -> None:
    outcome = judge(TWO[0], _Breaks(Crashed("segmentation fault")), WORLD)
    assert (outcome.verdict, outcome.why) == (Verdict.CRASH, "segmentation fault")


def test_a_control_that_fails_under_attack_makes_it_invalid() -> None:
    outcome = judge(TWO[0], _Breaks(DeviceTrouble("no power")), WORLD)
    assert (outcome.verdict, outcome.why) == (Verdict.INVALID, "no power")


class _Refuses(InProcess):
    """Takes no octet: it refuses everything, honest or not."""

    def send(self, octets: bytes) -> None:
        """Nothing arrives."""


def test_a_device_that_refuses_everything_passes_nothing() -> None:
    for outcome in run(attacks()[:6], _Refuses(), WORLD):
        assert outcome.verdict is Verdict.INVALID
        assert outcome.why.startswith("control before: ")


class _Bricked(InProcess):
    """Refuses the attack, and everything after it."""

    def __init__(self) -> None:
        super().__init__()
        self._scenes = 0

    def reset(self, made: Manufacture) -> None:
        super().reset(made)
        self._scenes += 1

    def send(self, octets: bytes) -> None:
        if self._scenes != 2 or octets[7:8] != b"\x04":
            super().send(octets)


def test_a_device_that_never_comes_back_hangs() -> None:
    outcome = judge(TWO[0], _Bricked(), WORLD)
    assert outcome.verdict is Verdict.HANG
    assert outcome.why.startswith("the device does not come back after the attack")


class _Poor(InProcess):
    """Lacks everything but its link and a reset."""

    abilities = frozenset()


def test_what_a_device_lacks_is_unsupported_and_never_passed() -> None:
    for attack in attacks():
        if attack.needs:
            outcome = judge(attack, _Poor(), WORLD)
            assert outcome.verdict is Verdict.UNSUPPORTED, attack.id


@pytest.mark.parametrize(
    ("command", "says"),
    [("", "the control command is empty"), ("/no/such/program", "cannot start /no/such/program")],
)
def test_a_command_that_cannot_start_ends_the_run(command: str, says: str) -> None:
    with pytest.raises(SimError, match=says):
        Controlled(command, "tcp://127.0.0.1:0")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--attack", "NOPE"], 2),
        (["--class", "nope"], 2),
        (["--rule", "nope"], 2),
        (["--twin", "nope"], 2),
        (["-j", "0"], 2),
        (["--control", "x", "--twin", "sig-low-s"], 2),
        (["--attack", "SIG-001", "--rule", "sig-low-s"], 2),
        (["--control", "/no/such/program"], 3),
        (["--control", "true", "--attack", "SIG-001"], 3),
        (["--attack", "SIG-007", "--junit", "/no/such/folder/x"], 3),
    ],
)
def test_bad_words_give_one_line(words: list[str], status: int) -> None:
    done = firmware_sim("attack", "run", *words)
    assert done.status == status
    assert done.one_line().startswith("firmware-sim: ")
