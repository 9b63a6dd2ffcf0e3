"""The screen as JPEG, for streams that know nothing else."""

from __future__ import annotations

import io

from PIL import Image

from firmware_sim.screen import png
from firmware_sim.screen.tree import Scene

QUALITY = 85


def jpeg(scene: Scene) -> bytes:
    """The picture of a scene, as JPEG."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(png.render(scene))) as picture:
        picture.convert("RGB").save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
