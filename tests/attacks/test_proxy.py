"""The middleman: what passes is shown and unchanged, chosen attacks are put on live answers."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_sim.attacks.attack import Verdict
from firmware_sim.attacks.bench import Bench
from firmware_sim.attacks.catalogue import attack_named, attacks
from firmware_sim.attacks.inprocess import InProcess
from firmware_sim.attacks.proxy import LiveWorld, Middleman
from firmware_sim.attacks.world import World
from firmware_sim.errors import UsageError
from firmware_sim_protocol.framing import TcpFraming
from firmware_sim_protocol.numbers import Algorithm, MessageType
from firmware_sim_protocol.rules import SOUND, Guard
from tests.support.program import PROGRAM, firmware_sim, line_with, started

WORLD = World(1, Algorithm.ESP256)


def _live(keys: bool = True) -> LiveWorld:
    return LiveWorld.of(1, WORLD.server_keys if keys else None)


class _Stand:
    """A handset and an issuer with the middleman between them, all in memory."""

    def __init__(self, middleman: Middleman, guard: Guard = SOUND) -> None:
        self.middleman = middleman
        self.device = InProcess(guard)
        self.bench = Bench(self.device, WORLD, "proxy")
        self.bench.make()
        self._framing = TcpFraming()

    def run(self, rounds: int = 30) -> None:
        for _ in range(rounds):
            outs = self.middleman.from_device(self.device.receive(), 0)
            while outs:
                out = outs.pop(0)
                if out.to == "device":
                    self.device.advance(out.after_ms)
                    self.device.send(out.octets)
                    outs += self.middleman.from_device(self.device.receive(), 0)
                    continue
                for message in self._framing.feed(out.octets, 0):
                    assert isinstance(message, bytes)
                    for reply in self.bench.issuer.answer(message, self.bench.now_s):
                        framed = self._framing.wrap(reply)
                        outs += self.middleman.from_server(framed, 0, self.bench.now_s)
            self.device.advance_to_event(60_000)


def _middleman(*names: str, keys: bool = True) -> Middleman:
    chosen = [attack_named(name) for name in names]
    return Middleman(_live(keys), TcpFraming(), TcpFraming(), chosen)


def test_without_attacks_everything_passes_and_is_shown() -> None:
    middleman = _middleman()
    stand = _Stand(middleman)
    stand.run(3)
    assert stand.device.report().page == "HOME"
    shown = [line.text.split()[0] for line in middleman.lines]
    wanted = ("CHALLENGE_REQ", "CHALLENGE", "REQUEST", "RESPONSE", "CONFIRM", "CONFIRM_ACK")
    assert tuple(shown) == wanted
    request = next(line for line in middleman.lines if line.text.startswith("REQUEST"))
    assert "imei=001010123456780" in request.text
    assert "serving_plmn=26201" in request.text


LIVE = [attack for attack in attacks() if attack.live is not None]


def test_most_attacks_on_answers_can_be_put_on_live_traffic() -> None:
    assert len(LIVE) > 60


@pytest.mark.parametrize("guard", ["sound", "twin"])
@pytest.mark.parametrize("name", ["SIG-001", "SIG-002", "FRM-001", "TLV-004", "BND-007"])
def test_a_live_device_is_judged_by_what_it_says(name: str, guard: str) -> None:
    attack = attack_named(name)
    middleman = _middleman(name)
    waived = frozenset({attack.rule}) if guard == "twin" else frozenset()
    _Stand(middleman, Guard(waived)).run()
    (seen,) = middleman.seen
    assert middleman.done
    assert seen.verdict is (Verdict.ACCEPTED if guard == "twin" else Verdict.REJECTED), seen.why


def test_attacks_take_turns_on_the_answers() -> None:
    middleman = _middleman("SIG-002", "BND-007")
    stand = _Stand(middleman)
    stand.run()
    assert [seen.attack.id for seen in middleman.seen] == ["SIG-002", "BND-007"]
    assert {seen.verdict for seen in middleman.seen} == {Verdict.REJECTED}
    assert stand.device.report().page == "HOME"


def test_what_signs_anew_needs_the_keys() -> None:
    middleman = _middleman("BND-007", keys=False)
    stand = _Stand(middleman)
    stand.run()
    assert middleman.seen[0].verdict is Verdict.INVALID
    assert "--keys" in middleman.seen[0].why
    assert stand.device.report().page == "HOME"  # the honest answer went through


def test_a_server_that_is_away_ends_neither_the_proxy_nor_a_later_call() -> None:
    with started(
        "attack", "proxy", "--listen", "tcp://127.0.0.1:0", "--upstream", "tcp://127.0.0.1:1",
        "--connections", "2",
    ) as proxy:  # fmt: skip
        address = line_with(proxy.stdout, "listening").removeprefix("listening on ")
        for _ in range(2):
            done = firmware_sim("activate", "--server", address, "--json")
            assert done.status == 3
            assert "Traceback" not in done.stderr
        assert "connection refused" in line_with(proxy.stdout, "server")
        assert proxy.wait(30) == 0


def test_without_keys_it_still_strips_signatures() -> None:
    middleman = _middleman("SIG-002", keys=False)
    _Stand(middleman).run()
    assert middleman.seen[0].verdict is Verdict.REJECTED


def test_what_is_no_change_of_an_answer_is_refused() -> None:
    with pytest.raises(UsageError, match="needs the bench"):
        _middleman("STO-001")


def test_junk_of_either_side_is_shown_and_not_passed() -> None:
    middleman = _middleman()
    junk = b"\xff\xff" + bytes(20)
    assert middleman.from_device(junk, 0) == []
    assert middleman.from_server(junk, 0, 0) == []
    assert [line.who for line in middleman.lines] == ["device", "server"]


def _address(process: subprocess.Popen[str], reads: Callable[[str], bool]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if reads(line):
            return line.split()[-1]
    raise AssertionError("no address was told")


def test_between_a_real_phone_and_a_real_server(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    assert firmware_sim("keys", "new", keys).status == 0
    serve = ("serve", "--listen", "127.0.0.1:0", "--keys", keys, "--quiet")
    with started(*serve) as server:
        upstream = _address(server, lambda line: "listening on" in line)
        proxy = subprocess.Popen(
            [PROGRAM, "attack", "proxy", "--listen", "tcp://127.0.0.1:0", "--upstream", upstream,
             "--keys", str(keys), "--attack", "BND-007", "--connections", "1", "--decode"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            address = _address(proxy, lambda line: line.startswith("listening on"))
            phone = firmware_sim(
                "activate", "--server", address, "--trust", keys / "trust.keyset",
                "--timeout", 3, "--json",
            )  # fmt: skip
            text, _ = proxy.communicate(timeout=30)
        finally:
            proxy.kill()
            proxy.wait()
    assert phone.status == 3
    assert proxy.returncode == 0
    assert "REJECTED BND-007: refused at BINDING" in text
    assert f"{MessageType.REQUEST.name} exchange_id=" in text
    assert "decision: 01 1 ACTIVATE" in text
