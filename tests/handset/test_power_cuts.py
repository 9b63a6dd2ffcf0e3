"""Every point at which the power can go, in every transition; and every way a flash can fail.

The points are enumerated, not sampled: a transition is run once to count its flash operations,
then once for each operation, way of being cut, and remains of what was not flushed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from firmware_sim.handset.flash import (
    CHANGES,
    Fault,
    FaultKind,
    MemoryFlash,
    Operation,
    PowerCut,
    Remains,
)
from firmware_sim.view import Page, UserAction
from firmware_sim_protocol.numbers import Decision, LockState, TicketScope
from firmware_sim_protocol.typed import from_text, to_text
from firmware_sim_protocol.values import Extensions
from tests.support.deployment import OTHER_IMEI, Bench

DAY = 86_400


@dataclass(frozen=True)
class Transition:
    """`prepare` brings a phone to where it begins, `act` is the transition itself."""

    prepare: Callable[[Bench], None]
    act: Callable[[Bench], None]


def nothing(bench: Bench) -> None:
    """A phone fresh from the factory."""


def boot(bench: Bench) -> None:
    bench.boot()
    bench.settle()


def given(**answer: object) -> Callable[[Bench], None]:
    """A phone that was answered like this."""

    def prepare(bench: Bench) -> None:
        bench.server.answer = answer
        boot(bench)

    return prepare


def recheck(**answer: object) -> Callable[[Bench], None]:
    """The check-in a day later is answered like this."""

    def act(bench: Bench) -> None:
        bench.server.answer = {"policy_version": 2, **answer}
        bench.run(DAY * 1000)

    return act


def take_ticket(bench: Bench) -> None:
    bench.online = False
    bench.phone.acts(UserAction("ticket.open"), bench.now)
    challenge = from_text(bench.phone.view.challenge)
    ticket = bench.server.ticket(challenge, TicketScope.TERRITORY, ticket_id=b"only ticket here")
    bench.phone.acts(UserAction("ticket", to_text(ticket)), bench.now)
    bench.settle()


def rotate(bench: Bench) -> None:
    bench.server.rotate(replace(bench.server.keyset, version=2, policy_epoch=2))
    bench.run(DAY * 1000)


def reset(bench: Bench) -> None:
    bench.online = False
    bench.phone.factory_reset(bench.now)
    bench.settle()


def change_imei(bench: Bench) -> None:
    bench.online = False
    bench.see(imei=OTHER_IMEI)
    bench.settle()


def wait_for_the_lock(bench: Bench) -> None:
    bench.online = False
    bench.run(DAY * 1000)


ACTIVE = given(recheck_after=DAY)
TRANSITIONS = {
    "first boot and activation": Transition(nothing, boot),
    "a boot": Transition(ACTIVE, lambda bench: bench.restart()),
    "refused at first": Transition(nothing, given(decision=Decision.LOCK_TERRITORY)),
    "pending at first": Transition(nothing, given(decision=Decision.PENDING)),
    "checked in": Transition(ACTIVE, recheck()),
    "locked later": Transition(ACTIVE, recheck(decision=Decision.LOCK_FINANCE)),
    "deactivated": Transition(ACTIVE, recheck(decision=Decision.DEACTIVATE)),
    "released": Transition(
        given(decision=Decision.LOCK_BLOCKLIST, recheck_after=DAY), recheck(recheck_after=None)
    ),
    "unlocked by ticket": Transition(given(decision=Decision.LOCK_TERRITORY), take_ticket),
    "keyset rotated": Transition(ACTIVE, rotate),
    "factory reset": Transition(ACTIVE, reset),
    "another IMEI": Transition(ACTIVE, change_imei),
    "announced lock": Transition(given(extensions=Extensions(lock_notice=DAY)), wait_for_the_lock),
}


def prepared(name: str) -> Bench:
    bench = Bench()
    TRANSITIONS[name].prepare(bench)
    bench.flash.changes = 0
    return bench


class Trace:
    """The flash of a run without faults: every record that was durable, in order."""

    def __init__(self, name: str) -> None:
        bench = prepared(name)
        self.before = bench.phone.record
        states = [bench.phone.lock_state]
        original = MemoryFlash.bump_counter

        class Watched(MemoryFlash):
            __slots__ = ()

            def bump_counter(self) -> None:
                original(self)
                probe = Bench(flash=copy_of(bench.flash), board=bench.board)
                probe.online = False
                probe.boot(evidence=False)
                states.append(probe.phone.lock_state)

        bench.flash.__class__ = Watched
        TRANSITIONS[name].act(bench)
        self.states = set(states)
        self.final = bench.phone.lock_state
        self.operations = bench.flash.changes


def copy_of(flash: MemoryFlash) -> MemoryFlash:
    copy = MemoryFlash()
    copy.restore(*flash.dump())
    return copy


TRACES: dict[str, Trace] = {}


def trace(name: str) -> Trace:
    if name not in TRACES:
        TRACES[name] = Trace(name)
    return TRACES[name]


def cut_points(name: str) -> Iterator[tuple[int, FaultKind, Remains]]:
    for point in range(trace(name).operations):
        for remains in Remains:
            yield point, FaultKind.CUT, remains
        yield point, FaultKind.TORN, Remains.LOST
        yield point, FaultKind.TORN, Remains.KEPT


def check_after(bench: Bench, name: str, where: str) -> None:
    """What must hold when the phone comes up without a network."""
    known = trace(name)
    bench.online = False
    bench.intercept = lambda reply: [reply]
    evidence = bench.evidence
    bench.restart()
    phone = bench.settle()
    assert phone.lock_state in known.states, where
    record = phone.record
    before = known.before
    assert record.time_floor >= before.time_floor, where
    floors = (record.policy_epoch, record.policy_version)
    assert floors >= (before.policy_epoch, before.policy_version), where
    assert set(before.tickets) <= set(record.tickets), where
    if phone.view.page in (Page.HOME, Page.WARNING):
        assert phone.lock_state is LockState.ACTIVE, where
        assert record.answer, where
        assert record.imei == evidence.imei, where
    if name == "unlocked by ticket":
        # Used and open, or neither.
        assert bool(record.tickets) == (phone.lock_state is LockState.ACTIVE), where


@pytest.mark.parametrize("name", TRANSITIONS)
def test_a_power_cut_anywhere_leaves_the_old_state_or_the_new_one(name: str) -> None:
    points = list(cut_points(name))
    assert len(points) >= 28
    for point, kind, remains in points:
        bench = prepared(name)
        bench.flash.arm([Fault(kind, first=point)])
        where = f"{name}: operation {point}, {kind.value}, {remains.value}"
        with pytest.raises(PowerCut):
            TRANSITIONS[name].act(bench)
        bench.flash.power_cycle(remains)
        check_after(bench, name, where)


@pytest.mark.parametrize("name", TRANSITIONS)
@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.TORN])
def test_a_second_cut_while_the_first_is_mended_loses_nothing_either(name, kind) -> None:
    for point in range(trace(name).operations):
        for second in range(8):
            bench = prepared(name)
            bench.flash.arm([Fault(kind, first=point)])
            with pytest.raises(PowerCut):
                TRANSITIONS[name].act(bench)
            bench.flash.power_cycle(Remains.KEPT)
            bench.flash.arm([Fault(kind, first=second)])
            bench.online = False
            try:
                bench.restart()
                bench.settle()
            except PowerCut:
                pass
            bench.flash.power_cycle(Remains.LOST)
            check_after(bench, name, f"{name}: operations {point}, then {second}")


@pytest.mark.parametrize("name", TRANSITIONS)
@pytest.mark.parametrize(
    "kind", [FaultKind.EIO, FaultKind.EIO_AFTER, FaultKind.ENOSPC, FaultKind.READ_ONLY]
)
@pytest.mark.parametrize("count", [1, None], ids=["once", "for ever"])
def test_a_flash_that_fails_anywhere_loses_nothing_and_stops_nothing(name, kind, count) -> None:
    for point in range(trace(name).operations):
        bench = prepared(name)
        bench.flash.arm([Fault(kind, first=point, count=count)])
        where = f"{name}: operation {point}, {kind.value}, {count}"
        TRANSITIONS[name].act(bench)
        assert bench.phone.lock_state in trace(name).states, where
        if bench.phone.view.page in (Page.HOME, Page.WARNING):
            assert bench.phone.lock_state is LockState.ACTIVE, where
        remains = Remains.LOST if point % 2 else Remains.KEPT
        bench.flash.power_cycle(remains)
        check_after(bench, name, where)


@pytest.mark.parametrize("kind", [FaultKind.ZERO, FaultKind.MAXIMUM, FaultKind.EIO])
@pytest.mark.parametrize("name", TRANSITIONS)
def test_a_counter_that_fails_in_mid_transition_loses_nothing(name, kind) -> None:
    bench = prepared(name)
    bench.flash.arm([Fault(kind, operations=(Operation.READ_COUNTER,), count=None)])
    TRANSITIONS[name].act(bench)
    if bench.phone.view.page in (Page.HOME, Page.WARNING):
        assert bench.phone.lock_state is LockState.ACTIVE
    bench.flash.power_cycle(Remains.KEPT)
    check_after(bench, name, f"{name}: {kind.value}")


def test_the_transitions_write_no_more_than_they_must() -> None:
    # Erase, write, flush, bump: four operations a commit.
    commits = {name: trace(name).operations / len(CHANGES) for name in TRANSITIONS}
    assert commits["first boot and activation"] == 2
    assert commits["a boot"] == 1
    assert commits["checked in"] == 1
    assert commits["unlocked by ticket"] == 1
