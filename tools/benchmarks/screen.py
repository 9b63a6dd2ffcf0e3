"""What a picture of the locked screen costs at 1080 x 2340, beside resvg drawing the same SVG."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator

import resvg_py

from benchmarks import lab
from benchmarks.figure import Figure
from benchmarks.timing import in_turn
from firmware_sim.screen import png, scene, svg
from firmware_sim.screen.device import TALL
from firmware_sim.screen.samples import full_view
from firmware_sim.view import Page

ROUNDS = 9


def _processor(function: Callable[[], object], repeats: int) -> Callable[[], float]:
    """A side: processor seconds of one call. One thread does all the work, so on a machine
    with nothing else to do this is the time on the wall; on a busy one it is still ours."""

    def side() -> float:
        started = time.process_time()
        for _ in range(repeats):
            function()
        return (time.process_time() - started) / repeats

    return side


def figures() -> Iterator[Figure]:
    """The figures of this benchmark."""
    view = full_view(Page.LOCKED)
    made = scene.build(view, TALL)
    drawn = svg.render(made)
    serial = itertools.count()

    def draw() -> None:
        svg.render(made)
        png.render(made)

    def anew() -> None:
        # Another IMEI and reference each time, so that no line with them was ever drawn before.
        number = next(serial)
        other = dataclasses.replace(
            view, imei=f"{352099001000000 + number}", reference=f"7KQ4-{number:04}-91TB"
        )
        changed = scene.build(other, TALL)
        svg.render(changed)
        png.render(changed)

    def whole() -> None:
        resvg_py.svg_to_bytes(svg_string=drawn, skip_system_fonts=True)

    ours, fresh, resvg = in_turn(
        ROUNDS, _processor(draw, 5), _processor(anew, 5), _processor(whole, 1)
    )
    sides = {"ours_s": ours, "resvg_s": resvg}
    yield Figure(
        name="screen.locked", value=ours * 1000, unit="ms", bound=15, sides=sides,
        note="SVG and PNG of a scene that is laid out, 1080 x 2340, warm, processor time",
    )  # fmt: skip
    yield Figure(
        name="screen.locked_anew", value=fresh * 1000, unit="ms", bound=25,
        sides={"ours_s": fresh, "resvg_s": resvg},
        note="laid out, SVG and PNG, with an IMEI and a reference never drawn before",
    )  # fmt: skip
    yield Figure(
        name="screen.against_resvg", value=ours / resvg, unit="ratio", bound=0.25, sides=sides,
        note="our SVG and PNG by resvg's PNG of the same SVG",
    )  # fmt: skip
    yield from lab.figures()
