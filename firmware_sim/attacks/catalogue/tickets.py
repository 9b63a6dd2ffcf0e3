"""Attacks on unlock tickets, typed into a device that is locked."""

from __future__ import annotations

from firmware_sim.attacks import forge
from firmware_sim.attacks.attack import Actor, Attack, Play
from firmware_sim.attacks.bench import Bench, is_open
from firmware_sim.attacks.device import Ability
from firmware_sim.attacks.scenes import good_ticket, locked, send, ticket, ticket_with
from firmware_sim.attacks.world import (
    EPOCH,
    KEYSET_VERSION,
    MOVED_TO,
    OTHER_IMEI,
    POLICY_VERSION,
    SERVING,
    VALID_FROM_S,
)
from firmware_sim_protocol.codec import build_body
from firmware_sim_protocol.envelope import Envelope
from firmware_sim_protocol.numbers import TEN_YEARS_S, Decision, LockState, MessageType, TicketScope
from firmware_sim_protocol.rules import Rule
from firmware_sim_protocol.typed import to_text
from firmware_sim_protocol.values import ChallengeReq, UnlockChallenge

TICKET = MessageType.UNLOCK_TICKET
FLOOR = VALID_FROM_S


def _scope_bit(bench: Bench, envelope: Envelope, challenge: UnlockChallenge) -> bytes:
    body = build_body(bench.ticket(challenge))
    body = forge.patched(TICKET, body, "scope", 0x8007)
    return forge.sealed(TICKET, envelope.header.exchange_id, body, [bench.world.unlock])


def _cut(bench: Bench, envelope: Envelope, challenge: UnlockChallenge) -> bytes:
    """Without the last octet of not_after: the twin fills it up."""
    body = build_body(bench.ticket(challenge, not_after=bench.now_s | 0xFF))[:-1]
    return forge.sealed(TICKET, envelope.header.exchange_id, body, [bench.world.unlock])


def _answer_context(bench: Bench, envelope: Envelope, challenge: UnlockChallenge) -> bytes:
    body = build_body(bench.ticket(challenge))
    head = forge.header(TICKET, envelope.header.exchange_id, len(body))
    return forge.signed(TICKET, head, body, [bench.world.unlock], context=b"response")


def _unsigned(bench: Bench, envelope: Envelope, challenge: UnlockChallenge) -> bytes:
    head, body, _ = forge.split(good_ticket(bench, envelope, challenge))
    return head + body + b"\x00"


def _bad(bench: Bench, envelope: Envelope, challenge: UnlockChallenge) -> bytes:
    return forge.flipped(good_ticket(bench, envelope, challenge), -1)


def _scoped(lock: Decision, scope: TicketScope) -> Play:
    """Hostile: a lock that the scope does not cover; honest: the territory lock."""

    def play(bench: Bench, hostile: bool) -> None:
        bench.need(Ability.TICKET)
        bench.make()
        bench.lock(lock if hostile else Decision.LOCK_TERRITORY)
        envelope, challenge = bench.ask_ticket()
        if hostile:
            bench.hostile()
        covers = scope if hostile else TicketScope.TERRITORY
        bench.type_ticket(ticket_with(scope=covers)(bench, envelope, challenge))

    return play


def _twice(bench: Bench, hostile: bool) -> None:
    """The ticket opens the phone; it is locked again; the same id answers a new challenge."""
    locked(bench)
    first = bench.world.draw("ticket one")[:16]
    envelope, challenge = bench.ask_ticket()
    bench.type_ticket(ticket_with(ticket_id=first)(bench, envelope, challenge))
    _lock_again(bench, SERVING, MOVED_TO)
    envelope, challenge = bench.ask_ticket()
    again = first if hostile else bench.world.draw("ticket two")[:16]
    if hostile:
        bench.hostile()
    bench.type_ticket(ticket_with(ticket_id=again)(bench, envelope, challenge))


def _lock_again(bench: Bench, here: str, there: str) -> None:
    """The phone changes its network, asks about the new place, and is locked for it."""
    bench.act(f"the modem registers on {there}")
    bench.device.set_modem(serving=there)
    bench.lock()
    bench.act(f"the modem registers on {here}")


