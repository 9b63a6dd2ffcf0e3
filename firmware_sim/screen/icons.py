"""The drawings on the screens, each on a grid of 24 by 24, drawn with a round pen or filled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Icon:
    """SVG path data: what the pen follows, and what is filled."""

    name: str
    strokes: str = ""
    fills: str = ""
    pen: float = 1.75
    """Pen width in grid units."""
    directional: bool = False
    """Whether it points along the line, so that right-to-left mirrors it."""


PADLOCK = Icon(
    "padlock",
    strokes="M7.5 10.5V7.25a4.5 4.5 0 0 1 9 0V10.5",
    fills="M6.5 10h11A2.5 2.5 0 0 1 20 12.5v6.5a2.5 2.5 0 0 1 -2.5 2.5h-11A2.5 2.5 0 0 1 4 19"
    "v-6.5A2.5 2.5 0 0 1 6.5 10ZM12 13.6a1.7 1.7 0 0 0 -0.85 3.17V18.2a0.85 0.85 0 0 0 1.7 0"
    "V16.77A1.7 1.7 0 0 0 12 13.6Z",
    pen=2,
)
WIFI = Icon(
    "wifi",
    strokes="M2.5 9.2a14 14 0 0 1 19 0M5.8 12.7a9.2 9.2 0 0 1 12.4 0M9 16.1a4.5 4.5 0 0 1 6 0",
    fills="M12 18.1a1.35 1.35 0 1 0 0 2.7a1.35 1.35 0 1 0 0 -2.7Z",
)
CALL = Icon(
    "call",
    strokes="M6.2 3.5h2.3a1.2 1.2 0 0 1 1.15 0.85l0.9 2.9a1.2 1.2 0 0 1 -0.35 1.25L8.7 9.9"
    "a13 13 0 0 0 5.4 5.4l1.4 -1.5a1.2 1.2 0 0 1 1.25 -0.35l2.9 0.9a1.2 1.2 0 0 1 0.85 1.15"
    "v2.3a2.2 2.2 0 0 1 -2.4 2.2A17.5 17.5 0 0 1 4 5.9a2.2 2.2 0 0 1 2.2 -2.4Z",
)
SIM = Icon(
    "sim",
    strokes="M7 3h6.6a2 2 0 0 1 1.4 0.6l3.4 3.4a2 2 0 0 1 0.6 1.4V19a2 2 0 0 1 -2 2H7"
    "a2 2 0 0 1 -2 -2V5a2 2 0 0 1 2 -2ZM9 11.5h6a0.8 0.8 0 0 1 0.8 0.8v4.4a0.8 0.8 0 0 1 -0.8 0.8"
    "H9a0.8 0.8 0 0 1 -0.8 -0.8v-4.4a0.8 0.8 0 0 1 0.8 -0.8ZM12 11.5v6M8.2 14.5h7.6",
    pen=1.5,
)
GLOBE = Icon(
    "globe",
    strokes="M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0 -18ZM3 12h18M12 3c2.6 2.6 3.8 5.6 3.8 9s-1.2 6.4 "
    "-3.8 9c-2.6 -2.6 -3.8 -5.6 -3.8 -9s1.2 -6.4 3.8 -9Z",
    pen=1.5,
)
KEY = Icon(
    "key",
    strokes="M8 11.5a4 4 0 1 0 0 8a4 4 0 1 0 0 -8ZM10.9 12.7L19.5 4M16 7.5l3 3M13.4 10.1l2 2",
)
HOURGLASS = Icon(
    "hourglass",
    strokes="M6 3h12M6 21h12M7.5 3v3.2c0 2.6 4.5 4 4.5 5.8s-4.5 3.2 -4.5 5.8V21M16.5 3v3.2"
    "c0 2.6 -4.5 4 -4.5 5.8s4.5 3.2 4.5 5.8V21",
)
WARNING = Icon(
    "warning",
    strokes="M12 4.2L2.9 19.6h18.2ZM12 10v4.6",
    fills="M12 16.1a1.1 1.1 0 1 0 0 2.2a1.1 1.1 0 1 0 0 -2.2Z",
)
STORAGE = Icon(
    "storage",
    strokes="M7.5 5h9a2.5 2.5 0 0 1 2.5 2.5v9a2.5 2.5 0 0 1 -2.5 2.5h-9A2.5 2.5 0 0 1 5 16.5v-9"
    "A2.5 2.5 0 0 1 7.5 5ZM9 2.5v2.5M15 2.5v2.5M9 19v2.5M15 19v2.5M2.5 9h2.5M2.5 15h2.5"
    "M19 9h2.5M19 15h2.5M9.8 9.8l4.4 4.4M14.2 9.8l-4.4 4.4",
    pen=1.6,
)
SERVER = Icon(
    "server",
    strokes="M7 18.5a4.5 4.5 0 0 1 -0.7 -8.95a6 6 0 0 1 11.4 0A4.5 4.5 0 0 1 17 18.5Z"
    "M9.9 11.4l4.2 4.2M14.1 11.4l-4.2 4.2",
)
UPDATE = Icon(
    "update",
    strokes="M20 12a8 8 0 1 1 -2.4 -5.7M20.2 3.6v3.6h-3.6",
    directional=False,
)
CHECK = Icon("check", strokes="M5 12.6l4.6 4.6L19 7.4", pen=2.2)
FORWARD = Icon("forward", strokes="M9.5 6l6 6l-6 6", directional=True)
BACK = Icon("back", strokes="M19.5 12h-15M11 5.5L4.5 12l6.5 6.5", directional=True, pen=2)
ERASE = Icon(
    "erase",
    strokes="M9 5.5h10a2 2 0 0 1 2 2v9a2 2 0 0 1 -2 2H9L3 12ZM11.5 9.5l5 5M16.5 9.5l-5 5",
    directional=True,
)
CALENDAR = Icon(
    "calendar",
    strokes="M6 5h12a2 2 0 0 1 2 2v11a2 2 0 0 1 -2 2H6a2 2 0 0 1 -2 -2V7a2 2 0 0 1 2 -2Z"
    "M4 10h16M8.5 2.8v3.6M15.5 2.8v3.6M12 12.6v2.6l1.6 1.2",
)
MESSAGE = Icon(
    "message",
    strokes="M5.5 4.5h13a2 2 0 0 1 2 2v8.5a2 2 0 0 1 -2 2H10.5L6.5 20.5V17h-1a2 2 0 0 1 -2 -2"
    "V6.5a2 2 0 0 1 2 -2Z",
)
CAMERA = Icon(
    "camera",
    strokes="M8.2 6.5L9.6 4.2h4.8l1.4 2.3h2.7a2 2 0 0 1 2 2v9a2 2 0 0 1 -2 2h-13a2 2 0 0 1 -2 -2"
    "v-9a2 2 0 0 1 2 -2ZM12 9.3a3.6 3.6 0 1 0 0 7.2a3.6 3.6 0 1 0 0 -7.2Z",
)
SLIDERS = Icon(
    "sliders",
    strokes="M4 7h8.5M17 7h3M14.7 4.8a2.2 2.2 0 1 0 0 4.4a2.2 2.2 0 1 0 0 -4.4ZM4 17h3M11.5 17h8.5"
    "M9.3 14.8a2.2 2.2 0 1 0 0 4.4a2.2 2.2 0 1 0 0 -4.4Z",
)
MAKER = Icon(
    "maker",
    strokes="M12 2.8l7.97 4.6v9.2L12 21.2l-7.97 -4.6V7.4ZM8.6 15.6V8.6l6.8 6.8V8.4",
    pen=1.5,
)
BATTERY = Icon(
    "battery",
    strokes="M4.5 7.5h13a2 2 0 0 1 2 2v5a2 2 0 0 1 -2 2h-13a2 2 0 0 1 -2 -2v-5a2 2 0 0 1 2 -2Z"
    "M22 10.8v2.4",
    fills="M5 9.5h9.5v5H5Z",
    pen=1.5,
)
