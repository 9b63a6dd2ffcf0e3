"""What the handset noticed, kept until somebody asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from firmware_sim.events import NOTHING, Event
from firmware_sim_protocol.errors import Refusal

MAX_KEPT = 4096
"""Events nobody has asked for; the oldest go first."""

Row = tuple[int, str, str, str, Mapping[str, object], bytes, bool | None]


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

    def message(self, at: int, name: str, raw: bytes, sent: bool) -> None:
        self._rows.append((at, "handset", "message", name, NOTHING, raw, sent))

    def refusal(self, at: int, refusal: Refusal, what: str) -> None:
        detail = {
            "rule": refusal.rule.id,
            "stage": refusal.stage.name,
            "code": refusal.code.value,
            "what": what,
        }
        self._rows.append((at, "handset", "refusal", str(refusal), detail, b"", None))

    def drain(self) -> list[Event]:
        events = [Event(*row) for row in self._rows]
        self._rows.clear()
        return events
