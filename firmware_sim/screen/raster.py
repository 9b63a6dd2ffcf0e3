"""Shapes turned into coverage once, by resvg, and kept: 0 is outside, 255 is inside.

resvg takes about 30 ns a pixel for a whole picture, 75 ms for a tall phone, and nothing of
that depends on how much is drawn. So it draws only what is new, many shapes in one strip;
the pictures are put together from these stamps (see png).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import resvg_py

from firmware_sim.errors import SimError
from firmware_sim.screen import pixels
from firmware_sim.screen.icons import Icon
from firmware_sim.screen.svg import icon_body
from firmware_sim.screen.text import Glyph, Line

SUBPIXELS = 4
"""Positions between two pixels that a glyph may take."""
_KEPT_STAMPS, _KEPT_LINES = 6000, 600


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


def icon(drawing: Icon, size: int, mirror: bool) -> Stamp:
    """An icon of `size` px each way."""
    key = ("icon", drawing.name, size, mirror)
    if key not in _stamps:
        scale = size / 24
        turn = f"matrix({-scale:g} 0 0 {scale:g} {size} 0)" if mirror else f"scale({scale:g})"
        body = f'<g transform="{turn}">{icon_body(drawing, "#fff")}</g>'
        _draw([_Wanted(key, body, 0, 0, size, size)])
    return _stamps[key]


def corner(radius: int) -> Stamp:
    """The top left quarter of a disc of `radius` px."""
    key = ("corner", radius)
    if key not in _stamps:
        body = f'<circle cx="{radius}" cy="{radius}" r="{radius}" fill="#fff"/>'
        _draw([_Wanted(key, body, 0, 0, radius, radius)])
    return _stamps[key]


def prepare(lines: Sequence[Line]) -> None:
    """Draw all glyphs that the lines need and that are not yet known, in one go."""
    wanted: dict[tuple[object, ...], _Wanted] = {}
    for line in lines:
        if line in _lines:
            continue
        for glyph in line.glyphs:
            key = _key(glyph, line.size)
            if key not in _stamps and key not in wanted:
                wanted[key] = _wanted(key, glyph, line.size)
    if wanted:
        _draw(list(wanted.values()))


def line(words: Line) -> Stamp:
    """A whole line of text; its origin is the left end of the baseline."""
    known = _lines.get(words)
    if known is None:
        prepare([words])
        if len(_lines) >= _KEPT_LINES:
            _lines.clear()
        known = _lines[words] = _compose(words)
    return known


def _key(glyph: Glyph, size: float) -> tuple[object, ...]:
    return (glyph.face.family, glyph.face.weight, glyph.glyph, size, _phase(glyph.x))


def _phase(x: float) -> int:
    return round(x * SUBPIXELS) % SUBPIXELS


def _wanted(key: tuple[object, ...], glyph: Glyph, size: float) -> _Wanted:
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
    """Draw shapes under each other in one picture and cut it up."""
    if len(_stamps) + len(wanted) > _KEPT_STAMPS:
        _stamps.clear()
    for one in wanted:
        if not one.width or not one.height:
            _stamps[one.key] = _EMPTY
    shapes = [one for one in wanted if one.width and one.height]
    if not shapes:
        return
    parts, top = [], 0
    for one in shapes:
        parts.append(
            f'<svg x="0" y="{top}" width="{one.width}" height="{one.height}">{one.body}</svg>'
        )
        top += one.height
    width = max(one.width for one in shapes)
    strip = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}">'
        f"{''.join(parts)}</svg>"
    )
    try:
        picture = bytes(resvg_py.svg_to_bytes(svg_string=strip, skip_system_fonts=True))
    except ValueError as error:
        raise SimError("screen", f"resvg refuses a shape: {error}") from error
    rows = pixels.alpha_rows(picture)
    top = 0
    for one in shapes:
        cut = (row[: one.width] for row in rows[top : top + one.height])
        _stamps[one.key] = _stamp(one.left, one.top, cut)
        top += one.height


def _compose(words: Line) -> Stamp:
    spans: list[tuple[int, int, bytes]] = []
    for glyph in words.glyphs:
        stamp = _stamps[_key(glyph, words.size)]
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
