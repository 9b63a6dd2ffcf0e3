"""Message boundaries on a byte stream: a length before each (TCP, TLS), or flags (serial).

Both framers keep at most one message and its deadline. A framer is told bytes and the
instant, and answers with whole messages and refusals; the deadline of a frame is absolute,
so a peer that sends one octet now and then cannot hold it open.

Source: SPEC.md, "Framing"; RFC 1662, 4.2 and 4.3 (octet stuffing), appendix C.3 (FCS-32).
"""

from __future__ import annotations

import zlib
from typing import Protocol

from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.numbers import FRAME_DEADLINE_MS, HEADER_SIZE, MAX_MESSAGE
from firmware_sim_protocol.rules import SOUND, Guard, Rule

FLAG, ESCAPE, MASK = 0x7E, 0x7D, 0x20
XON, XOFF = 0x11, 0x13
FCS_SIZE = 4


class Framing(Protocol):
    """What the machines need of a framing; `now` is monotonic milliseconds."""

    fatal: bool
    """Whether a refusal ends the stream (TCP), or the next frame may be good (serial)."""

    def wrap(self, message: bytes) -> bytes: ...

    def feed(self, data: bytes, now: int) -> list[bytes | Refusal]: ...

    def expire(self, now: int) -> Refusal | None:
        """The refusal of a frame that is older than its deadline; it is dropped."""
        ...

    def wake_at(self) -> int | None:
        """When the frame that has begun must be whole; None when none has begun."""
        ...

    def reset(self) -> None: ...


class TcpFraming:
    """u16 length, then the message. The length is judged before anything is stored.

    After a refusal nobody knows where the next message begins: the stream is over, and every
    further octet is dropped until `reset` (a new connection).
    """

    fatal = True

    def __init__(self, guard: Guard = SOUND) -> None:
        self._guard = guard
        self._buffer = bytearray()
        self._deadline: int | None = None
        self._shut = False

    def wrap(self, message: bytes) -> bytes:
        return len(message).to_bytes(2) + message

    def feed(self, data: bytes, now: int) -> list[bytes | Refusal]:
        late = self.expire(now)
        found: list[bytes | Refusal] = [late] if late else []
        if self._shut:
            return found
        self._buffer += data
        while self._buffer:
            if self._deadline is None or not self._guard.enforces(Rule.FRAME_DEADLINE):
                self._deadline = now + FRAME_DEADLINE_MS
            if len(self._buffer) < 2:
                break
            length = self._buffer[0] << 8 | self._buffer[1]
            if not HEADER_SIZE <= length <= MAX_MESSAGE:
                try:
                    self._guard.require(Rule.FRAME_LENGTH, False, f"length {length}")
                except Refusal as refusal:
                    self._shut_down()
                    found.append(refusal)
                    break
            if len(self._buffer) < 2 + length:
                break
            found.append(bytes(self._buffer[2 : 2 + length]))
            del self._buffer[: 2 + length]
            self._deadline = None
        return found

    def expire(self, now: int) -> Refusal | None:
        if self._deadline is None or now < self._deadline:
            return None
        have = len(self._buffer)
        self._shut_down()
        return Refusal(Rule.FRAME_DEADLINE, f"{have} octets of an unfinished frame")

    def wake_at(self) -> int | None:
        return self._deadline

    def reset(self) -> None:
        self._buffer.clear()
        self._deadline = None
        self._shut = False

    def _shut_down(self) -> None:
        self.reset()
        self._shut = True


class SerialFraming:
    """RFC 1662 octet stuffing with FCS-32; XON and XOFF are escaped as well.

    The limit counts unstuffed octets. Noise between frames, an aborted frame and a bad FCS
    cost that frame only: the next flag begins anew.
    """

    fatal = False

    def __init__(self, guard: Guard = SOUND) -> None:
        self._guard = guard
        self._frame = bytearray()
        self._escaped = False
        self._skipping = False
        self._deadline: int | None = None

    def wrap(self, message: bytes) -> bytes:
        octets = message + zlib.crc32(message).to_bytes(FCS_SIZE, "little")
        out = bytearray((FLAG,))
        for octet in octets:
            if octet in (FLAG, ESCAPE, XON, XOFF):
                out += bytes((ESCAPE, octet ^ MASK))
            else:
                out.append(octet)
        out.append(FLAG)
        return bytes(out)

    def feed(self, data: bytes, now: int) -> list[bytes | Refusal]:
        late = self.expire(now)
        found: list[bytes | Refusal] = [late] if late else []
        for octet in data:
            if octet == FLAG:
                self._close(found)
                continue
            if self._skipping or octet in (XON, XOFF):
                continue  # XON and XOFF that are not escaped are the line's, not ours
            if self._deadline is None or not self._guard.enforces(Rule.FRAME_DEADLINE):
                self._deadline = now + FRAME_DEADLINE_MS
            if self._escaped:
                self._escaped = False
                needed = octet ^ MASK in (FLAG, ESCAPE, XON, XOFF)
                if not needed and self._refuse(found, Rule.FRAME_ESCAPE, f"7D {octet:02X}"):
                    continue
                octet ^= MASK
            elif octet == ESCAPE:
                self._escaped = True
                continue
            self._frame.append(octet)
            if len(self._frame) > MAX_MESSAGE + FCS_SIZE:
                self._refuse(found, Rule.FRAME_LENGTH, f"more than {MAX_MESSAGE} octets")
        return found

    def _refuse(self, found: list[bytes | Refusal], rule: Rule, detail: str) -> bool:
        # Until the next flag nothing is stored: an endless frame costs no memory.
        try:
            self._guard.require(rule, False, detail)
        except Refusal as refusal:
            found.append(refusal)
            self.reset()
            self._skipping = True
            return True
        return False

    def _close(self, found: list[bytes | Refusal]) -> None:
        frame, escaped = bytes(self._frame), self._escaped
        skipping = self._skipping
        self.reset()
        if skipping or (not frame and not escaped):
            return
        try:
            self._guard.require(Rule.FRAME_ESCAPE, not escaped, "7D 7E aborts the frame")
            message, fcs = frame[:-FCS_SIZE], frame[-FCS_SIZE:]
            long_enough = len(message) >= HEADER_SIZE
            self._guard.require(Rule.FRAME_LENGTH, long_enough, f"{len(frame)} octets")
            good = zlib.crc32(message) == int.from_bytes(fcs, "little")
            self._guard.require(Rule.FRAME_FCS, good, f"FCS {fcs.hex()}")
        except Refusal as refusal:
            found.append(refusal)
        else:
            found.append(message)

    def expire(self, now: int) -> Refusal | None:
        if self._deadline is None or now < self._deadline:
            return None
        have = len(self._frame)
        self.reset()
        self._skipping = True
        return Refusal(Rule.FRAME_DEADLINE, f"{have} octets of an unfinished frame")

    def wake_at(self) -> int | None:
        return self._deadline

    def reset(self) -> None:
        self._frame.clear()
        self._escaped = False
        self._skipping = False
        self._deadline = None
