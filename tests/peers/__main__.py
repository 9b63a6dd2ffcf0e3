"""The bridge among other people's programs: ser2net before a port, ModemManager behind a bridge.

`python -m tests.peers`: prints what was asked and answered, 1 when anything is wrong.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_sim.links.clock import MonotonicClock
from firmware_sim.links.reattach import Patience
from firmware_sim.modem.override import parse
from firmware_sim.modem.reading import Reading
from firmware_sim.modem.virtual import VirtualModem, default_state
from firmware_sim.rig.modem_port import ModemPort, opener_of, read_until_done
from tests.judges import modemmanager
from tests.judges.cases import Facts
from tests.judges.running import serving, until
from tests.peers.bridged import bridged_modem_manager
from tests.peers.places import free_port, is_open

IMEI = "356938035643809"
PROGRAMS = {"ser2net": "ser2net", "ModemManager": "modemmanager", "gammu": "gammu"}


def modem() -> VirtualModem:
    return VirtualModem(default_state(imei=IMEI, serving="36801", sim="26201"))


@contextmanager
def ser2net(folder: Path, line: Path) -> Iterator[tuple[int, int, subprocess.Popen[bytes]]]:
    """ser2net before a pty: the ports of RFC 2217 and of raw TCP, and its process."""
    telnet, raw = free_port(), free_port()
    config = folder / "ser2net.yaml"
    # nouucplock: no lock files in /var; two connections, one at a time may hold the device.
    config.write_text(
        f"""%YAML 1.1
---
connection: &telnet
  accepter: telnet(rfc2217),tcp,127.0.0.1,{telnet}
  connector: serialdev(nouucplock=true),{line},115200n81,local
  options:
    kickolduser: true
connection: &raw
  accepter: tcp,127.0.0.1,{raw}
  connector: serialdev(nouucplock=true),{line},115200n81,local
  options:
    kickolduser: true
"""
    )
    process = subprocess.Popen(
        ["ser2net", "-n", "-c", str(config), "-P", str(folder / "pid")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        if not until(lambda: is_open(telnet) and is_open(raw), 10):
            raise RuntimeError("ser2net does not listen")
        yield telnet, raw, process
    finally:
        process.terminate()
        process.wait()


def read(url: str) -> Reading:
    """What our own dialogue reads through `url`."""
    port = ModemPort(opener_of(url), patience=Patience(total_ms=500))
    try:
        read_until_done(port, MonotonicClock())
    finally:
        port.close()
    assert port.dialogue.failure is None, port.dialogue.failure
    assert port.dialogue.reading is not None
    return port.dialogue.reading


def through_ser2net(kind: str) -> Callable[[Path], str]:
    def ask(folder: Path) -> str:
        line = folder / "line"
        with serving([(modem(), f"pty:{line}")]), ser2net(folder, line) as (telnet, raw, _):
            number = telnet if kind == "rfc2217" else raw
            started = time.monotonic()
            reading = read(f"{kind}://127.0.0.1:{number}")
            took = time.monotonic() - started
        assert (reading.imei, reading.serving) == (IMEI, "36801")
        return f"IMEI {reading.imei}, network {reading.serving}, in {took * 1000:.0f} ms"

    return ask


def killed_ser2net(kind: str) -> Callable[[Path], str]:
    """The server is killed while the modem is watched: one line, and no hang."""

    def ask(folder: Path) -> str:
        line = folder / "line"
        with serving([(modem(), f"pty:{line}")]), ser2net(folder, line) as (telnet, raw, process):
            number = telnet if kind == "rfc2217" else raw
            port = ModemPort(
                opener_of(f"{kind}://127.0.0.1:{number}"), patience=Patience(total_ms=2_000)
            )
            clock = MonotonicClock()
            read_until_done(port, clock)
            assert port.dialogue.reading is not None
            process.send_signal(signal.SIGKILL)
            process.wait()

            def failed() -> bool:
                port.step(clock.now())
                return port.dialogue.failure is not None

            assert until(failed, 10), "nobody noticed"
            port.close()
        failure = port.dialogue.failure
        assert failure is not None
        assert "did not come back" in failure, failure
        return failure

    return ask


def overridden_through_rfc2217(folder: Path) -> str:
    """A link that has no descriptor to wait on, with the override bridge before it."""
    line = folder / "line"
    with serving([(modem(), f"pty:{line}")]), ser2net(folder, line) as (telnet, _, _):
        url = f"rfc2217://127.0.0.1:{telnet}"
        port = ModemPort(opener_of(url, overrides=parse(["serving=25032"])))
        clock = MonotonicClock()
        started = time.monotonic()
        read_until_done(port, clock)
        took = time.monotonic() - started
        port.close()
    assert port.dialogue.reading is not None, port.dialogue.failure
    assert port.dialogue.reading.serving == "25032"
    assert took < 5, f"{took:.1f} s: nobody was woken by the bytes"
    return f"network {port.dialogue.reading.serving}, read twice in {took * 1000:.0f} ms"


def overridden_for_modem_manager(folder: Path) -> str:
    """A phone at home in Germany is told to be roaming in Cuba."""
    home = VirtualModem(default_state(imei=IMEI, serving="26201", sim="26201"))
    facts = bridged_modem_manager(home, IMEI, parse(["serving=36801"]), folder)
    assert facts is not None, "no answer"
    expected = Facts(
        imei=IMEI, operator="36801", registration="roaming", sim="ready", home="26201", lock="no"
    )
    assert facts == expected, facts
    return f"ModemManager: operator {facts.operator}, {facts.registration}, SIM of {facts.home}"


def overridden_card_for_modem_manager(folder: Path) -> str:
    """The same with a claimed card: the IMSI and EF_AD that ModemManager reads are its."""
    home = VirtualModem(default_state(imei=IMEI, serving="26201", sim="26201"))
    facts = bridged_modem_manager(home, IMEI, parse(["sim=310410"]), folder)
    assert facts is not None, "no answer"
    assert (facts.home, facts.operator, facts.registration) == ("310410", "26201", "roaming"), facts
    return f"ModemManager: SIM of {facts.home}, {facts.registration} in {facts.operator}"


TASKS: dict[str, Callable[[Path], str]] = {
    "ser2net, RFC 2217": through_ser2net("rfc2217"),
    "ser2net, raw TCP": through_ser2net("socket"),
    "ser2net killed, RFC 2217": killed_ser2net("rfc2217"),
    "ser2net killed, raw TCP": killed_ser2net("socket"),
    "override through RFC 2217": overridden_through_rfc2217,
    "override: serving": overridden_for_modem_manager,
    "override: sim": overridden_card_for_modem_manager,
}


def main() -> int:
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            print(f"{program} is missing (apt install {package})")
            return 1
    assert modemmanager.PROGRAM in PROGRAMS
    wrong = 0
    for name, task in TASKS.items():
        with tempfile.TemporaryDirectory(prefix="peers") as folder:
            try:
                told = task(Path(folder))
            except Exception as failure:
                print(f"{name:26} WRONG: {type(failure).__name__}: {failure}")
                wrong += 1
            else:
                print(f"{name:26} ok: {told}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
