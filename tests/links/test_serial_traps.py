"""What pyserial 3.5 does that a link must not show; each trap by its name."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import serial

from firmware_sim.errors import UsageError
from firmware_sim.links import LinkClosed, LinkError, SerialSettings, listen, open_link, wait
from firmware_sim.links.serialport import why_not
from tests.support.link_pairs import PATIENCE_S, read_exactly


def line(tmp_path: Path) -> str:
    return f"pty:{tmp_path}/line"


def test_the_trap_is_still_there_in_waiting_raises_a_bare_oserror(tmp_path: Path) -> None:
    """If this ever fails, pyserial was mended and the trap's guard may go."""
    listener = listen(line(tmp_path), part="modem")
    far = listener.accept()
    assert far is not None
    port = serial.Serial(f"{tmp_path}/line", timeout=0)
    far.close()
    with pytest.raises(OSError, match="Input/output error"):
        _ = port.in_waiting
    port.close()
    listener.close()


def test_after_the_peer_is_gone_only_our_error_comes(tmp_path: Path) -> None:
    listener = listen(line(tmp_path), part="modem")
    far = listener.accept()
    assert far is not None
    near = open_link(f"{tmp_path}/line", part="modem")
    far.close()
    assert wait([near], PATIENCE_S) == [near]
    with pytest.raises(LinkClosed):
        near.receive()
    near.close()
    listener.close()


def test_a_second_open_is_refused_and_steals_nothing(tmp_path: Path) -> None:
    listener = listen(line(tmp_path), part="modem")
    far = listener.accept()
    assert far is not None
    for first, second in (
        (f"{tmp_path}/line", line(tmp_path)),
        (line(tmp_path), f"{tmp_path}/line"),
        (line(tmp_path), line(tmp_path)),
    ):
        near = open_link(first, part="modem")
        with pytest.raises(LinkError, match="another program is using it"):
            open_link(second, part="modem")
        far.send(b"whole")
        assert read_exactly(near, 5) == b"whole"
        near.close()
    far.close()
    listener.close()


def test_dtr_and_rts_of_a_pty_do_not_matter(tmp_path: Path) -> None:
    listener = listen(line(tmp_path), part="modem")
    near = open_link(
        f"{tmp_path}/line", part="modem", serial=SerialSettings(baud=9600, rtscts=True)
    )
    far = listener.accept()
    assert far is not None
    near.send(b"AT\r")
    assert read_exactly(far, 3) == b"AT\r"
    near.close()
    far.close()
    listener.close()


def test_pty_urls_keep_what_arrived_before_they_were_opened(tmp_path: Path) -> None:
    listener = listen(line(tmp_path), part="modem")
    far = listener.accept()
    assert far is not None
    far.send(b"\r\nRDY\r\n")
    near = open_link(line(tmp_path), part="modem")
    assert read_exactly(near, 7) == b"\r\nRDY\r\n"
    near.close()
    far.close()
    listener.close()


def test_socket_urls_see_a_close_before_they_write() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = open_link(f"socket://127.0.0.1:{server.getsockname()[1]}", part="modem")
        connected, _ = server.accept()
        connected.close()
        assert wait([near], PATIENCE_S) == [near]
        with pytest.raises(LinkClosed):
            near.receive()
        with pytest.raises(LinkClosed):
            near.send(b"AT\r")
        near.close()


def test_loop_and_spy_urls_carry_bytes(tmp_path: Path) -> None:
    loop = open_link("loop://", part="modem")
    loop.send(b"AT\r")
    assert read_exactly(loop, 3) == b"AT\r"
    loop.close()
    listener = listen(line(tmp_path), part="modem")
    far = listener.accept()
    assert far is not None
    spy = open_link(f"spy://{tmp_path}/line?file={tmp_path}/spied", part="modem")
    spy.send(b"AT\r")
    assert read_exactly(far, 3) == b"AT\r"
    far.send(b"OK")
    assert read_exactly(spy, 2) == b"OK"
    spy.close()
    assert (tmp_path / "spied").stat().st_size > 0
    far.close()
    listener.close()


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("/nowhere/ttyUSB9", "no such device"),
        ("{folder}/plain", "not a serial device"),
        ("{folder}", "not a serial device"),
        ("pty:/nowhere/ttyUSB9", "no such file or directory"),
        ("pty:{folder}/plain", "not a terminal"),
        ("tcp://127.0.0.1:{closed}", "connection refused"),
        ("socket://127.0.0.1:{closed}", "connection refused"),
        ("rfc2217://127.0.0.1:{closed}", "connection refused"),
        ("unix:/nowhere/socket", "no such file or directory"),
        ("usb:ffff:ffff", "no serial port belongs to usb:ffff:ffff"),
    ],
)
def test_what_cannot_be_opened_is_one_clear_line(tmp_path: Path, url: str, cause: str) -> None:
    (tmp_path / "plain").write_text("a file")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        place = unused.getsockname()[1]
        with pytest.raises(LinkError) as caught:
            open_link(url.format(folder=tmp_path, closed=place), part="modem", timeout_s=2)
    assert cause in caught.value.text
    assert "\n" not in caught.value.text
    assert caught.value.part == "modem"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "tcp://",
        "tcp://host",
        "tcp://host:99999",
        "tcp://host:1/path",
        "tls://h:1?x=1&ca=f",
        "unix:",
        "gopher://host",
        "usb:1",
        "usb:zz:zz",
        "tcp://h:1?x=1",
    ],
)
def test_a_url_that_makes_no_sense_is_wrong_usage(url: str) -> None:
    with pytest.raises(UsageError):
        open_link(url, part="modem")


def test_a_device_that_is_not_ours_says_what_to_do() -> None:
    # Root may open everything, so the system's refusal is handed in.
    refused = PermissionError(13, "Permission denied", "/dev/ttyUSB2")
    assert why_not(refused) == "permission denied (on Debian: join the group dialout)"
    wrapped = serial.SerialException("could not open port: [Errno 13] Permission denied")
    assert why_not(wrapped) == "permission denied (on Debian: join the group dialout)"


def test_a_stale_pty_link_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "line").symlink_to("/dev/pts/999999")
    listener = listen(line(tmp_path), part="modem")
    assert os.path.realpath(tmp_path / "line") != "/dev/pts/999999"
    listener.close()
    assert not (tmp_path / "line").is_symlink()
    (tmp_path / "line").write_text("mine")
    with pytest.raises(LinkError, match="a file stands there"):
        listen(line(tmp_path), part="modem")
    assert (tmp_path / "line").read_text() == "mine"


def test_a_dead_unix_socket_is_replaced_and_a_living_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    living = listen(f"unix:{path}", part="modem")
    with pytest.raises(LinkError, match="cannot listen"):
        listen(f"unix:{path}", part="modem")
    living.close()
    assert not path.exists()
