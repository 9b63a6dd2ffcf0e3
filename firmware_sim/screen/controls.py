"""The blocks of the wizard that are more than a paragraph or a button."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from firmware_sim.screen import icons, theme
from firmware_sim.screen.catalog import code, plain
from firmware_sim.screen.icons import Icon
from firmware_sim.screen.layout import Block, Gap, Sheet, focus_ring, framed, grown, set_lines
from firmware_sim.screen.text import words
from firmware_sim.screen.theme import Style
from firmware_sim.screen.tree import Box, Drawing, Mark, Node, Rect, Role

DOT = "•"
_ROW = 80
"""More characters than a row of a field holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What a value is, small, and the value under it."""

    sheet: Sheet
    name: str
    value: str
    resource_id: str
    machine: bool = False
    """Whether the value is digits or code, read from left to right in any language."""
    style: Style = theme.CODE
    on: str = ""

    def _value(self) -> str:
        return code(self.value) if self.machine else self.value

    def _inline(self, width: int) -> bool:
        """Whether the two stand on one line: on a crowded page, where they fit."""
        sheet = self.sheet
        if not sheet.crowding:
            return False
        taken = sheet.line(self.name, theme.CAPTION).width + sheet.px(theme.M)
        return taken + sheet.line(self._value(), self.style).width <= width

    def height(self, width: int) -> int:
        sheet = self.sheet
        if self._inline(width):
            return sheet.leading(self.style)
        names = sheet.lines(self.name, theme.CAPTION, width)
        values = sheet.lines(self._value(), self.style, width)
        return sheet.leading(theme.CAPTION) * len(names) + sheet.leading(self.style) * len(values)

    def place(self, left: int, top: int, width: int) -> list[Node]:
        sheet, palette = self.sheet, self.sheet.palette
        on = self.on or palette.surface
        inline = self._inline(width)
        names = sheet.lines(self.name, theme.CAPTION, width)
        values = sheet.lines(self._value(), self.style, width)
        right = left + width
        if inline:
            middle = right - math.ceil(values[0].width)
            bottom = top + sheet.leading(self.style)
            head, body = Rect(left, top, middle, bottom), Rect(middle, top, right, bottom)
            drop = sheet.baseline(self.style) - sheet.baseline(theme.CAPTION)
        else:
            middle = top + sheet.leading(theme.CAPTION) * len(names)
            bottom = middle + sheet.leading(self.style) * len(values)
            head, body = Rect(left, top, right, middle), Rect(left, middle, right, bottom)
            drop = 0
        span = Rect(left, top + drop, right, top + drop)
        value = plain(self.value)
        return [
            Node(
                role=Role.TEXT,
                label=plain(self.name),
                text=plain(self.name),
                bounds=head,
                marks=tuple(
                    set_lines(sheet, names, theme.CAPTION, span, palette.muted, on, "start")
                ),
            ),
            Node(
                role=Role.TEXT,
                resource_id=self.resource_id,
                label=f"{plain(self.name)}: {value}",
                text=value,
                bounds=body,
                marks=tuple(set_lines(sheet, values, self.style, body, palette.text, on, "start")),
            ),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A hairline between rows."""

    sheet: Sheet
    on: str = ""

    def height(self, width: int) -> int:
        return 2 * self.sheet.space(theme.S) + max(1, self.sheet.px(1))

    def place(self, left: int, top: int, width: int) -> list[Node]:
        sheet = self.sheet
        top += sheet.space(theme.S)
        rect = Rect(left, top, left + width, top + max(1, sheet.px(1)))
        on = self.on or sheet.palette.surface
        return [
            Node(
                role=Role.GROUP,
                bounds=rect,
                marks=(Box(rect, 0, sheet.palette.hairline, on),),
            )
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A row of a list to choose from."""

    sheet: Sheet
    action: str
    content: str
    value: str = ""
    detail: str = ""
    icon: Icon | None = None
    selected: bool = False
    enabled: bool = True
    trailing: Icon | None = None
    least: int = 0
    """Least height in px."""

    def stretched(self, least: int) -> Block:
        return replace(self, least=least)

    def _trailing(self, width: int) -> Icon | None:
        """The drawing at the end of the row; the tick gives way to a long word."""
        if not self.selected:
            return self.trailing
        room = self._room(width) - self.sheet.px(24 + theme.S)
        longest = max(self.sheet.line(w, theme.BODY).width for w in words(self.content))
        return icons.CHECK if longest <= room else None

    def _room(self, width: int) -> int:
        lead = self.sheet.px(24 + theme.M) if self.icon else 0
        return width - 2 * self.sheet.px(theme.M) - lead

    def _inner(self, width: int) -> int:
        tail = self.sheet.px(24 + theme.S) if self._trailing(width) else 0
        return self._room(width) - tail

    def height(self, width: int) -> int:
        sheet, inner = self.sheet, self._inner(width)
        tall = sheet.leading(theme.BODY) * len(sheet.lines(self.content, theme.BODY, inner))
        if self.detail:
            tall += sheet.leading(theme.DETAIL) * len(sheet.lines(self.detail, theme.DETAIL, inner))
        return max(sheet.px(theme.TOUCH), tall + 2 * sheet.space(12), self.least)

    def place(self, left: int, top: int, width: int) -> list[Node]:
        sheet, palette = self.sheet, self.sheet.palette
        bounds = Rect(left, top, left + width, top + self.height(width))
        key = f"{self.action}:{self.value}" if self.value else self.action
        focused = sheet.focus == key
        radius = sheet.px(12)
        on = palette.surface
        border = palette.accent if self.selected else ""
        marks: list[Mark] = focus_ring(sheet, bounds, radius) if focused else []
        marks += framed(sheet, bounds, radius, on, palette.ground, border, 2)
        inner, pad, icon = self._inner(width), sheet.px(theme.M), sheet.px(24)
        start, middle = left + pad, (bounds.top + bounds.bottom - icon) // 2
        if self.icon:
            marks.append(Drawing(start, middle, icon, self.icon, palette.text, on))
            start += icon + pad
        lines = sheet.lines(self.content, theme.BODY, inner)
        details = sheet.lines(self.detail, theme.DETAIL, inner) if self.detail else ()
        tall = sheet.leading(theme.BODY) * len(lines) + sheet.leading(theme.DETAIL) * len(details)
        above = (bounds.top + bounds.bottom - tall) // 2
        span = Rect(start, above, start + inner, above)
        colour = palette.text if self.enabled else palette.muted
        marks += set_lines(sheet, lines, theme.BODY, span, colour, on, "start")
        above += sheet.leading(theme.BODY) * len(lines)
        span = Rect(start, above, start + inner, above)
        marks += set_lines(sheet, details, theme.DETAIL, span, palette.muted, on, "start")
        trailing = self._trailing(width)
        if trailing:
            colour = palette.accent if self.selected else palette.muted
            marks.append(Drawing(bounds.right - pad - icon, middle, icon, trailing, colour, on))
        content, detail = plain(self.content), plain(self.detail)
        return [
            Node(
                role=Role.OPTION,
                resource_id=self.action,
                action=self.action,
                value=self.value,
                label=f"{content}, {detail}" if detail else content,
                text=content,
                bounds=bounds,
                selected=self.selected,
                enabled=self.enabled,
                focused=focused,
                marks=tuple(marks),
            )
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Where text is typed; its label stands above it."""

    sheet: Sheet
    action: str
    name: str
    rows: int = 1
    secret: bool = False
    style: Style = theme.CODE

    def _box(self) -> int:
        sheet = self.sheet
        tall = sheet.leading(self.style) * self.rows + 2 * sheet.space(12)
        return max(sheet.px(theme.TOUCH), tall)

    def _label(self, width: int) -> int:
        sheet = self.sheet
        tall = sheet.leading(theme.CAPTION) * len(sheet.lines(self.name, theme.CAPTION, width))
        return tall + sheet.px(theme.XS)

    def height(self, width: int) -> int:
        return self._label(width) + self._box()

    def place(self, left: int, top: int, width: int) -> list[Node]:
        sheet, palette = self.sheet, self.sheet.palette
        typed = sheet.typed_in(self.action)
        focused = sheet.focus == self.action
        names = sheet.lines(self.name, theme.CAPTION, width)
        head = Rect(left, top, left + width, top + self._label(width) - sheet.px(theme.XS))
        box = Rect(left, top + self._label(width), left + width, top + self.height(width))
        on, border = palette.surface, palette.focus if focused else palette.outline
        marks: list[Mark] = framed(
            sheet, box, sheet.px(theme.S), on, palette.ground, border, 2 if focused else 1
        )
        pad = sheet.px(theme.M)
        inner = width - 2 * pad
        # Only the last rows are seen: what lies far above them need not be set into lines.
        hidden = max(0, len(typed) - _ROW * self.rows) // _ROW * _ROW
        shown = DOT * len(typed) if self.secret else typed[hidden:]
        lines = sheet.lines(code(shown), self.style, inner)[-self.rows :] if shown else ()
        tall = sheet.leading(self.style)
        above = box.top + (box.bottom - box.top - tall * self.rows) // 2
        span = Rect(left + pad, above, left + pad + inner, above)
        marks += set_lines(sheet, lines, self.style, span, palette.text, on, "start")
        if focused:
            row = max(0, len(lines) - 1)
            across = round(lines[-1].width) + sheet.px(2) if lines else 0
            caret = left + pad + min(across, inner)
            line = above + row * tall
            rect = Rect(caret, line + sheet.px(2), caret + sheet.px(2), line + tall - sheet.px(2))
            marks.append(Box(rect, 0, palette.focus, on))
        return [
            Node(
                role=Role.TEXT,
                label=plain(self.name),
                text=plain(self.name),
                bounds=head,
                marks=tuple(
                    set_lines(
                        sheet, names, theme.CAPTION, head, palette.muted, palette.ground, "start"
                    )
                ),
            ),
            Node(
                role=Role.FIELD,
                resource_id=self.action,
                action=self.action,
                label=plain(self.name),
                text=typed,
                secret=self.secret,
                bounds=box,
                focused=focused,
                marks=tuple(marks),
            ),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A bar that is filled from the start of the line; share 0 to 1."""

    sheet: Sheet
    label: str
    share: float

    def height(self, width: int) -> int:
        return self.sheet.px(theme.S)

    def place(self, left: int, top: int, width: int) -> list[Node]:
        palette = self.sheet.palette
        bounds = Rect(left, top, left + width, top + self.height(width))
        radius = (bounds.bottom - bounds.top) // 2
        share = min(1.0, max(0.0, self.share))
        marks: list[Mark] = [Box(bounds, radius, palette.hairline, palette.ground)]
        filled = round(width * share)
        if filled >= 2 * radius:
            done = Rect(left, top, left + filled, bounds.bottom)
            marks.append(Box(done, radius, palette.accent, palette.hairline))
        return [
            Node(
                role=Role.PROGRESS,
                resource_id="progress",
                label=self.label,
                text=f"{round(share * 100)}%",
                bounds=bounds,
                marks=tuple(marks),
            )
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the exchange. `state`: done, now or next."""

    sheet: Sheet
    content: str
    spoken: str
    """The content with its state, for a reader."""
    state: str
    resource_id: str

    def height(self, width: int) -> int:
        sheet = self.sheet
        lines = sheet.lines(self.content, theme.BODY, width - sheet.px(24 + theme.M))
        return max(sheet.px(24), sheet.leading(theme.BODY) * len(lines))

    def place(self, left: int, top: int, width: int) -> list[Node]:
        sheet, palette = self.sheet, self.sheet.palette
        tall, disc = self.height(width), sheet.px(24)
        ground = palette.ground
        first = max(disc, sheet.leading(theme.BODY))
        place = Rect(left, top + (first - disc) // 2, left + disc, top + (first + disc) // 2)
        marks: list[Mark] = []
        if self.state == "done":
            marks.append(Box(place, disc // 2, palette.good, ground))
            mark = sheet.px(16)
            shift = (disc - mark) // 2
            at = (place.left + shift, place.top + shift)
            marks.append(Drawing(*at, mark, icons.CHECK, ground, palette.good))
        elif self.state == "now":
            marks += framed(sheet, place, disc // 2, ground, ground, palette.accent, 2)
            dot = grown(place, -sheet.px(7))
            marks.append(Box(dot, (dot.right - dot.left) // 2, palette.accent, ground))
        else:
            ring = grown(place, -sheet.px(2))
            marks += framed(sheet, ring, disc // 2, ground, ground, palette.outline, 1.5)
        start = left + disc + sheet.px(theme.M)
        lines = sheet.lines(self.content, theme.BODY, left + width - start)
        colour = palette.muted if self.state == "next" else palette.text
        above = top + (tall - sheet.leading(theme.BODY) * len(lines)) // 2
        span = Rect(start, above, left + width, above)
        marks += set_lines(sheet, lines, theme.BODY, span, colour, ground, "start")
        return [
            Node(
                role=Role.TEXT,
                resource_id=self.resource_id,
                label=self.spoken,
                text=plain(self.content),
                selected=self.state == "now",
                bounds=Rect(left, top, left + width, top + tall),
                marks=tuple(marks),
            )
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of a keypad; `erase` takes the last character away instead of typing one."""

    sheet: Sheet
    types: str
    label: str
    icon: Icon | None = None

    def height(self, width: int) -> int:
        return max(self.sheet.px(theme.TOUCH), self.sheet.space(60))

    def place(self, left: int, top: int, width: int) -> list[Node]:
        sheet, palette = self.sheet, self.sheet.palette
        bounds = Rect(left, top, left + width, top + self.height(width))
        key = f"key:{self.types}"
        focused = sheet.focus == key
        radius = min(sheet.px(theme.M), (bounds.bottom - bounds.top) // 2)
        marks: list[Mark] = focus_ring(sheet, bounds, radius) if focused else []
        on = palette.surface
        marks.append(Box(bounds, radius, on, palette.ground))
        if self.icon:
            size = sheet.px(24)
            at = ((left + bounds.right - size) // 2, (top + bounds.bottom - size) // 2)
            marks.append(Drawing(*at, size, self.icon, palette.text, on))
        else:
            lines = sheet.lines(code(self.types), theme.TITLE, width)
            above = (top + bounds.bottom - sheet.leading(theme.TITLE)) // 2
            span = Rect(left, above, bounds.right, above)
            marks += set_lines(sheet, lines, theme.TITLE, span, palette.text, on, "center")
        return [
            Node(
                role=Role.KEY,
                resource_id="key",
                value=self.types,
                label=self.label,
                text="" if self.icon else self.types,
                bounds=bounds,
                focused=focused,
                marks=tuple(marks),
            )
        ]


def keypad(sheet: Sheet, erase: str, rows: Sequence[str]) -> list[list[Block]]:
    """Keys row by row; a space is an empty place, and "<" the erasing key, spoken as `erase`."""
    return [[_key(sheet, erase, letter) for letter in row] for row in rows]


def _key(sheet: Sheet, erase: str, letter: str) -> Block:
    if letter == " ":
        return Gap(sheet=sheet)
    if letter == "<":
        return Key(sheet=sheet, types=letter, label=erase, icon=icons.ERASE)
    return Key(sheet=sheet, types=letter, label=letter)
