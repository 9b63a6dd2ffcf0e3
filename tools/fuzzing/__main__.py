"""Run one target under atheris."""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FunctionType

from fuzzing import corpus

NAMES = ("body", "frames", "message", "record", "sealing", "typed")
LONGEST = {"frames": 500}
"""Octets of an input; 5000 unless named here: a stream is read octet by octet."""
OURS = ("firmware_sim_protocol", "firmware_sim.handset")
FINDINGS = Path(__file__).resolve().parents[2] / "build" / "fuzz"
"""Where an input that breaks a law is written."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/fuzz", description=__doc__)
    parser.add_argument("target", nargs="?", choices=NAMES)
    parser.add_argument("--list", action="store_true", help="name the targets and stop")
    parser.add_argument("--runs", type=int, default=100_000, help="executions (default 100000)")
    parser.add_argument("--seconds", type=int, default=0, help="stop after so long")
    parser.add_argument("--keep", action="store_true", help="write what adds coverage back")
    parser.add_argument("--inside", metavar="DIR", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.list or options.target is None:
        print("\n".join(NAMES))
        return 0 if options.list else 2
    if options.inside:
        return _fuzz(options)
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    """Start the fuzzer in a process of its own: it ends by leaving its process."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found"
        found.mkdir()
        for number, each in enumerate(corpus.read(options.target)):
            (found / f"kept-{number}").write_bytes(each)
        for number, each in enumerate(_seeds(options.target)):
            (found / f"seed-{number}").write_bytes(each)
        again = [sys.executable, "-m", "fuzzing", options.target]
        limits = ["--runs", str(options.runs), "--seconds", str(options.seconds)]
        status = subprocess.run([*again, *limits, "--inside", str(found)]).returncode
        if status == 0 and options.keep:
            # The fuzzer writes an input only when it adds coverage.
            corpus.write(options.target, {path.read_bytes() for path in found.iterdir()})
        return status


def _seeds(target: str) -> list[bytes]:
    """Something good to begin with: messages of the vectors' cast."""
    from firmware_sim_protocol.envelope import open_envelope
    from firmware_sim_protocol.framing import SerialFraming, TcpFraming
    from firmware_sim_protocol.numbers import Algorithm, MessageType
    from firmware_sim_protocol.typed import to_text
    from vector_files.cast import sealed

    seeds: list[bytes] = []
    for index, kind in enumerate(MessageType):
        raw = sealed(kind, Algorithm.ED25519)
        body = open_envelope(raw).body
        seeds += {
            "message": [b"\0\0" + raw],
            "body": [b"\0\0" + bytes((index,)) + body],
            "frames": [
                bytes((0, 9)) + TcpFraming().wrap(raw),
                bytes((1, 9)) + SerialFraming().wrap(raw),
            ],
            "typed": [to_text(raw).encode()],
            "sealing": [bytes((index,)) + bytes(4) + body],
            "record": _records(),
        }[target]
    return seeds


def _records() -> list[bytes]:
    """A record, for a sound phone and for one that does not look at its seal."""
    from firmware_sim.handset.record import Record, UsedTicket, encode_record
    from firmware_sim_protocol.numbers import LockState
    from firmware_sim_protocol.rules import Rule

    ticket = UsedTicket(ticket_id=bytes(16), not_after=1)
    record = Record(
        device_key_id=bytes(32), lock_state=LockState.PENDING, tickets=(ticket,), answer=b"answer"
    )
    sealed = encode_record(record, bytes(32))
    unsealed = bytes((1, list(Rule).index(Rule.STORE_MAC)))
    return [b"\0\0" + sealed, unsealed + sealed]


def _fuzz(options: argparse.Namespace) -> int:
    import atheris

    FINDINGS.mkdir(parents=True, exist_ok=True)
    from fuzzing.targets import TARGETS

    # Not while importing: the project is installed editable, behind a loader of its own.
    for function in [each for each in gc.get_objects() if isinstance(each, FunctionType)]:
        if str(function.__module__).startswith(OURS):
            atheris.instrument_func(function)
    words = [
        sys.argv[0],
        f"-max_len={LONGEST.get(options.target, 5000)}",
        "-timeout=20",
        "-verbosity=0",
    ]
    words += [f"-artifact_prefix={FINDINGS}/", "-print_final_stats=1"]
    words += [f"-runs={options.runs}", f"-max_total_time={options.seconds}", options.inside]
    atheris.Setup(words, TARGETS[options.target])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
