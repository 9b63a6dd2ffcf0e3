"""The faces that text is set in: from pinned packages only, never from the system.

HarfBuzz maps the files into memory; a glyph is taken out as an outline when it is first
drawn. So no renderer ever loads a font, and the same text gives the same curves anywhere.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import uharfbuzz as hb

from firmware_sim.errors import SimError

# Family -> package, file in it.
_FILES = {
    "latin": ("fontpkg_noto_sans", "files/NotoSans[wdth,wght].ttf"),
    "arabic": ("fontpkg_noto_sans_arabic", "files/NotoSansArabic[wdth,wght].ttf"),
    "cjk": ("cvttf_NotoSansCJK_Regular", "NotoSansCJKtc-Regular.otf"),
}
_CHAIN = ("latin", "arabic", "cjk")
"""Latin first: the Arabic family has Latin letters too, of another make."""
_CJK_LANGUAGES = frozenset({"ko", "zh", "ja"})


@dataclass(slots=True)
class Face:
    """One family at one weight."""

    family: str
    weight: int
    font: hb.Font
    units_per_em: int
    bold_stroke: float
    """Width in em of the stroke that thickens a family without weights; 0 where it has them."""
    _outlines: dict[int, str] = field(default_factory=dict)

    def covers(self, character: str) -> bool:
        """Whether the face has a glyph for it."""
        return self.font.get_nominal_glyph(ord(character)) is not None

    def outline(self, glyph: int) -> str:
        """SVG path data in font units, y downwards; empty for a blank glyph."""
        known = self._outlines.get(glyph)
        if known is None:
            known = self._outlines[glyph] = _outline(self.font, glyph)
        return known


@cache
def face(family: str, weight: int) -> Face | None:
    """The family at that weight, or None when its package is not installed."""
    package, name = _FILES[family]
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / name
    try:
        hb_face = hb.Face(hb.Blob.from_file_path(str(path)))
    except (OSError, hb.HarfBuzzError) as error:
        raise SimError("screen", f"the font {name} of {package} cannot be read") from error
    font = hb.Font(hb_face)
    stroke = 0.0
    if family == "cjk":
        stroke = max(0, weight - 400) / 200 * 0.03
    else:
        font.set_variations({"wght": weight})
    return Face(family, weight, font, hb_face.upem, stroke)


@cache
def chain(language: str, weight: int) -> tuple[Face, ...]:
    """Faces to look a character up in, in order, for a language subtag.

    Raises:
        SimError: the language needs the fonts of the extra `cjk`.
    """
    if language in _CJK_LANGUAGES and face("cjk", weight) is None:
        raise SimError(
            "screen", f"the fonts for {language} are missing: pip install 'firmware-sim[cjk]'"
        )
    found = (face(family, weight) for family in _CHAIN)
    return tuple(one for one in found if one is not None)


def covered(text: str, language: str) -> bool:
    """Whether every character of the text can be drawn."""
    faces = chain(language, 400)
    return all(any(face.covers(c) for face in faces) for c in text if not c.isspace())


def _outline(font: hb.Font, glyph: int) -> str:
    parts: list[str] = []

    def point(*values: float) -> str:
        return " ".join(
            f"{value if index % 2 == 0 else -value:g}" for index, value in enumerate(values)
        )

    functions = hb.DrawFuncs()
    functions.set_move_to_func(lambda x, y, data: parts.append(f"M{point(x, y)}"))
    functions.set_line_to_func(lambda x, y, data: parts.append(f"L{point(x, y)}"))
    functions.set_quadratic_to_func(lambda a, b, x, y, data: parts.append(f"Q{point(a, b, x, y)}"))
    functions.set_cubic_to_func(
        lambda a, b, c, d, x, y, data: parts.append(f"C{point(a, b, c, d, x, y)}")
    )
    functions.set_close_path_func(lambda data: parts.append("Z"))
    font.draw_glyph(glyph, functions, None)
    return "".join(parts)
