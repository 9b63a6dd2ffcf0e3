"""What a stored answer must be, for a phone to start from the state that it explains."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from firmware_sim.handset.boot import states_of
from firmware_sim.handset.record import encode_record
from firmware_sim.view import Page
from firmware_sim_protocol.numbers import Decision, LockState, Reason
from firmware_sim_protocol.values import Extensions
from tests.support.deployment import IMEI, OTHER_IMEI, Bench, key

NOTICE = Extensions(lock_notice=60)


def started_from(bench: Bench, **changes: Any) -> Bench:
    """The phone after a boot from its record with these changes, sealed by its own key."""
    record = replace(bench.phone.record, **changes)
    bench.flash.restore(encode_record(record, bench.board.storage_key), b"", record.sequence)
    bench.online = False
    bench.restart()
    bench.settle()
    return bench


def active() -> Bench:
    bench = Bench()
    bench.boot()
    bench.settle()
    return bench


def answer(bench: Bench, **changes: Any) -> bytes:
    return bench.server.respond(bench.server.requests[0], **changes)


def test_the_record_as_it_was_is_fine() -> None:
    assert started_from(active()).phone.view.page is Page.HOME


@pytest.mark.parametrize(
    "changes",
    [
        {"realm": b"another-realm-00"},
        {"device_key_id": bytes(32)},
        {"imei": OTHER_IMEI},
        {"decision": Decision.LOCK_TERRITORY},
        {"decision": Decision.PENDING},
        {"decision": Decision.DEACTIVATE},
        {"signer": key("somebody")},
    ],
    ids=lambda changes: "-".join(map(str, changes)),
)
def test_an_answer_that_says_something_else_explains_nothing(changes: dict[str, Any]) -> None:
    bench = active()
    started_from(bench, answer=answer(bench, **changes))
    assert bench.refusals() == ["store-answer"]
    assert bench.phone.view.page is Page.STORAGE_FAULT


def test_a_damaged_answer_under_a_good_seal_explains_nothing() -> None:
    bench = active()
    stored = bytearray(bench.phone.record.answer)
    stored[-1] ^= 1
    started_from(bench, answer=bytes(stored))
    assert bench.refusals() == ["store-answer"]


@pytest.mark.parametrize("changes", [{"answer": b""}, {"signer": None}, {"answer": b"junk" * 9}])
def test_no_answer_and_no_signer_explain_nothing(changes: dict[str, Any]) -> None:
    bench = started_from(active(), **changes)
    assert bench.refusals() == ["store-answer"]
    assert bench.phone.lock_state is LockState.STORE_FAULT


def test_a_message_of_another_type_explains_nothing() -> None:
    bench = active()
    started_from(bench, answer=bench.server.requests[0])
    assert bench.refusals() == ["store-answer"]


def test_the_signer_of_the_record_must_be_the_signer_of_the_answer() -> None:
    bench = active()
    other = bench.server.keys.entry(key("other"), bench.phone.record.signer.roles)
    started_from(bench, signer=other)
    assert bench.refusals() == ["store-answer"]


@pytest.mark.parametrize(
    ("fields", "states"),
    [
        ({"decision": Decision.ACTIVATE}, {LockState.ACTIVE}),
        ({"decision": Decision.LOCK_FINANCE, "extensions": NOTICE}, {LockState.LOCKED_FINANCE}),
        (
            {"extensions": NOTICE, "reason": Reason.FINANCE},
            {LockState.ACTIVE, LockState.LOCKED_FINANCE},
        ),
        (
            {"extensions": NOTICE, "reason": Reason.PLACE_FORBIDDEN},
            {LockState.ACTIVE, LockState.LOCKED_TERRITORY},
        ),
    ],
)
def test_an_answer_explains_its_decision_and_the_lock_that_it_announces(fields, states) -> None:
    from firmware_sim_protocol.codec import parse_message
    from firmware_sim_protocol.envelope import open_envelope

    message = parse_message(open_envelope(answer(active(), **fields)))
    assert states_of(message) == states


def test_a_lock_that_was_never_announced_is_not_explained_by_an_activate() -> None:
    bench = started_from(active(), lock_state=LockState.LOCKED_FINANCE)
    assert bench.refusals() == ["store-answer"]


def test_a_stored_keyset_of_another_realm_is_none() -> None:
    bench = active()
    keys = bench.server.keys
    foreign = keys.signed(keys.keyset(realm=b"another-realm-00", version=2))
    started_from(bench, keyset=foreign)
    assert bench.refusals() == ["store-keyset"]


def test_of_two_keysets_of_one_version_the_factory_s_counts() -> None:
    bench = active()
    keys = bench.server.keys
    started_from(bench, keyset=keys.signed(keys.keyset(policy_epoch=1, root_threshold=1)))
    assert bench.phone.keyset == bench.trust
    assert bench.phone.record.imei == IMEI
