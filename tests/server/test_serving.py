"""The server behind real links: it answers, remembers, and nobody who calls can end it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware_sim.events import Event
from firmware_sim.links.clock import ManualClock
from firmware_sim.links.entropy import SystemEntropy
from firmware_sim.links.link import LinkError
from firmware_sim.links.opening import open_link
from firmware_sim.links.waiting import wait
from firmware_sim.rig.serving import Serving, open_places
from firmware_sim.server.devices import Device
from firmware_sim.server.keys import load_keys, make_keys, save_keys
from firmware_sim.server.store import MemoryStore, StoreTrouble
from firmware_sim_protocol.codec import parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.framing import SerialFraming, TcpFraming
from firmware_sim_protocol.numbers import Decision, MessageType
from firmware_sim_protocol.values import Challenge, Error, Response
from tests.support.certificates import make_certificates
from tests.support.devices import NOW_S, TestDevice, issuer_with, keys_for

CLI = [sys.executable, "-m", "firmware_sim.cli.main"]


class Caller:
    """One connection in the same thread: what it sends is served before it reads."""

    def __init__(self, serving: Serving, url: str) -> None:
        self.serving = serving
        stuffed = url.startswith("pty:")
        self.link = open_link(url, part="test")
        self.framing = SerialFraming() if stuffed else TcpFraming()
        self.arrived: list[bytes] = []

    def exchange(self, message: bytes) -> bytes:
        self.link.send(self.framing.wrap(message))
        return self.read()

    def read(self) -> bytes:
        for _ in range(200):
            self.serving.step(0.05)
            wait([self.link], 0.01)
            if not self.arrived:
                for item in self.framing.feed(self.link.receive(), 0):
                    assert not isinstance(item, Refusal), item
                    self.arrived.append(item)
            if self.arrived:
                return self.arrived.pop(0)
        raise AssertionError("no answer")


@contextlib.contextmanager
def served(url: str, **more: object) -> Iterator[tuple[Serving, str, list[Event]]]:
    events: list[Event] = []
    places = open_places([url])
    serving = Serving(
        issuer_with(),
        places,
        events.append,
        wall_ms=lambda: NOW_S * 1000,
        **more,  # type: ignore[arg-type]
    )
    try:
        yield serving, places.addresses[0], events
    finally:
        serving.close()


@pytest.mark.parametrize("kind", ["tcp", "unix", "pty"])
def test_a_phone_is_answered_over_each_kind_of_link(kind: str, tmp_path: Path) -> None:
    url = {"tcp": "tcp://127.0.0.1:0", "unix": f"unix:{tmp_path}/s", "pty": f"pty:{tmp_path}/p"}
    with served(url[kind]) as (serving, address, events):
        caller = Caller(serving, address)
        device = TestDevice(serving="36801")
        challenge = parse_message(open_envelope(caller.exchange(device.challenge_req())))
        assert isinstance(challenge, Challenge)
        raw = caller.exchange(device.request(challenge.server_nonce))
        response = device.take([raw])
        assert isinstance(response, Response)
        assert response.decision is Decision.LOCK_TERRITORY
        assert response.issued_at in (NOW_S, NOW_S - 1)
        assert any("LOCK_TERRITORY" in event.text for event in events)
        caller.link.close()


def test_garbage_gets_an_error_and_the_door_while_others_are_served() -> None:
    with served("tcp://127.0.0.1:0") as (serving, address, _):
        good = Caller(serving, address)
        for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\xff\xff" * 3000, b"\x00\x00", b"\x10\x01"):
            bad = Caller(serving, address)
            bad.link.send(junk)
            error = parse_message(open_envelope(bad.read())) if junk[:2] != b"GE" else None
            assert error is None or isinstance(error, Error)
            bad.link.close()
        device = TestDevice()
        reply = parse_message(open_envelope(good.exchange(device.challenge_req())))
        assert isinstance(reply, Challenge)
        good.link.close()


def test_a_slow_caller_is_given_up_and_a_silent_one_too() -> None:
    clock = ManualClock()
    with served("tcp://127.0.0.1:0", clock=clock) as (serving, address, _):
        slow, silent = Caller(serving, address), Caller(serving, address)
        slow.link.send(b"\x00")
        for _ in range(20):
            serving.step(0.01)
        assert serving.connections == 2
        clock.advance(5_000)
        error = parse_message(open_envelope(slow.read()))
        assert isinstance(error, Error)
        assert serving.connections == 1
        clock.advance(60_000)
        serving.step(0)
        assert serving.connections == 0
        slow.link.close()
        silent.link.close()


def test_a_thousand_callers_share_the_places_and_a_phone_keeps_its_own() -> None:
    with served("tcp://127.0.0.1:0", max_connections=20) as (serving, address, _):
        phone = Caller(serving, address)
        device = TestDevice()
        phone.exchange(device.challenge_req())
        host, port = address.removeprefix("tcp://").split(":")
        for _ in range(10):
            crowd = [socket.create_connection((host, int(port))) for _ in range(100)]
            serving.step(0.01)
            serving.step(0.01)
            assert serving.connections <= 20
            for one in crowd:
                one.close()
        raw = phone.exchange(device.challenge_req())
        assert isinstance(parse_message(open_envelope(raw)), Challenge)
        phone.link.close()


def test_noise_on_a_serial_line_costs_its_own_frame_only(tmp_path: Path) -> None:
    with served(f"pty:{tmp_path}/line") as (serving, address, _):
        caller = Caller(serving, address)
        caller.link.send(b"~AT+CGMI\r\n~\x7d~" + bytes(range(256)))
        device = TestDevice()
        caller.link.send(caller.framing.wrap(device.challenge_req()))
        kinds = [MessageType(caller.read()[5])]
        while kinds[-1] is MessageType.ERROR:
            kinds.append(MessageType(caller.read()[5]))
        assert kinds[-1] is MessageType.CHALLENGE
        caller.link.close()


class Full(MemoryStore):
    """A store on a disk that is full while `full` is set."""

    full = False

    def put(self, device: Device) -> None:
        if self.full:
            raise StoreTrouble("database devices.db: database or disk is full")
        super().put(device)


def test_a_store_that_fails_costs_the_caller_its_answer_and_the_server_nothing() -> None:
    store, events = Full(), list[Event]()
    places = open_places(["tcp://127.0.0.1:0"])
    serving = Serving(issuer_with(store=store), places, events.append)
    try:
        store.full = True
        unlucky = Caller(serving, places.addresses[0])
        unlucky.link.send(unlucky.framing.wrap(TestDevice().challenge_req()))
        while not any("disk is full" in event.text for event in events):
            serving.step(1.0)
        assert serving.connections == 0
        store.full = False
        lucky = Caller(serving, places.addresses[0])
        raw = lucky.exchange(TestDevice().challenge_req())
        assert MessageType(raw[5]) is MessageType.CHALLENGE
        unlucky.link.close()
        lucky.link.close()
    finally:
        serving.close()


# The program ------------------------------------------------------------------------------


class Program:
    """`firmware-sim serve` in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*CLI, "serve", "--json", "--listen", "127.0.0.1:0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ, PYTHONWARNINGS="error"),
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.address = json.loads(line)["address"]

    def kill(self, number: int = signal.SIGKILL) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=20)
        return self.process.returncode

    def talk(self, message: bytes) -> bytes:
        link, framing = open_link(self.address, part="test"), TcpFraming()
        try:
            link.send(framing.wrap(message))
            while True:
                assert wait([link], 10), "no answer"
                for item in framing.feed(link.receive(), 0):
                    assert isinstance(item, bytes)
                    return item
        finally:
            link.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """Starts programs, and ends those that a failed test leaves behind."""
    programs: list[Program] = []

    def begin(*arguments: str) -> Program:
        programs.append(Program(*arguments))
        return programs[-1]

    yield begin
    for program in programs:
        if program.process.poll() is None:
            program.kill()


