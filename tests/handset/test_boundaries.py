"""The exact instants and numbers at which a phone changes its mind."""

from __future__ import annotations

import pytest

from firmware_sim.handset.backoff import backoff_ms
from firmware_sim.handset.flash import Fault, FaultKind
from firmware_sim.handset.judge import judge_times
from firmware_sim.handset.record import MAX_TICKETS, UsedTicket, encode_record
from firmware_sim.view import Page, UserAction
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.numbers import (
    LOCAL_MAX_AGE_S,
    TEN_YEARS_S,
    Decision,
    MessageType,
    TicketScope,
)
from firmware_sim_protocol.rules import SOUND, Guard, Rule
from firmware_sim_protocol.typed import from_text, to_text
from tests.support.deployment import NOW_S, Bench

FLOOR = 1_000_000_000


def broken(issued_at: int, not_after: int) -> str | None:
    try:
        judge_times(issued_at, not_after, FLOOR, SOUND)
    except Refusal as refusal:
        return refusal.rule.id
    return None


@pytest.mark.parametrize(
    ("issued_at", "not_after", "rule"),
    [
        (FLOOR, FLOOR, None),
        (FLOOR - 1, FLOOR, "time-floor"),
        (FLOOR, FLOOR - 1, "time-expiry"),
        (FLOOR + TEN_YEARS_S, FLOOR + TEN_YEARS_S, None),
        (FLOOR + TEN_YEARS_S + 1, FLOOR, "time-plausible"),
        (FLOOR, FLOOR + TEN_YEARS_S + 1, "time-plausible"),
    ],
)
def test_times_are_held_against_the_floor_to_the_second(issued_at, not_after, rule) -> None:
    assert broken(issued_at, not_after) == rule


def aged(milliseconds: int, max_age: int, guard: Guard = SOUND) -> Page:
    """The page after an answer that comes so long after its nonce was drawn."""
    bench = Bench(guard=guard)
    bench.server.answer = {"max_age": max_age}
    held: list[bytes] = []
    bench.intercept = lambda reply: (
        [reply] if reply[5] != MessageType.RESPONSE else held.append(reply) or []
    )
    bench.boot()
    bench.settle()
    bench.run(milliseconds)
    bench.intercept = lambda reply: [reply]
    bench.deliver(held[0])
    return bench.phone.view.page


def test_an_answer_is_as_old_as_it_may_be_to_the_millisecond() -> None:
    assert aged(10_000, 10) is Page.HOME
    assert aged(10_001, 10) is not Page.HOME


def test_the_phone_has_a_limit_of_its_own_whatever_the_server_grants() -> None:
    patient = Guard(frozenset({Rule.EXCHANGE_DEADLINE}))
    assert aged(1000 * LOCAL_MAX_AGE_S, 100_000, patient) is Page.HOME
    assert aged(1000 * LOCAL_MAX_AGE_S + 1, 100_000, patient) is not Page.HOME


def test_an_answer_is_taken_when_the_network_was_lost_meanwhile() -> None:
    bench = Bench()
    bench.boot()

    def lose(reply: bytes) -> list[bytes]:
        if reply[5] == MessageType.RESPONSE:
            bench.see(serving=None, registered=False)
        return [reply]

    bench.intercept = lose
    assert bench.settle().view.page is Page.HOME


def test_a_used_ticket_is_remembered_to_the_last_second_of_its_life() -> None:
    for not_after, taken in ((NOW_S, False), (NOW_S - 1, True)):
        bench = Bench()
        bench.server.answer = {"decision": Decision.LOCK_TERRITORY}
        bench.boot()
        bench.settle()
        used = tuple(
            UsedTicket(ticket_id=number.to_bytes(16), not_after=not_after)
            for number in range(MAX_TICKETS)
        )
        record = bench.phone.record
        assert record.time_floor == NOW_S
        full = encode_record(
            type(record)(
                **{name: getattr(record, name) for name in record.__slots__} | {"tickets": used}
            ),
            bench.board.storage_key,
        )
        bench.flash.restore(full, b"", record.sequence)
        bench.online = False
        bench.restart()
        bench.phone.acts(UserAction("ticket.open"), bench.now)
        challenge = from_text(bench.phone.view.challenge)
        ticket = bench.server.ticket(challenge, TicketScope.TERRITORY)
        bench.phone.acts(UserAction("ticket", to_text(ticket)), bench.now)
        assert (bench.phone.view.page is Page.HOME) is taken
        assert len(bench.phone.record.tickets) == (1 if taken else MAX_TICKETS)


@pytest.mark.parametrize(
    ("attempt", "jitter", "at_least", "wait"),
    [
        (0, b"\0\0", 0, 5_000),
        (0, b"\xff\xff", 0, 6_250),
        (3, b"\0\0", 0, 40_000),
        (9, b"\0\0", 0, 2_560_000),
        (9, b"\xff\xff", 0, 3_200_000),
        (10, b"\0\0", 0, 3_600_000),
        (1_000, b"\xff\xff", 0, 3_600_000),
        (0, b"\0\0", 5_001, 5_001),
        (0, b"\0\0", 90_000_000, 90_000_000),
    ],
)
def test_the_pause_doubles_to_an_hour_and_is_never_shorter_than_asked(
    attempt, jitter, at_least, wait
) -> None:
    assert backoff_ms(attempt, jitter, at_least) == wait


def test_an_announced_lock_that_cannot_be_written_is_tried_again() -> None:
    from firmware_sim_protocol.values import Extensions

    bench = Bench()
    bench.server.answer = {"extensions": Extensions(lock_notice=100)}
    bench.boot()
    bench.settle()
    bench.online = False
    bench.flash.arm([Fault(FaultKind.EIO)])
    bench.run(100_000)
    assert bench.phone.view.page is Page.WARNING
    assert bench.run(60_000).view.page is Page.LOCKED
