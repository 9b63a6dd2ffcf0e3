"""Behind tools/picture: three locked phones beside each other, each with its corners round."""

from __future__ import annotations

import sys
from pathlib import Path

from firmware_sim.screen import goldens, pixels, png, raster, scene
from firmware_sim.screen.device import TALL
from firmware_sim.screen.theme import channels
from firmware_sim.view import Page, View

PICTURE = Path(__file__).resolve().parent / "lock.png"
PHONES = (("en", "CU", "CUBACEL"), ("fa", "IR", "MCI"), ("ko", "KP", "koryolink"))
"""Language, country and serving network."""
SHRINK, SHADES = 3, 14
BEZEL, CORNER, GAP = 6, 30, 20
BODY, GROUND = "#2B3037", "#FFFFFF"


def draw() -> bytes:
    """The picture as a PNG file."""
    device = TALL.reduced(SHRINK)
    shown = [
        View(
            page=Page.LOCKED,
            locale=locale,
            imei="356938035643809",
            country=country,
            reason="territory",
            reference="SVMM-F5GT",
            operator=operator,
            signal=3,
            clock="09:41",
        )
        for locale, country, operator in PHONES
    ]
    screens = [
        pixels.decode(png.render(scene.build(view, device), shades=SHADES)) for view in shown
    ]
    width, height = device.width + 2 * BEZEL, device.height + 2 * BEZEL
    step = width + GAP
    canvas = [
        bytearray(bytes(channels(GROUND)) * (step * len(screens) - GAP)) for _ in range(height)
    ]
    for index, screen in enumerate(screens):
        left = index * step
        for y in range(height):
            row = bytearray(bytes(channels(BODY)) * width)
            inside = y - BEZEL
            if 0 <= inside < device.height:
                start = 3 * inside * device.width
                shining = screen.rgb[start : start + 3 * device.width]
                row[3 * BEZEL : 3 * (BEZEL + device.width)] = shining
                _rounded(row, BEZEL, device.width, inside, device.height, CORNER - BEZEL, BODY)
            _rounded(row, 0, width, y, height, CORNER, GROUND)
            canvas[y][3 * left : 3 * (left + width)] = row
    return _packed(canvas)


def _rounded(
    row: bytearray, left: int, width: int, y: int, height: int, radius: int, outside: str
) -> None:
    """Give one row of a box the corners of a disc: what lies without takes another colour."""
    down = min(y, height - 1 - y)
    if down >= radius:
        return
    coverage = bytearray(radius)
    for at, across, covered in raster.corner(radius).spans:
        if at == down:
            coverage[across : across + len(covered)] = covered
            coverage[across + len(covered) :] = b"\xff" * (radius - across - len(covered))
    back = channels(outside)
    for x, share in enumerate(coverage):
        for place in (left + x, left + width - 1 - x):
            for channel in range(3):
                value = row[3 * place + channel]
                row[3 * place + channel] = back[channel] + (value - back[channel]) * share // 255


def _packed(canvas: list[bytearray]) -> bytes:
    colours: dict[bytes, int] = {}
    rows = []
    for row in canvas:
        indices = bytearray(b"\0")
        for at in range(0, len(row), 3):
            indices.append(colours.setdefault(bytes(row[at : at + 3]), len(colours)))
        rows.append(indices)
    palette = [(colour[0], colour[1], colour[2]) for colour in colours]
    return pixels.encode(len(canvas[0]) // 3, len(canvas), rows, palette, level=9)


def main(arguments: list[str]) -> int:
    """Write the picture, or with --check compare it."""
    drawn = draw()
    if "--check" not in arguments:
        PICTURE.write_bytes(drawn)
        print(f"{PICTURE.name}: {len(drawn)} bytes")
        return 0
    if not PICTURE.exists():
        print(f"{PICTURE.name}: missing; run tools/picture")
        return 1
    finding = goldens.compare(PICTURE.name, PICTURE.read_bytes(), drawn)
    print(f"{finding}; run tools/picture" if finding else f"{PICTURE.name}: as drawn")
    return 1 if finding else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