def _cut_between(bench: Bench, hostile: bool) -> None:
    """Power is cut at every flash operation of the unlocking; then the ticket is tried again."""
    ticket_id = bench.world.draw("ticket one")[:16]
    for operation in range(12):
        locked(bench)
        envelope, challenge = bench.ask_ticket()
        good = ticket_with(ticket_id=ticket_id)(bench, envelope, challenge)
        if not hostile:
            bench.type_ticket(good)
            return
        bench.hostile()
        bench.device.cut_at(operation, False)
        bench.type_ticket(good, f"power is cut at operation {operation}")
        if not bench.device.was_cut():
            bench.make()
            return
        bench.reboot()
        if bench.state() != "ACTIVE":
            continue
        _lock_again(bench, SERVING, MOVED_TO)
        envelope, challenge = bench.ask_ticket()
        bench.type_ticket(ticket_with(ticket_id=ticket_id)(bench, envelope, challenge))
        if is_open(bench):
            return
    bench.make()


def _before_challenge(bench: Bench, hostile: bool) -> None:
    """A ticket for the challenge of all zeros, over the link, before any was drawn."""
    locked(bench)
    if not hostile:
        bench.need(Ability.TICKET)
        envelope, challenge = bench.ask_ticket()
        bench.type_ticket(good_ticket(bench, envelope, challenge))
        return
    bench.device.advance(3_601_000)
    asked, message = bench.hear(ChallengeReq)
    bench.hostile()
    blind = UnlockChallenge(
        realm=message.realm,
        device_key_id=message.device_key_id,
        imei=bench.made.imei,
        challenge=bytes(32),
        lock_state=LockState.LOCKED_TERRITORY,
    )
    send(bench, ticket_with()(bench, asked, blind), "zero challenge")
    bench.finish()


def _wrong_checksum(bench: Bench, hostile: bool) -> None:
    """A good ticket, typed with one character of its checksum changed."""
    bench.need(Ability.TYPE)
    locked(bench)
    envelope, challenge = bench.ask_ticket()
    text = to_text(good_ticket(bench, envelope, challenge))
    if hostile:
        bench.hostile()
        # The last character but one lies within the checksum, and holds no padding.
        other = "7" if text[-2] != "7" else "8"
        text = text[:-2] + other + text[-1]
    bench.act(f"typed: ...{text[-12:]}")
    bench.device.type_text(text)
    bench.finish()


