"""The phones that a scene is laid out for. Lengths in dp are turned into pixels here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Device:
    """A display: pixels, and how many of them make one dp (1/160 inch)."""

    name: str
    width: int
    height: int
    density: Fraction
    """Pixels per dp."""

    def px(self, dp: float) -> int:
        """A length in whole pixels."""
        return round(dp * float(self.density))

    def reduced(self, divisor: int) -> Device:
        """The same display with 1/divisor of the pixels each way: same layout, small pictures."""
        return replace(
            self,
            width=self.width // divisor,
            height=self.height // divisor,
            density=self.density / divisor,
        )


SMALL = Device("small", 720, 1280, Fraction(2))
TALL = Device("tall", 1080, 2340, Fraction(3))
TABLET = Device("tablet", 1600, 2560, Fraction(2))
DEVICES = {device.name: device for device in (SMALL, TALL, TABLET)}
