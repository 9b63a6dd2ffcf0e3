"""A link that writes down what passes, line by line, with times; identities may be masked."""

from __future__ import annotations

from typing import TextIO

from firmware_sim.errors import SimError
from firmware_sim.links import Link
from firmware_sim.links.clock import Clock
from firmware_sim.links.wrapping import WrappedLink
from firmware_sim.modem.masking import Masking, hide_secrets
from firmware_sim.modem.recording import Passed, header, line_of


class RecordingFile:
    """The file of a recording. Lines are put together first, so that masking sees whole numbers;
    each is stamped with the instant of its last byte."""

    def __init__(self, out: TextIO, masking: Masking | None, note: str = "") -> None:
        self._out = out
        self._masking = masking
        self._pending = {True: bytearray(), False: bytearray()}
        self._start: int | None = None
        out.write(header(note) + "\n")

    def passed(self, data: bytes, sent: bool, now: int) -> None:
        """Bytes passed; `sent`: by the program."""
        if self._start is None:
            self._start = now
        pending = self._pending[sent]
        pending += data
        end = max(pending.rfind(b"\r"), pending.rfind(b"\n"), pending.rfind(b"> ") + 1)
        if end < 0 or (end == 0 and bytes(pending) not in (b"\r", b"\n")):
            return
        whole, rest = bytes(pending[: end + 1]), bytes(pending[end + 1 :])
        self._pending[sent] = bytearray(rest)
        self._write(whole, sent, now)

    def close(self, now: int) -> None:
        """Write what never ended."""
        for sent, pending in self._pending.items():
            if pending:
                self._write(bytes(pending), sent, now)
        self._out.close()

    def _write(self, data: bytes, sent: bool, now: int) -> None:
        if self._masking is not None:
            data = self._masking.line(data)
        at = now - (self._start or 0)
        try:
            self._out.write(line_of(Passed(at, sent, hide_secrets(data))) + "\n")
        except OSError as failure:
            raise SimError("modem", f"cannot record: {(failure.strerror or '').lower()}") from None


class RecordingLink(WrappedLink):
    """Everything of the inner link, and a copy to the file, which outlives it."""

    def __init__(self, inner: Link, file: RecordingFile, clock: Clock) -> None:
        super().__init__(inner)
        self._file = file
        self._clock = clock

    def send(self, data: bytes) -> None:
        """Send and write down. Raises: LinkClosed, LinkError."""
        self._file.passed(data, True, self._clock.now())
        self._inner.send(data)

    def receive(self) -> bytes:
        """Receive and write down. Raises: LinkClosed."""
        data = self._inner.receive()
        if data:
            self._file.passed(data, False, self._clock.now())
        return data
