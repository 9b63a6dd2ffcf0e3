"""Run the tests of a module against each of its mutants; report who survives."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from importlib import util
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from mutation.operators import mutants

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "protocol" / "firmware_sim_protocol"
TESTS = ROOT / "tests" / "protocol"
SURVIVORS = TESTS / "survivors.tsv"
TESTS_OF = {
    "signing": ("test_signing.py", "test_keyset.py"),
    "keyset": ("test_keyset.py",),
    "envelope": ("test_envelope.py", "test_keyset.py"),
    "codec": ("test_codec.py",),
    "extensions": ("test_codec.py",),
    "framing": ("test_framing.py",),
}
PATIENCE_S = 90
"""A mutant that makes the tests hang is killed, and counts as noticed."""


class Finder:
    """Gives one module from a changed source; everything else is found as ever."""

    def __init__(self, name: str, source: str) -> None:
        self._name, self._source = name, source

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        return util.spec_from_loader(name, self) if name == self._name else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, f"{self._name} (mutant)", "exec"), module.__dict__)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/mutate", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=", ".join(TESTS_OF))
    parser.add_argument("--list", action="store_true", help="name the modules and stop")
    parser.add_argument("--seconds", type=float, default=3600, help="stop after so long")
    options = parser.parse_args()
    if options.list or not options.modules:
        print("\n".join(TESTS_OF))
        return 0 if options.list else 2
    unknown = [name for name in options.modules if name not in TESTS_OF]
    if unknown:
        print(f"tools/mutate: no module {unknown[0]}: {', '.join(TESTS_OF)}", file=sys.stderr)
        return 2
    _preload()
    explained = _explained()
    deadline = time.monotonic() + options.seconds
    unexplained = 0
    for module in options.modules:
        unexplained += _module(module, explained, deadline)
    return 1 if unexplained else 0


def _preload() -> None:
    """What every child needs and no mutant changes: imported once, before any fork."""
    import cryptography.hazmat.primitives.asymmetric.ec
    import hypothesis.strategies
    import pytest
    import pytest_timeout

    import firmware_sim_native.imei

    _ = cryptography, hypothesis, pytest, pytest_timeout, firmware_sim_native


def _module(module: str, explained: set[tuple[str, str]], deadline: float) -> int:
    source = (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
    if _noticed(module, source):
        raise SystemExit(f"tools/mutate: the tests of {module} fail without any change")
    counts = {"killed": 0, "explained": 0, "SURVIVED": 0, "left out (time)": 0}
    for mutant in mutants(source):
        if time.monotonic() > deadline:
            counts["left out (time)"] += 1
            continue
        verdict = "killed"
        if not _noticed(module, mutant.source):
            known = (f"{module}.{mutant.where.split(':')[0]}", mutant.change) in explained
            verdict = "explained" if known else "SURVIVED"
            print(f"{verdict}\t{module}.{mutant.where}\t{mutant.change}", flush=True)
        counts[verdict] += 1
    print(f"{module}: " + ", ".join(f"{n} {word}" for word, n in counts.items()), flush=True)
    return counts["SURVIVED"]


def _noticed(module: str, source: str) -> bool:
    """Whether a test fails with this source, or does not end."""
    child = os.fork()
    if child == 0:
        status = 2
        try:
            os.setsid()
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            status = _tested(module, source)
        finally:
            os._exit(status)
    limit = time.monotonic() + PATIENCE_S
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status != 0
        if time.monotonic() > limit:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return True
        time.sleep(0.02)


def _tested(module: str, source: str) -> int:
    import pytest

    sys.meta_path.insert(0, Finder(f"firmware_sim_protocol.{module}", source))  # type: ignore[arg-type]
    os.environ["FIRMWARE_SIM_EXAMPLES"] = "12"
    # The plugins of other rooms take longer to load than these tests to run.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    files = [str(TESTS / name) for name in TESTS_OF[module]]
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "pytest_timeout", *files]))


def _explained() -> set[tuple[str, str]]:
    """(module and function, change) of the survivors that have a reason."""
    if not SURVIVORS.exists():
        return set()
    rows = SURVIVORS.read_text(encoding="utf-8").splitlines()
    return {tuple(row.split("\t")[:2]) for row in rows if row and not row.startswith("#")}  # type: ignore[misc]


if __name__ == "__main__":
    sys.exit(main())
