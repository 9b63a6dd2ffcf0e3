"""The wizard up to the answer: boot, language, network, PIN, activating."""

from __future__ import annotations

from firmware_sim.screen import catalog, fonts, icons, theme
from firmware_sim.screen.controls import Field, Option, Progress, Step, keypad
from firmware_sim.screen.layout import Block, Button, Gap, Image, Row, Sheet, Text
from firmware_sim.screen.pages.frame import (
    Frame,
    back_button,
    emergency_button,
    hero,
    lead,
    stacked,
    way_out,
)
from firmware_sim.screen.tree import Role
from firmware_sim.view import View

WIFI_COUNTRIES = ("", "DE", "CU", "IR", "KP", "SD", "SY", "UA")
"""Countries that the simulated access points announce; the first announces none."""


def boot(sheet: Sheet, view: View) -> Frame:
    """Nothing but the maker's name while the phone starts."""
    palette = sheet.palette
    return Frame(
        title=view.vendor,
        body=[
            Gap(sheet=sheet, share=5),
            Image(
                sheet=sheet,
                icon=icons.MAKER,
                label="",
                size=56,
                disc=112,
                disc_fill=palette.surface,
                colour=palette.accent,
                align="center",
            ),
            Gap(sheet=sheet, dp=theme.L),
            Text(
                sheet=sheet,
                content=view.vendor,
                style=theme.HEADLINE,
                role=Role.HEADING,
                resource_id="title",
                align="center",
            ),
            Gap(sheet=sheet, dp=theme.S),
            lead(sheet, sheet.words.say("Starting up"), align="center"),
            Gap(sheet=sheet, share=7),
        ],
    )


def language(sheet: Sheet, view: View) -> Frame:
    """The choice of the language, each named in itself."""
    say = sheet.words.say
    rows: list[Block] = []
    for tag in catalog.LANGUAGES:
        own = catalog.own_name(tag)
        # A language whose fonts are not installed is named in this one, and cannot be chosen.
        drawn = fonts.covered(own, sheet.words.language)
        rows.append(
            Option(
                sheet=sheet,
                action="language",
                value=tag,
                content=own if drawn else catalog.name_in(tag, sheet.words.language),
                enabled=drawn,
                selected=tag == sheet.words.language,
            )
        )
    halves: list[Block] = [
        Row(sheet=sheet, blocks=rows[index : index + 2]) for index in range(0, len(rows) - 1, 2)
    ]
    if len(rows) % 2:
        halves.append(Row(sheet=sheet, blocks=(rows[-1], Gap(sheet=sheet))))
    return Frame(
        title=say("Welcome"),
        body=[
            *hero(sheet, icons.GLOBE, "", say("Welcome")),
            lead(sheet, say("Choose your language.")),
            Gap(sheet=sheet, dp=theme.L),
            *stacked(sheet, halves),
        ],
        actions=[
            Button(sheet=sheet, action="continue", content=say("Continue")),
            Gap(sheet=sheet, dp=12),
            emergency_button(sheet),
        ],
    )


def network(sheet: Sheet, view: View) -> Frame:
    """Wi-Fi or a SIM: how the phone is to reach the server."""
    say = sheet.words.say
    found = view.operator
    return Frame(
        title=say("Connect to a network"),
        body=[
            *hero(sheet, icons.SIM, "", say("Connect to a network")),
            lead(
                sheet,
                say(
                    "The phone must reach the server of %(vendor)s once before it can be used. "
                    "Insert a SIM card or join a Wi-Fi network.",
                    vendor=view.vendor,
                ),
            ),
            Gap(sheet=sheet, dp=theme.L),
            *stacked(
                sheet,
                (
                    Option(
                        sheet=sheet,
                        action="continue",
                        content=say("Mobile network"),
                        detail=found or say("No network found"),
                        icon=icons.SIM,
                        trailing=icons.FORWARD,
                    ),
                    Option(
                        sheet=sheet,
                        action="wifi",
                        content=say("Wi-Fi"),
                        detail=say("Choose a network"),
                        icon=icons.WIFI,
                        trailing=icons.FORWARD,
                    ),
                ),
            ),
        ],
        actions=[emergency_button(sheet), Gap(sheet=sheet, dp=12), back_button(sheet)],
    )


