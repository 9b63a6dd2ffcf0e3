"""Fingers, keys and typed text become what the handset is told."""

import json
from dataclasses import replace

import pytest

from firmware_sim.screen import hierarchy, png, scene, svg, touch
from firmware_sim.screen.catalog import LANGUAGES
from firmware_sim.screen.device import DEVICES, TALL
from firmware_sim.screen.samples import full_view
from firmware_sim.screen.tree import Role
from firmware_sim.view import Page, UserAction


def _shown(page, fingers, locale="en"):
    return scene.build(full_view(page, locale), TALL, focus=fingers.focus, typed=fingers.typed)


def _middle(node):
    bounds = node.bounds
    return (bounds.left + bounds.right) // 2, (bounds.top + bounds.bottom) // 2


def test_a_tap_on_a_language_chooses_it():
    fingers = touch.Touch()
    made = _shown(Page.LANGUAGE, fingers)
    node = made.find("Español")
    assert fingers.tap(made, *_middle(node)) == UserAction("language", "es")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", list(Page))
def test_every_control_is_hit_at_its_middle_and_named_once(page, language):
    made = scene.build(full_view(page, language), DEVICES["small"])
    order = made.focus_order()
    assert len({node.key for node in order}) == len(order)
    for node in order:
        assert made.tap(*_middle(node)) is node
        assert node.label, f"{node.key} has no accessible name"
    assert made.tap(0, 0) is None
    headings = [node for node in made.walk() if node.role is Role.HEADING]
    assert [node.text for node in headings] == [made.title]


def test_the_keypad_types_the_pin_and_the_button_sends_it():
    fingers = touch.Touch()
    made = _shown(Page.SIM_PIN, fingers)
    for digit in "12349":
        assert fingers.press(made, made.find(f"key:{digit}")) is None
    fingers.press(made, made.find("key:<"))
    made = _shown(Page.SIM_PIN, fingers)
    assert made.find("sim_pin").text == "1234"
    said = (scene.summary(made)["text"], json.dumps(hierarchy.as_object(made)))
    assert not any("1234" in form for form in (*said, hierarchy.render(made), svg.render(made)))
    assert fingers.press(made, made.find("submit")) == UserAction("sim_pin", "1234")


def test_a_ticket_is_entered_by_keyboard_alone():
    fingers = touch.Touch()
    made = _shown(Page.LOCKED, fingers)
    reached = []
    for _ in range(3):
        fingers.key(made, "Tab")
        reached.append(fingers.focus)
    assert reached == ["wifi", "emergency", "ticket.open"]
    assert fingers.key(made, "Enter") == UserAction("ticket.open")
    made = _shown(Page.TICKET, fingers)
    fingers.type(made, "ABCD EF")
    fingers.key(made, "G")
    fingers.key(made, "Backspace")
    assert fingers.key(made, "Enter") == UserAction("ticket", "ABCD EF")
    assert fingers.key(made, "Escape") == UserAction("back")


def test_tab_goes_round_both_ways_and_focus_is_drawn():
    fingers = touch.Touch()
    made = _shown(Page.LOCKED, fingers)
    plain = png.render(made)
    fingers.key(made, "Shift+Tab")
    assert fingers.focus == "ticket.open"
    fingers.key(made, "Tab")
    assert fingers.focus == "wifi"
    focused = _shown(Page.LOCKED, fingers)
    assert [node.key for node in focused.walk() if node.focused] == ["wifi"]
    assert png.render(focused) != plain


def test_a_new_page_forgets_what_was_typed():
    fingers = touch.Touch()
    made = _shown(Page.TICKET, fingers)
    fingers.type(made, "SECRET")
    fingers.show(Page.LOCKED.value)
    assert not fingers.typed
    assert fingers.focus == ""


def test_a_field_takes_no_more_than_it_should():
    fingers = touch.Touch()
    made = _shown(Page.TICKET, fingers)
    fingers.type(made, "x" * (touch.MOST_TYPED + 1))
    assert len(fingers.typed["ticket"]) == touch.MOST_TYPED
    scene.build(full_view(Page.TICKET), TALL, focus="ticket", typed=fingers.typed)


def test_the_json_form_has_every_node_in_reading_order():
    made = scene.build(full_view(Page.LOCKED, "ar"), TALL)
    told = json.loads(json.dumps(hierarchy.as_object(made)))
    assert (told["id"], told["direction"], told["height"]) == ("locked", "rtl", 2340)
    touchable = [node["key"] for node in told["nodes"] if node["touchable"]]
    assert touchable == ["wifi", "emergency", "ticket.open"]
    assert len(told["nodes"]) == len(list(made.walk()))


def test_what_is_not_enabled_does_nothing():
    fingers = touch.Touch()
    made = _shown(Page.LOCKED, fingers)
    off = replace(made.find("wifi"), enabled=False)
    assert fingers.press(made, off) is None
