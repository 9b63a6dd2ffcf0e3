"""Every link keeps the promises of links/link.py; the same tests for each kind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_sim.links import Link, LinkClosed, wait
from tests.support.link_pairs import PAIRS, PATIENCE_S, read_exactly

ALL_BYTES = bytes(range(256))


@pytest.fixture(params=sorted(PAIRS))
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Link, Link]]:
    with PAIRS[request.param](tmp_path) as made:
        yield made


def test_bytes_arrive_in_order_in_both_directions(pair: tuple[Link, Link]) -> None:
    near, far = pair
    near.send(b"AT\r")
    near.send(b"ATE0\r")
    far.send(b"\r\nOK\r\n")
    assert read_exactly(far, 8) == b"AT\rATE0\r"
    assert read_exactly(near, 6) == b"\r\nOK\r\n"


def test_every_byte_value_passes_unchanged(pair: tuple[Link, Link]) -> None:
    near, far = pair
    near.send(ALL_BYTES)
    far.send(ALL_BYTES)
    assert read_exactly(far, 256) == ALL_BYTES
    assert read_exactly(near, 256) == ALL_BYTES


def test_nothing_there_is_no_bytes_and_not_an_error(pair: tuple[Link, Link]) -> None:
    near, far = pair
    assert near.receive() == b""
    assert far.receive() == b""
    assert wait([near, far], 0) == []


def test_wait_returns_the_link_that_has_something(pair: tuple[Link, Link]) -> None:
    near, far = pair
    far.send(b"x")
    assert wait([far, near], PATIENCE_S) == [near]
    assert read_exactly(near, 1) == b"x"


def test_wait_is_woken_by_bytes_sent_from_another_thread(pair: tuple[Link, Link]) -> None:
    near, far = pair
    # Late enough that `wait` is already waiting; a wait that nobody wakes lasts its whole time.
    sender = threading.Timer(0.05, lambda: far.send(b"x"))
    sender.start()
    began = time.monotonic()
    assert wait([near], PATIENCE_S) == [near]
    assert time.monotonic() - began < PATIENCE_S / 2
    sender.join()
    assert read_exactly(near, 1) == b"x"


def test_more_than_the_carrier_holds_is_queued_and_arrives_whole(pair: tuple[Link, Link]) -> None:
    near, far = pair
    sent = ALL_BYTES * 256  # 64 KiB: a pty holds 4
    near.send(sent)
    got = bytearray()
    while len(got) < len(sent):
        ready = wait([near, far], PATIENCE_S)
        assert ready, f"stuck at {len(got)} bytes"
        for link in ready:
            got += link.receive()
    assert bytes(got) == sent


def test_a_peer_that_never_reads_does_not_block_and_ends_in_an_error(
    pair: tuple[Link, Link],
) -> None:
    from firmware_sim.links import LinkError

    near, _ = pair

    def flood() -> None:
        for _ in range(600):
            near.send(b"\0" * 16384)

    with pytest.raises(LinkError, match="does not read what it is sent"):
        flood()


def test_what_was_sent_before_a_close_is_read_before_the_end_is_seen(
    pair: tuple[Link, Link], request: pytest.FixtureRequest
) -> None:
    near, far = pair
    near.send(b"last words")
    if "pty" in request.node.callspec.params["pair"] or "device" in request.node.name:
        # The far side of a terminal outlives its users (links/pty.py), so only the near end
        # sees a close, and the kernel discards what waited in a terminal that hung up.
        far.close()
    else:
        near.close()
        assert read_exactly(far, 10) == b"last words"
        near = far
    assert wait([near], PATIENCE_S) == [near]
    with pytest.raises(LinkClosed):
        near.receive()
    with pytest.raises(LinkClosed):
        near.receive()


def test_a_link_closed_by_its_owner_says_so(pair: tuple[Link, Link]) -> None:
    near, _ = pair
    near.close()
    near.close()
    assert near.fileno() is None
    assert wait([near], 0) == [near]
    with pytest.raises(LinkClosed, match="closed"):
        near.receive()
    with pytest.raises(LinkClosed, match="closed"):
        near.send(b"x")


def test_sending_to_a_peer_that_is_gone_raises_and_does_not_pretend(
    pair: tuple[Link, Link],
) -> None:
    near, far = pair
    far.close()
    assert wait([near], PATIENCE_S) == [near]
    with pytest.raises(LinkClosed):
        near.receive()
    with pytest.raises(LinkClosed):
        # TCP takes the first bytes after a close and answers with a reset; a link that has
        # seen the end must not.
        near.send(b"x")


def test_links_of_different_kinds_are_waited_for_together(tmp_path: Path) -> None:
    import contextlib

    with contextlib.ExitStack() as stack:
        pairs = []
        for index, kind in enumerate(sorted(PAIRS)):
            folder = tmp_path / str(index)
            folder.mkdir()
            pairs.append(stack.enter_context(PAIRS[kind](folder)))
        nears = [near for near, _ in pairs]
        assert wait(nears, 0) == []
        for near, far in pairs:
            far.send(b"x")
            assert wait(nears, PATIENCE_S) == [near]
            assert read_exactly(near, 1) == b"x"
