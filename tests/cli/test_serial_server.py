"""A phone and a server on a serial line: what each side learns from its URL alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_sim.rig.framing import framing_of
from firmware_sim_protocol.framing import SerialFraming, TcpFraming
from tests.support.program import firmware_sim, line_with, started


@pytest.mark.parametrize("scheme", ["pty:", ""])
def test_a_phone_is_activated_over_a_pseudo_terminal(tmp_path: Path, scheme: str) -> None:
    line = tmp_path / "line"
    with started("serve", "--listen", f"pty:{line}") as server:
        line_with(server.stdout, "listening")
        for serving, outcome in (("36801", "locked"), ("26201", "activated")):
            done = firmware_sim(
                "activate", "--serving", serving, "--server", f"{scheme}{line}", "--json"
            )
            assert (done.status, done.json["outcome"]) == (0, outcome), done


@pytest.mark.parametrize(
    ("url", "framing"),
    [
        ("embedded:", TcpFraming),
        ("tcp://127.0.0.1:7470", TcpFraming),
        ("TLS://localhost:1?ca=x", TcpFraming),
        ("unix:/run/x", TcpFraming),
        ("pty:x", SerialFraming),
        ("/dev/ttyUSB0", SerialFraming),
        ("COM7", SerialFraming),
        ("rfc2217://host:1", SerialFraming),
    ],
)
def test_the_url_says_which_framing(url: str, framing: type) -> None:
    assert isinstance(framing_of(url), framing)
