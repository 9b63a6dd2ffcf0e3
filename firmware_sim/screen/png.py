"""The scene as PNG: stamps laid on a canvas of palette indices.

A page has few colours, and each edge lies between two of them. So a pixel is an index into
at most 256 colours, shared out among the pairs that meet; the picture is a third of RGB and
is packed three times as fast.
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware_sim.screen import pixels, raster
from firmware_sim.screen.raster import Stamp
from firmware_sim.screen.theme import channels
from firmware_sim.screen.tree import Box, Mark, Scene, Words

_MOST_LEVELS = 30


def render(scene: Scene, *, level: int = 1, shades: int = _MOST_LEVELS) -> bytes:
    """A PNG file of the scene's size.

    Args:
        scene: what to draw.
        level: of zlib, 1 quick to 9 small.
        shades: steps from one colour to another along an edge, at most.
    """
    marks = [mark for node in scene.walk() for mark in node.marks]
    colours = _Colours(scene.ground, marks, shades)
    ground = colours.solid[scene.ground]
    canvas = _Canvas(scene.width, scene.height, ground)
    raster.prepare([mark.line for mark in marks if isinstance(mark, Words)])
    for mark in marks:
        if isinstance(mark, Box):
            _box(canvas, mark, colours)
        elif isinstance(mark, Words):
            table = colours.table[mark.fill, mark.on]
            canvas.stamp(mark.left, mark.baseline, raster.line(mark.line), table)
        else:
            table = colours.table[mark.fill, mark.on]
            stamp = raster.icon(mark.icon, mark.size, mark.mirror)
            canvas.stamp(mark.left, mark.top, stamp, table)
    return pixels.encode(scene.width, scene.height, canvas.rows, colours.palette, level=level)


class _Colours:
    """The palette: every solid colour, and steps between each two that meet."""

    def __init__(self, ground: str, marks: list[Mark], shades: int) -> None:
        pairs = list(dict.fromkeys((mark.fill, mark.on) for mark in marks))
        solids = list(dict.fromkeys([ground, *(colour for pair in pairs for colour in pair)]))
        self.solid = {colour: index for index, colour in enumerate(solids)}
        self.palette = [channels(colour) for colour in solids]
        steps = min(shades, (256 - len(solids)) // max(1, len(pairs)))
        self.table: dict[tuple[str, str], bytes] = {}
        for fill, on in pairs:
            if fill == on:
                self.table[fill, on] = bytes([self.solid[fill]]) * 256
                continue
            first = len(self.palette)
            front, back = channels(fill), channels(on)
            for step in range(1, steps + 1):
                share = step / (steps + 1)
                red, green, blue = (
                    round(b + (f - b) * share) for f, b in zip(front, back, strict=True)
                )
                self.palette.append((red, green, blue))
            indices = [self.solid[on], *range(first, first + steps), self.solid[fill]]
            self.table[fill, on] = bytes(
                indices[round(coverage * (steps + 1) / 255)] for coverage in range(256)
            )


@dataclass(slots=True)
class _Canvas:
    """Rows of a filter byte and indices, as PNG wants them."""

    width: int
    height: int
    rows: bytearray

    def __init__(self, width: int, height: int, ground: int) -> None:
        self.width, self.height = width, height
        self.rows = bytearray((b"\0" + bytes([ground]) * width) * height)

    def put(self, x: int, y: int, indices: bytes) -> None:
        """Lay indices on one row; what lies outside is left out."""
        if not 0 <= y < self.height:
            return
        if x < 0:
            indices, x = indices[-x:], 0
        indices = indices[: max(0, self.width - x)]
        start = y * (self.width + 1) + 1 + x
        self.rows[start : start + len(indices)] = indices

    def stamp(self, left: int, top: int, stamp: Stamp, table: bytes) -> None:
        """Lay a shape with its origin at a point."""
        x, y = left + stamp.left, top + stamp.top
        for offset, row in enumerate(stamp.rows):
            inner = row.lstrip(b"\0")
            if inner:
                start = x + len(row) - len(inner)
                self.put(start, y + offset, inner.rstrip(b"\0").translate(table))


def _box(canvas: _Canvas, mark: Box, colours: _Colours) -> None:
    rect, table = mark.rect, colours.table[mark.fill, mark.on]
    width, height = rect.right - rect.left, rect.bottom - rect.top
    if width <= 0 or height <= 0:
        return
    fill = bytes([colours.solid[mark.fill]])
    radius = min(mark.radius, width // 2, height // 2)
    whole = fill * width
    for y in range(rect.top + radius, rect.bottom - radius):
        canvas.put(rect.left, y, whole)
    if not radius:
        return
    middle = fill * (width - 2 * radius)
    for offset, row in enumerate(raster.corner(radius).rows):
        edge = row.lstrip(b"\0").translate(table)
        indices = edge + middle + edge[::-1]
        x = rect.left + radius - len(edge)
        canvas.put(x, rect.top + offset, indices)
        canvas.put(x, rect.bottom - 1 - offset, indices)
