"""Attacks on what is stored: power cuts, old dumps, foreign records, flash that fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from firmware_sim.attacks import forge
from firmware_sim.attacks.attack import Actor, Attack, Goal, Play
from firmware_sim.attacks.bench import Bench, is_open
from firmware_sim.attacks.device import Ability, Dump
from firmware_sim.attacks.scenes import good_keyset, takes_keyset
from firmware_sim.attacks.world import OTHER_IMEI, POLICY_VERSION
from firmware_sim_protocol.numbers import Decision, LockState
from firmware_sim_protocol.rules import Rule


def _active(bench: Bench) -> None:
    bench.make()
    bench.activate()


def _dumped(change: Callable[[Dump], Dump]) -> Play:
    """An active device whose storage is changed while it is off."""

    def play(bench: Bench, hostile: bool) -> None:
        _active(bench)
        dump = bench.device.dump()
        if hostile:
            bench.hostile()
            dump = change(dump)
        bench.act("storage written back" + (", changed" if hostile else ""))
        bench.device.restore(dump)
        bench.forget_link()

    return play


def _mac_flipped(dump: Dump) -> Dump:
    return Dump(
        tuple(forge.flipped(slot, -1) if slot else slot for slot in dump.slots), dump.counter
    )


def _tail_erased(dump: Dump) -> Dump:
    return Dump(
        tuple(slot[:-16] + b"\xff" * 16 if slot else slot for slot in dump.slots), dump.counter
    )


def _old_dump(bench: Bench, hostile: bool) -> None:
    """Storage of the days when the phone was active, put back after it was locked."""
    bench.make()
    bench.recheck()
    dump = bench.device.dump()
    if hostile:
        bench.activate(
            decision=Decision.LOCK_TERRITORY, policy_version=POLICY_VERSION + 1, recheck_after=3600
        )
        bench.hostile()
    counter = bench.device.dump().counter
    bench.act("both slots of an older dump written back; the counter cannot be")
    bench.device.restore(Dump(dump.slots, counter))
    bench.forget_link()


def _foreign(bench: Bench, hostile: bool) -> None:
    """The storage of an active phone in another phone of the same batch key."""
    _active(bench)
    dump = bench.device.dump()
    if hostile:
        bench.hostile()
        bench.make(device_key=bench.world.rogue)
    bench.act("the dump written into this phone")
    bench.device.restore(dump)
    bench.forget_link()


def _other_modem(bench: Bench, hostile: bool) -> None:
    _active(bench)
    if hostile:
        bench.hostile()
        bench.act(f"a modem with IMEI {OTHER_IMEI} put in")
        bench.device.set_modem(imei=OTHER_IMEI)
    bench.reboot()


def _cut_everywhere(bench: Bench, hostile: bool) -> None:
    """Power cut after, and in the middle of, every flash operation of a commit."""
    for torn in (False, True):
        for operation in range(16):
            bench.make()
            bench.recheck()
            exchange = bench.exchange()
            if hostile:
                bench.hostile()
                bench.act(f"power cut {'in' if torn else 'after'} operation {operation}")
                bench.device.cut_at(operation, torn)
            bench.say(
                bench.answer(
                    exchange,
                    decision=Decision.LOCK_TERRITORY,
                    policy_version=POLICY_VERSION + 1,
                    recheck_after=3600,
                )
            )
            bench.finish()
            if not hostile:
                return
            if not bench.device.was_cut():
                break
            bench.reboot()
            if not _has_record(bench):
                return


def _has_record(bench: Bench) -> bool:
    """Whether the old record or the new one is there."""
    return bench.state() in (LockState.ACTIVE.name, LockState.LOCKED_TERRITORY.name)


def _no_write(first: int) -> Play:
    """The flash fails from an operation of the commit on; was HOME ever shown?"""

    def play(bench: Bench, hostile: bool) -> None:
        bench.make()
        exchange = bench.exchange()
        if hostile:
            bench.hostile()
            bench.act("every write of the flash fails")
            bench.device.fail_flash(first, None)
        bench.say(exchange.honest)
        bench.finish()

    return play


def _cut_before_commit(bench: Bench, hostile: bool) -> None:
    """Power is cut in the first write of the commit: what was on the screen then?"""
    bench.make()
    exchange = bench.exchange()
    if hostile:
        bench.hostile()
        bench.act("power cut at the first flash operation")
        bench.device.cut_at(0, True)
    bench.say(exchange.honest)
    bench.finish()


def _home_was_shown(bench: Bench) -> bool:
    return "HOME" in bench.pages


def _sealed(hostile_changes: dict[str, object], honest_changes: dict[str, object]) -> Play:
    """A record of one's own making under the right seal: the storage key has leaked."""

    def play(bench: Bench, hostile: bool) -> None:
        bench.make()
        if hostile:
            bench.lock()
            bench.hostile()
            bench.act(f"record sealed with {sorted(hostile_changes)}")
            bench.device.seal(**hostile_changes)
        else:
            bench.activate()
            bench.device.seal(**honest_changes)
        bench.forget_link()

    return play


def _record_version(bench: Bench, hostile: bool) -> None:
    _active(bench)
    if hostile:
        bench.hostile()
        bench.act("record sealed with version 9")
        bench.device.seal(version=9)
    else:
        bench.device.seal()
    bench.forget_link()


