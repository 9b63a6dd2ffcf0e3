"""The port behind a handset's record: two slots and one counter that only rises.

The handset writes through it, `handset.flash` is a model of it in memory, `links.flashfile`
keeps it in files.

Source: SPEC.md, "The record"; JEDEC JESD84-B51, 6.6.22 (replay protected memory block).
"""

from __future__ import annotations

from typing import Protocol

from firmware_sim.errors import SimError

SLOTS = 2
SLOT_SIZE = 16_384
"""Octets of one slot; a record never needs more than 11 KiB."""
MAX_COUNTER = 0xFFFF_FFFE
"""The last value of the counter: CONFIRM carries it as u32, and all ones means absent."""
ERASED = b""
"""What an erased slot reads as; a slot is as long as what was written to it."""


class FlashError(SimError):
    """The flash did not do what it was told; what is durable is the old or the new content."""

    def __init__(self, text: str) -> None:
        super().__init__("state", text)


class Flash(Protocol):
    """The port behind the record. Every method may raise `FlashError`."""

    def read_slot(self, index: int) -> bytes:
        """What slot 0 or 1 holds."""
        ...

    def erase_slot(self, index: int) -> None: ...

    def write_slot(self, index: int, data: bytes) -> None:
        """Write an erased slot."""
        ...

    def flush(self) -> None:
        """Return when everything erased and written before is durable."""
        ...

    def read_counter(self) -> int: ...

    def bump_counter(self) -> None:
        """Raise the counter by one, durably, whole or not at all."""
        ...
