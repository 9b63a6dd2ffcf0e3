"""Unlock tickets: what a person at the service desk issues for a challenge that was read out.

Source: SPEC.md, "Unlock challenge and ticket".
"""

from __future__ import annotations

from collections.abc import Callable

from firmware_sim.errors import SimError
from firmware_sim.server.keys import ServerKeys
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.errors import ProtocolError
from firmware_sim_protocol.numbers import LockState, TicketScope
from firmware_sim_protocol.typed import from_text
from firmware_sim_protocol.values import UnlockChallenge, UnlockTicket

SCOPES = {
    LockState.LOCKED_TERRITORY: TicketScope.TERRITORY,
    LockState.LOCKED_FINANCE: TicketScope.FINANCE,
    LockState.PENDING: TicketScope.PENDING,
}
"""The scope that opens a state. A blocklisted phone has none, on purpose."""
DEFAULT_VALID_S = 86_400


class TicketTrouble(SimError):
    """A challenge cannot be read or answered."""

    def __init__(self, text: str) -> None:
        super().__init__("unlock", text)


def read_challenge(text: str) -> tuple[int, UnlockChallenge]:
    """Exchange id and challenge from the typed form.

    Raises:
        TicketTrouble: it is none; the words are for the person who typed it.
    """
    try:
        envelope = open_envelope(from_text(text))
        challenge = parse_message(envelope)
    except ProtocolError as error:
        raise TicketTrouble(str(error)) from error
    if not isinstance(challenge, UnlockChallenge):
        raise TicketTrouble(f"a {envelope.header.type.name} is no challenge")
    return envelope.header.exchange_id, challenge


def scope_for(challenge: UnlockChallenge) -> TicketScope:
    """The scope that opens the state which the phone reports.

    Raises:
        TicketTrouble: no ticket opens it.
    """
    scope = SCOPES.get(challenge.lock_state)
    if scope is None:
        raise TicketTrouble(f"no ticket opens a phone in state {challenge.lock_state.name}")
    return scope


def issue(
    exchange_id: int,
    challenge: UnlockChallenge,
    *,
    keys: ServerKeys,
    scope: TicketScope,
    policy_version: int,
    now_s: int,
    entropy: Callable[[int], bytes],
    valid_s: int = DEFAULT_VALID_S,
) -> bytes:
    """The signed UNLOCK_TICKET message for one challenge.

    `now_s`: seconds since 1970, rounded down, not below the phone's time floor.

    Raises:
        TicketTrouble: another realm, or there is no unlock key.
    """
    if challenge.realm != keys.realm:
        raise TicketTrouble("the challenge is of another deployment (realm)")
    if keys.unlock is None:
        raise TicketTrouble("these keys have no unlock key")
    ticket = UnlockTicket(
        realm=challenge.realm,
        device_key_id=challenge.device_key_id,
        imei=challenge.imei,
        challenge=challenge.challenge,
        ticket_id=entropy(16),
        scope=scope,
        policy_epoch=keys.keyset.policy_epoch,
        policy_version=policy_version,
        keyset_version=keys.keyset.version,
        issued_at=now_s,
        not_after=now_s + valid_s,
    )
    return build_message(ticket, exchange_id, (keys.unlock,))