def test_a_server_that_is_killed_and_started_again_gives_the_same_answer(
    tmp_path: Path, start: Callable[..., Program]
) -> None:
    keys, database = tmp_path / "keys", tmp_path / "devices.db"
    save_keys(make_keys(SystemEntropy()), keys)
    more = ("--keys", str(keys), "--db", str(database))
    device = TestDevice(serving="43221", keys=load_keys(keys))

    first = start(*more)
    challenge = parse_message(open_envelope(first.talk(device.challenge_req())))
    assert isinstance(challenge, Challenge)
    assert first.kill() == -signal.SIGKILL

    second = start(*more)  # the challenge of the first is still good
    request = device.request(challenge.server_nonce)
    answer = second.talk(request)
    response = device.take([answer])
    assert isinstance(response, Response)
    assert (response.decision, response.country) == (Decision.LOCK_TERRITORY, "IR")
    second.kill()

    third = start(*more)
    assert third.talk(request) == answer
    reused = device.request(
        challenge.server_nonce, device_nonce=response.device_nonce, boot_count=2
    )
    assert isinstance(parse_message(open_envelope(third.talk(reused))), Error)
    confirm = device.confirm_message(open_envelope(answer).digest, response.device_nonce)
    assert MessageType(third.talk(confirm)[5]) is MessageType.CONFIRM_ACK
    assert third.kill(signal.SIGTERM) == 0
    assert oct(database.stat().st_mode)[-3:] == "600"


