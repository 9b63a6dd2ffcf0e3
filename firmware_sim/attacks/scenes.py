"""The scenes that most attacks share: an answer, a keyset, a ticket; hostile or honest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from firmware_sim.attacks.attack import Attack, Goal, Play
from firmware_sim.attacks.bench import Bench, Exchange, Silent, is_open
from firmware_sim.attacks.device import Ability
from firmware_sim_protocol.codec import build_message
from firmware_sim_protocol.envelope import Envelope
from firmware_sim_protocol.keyset import sign_keyset
from firmware_sim_protocol.numbers import Decision
from firmware_sim_protocol.rules import Rule
from firmware_sim_protocol.values import KeySet, UnlockChallenge


@dataclass(frozen=True, slots=True)
class Raw:
    """Octets that go on the line as they are."""

    octets: bytes
    note: str = "as it is"


@dataclass(frozen=True, slots=True)
class Wait:
    """Time that passes between two steps."""

    ms: int


Step = bytes | Raw | Wait
Forged = bytes | Iterable[Step]
ForgeAnswer = Callable[[Bench, Exchange], Forged]
ForgeKeyset = Callable[[Bench], bytes]
ForgeTicket = Callable[[Bench, Envelope, UnlockChallenge], bytes]


def send(bench: Bench, forged: Forged, note: str = "") -> None:
    """Play the steps."""
    for step in (forged,) if isinstance(forged, bytes) else forged:
        if isinstance(step, Wait):
            bench.device.advance(step.ms)
            bench.pump()
        elif isinstance(step, Raw):
            bench.raw(step.octets, step.note)
        else:
            bench.say(step, note)


def made(bench: Bench) -> None:
    """A new device."""
    bench.make()


def activated(bench: Bench) -> None:
    """A device that is active, and asks again."""
    bench.make()
    bench.recheck()


def locked(bench: Bench) -> None:
    """A device that is locked for its territory."""
    bench.make()
    bench.lock()


def answering(
    forge: ForgeAnswer,
    before: Callable[[Bench], None] = made,
    honest: ForgeAnswer = lambda bench, exchange: exchange.honest,
) -> Play:
    """The scene of one answer to one REQUEST."""

    def play(bench: Bench, hostile: bool) -> None:
        before(bench)
        exchange = bench.exchange()
        if hostile:
            bench.hostile()
            send(bench, forge(bench, exchange))
        else:
            send(bench, honest(bench, exchange))
        bench.finish()

    return play


def answer(
    id: str,
    family: str,
    rule: Rule,
    sent: str,
    source: str,
    forge: ForgeAnswer,
    *,
    before: Callable[[Bench], None] = made,
    honest: ForgeAnswer = lambda bench, exchange: exchange.honest,
    goal: Goal = is_open,
    **more: Any,
) -> Attack:
    """A row about an answer; its goal is an open device unless given."""
    return Attack(
        id=id,
        family=family,
        rule=rule,
        sent=sent,
        source=source,
        play=answering(forge, before, honest),
        goal=goal,
        live=forge if before is made and not more.get("needs") else None,
        **more,
    )


def changed(**changes: Any) -> ForgeAnswer:
    """The honest answer with these fields changed and signed again; a function is called."""

    def forge(bench: Bench, exchange: Exchange) -> bytes:
        values = {
            name: value(bench, exchange) if callable(value) else value
            for name, value in changes.items()
        }
        return bench.answer(exchange, **values)

    return forge


def takes_keyset(bench: Bench) -> bool:
    """Whether the device now names the next keyset as its own."""
    try:
        return bench.told_keyset() != bench.world.keyset.version
    except Silent:
        return False


def keyset(
    id: str,
    family: str,
    rule: Rule,
    sent: str,
    source: str,
    forge: ForgeKeyset,
    *,
    honest: ForgeKeyset | None = None,
    before: Callable[[Bench], None] = made,
    **more: Any,
) -> Attack:
    """A row about a KEYSET that is offered where an honest server offers one."""

    def play(bench: Bench, hostile: bool) -> None:
        before(bench)
        if hostile:
            bench.hostile()
            bench.offer_keyset(forge(bench))
        else:
            bench.offer_keyset((honest or good_keyset)(bench))

    # A device that took a keyset which the issuer does not know cannot be served by it.
    return Attack(
        id=id,
        family=family,
        rule=rule,
        sent=sent,
        source=source,
        play=play,
        goal=takes_keyset,
        **more,
    )


def good_keyset(bench: Bench) -> bytes:
    """The honest next keyset, signed by two roots."""
    return sign_keyset(bench.next_keyset(), bench.world.roots[:2])


def keyset_with(**changes: Any) -> ForgeKeyset:
    """The next keyset with these fields changed, signed by two roots."""

    def forge(bench: Bench) -> bytes:
        values = {
            name: value(bench) if callable(value) else value for name, value in changes.items()
        }
        return sign_keyset(bench.next_keyset(**values), bench.world.roots[:2])

    return forge


def signed_keyset(
    build: Callable[[Bench], KeySet], signers: Callable[[Bench], tuple[Any, ...]]
) -> ForgeKeyset:
    """A keyset and who signs it."""
    return lambda bench: sign_keyset(build(bench), signers(bench))


def ticket(
    id: str,
    family: str,
    rule: Rule,
    sent: str,
    source: str,
    forge: ForgeTicket,
    *,
    before: Callable[[Bench], None] = locked,
    honest: ForgeTicket | None = None,
    **more: Any,
) -> Attack:
    """A row about an unlock ticket, typed into a locked device."""

    def play(bench: Bench, hostile: bool) -> None:
        bench.need(Ability.TICKET)
        before(bench)
        envelope, challenge = bench.ask_ticket()
        if hostile:
            bench.hostile()
            bench.type_ticket(forge(bench, envelope, challenge))
        else:
            bench.type_ticket((honest or good_ticket)(bench, envelope, challenge))

    needs = frozenset({Ability.TICKET}) | more.pop("needs", frozenset())
    return Attack(
        id=id,
        family=family,
        rule=rule,
        sent=sent,
        source=source,
        play=play,
        goal=is_open,
        needs=needs,
        **more,
    )


def good_ticket(bench: Bench, envelope: Envelope, challenge: UnlockChallenge) -> bytes:
    """The honest ticket."""
    return ticket_with()(bench, envelope, challenge)


def ticket_with(**changes: Any) -> ForgeTicket:
    """The honest ticket with these fields changed, signed by the UNLOCK key."""

    def forge(bench: Bench, envelope: Envelope, challenge: UnlockChallenge) -> bytes:
        values = {
            name: value(bench) if callable(value) else value for name, value in changes.items()
        }
        key = values.pop("key", bench.world.unlock)
        exchange_id = values.pop("exchange_id", envelope.header.exchange_id)
        return build_message(bench.ticket(challenge, **values), exchange_id, (key,))

    return forge


def is_locked(bench: Bench) -> bool:
    """Whether the device is locked by a decision."""
    return bench.state().startswith("LOCKED")


def is_not_active(bench: Bench) -> bool:
    """Whether an active device has ceased to be one."""
    return bench.state() != "ACTIVE"


LOCK = {"decision": Decision.LOCK_TERRITORY, "recheck_after": 3600}
