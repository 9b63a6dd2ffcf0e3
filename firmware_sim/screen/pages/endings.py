"""Where a phone that is not locked ends: home, waiting for an answer, warned of a lock."""

from __future__ import annotations

from firmware_sim.screen import icons, theme
from firmware_sim.screen.controls import Fact
from firmware_sim.screen.layout import Block, Button, Card, Gap, Image, Row, Sheet, Text
from firmware_sim.screen.pages.frame import Frame, hero, lead, way_out
from firmware_sim.screen.pages.locking import fact_card
from firmware_sim.screen.tree import Role
from firmware_sim.view import View


def home(sheet: Sheet, view: View) -> Frame:
    """The phone is activated and may be used."""
    say, palette = sheet.words.say, sheet.palette
    apps = (
        (icons.CALL, say("Phone")),
        (icons.MESSAGE, say("Messages")),
        (icons.CAMERA, say("Camera")),
        (icons.SLIDERS, say("Settings")),
    )
    body: list[Block] = [Gap(sheet=sheet, dp=theme.XXL)]
    if view.clock:
        body.append(
            Text(
                sheet=sheet,
                content=view.clock,
                style=theme.DISPLAY,
                resource_id="clock",
                align="center",
            )
        )
    body += [
        Gap(sheet=sheet, dp=theme.S),
        Text(
            sheet=sheet,
            content=view.operator or say("No network found"),
            style=theme.BODY,
            colour=palette.muted,
            resource_id="operator",
            align="center",
        ),
        Gap(sheet=sheet, share=1),
        Card(
            sheet=sheet,
            blocks=(
                Text(
                    sheet=sheet,
                    content=say("Welcome to your phone"),
                    style=theme.TITLE,
                    role=Role.HEADING,
                    resource_id="title",
                    on=palette.surface,
                ),
                Gap(sheet=sheet, dp=theme.XS),
                Text(
                    sheet=sheet,
                    content=say("It is activated and ready to use."),
                    colour=palette.muted,
                    resource_id="message",
                    on=palette.surface,
                ),
            ),
        ),
        Gap(sheet=sheet, share=2),
    ]
    return Frame(
        title=say("Welcome to your phone"),
        body=body,
        actions=[
            Row(
                sheet=sheet,
                blocks=[
                    Image(
                        sheet=sheet,
                        icon=icon,
                        label=name,
                        size=28,
                        disc=56,
                        disc_fill=palette.surface,
                        colour=palette.accent,
                        align="center",
                    )
                    for icon, name in apps
                ],
            ),
            *_captions(sheet, [name for _, name in apps]),
        ],
    )


def _captions(sheet: Sheet, names: list[str]) -> list[Block]:
    """The names under the drawings; none where one would be broken, as the drawings say them."""
    texts = [
        Text(
            sheet=sheet,
            content=name,
            style=theme.CAPTION,
            colour=sheet.palette.muted,
            align="center",
        )
        for name in names
    ]
    row = Row(sheet=sheet, blocks=texts, gap=theme.XS)
    each = row.each(sheet.column)
    if any(sheet.line(name, theme.CAPTION).width > each for name in names):
        return []
    return [Gap(sheet=sheet, dp=theme.XS), row]


def waiting(sheet: Sheet, view: View) -> Frame:
    """The server does not know yet; the phone asks again by itself."""
    say = sheet.words.say
    body: list[Block] = [
        *hero(sheet, icons.HOURGLASS, "", say("Waiting for a decision")),
        lead(
            sheet,
            view.message
            or say(
                "The server of %(vendor)s cannot say yet whether this phone may be activated here. "
                "The phone asks again by itself.",
                vendor=view.vendor,
            ),
            foreign=bool(view.message),
        ),
        Gap(sheet=sheet, dp=theme.L),
        *next_try(sheet, view),
        *fact_card(sheet, view),
    ]
    return Frame(
        title=say("Waiting for a decision"),
        body=body,
        actions=[
            Button(sheet=sheet, action="retry", content=say("Ask again now")),
            Gap(sheet=sheet, dp=12),
            way_out(sheet),
        ],
    )


def next_try(sheet: Sheet, view: View) -> list[Block]:
    """The time until the phone asks again, where it is known."""
    if view.retry_s is None:
        return []
    minutes, seconds = divmod(max(0, view.retry_s), 60)
    hours, minutes = divmod(minutes, 60)
    left = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    fact = Fact(
        sheet=sheet,
        name=sheet.words.say("Next attempt in"),
        value=left,
        resource_id="retry_s",
        machine=True,
        style=theme.TITLE,
    )
    return [Card(sheet=sheet, blocks=(fact,)), Gap(sheet=sheet, dp=12)]


def warning(sheet: Sheet, view: View) -> Frame:
    """The phone works, but a lock is announced."""
    say, palette = sheet.words.say, sheet.palette
    body: list[Block] = [
        *hero(sheet, icons.WARNING, "", say("This device will be locked"), colour=palette.caution),
        lead(sheet, view.message or _announcement(sheet, view), foreign=bool(view.message)),
        Gap(sheet=sheet, dp=theme.L),
    ]
    if view.lock_in_s is not None:
        fact = Fact(
            sheet=sheet,
            name=say("Time left"),
            value=sheet.words.duration(max(0, view.lock_in_s)),
            resource_id="lock_in_s",
            style=theme.TITLE,
        )
        body += [Card(sheet=sheet, blocks=(fact,)), Gap(sheet=sheet, dp=12)]
    body += fact_card(sheet, view)
    return Frame(
        title=say("This device will be locked"),
        body=body,
        actions=[
            Button(sheet=sheet, action="warning.ok", content=say("I understand")),
            Gap(sheet=sheet, dp=12),
            way_out(sheet),
        ],
    )


def _announcement(sheet: Sheet, view: View) -> str:
    say = sheet.words.say
    if view.reason == "blocklist":
        return say(
            "The IMEI of this phone is on a block list. When the time is up, the phone locks. "
            "Please contact the shop that sold it or your mobile operator."
        )
    if view.reason == "finance":
        return say(
            "Payments for this phone are overdue. When the time is up, the phone locks. "
            "Please contact the company that finances it."
        )
    return say(
        "%(vendor)s policy does not permit use of the product in this territory. "
        "When the time is up, the phone locks. Please contact the retailers directly for "
        "additional information.",
        vendor=view.vendor,
    )