def test_a_signal_reads_policy_and_keys_again_and_a_typo_changes_nothing(
    tmp_path: Path, start: Callable[..., Program]
) -> None:
    keys, policy, trace = tmp_path / "keys", tmp_path / "policy.toml", tmp_path / "t.pcapng"
    save_keys(make_keys(SystemEntropy()), keys)
    text = '[policy]\nname = "p"\nversion = {}\n'
    shut = '[[territory]]\ncountry = "DE"\nsource = "a test"\n'
    policy.write_text(text.format(1))
    program = start("--keys", str(keys), "--policy", str(policy), "--trace", str(trace))
    assert program.process.stdout is not None
    assert program.process.stderr is not None
    device = TestDevice(keys=load_keys(keys))

    def decision() -> Decision:
        challenge = parse_message(open_envelope(program.talk(device.challenge_req())))
        assert isinstance(challenge, Challenge)
        response = device.take([program.talk(device.request(challenge.server_nonce))])
        assert isinstance(response, Response)
        return response.decision

    def says(words: str) -> None:
        assert program.process.stdout is not None
        while words not in program.process.stdout.readline():
            pass

    assert decision() is Decision.ACTIVATE
    policy.write_text(text.format(1) + shut)
    program.process.send_signal(signal.SIGHUP)
    assert "raise its version (nothing changed)" in program.process.stderr.readline()
    policy.write_text(text.format(2) + shut.replace("country", "cuntry"))
    program.process.send_signal(signal.SIGHUP)
    assert ":5: territory[1].cuntry" in program.process.stderr.readline()
    assert decision() is Decision.ACTIVATE
    policy.write_text(text.format(2) + shut)
    program.process.send_signal(signal.SIGHUP)
    says("version 2 in force")
    assert decision() is Decision.LOCK_TERRITORY
    assert program.kill(signal.SIGTERM) == 0
    assert trace.read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"  # a section header of pcapng


def test_a_phone_is_answered_over_tls_with_a_given_authority(
    tmp_path: Path, start: Callable[..., Program]
) -> None:
    made = make_certificates(tmp_path)
    program = start("--listen", f"tls://127.0.0.1:0?cert={made.cert}&key={made.key}")
    assert program.process.stdout is not None
    secure = json.loads(program.process.stdout.readline())["address"]
    assert secure.startswith("tls://")
    factory = program.talk(TestDevice().challenge_req())
    assert MessageType(factory[5]) is MessageType.ERROR  # another realm: the keys are of this run
    program.address = f"{secure}?ca={made.ca}"
    assert program.talk(TestDevice().challenge_req()) == factory
    # A caller that never shakes hands does not keep the others waiting.
    host, port = secure.removeprefix("tls://").split(":")
    with socket.create_connection((host, int(port))):
        assert program.talk(TestDevice().challenge_req()) == factory
    program.address = f"{secure}?ca={made.other_ca}"
    with pytest.raises(LinkError, match="certificate"):
        program.talk(TestDevice().challenge_req())


def fails(*arguments: str) -> str:
    done = subprocess.run([*CLI, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode in (2, 3), done
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


def test_each_failure_to_start_is_one_clear_line(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    save_keys(keys_for(), keys)
    with_keys = ("serve", "--keys", str(keys), "--listen", "127.0.0.1:0")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = fails("serve", "--keys", str(keys), "--listen", f"127.0.0.1:{port}")
        assert "address already in use" in line.lower()
    assert "no folder of keys" in fails("serve", "--keys", str(tmp_path / "none"))
    text = tmp_path / "notes.txt"
    text.write_text("not a database, whatever its name says, and long enough to be one " * 20)
    assert "notes.txt" in fails(*with_keys, "--db", str(text))
    assert "No such file" in fails(*with_keys, "--db", str(tmp_path / "no" / "where.db"))
    policy = tmp_path / "typo.toml"
    policy.write_text('[policy]\nname = "x"\nversion = 1\n\n[[territory]]\ncuntry = "CU"\n')
    line = fails(*with_keys, "--policy", str(policy))
    assert "typo.toml:6: territory[1].cuntry" in line
    assert "country" in line
    (keys / "act.key").chmod(0o644)
    assert "open to others" in fails(*with_keys)
    assert "keys that last" in fails("serve", "--db", str(tmp_path / "x.db"))
