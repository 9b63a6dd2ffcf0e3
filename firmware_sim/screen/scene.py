"""A view laid out for a device: the one scene that every drawing is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from firmware_sim.screen import catalog, icons, theme
from firmware_sim.screen.device import TALL, Device
from firmware_sim.screen.layout import Column, Sheet, Text, set_lines, tighter
from firmware_sim.screen.pages import PAGES, Frame
from firmware_sim.screen.text import printable, shortened_to
from firmware_sim.screen.theme import LOCK, PALETTES, Theme
from firmware_sim.screen.tree import Box, Direction, Drawing, Mark, Node, Rect, Role, Scene
from firmware_sim.view import Page, View

STATUS_HEIGHT, FOOT_HEIGHT = 32, 24
WIDE = 600
"""Least side in dp of a display on which a page is a panel. Source: Android, sw600dp."""
PANEL_HEIGHT = 800
LOCK_PAGES = frozenset({Page.BOOT, Page.LOCKED, Page.TICKET, Page.EMERGENCY, Page.STORAGE_FAULT})
"""Black whatever the theme: what stands before or in the way of the user's own settings."""
_SETTINGS = (
    *((1.0, 0), (0.85, 0), (0.7, 0), (0.9, 1), (0.75, 1)),
    *((0.75, 2), (0.55, 2), (0.6, 3), (0.4, 3)),
)
"""How a page is made to fit, before its text is made smaller: spacing and crowding."""
_SHRINKS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
_MOST_LINES = 24


def build(
    view: View,
    device: Device = TALL,
    look: Theme = Theme.LIGHT,
    text_scale: float = 1.0,
    *,
    focus: str = "",
    typed: Mapping[str, str] | None = None,
) -> Scene:
    """Lay a view out.

    A page that does not fit is set tighter, then smaller, at the size that just fits.

    Args:
        view: the page and its facts.
        device: the display.
        look: light or dark; the lock is black in both.
        text_scale: 1.0 as designed, up to `theme.LARGE_TEXT`.
        focus: key of the node that has the keyboard.
        typed: resource id of a field -> what has been typed into it.

    Raises:
        UsageError: no catalogue for the view's locale.
        SimError: the fonts of the language are not installed.
    """
    view = _printable(view)
    words = catalog.catalog(view.locale)
    sheet = Sheet(
        device=device,
        palette=LOCK if view.page in LOCK_PAGES else PALETTES[look],
        words=words,
        text_scale=text_scale,
        focus=focus,
        typed=tuple(sorted((name, printable(text)) for name, text in (typed or {}).items())),
    )
    make = PAGES[view.page]
    sheet, frame, shrink = _fitted(sheet, lambda one: make(one, view), view)
    root = _placed(sheet, frame, view)
    if words.rtl:
        root = root.mirrored(device.width)
    return Scene(
        page=view.page.value,
        title=catalog.plain(frame.title),
        language=words.language,
        direction=Direction.RTL if words.rtl else Direction.LTR,
        width=device.width,
        height=device.height,
        ground=_outside(sheet, view),
        root=root,
        fit=shrink,
        shortened=sheet.message_lines is not None,
    )


def _printable(view: View) -> View:
    """The view with nothing in its texts that others could steer a reader with."""
    texts: dict[str, Any] = {
        field.name: printable(value)
        for field in fields(view)
        if isinstance(value := getattr(view, field.name), str)
    }
    return replace(view, **texts)


def summary(scene: Scene) -> dict[str, str]:
    """The scene in words: id, title, text of the page in reading order, direction."""
    skipped = {Role.STATUS, Role.HEADING, Role.KEY}
    shown = [
        node.text
        for node in scene.walk()
        if node.text and not node.secret and node.role not in skipped
    ]
    return {
        "id": scene.page,
        "title": scene.title,
        "text": "\n".join(shown),
        "direction": scene.direction.value,
    }


def _fitted(sheet: Sheet, make: Callable[[Sheet], Frame], view: View) -> tuple[Sheet, Frame, float]:
    """The roomiest setting in which the page fits the display."""
    for shrink in _SHRINKS:
        for spacing, crowding in _SETTINGS:
            candidate = tighter(sheet, spacing, crowding, shrink)
            frame = make(candidate)
            if _spare(candidate, frame, view) >= 0:
                return candidate, frame, shrink
    shrink = _SHRINKS[-1]
    for lines in range(_MOST_LINES, 0, -1):
        # Only a text of others can be so long: no page of ours comes here (a test tries all).
        candidate = tighter(sheet, *_SETTINGS[-1], shrink, lines)
        frame = make(candidate)
        if _spare(candidate, frame, view) >= 0:
            return candidate, frame, shrink
    return candidate, frame, shrink


def _banner(sheet: Sheet, view: View) -> Text | None:
    if not view.notice:
        return None
    return Text(
        sheet=sheet,
        content=catalog.code(view.notice),
        style=theme.CAPTION,
        colour=sheet.palette.on_caution,
        on=sheet.palette.caution_surface,
        role=Role.BANNER,
        resource_id="notice",
        foreign=True,
    )


def _regions(sheet: Sheet, frame: Frame, view: View) -> tuple[int, int, int]:
    """Top of the body, top of the actions, bottom of the actions, px."""
    width = sheet.column
    top = sheet.px(STATUS_HEIGHT)
    banner = _banner(sheet, view)
    if banner:
        top += banner.height(width) + 2 * sheet.px(theme.S)
    bottom = sheet.device.height - sheet.px(FOOT_HEIGHT)
    if _wide(sheet):
        # On a wide display the page stands in the middle, not drawn out over the whole height.
        spare = max(0, bottom - top - sheet.px(PANEL_HEIGHT)) // 2
        top, bottom = top + spare, bottom - spare
    height = Column(blocks=frame.actions).height(width)
    return top, bottom - height, bottom


