"""Rotation: who may say what, from one keyset to the next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firmware_sim.handset.flash import Fault, FaultKind
from firmware_sim.view import Page
from firmware_sim_protocol.numbers import Decision, LockState, MessageType, Role
from tests.support.deployment import NOW_S, YEAR_S, Bench, key

DAY = 86_400


def rotated(bench: Bench, **changes: object):
    """Version 2 of the bench's keyset: the same keys but for `changes`."""
    return replace(bench.server.keyset, version=bench.server.keyset.version + 1, **changes)


def with_new_act(bench: Bench):
    keys = bench.server.keys
    fresh = key("act 2")
    entries = [row for row in bench.server.keyset.entries if not row.roles & Role.ACT]
    return rotated(bench, entries=(*entries, keys.entry(fresh, Role.ACT))), fresh


def test_a_phone_that_is_behind_takes_the_keysets_one_by_one_and_keeps_them() -> None:
    bench = Bench()
    bench.server.rotate(rotated(bench))
    keyset, act = with_new_act(bench)
    bench.server.rotate(keyset)
    bench.server.signer = act
    bench.boot()
    assert bench.settle().view.page is Page.HOME
    assert bench.phone.keyset.version == 3
    bench.restart()
    bench.settle()
    assert bench.phone.keyset == keyset
    assert bench.phone.lock_state is LockState.ACTIVE


def test_a_dropped_key_signs_nothing_any_more() -> None:
    bench = Bench()
    keyset, _ = with_new_act(bench)
    bench.server.rotate(keyset)
    bench.boot()
    bench.settle()
    assert bench.refusals() == ["key-known"]
    assert bench.phone.lock_state is LockState.UNPROVISIONED


def test_what_a_dropped_key_has_signed_stands_until_the_server_is_asked_at_once() -> None:
    bench = Bench()
    bench.server.answer = {"recheck_after": 100 * DAY}
    bench.boot()
    bench.settle()
    keyset, act = with_new_act(bench)
    bench.server.rotate(keyset)
    bench.server.signer = key("nobody")
    bench.see(serving="26202")
    bench.settle()
    bench.restart()
    assert bench.settle().view.page is Page.HOME
    bench.server.signer = act
    bench.server.answer = {"decision": Decision.LOCK_TERRITORY, "policy_version": 2}
    assert bench.run(60_000).view.page is Page.LOCKED


@pytest.mark.parametrize(
    ("changes", "signers", "rule"),
    [
        ({}, (0,), "threshold-old"),
        ({}, (0, 0), "sig-distinct"),
        ({"version": 4}, (0, 1), "keyset-next"),
        ({"version": 1}, (0, 1), "keyset-next"),
        ({"policy_epoch": 0}, (0, 1), "keyset-epoch"),
        ({"not_after": NOW_S - 2 * YEAR_S}, (0, 1), "keyset-validity"),
        ({"realm": b"another-realm-00"}, (0, 1), "bind-realm"),
        ({"root_threshold": 3}, (0, 1), "threshold-new"),
    ],
)
def test_a_keyset_that_breaks_a_rule_is_dropped_and_the_old_one_stays(
    changes, signers, rule
) -> None:
    bench = Bench()
    bench.boot()
    keys = bench.server.keys
    bad = keys.signed(replace(rotated(bench), **changes), tuple(keys.roots[n] for n in signers))
    sent: list[bytes] = []

    def precede(reply: bytes) -> list[bytes]:
        if reply[5] == MessageType.CHALLENGE and not sent:
            sent.append(bad)
            return [bad, reply]
        return [reply]

    bench.intercept = precede
    assert bench.settle().view.page is Page.HOME
    assert bench.refusals() == [rule]
    assert bench.phone.keyset.version == 1


def test_new_roots_must_sign_themselves_in() -> None:
    bench = Bench()
    keys = bench.server.keys
    roots = tuple(key(f"new root {n}") for n in range(3))
    rest = [row for row in bench.server.keyset.entries if not row.roles & Role.ROOT]
    keyset = rotated(bench, entries=(*[keys.entry(root, Role.ROOT) for root in roots], *rest))
    bench.server.rotate(keyset, keys.roots[:2])
    bench.boot()
    bench.settle()
    # The last rule of the keyset's, then the answer that was made under it.
    assert bench.refusals() == ["threshold-new", "policy-keyset"]
    other = Bench()
    other.server.rotate(keyset, (*keys.roots[:2], *roots[:2]))
    other.boot()
    assert other.settle().view.page is Page.HOME
    assert other.phone.keyset.version == 2


def test_only_the_roots_open_an_epoch_in_which_versions_count_anew() -> None:
    bench = Bench()
    bench.server.answer = {"policy_version": 9, "recheck_after": DAY}
    bench.boot()
    bench.settle()
    bench.server.answer = {"policy_epoch": 2, "policy_version": 1}
    bench.run(DAY * 1000)
    assert bench.refusals() == ["policy-epoch"]
    bench.server.answer = {"policy_version": 1, "recheck_after": DAY}
    bench.server.rotate(rotated(bench, policy_epoch=2))
    bench.run(3_600_000)
    assert bench.phone.keyset.policy_epoch == 2
    assert (bench.phone.record.policy_epoch, bench.phone.record.policy_version) == (2, 1)
    assert bench.refusals() == ["policy-epoch"]


def test_a_keyset_that_cannot_be_stored_is_not_in_force() -> None:
    bench = Bench()
    bench.server.rotate(rotated(bench))
    bench.boot()
    bench.flash.arm([Fault(FaultKind.ENOSPC)])
    bench.settle()
    assert bench.refusals()[0] == "store-durable"
    assert bench.phone.keyset.version == 1
    bench.restart()
    assert bench.settle().keyset.version == 2


def test_a_newer_factory_keyset_replaces_an_older_stored_one() -> None:
    bench = Bench()
    bench.server.rotate(rotated(bench))
    bench.boot()
    bench.settle()
    bench.trust = replace(bench.server.keyset, version=7)
    bench.restart()
    assert bench.phone.keyset.version == 7
