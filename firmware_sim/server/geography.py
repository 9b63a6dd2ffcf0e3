"""Whether a position fix lies in Crimea (ISO 3166-2 UA-43) or Sevastopol (UA-40).

No network number names them, so a polygon does. Its error is stated in the data file. Three
answers: a fix is in, out, or too close to the land border to say. The coast needs no such
doubt: for kilometres there is nothing but sea, so a fix that far off still means the shore.
The border between the two subdivisions only decides which one is named.

Source: Natural Earth, public domain (places/crimea.json names the layers). Distances are on a
plane through the fix: within 0.5 % over the distances that matter.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import cos, hypot, radians

from firmware_sim.server.policy import Place
from firmware_sim_protocol.values import Gnss

METRES_PER_DEGREE = 111_320.0
"""Of latitude, and of longitude at the equator."""
FAR_DEGREES = 1.0
"""A fix so far outside the box around the outline is out without further arithmetic."""

Point = tuple[float, float]
"""(longitude, latitude) in degrees."""

PENINSULA, CITY = "UA-43", "UA-40"
CODES = frozenset({PENINSULA, CITY})


@dataclass(frozen=True, slots=True)
class Outline:
    """The peninsula with the city, and the line between the two.

    `ring` does not repeat its first point. `land_border`: from which point of it to which the
    border runs through land and lagoon; the rest is open coast. Errors are metres.
    """

    ring: tuple[Point, ...]
    land_border: tuple[int, int]
    inner_border: tuple[Point, ...]
    error_m: int
    inner_error_m: int

    @property
    def edges(self) -> list[tuple[Point, Point, bool]]:
        """Each edge, and whether it is land border."""
        first, last = self.land_border
        following = (*self.ring[1:], self.ring[0])
        pairs = zip(self.ring, following, strict=True)
        return [(a, b, first <= index < last) for index, (a, b) in enumerate(pairs)]


@cache
def outline() -> Outline:
    """The outline that ships."""
    file = resources.files("firmware_sim.server") / "places" / "crimea.json"
    tree = json.loads(file.read_text("utf-8"))
    return Outline(
        ring=tuple((x, y) for x, y in tree["ring"]),
        land_border=tuple(tree["land_border"]),
        inner_border=tuple((x, y) for x, y in tree["inner_border"]),
        error_m=tree["error_m"],
        inner_error_m=tree["inner_error_m"],
    )


def whereabouts(code: str, fix: Gnss) -> Place:
    """In, out of, or undecided for one subdivision; undecided for codes without an outline."""
    if code not in CODES:
        return Place.UNKNOWN
    either = within(fix)
    if either is not Place.IN:
        return either
    found = subdivision(fix)
    if found is None:
        return Place.UNKNOWN
    return Place.IN if found == code else Place.OUT


def within(fix: Gnss) -> Place:
    """In, out of, or undecided for the peninsula with the city."""
    shape = outline()
    x, y = fix.longitude_e7 / 1e7, fix.latitude_e7 / 1e7
    if _far(shape.ring, x, y):
        return Place.OUT
    border = coast = float("inf")
    inside = False
    for (x1, y1), (x2, y2), is_border in shape.edges:
        # Ray casting: each edge that crosses the ray to the east flips the answer.
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
        distance = _distance_m(x, y, (x1, y1), (x2, y2))
        if is_border:
            border = min(border, distance)
        else:
            coast = min(coast, distance)
    if border <= shape.error_m + fix.accuracy_m:
        return Place.UNKNOWN
    if inside or coast <= shape.error_m:
        return Place.IN
    return Place.UNKNOWN if coast <= shape.error_m + fix.accuracy_m else Place.OUT


def subdivision(fix: Gnss) -> str | None:
    """Which of the two a fix inside is in; None when it is too close to the line between them."""
    shape = outline()
    x, y = fix.longitude_e7 / 1e7, fix.latitude_e7 / 1e7
    line = shape.inner_border
    nearest = min(_distance_m(x, y, a, b) for a, b in itertools.pairwise(line))
    if nearest <= shape.inner_error_m + fix.accuracy_m:
        return None
    return CITY if _in_city(x, y) else PENINSULA


def nearest_subdivision(fix: Gnss) -> str:
    """The likelier of the two for a fix inside: for naming, not for deciding."""
    return CITY if _in_city(fix.longitude_e7 / 1e7, fix.latitude_e7 / 1e7) else PENINSULA


def _in_city(x: float, y: float) -> bool:
    # The city is what lies between the line and the open sea in the south-west.
    line = outline().inner_border
    ring = (*line, (line[-1][0], 44.2), (33.2, 44.2), (33.2, line[0][1]))
    inside = False
    for (x1, y1), (x2, y2) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def _far(ring: tuple[Point, ...], x: float, y: float) -> bool:
    west, east = min(p[0] for p in ring), max(p[0] for p in ring)
    south, north = min(p[1] for p in ring), max(p[1] for p in ring)
    return not (
        west - FAR_DEGREES <= x <= east + FAR_DEGREES
        and south - FAR_DEGREES <= y <= north + FAR_DEGREES
    )


def _distance_m(x: float, y: float, a: Point, b: Point) -> float:
    """Distance of (x, y) from the segment a-b."""
    east, north = METRES_PER_DEGREE * cos(radians(y)), METRES_PER_DEGREE
    ax, ay = (a[0] - x) * east, (a[1] - y) * north
    dx, dy = (b[0] - a[0]) * east, (b[1] - a[1]) * north
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else max(0.0, min(1.0, -(ax * dx + ay * dy) / length))
    return hypot(ax + along * dx, ay + along * dy)
