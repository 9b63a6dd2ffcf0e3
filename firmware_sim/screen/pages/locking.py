"""The lock and what can be done on it: enter a ticket, call for help."""

from __future__ import annotations

from firmware_sim.screen import catalog, icons, theme
from firmware_sim.screen.controls import Fact, Field, Rule, keypad
from firmware_sim.screen.layout import Block, Button, Card, Gap, Image, Row, Sheet, Text
from firmware_sim.screen.pages.frame import Frame, back_button, hero, lead, stacked, title, way_out
from firmware_sim.view import View


def message(sheet: Sheet, view: View) -> str:
    """Why the phone is locked: the server's signed text, or ours for the reason.

    Source of the territory text: the wording that users of the case saw in September 2021,
    with the maker's name as a parameter.
    """
    say = sheet.words.say
    if view.message:
        return view.message
    if view.reason == "blocklist":
        return say(
            "The IMEI of this phone is on a block list, so the phone cannot be used. "
            "Please contact the shop that sold it or your mobile operator."
        )
    if view.reason == "finance":
        return say(
            "Payments for this phone are overdue. "
            "Please contact the company that finances it to use the phone again."
        )
    return say(
        "%(vendor)s policy does not permit sale or provision of the product to the territory "
        "in which you have attempted to activate it. Please contact the retailers directly for "
        "additional information.",
        vendor=view.vendor,
    )


def facts(sheet: Sheet, view: View) -> list[Block]:
    """What a support line asks for."""
    say = sheet.words.say
    rows: list[Block] = []
    if view.imei:
        rows.append(
            Fact(sheet=sheet, name="IMEI", value=view.imei, resource_id="imei", machine=True)
        )
    if view.imei2:
        rows.append(
            Fact(sheet=sheet, name="IMEI 2", value=view.imei2, resource_id="imei2", machine=True)
        )
    if view.country or view.subdivision:
        rows.append(
            Fact(
                sheet=sheet,
                name=say("Territory"),
                value=sheet.words.place(view.country, view.subdivision),
                resource_id="territory",
            )
        )
    if view.reference:
        rows.append(
            Fact(
                sheet=sheet,
                name=say("Reference code"),
                value=view.reference,
                resource_id="reference",
                machine=True,
            )
        )
    return rows


def fact_card(sheet: Sheet, view: View) -> list[Block]:
    """The facts on a card, a hairline between each two; nothing without facts."""
    blocks: list[Block] = []
    for fact in facts(sheet, view):
        blocks += [Rule(sheet=sheet), fact] if blocks else [fact]
    return [Card(sheet=sheet, blocks=blocks)] if blocks else []


def locked(sheet: Sheet, view: View) -> Frame:
    """The screen that this product exists to test."""
    say, palette = sheet.words.say, sheet.palette
    disc = (88, 80, 64, 48)[sheet.crowding]
    return Frame(
        title=say("This device is locked"),
        body=[
            Gap(sheet=sheet, dp=theme.M),
            Gap(sheet=sheet, share=2),
            Image(
                sheet=sheet,
                icon=icons.PADLOCK,
                label=say("Padlock"),
                size=disc / 2,
                disc=disc,
                disc_fill=palette.surface,
                ring=palette.outline,
                align="center",
            ),
            Gap(sheet=sheet, dp=theme.L),
            title(sheet, say("This device is locked"), "center"),
            Gap(sheet=sheet, dp=12),
            lead(sheet, message(sheet, view), align="center", foreign=bool(view.message)),
            Gap(sheet=sheet, dp=theme.L),
            *fact_card(sheet, view),
            Gap(sheet=sheet, share=3),
        ],
        actions=[
            way_out(sheet),
            Gap(sheet=sheet, dp=theme.S),
            Button(
                sheet=sheet,
                action="ticket.open",
                content=say("Enter an unlock ticket"),
                kind="plain",
                icon=icons.KEY,
            ),
        ],
    )


def ticket(sheet: Sheet, view: View) -> Frame:
    """Entry of an unlock ticket, with the challenge that it must answer."""
    say = sheet.words.say
    body: list[Block] = [
        *hero(sheet, icons.KEY, "", say("Enter an unlock ticket")),
        lead(
            sheet,
            say(
                "Give this challenge to %(vendor)s and type the ticket that you receive.",
                vendor=view.vendor,
            ),
        ),
        Gap(sheet=sheet, dp=theme.M),
    ]
    if view.challenge:
        challenge = Fact(
            sheet=sheet,
            name=say("Challenge"),
            value=view.challenge,
            resource_id="challenge",
            machine=True,
            style=theme.DETAIL,
        )
        body += [Card(sheet=sheet, blocks=(challenge,)), Gap(sheet=sheet, dp=theme.M)]
    body.append(
        Field(
            sheet=sheet,
            action="ticket",
            name=say("Unlock ticket"),
            rows=(4, 4, 3, 2)[sheet.crowding],
        )
    )
    if view.problem:
        body += [
            Gap(sheet=sheet, dp=theme.S),
            Text(
                sheet=sheet,
                content=say("The ticket was refused."),
                style=theme.DETAIL,
                colour=sheet.palette.danger,
                resource_id="refused",
            ),
            Text(
                sheet=sheet,
                content=catalog.isolated(view.problem),
                style=theme.CAPTION,
                colour=sheet.palette.muted,
                resource_id="problem",
                foreign=True,
            ),
        ]
    return Frame(
        title=say("Enter an unlock ticket"),
        body=body,
        actions=[
            Button(sheet=sheet, action="submit", content=say("Unlock"), value="ticket"),
            Gap(sheet=sheet, dp=12),
            back_button(sheet),
        ],
    )


def emergency(sheet: Sheet, view: View) -> Frame:
    """A keypad that works whatever the lock says."""
    say, palette = sheet.words.say, sheet.palette
    rows = keypad(sheet, say("Delete"), ("123", "456", "789", "*0#"))
    return Frame(
        title=say("Emergency call"),
        body=[
            *hero(sheet, icons.CALL, "", say("Emergency call"), colour=palette.danger),
            lead(sheet, say("No call leaves the simulator.")),
            Gap(sheet=sheet, dp=theme.M),
            Field(sheet=sheet, action="emergency", name=say("Number"), style=theme.TITLE),
            Gap(sheet=sheet, dp=theme.M),
            Gap(sheet=sheet, share=1),
            *stacked(sheet, [Row(sheet=sheet, blocks=row, left_to_right=True) for row in rows]),
            Gap(sheet=sheet, share=1),
        ],
        actions=[
            Button(
                sheet=sheet,
                action="submit",
                value="emergency",
                content=say("Call"),
                icon=icons.CALL,
            ),
            Gap(sheet=sheet, dp=12),
            back_button(sheet),
        ],
    )
