"""The record and its two slots, at rest: what a phone starts from, and what it does not."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.handset.flash import (
    MAX_COUNTER,
    Fault,
    FaultKind,
    FlashError,
    MemoryFlash,
    Operation,
    PowerCut,
    Remains,
)
from firmware_sim.handset.record import Record, UsedTicket, decode_record, encode_record
from firmware_sim.handset.store import Store
from firmware_sim.view import Page
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.numbers import Algorithm, Cause, Decision, LockState, Role
from firmware_sim_protocol.values import KeyEntry
from tests.support.deployment import Bench

KEY = bytes(range(32))
U32 = st.integers(0, 0xFFFF_FFFE)
U64 = st.integers(0, 2**64 - 1)
IMEIS = st.sampled_from(["", "490154203237518"])


@st.composite
def signers(draw: st.DrawFn) -> KeyEntry:
    algorithm = draw(st.sampled_from(Algorithm))
    size = 33 if algorithm is Algorithm.ESP256 else 32
    return KeyEntry(
        algorithm=algorithm,
        roles=Role(draw(st.integers(1, 31))),
        not_before=draw(U64),
        not_after=draw(U64),
        public_key=draw(st.binary(min_size=size, max_size=size)),
    )


records = st.builds(
    Record,
    device_key_id=st.binary(min_size=32, max_size=32),
    sequence=U32,
    boot_count=U32,
    lock_state=st.sampled_from(LockState),
    cause=st.sampled_from(Cause),
    imei=IMEIS,
    imei2=IMEIS,
    answer=st.binary(max_size=4096),
    signer=st.none() | signers(),
    serving=st.sampled_from(["", "26201", "310410"]),
    time_floor=U64,
    policy_epoch=U32,
    policy_version=U32,
    decision=st.none() | st.sampled_from(Decision),
    topic=st.binary(min_size=32, max_size=32),
    decided_until=U64,
    keyset=st.binary(max_size=4096),
    tickets=st.lists(
        st.builds(UsedTicket, ticket_id=st.binary(min_size=16, max_size=16), not_after=U64),
        max_size=64,
    ).map(tuple),
    recheck_s=st.none() | U32.filter(lambda value: value < 0xFFFF_FFFE),
    notice_s=st.none() | U32.filter(lambda value: value < 0xFFFF_FFFE),
    rtc_s=U64,
    locale=st.sampled_from(["", "en", "zh-Hant-TW"]),
)


@given(records)
def test_a_record_reads_back_as_it_was_written(record: Record) -> None:
    assert decode_record(encode_record(record, KEY), KEY) == record


def test_the_strategy_above_fills_every_field() -> None:
    filled = """
        device_key_id sequence boot_count lock_state cause imei imei2 answer signer serving
        time_floor policy_epoch policy_version decision topic decided_until keyset tickets
        recheck_s notice_s rtc_s locale
    """
    assert {field.name for field in fields(Record)} == set(filled.split())


@given(records, st.data())
def test_a_record_with_any_octet_changed_is_refused(record: Record, data: st.DataObject) -> None:
    octets = bytearray(encode_record(record, KEY))
    place = data.draw(st.integers(0, len(octets) - 1))
    octets[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Refusal, match="E_STORE"):
        decode_record(bytes(octets), KEY)


@given(st.binary(max_size=600))
def test_junk_is_refused_and_nothing_else_happens(octets: bytes) -> None:
    with pytest.raises(Refusal, match="E_STORE"):
        decode_record(octets, KEY)


def committed(count: int = 3) -> tuple[MemoryFlash, list[tuple[bytes, bytes, int]]]:
    """A flash after some commits, and what it held after each."""
    flash = MemoryFlash()
    store = Store(flash, KEY)
    store.load()
    dumps = []
    for number in range(count):
        store.commit(Record(device_key_id=bytes(32), boot_count=number))
        dumps.append(flash.dump())
    return flash, dumps


def test_an_erased_flash_is_a_new_phone_and_a_wiped_one_is_not() -> None:
    flash, _ = committed()
    assert Store(MemoryFlash(), KEY).load() == (None, True)
    flash.restore(b"", b"")
    assert Store(flash, KEY).load() == (None, False)


@pytest.mark.parametrize("filler", [b"\xff", b"\0"])
def test_slots_of_one_octet_are_no_records(filler: bytes) -> None:
    flash, _ = committed()
    flash.restore(filler * 600, filler * 600)
    assert Store(flash, KEY).load() == (None, False)


def test_the_inactive_slot_may_be_anything() -> None:
    flash, dumps = committed()
    slot0, _, counter = dumps[-1]
    flash.restore(slot0, b"\xff" * 100, counter)
    record, _ = Store(flash, KEY).load()
    assert record is not None
    assert record.boot_count == 2


def test_a_damaged_slot_that_counts_is_not_replaced_by_the_older_one() -> None:
    flash, dumps = committed()
    _, slot1, counter = dumps[-1]
    flash.restore(b"\0" * 100, slot1, counter)
    assert Store(flash, KEY).load() == (None, False)


def test_an_older_dump_of_both_slots_is_stale() -> None:
    flash, dumps = committed(4)
    slot0, slot1, _ = dumps[1]
    flash.restore(slot0, slot1)
    assert Store(flash, KEY).load() == (None, False)


def test_a_counter_that_reads_zero_beside_records_is_a_fault_not_a_new_phone() -> None:
    flash, _ = committed()
    flash.arm([Fault(FaultKind.ZERO, operations=(Operation.READ_COUNTER,), count=None)])
    assert Store(flash, KEY).load() == (None, False)


def test_a_counter_that_lies_leaves_nothing_written_and_nothing_lost() -> None:
    flash, dumps = committed(2)
    # The older record's sequence is the lying counter's plus one: it must not be taken.
    flash.arm([Fault(FaultKind.ZERO, operations=(Operation.READ_COUNTER,), count=None)])
    assert Store(flash, KEY).load() == (None, False)
    assert flash.dump() == dumps[-1]


def test_a_counter_that_does_not_rise_is_not_raised_again_before_the_next_boot() -> None:
    flash = MemoryFlash([Fault(FaultKind.ZERO, operations=(Operation.READ_COUNTER,), count=None)])
    store = Store(flash, KEY)
    store.load()
    for _ in range(3):
        with pytest.raises(FlashError, match="did not rise"):
            store.commit(Record(device_key_id=bytes(32), boot_count=7))
    flash.arm([])
    record, _ = Store(flash, KEY).load()
    assert record is not None
    assert (record.boot_count, flash.dump()[2]) == (7, 1)


def test_a_counter_at_its_maximum_refuses_before_anything_is_erased() -> None:
    flash = MemoryFlash()
    last = Record(device_key_id=bytes(32), sequence=MAX_COUNTER - 1)
    flash.restore(encode_record(last, KEY), b"", MAX_COUNTER - 1)
    store = Store(flash, KEY)
    record, _ = store.load()
    assert record == last
    assert store.commit(replace(last, boot_count=1)).sequence == MAX_COUNTER
    before = flash.dump()
    with pytest.raises(FlashError, match="at its maximum"):
        store.commit(replace(last, boot_count=2))
    assert flash.dump() == before


def test_an_active_phone_whose_counter_is_at_its_maximum_stays_active() -> None:
    bench = Bench()
    bench.boot()
    bench.settle()
    worn = replace(bench.phone.record, sequence=MAX_COUNTER)
    bench.flash.restore(encode_record(worn, bench.board.storage_key), b"", MAX_COUNTER)
    bench.restart()
    assert bench.settle().view.page is Page.HOME
    assert any("at its maximum" in event.text for event in bench.events)


@pytest.mark.parametrize("operation", [Operation.READ, Operation.READ_COUNTER])
def test_a_flash_that_cannot_be_read_is_a_fault_until_it_can(operation: Operation) -> None:
    bench = Bench()
    bench.boot()
    bench.settle()
    bench.flash.arm([Fault(FaultKind.EIO, operations=(operation,), count=None)])
    bench.restart()
    assert bench.settle().view.page is Page.STORAGE_FAULT
    assert "input/output error" in bench.phone.view.problem
    assert not bench.phone.wants_link
    bench.flash.arm([])
    bench.restart()
    assert bench.settle().view.page is Page.HOME


def test_a_commit_that_fails_shows_the_old_state_and_is_tried_again() -> None:
    bench = Bench()
    bench.boot()
    bench.flash.arm([Fault(FaultKind.ENOSPC)])
    view = bench.settle().view
    assert view.page is Page.STORAGE_FAULT
    assert view.problem == "erase: no space left on device"
    assert bench.phone.lock_state is LockState.UNPROVISIONED
    assert bench.refusals() == ["store-durable"]
    assert bench.run(10_000).view.page is Page.HOME


def boots_of(flash: MemoryFlash) -> int:
    record, _ = Store(flash, KEY).load()
    assert record is not None
    return record.boot_count


def interrupted(operation: Operation) -> MemoryFlash:
    """A flash whose third commit, to slot 0, was cut after `operation`; the power stays on."""
    flash, _ = committed(2)
    store = Store(flash, KEY)
    store.load()
    flash.arm([Fault(FaultKind.CUT, operations=(operation,))])
    with pytest.raises(PowerCut):
        store.commit(Record(device_key_id=bytes(32), boot_count=9))
    flash.arm([])
    return flash


def test_of_two_records_that_may_count_the_later_one_does() -> None:
    flash = interrupted(Operation.FLUSH)
    assert flash.dump()[2] == 2
    assert boots_of(flash) == 9


def test_a_commit_that_was_cut_before_its_bump_is_completed_by_the_next_one() -> None:
    flash = interrupted(Operation.FLUSH)
    store = Store(flash, KEY)
    store.load()
    assert store.commit(Record(device_key_id=bytes(32), boot_count=10)).sequence == 4
    assert flash.dump()[2] == 4
    assert boots_of(flash) == 10


def test_what_a_dead_process_has_written_is_on_the_disk_before_it_counts() -> None:
    # The process died before its flush: the next one reads the slot, but no disk has it yet.
    flash = interrupted(Operation.WRITE)
    store = Store(flash, KEY)
    store.load()
    flash.arm([Fault(FaultKind.CUT, operations=(Operation.BUMP,))])
    with pytest.raises(PowerCut):
        store.commit(Record(device_key_id=bytes(32), boot_count=10))
    flash.power_cycle(Remains.LOST)
    assert boots_of(flash) == 9


def test_a_bump_whose_success_was_not_seen_is_found_out_at_the_next_commit() -> None:
    flash, _ = committed(2)
    store = Store(flash, KEY)
    store.load()
    flash.arm(
        [
            Fault(FaultKind.EIO_AFTER, operations=(Operation.BUMP,)),
            Fault(FaultKind.EIO, operations=(Operation.READ_COUNTER,), first=1),
        ]
    )
    with pytest.raises(FlashError):
        store.commit(Record(device_key_id=bytes(32), boot_count=9))
    flash.arm([Fault(FaultKind.CUT, operations=(Operation.WRITE,))])
    with pytest.raises(PowerCut):
        store.commit(Record(device_key_id=bytes(32), boot_count=10))
    flash.power_cycle(Remains.LOST)
    # The next commit went to the other slot: what had counted unseen is still there.
    assert boots_of(flash) == 9
    assert store.commit(Record(device_key_id=bytes(32), boot_count=11)).sequence == 4
