"""Colours, type sizes and spaces: every number that makes the screens look alike.

Colours are `#RRGGBB`. Each text colour keeps WCAG 2.1 AA on each surface that it is used on
(a test computes it).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Theme(enum.Enum):
    """What the user chose in the settings; the lock has its own palette whatever this says."""

    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Palette:
    """Named by what a colour is for."""

    ground: str
    surface: str
    """Cards and fields, one step off the ground."""
    text: str
    muted: str
    """Second-rank text."""
    accent: str
    on_accent: str
    outline: str
    """Borders of controls: 3:1 against ground and surface."""
    hairline: str
    """Dividing lines that carry no meaning."""
    focus: str
    danger: str
    caution: str
    caution_surface: str
    on_caution: str
    good: str


LIGHT = Palette(
    ground="#FFFFFF",
    surface="#F1F3F6",
    text="#15181C",
    muted="#545B64",
    accent="#0B57D0",
    on_accent="#FFFFFF",
    outline="#747B85",
    hairline="#D5DAE0",
    focus="#0B57D0",
    danger="#B3261E",
    caution="#8A5100",
    caution_surface="#FFE9C7",
    on_caution="#4A2B00",
    good="#146C2E",
)
DARK = Palette(
    ground="#101317",
    surface="#1B2026",
    text="#ECEEF1",
    muted="#A9B1BB",
    accent="#A8C7FA",
    on_accent="#05264F",
    outline="#7C8591",
    hairline="#2C333B",
    focus="#A8C7FA",
    danger="#FFB4AB",
    caution="#FFC46B",
    caution_surface="#3E2B07",
    on_caution="#FFDFA9",
    good="#7FDA94",
)
LOCK = Palette(
    ground="#000000",
    surface="#14171B",
    text="#FFFFFF",
    muted="#B3BAC4",
    accent="#FFFFFF",
    on_accent="#000000",
    outline="#7A828D",
    hairline="#272C33",
    focus="#8AB4F8",
    danger="#FF8F82",
    caution="#FFC46B",
    caution_surface="#3E2B07",
    on_caution="#FFDFA9",
    good="#7FDA94",
)
PALETTES = {Theme.LIGHT: LIGHT, Theme.DARK: DARK}


@dataclass(frozen=True, slots=True)
class Style:
    """A step of the type scale: size and line height in dp, weight 100 to 900."""

    size: float
    leading: float
    weight: int


DISPLAY = Style(44, 52, 300)
HEADLINE = Style(26, 34, 600)
TITLE = Style(18, 26, 600)
BODY = Style(16, 24, 400)
LABEL = Style(15, 20, 600)
DETAIL = Style(14, 20, 400)
CODE = Style(15, 22, 500)
CAPTION = Style(12, 16, 500)

LARGE_TEXT = 1.3
"""The largest of the text sizes that the setup wizard offers."""

# The spacing scale in dp: nothing on a page is apart by any other number.
XS, S, M, L, XL, XXL = 4, 8, 16, 24, 32, 48
MARGIN = 24
TOUCH = 48
"""Least side of what is touched. Source: WCAG 2.1 2.5.5 asks for 44 CSS pixels."""
COLUMN = 480
"""Widest column of text; a tablet centres it."""


def contrast(one: str, other: str) -> float:
    """Contrast ratio 1 to 21. Source: WCAG 2.1, definition of "contrast ratio"."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of `#RRGGBB`."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
