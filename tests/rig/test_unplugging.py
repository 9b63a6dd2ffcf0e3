"""The modem goes away at every step of the dialogue: it is read when it returns, or one clear
line says that it is gone."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_sim.links import Link, LinkClosed, Listener, listen, open_link, wait
from firmware_sim.links.clock import MonotonicClock
from firmware_sim.links.reattach import Patience
from firmware_sim.modem.dialogue import DialogueOptions, Phase
from firmware_sim.modem.virtual import VirtualModem, default_state
from firmware_sim.rig.modem_port import ModemPort, opener_of, read_until_done

IMEI = "356938035643809"
STEPS = range(1, 40)
QUICK = Patience(total_ms=5_000, first_ms=5, most_ms=20)


class Socket:
    """Where the modem is plugged in: it can be pulled out and put back at the same place."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.modem = VirtualModem(default_state(imei=IMEI, serving="36801", sim="26201"))
        self.listener: Listener | None = listen(url, part="modem")
        self.url = self.listener.address
        self.link: Link | None = None
        self.heard = 0
        self.pulled_at: int | None = None

    def ends(self) -> list[Link | Listener]:
        if self.link is not None:
            return [self.link]
        return [] if self.listener is None else [self.listener]

    def step(self, now: int, pull_before: int | None) -> None:
        if self.link is None:
            if self.listener is None:
                self.listener = listen(self.url, part="modem")
            self.link = self.listener.accept()
            return
        try:
            data = self.link.receive()
        except LinkClosed:
            self.link = None
            return
        self.heard += data.count(b"\r")
        if pull_before is not None and self.heard >= pull_before and self.pulled_at is None:
            self.pull(now)
            return
        self.modem.receive(data, now)
        self.modem.tick(now)
        self.link.send(self.modem.outgoing())

    def pull(self, now: int) -> None:
        self.pulled_at = now
        assert self.link is not None
        if self.url.startswith("tcp:"):
            descriptor = self.link.fileno()
            assert descriptor is not None
            with socket.socket(fileno=os.dup(descriptor)) as raw:
                # Linger of zero: the close is a reset (RST), as from a peer that fell over.
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.link.close()
        self.link = None
        if self.listener is not None and self.url.startswith("pty:"):
            self.listener.close()
            self.listener = None

    def close(self) -> None:
        for end in (self.link, self.listener):
            if end is not None:
                end.close()


def drive(plug: Socket, port: ModemPort, pull_before: int, limit_s: float = 20.0) -> None:
    clock = MonotonicClock()
    port.open(clock.now())
    while clock.now() < limit_s * 1000:
        ends: list[Link | Listener] = [*plug.ends(), *port.links()]
        wake = port.wake_at()
        wait(ends, 0.01 if wake is None else min(0.01, max(0, wake - clock.now()) / 1000))
        plug.step(clock.now(), pull_before)
        port.step(clock.now())
        settled = port.dialogue.failure is not None or port.dialogue.phase is Phase.WATCHING
        if settled and (plug.pulled_at is not None or port.dialogue.failure is not None):
            return
    raise AssertionError("neither read nor failed")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", ["pty", "device", "tcp"])
def test_a_modem_that_is_pulled_out_and_put_back_is_read(
    kind: str, step: int, tmp_path: Path
) -> None:
    plug = Socket(f"pty:{tmp_path}/line" if kind in ("pty", "device") else "tcp://127.0.0.1:0")
    url = {
        "pty": plug.url,
        "device": plug.url.removeprefix("pty:"),
        "tcp": plug.url,
    }[kind]
    port = ModemPort(opener_of(url), patience=QUICK)
    try:
        drive(plug, port, step)
        reading = port.dialogue.reading
        assert port.dialogue.failure is None
        assert reading is not None
        assert (reading.imei, reading.serving) == (IMEI, "36801")
        kinds = [event.text for event in port.events() if event.kind == "state"]
        assert len(kinds) == 2
        assert kinds[0].endswith("waiting for it to come back")
        assert kinds[1].endswith("it is back")
    finally:
        port.close()
        plug.close()


@pytest.mark.parametrize("step", STEPS)
def test_a_modem_whose_process_is_killed_is_one_clear_line(step: int) -> None:
    script = Path(__file__).parents[1] / "support" / "killed_modem.py"
    with subprocess.Popen(
        [sys.executable, str(script), str(step)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        port = ModemPort(opener_of(url), patience=Patience(total_ms=50, first_ms=5))
        read_until_done(port, MonotonicClock())
        port.close()
        process.wait()
    assert port.dialogue.failure is not None
    assert port.dialogue.failure.startswith(f"{url}: ")
    assert "did not come back" in port.dialogue.failure
    assert "\n" not in port.dialogue.failure


def test_a_modem_that_is_pulled_while_it_is_watched_is_watched_again(tmp_path: Path) -> None:
    plug = Socket(f"pty:{tmp_path}/line")
    port = ModemPort(lambda: open_link(plug.url, part="modem"), patience=QUICK)
    clock = MonotonicClock()
    try:
        port.open(clock.now())

        def until_watching() -> None:
            while port.dialogue.phase is not Phase.WATCHING or port.link is None:
                assert clock.now() < 20_000
                wait([*plug.ends(), *port.links()], 0.01)
                plug.step(clock.now(), None)
                port.step(clock.now())

        until_watching()
        plug.pull(clock.now())
        wait(port.links(), 5)
        port.step(clock.now())
        assert port.link is None
        until_watching()
        assert port.dialogue.reading is not None
    finally:
        port.close()
        plug.close()


def test_a_modem_that_stays_silent_on_a_real_line_ends_in_its_time(tmp_path: Path) -> None:
    listener = listen(f"pty:{tmp_path}/line", part="modem")
    held = listener.accept()
    assert held is not None
    options = DialogueOptions(attention_ms=300, attention_each_ms=100)
    port = ModemPort(opener_of(listener.address), options)
    clock = MonotonicClock()
    read_until_done(port, clock)
    assert port.dialogue.failure == "nothing answers AT within 0.3 s"
    assert 290 <= clock.now() <= 2_000
    port.close()
    held.close()
    listener.close()
