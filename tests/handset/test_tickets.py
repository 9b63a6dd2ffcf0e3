"""Unlock tickets: what opens which lock, once."""

from __future__ import annotations

import pytest

from firmware_sim.handset.exchange import ExchangeState
from firmware_sim.handset.record import MAX_TICKETS
from firmware_sim.view import Page, UserAction
from firmware_sim_protocol.numbers import Decision, LockState, MessageType, TicketScope
from firmware_sim_protocol.typed import from_text, to_text
from tests.support.deployment import NOW_S, Bench, messages_of

LOCKS = {
    TicketScope.TERRITORY: Decision.LOCK_TERRITORY,
    TicketScope.FINANCE: Decision.LOCK_FINANCE,
    TicketScope.PENDING: Decision.PENDING,
}


def locked(decision: Decision = Decision.LOCK_TERRITORY) -> Bench:
    """A phone that is locked and whose ticket page is open; it has no link."""
    bench = Bench()
    bench.server.answer = {"decision": decision}
    bench.boot()
    bench.settle()
    bench.online = False
    bench.phone.acts(UserAction("ticket.open"), bench.now)
    bench.settle()
    return bench


def challenge(bench: Bench) -> bytes:
    view = bench.phone.view
    assert view.page is Page.TICKET
    return from_text(view.challenge)


def type_ticket(bench: Bench, ticket: bytes) -> None:
    bench.phone.acts(UserAction("ticket", to_text(ticket).lower()), bench.now)
    bench.settle()


@pytest.mark.parametrize("scope", LOCKS)
def test_a_typed_ticket_opens_the_lock_of_its_scope_without_a_link(scope) -> None:
    bench = locked(LOCKS[scope])
    type_ticket(bench, bench.server.ticket(challenge(bench), scope))
    assert bench.phone.view.page is Page.HOME
    assert bench.phone.lock_state is LockState.ACTIVE
    bench.restart()
    assert bench.settle().view.page is Page.HOME
    assert len(bench.phone.record.tickets) == 1


def test_a_ticket_that_comes_over_the_link_is_confirmed() -> None:
    bench = locked()
    bench.online = True
    bench.phone.acts(UserAction("back"), bench.now)
    bench.phone.acts(UserAction("ticket.open"), bench.now)
    bench.settle()
    raw = list(messages_of(bench.events, MessageType.UNLOCK_CHALLENGE))[-1]
    bench.deliver(bench.server.ticket(raw, TicketScope.TERRITORY))
    assert bench.settle().view.page is Page.HOME
    assert bench.server.confirms[-1].lock_state is LockState.ACTIVE
    assert bench.phone.exchange_state is ExchangeState.IDLE


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"scope": TicketScope.FINANCE}, "ticket-scope"),
        ({"imei": "356938035643809"}, "bind-imei"),
        ({"device_key_id": bytes(32)}, "bind-device"),
        ({"realm": b"another-realm-00"}, "bind-realm"),
        ({"challenge": bytes(32)}, "fresh-nonce"),
        ({"exchange_id": 1}, "bind-exchange"),
        ({"not_after": NOW_S - 1}, "time-expiry"),
        ({"issued_at": NOW_S - 1}, "time-floor"),
        ({"policy_version": 0}, "policy-version"),
        ({"policy_epoch": 2}, "policy-epoch"),
        ({"keyset_version": 2}, "policy-keyset"),
    ],
)
def test_a_ticket_that_breaks_a_rule_opens_nothing_and_burns_its_challenge(changes, rule) -> None:
    bench = locked()
    before = challenge(bench)
    scope = changes.pop("scope", TicketScope.TERRITORY)
    type_ticket(bench, bench.server.ticket(before, scope, **changes))
    assert bench.refusals() == [rule]
    assert bench.phone.lock_state is LockState.LOCKED_TERRITORY
    assert challenge(bench) != before
    assert bench.phone.view.problem
    type_ticket(bench, bench.server.ticket(challenge(bench), TicketScope.TERRITORY))
    assert bench.phone.view.page is Page.HOME


