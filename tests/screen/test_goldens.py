"""Golden screens: what differs is found, by pixels, and a person can approve it."""

import re

import pytest

from firmware_sim.screen import goldens, pixels, png, review, scene
from firmware_sim.screen.device import SMALL
from firmware_sim.screen.goldens import Kind
from firmware_sim.screen.samples import full_view
from firmware_sim.view import Page

SET = goldens.every([Page.LOCKED, Page.BOOT], ["en", "ar"], ["small"])


def _repainted(data):
    """The same file with one pixel of another colour."""
    picture = pixels.decode(data)
    colours = sorted({picture.rgb[i : i + 3] for i in range(0, len(picture.rgb), 3)})
    index = {colour: position for position, colour in enumerate(colours)}
    rows = []
    for y in range(picture.height):
        start = 3 * y * picture.width
        indices = (
            index[picture.rgb[i : i + 3]] for i in range(start, start + 3 * picture.width, 3)
        )
        rows.append(bytearray([0, *indices]))
    rows[10][6] ^= 1
    return pixels.encode(picture.width, picture.height, rows, [tuple(c) for c in colours])


@pytest.fixture
def recorded(tmp_path):
    directory = tmp_path / "goldens"
    assert len(goldens.record(directory, SET)) == len(SET) == 4
    return directory


def test_what_was_recorded_checks_clean_and_is_not_written_again(recorded):
    assert not list(goldens.check(recorded, SET))
    assert goldens.record(recorded, SET) == []


def test_one_pixel_of_difference_is_found_and_placed(recorded):
    path = recorded / SET[0].name
    path.write_bytes(_repainted(path.read_bytes()))
    (finding,) = goldens.check(recorded, SET)
    assert finding.kind is Kind.CHANGED
    assert str(finding) == "small/locked.en.png: changed, 1 pixels within [5,10][6,11]"
    assert goldens.record(recorded, SET) == [SET[0].name]


def test_the_same_pixels_packed_otherwise_are_the_same_picture(recorded):
    made = SET[0].scene()
    again = png.render(made, level=1, shades=goldens.SHADES)
    assert again != (recorded / SET[0].name).read_bytes()
    (recorded / SET[0].name).write_bytes(again)
    assert not list(goldens.check(recorded, SET))


def test_missing_extra_orphaned_and_damaged_pictures_are_all_found(recorded):
    (recorded / SET[1].name).unlink()
    (recorded / "notes.txt").write_text("not a picture")
    (recorded / "small" / "splash.en.png").write_bytes((recorded / SET[0].name).read_bytes())
    (recorded / SET[2].name).write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    found = {finding.name: finding.kind for finding in goldens.check(recorded, SET)}
    assert found == {
        SET[1].name: Kind.MISSING,
        "notes.txt": Kind.EXTRA,
        "small/splash.en.png": Kind.ORPHANED,
        SET[2].name: Kind.DAMAGED,
    }
    some = {finding.name for finding in goldens.check(recorded, SET[:1], whole=False)}
    assert not some, "a part of the set says nothing about other files"


def test_the_whole_set_has_every_page_language_and_device():
    names = {golden.name for golden in goldens.every()}
    assert len(names) == 15 * 9 * 3 + 15 * 2 * 2
    assert {"tall/locked.fa.png", "tablet/home.zh.png", "tall/ticket.ar.dark.png"} <= names


def test_the_review_holds_every_picture_in_itself(recorded):
    path = recorded / SET[0].name
    path.write_bytes(_repainted(path.read_bytes()))
    (recorded / SET[1].name).unlink()
    text = review.page(list(goldens.check(recorded, SET)))
    assert text.count("data:image/png;base64,") == 4, "before, after, difference; and after"
    assert not re.search(r'(src|href)="(?!data:)', text), "nothing comes from elsewhere"
    for key in "jkaus":
        assert f"'{key}'" in text
    assert 'data-kind="missing"' in text
    assert review.listed("a\n\n b \n") == {"a", "b"}


def test_the_difference_is_red_where_the_pictures_differ():
    before = goldens.draw(scene.build(full_view(Page.BOOT), SMALL.reduced(4)))
    after = _repainted(before)
    shown = pixels.decode(goldens.difference(before, after))
    red = [
        i // 3 for i in range(0, len(shown.rgb), 3) if shown.rgb[i : i + 3] == bytes((208, 0, 32))
    ]
    assert red == [10 * shown.width + 5]
    assert goldens.difference(before, goldens.draw(scene.build(full_view(Page.BOOT)))) == b""
