"""What a stored record must satisfy before a phone starts from it.

The seal says that this board wrote the record; the answer in it says that a server wanted
the state. Both are checked at each boot: a state that no signed answer explains is no state.

Source: SPEC.md, "The record"; RFC 9124, 4.3.4 (verify before execution).
"""

from __future__ import annotations

from dataclasses import replace

from firmware_sim.handset.lock import EVENT_OF_DECISION, LOCK_MOVES, LOCKED, notice_event
from firmware_sim.handset.record import Record
from firmware_sim_protocol.codec import parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.keyset import KeyRing, verify_first_keyset
from firmware_sim_protocol.numbers import Decision, LockState, MessageType
from firmware_sim_protocol.rules import Guard, Rule
from firmware_sim_protocol.values import KeySet, Response, UnlockTicket

EXPLAINED = frozenset({LockState.ACTIVE, LockState.PENDING, *LOCKED})
"""States that only a signed answer brings about."""

Answer = Response | UnlockTicket


def stored_keyset(record: Record, trust: KeySet, guard: Guard) -> KeySet:
    """The keyset in force: the stored one, or the factory's where that is newer.

    Raises:
        Refusal: STORE_KEYSET.
    """
    if not record.keyset:
        return trust
    try:
        keyset = verify_first_keyset(open_envelope(record.keyset, guard), guard)
        guard.require(Rule.BIND_REALM, keyset.realm == trust.realm, "KEYSET")
    except Refusal as refusal:
        guard.require(Rule.STORE_KEYSET, False, str(refusal))
        message = parse_message(open_envelope(record.keyset, guard), guard)
        assert isinstance(message, KeySet)
        keyset = message
    return keyset if keyset.version > trust.version else trust


def stored_answer(record: Record, keyset: KeySet, guard: Guard) -> Answer | None:
    """The answer that explains the record's state, verified again; None where none is needed.

    The signer is judged as it stood when it signed: a key that was dropped since explains
    what it signed before (the phone then checks in at once).

    Raises:
        Refusal: STORE_ANSWER.
    """
    if record.lock_state not in EXPLAINED:
        return None
    try:
        return _explained(record, keyset, guard)
    except Refusal as refusal:
        guard.require(Rule.STORE_ANSWER, False, f"{record.lock_state.name}: {refusal}")
        return None


def _explained(record: Record, keyset: KeySet, guard: Guard) -> Answer:
    rule = Rule.STORE_ANSWER
    # What is not there, or is of another type, cannot be read: no twin waives this.
    if not record.answer or record.signer is None:
        raise Refusal(rule, "no answer is stored")
    envelope = open_envelope(record.answer, guard)
    if envelope.header.type not in (MessageType.RESPONSE, MessageType.UNLOCK_TICKET):
        raise Refusal(rule, f"a {envelope.header.type.name} explains nothing")
    ring = KeyRing(replace(keyset, entries=(record.signer,)))
    # Its validity was judged when it signed.
    ring.verify(envelope, record.signer.not_before, guard)
    answer = parse_message(envelope, guard)
    assert isinstance(answer, Response | UnlockTicket)
    guard.require(rule, answer.realm == keyset.realm, "of another realm")
    guard.require(rule, answer.device_key_id == record.device_key_id, "of another device")
    guard.require(rule, answer.imei == record.imei, "of another IMEI")
    guard.require(rule, record.lock_state in states_of(answer), "it says otherwise")
    return answer


def states_of(answer: Answer) -> frozenset[LockState]:
    """The lock states that this answer explains."""
    if isinstance(answer, UnlockTicket):
        return frozenset({LockState.ACTIVE})
    state = LOCK_MOVES[LockState.UNPROVISIONED][EVENT_OF_DECISION[answer.decision]]
    if answer.decision is Decision.ACTIVATE and answer.extensions.lock_notice is not None:
        return frozenset({state, LOCK_MOVES[LockState.ACTIVE][notice_event(answer.reason)]})
    return frozenset({state})
