"""The words of the screens in nine languages: gettext catalogues, and names from CLDR.

English is the source; the other catalogues are the .po files of locales/, read once each.
"""

from __future__ import annotations

import gettext
import io
from dataclasses import dataclass
from functools import cache
from importlib import resources

from babel import Locale, UnknownLocaleError
from babel.dates import format_timedelta
from babel.messages.catalog import Catalog as Messages
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_percent

from firmware_sim.errors import UsageError

LANGUAGES = ("en", "fr", "es", "ar", "fa", "ko", "ru", "uk", "zh")
SOURCE = "en"
_FIRST_STRONG_ISOLATE, _POP = "\u2068", "\u2069"
_LEFT_TO_RIGHT_ISOLATE = "\u2066"


def noted(message: str) -> str:
    """The message as it is: marks for the extraction what is said elsewhere."""
    return message


_SUBDIVISIONS = {"UA-43": noted("Crimea"), "UA-40": noted("Sevastopol")}
"""Babel carries CLDR's countries but not its subdivisions; these are msgids of ours."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """One language of the screens."""

    language: str
    rtl: bool
    _locale: Locale
    _messages: gettext.NullTranslations

    def say(self, message: str, /, **values: str) -> str:
        """The message in this language; values are isolated, so that bidi leaves them whole."""
        return self._filled(self._messages.gettext(message), values)

    def say_plural(self, one: str, many: str, count: int, /) -> str:
        """The form of the message that this language uses for `count`; %(count)s is filled in."""
        return self._filled(self._messages.ngettext(one, many, count), {"count": str(count)})

    def country(self, alpha2: str) -> str:
        """CLDR's name of an ISO 3166-1 country; the code itself when CLDR has none."""
        return str(self._locale.territories.get(alpha2, alpha2))

    def place(self, country: str, subdivision: str = "") -> str:
        """Country, or subdivision and country, as a user reads it."""
        if not subdivision:
            return self.country(country)
        name = _SUBDIVISIONS.get(subdivision)
        part = self.say(name) if name else subdivision
        country = country or subdivision[:2]
        return self.say("%(part)s, %(country)s", part=part, country=self.country(country))

    def percent(self, share: float) -> str:
        """0 to 1 as a percentage, with the sign where the language has it."""
        return str(format_percent(round(share, 2), locale=self._locale))

    def duration(self, seconds: int) -> str:
        """A stretch of time in its largest unit: "3 days"."""
        return str(format_timedelta(seconds, threshold=1.5, locale=self._locale))

    def _filled(self, text: str, values: dict[str, str]) -> str:
        if self.rtl:
            values = {
                name: f"{_FIRST_STRONG_ISOLATE}{value}{_POP}" for name, value in values.items()
            }
        return text % values if values else text


def code(text: str) -> str:
    """Digits and letters that are read from left to right whatever the language around them."""
    return f"{_LEFT_TO_RIGHT_ISOLATE}{text}{_POP}"


def isolated(text: str) -> str:
    """Text of others: it runs as its own first letter says, whatever the page around it."""
    return f"{_FIRST_STRONG_ISOLATE}{text}{_POP}"


def plain(text: str) -> str:
    """The text without the marks that only steer bidi."""
    return "".join(c for c in text if c not in "\u2066\u2067\u2068\u2069\u200b")


def own_name(language: str) -> str:
    """The language's name in itself, as a list of languages shows it."""
    name = Locale.parse(language).get_display_name(language) or language
    return name[0].upper() + name[1:]


def name_in(language: str, other: str) -> str:
    """The language's name in another language."""
    return Locale.parse(language).get_display_name(other) or language


def language_of(tag: str) -> str:
    """Our language for a BCP 47 tag: "es-CU" gives "es".

    Raises:
        UsageError: no catalogue for that language.
    """
    language = tag.replace("_", "-").split("-")[0].lower()
    if language not in LANGUAGES:
        known = " ".join(LANGUAGES)
        raise UsageError("screen", f"no language {tag!r} here; there are {known}")
    return language


@cache
def catalog(tag: str) -> Catalog:
    """The catalogue for a BCP 47 tag.

    Raises:
        UsageError: no catalogue for that language.
    """
    language = language_of(tag)
    try:
        locale = Locale.parse(tag, sep="-" if "-" in tag else "_")
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse(language)
    rtl = locale.text_direction == "rtl"
    return Catalog(language, rtl, locale, _translations(language))


def messages(language: str) -> Messages:
    """The catalogue file of a language, with its comments."""
    name = f"{language}.po"
    with (resources.files(__package__) / "locales" / name).open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


@cache
def _translations(language: str) -> gettext.NullTranslations:
    if language == SOURCE:
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, messages(language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
