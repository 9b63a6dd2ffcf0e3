"""What stops a phone that nobody has locked: the SIM, the store, the way to the server."""

from __future__ import annotations

from firmware_sim.screen import icons, theme
from firmware_sim.screen.controls import Fact
from firmware_sim.screen.layout import Block, Button, Card, Gap, Sheet
from firmware_sim.screen.pages.endings import next_try
from firmware_sim.screen.pages.frame import Frame, emergency_button, hero, lead, way_out
from firmware_sim.screen.pages.locking import fact_card
from firmware_sim.view import View


def sim_locked(sheet: Sheet, view: View) -> Frame:
    """The SIM is refused by personalisation. Source: 3GPP TS 22.022, 4 to 8."""
    say = sheet.words.say
    kinds = {
        "PN": say("This phone accepts only SIM cards of one operator."),
        "PU": say("This phone accepts only SIM cards of one part of an operator's network."),
        "PP": say("This phone accepts only SIM cards of one service provider."),
        "PC": say("This phone accepts only SIM cards of one company."),
    }
    text = kinds.get(view.sim_lock, say("This phone does not accept the SIM card."))
    return Frame(
        title=say("SIM card not accepted"),
        body=[
            *hero(sheet, icons.SIM, "", say("SIM card not accepted"), colour=sheet.palette.danger),
            lead(sheet, text),
            Gap(sheet=sheet, dp=theme.S),
            lead(sheet, say("Insert another SIM card.")),
            Gap(sheet=sheet, dp=theme.L),
            *fact_card(sheet, view),
        ],
        actions=[
            Button(sheet=sheet, action="retry", content=say("Try again")),
            Gap(sheet=sheet, dp=12),
            way_out(sheet),
        ],
    )


def storage_fault(sheet: Sheet, view: View) -> Frame:
    """The store cannot be trusted, so the phone stays shut: failing open would be the hole."""
    say = sheet.words.say
    return Frame(
        title=say("Storage fault"),
        body=[
            *hero(sheet, icons.STORAGE, "", say("Storage fault"), colour=sheet.palette.danger),
            lead(
                sheet,
                say(
                    "The phone cannot read or write its activation record, so it stays locked. "
                    "Please contact the service of %(vendor)s.",
                    vendor=view.vendor,
                ),
            ),
            Gap(sheet=sheet, dp=theme.L),
            *_problem(sheet, view),
            *fact_card(sheet, view),
        ],
        actions=[emergency_button(sheet)],
    )


def server_unreachable(sheet: Sheet, view: View) -> Frame:
    """No answer from the server that could be trusted."""
    say = sheet.words.say
    return Frame(
        title=say("Server not reached"),
        body=[
            *hero(sheet, icons.SERVER, "", say("Server not reached"), colour=sheet.palette.danger),
            lead(
                sheet,
                say(
                    "The phone got no valid answer from the server of %(vendor)s. "
                    "Check the connection and try again.",
                    vendor=view.vendor,
                ),
            ),
            Gap(sheet=sheet, dp=theme.L),
            *_problem(sheet, view),
            *next_try(sheet, view),
        ],
        actions=[
            Button(sheet=sheet, action="retry", content=say("Try again")),
            Gap(sheet=sheet, dp=12),
            way_out(sheet),
        ],
    )


def _problem(sheet: Sheet, view: View) -> list[Block]:
    if not view.problem:
        return []
    fact = Fact(
        sheet=sheet,
        name=sheet.words.say("Cause"),
        value=view.problem,
        resource_id="problem",
        machine=True,
        style=theme.DETAIL,
    )
    return [Card(sheet=sheet, blocks=(fact,)), Gap(sheet=sheet, dp=12)]
