"""The scene as SVG: self-contained, text as outlines, each part named for readers.

No font is needed to show it: the letters are the curves that HarfBuzz chose.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from xml.sax.saxutils import quoteattr

from firmware_sim.screen.fonts import Face
from firmware_sim.screen.icons import Icon
from firmware_sim.screen.tree import Box, Drawing, Node, Role, Scene, Words

_ARIA = {
    Role.SCREEN: "group",
    Role.GROUP: "",
    Role.STATUS: "group",
    Role.BANNER: "note",
    Role.HEADING: "heading",
    # The letters are curves: to a reader each line of text is a drawing with a name.
    Role.TEXT: "img",
    Role.IMAGE: "img",
    Role.BUTTON: "button",
    Role.OPTION: "button",
    Role.FIELD: "textbox",
    Role.PROGRESS: "progressbar",
    Role.KEY: "button",
}


def render(scene: Scene) -> str:
    """One `svg` element of the scene's size in px."""
    used: dict[str, str] = {}
    body = "".join(_node(scene.root, used))
    definitions = "".join(
        f'<path id="{name}" d="{outline}"/>' for name, outline in used.items() if outline
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{scene.width}" height="{scene.height}" '
        f'viewBox="0 0 {scene.width} {scene.height}" lang="{scene.language}" '
        f'direction="{scene.direction.value}"><title>{_escaped(scene.title)}</title>'
        f"<defs>{definitions}</defs>"
        f'<rect width="{scene.width}" height="{scene.height}" fill="{scene.ground}"/>{body}</svg>\n'
    )


def _node(node: Node, used: dict[str, str]) -> Iterator[str]:
    role = _ARIA[node.role]
    if role == "img" and not node.label:
        role = "presentation"
    attributes = f' role="{role}"' if role else ""
    if node.key:
        attributes += f" data-id={quoteattr(node.key)}"
    if role and node.label:
        attributes += f" aria-label={quoteattr(_name(node))}"
    if node.role is Role.HEADING:
        attributes += ' aria-level="1"'
    if node.focusable:
        attributes += ' tabindex="0"'
    if not node.enabled:
        attributes += ' aria-disabled="true"'
    if node.role is Role.OPTION:
        attributes += f' aria-pressed="{str(node.selected).lower()}"'
    if node.role is Role.PROGRESS:
        attributes += (
            f' aria-valuenow="{node.text.rstrip("%")}" aria-valuemin="0" aria-valuemax="100"'
        )
    yield f"<g{attributes}>"
    for mark in node.marks:
        if isinstance(mark, Box):
            yield _box(mark)
        elif isinstance(mark, Words):
            yield _words(mark, used)
        else:
            yield _drawing(mark)
    for child in node.children:
        yield from _node(child, used)
    yield "</g>"


def _name(node: Node) -> str:
    """The accessible name; a field says what is typed in it, unless that is secret."""
    if node.role is Role.FIELD and node.text and not node.secret:
        return f"{node.label}: {node.text}"
    return node.label


def _box(mark: Box) -> str:
    rect = mark.rect
    corner = f' rx="{mark.radius}"' if mark.radius else ""
    return (
        f'<rect x="{rect.left}" y="{rect.top}" width="{rect.right - rect.left}" '
        f'height="{rect.bottom - rect.top}"{corner} fill="{mark.fill}"/>'
    )


def _words(mark: Words, used: dict[str, str]) -> str:
    parts = [f'<g fill="{mark.fill}" transform="translate({mark.left} {mark.baseline})']
    size = mark.line.size
    face: Face | None = None
    for glyph in mark.line.glyphs:
        name = f"{glyph.face.family[0]}{glyph.face.weight}-{glyph.glyph}"
        outline = used.get(name)
        if outline is None:
            outline = used[name] = glyph.face.outline(glyph.glyph)
        if not outline:
            continue
        if glyph.face is not face:
            parts.append('">' if face is None else "</g>")
            face = glyph.face
            scale = size / face.units_per_em
            bold = ""
            if face.bold_stroke:
                width = face.bold_stroke * face.units_per_em
                bold = f' stroke="{mark.fill}" stroke-width="{width:g}"'
            parts.append(f'<g transform="scale({scale:.6g})"{bold}>')
        parts.append(f'<use href="#{name}" x="{glyph.x / scale:.0f}" y="{glyph.y / scale:.0f}"/>')
    parts.append("</g></g>" if face else '"/>')
    return "".join(parts)


def _drawing(mark: Drawing) -> str:
    scale = mark.size / 24
    turn = f"matrix({-scale:g} 0 0 {scale:g} {mark.left + mark.size} {mark.top})"
    place = f"matrix({scale:g} 0 0 {scale:g} {mark.left} {mark.top})"
    transform = turn if mark.mirror else place
    return f'<g transform="{transform}">{icon_body(mark.icon, mark.fill)}</g>'


@lru_cache(maxsize=256)
def icon_body(icon: Icon, colour: str) -> str:
    """The icon's shapes on its own grid of 24 by 24."""
    stroke = (
        f'<path d="{icon.strokes}" fill="none" stroke="{colour}" stroke-width="{icon.pen:g}" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
        if icon.strokes
        else ""
    )
    fill = f'<path d="{icon.fills}" fill="{colour}" fill-rule="evenodd"/>' if icon.fills else ""
    return stroke + fill


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
