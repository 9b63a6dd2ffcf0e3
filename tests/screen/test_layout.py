"""Nothing is clipped, covered, too small or unreadable, whatever the language and the phone."""

from functools import cache

import pytest

from firmware_sim.screen import catalog, scene, text, theme
from firmware_sim.screen.catalog import LANGUAGES
from firmware_sim.screen.device import DEVICES
from firmware_sim.screen.samples import full_view
from firmware_sim.screen.theme import LARGE_TEXT, Theme, contrast
from firmware_sim.screen.tree import Box, Drawing, Node, Role
from firmware_sim.view import Page
from tests.support.layouts import ground_under, ink, painted

EVERY = [
    (device, scale, language)
    for device in DEVICES
    for scale in (1.0, LARGE_TEXT)
    for language in LANGUAGES
]
LEAST_TOUCH = 48
"""dp. Source: Android accessibility guidance on touch targets."""
LEAST_SIZE = 0.95
"""Text never gets smaller than this share of its normal size."""


@cache
def scenes(device, scale, language):
    return [
        scene.build(full_view(page, language), DEVICES[device], Theme.LIGHT, scale) for page in Page
    ]


@pytest.mark.parametrize(("device", "scale", "language"), EVERY)
def test_no_text_leaves_its_place_or_runs_into_another(device, scale, language):
    for made in scenes(device, scale, language):
        lines = []
        for node, words in painted(made):
            box = ink(words)
            if box is None:
                continue
            where = f"{made.page}: {words.line.text!r} {box}"
            slack = words.line.size / 8
            assert box.left >= node.bounds.left - slack, where
            assert box.right <= node.bounds.right + slack, where
            assert box.within(made.root.bounds), where
            lines.append((box, where))
        for index, (one, where) in enumerate(lines):
            for other, there in lines[index + 1 :]:
                assert not one.overlaps(other), f"{where} runs into {there}"


@pytest.mark.parametrize(("device", "scale", "language"), EVERY)
def test_no_part_covers_another_or_leaves_its_parent(device, scale, language):
    for made in scenes(device, scale, language):
        for node in made.walk():
            for child in node.children:
                assert child.bounds.within(node.bounds), f"{made.page}: {child.key} {child.bounds}"
            for index, one in enumerate(node.children):
                for other in node.children[index + 1 :]:
                    assert not one.bounds.overlaps(other.bounds), f"{made.page}: {one} {other}"


@pytest.mark.parametrize(("device", "scale", "language"), EVERY)
def test_text_keeps_its_size_and_its_words_whole(device, scale, language):
    for made in scenes(device, scale, language):
        assert made.fit * scale >= LEAST_SIZE, f"{made.page} fits only at {made.fit}"
        assert not made.shortened, made.page
        for node in made.walk():
            if node.role is Role.STATUS:
                continue
            lines = [
                catalog.plain(words.line.text) for owner, words in painted(made) if owner is node
            ]
            for word in text.words(node.text) if lines else ():
                whole = any(word.strip() in line for line in lines)
                assert whole, f"{made.page}: {word!r} is broken: {lines}"


@pytest.mark.parametrize(("device", "scale", "language"), EVERY)
def test_what_is_touched_is_large_enough_for_a_finger(device, scale, language):
    for made in scenes(device, scale, language):
        least = DEVICES[device].px(LEAST_TOUCH)
        for node in made.focus_order():
            bounds = node.bounds
            assert bounds.bottom - bounds.top >= least, f"{made.page}: {node.key}"
            assert bounds.right - bounds.left >= least, f"{made.page}: {node.key}"


@pytest.mark.parametrize("look", list(Theme))
@pytest.mark.parametrize("device", list(DEVICES))
def test_colours_keep_wcag_aa_on_the_ground_that_they_really_stand_on(look, device):
    for page in Page:
        made = scene.build(full_view(page), DEVICES[device], look)
        for node in made.walk():
            for mark in node.marks:
                if isinstance(mark, Box):
                    continue
                if node.role is not Role.STATUS:
                    assert mark.on == ground_under(made, mark), f"{page}: {node.key} {mark}"
                ratio = contrast(mark.fill, mark.on)
                least = 3.0 if isinstance(mark, Drawing) else 4.5
                assert ratio >= least, f"{page}: {node.key}: {ratio:.2f} < {least}"


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK, theme.LOCK])
def test_borders_and_the_focus_ring_stand_out_from_their_ground(palette):
    for ground in (palette.ground, palette.surface):
        assert contrast(palette.outline, ground) >= 3
        assert contrast(palette.focus, ground) >= 3
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)


def test_a_right_to_left_page_is_the_mirror_image_with_the_keypad_left_as_it_is():
    page = scene.build(full_view(Page.EMERGENCY, "fa"), DEVICES["tall"])
    keys = {node.text: node.bounds for node in page.walk() if node.role is Role.KEY}
    assert keys["1"].left < keys["2"].left < keys["3"].left
    icon = page.find("icon.call")
    assert icon is not None
    assert icon.bounds.left > page.width // 2
    back = page.find("back")
    assert isinstance(back, Node)
    arrow = next(mark for mark in back.marks if isinstance(mark, Drawing))
    assert arrow.mirror


def test_a_long_message_of_the_server_is_cut_and_says_so():
    view = full_view(Page.LOCKED)
    long = scene.build(
        type(view)(page=Page.LOCKED, message="Words of somebody else. " * 60), DEVICES["small"]
    )
    assert long.shortened
    assert any(words.line.text.endswith("…") for _, words in painted(long))
    for node in long.walk():
        for child in node.children:
            assert child.bounds.within(node.bounds)


def test_a_longer_text_is_broken_within_its_width_and_loses_no_letter():
    setting = text.Setting(32, 400, "zh", False)
    sample = (
        "Norvik 的政策不允许向您尝试激活本产品的地区销售或提供本产品。"
        "如需更多信息，请直接联系零售商。"
    )
    lines = text.wrap(sample, 300, setting)
    assert "".join(line.text for line in lines).replace(" ", "") == sample.replace(" ", "")
    assert all(line.width <= 300 for line in lines)
    assert not any(line.text[0] in "，。" for line in lines), "no line begins with a full stop"


@pytest.mark.parametrize(
    ("sample", "parts"),
    [
        ("Wi-Fi settings", ["Wi-Fi ", "settings"]),
        ("A7KQ-M2XD-91TB", ["A7KQ-", "M2XD-", "91TB"]),
        ("이 기기는", ["이 ", "기기는"]),
        ("设备（已锁定）。", ["设", "备", "（已", "锁", "定）。"]),
    ],
)
def test_lines_break_where_the_language_allows(sample, parts):
    assert text.words(sample) == parts
