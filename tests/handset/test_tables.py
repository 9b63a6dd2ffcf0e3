"""Every (state, event) pair of every table, the legal moves and the others."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from firmware_sim.handset.exchange import EXCHANGE_MOVES, TALKING, ExchangeEvent, ExchangeState
from firmware_sim.handset.lock import EVENT_OF_DECISION, LOCK_MOVES, LOCKED, LockEvent
from firmware_sim.handset.moves import IllegalMove, follow
from firmware_sim.handset.wizard import OVERLAYS, PAGE_MOVES, PageEvent
from firmware_sim.view import Page
from firmware_sim_protocol.numbers import Decision, LockState

OVERLAID = {Page.WIFI, Page.EMERGENCY, Page.TICKET}
TABLES: dict[str, tuple[Mapping[Any, Mapping[Any, Any]], Any, Any, Any]] = {
    "lock": (LOCK_MOVES, LockState, LockEvent, LockState.UNPROVISIONED),
    "exchange": (EXCHANGE_MOVES, ExchangeState, ExchangeEvent, ExchangeState.IDLE),
    "wizard": (PAGE_MOVES, Page, PageEvent, Page.BOOT),
}


def pairs() -> Iterator[tuple[str, enum.Enum, enum.Enum]]:
    for name, (_, states, events, _) in TABLES.items():
        for state in states:
            for event in events:
                yield name, state, event


@pytest.mark.parametrize(("name", "state", "event"), list(pairs()))
def test_a_pair_is_a_legal_move_or_an_error_that_names_it(name, state, event) -> None:
    table = TABLES[name][0]
    if event in table.get(state, {}):
        assert follow(table, state, event) is table[state][event]
    else:
        with pytest.raises(IllegalMove, match=f"{state.name} has no move for {event.name}"):
            follow(table, state, event)


@pytest.mark.parametrize("name", TABLES)
def test_every_state_is_reached_and_every_event_is_used(name) -> None:
    table, states, events, start = TABLES[name]
    reached, fresh = {start}, {start}
    while fresh:
        fresh = {target for state in fresh for target in table[state].values()} - reached
        reached |= fresh
    assert reached == set(states) - (OVERLAID if name == "wizard" else set())
    assert {event for moves in table.values() for event in moves} == set(events)


def test_only_an_activate_or_a_ticket_leads_to_active() -> None:
    ways = {
        event
        for moves in LOCK_MOVES.values()
        for event, target in moves.items()
        if target is LockState.ACTIVE
    }
    assert ways == {LockEvent.ACTIVATE, LockEvent.TICKET}
    assert LockEvent.TICKET not in LOCK_MOVES[LockState.LOCKED_BLOCKLIST]


def test_no_reset_lifts_a_lock_and_store_fault_is_for_ever() -> None:
    for state in LOCKED:
        assert LOCK_MOVES[state][LockEvent.FACTORY_RESET] is state
    assert set(LOCK_MOVES[LockState.STORE_FAULT].values()) == {LockState.STORE_FAULT}


def test_every_decision_has_its_event() -> None:
    assert set(EVENT_OF_DECISION) == set(Decision)


def test_every_state_that_needs_the_link_has_a_way_out_when_it_is_lost() -> None:
    for state in TALKING:
        assert EXCHANGE_MOVES[state][ExchangeEvent.LOST] is ExchangeState.BACKOFF


def test_home_follows_only_on_an_open_lock_or_a_read_announcement() -> None:
    ways = {
        event
        for moves in PAGE_MOVES.values()
        for event, target in moves.items()
        if target is Page.HOME
    }
    assert ways == {PageEvent.OPEN, PageEvent.READ}
    assert [page for page in PAGE_MOVES if PageEvent.READ in PAGE_MOVES[page]] == [Page.WARNING]


def test_emergency_calls_can_be_made_from_every_page_of_the_wizard() -> None:
    assert set(OVERLAYS["emergency"]) == set(PAGE_MOVES)
