"""The lab as its users meet it: from a tap to the new picture, and what twenty phones weigh."""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figure import Figure

PROGRAM = str(Path(sys.executable).with_name("firmware-sim"))
PHONES = 20
TAPS = 60


def figures() -> Iterator[Figure]:
    """The figures of this benchmark."""
    with served("1") as (line, _):
        tap(line, "phone-1", "continue")
        times, empty = [], []
        for number in range(TAPS):
            started = time.perf_counter()
            tap(line, "phone-1", "emergency" if number % 2 == 0 else "back")
            ask(line, "GET", "/api/phones/phone-1/screen.svg")
            times.append(time.perf_counter() - started)
            started = time.perf_counter()
            ask(line, "GET", "/api/phones/phone-1/power")
            ask(line, "GET", "/api/phones/phone-1/power")
            empty.append(time.perf_counter() - started)
    median, bare = statistics.median(times), statistics.median(empty)
    yield Figure(
        name="lab.tap",
        value=median * 1000,
        unit="ms",
        bound=50,
        sides={"tap_s": median, "two_empty_requests_s": bare},
        note="POST of the tap, new page laid out, its drawing fetched; median",
    )
    with served(str(PHONES)) as (line, process):
        for number in range(1, PHONES + 1):
            tap(line, f"phone-{number}", "continue")
            ask(line, "GET", f"/api/phones/phone-{number}/screen.png")
        status = Path(f"/proc/{process.pid}/status").read_text()
    (resident,) = [row.split()[1] for row in status.splitlines() if row.startswith("VmRSS")]
    yield Figure(
        name="lab.twenty_phones",
        value=int(resident) / 1024,
        unit="MiB",
        bound=300,
        note=f"resident memory of a lab of {PHONES} phones, each locked and drawn",
    )


@contextmanager
def served(phones: str) -> Iterator[tuple[http.client.HTTPConnection, subprocess.Popen[str]]]:
    words = [PROGRAM, "lab", "--listen", "127.0.0.1:0", "--seed", "1", "--phones", phones]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        host = process.stdout.readline().split("//")[1].rstrip("/\n")
        line = http.client.HTTPConnection(host, timeout=30)
        yield line, process
        line.close()
    finally:
        process.terminate()
        process.wait(10)


def tap(line: http.client.HTTPConnection, phone: str, name: str) -> None:
    ask(line, "POST", f"/api/phones/{phone}/input", {"tap": {"id": name}})


def ask(line: http.client.HTTPConnection, method: str, path: str, body: object = None) -> bytes:
    line.request(method, path, None if body is None else json.dumps(body))
    answer = line.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{method} {path}: {answer.status} {content[:200]!r}")
    return content
