"""Standard streams as users have them: closed, full, plain ASCII; and one line for every typo."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.program import PROGRAM, firmware_sim


def test_a_full_disk_under_the_output_is_one_line_and_status_3() -> None:
    for words in (["plmn", "show", "36801"], ["activate"], ["activate", "--json"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
            )
        assert done.returncode == 3, words
        assert done.stderr == "firmware-sim: output: No space left on device\n"


def test_a_closed_standard_input_is_no_trouble() -> None:
    line = f'exec "{PROGRAM}" activate --json <&-'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] == "activated"


def test_a_terminal_of_plain_ascii_gets_a_drawing_of_plain_ascii(tmp_path: Path) -> None:
    plain = dict(os.environ, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    words = ["activate", "--serving", "36801", "--locale", "ar"]
    done = subprocess.run(
        [PROGRAM, *words], capture_output=True, env=plain, cwd=tmp_path, timeout=60
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout.decode("ascii")
    assert "| " in told
    assert "+--" in told
    done = subprocess.run([PROGRAM, *words, "--json"], capture_output=True, env=plain, timeout=60)
    assert json.loads(done.stdout.decode("ascii"))["screen"]["title"] == "هذا الجهاز مقفل"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("activate", "--seed", "x"), "activate: argument --seed: invalid int value: 'x'"),
        (("activate", "--bogus"), "unrecognized arguments: --bogus"),
        (("modem", "probe"), "modem probe: the following arguments are required: URL"),
        (("attack", "run", "--seed", "x"), "attack run: argument --seed: invalid int value: 'x'"),
        ((), "the following arguments are required: COMMAND"),
        (("activate", "--until", "locked"), "until: --until ends what --for begins: give both"),
    ],
)
def test_wrong_usage_is_one_line(words: tuple[str, ...], told: str) -> None:
    done = firmware_sim(*words)
    assert done.status == 2
    assert done.one_line().removesuffix(" (see --help)") == f"firmware-sim: {told}"


def test_json_has_its_object_also_when_the_phone_never_began() -> None:
    done = firmware_sim("activate", "--server", "tcp://127.0.0.1:9", "--json")
    assert done.status == 3
    assert done.json["outcome"] == "failed"
    assert done.json["reason"] == done.one_line().removeprefix("firmware-sim: ")
    assert done.json.keys() == firmware_sim("activate", "--json").json.keys()
