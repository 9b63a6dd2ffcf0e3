"""Whether a position fix lies in a place that no network number names.

Polygons are simplified: each says how far its border may lie from the true one. A fix closer
to the border than that error and its own accuracy together is undecided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, hypot, radians
from types import MappingProxyType

from firmware_sim.server.policy import Place
from firmware_sim_protocol.values import Gnss

METRES_PER_DEGREE = 111_320.0
"""Of latitude, and of longitude at the equator (WGS 84, to 0.5 %: below the polygons' error)."""

Ring = tuple[tuple[float, float], ...]
"""(longitude, latitude) in degrees; the last point joins the first."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A place: its rings, and how far they may lie from the true border."""

    rings: tuple[Ring, ...]
    error_m: int


OUTLINES: Mapping[str, Outline] = MappingProxyType({})
"""ISO 3166-2 code -> outline."""


def whereabouts(code: str, fix: Gnss) -> Place:
    """In, out of, or too close to the border of the place with this code; unknown without one."""
    return _judge((code,), fix)


def within_any(codes: tuple[str, ...], fix: Gnss) -> bool:
    """Whether the fix is surely in the union of places, on whichever side of inner borders."""
    return _judge(codes, fix) is Place.IN


def _judge(codes: tuple[str, ...], fix: Gnss) -> Place:
    outlines = [OUTLINES[code] for code in codes if code in OUTLINES]
    if len(outlines) != len(codes) or not outlines:
        return Place.UNKNOWN
    x, y = fix.longitude_e7 / 1e7, fix.latitude_e7 / 1e7
    inside = any(_inside(ring, x, y) for outline in outlines for ring in outline.rings)
    margin = fix.accuracy_m + max(outline.error_m for outline in outlines)
    distance = min(_distance_m(ring, x, y) for outline in outlines for ring in outline.rings)
    if distance <= margin:
        return Place.UNKNOWN
    return Place.IN if inside else Place.OUT


def _inside(ring: Ring, x: float, y: float) -> bool:
    # Ray casting: each edge that crosses the ray to the east flips the answer.
    inside = False
    for (x1, y1), (x2, y2) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def _distance_m(ring: Ring, x: float, y: float) -> float:
    # A plane through the fix: good near it, and far away only "far" matters.
    east, north = METRES_PER_DEGREE * cos(radians(y)), METRES_PER_DEGREE
    points = [((px - x) * east, (py - y) * north) for px, py in ring]
    edges = zip(points, (*points[1:], points[0]), strict=True)
    return min(_to_segment(ax, ay, bx, by) for (ax, ay), (bx, by) in edges)


def _to_segment(ax: float, ay: float, bx: float, by: float) -> float:
    """Distance of the origin from the segment a-b."""
    dx, dy = bx - ax, by - ay
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else max(0.0, min(1.0, -(ax * dx + ay * dy) / length))
    return hypot(ax + along * dx, ay + along * dy)
