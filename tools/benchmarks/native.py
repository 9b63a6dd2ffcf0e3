"""The C core from Python: lists against a bare pass over memory and against `wc -l`."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from stdnum import imei as stdnum_imei

from benchmarks.figure import Figure
from benchmarks.timing import timed, wall
from firmware_sim_native import imei, plmn
from firmware_sim_native._core import ffi, lib

ROWS = 20_000_000
FIRMWARE_SIM = str(Path(sys.executable).with_name("firmware-sim"))
MEMORY_LIMIT_MIB = 64
SOME_IMEIS = 1000
PEAK = """
import sys
from firmware_sim.cli.main import main
main(["imei", "check", sys.argv[1]])
print(*[line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")])
"""


def figures() -> Iterator[Figure]:
    """All figures of the core; about half a minute and 700 MB of memory."""
    rows = _rows()
    yield from _bulk(rows)
    yield _threads(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.txt"
        path.write_bytes(rows)
        del rows
        yield from _file(path)
    yield from _single()


def least(rounds: int, *sides: Callable[[], float]) -> list[float]:
    """Run the sides A B A B ... and take the least of each: what else runs only adds to it."""
    found = [[side() for side in sides] for _ in range(rounds + 1)]
    return [min(times) for times in zip(*found[1:], strict=True)]


def _rows() -> bytearray:
    chance = random.Random(5)
    some = bytearray()
    for _ in range(20_000):
        first14 = f"{chance.choice(('35', '86', '01'))}{chance.randrange(10**12):012}"
        some += f"{first14}{imei.check_digit(first14)}\n".encode()
    return some * (ROWS // 20_000)


def _bulk(rows: bytearray) -> Iterator[Figure]:
    data = ffi.from_buffer("uint8_t[]", rows)
    out = bytearray(ROWS)

    def read() -> object:
        return lib.fsim_read_pass(data, len(data))

    sides = [
        timed(lambda p=path: imei.validate_many(rows, verdicts=out, path=p), 1)  # type: ignore[misc]
        for path in imei.paths()
    ]
    bare, *ours = least(15, timed(read, 1), *sides)
    for path, seconds in zip(imei.paths(), ours, strict=True):
        first = path == imei.paths()[0]
        yield Figure(
            name="native_bulk_rows" if first else f"native_bulk_rows_{path}",
            value=seconds / bare,
            unit="ratio",
            bound=1.5 if first and path != "portable" else None,
            sides={"ours_s": seconds, "read_pass_s": bare},
            note=f"20 million 16-byte rows, path {path}; read pass: xor of all 64-bit words",
        )


def _threads(rows: bytearray) -> Figure:
    half = len(rows) // 2
    parts = [memoryview(rows)[:half], memoryview(rows)[half:]]
    outs = [bytearray(ROWS // 2), bytearray(ROWS // 2)]

    def judge(index: int) -> None:
        imei.validate_many(parts[index], verdicts=outs[index])

    def one() -> None:
        judge(0)
        judge(1)

    def two() -> None:
        workers = [threading.Thread(target=judge, args=(index,)) for index in (0, 1)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    one_s, two_s = least(25, timed(one, 1), timed(two, 1))
    busy = os.getloadavg()[0]
    return Figure(
        name="native_two_threads",
        value=one_s / two_s,
        unit="times",
        bound=1.7,
        at_least=True,
        sides={"one_thread_s": one_s, "two_threads_s": two_s},
        note=f"{os.cpu_count()} processors, load {busy:.1f}: needs two that are free",
    )


def _file(path: Path) -> Iterator[Figure]:
    check = [FIRMWARE_SIM, "imei", "check", str(path)]
    wc_s, ours_s = least(5, lambda: wall(["wc", "-l", str(path)]), lambda: wall(check))
    yield Figure(
        name="native_check_file",
        value=ours_s / wc_s,
        unit="ratio",
        bound=5.0,
        sides={"ours_s": ours_s, "wc_s": wc_s},
        note="320 MB, 20 million lines, page cache warm, start-up included",
    )
    peak = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], check=True, capture_output=True, text=True
    )
    yield Figure(
        name="native_check_memory",
        value=int(peak.stdout.split()[-1]) / 1024,
        unit="MiB",
        bound=MEMORY_LIMIT_MIB,
        note="the same list: the most that was resident (VmHWM)",
    )


def _single() -> Iterator[Figure]:
    some = [f"35{n:012}" for n in range(SOME_IMEIS)]
    texts = [text + str(imei.check_digit(text)) for text in some]

    def ours() -> None:
        for text in texts:
            imei.is_valid(text)

    def theirs() -> None:
        for text in texts:
            stdnum_imei.is_valid(text)

    def digit() -> None:
        for text in some:
            imei.check_digit(text)

    codes = [row.mcc + row.mnc for row in plmn.default_table().rows]
    codes += [f"{mcc.mcc}{mnc:03}" for mcc in plmn.default_table().mccs for mnc in range(3)]
    random.Random(5).shuffle(codes)

    def look_up() -> None:
        for code in codes:
            plmn.lookup(code)

    def nothing() -> None:
        for _ in itertools.repeat(None, SOME_IMEIS):
            pass

    ours_s, theirs_s, loop_s = least(40, timed(ours, 1), timed(theirs, 1), timed(nothing, 1))
    digit_s, plmn_s = least(100, timed(digit, 1), timed(look_up, 1))
    each = 1e9 / SOME_IMEIS
    yield Figure(
        name="native_is_valid",
        value=theirs_s / ours_s,
        unit="times",
        bound=50.0,
        at_least=True,
        sides={"ours_ns": ours_s * each, "python_stdnum_ns": theirs_s * each},
        note=f"one call each, the loop around it included ({loop_s * each:.0f} ns)",
    )
    yield Figure(name="native_check_digit", value=digit_s * each, unit="ns", bound=None)
    yield Figure(
        name="native_plmn_lookup",
        value=plmn_s * 1e9 / len(codes),
        unit="ns",
        bound=300.0,
        note=f"{len(codes)} codes, listed and not, in random order; the first answer of a place "
        "in the table is built once, then shared",
    )
