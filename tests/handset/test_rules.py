"""Every rule that the handset enforces: what breaks it is refused, and a twin without it yields.

Each row breaks one rule and says whether the phone was misled. The sound phone never is and
names the rule; the phone whose guard waives just this rule always is. So no check can be lost
without a test that turns red, and no row of the table is a name without a check behind it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import firmware_sim.handset
from firmware_sim.handset.flash import Fault, FaultKind, Operation, PowerCut, Remains
from firmware_sim.handset.record import MAC_SIZE, encode_record
from firmware_sim.view import Page, UserAction
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.numbers import (
    TEN_YEARS_S,
    Decision,
    LockState,
    MessageType,
    Role,
    TicketScope,
)
from firmware_sim_protocol.rules import SOUND, Guard, Rule
from firmware_sim_protocol.typed import from_text, to_text
from firmware_sim_protocol.values import Error
from tests.support.deployment import IMEI, NOW_S, OTHER_IMEI, YEAR_S, Bench, key

DAY = 86_400
Tempt = Callable[[Bench], bool]


def home(bench: Bench) -> bool:
    return bench.phone.view.page is Page.HOME


def answered_with(**changes: object) -> Tempt:
    """The first answer has these fields; misled is a phone that ends at home."""

    def tempt(bench: Bench) -> bool:
        bench.server.answer = dict(changes)
        bench.boot()
        bench.settle()
        return home(bench)

    return tempt


def lock_then(decision: Decision = Decision.LOCK_TERRITORY, **changes: object) -> Tempt:
    """A phone locked by policy 5; then, on request, the server answers with `changes`."""

    def tempt(bench: Bench) -> bool:
        bench.server.answer = {"decision": decision, "policy_version": 5}
        bench.boot()
        bench.settle()
        bench.server.answer = {"policy_version": 6, **changes}
        bench.phone.acts(UserAction("retry"), bench.now)
        bench.settle()
        return home(bench)

    return tempt


def delayed(milliseconds: int, max_age: int) -> Tempt:
    """The answer is held back for so long."""

    def tempt(bench: Bench) -> bool:
        bench.server.answer = {"max_age": max_age, "not_after": NOW_S + 10_000}
        held: list[bytes] = []

        def hold(reply: bytes) -> list[bytes]:
            if reply[5] == MessageType.RESPONSE:
                held.append(reply)
                return []
            return [reply]

        bench.intercept = hold
        bench.boot()
        bench.settle()
        bench.run(milliseconds)
        bench.intercept = lambda reply: [reply]
        bench.deliver(held[0])
        return home(bench)

    return tempt


def many_forgeries(bench: Bench) -> bool:
    """Misled is a phone that goes on listening to a flood."""
    bench.boot()

    def flood(reply: bytes) -> list[bytes]:
        if reply[5] != MessageType.RESPONSE:
            return [reply]
        return [reply[:-1] + bytes([reply[-1] ^ 1])] * 20 + [reply]

    bench.intercept = flood
    bench.settle()
    return home(bench)


def moved_meanwhile(bench: Bench) -> bool:
    bench.boot()
    bench.server.answer = {"decision": Decision.ACTIVATE}

    def move(reply: bytes) -> list[bytes]:
        if reply[5] == MessageType.RESPONSE and len(bench.server.requests) == 1:
            bench.see(serving="36801")
            bench.server.answer = {"decision": Decision.LOCK_TERRITORY}
        return [reply]

    bench.intercept = move
    bench.settle()
    return bench.server.confirms[0].lock_state is LockState.ACTIVE


def unsolicited(bench: Bench) -> bool:
    """An answer from an earlier boot, for a phone that asks nothing."""
    bench.server.answer = {"decision": Decision.LOCK_TERRITORY}
    bench.boot()
    bench.settle()
    late = bench.server.respond(
        bench.server.requests[-1], decision=Decision.ACTIVATE, policy_version=2
    )
    bench.online = False
    bench.restart()
    bench.deliver(late)
    return home(bench)


def answered_twice(bench: Bench) -> bool:
    """A second answer to the same request, after the first."""
    bench.server.answer = {"decision": Decision.LOCK_TERRITORY}
    bench.boot()
    bench.settle()
    bench.deliver(bench.server.respond(bench.server.requests[-1], decision=1, policy_version=2))
    return home(bench)


def forged_first(bench: Bench) -> bool:
    """Junk before the true answer; misled is a phone that then refuses the true one."""
    bench.boot()

    def forge(reply: bytes) -> list[bytes]:
        if reply[5] != MessageType.RESPONSE:
            return [reply]
        return [reply[:-1] + bytes([reply[-1] ^ 1]), reply]

    bench.intercept = forge
    bench.settle()
    return not home(bench)


def forged_time(bench: Bench) -> bool:
    """A forged answer from the year 2031; misled is a phone whose floor has moved."""
    bench.boot()
    before = bench.phone.floor

    def forge(reply: bytes) -> list[bytes]:
        if reply[5] != MessageType.RESPONSE:
            return [reply]
        late = bench.server.respond(
            bench.server.requests[-1],
            signer=key("somebody"),
            issued_at=NOW_S + 5 * YEAR_S,
            not_after=NOW_S + 6 * YEAR_S,
        )
        return [late]

    bench.intercept = forge
    bench.settle()
    return bench.phone.floor > before


def wall_clock_set_back(bench: Bench) -> bool:
    """An answer that was good last year, for a phone whose wall clock says last year."""
    bench.server.answer = {"decision": Decision.LOCK_TERRITORY}
    bench.boot()
    bench.settle()
    bench.rtc_s = NOW_S - YEAR_S // 2
    old = bench.rtc_s + 60
    bench.server.answer = {"policy_version": 2, "issued_at": old, "not_after": old + 600}
    bench.restart()
    bench.settle()
    return home(bench)


def an_error(bench: Bench) -> bool:
    bench.boot()
    bench.intercept = lambda reply: [build_message(Error(stage=0, retry_after=None), 1)]
    bench.settle()
    return home(bench)


def ticket_for(decision: Decision, scope: TicketScope, **changes: object) -> Tempt:
    def tempt(bench: Bench) -> bool:
        bench.server.answer = {"decision": decision}
        bench.boot()
        bench.settle()
        bench.online = False
        bench.phone.acts(UserAction("ticket.open"), bench.now)
        challenge = from_text(bench.phone.view.challenge)
        ticket = bench.server.ticket(challenge, scope, **changes)
        bench.phone.acts(UserAction("ticket", to_text(ticket)), bench.now)
        return home(bench)

    return tempt


def ticket_twice(bench: Bench) -> bool:
    same = {"ticket_id": b"the same ticket."}
    assert ticket_for(Decision.LOCK_TERRITORY, TicketScope.TERRITORY, **same)(bench)
    bench.online = True
    bench.see(serving="36801")
    bench.settle()
    bench.online = False
    bench.phone.acts(UserAction("ticket.open"), bench.now)
    challenge = from_text(bench.phone.view.challenge)
    again = bench.server.ticket(challenge, TicketScope.TERRITORY, **same)
    bench.phone.acts(UserAction("ticket", to_text(again)), bench.now)
    return home(bench)


def cut_between_unlock_and_used(bench: Bench) -> bool:
    """Misled is a phone that is open while its ticket is still good."""
    for point in range(8):
        bench.flash.restore(b"", b"", 0)
        bench.online = True
        bench.new_phone()
        bench.server.answer = {"decision": Decision.LOCK_TERRITORY}
        bench.boot()
        bench.settle()
        bench.online = False
        bench.phone.acts(UserAction("ticket.open"), bench.now)
        ticket = bench.server.ticket(from_text(bench.phone.view.challenge), TicketScope.TERRITORY)
        bench.flash.arm([Fault(FaultKind.CUT, first=point)])
        with contextlib.suppress(PowerCut):
            bench.phone.acts(UserAction("ticket", to_text(ticket)), bench.now)
        bench.flash.power_cycle(Remains.LOST)
        bench.restart()
        if bench.phone.lock_state is LockState.ACTIVE and not bench.phone.record.tickets:
            return True
    return False


def nonces_repeat(bench: Bench) -> bool:
    bench.server.answer = {"decision": Decision.PENDING}
    bench.boot()
    bench.settle()
    bench.run(60_000)
    requests = [parse_message(open_envelope(raw)) for raw in bench.server.requests]
    assert len(requests) > 1
    return len({request.device_nonce for request in requests}) < len(requests)


def asks_without_a_pause(bench: Bench) -> bool:
    """Misled is a phone that knocks on a closed door a thousand times a second."""
    bench.online = False
    bench.boot()
    bench.settle()
    return bench.phone.wake_at() - bench.now < 5_000


def keyset_of_strangers(bench: Bench) -> bool:
    """A keyset signed by its own roots only; misled is a phone that boots with it in force."""
    roots = tuple(key(f"rogue {number}") for number in range(3))
    rows = tuple(bench.server.keys.entry(root, Role.ROOT) for root in roots)
    rest = bench.server.keyset.entries[3:]
    rogue = replace(bench.server.keyset, version=2, entries=(*rows, *rest))
    forged = bench.server.keys.signed(rogue, roots[:2])
    bench.boot()
    bench.intercept = lambda reply: [forged] if reply[5] == MessageType.CHALLENGE else [reply]
    bench.settle()
    bench.restart()
    return bench.phone.keyset.version == 2


# The store ---------------------------------------------------------------------------------


def locked(bench: Bench) -> None:
    """A phone that is locked and switched off; from here on there is no server."""
    bench.server.answer = {"decision": Decision.LOCK_TERRITORY, "policy_version": 5}
    bench.boot()
    bench.settle()
    bench.online = False


def rewrite(bench: Bench, octets: bytes) -> None:
    """Put these octets into the slot that counts."""
    slot0, slot1, counter = bench.flash.dump()
    newest = bench.phone.record.sequence
    assert newest == counter
    is_first = slot0[6:10] == newest.to_bytes(4)
    bench.flash.restore(*((octets, slot1) if is_first else (slot0, octets)), counter)
    bench.restart()
    bench.settle()


def sealed(bench: Bench, **changes: object) -> bytes:
    return encode_record(replace(bench.phone.record, **changes), bench.board.storage_key)


def floors_edited(bench: Bench) -> bool:
    locked(bench)
    octets = sealed(bench, policy_version=1)
    seal = encode_record(bench.phone.record, bench.board.storage_key)[-MAC_SIZE:]
    rewrite(bench, octets[:-MAC_SIZE] + seal)
    return bench.phone.record.policy_version == 1


def form_of_the_future(bench: Bench) -> bool:
    import hmac

    locked(bench)
    octets = bytearray(sealed(bench)[:-MAC_SIZE])
    octets[4:6] = (2).to_bytes(2)
    seal = hmac.digest(bench.board.storage_key, b"ODAP/1 record\0" + octets, "sha256")
    rewrite(bench, bytes(octets) + seal)
    return bench.phone.lock_state is LockState.LOCKED_TERRITORY


def older_dump_restored(bench: Bench) -> bool:
    bench.boot()
    bench.settle()
    slot0, slot1, _ = bench.flash.dump()
    bench.server.answer = {"decision": Decision.LOCK_TERRITORY, "policy_version": 5}
    bench.see(serving="36801")
    bench.settle()
    bench.restart()
    bench.settle()
    bench.flash.restore(slot0, slot1)
    bench.online = False
    bench.restart()
    bench.settle()
    return home(bench)


def another_device_key(bench: Bench) -> bool:
    bench.boot()
    bench.settle()
    bench.online = False
    bench.board = replace(bench.board, device_key=key("another"))
    bench.restart()
    bench.settle()
    return home(bench)


def another_imei(bench: Bench) -> bool:
    bench.boot()
    bench.settle()
    bench.online = False
    bench.see(imei=OTHER_IMEI)
    return home(bench)


def active_without_reason(bench: Bench) -> bool:
    locked(bench)
    rewrite(bench, sealed(bench, lock_state=LockState.ACTIVE))
    return home(bench)


def keyset_without_roots(bench: Bench) -> bool:
    locked(bench)
    rogue = replace(bench.server.keyset, version=9)
    forged = bench.server.keys.signed(rogue, (key("rogue 1"), key("rogue 2")))
    rewrite(bench, sealed(bench, keyset=forged))
    return bench.phone.keyset.version == 9


def counter_first(bench: Bench) -> bool:
    """Misled is a phone that a power cut has cost its record."""
    for point in range(8):
        bench.flash.restore(b"", b"", 0)
        bench.new_phone()
        bench.boot()
        bench.settle()
        bench.flash.arm([Fault(FaultKind.CUT, first=point)])
        with contextlib.suppress(PowerCut):
            bench.restart()
        bench.flash.power_cycle(Remains.LOST)
        bench.restart()
        if bench.settle().lock_state is LockState.STORE_FAULT:
            return True
    return False


def reset_for_an_older_policy(bench: Bench) -> bool:
    locked(bench)
    bench.phone.factory_reset(bench.now)
    bench.server.answer = {"policy_version": 4}
    bench.online = True
    bench.phone.acts(UserAction("retry"), bench.now)
    bench.settle()
    return home(bench)


def no_space_left(bench: Bench) -> bool:
    """Misled is a phone that goes home though nothing was written."""
    bench.boot()
    bench.flash.arm([Fault(FaultKind.ENOSPC, count=None)])
    bench.settle()
    return home(bench)


def shown_when_the_power_goes(bench: Bench) -> bool:
    """Misled is a phone whose screen says home at the instant of the cut."""
    bench.boot()
    bench.flash.arm([Fault(FaultKind.CUT, operations=(Operation.ERASE,))])
    with pytest.raises(PowerCut):
        bench.settle()
    return bench.phone.lock_state is LockState.ACTIVE


ROWS: dict[Rule, tuple[Tempt, ...]] = {
    Rule.EXCHANGE_DEADLINE: (delayed(31_000, 120),),
    Rule.DROP_LIMIT: (many_forgeries,),
    Rule.BACK_OFF: (asks_without_a_pause,),
    Rule.NONCE_DRAWN: (nonces_repeat,),
    Rule.KEYSET_STORED: (keyset_of_strangers,),
    Rule.BIND_REALM: (
        answered_with(realm=b"another-realm-00"),
        ticket_for(Decision.PENDING, TicketScope.PENDING, realm=b"another-realm-00"),
    ),
    Rule.BIND_DEVICE: (
        answered_with(device_key_id=bytes(32)),
        ticket_for(Decision.PENDING, TicketScope.PENDING, device_key_id=bytes(32)),
    ),
    Rule.BIND_IMEI: (
        answered_with(imei=OTHER_IMEI),
        ticket_for(Decision.PENDING, TicketScope.PENDING, imei=OTHER_IMEI),
    ),
    Rule.BIND_EXCHANGE: (
        answered_with(exchange_id=1),
        ticket_for(Decision.PENDING, TicketScope.PENDING, exchange_id=1),
    ),
    Rule.BIND_REQUEST: (answered_with(request_hash=bytes(32)),),
    Rule.BIND_PLACE: (moved_meanwhile,),
    Rule.FRESH_SOLICITED: (unsolicited,),
    Rule.FRESH_NONCE: (
        answered_with(device_nonce=bytes(32)),
        ticket_for(Decision.PENDING, TicketScope.PENDING, challenge=bytes(32)),
    ),
    Rule.FRESH_AGE: (delayed(20_000, 19),),
    Rule.NONCE_BURN: (forged_first,),
    Rule.NONCE_ONCE: (answered_twice,),
    Rule.TIME_PLAUSIBLE: (
        answered_with(issued_at=NOW_S + TEN_YEARS_S, not_after=NOW_S + TEN_YEARS_S),
        answered_with(not_after=NOW_S + TEN_YEARS_S),
        answered_with(issued_at=NOW_S + TEN_YEARS_S),
    ),
    Rule.TIME_FLOOR: (lock_then(issued_at=NOW_S - 1),),
    Rule.TIME_EXPIRY: (lock_then(not_after=NOW_S - 1),),
    Rule.TIME_SOURCE: (wall_clock_set_back,),
    Rule.FLOOR_VERIFIED: (forged_time,),
    Rule.POLICY_EPOCH: (answered_with(policy_epoch=2), lock_then(policy_epoch=2)),
    Rule.POLICY_VERSION: (lock_then(policy_version=4),),
    Rule.POLICY_KEYSET: (answered_with(keyset_version=0), answered_with(keyset_version=2)),
    Rule.POLICY_EQUIVOCATION: (lock_then(policy_version=5),),
    Rule.TICKET_UNUSED: (ticket_twice,),
    Rule.TICKET_SCOPE: (
        ticket_for(Decision.LOCK_FINANCE, TicketScope.TERRITORY),
        ticket_for(Decision.LOCK_BLOCKLIST, TicketScope.FINANCE),
    ),
    Rule.ERROR_ADVISORY: (an_error,),
    Rule.STORE_MAC: (floors_edited,),
    Rule.STORE_VERSION: (form_of_the_future,),
    Rule.STORE_COUNTER: (older_dump_restored,),
    Rule.STORE_DEVICE: (another_device_key,),
    Rule.STORE_IMEI: (another_imei,),
    Rule.STORE_ANSWER: (active_without_reason,),
    Rule.STORE_KEYSET: (keyset_without_roots,),
    Rule.STORE_ORDER: (counter_first,),
    Rule.STORE_FLOORS: (reset_for_an_older_policy,),
    Rule.STORE_DURABLE: (no_space_left,),
    Rule.TICKET_ATOMIC: (cut_between_unlock_and_used,),
    Rule.SCREEN_AFTER_COMMIT: (shown_when_the_power_goes,),
}

NO_REFUSAL = {
    Rule.DROP_LIMIT: "gives up, which is no refusal of one message",
    Rule.BACK_OFF: "a way of acting",
    Rule.NONCE_DRAWN: "a way of acting",
    Rule.KEYSET_STORED: "the keyset is refused for what it lacks: threshold-old",
    Rule.NONCE_BURN: "what is refused is the forgery",
    Rule.NONCE_ONCE: "the nonce is gone, so the second answer is unsolicited",
    Rule.TIME_SOURCE: "the floor in its place refuses: time-floor",
    Rule.FLOOR_VERIFIED: "what is refused is the forgery",
    Rule.ERROR_ADVISORY: "an ERROR is taken for what it is",
    Rule.STORE_ORDER: "a way of acting",
    Rule.STORE_FLOORS: "the floor that is kept refuses: policy-version",
    Rule.TICKET_ATOMIC: "a way of acting",
    Rule.SCREEN_AFTER_COMMIT: "a way of acting",
}
"""Rules that are a way of acting: the sound phone shows them by what it does not do."""

CASES = [
    pytest.param(rule, tempt, id=f"{rule.id}-{number}")
    for rule, tempts in ROWS.items()
    for number, tempt in enumerate(tempts)
]


@pytest.mark.parametrize(("rule", "tempt"), CASES)
def test_the_sound_phone_refuses_and_names_the_rule(rule: Rule, tempt: Tempt) -> None:
    bench = Bench(guard=SOUND)
    assert not tempt(bench)
    if rule not in NO_REFUSAL:
        assert rule.id in bench.refusals()


@pytest.mark.parametrize(("rule", "tempt"), CASES)
def test_the_twin_without_the_rule_is_misled(rule: Rule, tempt: Tempt) -> None:
    assert tempt(Bench(guard=Guard(frozenset({rule}))))


def test_every_rule_that_the_handset_names_has_a_row() -> None:
    folder = Path(firmware_sim.handset.__file__).parent
    named = {
        Rule[name]
        for file in folder.glob("*.py")
        for name in re.findall(r"Rule\.([A-Z_]+)", file.read_text("utf-8"))
    }
    # A type that no device receives is refused by all, and no guard waives it.
    assert named - {Rule.HEADER_TYPE} == set(ROWS)


def test_a_message_for_servers_is_dropped() -> None:
    bench = Bench()
    bench.boot()
    bench.settle()
    bench.deliver(bench.server.requests[0])
    assert bench.refusals() == ["header-type"]
    assert home(bench)


def test_only_the_stage_goes_out_on_the_wire() -> None:
    bench = Bench()
    bench.server.answer = {"imei": OTHER_IMEI}
    bench.boot()
    bench.settle()
    assert [error.stage for error in bench.server.errors] == [int(Rule.BIND_IMEI.stage)]
    error = build_message(bench.server.errors[0], 0)
    assert IMEI.encode() not in error
    assert isinstance(parse_message(open_envelope(error)), Error)
