"""What a part noticed, and when: the one form in which every machine reports.

The terminal's timeline, the lab's, and the capture file are all drawn from these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    `at`: monotonic milliseconds. `part`: "modem", "handset", "server", "flash", "screen" or
    "link". `kind`: a stable word ("at", "message", "state", "commit", "refusal", "page").
    `text`: one line for a person. `detail`: the same for a program. `raw`: the bytes, where
    the event is about bytes; `sent` then tells whether the part sent or received them.
    """

    at: int
    part: str
    kind: str
    text: str
    detail: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    raw: bytes = b""
    sent: bool | None = None
