"""libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer, from a few seeds."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from native_core.shell import ALL, STRICT, TESTS, ToolFailure, run

GOOD = b"490154203237518"
SEEDS = (
    GOOD,
    (GOOD + b"\n") * 40,
    (GOOD + b"\r\n") * 3 + b"\n" + GOOD[:14] + b"\n" + GOOD + b"1\n",
    (GOOD + b"\n") * 17 + b"490154203237517\n000000000000000\njunk",
    (GOOD + b"\0") * 33,
    b"36801",
    b"310410",
    bytes.fromhex("94104502237315f8"),
)


def fuzz(seconds: int) -> int:
    """0 when nothing was found in `seconds`.

    Raises:
        ToolFailure: something was found: libFuzzer's words, with the input in base 64.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = folder / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(SEEDS):
            (corpus / str(number)).write_bytes(seed)
        program = folder / "fuzz"
        checks = ("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
        run(["clang", "-g", "-O1", *checks, *STRICT, TESTS / "core_fuzz.c", *ALL, "-o", program])
        limits = (f"-max_total_time={seconds}", "-max_len=4096", "-seed=1", "-timeout=10")
        out = run([program, *limits, f"-artifact_prefix={folder}/", corpus], seconds + 120)
    done = re.search(r"Done (\d+) runs", out)
    if done is None or int(done[1]) < len(SEEDS):
        raise ToolFailure(f"the fuzzer did not run\n{out[-4000:]}")
    print(f"{done[1]} inputs in {seconds} s, nothing found")
    return 0
