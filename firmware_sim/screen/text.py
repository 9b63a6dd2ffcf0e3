"""Text set into lines: broken where the language allows, measured by HarfBuzz, in bidi order."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import uharfbuzz as hb

from firmware_sim.screen import bidi, fonts

_FORBIDDEN_AT_START = set("、。，．：；？！）〕］｝〉》」』】’”%)]}!?.,:;»›…％·")
_FORBIDDEN_AT_END = set("（〔［｛〈《「『【‘“([{«‹")
ELLIPSIS = "…"
REPLACEMENT = "\ufffd"
_STEERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_BARE = 0.25
"""Share of the width under which a last line looks lost."""
_LONGEST_PIECE = 256
"""Letters without a place to break after which one is broken anyway."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One glyph of a line: x to the right of the line's left edge, y below the baseline, px."""

    face: fonts.Face
    glyph: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it will be drawn."""

    text: str
    """Logical order."""
    glyphs: tuple[Glyph, ...]
    width: float
    """Sum of advances in px."""
    size: float
    """px per em."""

    def __hash__(self) -> int:
        return hash((self.text, self.size, self.width))


@dataclass(frozen=True, slots=True)
class Setting:
    """How text is set: px per em, weight, language subtag, direction of the paragraph."""

    size: float
    weight: int
    language: str
    rtl: bool


def set_line(text: str, setting: Setting) -> Line:
    """The whole text as one line, however long."""
    return _shape(text, 0, len(text), setting)


def wrap(text: str, width: float, setting: Setting) -> tuple[Line, ...]:
    """The text in lines of at most `width` px; a word too long is broken between letters."""
    return _wrap(text, round(width), setting)


def even(text: str, width: float, setting: Setting) -> tuple[Line, ...]:
    """As `wrap`, but set a little narrower where that spares the last line standing almost bare."""
    lines = wrap(text, width, setting)
    if len(lines) < 2 or lines[-1].width >= width * _BARE:
        return lines
    for share in (0.95, 0.9, 0.85):
        tried = wrap(text, width * share, setting)
        if len(tried) == len(lines) and tried[-1].width >= width * _BARE:
            return tried
    return lines


def balance(text: str, width: float, setting: Setting) -> tuple[Line, ...]:
    """As few lines as `wrap` needs, but of about the same length: for centred text."""
    lines = wrap(text, width, setting)
    if len(lines) < 2 or "\n" in text:
        return lines
    low, high = round(width / 2), round(width)
    while high - low > max(2, round(width / 128)):
        middle = (low + high) // 2
        tried = wrap(text, middle, setting)
        if len(tried) <= len(lines):
            lines, high = tried, middle
        else:
            low = middle
    return lines


def shorten(
    lines: tuple[Line, ...], count: int, width: float, setting: Setting
) -> tuple[Line, ...]:
    """The first `count` lines, the last one ending in an ellipsis when something is left out."""
    if len(lines) <= count:
        return lines
    last = set_line(lines[count - 1].text.rstrip() + ELLIPSIS, setting)
    return (*lines[: count - 1], shortened_to(last, width, setting))


def shortened_to(line: Line, width: float, setting: Setting) -> Line:
    """The line, or as much of its beginning as fits `width` px with an ellipsis."""
    kept = line.text.rstrip(ELLIPSIS)
    while line.width > width and kept:
        kept = kept[:-1].rstrip()
        line = set_line(kept + ELLIPSIS, setting)
    return line


def printable(text: str) -> str:
    """Text of others without what steers a terminal, a reader or the direction of a line.

    Controls, lone surrogates and unassigned characters become U+FFFD; line feeds stay; bidi
    embeddings, overrides and isolates go, as they could turn the words around them.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = []
    for character in text.replace("\r\n", "\n").replace("\u2028", "\n").replace("\u2029", "\n"):
        if character in _STEERING:
            continue
        bad = character != "\n" and unicodedata.category(character) in ("Cc", "Cs", "Cn", "Co")
        kept.append(REPLACEMENT if bad else character)
    return "".join(kept)


def words(text: str) -> list[str]:
    """The text cut where a line may end; spaces stay with what stands before them."""
    return [text[first:last] for first, last, _ in _pieces(text)]


@lru_cache(maxsize=2048)
def _wrap(text: str, width: int, setting: Setting) -> tuple[Line, ...]:
    lines: list[Line] = []
    for paragraph in text.split("\n"):
        lines += _wrap_paragraph(paragraph, width, setting)
    return tuple(lines)


def _wrap_paragraph(text: str, width: int, setting: Setting) -> list[Line]:
    lines: list[Line] = []
    pieces = _pieces(text)
    start = 0
    while start < len(pieces):
        begin = pieces[start][0]
        stop, used = start, 0.0
        while stop < len(pieces):
            first, last, bare = pieces[stop]
            if stop > start and used + _advance(text[first:bare], setting) > width:
                break
            used += _advance(text[first:last], setting)
            stop += 1
        line = _shape(text, begin, pieces[stop - 1][2], setting)
        # Kerning across a space is not in the sum: let the line as drawn have the last word.
        while line.width > width and stop - start > 1:
            stop -= 1
            line = _shape(text, begin, pieces[stop - 1][2], setting)
        if line.width > width:
            cut = _cut(text, begin, pieces[start][2], width, setting)
            lines.append(_shape(text, begin, cut, setting))
            first, last, bare = pieces[start]
            pieces[start] = (cut, last, bare)
            continue
        lines.append(line)
        start = stop
    return lines or [_shape("", 0, 0, setting)]


