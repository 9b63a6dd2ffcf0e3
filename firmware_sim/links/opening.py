"""From a URL to a link or a listener: one table of schemes for each."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import SplitResult, parse_qs, urlsplit

from firmware_sim.errors import UsageError
from firmware_sim.links.link import Link, Listener
from firmware_sim.links.settings import DEFAULT_SERIAL, SerialSettings

CONNECT_S = 5.0


def open_link(
    url: str,
    *,
    part: str,
    timeout_s: float = CONNECT_S,
    serial: SerialSettings = DEFAULT_SERIAL,
) -> Link:
    """Call somebody.

    `tcp://HOST:PORT`, `tls://HOST:PORT?ca=FILE[&name=NAME]`, `unix:PATH` (`unix:@NAME` for an
    abstract socket), `pty:PATH` (an existing terminal, raw), `usb:VID:PID[:SERIAL[:INTERFACE]]`
    (whatever port it has today), or anything that pyserial opens: a device path, `COM7`,
    `rfc2217://`, `socket://`, `spy://`, `loop://`, `hwgrep://`.
    `part` names who failed in messages ("modem", "server"); `timeout_s` bounds the connecting.

    Raises: LinkError (cannot be reached), UsageError (the URL makes no sense).
    """
    if _scheme(url) == "usb":
        from firmware_sim.links import ports

        wanted = ports.parse_identity(_path(url, part))
        url = ports.find(wanted, ports.serial_ports()).device
    opener = _OPENERS.get(_scheme(url))
    if opener is not None:
        return opener(url, part, timeout_s)
    from firmware_sim.links.serialport import open_serial

    if not url:
        raise UsageError(part, "an empty URL opens nothing")
    return open_serial(url, part, serial, timeout_s)


def listen(url: str, *, part: str) -> Listener:
    """Let others call.

    `tcp://HOST:PORT` (port 0: the system chooses), `tls://HOST:PORT?cert=FILE&key=FILE`,
    `unix:PATH`, `pty:PATH` (make a pseudo-terminal, with a symbolic link to it at PATH).

    Raises: LinkError (the place is taken), UsageError (the URL makes no sense).
    """
    listener = _LISTENERS.get(_scheme(url))
    if listener is None:
        known = ", ".join(sorted(_LISTENERS))
        raise UsageError(part, f"cannot listen on {url!r} (known: {known})")
    return listener(url, part)


def _scheme(url: str) -> str:
    return url.split(":", 1)[0].lower() if ":" in url else ""


def _split(url: str, part: str) -> tuple[SplitResult, str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as failure:
        raise UsageError(part, f"{url}: {str(failure).lower()}") from None
    if not host or port is None or parts.path not in ("", "/"):
        raise UsageError(part, f"{url}: expected {parts.scheme}://HOST:PORT")
    return parts, host, port


def _query(parts: SplitResult, url: str, part: str, allowed: set[str]) -> dict[str, str]:
    found = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if strange := sorted(set(found) - allowed):
        raise UsageError(part, f"{url}: does not know {', '.join(strange)}")
    return found


def _path(url: str, part: str) -> str:
    path = url.split(":", 1)[1]
    if not path:
        raise UsageError(part, f"{url}: expected a path after the colon")
    return path


def _open_tcp(url: str, part: str, timeout_s: float) -> Link:
    from firmware_sim.links import tcp

    parts, host, port = _split(url, part)
    _query(parts, url, part, set())
    return tcp.SocketLink(url, part, tcp.connect(host, port, url, part, timeout_s))


def _open_socket(url: str, part: str, timeout_s: float) -> Link:
    """pyserial's name for TCP; its own class has traps (links/serialport.py)."""
    from firmware_sim.links import tcp

    parts, host, port = _split(url, part)
    _query(parts, url, part, {"logging"})
    return tcp.SocketLink(url, part, tcp.connect(host, port, url, part, timeout_s))


def _open_tls(url: str, part: str, timeout_s: float) -> Link:
    from firmware_sim.links import tcp, tls

    parts, host, port = _split(url, part)
    query = _query(parts, url, part, {"ca", "name"})
    if "ca" not in query:
        raise UsageError(part, f"{url}: say whom to trust: tls://HOST:PORT?ca=FILE")
    name = url.split("?", 1)[0]
    connected = tcp.connect(host, port, name, part, timeout_s)
    return tls.client(
        connected,
        ca=query["ca"],
        server_name=query.get("name", host),
        name=name,
        part=part,
        timeout_s=timeout_s,
    )


def _open_unix(url: str, part: str, timeout_s: float) -> Link:
    from firmware_sim.links import tcp

    return tcp.SocketLink(url, part, tcp.connect_unix(_path(url, part), url, part, timeout_s))


def _open_pty(url: str, part: str, timeout_s: float) -> Link:
    from firmware_sim.links import pty

    return pty.open_terminal(_path(url, part), url, part)


def _listen_tcp(url: str, part: str) -> Listener:
    from firmware_sim.links import tcp

    parts, host, port = _split(url, part)
    _query(parts, url, part, set())
    made, place = tcp.bind(host, port, url, part)
    return tcp.SocketListener(made, f"tcp://{place}", part)


def _listen_tls(url: str, part: str) -> Listener:
    from firmware_sim.links import tcp, tls

    parts, host, port = _split(url, part)
    query = _query(parts, url, part, {"cert", "key"})
    if set(query) != {"cert", "key"}:
        raise UsageError(part, f"{url}: expected tls://HOST:PORT?cert=FILE&key=FILE")
    context = tls.server_context(query["cert"], query["key"], part)
    made, place = tcp.bind(host, port, url, part)
    return tls.TlsListener(made, f"tls://{place}", part, context)


def _listen_unix(url: str, part: str) -> Listener:
    from firmware_sim.links import tcp

    return tcp.SocketListener(tcp.bind_unix(_path(url, part), url, part), url, part)


def _listen_pty(url: str, part: str) -> Listener:
    from firmware_sim.links import pty

    return pty.PtyListener(_path(url, part), part)


_OPENERS: dict[str, Callable[[str, str, float], Link]] = {
    "pty": _open_pty,
    "socket": _open_socket,
    "tcp": _open_tcp,
    "tls": _open_tls,
    "unix": _open_unix,
}

_LISTENERS: dict[str, Callable[[str, str], Listener]] = {
    "pty": _listen_pty,
    "tcp": _listen_tcp,
    "tls": _listen_tls,
    "unix": _listen_unix,
}
