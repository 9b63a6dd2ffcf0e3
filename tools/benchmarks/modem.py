"""Modems: reading a virtual one over its port, and a thousand of them in one process."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.timing import in_turn

PROGRAM = str(Path(sys.executable).with_name("firmware-sim"))
ROUNDS = 21
QUESTIONS = 300
MANY = 1000
MANY_BOUND_MB = 64


def figures() -> Iterator[Figure]:
    yield _probe()
    yield _pass_through()
    yield _many()


@contextmanager
def _served(*words: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """`modem serve` in a process of its own; yields it once its last port is there."""
    with tempfile.TemporaryDirectory(prefix="modem") as folder:
        place = Path(folder)
        command = [PROGRAM, "modem", "serve", "--control", str(place / "control")]
        words = tuple(word.replace("{}", folder) for word in words)
        process = subprocess.Popen([*command, *words], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("control: "):
                    break
            yield process, place
        finally:
            process.terminate()
            process.communicate()


def _probe() -> Figure:
    from firmware_sim.links.clock import MonotonicClock
    from firmware_sim.rig.modem_port import ModemPort, opener_of, read_until_done

    def over_port() -> float:
        port = ModemPort(opener_of(f"pty:{place}/modem"))
        started = time.perf_counter()
        read_until_done(port, MonotonicClock())
        seconds = time.perf_counter() - started
        assert port.dialogue.reading is not None, port.dialogue.failure
        port.close()
        return seconds

    with _served("--pty", "{}/modem") as (_, place):
        probe_s, memory_s = in_turn(ROUNDS, over_port, _in_memory)
    return Figure(
        name="modem.probe",
        value=probe_s * 1000,
        unit="ms",
        bound=50,
        sides={"over_pty_s": probe_s, "in_memory_s": memory_s},
        note="every question of the dialogue, over a pty to another process, and without any link",
    )


def _in_memory() -> float:
    """The same dialogue, both machines in this process."""
    from firmware_sim.modem.dialogue import ModemDialogue
    from firmware_sim.modem.virtual import VirtualModem, default_state

    modem, dialogue, now = VirtualModem(default_state()), ModemDialogue(), 0
    started = time.perf_counter()
    dialogue.start(now)
    while dialogue.reading is None:
        asked = dialogue.outgoing()
        if asked:
            modem.receive(asked, now)
            dialogue.receive(modem.outgoing(), now)
        else:
            wake = dialogue.wake_at()
            assert wake is not None
            now = max(now, wake)
            dialogue.tick(now)
    return time.perf_counter() - started


def _pass_through() -> Figure:
    """A question through the override bridge against the same question without it."""
    with _served("--pty", "{}/one", "--pty", "{}/two") as (_, place):
        command = [PROGRAM, "modem", "bridge", f"pty:{place}/two", "--expose", f"pty:{place}/three"]
        bridge = subprocess.Popen(
            [*command, "--override", "serving=36801"], stdout=subprocess.PIPE, text=True
        )
        try:
            assert bridge.stdout is not None
            for line in bridge.stdout:
                if "OVERRIDE" in line:
                    break
            direct, bridged = _round_trips(f"pty:{place}/one", f"pty:{place}/three")
        finally:
            bridge.terminate()
            bridge.communicate()
    return Figure(
        name="modem.pass_through",
        value=(bridged - direct) * 1000,
        unit="ms",
        bound=2,
        sides={"bridged_s": bridged, "direct_s": direct},
        note=f"median of {QUESTIONS} questions each, asked in turn, three processes and two ptys",
    )


def _round_trips(*urls: str) -> tuple[float, ...]:
    """Median seconds from the last byte of a question to the end of its answer, for each URL."""
    from firmware_sim.links import open_link, wait

    links = [open_link(url, part="bench") for url in urls]
    times: list[list[float]] = [[] for _ in links]
    for _ in range(QUESTIONS):
        for index, link in enumerate(links):
            started = time.perf_counter()
            link.send(b"AT+COPS?\r")
            heard = b""
            while not heard.endswith(b"OK\r\n"):
                assert wait([link], 10), f"{link.name} is silent"
                heard += link.receive()
            times[index].append(time.perf_counter() - started)
    for link in links:
        link.close()
    return tuple(statistics.median(one) for one in times)


def _many() -> Figure:
    from firmware_sim.links import open_link, wait

    links = []
    with _served("--unix", "{}/one") as (process, place):
        one = _megabytes(process.pid)
    with _served("--unix", "{}/many", "--count", str(MANY)) as (process, place):
        empty = _megabytes(process.pid)
        started = time.perf_counter()
        for index in range(MANY):
            links.append(open_link(f"unix:{place}/many{index}", part="bench"))
            links[-1].send(b"ATE0+CGSN;+COPS?\r")
        answered = 0
        for link in links:
            heard = b""
            while not heard.endswith(b"OK\r\n"):
                assert wait([link], 30), "a modem is silent"
                heard += link.receive()
            answered += 1
        seconds = time.perf_counter() - started
        used = _megabytes(process.pid)
        for link in links:
            link.close()
    return Figure(
        name="modem.thousand",
        value=used,
        unit="MB",
        bound=MANY_BOUND_MB,
        sides={"thousand_MB": used, "one_MB": one},
        note=(
            f"resident memory of one process with {MANY} modems, each with a caller; "
            f"{(used - one) * 1000 / MANY:.1f} kB a modem, {empty:.0f} MB before anybody called; "
            f"{answered} answered within {seconds:.1f} s"
        ),
    )


def _megabytes(pid: int) -> float:
    """Resident memory of a process. Source: proc(5), VmRSS in kB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise AssertionError("no VmRSS")
