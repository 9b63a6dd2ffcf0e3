"""`activate --for --until` follows a served modem that is driven over its control socket."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.program import PROGRAM, firmware_sim, line_with, started


@pytest.mark.parametrize("kind", ["pty", "tcp"])
def test_card_and_network_come_and_go_and_roaming_into_cuba_ends_in_the_lock(
    kind: str, tmp_path: Path
) -> None:
    policy, control = tmp_path / "short.toml", tmp_path / "control"
    shown = firmware_sim("policy", "show", "--text").stdout
    shown = re.sub(r"(?m)^version = 1$", "version = 2", shown)
    policy.write_text(re.sub(r"(?m)^recheck_after_s = .*", "recheck_after_s = 2", shown))

    def drive(*words: str) -> None:
        done = firmware_sim("modem", *words, "--control", control)
        assert done.status == 0, done.stderr

    port = str(tmp_path / "modem") if kind == "pty" else "127.0.0.1:0"
    serve = ("modem", "serve", f"--{kind}", port, "--serving", "26201", "--control", control)
    with started(*serve) as modem:
        address = line_with(modem.stdout, "modem 0:").split()[2]
        line_with(modem.stdout, "control:")
        url = port if kind == "pty" else address.replace("tcp://", "socket://")
        drive("set", "sim=none")
        words = [PROGRAM, "activate", "--modem", url, "--policy", str(policy)]
        words += ["--for", "60s", "--until", "locked", "--expect", "locked"]
        phone = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
        try:
            line_with(phone.stdout, "SIM absent")
            drive("set", "sim=26201")
            line_with(phone.stdout, "screen      home")
            drive("move", "--serving", "none")
            line_with(phone.stdout, "modem       registration searching")
            drive("move", "--serving", "36801")
            line_with(phone.stdout, "registration roaming, serving 36801")
            line_with(phone.stdout, "screen      locked (CU)")
            assert phone.wait(60) == 0
        finally:
            phone.kill()
            phone.wait()
            assert phone.stdout is not None
            phone.stdout.close()