def _keyset_swapped(bench: Bench, hostile: bool) -> None:
    """A next keyset whose signature is bad, sealed into the record."""
    _active(bench)
    message = good_keyset(bench)
    if hostile:
        bench.hostile()
        message = forge.flipped(message, -1)
    bench.act("record sealed with another keyset")
    bench.device.seal(keyset=message)
    bench.forget_link()
    bench.device.advance(8 * 86_400_000)


def _wiped(bench: Bench, hostile: bool) -> None:
    """Activated under policy 100, reset to factory state, answered under policy 99."""
    _active(bench)
    bench.act("factory reset")
    bench.device.wipe()
    bench.forget_link()
    exchange = bench.exchange()
    if hostile:
        bench.hostile()
        bench.say(bench.answer(exchange, policy_version=POLICY_VERSION - 1))
    else:
        bench.say(exchange.honest)
    bench.finish()


def _row(
    id: str,
    family: str,
    rule: Rule,
    sent: str,
    source: str,
    play: Play,
    *needs: Ability,
    goal: Goal = is_open,
    actor: Actor = Actor.STORAGE,
    recovers: bool = False,
    **more: Any,
) -> Attack:
    return Attack(
        id=id,
        family=family,
        rule=rule,
        sent=sent,
        source=source,
        play=play,
        goal=goal,
        needs=frozenset(needs),
        actor=actor,
        recovers=recovers,
        **more,
    )


S, C, R, F = Ability.STORE, Ability.CUT, Ability.REBOOT, Ability.FAIL
ROWS = (
    _row(
        "STO-001",
        "power-cut",
        Rule.STORE_ORDER,
        "power cut after and in every flash operation of a commit",
        "mcuboot sim run_perm_with_fails; Pillai et al., OSDI 2014",
        _cut_everywhere,
        C,
        R,
        Ability.TIME,
        goal=_has_record,
        denial=True,
        expected="the old record or the new one",
    ),
    _row(
        "STO-002",
        "torn-write",
        Rule.STORE_MAC,
        "the last 16 octets of both records erased",
        "mcuboot secondary_leftover_trailer",
        _dumped(_tail_erased),
        S,
    ),
    _row(
        "STO-003",
        "flash-replay",
        Rule.STORE_COUNTER,
        "both slots of an older dump under the present counter",
        "CVE-2020-13799",
        _old_dump,
        S,
        Ability.TIME,
    ),
    _row(
        "STO-004",
        "tamper",
        Rule.STORE_MAC,
        "one bit of both records turned",
        "AVB tamper-evident storage",
        _dumped(_mac_flipped),
        S,
    ),
    _row(
        "BND-009",
        "binding",
        Rule.STORE_DEVICE,
        "the storage of an active phone in a phone with another device key",
        "AVB persistent attributes",
        _foreign,
        S,
    ),
    _row(
        "BND-008",
        "binding",
        Rule.STORE_IMEI,
        "a modem with another IMEI",
        "AOSP DeviceLock registered_device_identifier",
        _other_modem,
        Ability.MODEM,
        R,
        actor=Actor.MODEM,
    ),
    _row(
        "STO-008",
        "verify-at-boot",
        Rule.STORE_ANSWER,
        "a locked record that says ACTIVE, properly sealed",
        "RFC 9124, REQ.SEC.AUTH.EXEC; CVE-2020-15163",
        _sealed({"lock_state": LockState.ACTIVE}, {}),
        Ability.SEAL,
    ),
    _row(
        "STO-008-E",
        "verify-at-boot",
        Rule.STORE_ANSWER,
        "an ACTIVE record without any answer, properly sealed",
        "RFC 9124, REQ.SEC.AUTH.EXEC",
        _sealed({"lock_state": LockState.ACTIVE, "answer": b"", "signer": None}, {}),
        Ability.SEAL,
    ),
    _row(
        "STO-007",
        "toctou",
        Rule.STORE_KEYSET,
        "a stored keyset whose signature is bad",
        "CVE-2021-41131; CWE-367",
        _keyset_swapped,
        Ability.SEAL,
        Ability.TIME,
        goal=takes_keyset,
    ),
    _row(
        "POL-008",
        "firmware-downgrade",
        Rule.STORE_VERSION,
        "a record of version 9",
        "mcuboot issue 1708",
        _record_version,
        Ability.SEAL,
    ),
    _row(
        "POL-007",
        "factory-reset",
        Rule.STORE_FLOORS,
        "a factory reset, then an answer of an older policy",
        "AVB tamper-evident storage; FRP bypasses",
        _wiped,
        Ability.WIPE,
        actor=Actor.PERSON,
        recovers=True,
    ),
    _row(
        "STO-009",
        "disk-full",
        Rule.STORE_DURABLE,
        "every flash operation of the commit fails",
        "fsync behaviour of PostgreSQL, 2018 (from memory)",
        _no_write(0),
        F,
    ),
    _row(
        "STO-009-F",
        "disk-full",
        Rule.STORE_DURABLE,
        "flush and all after it fail",
        "fsync behaviour of PostgreSQL, 2018 (from memory)",
        _no_write(2),
        F,
    ),
    _row(
        "STO-010",
        "order",
        Rule.SCREEN_AFTER_COMMIT,
        "power cut in the first write of a commit",
        "Pillai et al., OSDI 2014",
        _cut_before_commit,
        C,
        goal=_home_was_shown,
    ),
)
