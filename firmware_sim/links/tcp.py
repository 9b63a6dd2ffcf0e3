"""Stream sockets: TCP and Unix, calling and listening."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

from firmware_sim.links.link import LinkError
from firmware_sim.links.queued import READ_SIZE, QueuedLink, cause


class SocketLink(QueuedLink):
    """A connected stream socket."""

    def __init__(self, name: str, part: str, connected: socket.socket) -> None:
        super().__init__(name, part)
        self._socket = connected
        connected.setblocking(False)
        if connected.family in (socket.AF_INET, socket.AF_INET6):
            # A message of a hundred bytes must not wait for its acknowledgement (RFC 896).
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int | None:
        """The socket's descriptor; None once closed."""
        return None if self._closed else self._socket.fileno()

    def _write(self, data: bytes) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def _read(self) -> bytes | None:
        try:
            return self._socket.recv(READ_SIZE)
        except BlockingIOError:
            return None

    def _release(self) -> None:
        self._socket.close()


class SocketListener:
    """A listening stream socket."""

    def __init__(self, listening: socket.socket, address: str, part: str) -> None:
        self._socket = listening
        self._address = address
        self._part = part
        path = address.removeprefix("unix:")
        self._path = None if path in (address, "") or path.startswith("@") else path
        listening.setblocking(False)

    @property
    def address(self) -> str:
        """The URL that reaches it."""
        return self._address

    def accept(self) -> QueuedLink | None:
        """The next caller, or None. Raises: LinkError."""
        try:
            connected, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
        except OSError as failure:
            raise LinkError(self._part, f"{self._address}: {cause(failure)}") from None
        return self._wrap(connected)

    def fileno(self) -> int | None:
        """The descriptor that becomes readable when somebody calls; None once closed."""
        number = self._socket.fileno()
        return None if number < 0 else number

    def close(self) -> None:
        """Stop listening, and take the socket's file away."""
        if self._socket.fileno() >= 0:
            self._socket.close()
            if self._path is not None:
                Path(self._path).unlink(missing_ok=True)

    def _wrap(self, connected: socket.socket) -> QueuedLink:
        return SocketLink(self._address, self._part, connected)


def connect(host: str, port: int, name: str, part: str, timeout_s: float) -> socket.socket:
    """A connected TCP socket. Raises: LinkError."""
    try:
        return socket.create_connection((host, port), timeout=timeout_s)
    except OSError as failure:
        raise LinkError(part, f"cannot connect to {name}: {_why(failure, timeout_s)}") from None


def connect_unix(path: str, name: str, part: str, timeout_s: float) -> socket.socket:
    """A connected Unix stream socket; `@NAME` is Linux's abstract kind. Raises: LinkError."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(timeout_s)
        made.connect(_unix_address(path))
    except OSError as failure:
        made.close()
        raise LinkError(part, f"cannot connect to {name}: {_why(failure, timeout_s)}") from None
    return made


def bind(host: str, port: int, name: str, part: str) -> tuple[socket.socket, str]:
    """A listening TCP socket and its HOST:PORT. Raises: LinkError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        made = socket.create_server(address[:2], family=family, reuse_port=False)
    except OSError as failure:
        raise LinkError(part, f"cannot listen on {name}: {_why(failure, 0)}") from None
    chosen = made.getsockname()[1]
    return made, f"[{host}]:{chosen}" if ":" in host else f"{host}:{chosen}"


def bind_unix(path: str, name: str, part: str) -> socket.socket:
    """A listening Unix socket; a dead one at the same path is replaced. Raises: LinkError."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if not path.startswith("@"):
            _remove_dead(path)
        made.bind(_unix_address(path))
        made.listen()
    except OSError as failure:
        made.close()
        raise LinkError(part, f"cannot listen on {name}: {_why(failure, 0)}") from None
    return made


def _remove_dead(path: str) -> None:
    """A socket file that nobody answers is left over from a process that was killed."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink(missing_ok=True)


def _unix_address(path: str) -> str:
    return "\0" + path[1:] if path.startswith("@") else path


def _why(failure: OSError, timeout_s: float) -> str:
    if isinstance(failure, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    return cause(failure) if failure.errno else str(failure).lower()
