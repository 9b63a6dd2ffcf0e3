"""Blocks that stand under each other, and the sheet that they are set on.

Everything is laid out from left to right; a right-to-left page is the mirror image of that
(letters aside), so no block needs to know which way the language runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

from firmware_sim.screen import text, theme
from firmware_sim.screen.catalog import Catalog, plain
from firmware_sim.screen.device import Device
from firmware_sim.screen.icons import Icon
from firmware_sim.screen.theme import Palette, Style
from firmware_sim.screen.tree import Box, Drawing, Mark, Node, Rect, Role, Words


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a page is set with: words, colours, sizes, and what the user has typed so far."""

    device: Device
    palette: Palette
    words: Catalog
    text_scale: float
    spacing: float = 1.0
    """Below 1 when the page must be set tighter to fit."""
    crowding: int = 0
    """What gives way on a crowded page: 1 sets a fact on one line with its name, 2 buttons with
    two lines of text beside each other, 3 leaves drawings out that say nothing of their own."""
    message_lines: int | None = None
    """The most lines that a foreign message may have; None for as many as it wants."""
    focus: str = ""
    """Key of the node that has the keyboard."""
    typed: tuple[tuple[str, str], ...] = ()

    @property
    def column(self) -> int:
        """Width in px of the column that the page stands in."""
        return min(self.device.width - 2 * self.px(theme.MARGIN), self.px(theme.COLUMN))

    def px(self, dp: float) -> int:
        """A length that does not give way."""
        return self.device.px(dp)

    def space(self, dp: float) -> int:
        """A space between things, which gives way on a crowded page."""
        return self.device.px(dp * self.spacing)

    def setting(self, style: Style) -> text.Setting:
        """How a style's text is shaped here."""
        size = round(style.size * self.text_scale * float(self.device.density) * 2) / 2
        return text.Setting(size, style.weight, self.words.language, self.words.rtl)

    def leading(self, style: Style) -> int:
        """Line height in px: a tenth more for Arabic letters, which reach higher and lower."""
        share = 1.1 if self.words.rtl else 1.0
        return round(style.leading * share * self.text_scale * float(self.device.density))

    def typed_in(self, resource_id: str) -> str:
        """What was typed into a field."""
        return dict(self.typed).get(resource_id, "")

    def lines(self, content: str, style: Style, width: int) -> tuple[text.Line, ...]:
        """The content in lines of at most `width` px."""
        return text.wrap(content, width, self.setting(style))

    def line(self, content: str, style: Style) -> text.Line:
        """The content in one line, however long."""
        return text.set_line(content, self.setting(style))

    def baseline(self, style: Style) -> int:
        """From the top of a line to its baseline, px."""
        setting = self.setting(style)
        return round((self.leading(style) - setting.size * 1.362) / 2 + setting.size * 1.069)


class Block(Protocol):
    """A part of a page that knows its height for a width."""

    def height(self, width: int) -> int:
        """Height in px when it is `width` px wide."""

    def place(self, left: int, top: int, width: int) -> list[Node]:
        """Its nodes with their bounds and marks."""


