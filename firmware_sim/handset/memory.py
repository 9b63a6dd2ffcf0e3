"""What the phone knows about itself: the record in force, its keyset, its clocks' hints.

The only place that changes the record. A change is durable before anything else hears of it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from firmware_sim.flash import Flash, FlashError
from firmware_sim.handset.board import Board
from firmware_sim.handset.boot import Answer, stored_answer, stored_keyset
from firmware_sim.handset.lock import LOCK_MOVES, LOCKED, LockEvent
from firmware_sim.handset.log import Log
from firmware_sim.handset.moves import follow
from firmware_sim.handset.record import Record
from firmware_sim.handset.store import Store
from firmware_sim_protocol.envelope import Envelope
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.keyset import KeyRing
from firmware_sim_protocol.numbers import Cause, LockState
from firmware_sim_protocol.rules import Guard, Rule
from firmware_sim_protocol.values import KeySet

KEEP = -1
"""Instants are never negative: leave this one as it is."""

ring_of = lru_cache(maxsize=64)(KeyRing)
"""Phones of one batch trust one keyset; its keys are decoded once."""

NO_ANSWER: dict[str, Any] = {"answer": b"", "signer": None, "serving": ""}


class Memory:
    """The record of one phone, at run time. `now` is monotonic milliseconds."""

    __slots__ = (
        "_guard",
        "_key_id",
        "_log",
        "_rtc_ms",
        "_store",
        "_trust",
        "_trust_ring",
        "answer",
        "notice_at",
        "now",
        "poisoned_floor",
        "problem",
        "recheck_at",
        "record",
        "ring",
    )

    def __init__(self, board: Board, flash: Flash, trust: KeySet, guard: Guard, log: Log) -> None:
        self._key_id = board.device_key.public.key_id
        self._trust = trust
        self._guard = guard
        self._log = log
        self.now = 0
        """The latest instant that the phone was told."""
        self._rtc_ms = 0
        self._store = Store(flash, board.storage_key, guard, self._slot_refused)
        self.record = Record(device_key_id=self._key_id, policy_epoch=trust.policy_epoch)
        self._trust_ring: KeyRing = ring_of(trust)
        self.ring = self._trust_ring
        self.answer: Answer | None = None
        """The verified answer that explains the state."""
        self.problem = ""
        self.recheck_at: int | None = None
        self.notice_at: int | None = None
        self.poisoned_floor = 0
        """Only a twin raises it: a floor that no verified message has set."""

    @property
    def realm(self) -> bytes:
        return self._trust.realm

    @property
    def state(self) -> LockState:
        return self.record.lock_state

    @property
    def floor(self) -> int:
        """The time floor, seconds since 1970: what absolute times are held against."""
        if not self._guard.enforces(Rule.TIME_SOURCE):
            return self.rtc_s(self.now)
        return max(self.record.time_floor, self._trust.not_before, self.poisoned_floor)

    def rtc_s(self, now: int) -> int:
        """The wall clock, seconds since 1970: shown, and used to ask sooner; never believed."""
        return max(0, (self._rtc_ms + now) // 1000)

    def set_clock(self, rtc_s: int, now: int) -> None:
        self._rtc_ms = rtc_s * 1000 - now

    def after(self, event: LockEvent) -> LockState:
        """The lock state that `event` leads to.

        Raises:
            IllegalMove: the table has no such move.
        """
        return follow(LOCK_MOVES, self.record.lock_state, event)

    def boot(self, now: int, rtc_s: int, write: bool) -> None:
        """Read the record and judge it. `write`: count this boot."""
        self.now = now
        self.set_clock(rtc_s, now)
        self.problem = ""
        self.answer = None
        self.recheck_at = self.notice_at = None
        self.poisoned_floor = 0
        self.ring = self._trust_ring
        new = Record(device_key_id=self._key_id, policy_epoch=self._trust.policy_epoch)
        try:
            found, is_new = self._store.load()
            if found is None and not is_new:
                raise Refusal(Rule.STORE_COUNTER, "no slot holds a record that counts")
            self.record = self._accept(found) if found is not None else new
        except Refusal as refusal:
            self._log.refusal(now, refusal, "record")
            self._lose(new, str(refusal), now)
            return
        except FlashError as error:
            self._lose(new, error.text, now)
            return
        self._resume_hints(now, rtc_s)
        if write:
            self._count_boot(now)

    def _accept(self, record: Record) -> Record:
        guard = self._guard
        if record.device_key_id != self._key_id:
            try:
                guard.require(Rule.STORE_DEVICE, False, record.device_key_id.hex()[:16])
            except Refusal as refusal:
                self._log.refusal(self.now, refusal, "record")
                record = self._disowned(record)
        keyset = stored_keyset(record, self._trust, guard)
        if keyset is not self._trust:
            self.ring = ring_of(keyset)
        self.answer = stored_answer(record, keyset, guard)
        return record

    def _disowned(self, record: Record) -> Record:
        """The record of a phone that is not the one it was: floors stay, the answer goes."""
        self.recheck_at = self.notice_at = None
        return replace(
            record,
            **NO_ANSWER,
            device_key_id=self._key_id,
            lock_state=follow(LOCK_MOVES, record.lock_state, LockEvent.IDENTITY_CHANGED),
            cause=Cause.IDENTITY_CHANGED,
            imei="",
            imei2="",
            recheck_s=None,
            notice_s=None,
        )

    def _lose(self, new: Record, why: str, now: int) -> None:
        self.record = replace(new, lock_state=LockState.STORE_FAULT)
        self.problem = why
        self._log.add(now, "state", f"STORE_FAULT: {why}", part="flash")

    def _resume_hints(self, now: int, rtc_s: int) -> None:
        record = self.record
        elapsed = rtc_s - record.rtc_s
        if record.recheck_s is not None:
            # A clock that went backwards may not put the check-in off.
            left = record.recheck_s - elapsed if elapsed >= 0 else 0
            self.recheck_at = now + 1000 * max(0, left)
        if record.notice_s is not None:
            self.notice_at = now + 1000 * max(0, record.notice_s - max(0, elapsed))
            if elapsed < 0:
                self.recheck_at = now

    def _count_boot(self, now: int) -> None:
        try:
            self.commit(now, boot_count=min(self.record.boot_count + 1, 0xFFFF_FFFE))
        except FlashError as error:
            # A phone whose flash refuses keeps the state that it verified.
            self.record = replace(self.record, boot_count=self.record.boot_count + 1)
            self._log.add(now, "commit", f"boot not counted: {error.text}", part="flash")

    def commit(
        self,
        now: int,
        *,
        recheck_at: int | None = KEEP,
        notice_at: int | None = KEEP,
        **changes: Any,
    ) -> None:
        """Make these changes of the record durable.

        Raises:
            FlashError: they are not; the phone goes on with the record it has.
        """
        self.now = now
        if recheck_at == KEEP:
            recheck_at = self.recheck_at
        if notice_at == KEEP:
            notice_at = self.notice_at
        changes["recheck_s"] = _left(recheck_at, now)
        changes["notice_s"] = _left(notice_at, now)
        changes["rtc_s"] = self.rtc_s(now)
        before = self.record
        if not self._guard.enforces(Rule.SCREEN_AFTER_COMMIT):
            self.record = replace(before, **changes)
        try:
            self.record = self._store.commit(before, **changes)
        except FlashError:
            self.record = before
            if self._guard.enforces(Rule.STORE_DURABLE):
                raise
            self.record = replace(before, **changes)
        self.recheck_at, self.notice_at = recheck_at, notice_at
        self._log.add(now, "commit", f"record {self.record.sequence}", part="flash")

    def adopt_keyset(self, envelope: Envelope, keyset: KeySet, now: int) -> None:
        """Put a verified KEYSET in force.

        Raises:
            FlashError: it is not durable, and not in force.
        """
        changes: dict[str, Any] = {"keyset": envelope.raw}
        if keyset.policy_epoch > self.record.policy_epoch:
            # Versions of the policy count anew in an epoch that the roots have opened.
            changes |= {"policy_epoch": keyset.policy_epoch, "policy_version": 0}
            changes["decision"] = None
        recheck_at: int | None = KEEP
        signer = self.record.signer
        kept = {entry.public_key for entry in keyset.entries}
        if signer is not None and signer.public_key not in kept:
            # What a dropped key has signed stands until the server has been asked again.
            recheck_at = now
        self.commit(now, recheck_at=recheck_at, **changes)
        self.ring = ring_of(keyset)

    def change_identity(self, now: int) -> None:
        """The modem reports another IMEI than the record's: the phone must ask anew.

        Raises:
            FlashError: the change is not durable. It holds for this boot all the same: to
                forget an activation is safe.
        """
        self.record, self.answer = self._disowned(self.record), None
        self.commit(now)

    def factory_reset(self, now: int) -> None:
        """Forget the person, never the floors.

        Raises:
            FlashError: nothing is reset.
        """
        state = self.after(LockEvent.FACTORY_RESET)
        changes: dict[str, Any] = {"lock_state": state, "locale": ""}
        if state not in LOCKED:
            changes |= NO_ANSWER
            changes |= {"cause": Cause.FACTORY_RESET, "imei": "", "imei2": ""}
            changes |= {"recheck_at": None, "notice_at": None}
        if not self._guard.enforces(Rule.STORE_FLOORS):
            changes |= {"time_floor": 0, "policy_version": 0, "tickets": (), "decision": None}
        self.commit(now, **changes)
        if not self.record.answer:
            self.answer = None

    def _slot_refused(self, refusal: Refusal) -> None:
        self._log.refusal(self.now, refusal, "slot")


def _left(at: int | None, now: int) -> int | None:
    return None if at is None else max(0, (at - now) // 1000)
