"""Serial ports through pyserial: devices, and its URLs (rfc2217, spy, loop, hwgrep).

What pyserial 3.5 does that a link must not show (each held by a test in tests/links):
- after the peer is gone `in_waiting` raises a bare OSError 5, `dtr` and `rts` a bare OSError 25;
- a second open steals bytes unless `exclusive=True`;
- opening discards what waits in the input;
- with its VMIN of 0 the end of a device reads like "nothing now";
- `rfc2217://` waits for control answers that a server in front of a pty never gives, and
  raises NotImplementedError for a write timeout;
- on `socket://` the first write after a close "succeeds", closing sleeps 0.3 s, and after a
  reset the socket is never closed: that scheme is opened by links/opening.py itself.
"""

from __future__ import annotations

import errno
import queue
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from firmware_sim.errors import UsageError
from firmware_sim.links.link import Link, LinkClosed, LinkError
from firmware_sim.links.queued import READ_SIZE, DescriptorLink, QueuedLink, cause
from firmware_sim.links.settings import SerialSettings

if TYPE_CHECKING:
    import serial

T = TypeVar("T")

WRITE_S = 2.0
READER_TURN_S = 0.1
"""How often the reader thread of a port without a descriptor looks whether it should end."""


def open_serial(url: str, part: str, settings: SerialSettings, timeout_s: float) -> Link:
    """Open a device path or a pyserial URL, exclusively where the system can.

    Raises: LinkError (cannot be opened), UsageError (no such kind of URL).
    """
    import serial

    asked = _with_ignored_control(url)
    try:
        port = serial.serial_for_url(asked, do_not_open=True)
        port.baudrate = settings.baud
        port.rtscts = settings.rtscts
        port.timeout = 0
        if not url.lower().startswith("rfc2217://"):  # which raises NotImplementedError
            port.write_timeout = WRITE_S
        if "://" not in url:
            port.exclusive = True
        port.open()
    except ValueError as failure:
        raise UsageError(part, f"cannot open {url}: {str(failure).lower()}") from None
    except (serial.SerialException, OSError) as failure:
        raise LinkError(part, f"cannot open {url}: {why_not(failure)}") from None
    except ImportError as failure:
        raise LinkError(part, f"cannot open {url}: needs {failure.name}") from None
    if type(port) is serial.Serial and hasattr(port, "fd"):
        return DevicePort(url, part, port)
    if url.lower().startswith("spy://"):
        return SpyPort(url, part, port)
    return ThreadedPort(url, part, port)


class DevicePort(DescriptorLink):
    """A device of the system: pyserial sets it up, bytes go straight to its descriptor."""

    def __init__(self, name: str, part: str, port: serial.Serial) -> None:
        super().__init__(name, part, port.fileno())
        self._port = port
        _tell_nothing_from_the_end(port.fileno())

    def _release(self) -> None:
        _quietly(self._port.close)


class SpyPort(QueuedLink):
    """`spy://`: a device to watch by its descriptor, whose bytes must pass through pyserial."""

    def __init__(self, name: str, part: str, port: serial.Serial) -> None:
        super().__init__(name, part)
        self._port = port
        self._watched = port.fileno()

    def fileno(self) -> int | None:
        """The descriptor that becomes readable; None once closed."""
        return None if self._closed else self._watched

    def _write(self, data: bytes) -> int:
        return _translated(lambda: int(self._port.write(data) or 0)) or 0

    def _read(self) -> bytes | None:
        return _translated(lambda: bytes(self._port.read(READ_SIZE))) or None

    def _release(self) -> None:
        _quietly(self._port.close)
        # pyserial leaves the file open into which it spied.
        output = getattr(getattr(self._port, "formatter", None), "output", sys.stderr)
        if output is not None and output not in (sys.stderr, sys.stdout):
            output.close()


