"""Words in nine languages, and names from CLDR."""

import pytest

from firmware_sim.errors import SimError, UsageError
from firmware_sim.screen import catalog, fonts, scene
from firmware_sim.screen.catalog import LANGUAGES
from firmware_sim.screen.samples import full_view
from firmware_sim.view import Page

LOCK = "%(vendor)s policy does not permit sale or provision of the product"


@pytest.mark.parametrize("language", [tag for tag in LANGUAGES if tag != "en"])
def test_the_lock_message_says_whether_its_wording_is_known_or_ours(language):
    message = next(m for m in catalog.messages(language) if m.id and m.id[: len(LOCK)] == LOCK)
    comment = " ".join(message.user_comments)
    assert comment.startswith("Known:" if language == "fr" else "Ours:")
    if language == "es":
        heading = catalog.messages("es").get("This device is locked")
        assert heading is not None
        assert heading.string == "Este dispositivo está bloqueado"
        assert heading.user_comments[0].startswith("Known:")


def test_the_makers_name_is_a_parameter():
    view = full_view(Page.LOCKED, "fr")
    said = scene.summary(scene.build(type(view)(page=Page.LOCKED, locale="fr", vendor="Ketros")))
    assert "La politique de Ketros ne permet pas" in said["text"]
    assert "Norvik" not in said["text"]


def test_places_are_named_by_cldr_and_crimea_by_us():
    assert catalog.catalog("ru").place("CU") == "Куба"
    assert catalog.catalog("en").place("UA", "UA-43") == "Crimea, Ukraine"
    assert catalog.catalog("uk").place("UA", "UA-40") == "Севастополь, Україна"
    assert catalog.plain(catalog.catalog("ar").place("UA", "UA-43")) == "القرم، أوكرانيا"
    assert catalog.catalog("en").place("", "XX-1") == "XX-1, XX"
    assert catalog.own_name("fr") == "Français"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "Осталась 1 попытка"),
        (2, "Осталось 2 попытки"),
        (5, "Осталось 5 попыток"),
        (21, "Осталась 21 попытка"),
    ],
)
def test_plurals_follow_the_language(count, words):
    said = catalog.catalog("ru").say_plural("%(count)s try left", "%(count)s tries left", count)
    assert said == words


def test_numbers_and_times_are_written_in_the_language():
    assert catalog.catalog("fr").percent(0.42).split() == ["42", "%"]
    assert catalog.catalog("fr").duration(5 * 86400).split() == ["5", "jours"]


def test_regions_of_a_language_share_its_catalogue_and_others_are_refused():
    assert catalog.catalog("es-CU").say("Back") == "Atrás"
    assert catalog.catalog("zh-Hans-CN").language == "zh"
    assert catalog.catalog("fr_FR").language == "fr"
    assert catalog.catalog("ar-nonsense-tag").rtl
    with pytest.raises(UsageError, match="no language 'de' here; there are en fr es"):
        catalog.catalog("de")


def test_a_font_that_cannot_be_read_is_one_line(monkeypatch):
    monkeypatch.setitem(fonts._FILES, "cjk", ("fontpkg_noto_sans", "files/none.otf"))
    fonts.face.cache_clear()
    try:
        with pytest.raises(SimError, match="cannot be read"):
            fonts.face("cjk", 400)
    finally:
        monkeypatch.undo()
        fonts.face.cache_clear()


def test_korean_without_its_fonts_names_the_extra(monkeypatch):
    monkeypatch.setitem(fonts._FILES, "cjk", ("no_such_package", "none.otf"))
    fonts.face.cache_clear()
    fonts.chain.cache_clear()
    try:
        with pytest.raises(SimError, match=r"pip install 'firmware-sim\[cjk\]'") as caught:
            fonts.chain("ko", 400)
        assert "\n" not in str(caught.value)
        assert fonts.covered("English", "en")
        assert not fonts.covered("中文", "en")
        made = scene.build(full_view(Page.LANGUAGE))
        korean = made.find("language:ko")
        assert korean is not None
        assert (korean.text, korean.touchable) == ("Korean", False)
        assert made.find("language:fr") in made.focus_order()
    finally:
        monkeypatch.undo()
        fonts.face.cache_clear()
        fonts.chain.cache_clear()
