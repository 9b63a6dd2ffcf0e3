"""A view drawn: the one place where the rig meets the screen's drawings.

Each drawing is imported when it is asked for: rasterising takes longer to load than the whole
activation takes to run.
"""

from __future__ import annotations

from functools import cached_property

from firmware_sim.screen import scene
from firmware_sim.screen.tree import Scene
from firmware_sim.view import View


class Drawing:
    """The drawings of one view; each is made when asked for."""

    def __init__(self, view: View) -> None:
        self._view = view

    @cached_property
    def scene(self) -> Scene:
        """The scene tree."""
        return scene.build(self._view)

    def summary(self) -> dict[str, str]:
        """id, title, text and direction."""
        return scene.summary(self.scene)

    def terminal(self, columns: int, colour: bool) -> str:
        """Drawn in characters, `columns` wide at most."""
        from firmware_sim.screen import terminal

        return terminal.render(self.scene, columns, colour)

    def svg(self) -> str:
        """The picture as SVG."""
        from firmware_sim.screen import svg

        return svg.render(self.scene)

    def png(self) -> bytes:
        """The picture as PNG."""
        from firmware_sim.screen import png

        return png.render(self.scene)
