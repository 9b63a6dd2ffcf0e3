"""The main job over real channels: four processes, a pseudo terminal and TCP between them."""

import socket
import subprocess
from pathlib import Path

from tests.support.needs import needs_program
from tests.support.program import firmware_sim, line_with, started

IMEI = "490154203237518"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_two_phones_one_server_and_a_modem_in_processes_of_their_own(tmp_path: Path) -> None:
    tty, keys = tmp_path / "modem", tmp_path / "keys"
    assert firmware_sim("keys", "new", keys).status == 0
    port = free_port()
    serve = ("serve", "--listen", f"127.0.0.1:{port}", "--keys", keys, "--db", tmp_path / "db")
    with started(*serve) as server:
        line_with(server.stdout, "listening")
        outcomes = {}
        for serving in ("36801", "26201"):
            modem = ("modem", "serve", "--pty", tty, "--imei", IMEI, "--serving", serving)
            with started(*modem) as virtual:
                line_with(virtual.stdout, str(tty))
                done = firmware_sim(
                    "activate", "--modem", tty, "--server", f"tcp://127.0.0.1:{port}",
                    "--trust", keys / "trust.keyset", "--json",
                )  # fmt: skip
                assert done.status == 0, done.stderr
                assert done.json["imei"] == IMEI
                assert done.json["serving"] == serving
                outcomes[serving] = done.json["outcome"]
    assert outcomes == {"36801": "locked", "26201": "activated"}


def test_gammu_reads_the_same_imei_on_the_same_terminal(tmp_path: Path) -> None:
    needs_program("gammu", "gammu")
    tty = tmp_path / "modem"
    with started("modem", "serve", "--pty", tty, "--imei", IMEI, "--serving", "36801") as virtual:
        line_with(virtual.stdout, str(tty))
        assert gammu_imei(tty, tmp_path) == IMEI
        done = firmware_sim("activate", "--modem", tty, "--json")
        assert done.json["imei"] == IMEI
        assert done.json["outcome"] == "locked"


def gammu_imei(tty: Path, folder: Path) -> str:
    """The IMEI that gammu reads from this terminal."""
    rc = folder / "gammurc"
    rc.write_text(f"[gammu]\ndevice = {tty}\nconnection = at115200\nmodel = at\n")
    command = ["gammu", "-c", str(rc), "identify"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    (line,) = [line for line in said.splitlines() if line.startswith("IMEI")]
    return line.split(":")[1].strip()