def _wide(sheet: Sheet) -> bool:
    return min(sheet.device.width, sheet.device.height) >= sheet.px(WIDE)


def _panelled(sheet: Sheet, view: View) -> bool:
    return _wide(sheet) and view.page not in LOCK_PAGES and view.page is not Page.HOME


def _spare(sheet: Sheet, frame: Frame, view: View) -> int:
    width = sheet.column
    top, actions, _ = _regions(sheet, frame, view)
    gap = sheet.space(theme.M)
    return actions - gap - top - Column(blocks=frame.body).height(width)


def _placed(sheet: Sheet, frame: Frame, view: View) -> Node:
    width = sheet.column
    left = (sheet.device.width - width) // 2
    top, actions, bottom = _regions(sheet, frame, view)
    device, palette = sheet.device, sheet.palette
    outside = _outside(sheet, view)
    children = [_status(sheet, view)]
    banner = _banner(sheet, view)
    if banner:
        height = banner.height(width) + 2 * sheet.px(theme.S)
        strip = Rect(0, sheet.px(STATUS_HEIGHT), device.width, sheet.px(STATUS_HEIGHT) + height)
        node = banner.place(left, strip.top + sheet.px(theme.S), width)[0]
        back = Box(strip, 0, palette.caution_surface, outside)
        children.append(replace(node, bounds=strip, marks=(back, *node.marks)))
    gap = sheet.space(theme.M)
    room = actions - gap - top
    body = Column(blocks=frame.body, fill=room).place(left, top, width)
    feet = Column(blocks=frame.actions).place(left, actions, width)
    children.append(_group("content", body, Rect(0, top, device.width, actions)))
    if feet:
        children.append(_group("actions", feet, Rect(0, actions, device.width, bottom)))
    panel: list[Mark] = []
    if _panelled(sheet, view):
        edge = sheet.px(40)
        around = Rect(left - edge, top - sheet.px(theme.M), left + width + edge, bottom + edge)
        panel.append(Box(around, sheet.px(theme.L), palette.ground, outside))
    pill = Rect(
        (device.width - sheet.px(112)) // 2,
        device.height - sheet.px(10),
        (device.width + sheet.px(112)) // 2,
        device.height - sheet.px(6),
    )
    return Node(
        role=Role.SCREEN,
        resource_id=view.page.value,
        label=catalog.plain(frame.title),
        bounds=Rect(0, 0, device.width, device.height),
        marks=(*panel, Box(pill, sheet.px(2), palette.hairline, outside)),
        children=tuple(children),
    )


def _outside(sheet: Sheet, view: View) -> str:
    """The colour behind the panel, or of the page where there is none."""
    return sheet.palette.surface if _panelled(sheet, view) else sheet.palette.ground


def _group(name: str, nodes: list[Node], bounds: Rect) -> Node:
    return Node(role=Role.GROUP, resource_id=name, bounds=bounds, children=tuple(nodes))


def _status(sheet: Sheet, view: View) -> Node:
    """Clock, operator, signal and battery: at the size of the display, not of the text."""
    palette, device = sheet.palette, sheet.device
    ground = _outside(sheet, view)
    fixed = replace(sheet, text_scale=1.0)
    height, edge = sheet.px(STATUS_HEIGHT), sheet.px(20)
    bounds = Rect(0, 0, device.width, height)
    top = (height - fixed.leading(theme.CAPTION)) // 2
    marks: list[Mark] = []
    right = device.width - edge
    size = sheet.px(18)
    middle = (height - size) // 2
    marks.append(Drawing(right - size, middle, size, icons.BATTERY, palette.text, ground))
    right -= size + sheet.px(6)
    bar, step = sheet.px(2.5), sheet.px(4)
    foot = (height + sheet.px(10)) // 2
    for index in range(4):
        at = right - (4 - index) * step
        tall = sheet.px(4 + 2 * index)
        fill = palette.text if index < view.signal else palette.hairline
        marks.append(Box(Rect(at, foot - tall, at + bar, foot), bar // 2, fill, ground))
    right -= 4 * step + sheet.px(6)
    start = edge
    if view.clock:
        clock = fixed.lines(catalog.code(view.clock), theme.CAPTION, device.width)
        span = Rect(edge, top, device.width, top)
        marks += set_lines(fixed, clock, theme.CAPTION, span, palette.text, ground, "start")
        start += round(clock[0].width) + sheet.px(theme.M)
    if view.operator:
        setting = fixed.setting(theme.CAPTION)
        whole = fixed.lines(view.operator, theme.CAPTION, 1 << 20)
        lines = (shortened_to(whole[0], right - start, setting),)
        span = Rect(start, top, right, top)
        marks += set_lines(fixed, lines, theme.CAPTION, span, palette.muted, ground, "end")
    said = [
        part
        for part in (
            view.clock,
            view.operator,
            sheet.words.say_plural(
                "signal %(count)s bar of 4", "signal %(count)s bars of 4", view.signal
            ),
        )
        if part
    ]
    return Node(
        role=Role.STATUS,
        resource_id="status",
        label=catalog.plain(", ".join(said)),
        text=" ".join(part for part in (view.clock, view.operator) if part),
        bounds=bounds,
        marks=tuple(marks),
    )
