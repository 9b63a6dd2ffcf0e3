"""PNG written and read, and the same pixels wherever they are made."""

import hashlib
import subprocess
import sys
import sysconfig
import zlib
from pathlib import Path

import pytest
import resvg_py

from firmware_sim.errors import SimError
from firmware_sim.screen import pixels, png, raster, scene, svg
from firmware_sim.screen.catalog import LANGUAGES
from firmware_sim.screen.device import DEVICES, TALL
from firmware_sim.screen.samples import full_view
from firmware_sim.view import Page
from tests.support.pythons import other_python

ROOT = Path(__file__).resolve().parents[2]
DIGESTS = """
import hashlib, sys
from firmware_sim.screen import pixels, png, scene
from firmware_sim.screen.catalog import LANGUAGES
from firmware_sim.screen.device import TALL
from firmware_sim.view import Page
from firmware_sim.screen.samples import full_view
print(sys.version_info[:2], file=sys.stderr)
for page in Page:
    for language in LANGUAGES if page is Page.LOCKED else ("ar", "ko"):
        made = scene.build(full_view(page, language), TALL.reduced(3))
        rgb = pixels.decode(png.render(made)).rgb
        print(page.value, language, hashlib.sha256(rgb).hexdigest())
"""


def test_another_python_makes_the_same_pixels():
    python = other_python()
    paths = [str(ROOT), str(ROOT / "protocol"), sysconfig.get_paths()["platlib"]]
    program = f"import sys; sys.path[:0] = {paths!r}\n{DIGESTS}"
    outputs = []
    for one in (sys.executable, python):
        done = subprocess.run(
            [one, "-P", "-c", program], capture_output=True, text=True, timeout=200, check=True
        )
        outputs.append((done.stdout, done.stderr.strip()))
    (mine, version), (theirs, other) = outputs
    assert version != other, "two runs of one Python prove nothing"
    assert len(mine.splitlines()) == 2 * (len(Page) - 1) + len(LANGUAGES)
    assert mine == theirs


@pytest.mark.parametrize("language", ["en", "ar", "ko"])
@pytest.mark.parametrize("page", [Page.LOCKED, Page.ACTIVATING, Page.LANGUAGE])
def test_the_png_shows_what_resvg_makes_of_the_svg(page, language):
    made = scene.build(full_view(page, language), DEVICES["small"].reduced(2))
    ours = pixels.decode(png.render(made)).rgb
    whole = bytes(resvg_py.svg_to_bytes(svg_string=svg.render(made), skip_system_fonts=True))
    theirs = pixels.decode(whole).rgb
    assert len(ours) == len(theirs)
    differences = [abs(a - b) for a, b in zip(ours, theirs, strict=True)]
    print(sum(differences) / len(differences), sum(d > 96 for d in differences) / len(differences))
    assert sum(differences) / len(differences) < 0.9, "glyphs stand on quarters of a pixel"
    assert sum(d > 96 for d in differences) / len(differences) < 0.002


def test_a_store_that_overflows_changes_nothing(monkeypatch):
    made = scene.build(full_view(Page.WARNING, "ko"), TALL.reduced(3))
    wanted = png.render(made)
    for store in (raster._stamps, raster._lines):
        store.clear()
    monkeypatch.setattr(raster, "_KEPT_STAMPS", 20)
    monkeypatch.setattr(raster, "_KEPT_LINES", 2)
    assert png.render(made) == wanted
    assert len(raster._lines) <= 2


def test_quick_and_thorough_packing_hold_the_same_pixels():
    made = scene.build(full_view(Page.LOCKED), TALL)
    quick, thorough = png.render(made, level=1), png.render(made, level=9)
    assert quick != thorough
    assert pixels.decode(quick) == pixels.decode(thorough)


def test_drawing_twice_gives_the_same_bytes():
    made = scene.build(full_view(Page.LOCKED, "fa"), TALL)
    assert png.render(made) == png.render(made)


def test_a_palette_picture_survives_the_round_trip():
    rows = [b"\0\0\1\2", b"\0\2\1\0"]
    data = pixels.encode(3, 2, rows, [(1, 2, 3), (4, 5, 6), (7, 8, 9)])
    read = pixels.decode(data)
    assert (read.width, read.height) == (3, 2)
    assert read.rgb == bytes([1, 2, 3, 4, 5, 6, 7, 8, 9, 7, 8, 9, 4, 5, 6, 1, 2, 3])


@pytest.mark.parametrize("kind", range(5))
def test_every_filter_of_the_format_is_undone(kind):
    above, row = bytes([10, 20, 30, 40, 50, 60]), bytes([15, 250, 3, 90, 1, 200])
    step, filtered = 3, bytearray()
    for i, value in enumerate(row):
        left = row[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        estimate = left + above[i] - corner
        paeth = min(
            (left, above[i], corner),
            key=lambda c, e=estimate: abs(e - c),
        )
        guess = (0, left, above[i], (left + above[i]) // 2, paeth)[kind]
        filtered.append((value - guess) & 255)
    header = pixels._chunk(b"IHDR", bytes([0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 0]))
    body = zlib.compress(b"\0" + above + bytes([kind]) + bytes(filtered))
    data = pixels._SIGNATURE + header + pixels._chunk(b"IDAT", body) + pixels._chunk(b"IEND", b"")
    assert pixels.decode(data).rgb == above + row


@pytest.mark.parametrize("damage", ["truncated", "flipped", "not a png", "empty"])
def test_a_damaged_picture_is_refused_in_one_line(damage):
    good = png.render(scene.build(full_view(Page.BOOT), TALL.reduced(6)))
    data = {
        "truncated": good[: len(good) // 2],
        "flipped": good[:60] + bytes([good[60] ^ 1]) + good[61:],
        "not a png": b"GIF89a",
        "empty": b"",
    }[damage]
    with pytest.raises(SimError) as caught:
        pixels.decode(data)
    assert "\n" not in str(caught.value)


def test_pages_differ_from_each_other():
    digests = {
        hashlib.sha256(png.render(scene.build(full_view(page), TALL.reduced(3)))).digest()
        for page in Page
    }
    assert len(digests) == len(Page)