def test_no_scope_opens_the_blocklist() -> None:
    bench = locked(Decision.LOCK_BLOCKLIST)
    every = TicketScope.TERRITORY | TicketScope.FINANCE | TicketScope.PENDING
    type_ticket(bench, bench.server.ticket(challenge(bench), every))
    assert bench.refusals() == ["ticket-scope"]
    assert bench.phone.lock_state is LockState.LOCKED_BLOCKLIST


def test_an_act_key_signs_no_ticket_and_leaves_the_challenge_open() -> None:
    bench = locked()
    before = challenge(bench)
    forged = bench.server.ticket(before, TicketScope.TERRITORY, signer=bench.server.keys.act)
    type_ticket(bench, forged)
    assert bench.refusals() == ["key-role"]
    assert challenge(bench) == before


def test_a_ticket_id_is_used_once_even_for_a_fresh_challenge() -> None:
    bench = locked()
    one = bytes(range(16))
    ticket = bench.server.ticket(challenge(bench), TicketScope.TERRITORY, ticket_id=one)
    type_ticket(bench, ticket)
    bench.online = True
    bench.server.answer = {"decision": Decision.LOCK_TERRITORY, "policy_version": 2}
    bench.see(serving="36801")
    bench.settle()
    bench.phone.factory_reset(bench.now)
    bench.settle()
    bench.online = False
    bench.phone.acts(UserAction("ticket.open"), bench.now)
    again = bench.server.ticket(challenge(bench), TicketScope.TERRITORY, ticket_id=one)
    type_ticket(bench, again)
    assert bench.refusals() == ["ticket-unused"]
    assert bench.phone.lock_state is LockState.LOCKED_TERRITORY


def test_a_ticket_without_a_challenge_is_unsolicited() -> None:
    bench = locked()
    ticket = bench.server.ticket(challenge(bench), TicketScope.TERRITORY)
    bench.phone.acts(UserAction("back"), bench.now)
    assert bench.phone.view.page is Page.LOCKED
    bench.deliver(ticket)
    assert bench.refusals() == ["fresh-solicited"]
    assert bench.phone.lock_state is LockState.LOCKED_TERRITORY


def test_a_slip_of_the_finger_is_told_and_costs_nothing() -> None:
    bench = locked()
    before = challenge(bench)
    text = to_text(bench.server.ticket(before, TicketScope.TERRITORY))
    wrong = text[:-1] + ("0" if text[-1] != "0" else "4")
    bench.phone.acts(UserAction("ticket", wrong), bench.now)
    assert bench.phone.view.problem
    assert challenge(bench) == before
    bench.phone.acts(UserAction("ticket", text), bench.now)
    assert bench.settle().view.page is Page.HOME


def test_the_list_of_used_tickets_forgets_only_what_has_expired() -> None:
    bench = locked()
    for number in range(MAX_TICKETS + 1):
        ticket = bench.server.ticket(
            challenge(bench), TicketScope.TERRITORY, ticket_id=number.to_bytes(16)
        )
        type_ticket(bench, ticket)
        if number == MAX_TICKETS:
            break
        assert bench.phone.lock_state is LockState.ACTIVE
        version = number + 2
        bench.server.answer = {"decision": Decision.LOCK_TERRITORY, "policy_version": version}
        bench.online = True
        bench.see(serving="26202" if number % 2 else "26203")
        bench.settle()
        bench.online = False
        bench.phone.acts(UserAction("ticket.open"), bench.now)
    assert bench.refusals() == ["ticket-unused"]
    # A week later the server's time has passed all of them.
    bench.online = True
    bench.phone.acts(UserAction("back"), bench.now)
    bench.pass_time(8 * 86_400_000)
    bench.see(serving="26204")
    bench.settle()
    bench.online = False
    bench.phone.acts(UserAction("ticket.open"), bench.now)
    type_ticket(bench, bench.server.ticket(challenge(bench), TicketScope.TERRITORY))
    assert bench.phone.lock_state is LockState.ACTIVE
    assert len(bench.phone.record.tickets) == 1
