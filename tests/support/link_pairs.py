"""Every kind of link, as a joined pair of ends: what the contract test runs over."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from firmware_sim.links import Link, Listener, listen, memory, open_link, wait
from firmware_sim.links.clock import MonotonicClock
from firmware_sim.rig.recorder import RecordingFile, RecordingLink
from tests.support.certificates import make_certificates

Pair = tuple[Link, Link]
Maker = Callable[[Path], contextlib.AbstractContextManager[Pair]]

PATIENCE_S = 10.0


def accepted(listener: Listener) -> Link:
    """The next caller; fails when nobody calls."""
    while True:
        assert wait([listener], PATIENCE_S), "nobody called"
        link = listener.accept()
        if link is not None:
            return link


def read_exactly(link: Link, count: int) -> bytes:
    """Wait for `count` bytes."""
    data = b""
    while len(data) < count:
        assert wait([link], PATIENCE_S), f"only {len(data)} of {count} bytes came"
        data += link.receive()
    assert len(data) == count
    return data


@contextlib.contextmanager
def memory_pair(folder: Path) -> Iterator[Pair]:
    a, b = memory.pair()
    yield a, b
    a.close()
    b.close()


def _called(url: str, call: Callable[[str], str]) -> Maker:
    @contextlib.contextmanager
    def made(folder: Path) -> Iterator[Pair]:
        listener = listen(url.format(folder=folder), part="link")
        near = open_link(call(listener.address), part="link")
        far = accepted(listener)
        listener.close()
        yield near, far
        near.close()
        far.close()

    return made


@contextlib.contextmanager
def tls_pair(folder: Path) -> Iterator[Pair]:
    # A client's handshake blocks until the server answers, so the two need a thread each.
    import threading

    files = make_certificates(folder)
    listener = listen(f"tls://127.0.0.1:0?cert={files.cert}&key={files.key}", part="link")
    near: list[Link] = []
    caller = threading.Thread(
        target=lambda: near.append(
            open_link(f"{listener.address}?ca={files.ca}&name=localhost", part="link")
        )
    )
    caller.start()
    far = accepted(listener)
    while caller.is_alive():
        wait([far], 0.05)
        far.receive()
    caller.join()
    listener.close()
    yield near[0], far
    near[0].close()
    far.close()


@contextlib.contextmanager
def wrapped_pair(folder: Path) -> Iterator[Pair]:
    """A recorded link over one without a descriptor: the bell must reach through."""
    near, far = memory.pair()
    with (folder / "kept.jsonl").open("w", encoding="utf-8") as out:
        file = RecordingFile(out, None)
        yield RecordingLink(near, file, MonotonicClock()), far
        near.close()
        far.close()


PAIRS: dict[str, Maker] = {
    "memory": memory_pair,
    "memory, recorded": wrapped_pair,
    "pty": _called("pty:{folder}/line", lambda address: address),
    "pyserial device": _called("pty:{folder}/line", lambda address: address[len("pty:") :]),
    "pyserial socket": _called(
        "tcp://127.0.0.1:0", lambda address: address.replace("tcp://", "socket://")
    ),
    "tcp": _called("tcp://127.0.0.1:0", lambda address: address),
    "tls": tls_pair,
    "unix": _called("unix:{folder}/socket", lambda address: address),
}
