"""TLS with a given authority only: whom it refuses, and that it says why in one line."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_sim.errors import UsageError
from firmware_sim.links import LinkClosed, LinkError, Listener, listen, open_link, wait
from tests.support.certificates import Certificates, make_certificates
from tests.support.link_pairs import PATIENCE_S, accepted


@pytest.fixture
def files(tmp_path: Path) -> Certificates:
    return make_certificates(tmp_path, "server.test")


class Answering:
    """A TLS listener whose handshakes a thread carries on, until it is closed."""

    def __init__(self, files: Certificates) -> None:
        self.listener: Listener = listen(
            f"tls://127.0.0.1:0?cert={files.cert}&key={files.key}", part="server"
        )
        self.ended: list[str] = []
        self._stop = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        links = []
        while not self._stop:
            wait([self.listener, *links], 0.02)
            link = self.listener.accept()
            if link is not None:
                links.append(link)
            for one in list(links):
                try:
                    one.receive()
                except LinkClosed as closed:
                    self.ended.append(closed.text)
                    one.close()
                    links.remove(one)
        for one in links:
            one.close()

    def close(self) -> None:
        self._stop = True
        self._thread.join()
        self.listener.close()


@pytest.fixture
def server(files: Certificates) -> Iterator[Answering]:
    answering = Answering(files)
    yield answering
    answering.close()


def test_the_given_authority_and_the_right_name_are_accepted(
    server: Answering, files: Certificates
) -> None:
    link = open_link(f"{server.listener.address}?ca={files.ca}&name=server.test", part="server")
    link.close()
    # The certificate names the address 127.0.0.1 too.
    open_link(f"{server.listener.address}?ca={files.ca}", part="server").close()


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        ("ca={other_ca}&name=server.test", "the certificate is refused: "),
        ("ca={ca}&name=elsewhere.test", "the certificate is refused: Hostname mismatch"),
        ("ca={key}&name=server.test", "holds no usable certificate"),
        ("ca=/nowhere.pem", "TLS: no such file: /nowhere.pem"),
    ],
)
def test_what_is_not_trusted_is_one_clear_line(
    server: Answering, files: Certificates, query: str, cause: str
) -> None:
    paths = {name: getattr(files, name) for name in ("ca", "other_ca", "key")}
    with pytest.raises(LinkError) as caught:
        open_link(f"{server.listener.address}?{query.format(**paths)}", part="server")
    assert cause in caught.value.text
    assert "\n" not in caught.value.text
    assert caught.value.part == "server"


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    files = make_certificates(tmp_path, days=-1)
    server = Answering(files)
    try:
        with pytest.raises(LinkError, match="the certificate is refused: certificate has expired"):
            open_link(f"{server.listener.address}?ca={files.ca}", part="server")
    finally:
        server.close()


def test_without_an_authority_nobody_is_trusted() -> None:
    with pytest.raises(UsageError, match="say whom to trust"):
        open_link("tls://127.0.0.1:1", part="server")


def test_a_server_that_does_not_speak_tls_is_one_clear_line(files: Certificates) -> None:
    listener = listen("tcp://127.0.0.1:0", part="server")
    url = listener.address.replace("tcp:", "tls:")

    def answer() -> None:
        link = accepted(listener)
        link.send(b"220 no TLS here\r\n")
        wait([link], PATIENCE_S)
        link.close()

    thread = threading.Thread(target=answer)
    thread.start()
    with pytest.raises(LinkError, match="TLS handshake failed: "):
        open_link(f"{url}?ca={files.ca}", part="server")
    thread.join()
    listener.close()


def test_a_server_that_is_silent_is_given_up_in_time(files: Certificates) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"tls://127.0.0.1:{silent.getsockname()[1]}?ca={files.ca}"
        with pytest.raises(LinkError, match=r"no answer to the TLS handshake within 0\.2 s"):
            open_link(url, part="server", timeout_s=0.2)


def test_a_caller_that_does_not_speak_tls_does_not_disturb_the_listener(
    server: Answering, files: Certificates
) -> None:
    plain = open_link(server.listener.address.replace("tls:", "tcp:"), part="server")
    plain.send(b"GET / HTTP/1.0\r\n\r\n")
    assert wait([plain], PATIENCE_S) == [plain]
    plain.close()
    open_link(f"{server.listener.address}?ca={files.ca}", part="server").close()


def test_a_listener_without_its_files_says_which(tmp_path: Path, files: Certificates) -> None:
    with pytest.raises(UsageError, match="expected tls://HOST:PORT"):
        listen("tls://127.0.0.1:0", part="server")
    with pytest.raises(LinkError, match="no such file: /nowhere"):
        listen(f"tls://127.0.0.1:0?cert={files.cert}&key=/nowhere", part="server")
    with pytest.raises(LinkError, match="cannot use"):
        listen(f"tls://127.0.0.1:0?cert={files.cert}&key={files.ca}", part="server")
