"""A link over something that takes and gives bytes without blocking: the outbox and the end."""

from __future__ import annotations

import errno
import os
import select
import time

from firmware_sim.links.link import LinkClosed, LinkError

OUTBOX_LIMIT = 1 << 20
"""Bytes kept for a peer that does not read; a dialogue of ours never has a hundredth of this."""

READ_SIZE = 65536
LAST_WORDS_S = 0.25
"""How long `close` waits for the outbox to leave."""

# What the kernel says when the other end is gone: a reset or closed socket, a pty whose other
# side was closed (EIO), a USB serial device that was pulled (ENODEV, ENXIO, EIO).
GONE = frozenset(
    (
        errno.ECONNRESET,
        errno.EPIPE,
        errno.EIO,
        errno.ENODEV,
        errno.ENXIO,
        errno.EBADF,
        errno.ENOTCONN,
        errno.ETIMEDOUT,
        errno.ECONNABORTED,
    )
)


class QueuedLink:
    """Base of the links that stand on a file descriptor.

    A subclass gives `_write` (bytes taken, 0 when it would block), `_read` (None when it
    would block, b"" at the end) and `_release`. All three may raise OSError.
    """

    def __init__(self, name: str, part: str) -> None:
        self._name = name
        self._part = part
        self._outbox = bytearray()
        self._ended: str | None = None  # nothing more will be read
        self._broken: str | None = None  # nothing more can be written
        self._closed = False

    @property
    def name(self) -> str:
        """The URL or path it was opened with."""
        return self._name

    @property
    def waiting(self) -> bool:
        """True while bytes wait in the outbox for the carrier to take them."""
        return bool(self._outbox) and self._broken is None

    def ready(self) -> bool:
        """True when `receive` has something to say that the descriptor does not show."""
        return self._closed or self._ended is not None

    def send(self, data: bytes) -> None:
        """Send, or keep for later. Raises: LinkClosed, LinkError (the outbox is full)."""
        self._must_be_open()
        if self._broken is not None:
            raise LinkClosed(self._part, f"{self._name}: {self._broken}")
        if len(self._outbox) + len(data) > OUTBOX_LIMIT:
            raise LinkError(
                self._part, f"{self._name}: the other side does not read what it is sent"
            )
        self._outbox += data
        self.flush()
        if self._broken is not None:
            raise LinkClosed(self._part, f"{self._name}: {self._broken}")

    def flush(self) -> None:
        """Give the carrier what it takes now; a broken carrier is remembered, not raised."""
        while self._outbox and self._broken is None and not self._closed:
            try:
                taken = self._write(bytes(self._outbox[:READ_SIZE]))
            except OSError as failure:
                self._broken = cause(failure)
                self._outbox.clear()
                return
            if taken == 0:
                return
            del self._outbox[:taken]

    def receive(self) -> bytes:
        """Bytes that have arrived, or b"". Raises: LinkClosed."""
        self._must_be_open()
        self.flush()
        if self._ended is None:
            try:
                data = self._read()
            except OSError as failure:
                self._ended = cause(failure)
            else:
                if data is None:
                    return b""
                if data:
                    return data
                self._ended = "the other side closed"
        # TCP would still take bytes, and lose them: we have no use for a half-closed link.
        self._broken = self._broken or self._ended
        raise LinkClosed(self._part, f"{self._name}: {self._ended}")

    def close(self) -> None:
        """Let go of it, after a short chance for the outbox to leave."""
        if self._closed:
            return
        until = time.monotonic() + LAST_WORDS_S
        self.flush()
        descriptor = self.fileno()
        while self.waiting and descriptor is not None:
            left = until - time.monotonic()
            if left <= 0:
                break
            poller = select.poll()  # select() would fail for descriptors above 1023
            poller.register(descriptor, select.POLLOUT)
            poller.poll(left * 1000)
            self.flush()
        self._closed = True
        self._release()

    def fileno(self) -> int | None:
        """The descriptor that becomes readable."""
        raise NotImplementedError

    def _must_be_open(self) -> None:
        if self._closed:
            raise LinkClosed(self._part, f"{self._name}: closed")

    def _write(self, data: bytes) -> int:
        raise NotImplementedError

    def _read(self) -> bytes | None:
        raise NotImplementedError

    def _release(self) -> None:
        raise NotImplementedError


class DescriptorLink(QueuedLink):
    """A link on a bare descriptor that is already non-blocking (a pty, a serial device)."""

    def __init__(self, name: str, part: str, descriptor: int) -> None:
        super().__init__(name, part)
        self._descriptor = descriptor

    def fileno(self) -> int | None:
        """The descriptor that becomes readable; None once closed."""
        return None if self._closed else self._descriptor

    def _write(self, data: bytes) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0

    def _read(self) -> bytes | None:
        try:
            return os.read(self._descriptor, READ_SIZE)
        except BlockingIOError:
            return None

    def _release(self) -> None:
        os.close(self._descriptor)


def cause(failure: OSError) -> str:
    """One phrase for what the system said."""
    if failure.errno == errno.ECONNRESET:
        return "the other side reset the connection"
    if failure.errno in GONE:
        return f"the other side is gone ({os.strerror(failure.errno or 0).lower()})"
    return (failure.strerror or str(failure)).lower()
