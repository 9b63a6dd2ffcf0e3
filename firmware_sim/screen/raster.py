"""Shapes turned into coverage once, by resvg, and kept: 0 is outside, 255 is inside.

resvg takes about 30 ns a pixel for a whole picture, 75 ms for a tall phone, and nothing of
that depends on how much is drawn. So it draws only what is new, many shapes in one strip;
the pictures are put together from these stamps (see png).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import resvg_py

from firmware_sim.errors import SimError
from firmware_sim.screen import pixels
from firmware_sim.screen.icons import Icon
from firmware_sim.screen.svg import icon_body
from firmware_sim.screen.text import Glyph, Line
from firmware_sim.screen.tree import Box, Drawing, Mark, Words

SUBPIXELS = 4
"""Positions between two pixels that a glyph may take."""
_KEPT_STAMPS, _KEPT_LINES = 6000, 600
_SHELF = 512
"""Width in px of the picture that new shapes are drawn in."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Coverage of a shape: for each row that it touches, how far down and across from its
    origin it begins, and the coverage of each pixel from there on. Blank rows are left out."""

    spans: tuple[tuple[int, int, bytes], ...]


def _stamp(left: int, top: int, rows: Iterable[bytes]) -> Stamp:
    spans = []
    for down, row in enumerate(rows, top):
        inner = row.lstrip(b"\0")
        if inner:
            spans.append((down, left + len(row) - len(inner), inner.rstrip(b"\0")))
    return Stamp(tuple(spans))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A shape to be drawn: SVG in white, and the box of pixels it needs around its origin."""

    key: tuple[object, ...]
    body: str
    left: int
    top: int
    width: int
    height: int


_EMPTY = Stamp(())
_stamps: dict[tuple[object, ...], Stamp] = {}
_lines: dict[Line, Stamp] = {}


def prepare(marks: Iterable[Mark]) -> None:
    """Draw all shapes that the marks need and that are not yet known, in one go."""
    wanted: dict[tuple[object, ...], _Wanted] = {}
    for mark in marks:
        if isinstance(mark, Words):
            if mark.line not in _lines:
                _want_glyphs(mark.line, wanted)
        elif isinstance(mark, Box):
            if mark.radius:
                _want(_corner(_radius(mark)), wanted)
        else:
            _want(_icon(mark.icon, mark.size, mark.mirror), wanted)
    if wanted:
        _draw(list(wanted.values()))


def icon(drawing: Drawing) -> Stamp:
    """An icon at its size; its origin is its top left corner."""
    return _known(_icon(drawing.icon, drawing.size, drawing.mirror))


def corner(radius: int) -> Stamp:
    """The top left quarter of a disc of `radius` px."""
    return _known(_corner(radius))


def line(words: Line) -> Stamp:
    """A whole line of text; its origin is the left end of the baseline."""
    known = _lines.get(words)
    if known is None:
        wanted: dict[tuple[object, ...], _Wanted] = {}
        _want_glyphs(words, wanted)
        if wanted:
            _draw(list(wanted.values()))
        if len(_lines) >= _KEPT_LINES:
            _lines.clear()
        known = _lines[words] = _compose(words)
    return known


