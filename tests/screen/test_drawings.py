"""One scene, many drawings: terminal, SVG, PNG, XML."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.screen import hierarchy, pixels, png, scene, svg, terminal
from firmware_sim.screen.catalog import LANGUAGES
from firmware_sim.screen.device import SMALL, TALL
from firmware_sim.screen.samples import full_view
from firmware_sim.view import Page

EVERY = [(page, language) for page in Page for language in LANGUAGES]


@pytest.mark.parametrize(("page", "language"), EVERY)
def test_every_page_is_drawn_in_every_language_and_form(page, language):
    device = SMALL.reduced(2)
    made = scene.build(full_view(page, language), device)
    assert made.title
    picture = pixels.decode(png.render(made))
    assert (picture.width, picture.height) == (device.width, device.height)
    assert len(set(picture.rgb)) > 2, "a picture of one colour shows nothing"
    ElementTree.fromstring(svg.render(made))
    dump = ElementTree.fromstring(hierarchy.render(made))
    assert dump.tag == "hierarchy"
    drawn = terminal.render(made)
    assert len({terminal.width_of(line) for line in drawn.splitlines()}) == 1
    said = scene.summary(made)
    assert said["id"] == page.value
    assert said["direction"] == ("rtl" if language in ("ar", "fa") else "ltr")


def test_the_locked_screen_says_what_users_of_the_case_read():
    said = scene.summary(scene.build(full_view(Page.LOCKED), TALL))
    assert said["title"] == "This device is locked"
    assert said["text"].startswith(
        "Norvik policy does not permit sale or provision of the product to the territory in "
        "which you have attempted to activate it. Please contact the retailers directly for "
        "additional information."
    )
    french = scene.summary(scene.build(full_view(Page.LOCKED, "fr"), TALL))
    assert french["text"].startswith(
        "La politique de Norvik ne permet pas la vente ou la fourniture du produit sur le "
        "territoire dans lequel vous avez tenté de l'activer."
    )
    spanish = scene.summary(scene.build(full_view(Page.LOCKED, "es"), TALL))
    assert spanish["title"] == "Este dispositivo está bloqueado"


def test_the_locked_screen_offers_wifi_emergency_and_a_ticket_and_nothing_else():
    made = scene.build(full_view(Page.LOCKED), TALL)
    assert [node.resource_id for node in made.focus_order()] == [
        "wifi",
        "emergency",
        "ticket.open",
    ]


def test_the_terminal_sets_facts_beside_their_names_and_colours_only_when_asked():
    made = scene.build(full_view(Page.LOCKED), TALL)
    rows = terminal.render(made, 46).splitlines()
    assert any(row.split() == ["│", "IMEI", "352099001761481", "│"] for row in rows)
    assert "│ [ Wi-Fi settings ]" in "\n".join(rows)
    coloured = terminal.render(made, 46, color=True)
    assert "\x1b[1m" in coloured
    assert re.sub(r"\x1b\[[0-9]*m", "", coloured).splitlines() == rows
    mirrored = terminal.render(scene.build(full_view(Page.LOCKED, "ar"), TALL), 46).splitlines()
    assert any(row.split() == ["│", "352099001761481", "IMEI", "│"] for row in mirrored)


HOSTILE = "\x1b[2J\x1b]0;owned\x07 \u202eevil\u2069 \x00<b>&\"' \ud800 ok"


def test_texts_of_others_steer_neither_a_terminal_nor_a_reader():
    view = replace(
        full_view(Page.LOCKED, "ar"), message=HOSTILE, operator=HOSTILE, reference=HOSTILE,
        notice=HOSTILE, vendor=HOSTILE, imei=HOSTILE, country="X\x1b",
    )  # fmt: skip
    made = scene.build(view, SMALL)
    drawn = terminal.render(made, color=False)
    assert "\x1b" not in drawn
    assert "\u202e" not in drawn
    for text in (svg.render(made), hierarchy.render(made), drawn):
        text.encode("utf-8")
        assert "\x00" not in text
    ElementTree.fromstring(svg.render(made))
    ElementTree.fromstring(hierarchy.render(made))
    assert "<b>&" in scene.summary(made)["text"], "what is harmless is shown as it is"
    png.render(made)


@given(st.text(max_size=200), st.sampled_from(LANGUAGES), st.sampled_from(list(Page)))
@settings(max_examples=60, deadline=None)
def test_any_text_on_any_page_can_be_laid_out_and_stays_on_the_screen(words, language, page):
    view = replace(
        full_view(page, language), message=words, problem=words, challenge=words, notice=words,
        operator=words, vendor=words, reference=words,
    )  # fmt: skip
    made = scene.build(view, SMALL, typed={"ticket": words, "sim_pin": words})
    assert scene.summary(made)["id"] == page.value
    ElementTree.fromstring(hierarchy.render(made))
    for node in made.walk():
        assert node.bounds.left >= 0
        assert node.bounds.right <= made.width
