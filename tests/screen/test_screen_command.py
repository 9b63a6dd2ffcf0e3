"""`firmware-sim screen` as a user runs it."""

from xml.etree import ElementTree

import pytest

from firmware_sim.screen import pixels
from tests.support.program import firmware_sim


@pytest.mark.parametrize("form", ["png", "svg", "xml", "txt"])
def test_one_page_is_drawn_in_the_form_that_the_file_name_asks_for(tmp_path, form):
    out = tmp_path / f"locked.{form}"
    done = firmware_sim(
        "screen", "show", "locked", "--locale", "ar", "--device", "small", "--out", out,
        "--vendor", "Ketros", "--country", "CU",
    )  # fmt: skip
    assert (done.status, done.stdout, done.stderr) == (0, "", "")
    data = out.read_bytes()
    if form == "png":
        picture = pixels.decode(data)
        assert (picture.width, picture.height) == (720, 1280)
    elif form == "svg":
        root = ElementTree.fromstring(data)
        assert root.get("direction") == "rtl"
        assert b"Ketros" in data
    elif form == "xml":
        nodes = ElementTree.fromstring(data).iter("node")
        found = {node.get("resource-id"): node.attrib for node in nodes}
        territory = found["org.firmware_sim.setup:id/territory"]
        assert territory["text"] == "كوبا"
        wifi = found["org.firmware_sim.setup:id/wifi"]
        assert wifi["class"] == "android.widget.Button"
        assert wifi["clickable"] == "true"
    else:
        assert "كوبا" in data.decode()


def test_without_a_file_the_drawing_goes_to_the_terminal():
    done = firmware_sim("screen", "show", "locked")
    assert done.status == 0
    assert "This device is locked" in done.stdout
    assert "Cuba" in done.stdout
    assert "\x1b" not in done.stdout, "no colours where nobody looks"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["show", "lockd"], "no page 'lockd'; there are boot language"),
        (["show", "locked", "--locale", "de"], "no language 'de' here; there are en fr"),
        (["show", "locked", "--device", "watch"], "no device 'watch'; there are small tall"),
        (["show", "locked", "--out", "x.bmp"], "--out ends in one of .png .svg .xml .txt"),
        (["show", "locked", "--text-scale", "9"], "--text-scale is from 0.8 to 1.3"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(words, line):
    done = firmware_sim("screen", *words)
    assert done.status == 2
    assert line in done.one_line()


def test_what_cannot_be_written_or_read_is_one_line_and_status_3(tmp_path):
    (tmp_path / "file").write_text("")
    done = firmware_sim("screen", "show", "locked", "--out", tmp_path / "file" / "x.png")
    assert done.status == 3
    assert "cannot write" in done.one_line()
    done = firmware_sim("screen", "goldens", "check", "--dir", tmp_path / "none")
    assert done.status == 3
    assert "no directory of golden screens" in done.one_line()


def test_goldens_are_recorded_checked_reviewed_and_approved(tmp_path):
    part = ["--page", "boot", "--locale", "en", "--device", "small"]
    directory = ["--dir", tmp_path / "goldens"]
    done = firmware_sim("screen", "goldens", "record", *directory, *part)
    assert (done.status, done.stdout) == (0, "goldens: 1 written, 0 left as they are\n")
    done = firmware_sim("screen", "goldens", "check", *directory, *part)
    assert (done.status, done.stdout) == (0, "goldens: 1 compared, 0 not as approved\n")
    picture = tmp_path / "goldens" / "small" / "boot.en.png"
    other = tmp_path / "other.png"
    firmware_sim("screen", "show", "home", "--device", "small", "--out", other)
    picture.write_bytes(other.read_bytes())
    done = firmware_sim("screen", "goldens", "check", *directory, *part)
    assert done.status == 1
    assert done.stdout.startswith("small/boot.en.png: changed, 720x1280 became 240x426\n")
    out = tmp_path / "review.html"
    done = firmware_sim("screen", "goldens", "review", *directory, *part, "--out", out)
    assert done.status == 1
    assert "small/boot.en.png" in out.read_text(encoding="utf-8")
    approved = tmp_path / "approved.txt"
    approved.write_text("small/boot.en.png\n", encoding="utf-8")
    done = firmware_sim("screen", "goldens", "record", *directory, "--approved", approved)
    assert done.status == 0
    assert firmware_sim("screen", "goldens", "check", *directory, *part).status == 0
    orphan = tmp_path / "goldens" / "small" / "gone.en.png"
    orphan.write_bytes(b"")
    approved.write_text("small/gone.en.png\n", encoding="utf-8")
    done = firmware_sim("screen", "goldens", "record", *directory, "--approved", approved)
    assert done.status == 0
    assert not orphan.exists()
    approved.write_text("../other.png\n", encoding="utf-8")
    done = firmware_sim("screen", "goldens", "record", *directory, "--approved", approved)
    assert done.status == 2
    assert other.exists(), "a list of names cannot reach outside the directory"