def _radius(box: Box) -> int:
    rect = box.rect
    return min(box.radius, (rect.right - rect.left) // 2, (rect.bottom - rect.top) // 2)


def _known(one: _Wanted) -> Stamp:
    if one.key not in _stamps:
        _draw([one])
    return _stamps[one.key]


def _want(one: _Wanted, wanted: dict[tuple[object, ...], _Wanted]) -> None:
    if one.key not in _stamps:
        wanted[one.key] = one


def _want_glyphs(words: Line, wanted: dict[tuple[object, ...], _Wanted]) -> None:
    for glyph in words.glyphs:
        key = _key(glyph, words.size)
        if key not in _stamps and key not in wanted:
            wanted[key] = _glyph(key, glyph, words.size)


@lru_cache(maxsize=512)
def _icon(drawing: Icon, size: int, mirror: bool) -> _Wanted:
    scale = size / 24
    turn = f"matrix({-scale:g} 0 0 {scale:g} {size} 0)" if mirror else f"scale({scale:g})"
    body = f'<g transform="{turn}">{icon_body(drawing, "#fff")}</g>'
    return _Wanted(("icon", drawing.name, size, mirror), body, 0, 0, size, size)


@lru_cache(maxsize=512)
def _corner(radius: int) -> _Wanted:
    body = f'<circle cx="{radius}" cy="{radius}" r="{radius}" fill="#fff"/>'
    return _Wanted(("corner", radius), body, 0, 0, radius, radius)


def _key(glyph: Glyph, size: float) -> tuple[object, ...]:
    return (glyph.face.family, glyph.face.weight, glyph.glyph, size, _phase(glyph.x))


def _phase(x: float) -> int:
    return round(x * SUBPIXELS) % SUBPIXELS


def _glyph(key: tuple[object, ...], glyph: Glyph, size: float) -> _Wanted:
    face, scale = glyph.face, size / glyph.face.units_per_em
    extents = face.font.get_glyph_extents(glyph.glyph)
    outline = face.outline(glyph.glyph)
    if extents is None or not outline:
        return _Wanted(key, "", 0, 0, 0, 0)
    shift = _phase(glyph.x) / SUBPIXELS
    pen = face.bold_stroke * face.units_per_em
    edge = pen / 2 * scale
    left = math.floor(extents.x_bearing * scale + shift - edge)
    right = math.ceil((extents.x_bearing + extents.width) * scale + shift + edge)
    top = math.floor(-extents.y_bearing * scale - edge)
    bottom = math.ceil(-(extents.y_bearing + extents.height) * scale + edge)
    bold = f' stroke="#fff" stroke-width="{pen:g}"' if pen else ""
    body = (
        f'<path transform="matrix({scale:.6g} 0 0 {scale:.6g} {shift - left:g} {-top})" '
        f'd="{outline}" fill="#fff"{bold}/>'
    )
    return _Wanted(key, body, left, top, right - left, bottom - top)


def _draw(wanted: Sequence[_Wanted]) -> None:
    """Draw shapes on shelves in one picture and cut it up."""
    if len(_stamps) + len(wanted) > _KEPT_STAMPS:
        _stamps.clear()
    for one in wanted:
        if not one.width or not one.height:
            _stamps[one.key] = _EMPTY
    shapes = sorted((one for one in wanted if one.width and one.height), key=lambda o: -o.height)
    if not shapes:
        return
    width = max(min(_SHELF, sum(o.width for o in shapes)), max(o.width for o in shapes))
    places: list[tuple[_Wanted, int, int]] = []
    x = top = shelf = 0
    for one in shapes:
        if x + one.width > width:
            x, top, shelf = 0, top + shelf, 0
        shelf = shelf or one.height
        places.append((one, x, top))
        x += one.width
    parts = "".join(
        f'<svg x="{x}" y="{y}" width="{one.width}" height="{one.height}">{one.body}</svg>'
        for one, x, y in places
    )
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top + shelf}">'
        f"{parts}</svg>"
    )
    try:
        drawn = bytes(resvg_py.svg_to_bytes(svg_string=picture, skip_system_fonts=True))
    except ValueError as error:
        raise SimError("screen", f"resvg refuses a shape: {error}") from error
    rows = pixels.alpha_rows(drawn)
    for one, x, y in places:
        cut = (row[x : x + one.width] for row in rows[y : y + one.height])
        _stamps[one.key] = _stamp(one.left, one.top, cut)


def _compose(words: Line) -> Stamp:
    spans: list[tuple[int, int, bytes]] = []
    for glyph in words.glyphs:
        # The store may have been emptied since the glyph was prepared.
        key = _key(glyph, words.size)
        stamp = _stamps.get(key) or _known(_glyph(key, glyph, words.size))
        across = math.floor(round(glyph.x * SUBPIXELS) / SUBPIXELS)
        drop = round(glyph.y)
        spans += [(drop + down, across + x, coverage) for down, x, coverage in stamp.spans]
    if not spans:
        return _EMPTY
    top, bottom = min(y for y, _, _ in spans), max(y for y, _, _ in spans) + 1
    left = min(x for _, x, _ in spans)
    width = max(x + len(coverage) for _, x, coverage in spans) - left
    rows = [bytearray(width) for _ in range(bottom - top)]
    for y, x, coverage in spans:
        row, start = rows[y - top], x - left
        stop = start + len(coverage)
        if any(row[start:stop]):
            # Letters that touch share their edge pixels: add the parts that each covers.
            coverage = bytes(map(_added, row[start:stop], coverage))
        row[start:stop] = coverage
    return _stamp(left, top, (bytes(row) for row in rows))


def _added(one: int, other: int) -> int:
    return min(255, one + other)
