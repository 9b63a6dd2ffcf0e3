"""One connection to the issuer: a framing around it, and limits on what a peer may cost.

A machine with the verbs of all machines. It ends itself (`closing`) when the stream is broken
for good, when nothing useful has arrived for a while, or when a peer sends more messages than
any exchange needs.

Source: SPEC.md, "Framing" (deadlines are absolute; a refusal on TCP ends the stream).
"""

from __future__ import annotations

from firmware_sim.events import Event
from firmware_sim.server.issuer import Issuer
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.framing import Framing
from firmware_sim_protocol.numbers import EXCHANGE_DEADLINE_MS, MessageType

QUIET_MS = 2 * EXCHANGE_DEADLINE_MS
"""How long a connection may stay without a whole message."""
MAX_MESSAGES = 256
"""Messages of one connection; a device needs three for an exchange."""


class Session:
    """Joins one stream of bytes to an issuer.

    `epoch_ms`: the wall clock, milliseconds since 1970, at this session's instant 0, rounded
    down. `lasting`: a serial line, where many devices come one after another and nobody can
    hang up.
    """

    def __init__(
        self,
        issuer: Issuer,
        framing: Framing,
        epoch_ms: int,
        now: int = 0,
        *,
        lasting: bool = False,
    ) -> None:
        self._issuer = issuer
        self._framing = framing
        # Two clocks rounded down may together be 1 ms ahead: a server's clock never is.
        self._epoch_ms = epoch_ms - 1
        self._lasting = lasting
        self._out = bytearray()
        self._messages = 0
        self._heard = now
        self.useful = False
        """Whether the issuer has answered it with anything but an ERROR."""
        self.closing = False
        """Whether the connection is to be closed once `outgoing` is sent."""

    @property
    def heard(self) -> int:
        """The instant of the last whole message."""
        return self._heard

    def set_clock(self, epoch_ms: int) -> None:
        """The wall clock was set: a session that lives for months must not drift from it."""
        self._epoch_ms = epoch_ms - 1

    def receive(self, data: bytes, now: int) -> None:
        """Bytes that arrived.

        Raises:
            SimError: the store failed; the peer gets no answer.
        """
        if self.closing:
            return
        for item in self._framing.feed(data, now):
            if isinstance(item, Refusal):
                self._refuse(item, now)
                continue
            self._heard = now
            self._messages += 1
            if self._messages > MAX_MESSAGES and not self._lasting:
                self.closing = True
                return
            now_s = (self._epoch_ms + now) // 1000
            for reply in self._issuer.answer(item, now_s, now):
                self.useful = self.useful or MessageType(reply[5]) is not MessageType.ERROR
                self._out += self._framing.wrap(reply)

    def _refuse(self, refusal: Refusal, now: int) -> None:
        self._out += self._framing.wrap(self._issuer.refuse(refusal, at=now))
        if self._framing.fatal:
            self.closing = True

    def tick(self, now: int) -> None:
        """Time passed: unfinished frames and silent peers are given up."""
        refusal = self._framing.expire(now)
        if refusal is not None:
            self._refuse(refusal, now)
        if not self._lasting and now - self._heard >= QUIET_MS:
            self.closing = True

    def outgoing(self) -> bytes:
        """Bytes to send now."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def events(self) -> list[Event]:
        """What the issuer noticed, whoever caused it."""
        return self._issuer.events()

    def wake_at(self) -> int | None:
        """When the unfinished frame expires, or the silence has lasted too long."""
        due = self._framing.wake_at()
        if self._lasting:
            return due
        quiet = self._heard + QUIET_MS
        return quiet if due is None else min(due, quiet)