def _cut(text: str, begin: int, end: int, width: int, setting: Setting) -> int:
    """Where a word that is wider than the line must be broken; at least one letter is taken."""
    cut = begin + 1
    for candidate in range(begin + 1, end):
        if unicodedata.combining(text[candidate]):
            continue
        if _shape(text, begin, candidate, setting).width > width:
            break
        cut = candidate
    return cut


def _pieces(text: str) -> list[tuple[int, int, int]]:
    """Unbreakable pieces: (start, end with the spaces after it, end without them).

    A break is allowed after spaces and hyphens and around ideographs, not before closing
    nor after opening marks. Source: Unicode Standard Annex #14, rules LB7, LB13, LB14, LB18,
    LB21, ID; Hangul is kept in words as Korean setting does.
    """
    pieces: list[tuple[int, int, int]] = []
    start = 0
    for index in range(1, len(text)):
        before, after = text[index - 1], text[index]
        if after == " ":
            continue
        allowed = (
            before == " "
            or (before == "-" and _parts(text, index))
            or before == "\u200b"
            or ((_ideograph(before) or _ideograph(after)) and not _glued(before, after))
        )
        if allowed:
            pieces.append((start, index, start + len(text[start:index].rstrip(" "))))
            start = index
    if start < len(text):
        pieces.append((start, len(text), start + len(text[start:].rstrip(" "))))
    return [part for piece in pieces for part in _bounded(piece)]


def _bounded(piece: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    """The piece in parts of a length that no line holds, so that shaping stays linear."""
    first, last, bare = piece
    if last - first <= _LONGEST_PIECE:
        return [piece]
    starts = range(first, bare, _LONGEST_PIECE)
    return [
        (start, last, bare) if start + _LONGEST_PIECE >= bare else (start, stop, stop)
        for start, stop in zip(starts, (*starts[1:], bare), strict=True)
    ]


def _parts(text: str, index: int) -> bool:
    """Whether a hyphen joins two parts of four letters or digits: "Wi-Fi" stays whole."""
    return (
        text[max(0, index - 5) : index - 1].isalnum()
        and text[index : index + 4].isalnum()
        and (index > 4)
    )


def _glued(before: str, after: str) -> bool:
    return after in _FORBIDDEN_AT_START or before in _FORBIDDEN_AT_END or before == "\u2060"


def _ideograph(character: str) -> bool:
    code = ord(character)
    return 0x3000 <= code <= 0x30FF or 0x3400 <= code <= 0x9FFF or 0xFF00 <= code <= 0xFFEF


@lru_cache(maxsize=8192)
def _advance(text: str, setting: Setting) -> float:
    return _shape(text, 0, len(text), setting).width


@lru_cache(maxsize=4096)
def _shape(paragraph: str, start: int, end: int, setting: Setting) -> Line:
    glyphs: list[Glyph] = []
    pen = 0.0
    for run in bidi.visual_runs(paragraph, int(setting.rtl), start, end):
        pieces = _by_face(paragraph, run, setting)
        for face, text in reversed(pieces) if run.rtl else pieces:
            buffer = hb.Buffer()
            buffer.add_str(text)
            buffer.guess_segment_properties()
            buffer.direction = "rtl" if run.rtl else "ltr"
            buffer.language = "zh-Hans" if setting.language == "zh" else setting.language
            hb.shape(face.font, buffer)
            scale = setting.size / face.units_per_em
            for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
                glyphs.append(
                    Glyph(
                        face,
                        info.codepoint,
                        pen + position.x_offset * scale,
                        -position.y_offset * scale,
                    )
                )
                pen += position.x_advance * scale
    return Line(paragraph[start:end], tuple(glyphs), pen, setting.size)


def _by_face(paragraph: str, run: bidi.Run, setting: Setting) -> list[tuple[fonts.Face, str]]:
    """The run cut where the face changes; spaces, points and marks stay with what stands before."""
    faces = fonts.chain(setting.language, setting.weight)
    pieces: list[tuple[fonts.Face, str]] = []
    for character in paragraph[run.start : run.end]:
        if unicodedata.category(character) == "Cf" and character not in "\u200c\u200d":
            continue  # isolates and marks have done their work in the bidi levels
        sticky = pieces and unicodedata.category(character)[0] in "ZMP"
        if sticky and pieces[-1][0].covers(character):
            chosen = pieces[-1][0]
        else:
            chosen = next((face for face in faces if face.covers(character)), faces[0])
        if pieces and pieces[-1][0] is chosen:
            pieces[-1] = (chosen, pieces[-1][1] + character)
        else:
            pieces.append((chosen, character))
    return pieces
