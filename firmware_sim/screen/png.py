"""The scene as PNG: stamps laid on a canvas of palette indices.

A page has few colours, and each edge lies between two of them. So a pixel is an index into
at most 256 colours, shared out among the pairs that meet; the picture is a third of RGB and
is packed three times as fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from firmware_sim.screen import pixels, raster
from firmware_sim.screen.raster import Stamp
from firmware_sim.screen.theme import channels
from firmware_sim.screen.tree import Box, Scene, Words

_MOST_LEVELS = 30


def render(scene: Scene, *, level: int = 1, shades: int = _MOST_LEVELS) -> bytes:
    """A PNG file of the scene's size.

    Args:
        scene: what to draw.
        level: of zlib, 1 quick to 9 small.
        shades: steps from one colour to another along an edge, at most.
    """
    marks = [mark for node in scene.walk() for mark in node.marks]
    pairs = tuple(dict.fromkeys((mark.fill, mark.on) for mark in marks))
    colours = _colours(scene.ground, pairs, shades)
    ground = colours.solid[scene.ground]
    canvas = _Canvas(scene.width, scene.height, ground)
    raster.prepare(marks)
    for mark in marks:
        if isinstance(mark, Box):
            _box(canvas, mark, colours)
        elif isinstance(mark, Words):
            table = colours.table[mark.fill, mark.on]
            canvas.stamp(mark.left, mark.baseline, raster.line(mark.line), table)
        else:
            table = colours.table[mark.fill, mark.on]
            stamp = raster.icon(mark)
            canvas.stamp(mark.left, mark.top, stamp, table)
    return pixels.encode(scene.width, scene.height, canvas.rows, colours.palette, level=level)


@dataclass(frozen=True, slots=True)
class _Colours:
    """The palette: every solid colour, and steps between each two that meet."""

    palette: tuple[tuple[int, int, int], ...]
    solid: Mapping[str, int]
    table: Mapping[tuple[str, str], bytes]
    """Colour and ground -> index for each coverage of 0 to 255."""


@lru_cache(maxsize=64)
def _colours(ground: str, pairs: tuple[tuple[str, str], ...], shades: int) -> _Colours:
    solids = list(dict.fromkeys([ground, *(colour for pair in pairs for colour in pair)]))
    solid = {colour: index for index, colour in enumerate(solids)}
    palette = [channels(colour) for colour in solids]
    steps = min(shades, (256 - len(solids)) // max(1, len(pairs)))
    table: dict[tuple[str, str], bytes] = {}
    for fill, on in pairs:
        if fill == on:
            table[fill, on] = bytes([solid[fill]]) * 256
            continue
        first = len(palette)
        front, back = channels(fill), channels(on)
        for step in range(1, steps + 1):
            share = step / (steps + 1)
            red, green, blue = (
                round(b + (f - b) * share) for f, b in zip(front, back, strict=True)
            )
            palette.append((red, green, blue))
        indices = [solid[on], *range(first, first + steps), solid[fill]]
        table[fill, on] = bytes(
            indices[round(coverage * (steps + 1) / 255)] for coverage in range(256)
        )
    return _Colours(tuple(palette), solid, table)


class _Canvas:
    """Rows of a filter byte and indices, as PNG wants them.

    Rows that are equal are one object as long as may be: that is what makes packing quick.
    """

    def __init__(self, width: int, height: int, ground: int) -> None:
        self.width, self.height = width, height
        self.rows: list[bytes | bytearray] = [b"\0" + bytes([ground]) * width] * height

    def fill(self, x: int, top: int, bottom: int, indices: bytes) -> None:
        """Lay the same indices on the rows from top to bottom; what lies outside is left out."""
        if x < 0:
            indices, x = indices[-x:], 0
        indices = indices[: max(0, self.width - x)]
        start, stop = x + 1, x + 1 + len(indices)
        rows = self.rows
        before: bytes | bytearray | None = None
        after: bytes | bytearray = b""
        for y in range(max(0, top), min(self.height, bottom)):
            row = rows[y]
            if row is not before:
                if isinstance(row, bytearray):
                    row[start:stop] = indices
                    continue
                before, after = row, row[:start] + indices + row[stop:]
            rows[y] = after

    def put(self, x: int, y: int, indices: bytes) -> None:
        """Lay indices on one row; what lies outside is left out."""
        stop = x + len(indices)
        if x < 0 or stop > self.width or not 0 <= y < self.height:
            self.fill(x, y, y + 1, indices)
            return
        row = self.rows[y]
        if isinstance(row, bytearray):
            row[x + 1 : stop + 1] = indices
        else:
            self.rows[y] = row[: x + 1] + indices + row[stop + 1 :]

    def stamp(self, left: int, top: int, stamp: Stamp, table: bytes) -> None:
        """Lay a shape with its origin at a point."""
        rows, width = self.rows, self.width
        for down, across, coverage in stamp.spans:
            y, x = top + down, left + across
            if not 0 <= y < self.height:
                continue
            indices = coverage.translate(table)
            if x < 0 or x + len(indices) > width:
                indices, x = indices[max(0, -x) : max(0, width - x)], max(0, x)
            row = rows[y]
            if not isinstance(row, bytearray):
                row = rows[y] = bytearray(row)
            row[x + 1 : x + 1 + len(indices)] = indices


def _box(canvas: _Canvas, mark: Box, colours: _Colours) -> None:
    rect, table = mark.rect, colours.table[mark.fill, mark.on]
    width, height = rect.right - rect.left, rect.bottom - rect.top
    if width <= 0 or height <= 0:
        return
    fill = bytes([colours.solid[mark.fill]])
    radius = min(mark.radius, width // 2, height // 2)
    canvas.fill(rect.left, rect.top + radius, rect.bottom - radius, fill * width)
    if not radius:
        return
    middle = fill * (width - 2 * radius)
    for down, across, coverage in raster.corner(radius).spans:
        edge = coverage.translate(table)
        edge += fill * (radius - across - len(edge))
        indices = edge + middle + edge[::-1]
        for y in (rect.top + down, rect.bottom - 1 - down):
            canvas.put(rect.left + across, y, indices)