@runtime_checkable
class Stretching(Protocol):
    """A block that grows to the height of its neighbours in a row."""

    def stretched(self, least: int) -> Block:
        """The same at least `least` px high."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A paragraph."""

    sheet: Sheet
    content: str
    style: Style = theme.BODY
    colour: str = ""
    on: str = ""
    align: str = "start"
    role: Role = Role.TEXT
    resource_id: str = ""
    foreign: bool = False
    """Whether others wrote it, so that its length is not in our hands."""

    def _lines(self, width: int) -> tuple[text.Line, ...]:
        setting = self.sheet.setting(self.style)
        if self.align == "center":
            lines = text.balance(self.content, width, setting)
        else:
            lines = text.even(self.content, width, setting)
        if self.foreign and self.sheet.message_lines is not None:
            return text.shorten(lines, self.sheet.message_lines, width, setting)
        return lines

    def height(self, width: int) -> int:
        return self.sheet.leading(self.style) * len(self._lines(width))

    def place(self, left: int, top: int, width: int) -> list[Node]:
        sheet = self.sheet
        lines = self._lines(width)
        marks = set_lines(
            sheet,
            lines,
            self.style,
            Rect(left, top, left + width, top),
            self.colour or sheet.palette.text,
            self.on or sheet.palette.ground,
            self.align,
        )
        content = plain(self.content)
        return [
            Node(
                role=self.role,
                resource_id=self.resource_id,
                label=content,
                text=content,
                bounds=Rect(left, top, left + width, top + sheet.leading(self.style) * len(lines)),
                marks=tuple(marks),
            )
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An icon, in a disc or alone."""

    sheet: Sheet
    icon: Icon
    label: str
    size: float
    disc: float = 0
    """Diameter in dp of the disc behind it; 0 for none."""
    disc_fill: str = ""
    ring: str = ""
    colour: str = ""
    align: str = "start"

    def height(self, width: int) -> int:
        return self.sheet.px(max(self.size, self.disc))

    def place(self, left: int, top: int, width: int) -> list[Node]:
        sheet = self.sheet
        side, size = self.height(width), sheet.px(self.size)
        start = left + (width - side) // 2 if self.align == "center" else left
        bounds = Rect(start, top, start + side, top + side)
        on = sheet.palette.ground
        marks: list[Mark] = []
        if self.disc:
            marks += framed(sheet, bounds, side // 2, self.disc_fill, on, self.ring)
            on = self.disc_fill
        inset = (side - size) // 2
        colour = self.colour or sheet.palette.text
        marks.append(Drawing(start + inset, top + inset, size, self.icon, colour, on))
        return [
            Node(
                role=Role.IMAGE,
                resource_id=f"icon.{self.icon.name}",
                label=self.label,
                bounds=bounds,
                marks=tuple(marks),
            )
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A control that does something at once. `kind`: filled, outlined or plain."""

    sheet: Sheet
    action: str
    content: str
    kind: str = "filled"
    icon: Icon | None = None
    value: str = ""
    enabled: bool = True
    least: int = 0
    """Least height in px."""

    def stretched(self, least: int) -> Block:
        return replace(self, least=least)

    def _inner(self, width: int) -> int:
        icon = self.sheet.px(20 + theme.S) if self.icon else 0
        return width - 2 * self.sheet.px(theme.M) - icon

    def tidy(self, width: int, most: int) -> bool:
        """Whether the label stands in at most that many lines, no word of it broken."""
        longest = max(self.sheet.line(w, theme.LABEL).width for w in text.words(self.content))
        inner = self._inner(width)
        return longest <= inner and len(self.sheet.lines(self.content, theme.LABEL, inner)) <= most

    def height(self, width: int) -> int:
        sheet = self.sheet
        lines = sheet.lines(self.content, theme.LABEL, self._inner(width))
        wanted = sheet.leading(theme.LABEL) * len(lines) + 2 * sheet.space(14)
        return max(sheet.px(theme.TOUCH), wanted, self.least)

    def place(self, left: int, top: int, width: int) -> list[Node]:
        sheet, palette = self.sheet, self.sheet.palette
        bounds = Rect(left, top, left + width, top + self.height(width))
        key = f"{self.action}:{self.value}" if self.value else self.action
        focused = sheet.focus == key
        radius = min(sheet.px(theme.TOUCH) // 2, (bounds.bottom - bounds.top) // 2)
        marks: list[Mark] = focus_ring(sheet, bounds, radius) if focused else []
        colour, on = palette.text, palette.ground
        if self.kind == "filled":
            colour, on = palette.on_accent, palette.accent
            marks.append(Box(bounds, radius, palette.accent, palette.ground))
        elif self.kind == "outlined":
            marks += framed(sheet, bounds, radius, palette.ground, palette.ground, palette.outline)
        else:
            colour = palette.accent if palette.accent != palette.text else palette.text
        lines = sheet.lines(self.content, theme.LABEL, self._inner(width))
        longest = round(max(line.width for line in lines))
        icon = sheet.px(20) if self.icon else 0
        lead = sheet.px(theme.S) if self.icon else 0
        start = left + (width - longest - icon - lead) // 2
        block = sheet.leading(theme.LABEL) * len(lines)
        above = top + (bounds.bottom - top - block) // 2
        if self.icon:
            middle = top + (bounds.bottom - top - icon) // 2
            marks.append(Drawing(start, middle, icon, self.icon, colour, on))
        span = Rect(start + icon + lead, above, start + icon + lead + longest, above)
        align = "center" if len(lines) > 1 else "start"
        marks += set_lines(sheet, lines, theme.LABEL, span, colour, on, align)
        return [
            Node(
                role=Role.BUTTON,
                resource_id=self.action,
                action=self.action,
                value=self.value,
                label=plain(self.content),
                text=plain(self.content),
                bounds=bounds,
                enabled=self.enabled,
                focused=focused,
                marks=tuple(marks),
            )
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Empty height: fixed in dp, or a share of what is left over."""

    sheet: Sheet
    dp: float = 0
    share: int = 0

    def height(self, width: int) -> int:
        return self.sheet.space(self.dp)

    def place(self, left: int, top: int, width: int) -> list[Node]:
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Blocks under each other; gaps with a share divide what is left of `fill` px."""

    blocks: Sequence[Block]
    fill: int = 0

    def height(self, width: int) -> int:
        return max(self.fill, sum(block.height(width) for block in self.blocks))

    def place(self, left: int, top: int, width: int) -> list[Node]:
        heights = [block.height(width) for block in self.blocks]
        spare = max(0, self.fill - sum(heights))
        shares = [block.share if isinstance(block, Gap) else 0 for block in self.blocks]
        nodes: list[Node] = []
        for block, height, share in zip(self.blocks, heights, shares, strict=True):
            nodes += block.place(left, top, width)
            top += height + (spare * share // sum(shares) if share else 0)
        return nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Blocks of equal width beside each other."""

    sheet: Sheet
    blocks: Sequence[Block]
    gap: float = theme.S
    left_to_right: bool = False
    """Whether the order stays as it is where the language runs the other way: keypads."""

    def each(self, width: int) -> int:
        """Width of each block in px."""
        return (width - self.sheet.px(self.gap) * (len(self.blocks) - 1)) // len(self.blocks)

    def height(self, width: int) -> int:
        return max(block.height(self.each(width)) for block in self.blocks)

    def place(self, left: int, top: int, width: int) -> list[Node]:
        each, step = self.each(width), self.each(width) + self.sheet.px(self.gap)
        count = len(self.blocks)
        turned = self.left_to_right and self.sheet.words.rtl
        nodes: list[Node] = []
        tall = self.height(width)
        for index, block in enumerate(self.blocks):
            position = count - 1 - index if turned else index
            if isinstance(block, Stretching):
                block = block.stretched(tall)
            nodes += block.place(left + position * step, top, each)
        return nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A column on a surface of its own."""

    sheet: Sheet
    blocks: Sequence[Block]
    fill: str = ""
    pad: float = theme.M
    _column: Column = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_column", Column(blocks=self.blocks))

    def height(self, width: int) -> int:
        pad = self.sheet.px(self.pad)
        return self._column.height(width - 2 * pad) + 2 * self.sheet.space(self.pad)

    def place(self, left: int, top: int, width: int) -> list[Node]:
        sheet = self.sheet
        pad = sheet.px(self.pad)
        bounds = Rect(left, top, left + width, top + self.height(width))
        fill = self.fill or sheet.palette.surface
        return [
            Node(
                role=Role.GROUP,
                bounds=bounds,
                marks=(Box(bounds, sheet.px(theme.M), fill, sheet.palette.ground),),
                children=tuple(
                    self._column.place(left + pad, top + sheet.space(self.pad), width - 2 * pad)
                ),
            )
        ]


def set_lines(
    sheet: Sheet,
    lines: Sequence[text.Line],
    style: Style,
    span: Rect,
    colour: str,
    on: str,
    align: str,
) -> list[Mark]:
    """Marks of lines that stand under each other from the top of `span`, across its width."""
    marks: list[Mark] = []
    top = span.top + sheet.baseline(style)
    for line in lines:
        spare = span.right - span.left - line.width
        shift = {"start": 0.0, "center": spare / 2, "end": spare}[align]
        if line.glyphs:
            marks.append(Words(round(span.left + shift), top, line, colour, on))
        top += sheet.leading(style)
    return marks


def framed(
    sheet: Sheet, bounds: Rect, radius: int, fill: str, on: str, border: str, width: float = 1
) -> list[Mark]:
    """A box with a border of `width` dp inside its bounds; an empty border colour is none."""
    if not border:
        return [Box(bounds, radius, fill, on)]
    thick = max(1, sheet.px(width))
    inner = grown(bounds, -thick)
    return [Box(bounds, radius, border, on), Box(inner, max(0, radius - thick), fill, border)]


def focus_ring(sheet: Sheet, bounds: Rect, radius: int) -> list[Mark]:
    """A ring around what has the keyboard."""
    outer, inner = max(2, sheet.px(4)), max(1, sheet.px(2))
    ground = sheet.palette.ground
    return [
        Box(grown(bounds, outer), radius + outer, sheet.palette.focus, ground),
        Box(grown(bounds, inner), radius + inner, ground, sheet.palette.focus),
    ]


def grown(rect: Rect, by: int) -> Rect:
    """The rectangle with each side moved outwards by `by` px."""
    return Rect(rect.left - by, rect.top - by, rect.right + by, rect.bottom + by)


def tighter(
    sheet: Sheet, spacing: float, crowding: int, shrink: float, message_lines: int | None = None
) -> Sheet:
    """The sheet for another try at fitting the page."""
    return replace(
        sheet,
        spacing=spacing,
        crowding=crowding,
        text_scale=sheet.text_scale * shrink,
        message_lines=message_lines,
    )
