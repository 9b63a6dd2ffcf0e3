"""What every page has: a title, a body, and actions that stand at the foot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from firmware_sim.screen import catalog, icons, theme
from firmware_sim.screen.icons import Icon
from firmware_sim.screen.layout import Block, Button, Column, Gap, Image, Row, Sheet, Text
from firmware_sim.screen.tree import Node, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One page before it is placed."""

    title: str
    body: Sequence[Block]
    actions: Sequence[Block] = ()


def hero(
    sheet: Sheet, icon: Icon, label: str, heading: str, *, colour: str = "", align: str = "start"
) -> list[Block]:
    """The drawing and the heading that a page begins with."""
    disc = 56 if sheet.crowding < 2 else 44
    drawing: list[Block] = [
        Image(
            sheet=sheet,
            icon=icon,
            label=label,
            size=disc / 2,
            disc=disc,
            disc_fill=sheet.palette.surface,
            colour=colour or sheet.palette.accent,
            align=align,
        ),
        Gap(sheet=sheet, dp=theme.M),
    ]
    return [
        Gap(sheet=sheet, dp=theme.L),
        *(drawing if sheet.crowding < 3 else []),
        title(sheet, heading, align),
        Gap(sheet=sheet, dp=theme.S),
    ]


def title(sheet: Sheet, heading: str, align: str = "start") -> Text:
    """The heading of a page."""
    return Text(
        sheet=sheet,
        content=heading,
        style=theme.HEADLINE,
        role=Role.HEADING,
        resource_id="title",
        align=align,
    )


def lead(sheet: Sheet, content: str, *, align: str = "start", foreign: bool = False) -> Text:
    """The paragraph under the heading."""
    return Text(
        sheet=sheet,
        content=catalog.isolated(content) if foreign else content,
        colour=sheet.palette.muted,
        resource_id="message",
        align=align,
        foreign=foreign,
    )


def stacked(sheet: Sheet, blocks: Sequence[Block], dp: float = theme.S) -> list[Block]:
    """The blocks with a gap between each two."""
    rows: list[Block] = []
    for block in blocks:
        rows += [Gap(sheet=sheet, dp=dp), block] if rows else [block]
    return rows


def way_out(sheet: Sheet, *, wifi_first: bool = False) -> Block:
    """The two things that a phone always allows: Wi-Fi settings and an emergency call."""
    wifi = Button(
        sheet=sheet,
        action="wifi",
        content=sheet.words.say("Wi-Fi settings"),
        kind="filled" if wifi_first else "outlined",
        icon=icons.WIFI,
    )
    return beside_or_under(sheet, wifi, emergency_button(sheet))


def emergency_button(sheet: Sheet) -> Button:
    """The way to the emergency page."""
    return Button(
        sheet=sheet,
        action="emergency",
        content=sheet.words.say("Emergency call"),
        kind="outlined",
        icon=icons.CALL,
    )


def back_button(sheet: Sheet) -> Button:
    """The way back."""
    return Button(
        sheet=sheet, action="back", content=sheet.words.say("Back"), kind="plain", icon=icons.BACK
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two buttons beside each other where both fit on one line, else under each other."""

    sheet: Sheet
    one: Button
    other: Button

    def _chosen(self, width: int) -> Block:
        row = Row(sheet=self.sheet, blocks=(self.one, self.other), gap=12)
        each = row.each(width)
        most = 2 if self.sheet.crowding >= 2 else 1
        if all(button.tidy(each, most) for button in (self.one, self.other)):
            return row
        return Column(blocks=stacked(self.sheet, (self.one, self.other), 12))

    def height(self, width: int) -> int:
        return self._chosen(width).height(width)

    def place(self, left: int, top: int, width: int) -> list[Node]:
        return self._chosen(width).place(left, top, width)


def beside_or_under(sheet: Sheet, one: Button, other: Button) -> Pair:
    """See `Pair`."""
    return Pair(sheet=sheet, one=one, other=other)
