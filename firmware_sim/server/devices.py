"""The machine that the server keeps for each device, as a table of legal moves.

A device is its device key. It is CHALLENGED for 60 s, then DECIDED while its answer is kept
for 10 minutes, and CONFIRMED once it says that the answer is committed. A move that the table
lacks is refused; nothing a device sends can put its record into another state.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from firmware_sim_protocol.numbers import Algorithm, Decision, TicketScope

CHALLENGE_LIFE_S = 60
CHALLENGE_REPEAT_S = 30
"""A younger challenge is repeated, not replaced: a lost answer, or somebody who asks in a
device's name, does not spoil the exchange that the device is in."""
ANSWER_LIFE_S = 600
ANSWERS_KEPT = 32
"""Answers remembered for each device after their octets are dropped, to know a nonce again."""


NO_SCOPE = TicketScope(0)


class DeviceState(enum.Enum):
    """Where the dialogue with one device stands."""

    IDLE = "idle"
    """Nothing open: never seen, or what was open has expired."""
    CHALLENGED = "challenged"
    """It has a server nonce, for 60 s."""
    DECIDED = "decided"
    """It was answered; the answer is repeated on request, for 10 minutes."""
    CONFIRMED = "confirmed"
    """It has said that it committed its last answer."""


class DeviceEvent(enum.Enum):
    """What can happen to it."""

    ASKED = "CHALLENGE_REQ"
    REQUESTED = "REQUEST that answers the open challenge"
    REPEATED = "REQUEST that was answered, byte for byte"
    CONFIRMED = "CONFIRM of an answer that was given"
    CHALLENGE_EXPIRED = "60 s since CHALLENGE"
    ANSWER_EXPIRED = "10 min since RESPONSE"


class Step(enum.Enum):
    """What the issuer then does."""

    CHALLENGE = "send CHALLENGE"
    DECIDE = "decide, sign, keep, send RESPONSE"
    REPEAT = "send the kept RESPONSE"
    ACKNOWLEDGE = "send CONFIRM_ACK"
    FORGET = "forget the server nonce"
    DROP = "drop the octets of the answer, keep its hashes"


_S, _E = DeviceState, DeviceEvent
MOVES: Mapping[tuple[DeviceState, DeviceEvent], tuple[DeviceState, Step]] = MappingProxyType(
    {
        (_S.IDLE, _E.ASKED): (_S.CHALLENGED, Step.CHALLENGE),
        (_S.IDLE, _E.REPEATED): (_S.IDLE, Step.REPEAT),
        (_S.IDLE, _E.CONFIRMED): (_S.CONFIRMED, Step.ACKNOWLEDGE),
        (_S.IDLE, _E.ANSWER_EXPIRED): (_S.IDLE, Step.DROP),
        (_S.CHALLENGED, _E.ASKED): (_S.CHALLENGED, Step.CHALLENGE),
        (_S.CHALLENGED, _E.REQUESTED): (_S.DECIDED, Step.DECIDE),
        (_S.CHALLENGED, _E.REPEATED): (_S.CHALLENGED, Step.REPEAT),
        (_S.CHALLENGED, _E.CONFIRMED): (_S.CHALLENGED, Step.ACKNOWLEDGE),
        (_S.CHALLENGED, _E.CHALLENGE_EXPIRED): (_S.IDLE, Step.FORGET),
        (_S.CHALLENGED, _E.ANSWER_EXPIRED): (_S.CHALLENGED, Step.DROP),
        (_S.DECIDED, _E.ASKED): (_S.CHALLENGED, Step.CHALLENGE),
        (_S.DECIDED, _E.REPEATED): (_S.DECIDED, Step.REPEAT),
        (_S.DECIDED, _E.CONFIRMED): (_S.CONFIRMED, Step.ACKNOWLEDGE),
        (_S.DECIDED, _E.ANSWER_EXPIRED): (_S.IDLE, Step.DROP),
        (_S.CONFIRMED, _E.ASKED): (_S.CHALLENGED, Step.CHALLENGE),
        (_S.CONFIRMED, _E.REPEATED): (_S.CONFIRMED, Step.REPEAT),
        (_S.CONFIRMED, _E.CONFIRMED): (_S.CONFIRMED, Step.ACKNOWLEDGE),
        (_S.CONFIRMED, _E.ANSWER_EXPIRED): (_S.CONFIRMED, Step.DROP),
    }
)
"""(state, event) -> (next state, step). What is missing is no legal move."""


class IllegalMove(Exception):
    """The table has no such move; the issuer turns it into a refusal."""


def move(state: DeviceState, event: DeviceEvent) -> tuple[DeviceState, Step]:
    """One move of the table.

    Raises:
        IllegalMove: the table lacks it.
    """
    found = MOVES.get((state, event))
    if found is None:
        raise IllegalMove(f"{event.value} in state {state.value}")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One REQUEST that was answered. `response` is b"" once its 10 minutes are over."""

    request_hash: bytes
    device_nonce: bytes
    response_hash: bytes
    response: bytes
    decision: Decision
    issued_at: int
    policy_version: int
    confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What the server remembers of one device key."""

    key_id: bytes = b""
    algorithm: Algorithm = Algorithm.ESP256
    public_key: bytes = b""
    imei: str = ""
    imei2: str | None = None
    state: DeviceState = DeviceState.IDLE
    server_nonce: bytes = b""
    challenged_at: int = 0
    first_seen_s: int = 0
    activated_s: int | None = None
    """When it was first told ACTIVATE."""
    notice_since_s: int | None = None
    """When the grace of a forbidden device began."""
    locked: bool = False
    """Whether the last answer locked it: a grace is given once."""
    issued_floor: int = 0
    """The latest issued_at that it was sent: the next is never lower."""
    policy_floor: tuple[int, int] = (0, 0)
    """The latest (epoch, version) that it was answered from."""
    released: TicketScope = NO_SCOPE
    """Locks that an unlock ticket opened: the policy does not close them again."""
    answers: tuple[Answer, ...] = ()
    """Latest last, at most ANSWERS_KEPT."""

    def answer_to(self, request_hash: bytes) -> Answer | None:
        """The answer to exactly this request."""
        return next((row for row in self.answers if row.request_hash == request_hash), None)

    def answer_with_nonce(self, device_nonce: bytes) -> Answer | None:
        """The answer to a request with this nonce."""
        return next((row for row in self.answers if row.device_nonce == device_nonce), None)

    def answer_confirmed_by(self, response_hash: bytes) -> Answer | None:
        """The answer with this hash."""
        return next((row for row in self.answers if row.response_hash == response_hash), None)

    def expired(self, now_s: int) -> Device:
        """The record after everything that `now_s` has made too old; itself if nothing has."""
        device = self
        waits = now_s - device.challenged_at
        if device.state is DeviceState.CHALLENGED and waits >= CHALLENGE_LIFE_S:
            state, _ = move(device.state, DeviceEvent.CHALLENGE_EXPIRED)
            device = replace(device, state=state, server_nonce=b"")
        old = [
            row.response != b"" and now_s - row.issued_at >= ANSWER_LIFE_S for row in device.answers
        ]
        if any(old):
            state = device.state
            if old[-1]:
                state, _ = move(state, DeviceEvent.ANSWER_EXPIRED)
            answers = tuple(
                replace(row, response=b"") if gone else row
                for row, gone in zip(device.answers, old, strict=True)
            )
            device = replace(device, state=state, answers=answers)
        return device


NEW_DEVICE = Device()
