"""`--trace FILE.pcapng` on every command that talks: what was said is in the file."""

import socket
from pathlib import Path

import pytest

from tests.support.program import firmware_sim, line_with, started

PCAPNG = bytes.fromhex("0a0d0d0a")


def octets_of(capture: Path) -> bytes:
    """The capture, whose first block must be a section header."""
    told = capture.read_bytes()
    assert told.startswith(PCAPNG)
    return told


@pytest.mark.parametrize(
    "words",
    [
        ("activate", "--serving", "36801"),
        ("serve", "--listen", "127.0.0.1:0"),
        ("lab", "--listen", "127.0.0.1:0"),
        ("attack", "run", "--attack", "SIG-001"),
        ("attack", "proxy", "--listen", "tcp://127.0.0.1:0", "--upstream", "tcp://127.0.0.1:9"),
        ("modem", "serve", "--tcp", "127.0.0.1:0"),
        ("modem", "probe", "socket://127.0.0.1:9"),
        ("modem", "doctor", "socket://127.0.0.1:9"),
        ("modem", "record", "socket://127.0.0.1:9", "recording"),
        ("modem", "bridge", "socket://127.0.0.1:9", "--expose", "tcp://127.0.0.1:0"),
    ],
    ids=lambda words: " ".join(word for word in words[:2] if not word.startswith("-")),
)
def test_a_name_that_is_no_capture_s_is_refused_before_anything_is_done(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    done = firmware_sim(*words, "--trace", "capture.txt", cwd=tmp_path)
    assert done.one_line() == "firmware-sim: trace: capture.txt does not end in .pcapng"
    assert done.status == 2
    assert list(tmp_path.iterdir()) == []


def test_modem_and_phone_write_the_same_dialogue_each_from_its_side(tmp_path: Path) -> None:
    served, phone = tmp_path / "modem.pcapng", tmp_path / "phone.pcapng"
    words = ("modem", "serve", "--tcp", "127.0.0.1:0", "--serving", "36801", "--trace", served)
    with started(*words) as modem:
        address = line_with(modem.stdout, "modem 0:").split()[2].removeprefix("tcp://")
        url = f"socket://{address}"
        done = firmware_sim("activate", "--modem", url, "--trace", phone, "--json")
    assert done.json["outcome"] == "locked", done.stderr
    assert b"AT+CGSN" in octets_of(served)
    assert b"AT+CGSN" in octets_of(phone)
    # The KEYSET that the phone trusts comes first: it names the owners of all signatures.
    assert b"KEYSET trusted from manufacture" in octets_of(phone)


def test_every_frame_of_an_attack_and_its_verdict_are_in_the_capture(tmp_path: Path) -> None:
    capture = tmp_path / "attack.pcapng"
    words = ("attack", "run", "--attack", "SIG-001", "--no-twins", "--trace", capture)
    done = firmware_sim(*words)
    assert done.status == 0, done.stderr
    told = octets_of(capture)
    assert b"SIG-001: attacker (hostile)" in told
    assert b"verdict: rejected" in told


def test_the_lab_writes_all_its_phones_into_one_capture(tmp_path: Path) -> None:
    capture = tmp_path / "lab.pcapng"
    words = ("lab", "--listen", "127.0.0.1:0", "--phones", "2", "--trace", capture)
    with started(*words) as lab:
        place = line_with(lab.stdout, "listening on").split("http://")[1].rstrip("/")
        host, port = place.split(":")
        for name in ("phone-1", "phone-2"):
            with socket.create_connection((host, int(port)), 30) as line:
                head = f"PUT /api/phones/{name}/power HTTP/1.1\r\nHost: {place}\r\n"
                head += (
                    "Content-Type: text/plain\r\nContent-Length: 1\r\nConnection: close\r\n\r\n1"
                )
                line.sendall(head.encode())
                heard = b"".join(iter(lambda line=line: line.recv(4096), b""))
            assert heard.startswith(b"HTTP/1.1 200"), heard
    told = octets_of(capture)
    assert b"phone-1: " in told
    assert b"phone-2: " in told