def wifi(sheet: Sheet, view: View) -> Frame:
    """The access points in reach, by the country that each announces."""
    say = sheet.words.say
    names = [
        (country, sheet.words.country(country) if country else say("No country"))
        for country in WIFI_COUNTRIES
    ]
    rows = [
        Option(sheet=sheet, action="wifi.join", value=country, content=name)
        for country, name in names
    ]
    pairs = [Row(sheet=sheet, blocks=rows[index : index + 2]) for index in range(0, len(rows), 2)]
    return Frame(
        title=say("Wi-Fi settings"),
        body=[
            *hero(sheet, icons.WIFI, "", say("Wi-Fi settings")),
            lead(sheet, say("Networks in reach, and the country that each announces.")),
            Gap(sheet=sheet, dp=theme.M),
            *stacked(sheet, pairs),
        ],
        actions=[back_button(sheet)],
    )


def sim_pin(sheet: Sheet, view: View) -> Frame:
    """The PIN of the SIM, with the tries that are left."""
    say = sheet.words.say
    body: list[Block] = [
        *hero(sheet, icons.SIM, "", say("Unlock the SIM card")),
        lead(sheet, say("Enter the PIN of the SIM card.")),
    ]
    if view.problem or view.pin_tries is not None:
        body.append(Gap(sheet=sheet, dp=theme.S))
    if view.problem:
        body.append(problem(sheet, view.problem))
    if view.pin_tries is not None:
        tries = sheet.words.say_plural("%(count)s try left", "%(count)s tries left", view.pin_tries)
        colour = sheet.palette.danger if view.pin_tries <= 1 else sheet.palette.muted
        body.append(
            Text(
                sheet=sheet,
                content=tries,
                style=theme.DETAIL,
                colour=colour,
                resource_id="pin_tries",
            )
        )
    rows = keypad(sheet, say("Delete"), ("123", "456", "789", " 0<"))
    body += [
        Gap(sheet=sheet, dp=theme.M),
        Field(sheet=sheet, action="sim_pin", name=say("PIN"), secret=True),
        Gap(sheet=sheet, dp=theme.M),
        *stacked(
            sheet,
            [
                Row(
                    sheet=sheet,
                    blocks=row,
                    left_to_right=True,
                )
                for row in rows
            ],
        ),
    ]
    return Frame(
        title=say("Unlock the SIM card"),
        body=body,
        actions=[
            Button(sheet=sheet, action="submit", content=say("Unlock"), value="sim_pin"),
            Gap(sheet=sheet, dp=12),
            emergency_button(sheet),
        ],
    )


def problem(sheet: Sheet, content: str) -> Text:
    """One line that says what went wrong."""
    return Text(
        sheet=sheet,
        content=catalog.isolated(content),
        style=theme.DETAIL,
        colour=sheet.palette.danger,
        resource_id="problem",
        foreign=True,
    )


def activating(sheet: Sheet, view: View) -> Frame:
    """The steps of the exchange, and how far it has come."""
    say = sheet.words.say
    steps = (
        ("connecting", say("Reach the server")),
        ("challenge", say("Ask for a challenge")),
        ("request", say("Send the request")),
        ("verify", say("Check the signed answer")),
        ("commit", say("Store the decision")),
        ("confirm", say("Confirm")),
    )
    names = [name for name, _ in steps]
    at = names.index(view.step) if view.step in names else -1
    if view.progress >= 1:
        at = len(steps)
    rows: list[Block] = []
    for index, (name, content) in enumerate(steps):
        state = "done" if index < at else "now" if index == at else "next"
        spoken = {
            "done": say("%(step)s, done", step=content),
            "now": say("%(step)s, in progress", step=content),
            "next": content,
        }[state]
        rows.append(
            Step(
                sheet=sheet,
                content=content,
                spoken=catalog.plain(spoken),
                state=state,
                resource_id=f"step.{name}",
            )
        )
    percent = sheet.words.percent(view.progress)
    return Frame(
        title=say("Activating the phone"),
        body=[
            *hero(sheet, icons.UPDATE, "", say("Activating the phone")),
            lead(sheet, say("This takes a moment. Keep the phone switched on.")),
            Gap(sheet=sheet, dp=theme.L),
            Progress(
                sheet=sheet,
                label=catalog.plain(say("%(share)s of the activation", share=percent)),
                share=view.progress,
            ),
            Gap(sheet=sheet, dp=theme.S),
            Text(
                sheet=sheet,
                content=percent,
                style=theme.DETAIL,
                colour=sheet.palette.muted,
                resource_id="percent",
            ),
            Gap(sheet=sheet, dp=theme.L),
            *stacked(sheet, rows, theme.M),
        ],
        actions=[way_out(sheet)],
    )