class ThreadedPort:
    """A pyserial port without a descriptor (rfc2217, loop, other systems): a thread reads it."""

    def __init__(self, name: str, part: str, port: serial.Serial) -> None:
        self._name = name
        self._part = part
        self._port = port
        self._arrived: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._bells: list[Callable[[], None]] = []
        self._ended: str | None = None
        self._closed = False
        port.timeout = READER_TURN_S
        self._reader = threading.Thread(target=self._read, name=f"reads {name}", daemon=True)
        self._reader.start()

    @property
    def name(self) -> str:
        """The URL it was opened with."""
        return self._name

    def send(self, data: bytes) -> None:
        """Send within two seconds. Raises: LinkClosed, LinkError (takes no bytes)."""
        if self._closed or self._ended is not None:
            raise LinkClosed(self._part, f"{self._name}: {self._ended or 'closed'}")
        import serial

        try:
            self._port.write(data)
        except serial.SerialTimeoutException:
            raise LinkError(
                self._part, f"{self._name}: the other side does not read what it is sent"
            ) from None
        except OSError as failure:  # SerialException is an OSError
            self._ended = why_not(failure)
            raise LinkClosed(self._part, f"{self._name}: {self._ended}") from None

    def receive(self) -> bytes:
        """Bytes that have arrived, or b"". Raises: LinkClosed."""
        if self._closed:
            raise LinkClosed(self._part, f"{self._name}: closed")
        parts = []
        while not self._arrived.empty():
            parts.append(self._arrived.get())
        if parts:
            return b"".join(parts)
        if self._ended is not None and self._arrived.empty():
            raise LinkClosed(self._part, f"{self._name}: {self._ended}")
        return b""

    def ready(self) -> bool:
        """True when `receive` gives bytes or raises."""
        return self._closed or self._ended is not None or not self._arrived.empty()

    def add_bell(self, bell: Callable[[], None]) -> None:
        """Call `bell` (from the reader's thread) whenever something arrives."""
        self._bells.append(bell)

    def remove_bell(self, bell: Callable[[], None]) -> None:
        """Stop calling `bell`."""
        self._bells.remove(bell)

    def fileno(self) -> int | None:
        """None: `wait` uses a bell."""
        return None

    def close(self) -> None:
        """Close the port and wait for its reader to end."""
        if self._closed:
            return
        self._closed = True
        self._reader.join(timeout=READER_TURN_S * 10)
        inner = getattr(self._port, "_socket", None)
        _quietly(self._port.close)
        if inner is not None:
            inner.close()  # after a reset pyserial does not get that far

    def _read(self) -> None:
        while not self._closed:
            try:
                data = bytes(self._port.read(1))
                if data:
                    data += bytes(self._port.read(min(READ_SIZE, self._port.in_waiting)))
            except (OSError, TypeError, AttributeError) as failure:
                # pyserial takes its own attributes away while another thread closes the port.
                self._ended = (
                    why_not(failure) if isinstance(failure, OSError) else "the other side closed"
                )
            else:
                if not data:
                    continue
                self._arrived.put(data)
            for bell in list(self._bells):
                bell()
            if self._ended is not None:
                return


def _tell_nothing_from_the_end(descriptor: int) -> None:
    """pyserial sets VMIN 0, with which "nothing now" and "hung up" are both a read of 0 bytes."""
    import termios

    settings = termios.tcgetattr(descriptor)
    settings[6][termios.VMIN] = 1
    termios.tcsetattr(descriptor, termios.TCSANOW, settings)


def _with_ignored_control(url: str) -> str:
    """RFC 2217 servers in front of a pty never confirm DTR and RTS; do not wait for them."""
    if not url.lower().startswith("rfc2217://") or "ign_set_control" in url:
        return url
    return url + ("&" if "?" in url else "?") + "ign_set_control"


def _translated(call: Callable[[], T]) -> T | None:
    """Run a pyserial call; whatever it raises becomes an OSError with a cause in words."""
    import serial

    try:
        return call()
    except serial.SerialTimeoutException:
        return None
    except serial.SerialException as failure:
        raise OSError(failure.errno or errno.EIO, why_not(failure)) from None


def _quietly(call: Callable[[], None]) -> None:
    """Closing a port whose device was pulled fails in many ways, and none of them matters."""
    try:
        call()
    except (OSError, TypeError, AttributeError):
        return


def why_not(failure: OSError) -> str:
    """One phrase for pyserial's message, which often holds another exception's text."""
    text = str(failure).lower()
    number = failure.errno
    if number == errno.ENOENT or "no such file" in text:
        return "no such device"
    if number == errno.EACCES or "permission denied" in text:
        return "permission denied (on Debian: join the group dialout)"
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return "another program is using it"
    if "could not configure port" in text or number in (errno.ENOTTY, errno.ENOTDIR, errno.EISDIR):
        return "not a serial device"
    if "connection refused" in text:
        return "connection refused"
    if "does not seem to support rfc2217" in text:
        return "the server there does not speak RFC 2217"
    if "disconnected" in text or "reader thread died" in text or "connection failed" in text:
        return "the other side closed"
    if "timed out" in text or "timeout" in text:
        return "no answer in time"
    return cause(failure) if type(failure) is OSError else text.splitlines()[0]
