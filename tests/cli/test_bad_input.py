"""Bad input: the exit status, one line that names part and cause, and the state unharmed."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.program import PROGRAM, Finished, firmware_sim, line_with, started


def refused(done: Finished, status: int, *words: str) -> None:
    """The run ended with this status and one line that holds these words."""
    assert done.status == status, done
    line = done.one_line()
    for word in words:
        assert word in line, line


@contextmanager
def peer(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A TCP server on loopback whose one conversation is `talk`; gives HOST:PORT."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            while True:
                try:
                    connection, _ = door.accept()
                except OSError:
                    return
                with connection:
                    try:
                        talk(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"127.0.0.1:{door.getsockname()[1]}"
        door.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def everything_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    """A state directory of a phone that is locked."""
    state = tmp_path / "phone"
    done = firmware_sim("activate", "--serving", "36801", "--state", state, "--json")
    assert done.json["outcome"] == "locked"
    return state


def test_an_imei_with_a_wrong_check_digit() -> None:
    refused(firmware_sim("activate", "--imei", "490154203237517"), 2, "imei", "check digit")


def test_an_imei_that_is_too_short() -> None:
    refused(firmware_sim("activate", "--imei", "4901542032375"), 2, "imei", "15 digits")


def test_a_plmn_of_four_digits() -> None:
    refused(firmware_sim("activate", "--serving", "3680"), 2, "serving", "'3680'")


def test_a_modem_path_that_does_not_exist(tmp_path: Path) -> None:
    missing = tmp_path / "no-modem"
    refused(firmware_sim("activate", "--modem", missing), 3, "modem", str(missing))


def test_a_modem_that_never_answers() -> None:
    def silent(connection: socket.socket) -> None:
        while connection.recv(4096):
            continue

    with peer(silent) as address:
        done = firmware_sim("activate", "--modem", f"socket://{address}", "--json", timeout=100)
    refused(done, 3, "modem", address)


def test_a_modem_that_hangs_up_in_mid_answer() -> None:
    def hang_up(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"\r\n+CG")

    with peer(hang_up) as address:
        refused(firmware_sim("activate", "--modem", f"socket://{address}", "--json"), 3, "modem")


def test_a_server_that_is_not_there(phone: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    before = everything_in(phone / "flash")
    done = firmware_sim(
        "activate", "--state", phone, "--server", f"tcp://127.0.0.1:{port}", "--json"
    )
    refused(done, 3, "server", str(port))
    assert everything_in(phone / "flash").keys() == before.keys()


def test_a_server_that_closes_at_once() -> None:
    with peer(lambda connection: None) as address:
        done = firmware_sim("activate", "--server", f"tcp://{address}", "--json")
    refused(done, 3, "server")


def test_a_server_that_answers_garbage() -> None:
    def garbage(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"\x00\x20HTTP/1.1 400 Bad Request\r\n\r\nxxxxxxxxx")
        connection.recv(4096)

    with peer(garbage) as address:
        done = firmware_sim("activate", "--server", f"tcp://{address}", "--json")
    refused(done, 3, "server", "garbage")


def test_a_server_that_signs_with_another_key(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    assert firmware_sim("keys", "new", ours).status == 0
    assert firmware_sim("keys", "new", theirs).status == 0
    serve = ("serve", "--listen", "127.0.0.1:0", "--keys", theirs, "--db", tmp_path / "db")
    with started(*serve) as server:
        address = line_with(server.stdout, "listening").split()[-1]
        done = firmware_sim(
            "activate", "--server", address, "--trust", ours / "trust.keyset",
            "--json", "--timeout", "40",
        )  # fmt: skip
    refused(done, 3, "server")


def test_a_state_directory_that_is_read_only(phone: Path) -> None:
    before = everything_in(phone)
    command = shlex.join([PROGRAM, "activate", "--serving", "36801", "--state", str(phone)])
    if os.geteuid() == 0:
        # Permissions do not stop root; a read-only mount, seen by this process alone, does.
        mount = f"mount --bind {phone} {phone} && mount -o remount,bind,ro {phone}"
        words = ["unshare", "-m", "sh", "-c", f"{mount} && exec {command}"]
    else:
        phone.chmod(0o500)
        words = ["sh", "-c", f"exec {command}"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    finally:
        phone.chmod(0o700)
    refused(Finished(done.returncode, done.stdout, done.stderr), 3, "state", "read-only")
    assert everything_in(phone) == before


def test_a_state_path_that_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a phone")
    refused(firmware_sim("activate", "--state", file), 3, "state", "not a directory")
    assert file.read_text() == "not a phone"


def test_a_damaged_board_file(phone: Path) -> None:
    board = phone / "board.json"
    board.write_text(board.read_text()[:-40])
    before = everything_in(phone)
    refused(firmware_sim("activate", "--state", phone), 3, "state", "damaged")
    assert everything_in(phone) == before


def test_the_state_directory_of_another_phone(phone: Path) -> None:
    before = everything_in(phone)
    done = firmware_sim("activate", "--state", phone, "--imei", "490154203237518")
    refused(done, 3, "state", "490154203237518")
    assert everything_in(phone) == before


def test_a_flash_whose_bytes_are_damaged_is_a_storage_fault(phone: Path) -> None:
    for path in (phone / "flash").iterdir():
        if path.is_file() and path.stat().st_size > 64:
            octets = bytearray(path.read_bytes())
            for place in range(0, len(octets), 16):
                octets[place] ^= 0x55
            path.write_bytes(bytes(octets))
    before = everything_in(phone / "flash")
    done = firmware_sim("activate", "--serving", "26201", "--state", phone, "--json")
    refused(done, 3, "state")
    assert done.json["screen"]["id"] == "storage-fault"
    assert everything_in(phone / "flash") == before


def test_a_policy_file_with_a_typo_names_line_and_key(tmp_path: Path) -> None:
    shown = firmware_sim("policy", "show", "--text")
    assert shown.status == 0, shown.stderr
    lines = shown.stdout.splitlines()
    number = next(at for at, line in enumerate(lines) if line.startswith("country"))
    lines[number] = lines[number].replace("country", "cuontry", 1)
    policy = tmp_path / "typo.toml"
    policy.write_text("\n".join(lines) + "\n")
    done = firmware_sim("activate", "--serving", "36801", "--policy", policy)
    refused(done, 3, "policy", str(policy), "cuontry", str(number + 1))


def test_a_screenshot_that_cannot_be_written_is_said_before_the_run(tmp_path: Path) -> None:
    done = firmware_sim("activate", "--screenshot", tmp_path / "no" / "such.png")
    refused(done, 2, "screenshot")
    assert done.stdout == ""
