"""What the handset noticed, kept until somebody asks."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Mapping

from firmware_sim.events import NOTHING, Event
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.numbers import MessageType

MAX_KEPT = 4096
"""Events nobody has asked for; the oldest go first."""

Row = (
    tuple[int, str, str, str | MessageType, Mapping[str, object], bytes, bool | None]
    | tuple[int, enum.Enum, enum.Enum, enum.Enum]
)


class Log:
    """Rows now, `Event` values when they are read: most runs never read them."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: deque[Row] = deque(maxlen=MAX_KEPT)

    def add(
        self,
        at: int,
        kind: str,
        text: str,
        detail: Mapping[str, object] = NOTHING,
        part: str = "handset",
    ) -> None:
        self._rows.append((at, part, kind, text, detail, b"", None))

    def message(self, at: int, kind: MessageType, raw: bytes, sent: bool) -> None:
        """A whole message of this type."""
        self._rows.append((at, "handset", "message", kind, NOTHING, raw, sent))

    def move(self, at: int, before: enum.Enum, after: enum.Enum, why: enum.Enum) -> None:
        """A move of a table."""
        self._rows.append((at, before, after, why))

    def refusal(self, at: int, refusal: Refusal, what: str) -> None:
        detail = {
            "rule": refusal.rule.id,
            "stage": refusal.stage.name,
            "code": refusal.code.value,
            "what": what,
        }
        self._rows.append((at, "handset", "refusal", str(refusal), detail, b"", None))

    def drain(self) -> list[Event]:
        events = [_event(row) for row in self._rows]
        self._rows.clear()
        return events


def _event(row: Row) -> Event:
    if len(row) == 4:
        at, before, after, why = row
        text = f"{before.name} > {after.name}"
        return Event(at, "handset", "state", text, {"why": why.name})
    at, part, kind, words, detail, raw, sent = row
    text = words if isinstance(words, str) else words.name
    return Event(at, part, kind, text, detail, raw, sent)
