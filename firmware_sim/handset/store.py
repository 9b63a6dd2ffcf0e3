"""Two slots and a counter: how a record is written so that no power cut loses the phone.

Commit: write the inactive slot, flush, bump the counter. Boot takes the slot whose sequence
is the counter or one more, and completes a commit that was cut before its bump. Every cut
point leaves the old record or the new one. (Writing in place, or raising the counter first,
lost an ACTIVE record at three of five cut points.)

Source: SPEC.md, "The record".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from firmware_sim.flash import MAX_COUNTER, SLOTS, Flash, FlashError
from firmware_sim.handset.record import Record, changed, decode_record, encode_record
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.rules import SOUND, Guard, Rule


class Store:
    """The record behind its flash. `refused` is told why a slot was not taken."""

    __slots__ = (
        "_broken",
        "_flash",
        "_flushed",
        "_guard",
        "_key",
        "_refused",
        "_sequence",
        "_slot",
    )

    def __init__(
        self,
        flash: Flash,
        storage_key: bytes,
        guard: Guard = SOUND,
        refused: Callable[[Refusal], None] = lambda refusal: None,
    ) -> None:
        self._flash = flash
        self._key = storage_key
        self._guard = guard
        self._refused = refused
        self._slot: int | None = None
        self._sequence = 0
        self._broken = ""
        """Why nothing is written before the next boot."""
        self._flushed: int | None = None
        """The slot that durably holds the next record while its bump is unsure."""

    def load(self) -> tuple[Record | None, bool]:
        """The record that counts, and whether the phone is new. Writes nothing.

        (None, True): no record was ever committed. (None, False): one was, and it is gone.

        Raises:
            FlashError: the flash cannot be read.
        """
        self._slot, self._sequence, self._flushed, self._broken = None, 0, None, ""
        counter = self._flash.read_counter()
        best: Record | None = None
        ours = 0
        lost = False
        refusals: list[Refusal] = []
        for index in range(SLOTS):
            octets = self._flash.read_slot(index)
            if not octets:
                continue
            try:
                record = decode_record(octets, self._key, self._guard)
                ours += 1
                # No record runs ahead of a counter that works: nothing here may be used, and
                # above all nothing may be written.
                lost = lost or record.sequence > counter + 1
                current = record.sequence > 0 and record.sequence in (counter, counter + 1)
                detail = f"sequence {record.sequence}, counter {counter}"
                self._guard.require(Rule.STORE_COUNTER, current, detail)
            except Refusal as refusal:
                refusals.append(refusal)
                continue
            if best is None or record.sequence > best.sequence:
                best, self._slot, self._sequence = record, index, record.sequence
        if lost and self._guard.enforces(Rule.STORE_COUNTER):
            best, self._slot, self._sequence = None, None, 0
        for told in refusals:
            # Beside the record that counts lies the one before it: that is no news.
            if best is None or told.rule is not Rule.STORE_COUNTER:
                self._refused(told)
        # Slots without any record beside a counter of 0 are a new phone, or one whose very
        # first write was cut: nothing was ever decided there.
        return best, best is None and counter == 0 and ours == 0

    def commit(self, record: Record, **changes: Any) -> Record:
        """Make `record` with these changes the one that counts; return it with its sequence.

        Raises:
            FlashError: it is not known to be durable. The next boot finds the record before
                it or this one, whole.
        """
        if self._broken:
            raise FlashError(self._broken)
        counter = self._settled_counter()
        if counter >= MAX_COUNTER:
            raise FlashError("the monotonic counter is at its maximum")
        record = changed(record, changes | {"sequence": counter + 1})
        octets = encode_record(record, self._key)
        target = 0 if self._slot is None else 1 - self._slot
        flash = self._flash
        if not self._guard.enforces(Rule.STORE_ORDER):
            flash.bump_counter()
        flash.erase_slot(target)
        flash.write_slot(target, octets)
        flash.flush()
        self._flushed = target
        if self._guard.enforces(Rule.STORE_ORDER):
            try:
                flash.bump_counter()
            except FlashError:
                # It may have risen all the same; then the commit is done.
                if flash.read_counter() != record.sequence:
                    raise
        if flash.read_counter() != record.sequence:
            # It may have risen all the same, and lie: bumping it again could strand the record.
            self._broken = "the monotonic counter did not rise"
            raise FlashError(self._broken)
        self._slot, self._sequence, self._flushed = target, record.sequence, None
        return record

    def _settled_counter(self) -> int:
        """The counter, once it agrees with the record that counts."""
        counter = self._flash.read_counter()
        if self._flushed is not None and counter == self._sequence + 1:
            # The last commit failed at its bump, which took effect after all.
            self._slot, self._sequence = self._flushed, counter
        self._flushed = None
        if self._sequence == counter + 1:
            # The power went between flush and bump; or only the process died, and the slot is
            # not on the disk yet. It must be there before the counter says that it counts.
            self._flash.flush()
            self._flash.bump_counter()
            counter = self._flash.read_counter()
        if self._sequence != counter and self._guard.enforces(Rule.STORE_COUNTER):
            raise FlashError(f"the counter is {counter}, the record's sequence {self._sequence}")
        return counter
