"""A flash in memory, and every way in which a flash fails.

`MemoryFlash` is the model that tests and simulations cut power on. It keeps two images: what
the running phone sees, and what is durable. A write or an erase is durable after the next
flush; the counter is a part of its own, like the monotonic counter of an eMMC RPMB, and one
step of it is whole or does not happen.

Source: SPEC.md, "The record"; JEDEC JESD84-B51, 6.6.22 (replay protected memory block).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from firmware_sim.flash import ERASED, MAX_COUNTER, SLOTS
from firmware_sim.flash import Flash as Flash
from firmware_sim.flash import FlashError as FlashError


class PowerCut(Exception):
    """The simulated power is gone: nothing of the phone runs on. Only a test bench catches it."""


class Operation(enum.Enum):
    """What a fault can hit."""

    __hash__ = object.__hash__  # members are compared by identity; Enum's own hash is slow

    READ = "read"
    ERASE = "erase"
    WRITE = "write"
    FLUSH = "flush"
    READ_COUNTER = "read-counter"
    BUMP = "bump"


CHANGES = (Operation.ERASE, Operation.WRITE, Operation.FLUSH, Operation.BUMP)
"""The operations that a power cut is counted in."""


class FaultKind(enum.Enum):
    """How one operation fails."""

    CUT = "power is cut after the operation"
    TORN = "power is cut in the middle of the operation"
    EIO = "input/output error, the operation has no effect"
    EIO_AFTER = "input/output error, yet the operation took effect"
    ENOSPC = "no space left"
    READ_ONLY = "the flash is read-only"
    ZERO = "the counter reads as zero"
    MAXIMUM = "the counter reads as its maximum"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that strikes from the `first` matching operation on, for `count` operations.

    `first` counts matching operations from 0; `count` None means for ever.
    """

    kind: FaultKind
    operations: tuple[Operation, ...] = CHANGES
    first: int = 0
    count: int | None = 1


_TEXT = {
    FaultKind.EIO: "input/output error",
    FaultKind.EIO_AFTER: "input/output error",
    FaultKind.ENOSPC: "no space left on device",
    FaultKind.READ_ONLY: "read-only file system",
}


class Remains(enum.Enum):
    """What a power cut leaves of writes that were not flushed."""

    LOST = "nothing of them"
    KEPT = "all of them"
    TORN = "the first half of each"
    ONES = "the slot reads all FF"
    ZEROS = "the slot reads all 00"


class MemoryFlash:
    """A flash in memory with a fault model."""

    __slots__ = ("_counter", "_durable", "_faults", "_hits", "_seen", "changes")

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._seen = [ERASED, ERASED]
        self._durable = [ERASED, ERASED]
        self._counter = 0
        self._faults = tuple(faults)
        self._hits = [0] * len(self._faults)
        self.changes = 0
        """Operations of CHANGES so far: what a bench enumerates cut points by."""

    # The port --------------------------------------------------------------------------

    def read_slot(self, index: int) -> bytes:
        self._strike(Operation.READ)
        return self._seen[index]

    def erase_slot(self, index: int) -> None:
        self._change(Operation.ERASE, index, ERASED)

    def write_slot(self, index: int, data: bytes) -> None:
        self._change(Operation.WRITE, index, bytes(data))

    def flush(self) -> None:
        fault = self._strike(Operation.FLUSH)
        self.changes += 1
        if fault is not FaultKind.TORN:
            self._durable[:] = self._seen
        self._after(fault)

    def read_counter(self) -> int:
        fault = self._strike(Operation.READ_COUNTER)
        if fault is FaultKind.ZERO:
            return 0
        return MAX_COUNTER if fault is FaultKind.MAXIMUM else self._counter

    def bump_counter(self) -> None:
        fault = self._strike(Operation.BUMP)
        self.changes += 1
        if fault is not FaultKind.TORN:
            self._counter += 1
        self._after(fault)

    # The bench -------------------------------------------------------------------------

    def arm(self, faults: Sequence[Fault]) -> None:
        """Replace the faults; their counting starts now."""
        self._faults = tuple(faults)
        self._hits = [0] * len(self._faults)

    def power_cycle(self, remains: Remains = Remains.LOST) -> None:
        """What the next boot finds; faults are gone."""
        self.arm(())
        for index in range(SLOTS):
            if self._seen[index] != self._durable[index]:
                self._seen[index] = self._left(index, remains)
        self._durable[:] = self._seen

    def dump(self) -> tuple[bytes, bytes, int]:
        """Both slots and the counter, as they are seen now."""
        return self._seen[0], self._seen[1], self._counter

    def restore(self, slot0: bytes, slot1: bytes, counter: int | None = None) -> None:
        """Put back what `dump` gave, or anything else; None leaves the counter alone."""
        self._seen[:] = [slot0, slot1]
        self._durable[:] = self._seen
        if counter is not None:
            self._counter = counter

    def _change(self, operation: Operation, index: int, data: bytes) -> None:
        fault = self._strike(operation)
        self.changes += 1
        if fault is FaultKind.TORN:
            data = data[: len(data) // 2] if data else self._seen[index][:16]
            # Half of the cells have changed, flushed or not.
            self._durable[index] = data
        self._seen[index] = data
        self._after(fault)

    def _left(self, index: int, remains: Remains) -> bytes:
        seen = self._seen[index]
        match remains:
            case Remains.LOST:
                return self._durable[index]
            case Remains.KEPT:
                return seen
            case Remains.TORN:
                return seen[: len(seen) // 2]
            case Remains.ONES:
                return b"\xff" * max(len(seen), len(self._durable[index]))
            case Remains.ZEROS:
                return bytes(max(len(seen), len(self._durable[index])))

    def _strike(self, operation: Operation) -> FaultKind | None:
        for position, fault in enumerate(self._faults):
            if operation not in fault.operations:
                continue
            hit = self._hits[position]
            self._hits[position] += 1
            if hit < fault.first or (fault.count is not None and hit >= fault.first + fault.count):
                continue
            if fault.kind in (FaultKind.EIO, FaultKind.ENOSPC, FaultKind.READ_ONLY):
                raise FlashError(f"{operation.value}: {_TEXT[fault.kind]}")
            return fault.kind
        return None

    def _after(self, fault: FaultKind | None) -> None:
        if fault in (FaultKind.CUT, FaultKind.TORN):
            raise PowerCut
        if fault is FaultKind.EIO_AFTER:
            raise FlashError(_TEXT[fault])
