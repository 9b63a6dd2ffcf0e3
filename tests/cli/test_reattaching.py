"""`activate --reattach`: the modem's process is killed, another one takes its place."""

import re
import subprocess
from pathlib import Path

from tests.support.program import PROGRAM, firmware_sim, line_with, started


def test_a_phone_goes_on_with_the_modem_that_comes_back_and_is_locked_there(
    tmp_path: Path,
) -> None:
    policy = tmp_path / "short.toml"
    shown = firmware_sim("policy", "show", "--text").stdout
    shown = re.sub(r"(?m)^version = 1$", "version = 2", shown)
    policy.write_text(re.sub(r"(?m)^recheck_after_s = .*", "recheck_after_s = 2", shown))
    place = tmp_path / "modem"

    def serve(serving: str) -> tuple[str, ...]:
        return ("modem", "serve", "--pty", str(place), "--serving", serving)

    words = [PROGRAM, "activate", "--modem", str(place), "--policy", str(policy), "--reattach"]
    words += ["--for", "60s", "--until", "locked", "--expect", "locked"]
    with started(*serve("26201")) as first:
        line_with(first.stdout, "modem 0:")
        phone = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
        try:
            line_with(phone.stdout, "screen      home")
            first.kill()
            first.wait()
            with started(*serve("36801")):
                line_with(phone.stdout, "is back")
                line_with(phone.stdout, "screen      locked (CU)")
                assert phone.wait(60) == 0
        finally:
            phone.kill()
            phone.wait()
            assert phone.stdout is not None
            phone.stdout.close()
