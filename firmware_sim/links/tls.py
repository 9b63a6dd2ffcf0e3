"""TLS with one given authority: no system trust, the server's name is checked (RFC 6125)."""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path

from firmware_sim.links.link import LinkError
from firmware_sim.links.queued import READ_SIZE, QueuedLink, cause
from firmware_sim.links.tcp import SocketListener

HANDSHAKE_S = 10.0
"""A caller that does not finish its handshake in this time is dropped."""


class TlsLink(QueuedLink):
    """A TLS connection; on the listening side the handshake goes on inside `receive`."""

    def __init__(self, name: str, part: str, connected: ssl.SSLSocket, *, shaken: bool) -> None:
        super().__init__(name, part)
        self._socket = connected
        self._shaken = shaken
        self._until = time.monotonic() + HANDSHAKE_S
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ready(self) -> bool:
        """Bytes that were already decrypted do not make the descriptor readable."""
        return super().ready() or (self._shaken and self._socket.pending() > 0)

    def fileno(self) -> int | None:
        """The socket's descriptor; None once closed."""
        return None if self._closed else self._socket.fileno()

    def _shake(self) -> bool:
        if self._shaken:
            return True
        if time.monotonic() > self._until:
            raise OSError(f"no TLS handshake within {HANDSHAKE_S:g} s")
        try:
            self._socket.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except ssl.SSLError as failure:
            raise OSError(f"TLS handshake failed: {tls_cause(failure)}") from None
        self._shaken = True
        return True

    def _write(self, data: bytes) -> int:
        try:
            return self._socket.send(data) if self._shake() else 0
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        except ssl.SSLError as failure:
            raise OSError(tls_cause(failure)) from None

    def _read(self) -> bytes | None:
        try:
            return self._socket.recv(READ_SIZE) if self._shake() else None
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except ssl.SSLError as failure:
            raise OSError(tls_cause(failure)) from None

    def _release(self) -> None:
        try:
            if self._shaken:
                self._socket.unwrap()  # close_notify; the other side may be gone already
        except (OSError, ValueError):
            pass
        finally:
            self._socket.close()


class TlsListener(SocketListener):
    """A listening socket whose callers speak TLS."""

    def __init__(
        self, listening: socket.socket, address: str, part: str, context: ssl.SSLContext
    ) -> None:
        super().__init__(listening, address, part)
        self._context = context

    def _wrap(self, connected: socket.socket) -> QueuedLink:
        connected.setblocking(False)
        wrapped = self._context.wrap_socket(
            connected, server_side=True, do_handshake_on_connect=False
        )
        return TlsLink(self._address, self._part, wrapped, shaken=False)


def client(
    connected: socket.socket, *, ca: str, server_name: str, name: str, part: str, timeout_s: float
) -> TlsLink:
    """Shake hands as a client that trusts only `ca`. Raises: LinkError, one clear line."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        _load_authority(context, ca, part)
        connected.settimeout(timeout_s)
        wrapped = context.wrap_socket(connected, server_hostname=server_name)
    except ssl.SSLCertVerificationError as failure:
        connected.close()
        reason = failure.verify_message.rstrip(".")
        raise LinkError(part, f"{name}: the certificate is refused: {reason}") from None
    except ssl.SSLError as failure:
        connected.close()
        raise LinkError(part, f"{name}: TLS handshake failed: {tls_cause(failure)}") from None
    except TimeoutError:
        connected.close()
        raise LinkError(
            part, f"{name}: no answer to the TLS handshake within {timeout_s:g} s"
        ) from None
    except OSError as failure:
        connected.close()
        raise LinkError(part, f"{name}: TLS handshake failed: {cause(failure)}") from None
    except LinkError:
        connected.close()
        raise
    return TlsLink(name, part, wrapped, shaken=True)


def server_context(cert: str, key: str, part: str) -> ssl.SSLContext:
    """What a listener shows: a PEM chain and its key. Raises: LinkError."""
    for path in (cert, key):
        if not Path(path).is_file():
            raise LinkError(part, f"TLS: no such file: {path}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.num_tickets = 0  # nobody resumes; a ticket would wake the caller with no bytes
    try:
        context.load_cert_chain(cert, key)
    except (ssl.SSLError, OSError) as failure:
        why = tls_cause(failure) if isinstance(failure, ssl.SSLError) else cause(failure)
        raise LinkError(part, f"TLS: cannot use {cert} with {key}: {why}") from None
    return context


def _load_authority(context: ssl.SSLContext, ca: str, part: str) -> None:
    try:
        context.load_verify_locations(cafile=ca)
    except FileNotFoundError:
        raise LinkError(part, f"TLS: no such file: {ca}") from None
    except (ssl.SSLError, OSError) as failure:
        why = tls_cause(failure) if isinstance(failure, ssl.SSLError) else cause(failure)
        raise LinkError(part, f"TLS: {ca} holds no usable certificate: {why}") from None


def tls_cause(failure: ssl.SSLError) -> str:
    """OpenSSL's reason in words."""
    reason = failure.reason or failure.strerror or str(failure)
    return str(reason).replace("_", " ").lower()
