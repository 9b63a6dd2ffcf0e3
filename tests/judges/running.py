"""Starting the judges' programs: commands with an end, a private D-Bus, modems on ports."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from firmware_sim.cli.modem_control import ask
from firmware_sim.modem.virtual import VirtualModem
from firmware_sim.rig.modems import ModemHost


def say(command: Sequence[str], within_s: float, environment: dict[str, str] | None = None) -> str:
    """What a program prints, to its end or until `within_s` have passed."""
    started = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
    )
    try:
        printed, _ = started.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        started.kill()
        printed, _ = started.communicate()
    return printed.decode(errors="replace")


def until(seen: Callable[[], bool], within_s: float) -> bool:
    """Ask again and again until it holds; False when it never did."""
    end = time.monotonic() + within_s
    while not seen():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)  # other people's programs give no sign that we could wait for
    return True


@contextmanager
def serving(
    modems: Sequence[tuple[VirtualModem, str]], control: Path | None = None
) -> Iterator[list[str]]:
    """The modems on their ports, all in one thread; yields the addresses."""
    host = ModemHost(modems, f"unix:{control}" if control else None)
    done = threading.Event()

    def run() -> None:
        while not done.is_set():
            host.step(0.05)

    thread = threading.Thread(target=run, name="modems")
    thread.start()
    try:
        yield [port.address for port in host.ports]
    finally:
        done.set()
        thread.join()
        host.close()


def carry(control: Path, modem: int, serving: str) -> None:
    """Move one of the modems through the control socket, as `modem move` does."""
    ask(str(control), {"modem": modem, "move": serving})


@contextmanager
def private_bus(folder: Path) -> Iterator[dict[str, str]]:
    """A D-Bus of our own that stands in for session and system bus; yields the environment."""
    path = folder / "bus"
    daemon = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", f"--address=unix:path={path}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"unix:path={path}"
    try:
        if not until(path.exists, 10):
            raise RuntimeError("dbus-daemon did not start")
        yield dict(os.environ, DBUS_SESSION_BUS_ADDRESS=address, DBUS_SYSTEM_BUS_ADDRESS=address)
    finally:
        daemon.terminate()
        daemon.wait()


@contextmanager
def daemon(command: Sequence[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    """A program that runs while we ask it."""
    with log.open("wb") as output:
        started = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            yield
        finally:
            started.terminate()
            try:
                started.wait(5)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()
