"""One timeline of everything that happened, as a capture file that Wireshark reads.

Every event becomes a packet of the interface of its part, with the event's text as comment.
Activation messages keep their octets, the AT dialogue its lines; what else happened (states,
refusals, pages, commits) is written as lines `name: value`. protocol/wireshark/odap.lua decodes
all three.

Source: pcapng, draft-ietf-opsawg-pcapng, 4.1 to 4.3; the exported PDUs of Wireshark
(LINKTYPE_WIRESHARK_UPPER_PDU, wsutil/exported_pdu_tlvs.h).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from firmware_sim.errors import SimError
from firmware_sim.events import Event

LINKTYPE_UPPER_PDU = 252
PARTS = ("modem", "handset", "server", "flash", "screen", "link", "trust")
"""One interface each; `trust` carries the keysets that phones were given at manufacture."""

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_BYTE_ORDER = 0x1A2B3C4D
_END, _COMMENT, _NAME, _FLAGS, _RESOLUTION, _USER_PROGRAM = 0, 1, 2, 2, 9, 4
_DISSECTOR_NAME = 12
"""EXP_PDU_TAG_DISSECTOR_NAME."""
_INBOUND, _OUTBOUND = 1, 2
_MILLISECONDS = b"\x03"
MAX_COMMENT = 1000


class TraceWriter:
    """Writes events to a capture file, each as it comes; a context manager.

    `epoch_s`: seconds since 1970 that monotonic millisecond 0 stands for. `keysets`: whole
    KEYSET messages, so that signatures have named owners.
    """

    def __init__(self, path: Path | str, epoch_s: int = 0, keysets: Iterable[bytes] = ()) -> None:
        """Raises:
        SimError: part "trace"; the file cannot be written.
        """
        self._path = str(path)
        self._epoch_ms = epoch_s * 1000
        try:
            # Unbuffered: a run that is killed leaves a capture that can be read.
            self._file: BinaryIO = open(path, "wb", buffering=0)  # noqa: SIM115 (see `close`)
        except OSError as error:
            raise self._trouble(error) from error
        try:
            self._write(_section() + b"".join(map(_interface, PARTS)))
        except SimError:
            self._file.close()
            raise
        for message in keysets:
            self.event(Event(0, "trust", "message", "KEYSET trusted from manufacture", raw=message))

    def event(self, event: Event) -> None:
        """Write one event.

        Raises:
            SimError: part "trace"; the file cannot be written.
        """
        part = event.part if event.part in PARTS else "link"
        self._write(
            _packet(
                PARTS.index(part),
                max(0, self._epoch_ms + event.at),
                payload(event),
                event.text,
                event.sent,
            )
        )

    def close(self) -> None:
        """Everything that was written is in the file."""
        try:
            self._file.close()
        except OSError as error:
            raise self._trouble(error) from error

    def _write(self, block: bytes) -> None:
        rest = memoryview(block)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._trouble(error) from error

    def _trouble(self, error: OSError) -> SimError:
        return SimError("trace", f"{self._path}: {error.strerror}")

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def payload(event: Event) -> bytes:
    """The packet of an event: the name of the dissector, then its octets."""
    if event.kind == "message" and event.raw:
        return _exported("odap", event.raw)
    if event.kind == "at" and event.raw:
        return _exported("fsim_at", event.raw)
    rows = {"part": event.part, "kind": event.kind, "text": event.text, **_plain(event.detail)}
    lines = "".join(f"{name}: {_one_line(value)}\n" for name, value in rows.items())
    return _exported("fsim_event", lines.encode("utf-8", "replace"))


def _plain(detail: Mapping[str, object]) -> dict[str, object]:
    taken = {"part", "kind", "text"}
    return {f"detail_{name}" if name in taken else name: value for name, value in detail.items()}


def _one_line(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")


def _exported(dissector: str, octets: bytes) -> bytes:
    # The tags of an exported PDU are big-endian whatever the file's byte order is.
    name = dissector.encode("ascii")
    name += bytes(-len(name) % 4)
    return struct.pack(">HH", _DISSECTOR_NAME, len(name)) + name + bytes(4) + octets


def _section() -> bytes:
    body = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1)
    return _block(_SECTION, body + _option(_USER_PROGRAM, b"firmware-sim") + _option(_END))


def _interface(name: str) -> bytes:
    body = struct.pack("<HHI", LINKTYPE_UPPER_PDU, 0, 0)
    options = _option(_NAME, name.encode("ascii")) + _option(_RESOLUTION, _MILLISECONDS)
    return _block(_INTERFACE, body + options + _option(_END))


def _packet(interface: int, at_ms: int, octets: bytes, comment: str, sent: bool | None) -> bytes:
    head = struct.pack("<IIIII", interface, at_ms >> 32, at_ms & 0xFFFF_FFFF, *[len(octets)] * 2)
    body = head + octets + bytes(-len(octets) % 4)
    if sent is not None:
        body += _option(_FLAGS, struct.pack("<I", _OUTBOUND if sent else _INBOUND))
    if comment:
        body += _option(_COMMENT, comment[:MAX_COMMENT].encode("utf-8", "replace"))
    return _block(_PACKET, body + _option(_END))


def _option(code: int, value: bytes = b"") -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def _block(kind: int, body: bytes) -> bytes:
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size
