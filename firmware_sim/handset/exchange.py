"""The exchange: one question to the server and its answer, never stored.

Source: SPEC.md, "The exchange".
"""

from __future__ import annotations

import enum
from collections.abc import Mapping


class ExchangeState(enum.Enum):
    """Where the exchange stands."""

    __hash__ = object.__hash__  # members are compared by identity; Enum's own hash is slow

    IDLE = "nothing is asked, or the link is not open yet"
    WAIT_CHALLENGE = "CHALLENGE_REQ is sent"
    WAIT_RESPONSE = "REQUEST is sent, its nonce is open"
    VERIFY = "an answer is being judged"
    COMMIT = "the record is being written"
    WAIT_ACK = "CONFIRM is sent"
    BACKOFF = "waiting before the next attempt"
    WAIT_TICKET = "an unlock challenge is open"


class ExchangeEvent(enum.Enum):
    """What can happen to an exchange."""

    __hash__ = object.__hash__  # members are compared by identity; Enum's own hash is slow

    OPENED = "the link is open, a new exchange begins"
    RESUMED = "the link is open again, the same REQUEST goes out"
    RECONFIRMED = "the link is open again, the same CONFIRM goes out"
    CHALLENGED = "a CHALLENGE for this exchange"
    ANSWERED = "a RESPONSE or UNLOCK_TICKET has arrived"
    DROPPED = "it failed at or before the signature, the nonce stays open"
    REFUSED = "it failed after the signature, the nonce is burned"
    MOVED = "the phone has changed its place since it asked"
    TICKET_DROPPED = "a ticket failed at or before the signature"
    TICKET_REFUSED = "a ticket failed after the signature, a new challenge is drawn"
    ACCEPTED = "it passed every check"
    COMMITTED = "the new state is durable, CONFIRM is sent"
    COMMITTED_ALONE = "the new state is durable, there is no link to confirm on"
    COMMIT_FAILED = "the flash refused"
    ACKED = "CONFIRM_ACK has arrived"
    LATER = "the answer asks for another question later"
    PUT_OFF = "the server sent ERROR"
    EXHAUSTED = "too many drops"
    EXPIRED = "the deadline of the exchange has passed"
    LOST = "the link is lost, or cannot be opened"
    RETRY = "the back-off is over, or a person asks"
    TICKET_OPENED = "a person wants to enter a ticket"
    TICKET_CLOSED = "a person leaves the entry"
    ABANDONED = "a reset or a new identity makes the question void"


_S, _E = ExchangeState, ExchangeEvent

EXCHANGE_MOVES: Mapping[ExchangeState, Mapping[ExchangeEvent, ExchangeState]] = {
    _S.IDLE: {
        _E.OPENED: _S.WAIT_CHALLENGE,
        _E.RESUMED: _S.WAIT_RESPONSE,
        _E.RECONFIRMED: _S.WAIT_ACK,
        _E.LOST: _S.BACKOFF,
        _E.TICKET_OPENED: _S.WAIT_TICKET,
        _E.ABANDONED: _S.IDLE,
    },
    _S.WAIT_CHALLENGE: {
        _E.CHALLENGED: _S.WAIT_RESPONSE,
        _E.PUT_OFF: _S.BACKOFF,
        _E.EXHAUSTED: _S.BACKOFF,
        _E.EXPIRED: _S.BACKOFF,
        _E.LOST: _S.BACKOFF,
        _E.ABANDONED: _S.IDLE,
    },
    _S.WAIT_RESPONSE: {
        _E.ANSWERED: _S.VERIFY,
        _E.PUT_OFF: _S.BACKOFF,
        _E.EXHAUSTED: _S.BACKOFF,
        _E.EXPIRED: _S.BACKOFF,
        _E.LOST: _S.BACKOFF,
        _E.ABANDONED: _S.IDLE,
    },
    _S.VERIFY: {
        _E.DROPPED: _S.WAIT_RESPONSE,
        _E.EXHAUSTED: _S.BACKOFF,
        _E.REFUSED: _S.BACKOFF,
        _E.MOVED: _S.IDLE,
        _E.TICKET_DROPPED: _S.WAIT_TICKET,
        _E.TICKET_REFUSED: _S.WAIT_TICKET,
        _E.ACCEPTED: _S.COMMIT,
    },
    _S.COMMIT: {
        _E.COMMITTED: _S.WAIT_ACK,
        _E.COMMITTED_ALONE: _S.IDLE,
        _E.COMMIT_FAILED: _S.BACKOFF,
    },
    _S.WAIT_ACK: {
        _E.ACKED: _S.IDLE,
        _E.LATER: _S.BACKOFF,
        _E.EXPIRED: _S.IDLE,
        _E.LOST: _S.BACKOFF,
        _E.ABANDONED: _S.IDLE,
    },
    _S.BACKOFF: {
        _E.RETRY: _S.IDLE,
        _E.TICKET_OPENED: _S.WAIT_TICKET,
        _E.ABANDONED: _S.IDLE,
    },
    _S.WAIT_TICKET: {
        _E.ANSWERED: _S.VERIFY,
        _E.TICKET_CLOSED: _S.IDLE,
        _E.EXHAUSTED: _S.IDLE,
        _E.ABANDONED: _S.IDLE,
    },
}

TALKING = frozenset({_S.WAIT_CHALLENGE, _S.WAIT_RESPONSE, _S.WAIT_ACK})
"""States that need the link."""