MODEM = frozenset({Ability.MODEM})
TYPED = frozenset({Ability.TICKET})
ROWS = (
    ticket(
        "UNL-001",
        "role-confusion",
        Rule.KEY_ROLE,
        "a ticket signed by the ACT key",
        "AVB-ATX PUKCertUnexpectedUsage",
        ticket_with(key=lambda bench: bench.world.act),
    ),
    Attack(
        id="UNL-002",
        family="replay",
        rule=Rule.TICKET_UNUSED,
        sent="a ticket id that was used, for a fresh challenge",
        source="AVB-ATX ReplayChallenge",
        play=_twice,
        goal=is_open,
        needs=TYPED | MODEM,
    ),
    Attack(
        id="UNL-003",
        family="scope",
        rule=Rule.TICKET_SCOPE,
        sent="a ticket for finance locks on a territory lock",
        source="RFC 9124, REQ.SEC.RIGHTS",
        play=_scoped(Decision.LOCK_TERRITORY, TicketScope.FINANCE),
        goal=is_open,
        needs=TYPED,
    ),
    Attack(
        id="UNL-003-B",
        family="scope",
        rule=Rule.TICKET_SCOPE,
        sent="a ticket of every scope on a stolen phone's lock",
        source="RFC 9124, REQ.SEC.RIGHTS",
        play=_scoped(Decision.LOCK_BLOCKLIST, TicketScope(7)),
        goal=is_open,
        needs=TYPED,
    ),
    ticket(
        "UNL-004",
        "wrong-device",
        Rule.BIND_DEVICE,
        "a ticket for another device key",
        "AVB-ATX PUKCertUnexpectedSubject",
        ticket_with(device_key_id=lambda bench: bench.world.rogue.public.key_id),
    ),
    ticket(
        "UNL-004-I",
        "wrong-device",
        Rule.BIND_IMEI,
        "a ticket for another IMEI",
        "AVB-ATX PUKCertUnexpectedSubject",
        ticket_with(imei=OTHER_IMEI),
    ),
    ticket(
        "UNL-005",
        "expiry",
        Rule.TIME_EXPIRY,
        "a ticket that expired below the floor",
        "RFC 8366 expires-on; TUF 5.4.4",
        ticket_with(not_after=FLOOR - 1),
    ),
    ticket(
        "UNL-006",
        "challenge",
        Rule.FRESH_NONCE,
        "a ticket for another challenge",
        "AVB-ATX ReplayChallenge",
        ticket_with(challenge=lambda bench: bench.world.draw("another challenge")),
    ),
    Attack(
        id="UNL-007",
        family="challenge",
        rule=Rule.FRESH_SOLICITED,
        sent="a ticket for the zero challenge, before any was drawn",
        source="AVB avb_atx_validate.c last_unlock_challenge_set",
        play=_before_challenge,
        goal=is_open,
        needs=TYPED | {Ability.TIME},
    ),
    Attack(
        id="UNL-009",
        family="power-cut",
        rule=Rule.TICKET_ATOMIC,
        sent="a used ticket after a power cut in the middle of its use",
        source="TOCTOU (from memory)",
        play=_cut_between,
        goal=is_open,
        actor=Actor.STORAGE,
        needs=TYPED | MODEM | {Ability.CUT, Ability.REBOOT},
    ),
    ticket(
        "ODP-040",
        "realm",
        Rule.BIND_REALM,
        "a ticket of another realm",
        "RFC 8725, 3.9",
        ticket_with(realm=lambda bench: bench.world.draw("realm 2")[:16]),
    ),
    ticket(
        "ODP-041",
        "transcript",
        Rule.BIND_EXCHANGE,
        "a ticket of another exchange",
        "RFC 7252, 4.4",
        ticket_with(exchange_id=0x0BADC0DE),
    ),
    ticket(
        "ODP-042",
        "epoch",
        Rule.POLICY_EPOCH,
        "a ticket of another epoch",
        "TUF fast-forward recovery",
        ticket_with(policy_epoch=EPOCH + 1),
    ),
    ticket(
        "ODP-043",
        "rollback",
        Rule.POLICY_VERSION,
        "a ticket of an older policy",
        "RFC 9124, REQ.SEC.SEQUENCE",
        ticket_with(policy_version=POLICY_VERSION - 1),
    ),
    ticket(
        "ODP-044",
        "rollback",
        Rule.POLICY_KEYSET,
        "a ticket made under an older keyset",
        "TUF mix-and-match",
        ticket_with(keyset_version=KEYSET_VERSION - 1),
    ),
    ticket(
        "ODP-045",
        "fast-forward",
        Rule.TIME_PLAUSIBLE,
        "a ticket issued far in the future",
        "TUF fast-forward",
        ticket_with(issued_at=FLOOR + 2 * TEN_YEARS_S, not_after=FLOOR + 2 * TEN_YEARS_S),
    ),
    ticket(
        "ODP-046",
        "time-rollback",
        Rule.TIME_FLOOR,
        "a ticket issued below the floor",
        "Uptane securely attested time",
        ticket_with(issued_at=FLOOR - 1),
    ),
    ticket(
        "ODP-047", "enum", Rule.LAYOUT_VALUE, "a scope bit that has no name", "RFC 9413", _scope_bit
    ),
    ticket(
        "ODP-048",
        "truncation",
        Rule.LAYOUT_SIZE,
        "a ticket without its last octet",
        "CVE-2020-5390",
        _cut,
    ),
    ticket(
        "ODP-049",
        "cross-protocol",
        Rule.SIG_CONTEXT,
        "a ticket signed as an answer",
        "RFC 8446, 4.4.3",
        _answer_context,
    ),
    ticket(
        "ODP-050",
        "arbitrary-decision",
        Rule.SIG_PRESENT,
        "a ticket with signature count 0",
        "RFC 8725, 3.2",
        _unsigned,
    ),
    ticket(
        "ODP-051",
        "arbitrary-decision",
        Rule.SIG_VERIFIES,
        "a ticket with a bad signature",
        "TUF 5.3",
        _bad,
    ),
    ticket(
        "ODP-052",
        "key-expiry",
        Rule.KEY_KNOWN,
        "a ticket signed by an unknown key",
        "CVE-2018-0114",
        ticket_with(key=lambda bench: bench.world.rogue),
    ),
    Attack(
        id="ODP-053",
        family="typed-form",
        rule=Rule.TYPED_FORM,
        sent="a good ticket with a wrong character in its checksum",
        source="Crockford's base 32 (from memory); SPEC.md, 12.3",
        play=_wrong_checksum,
        goal=is_open,
        actor=Actor.PERSON,
        needs=TYPED | {Ability.TYPE},
    ),
)
