"""Where the ink of a scene lies, worked out from HarfBuzz's glyph extents, not from pixels."""

from __future__ import annotations

import math
from functools import cache

from firmware_sim.screen.fonts import Face, face
from firmware_sim.screen.tree import Box, Node, Rect, Scene, Words


@cache
def _extents(family: str, weight: int, glyph: int) -> tuple[int, int, int, int] | None:
    found: Face | None = face(family, weight)
    assert found is not None
    extents = found.font.get_glyph_extents(glyph)
    if extents is None or extents.width == 0:
        return None
    return extents.x_bearing, -extents.y_bearing, extents.width, -extents.height


def ink(words: Words) -> Rect | None:
    """The box of px that a line of text colours; None for a blank line."""
    left, top, right, bottom = math.inf, math.inf, -math.inf, -math.inf
    for glyph in words.line.glyphs:
        found = _extents(glyph.face.family, glyph.face.weight, glyph.glyph)
        if found is None:
            continue
        scale = words.line.size / glyph.face.units_per_em
        x, y, width, height = (value * scale for value in found)
        x += words.left + glyph.x
        y += words.baseline + glyph.y
        left, top = min(left, x), min(top, y)
        right, bottom = max(right, x + width), max(bottom, y + height)
    if left is math.inf:
        return None
    return Rect(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))


def painted(scene: Scene) -> list[tuple[Node, Words]]:
    """Every line of text with the node that it belongs to."""
    return [(n, mark) for n in scene.walk() for mark in n.marks if isinstance(mark, Words)]


def ground_under(scene: Scene, wanted: object) -> str:
    """The colour that lies under a mark, found as a painter would: the last box below it."""
    ground = scene.ground
    point: tuple[int, int] | None = None
    below: list[Box] = []
    for node in scene.walk():
        for mark in node.marks:
            if mark is wanted:
                if isinstance(mark, Words):
                    point = (mark.left + round(mark.line.width / 2), mark.baseline - 2)
                else:
                    point = (mark.left + mark.size // 2, mark.top + mark.size // 2)  # type: ignore[union-attr]
                break
            if isinstance(mark, Box):
                below.append(mark)
        if point:
            break
    assert point is not None
    for box in below:
        if box.rect.contains(*point):
            ground = box.fill
    return ground
