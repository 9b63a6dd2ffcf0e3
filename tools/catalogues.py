"""Behind tools/locales: extraction from the sources, update and check of the .po files."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "firmware_sim" / "screen"
LOCALES = SOURCES / "locales"
LANGUAGES = ("fr", "es", "ar", "fa", "ko", "ru", "uk", "zh")
KEYWORDS = {"say": None, "say_plural": (1, 2), "noted": None}
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_HEADER = """# Words of the simulated phone: {language}.
# The message of the territory lock says whether its wording is known from the case or ours.
"""


def template() -> Catalog:
    """Every message of the sources, in the order of files and lines."""
    found = Catalog(project="firmware-sim", charset="utf-8")
    rows = sorted(
        extract_from_dir(SOURCES, keywords=KEYWORDS, comment_tags=()),
        key=lambda row: (row[0], row[1]),
    )
    for name, _, message, _, _ in rows:
        found.add(message, locations=[(f"firmware_sim/screen/{Path(name).as_posix()}", 0)])
    return found


def updated(language: str, source: Catalog) -> tuple[Catalog, str]:
    """The catalogue of a language with exactly the messages of the sources, and as a file."""
    path = LOCALES / f"{language}.po"
    fresh = Catalog(locale=language, charset="utf-8", fuzzy=False)
    old = read_po(io.BytesIO(path.read_bytes()), locale=language) if path.exists() else fresh
    for message in source:
        if not message.id:
            continue
        known = old.get(message.id)
        blank = ("",) * fresh.num_plurals if message.pluralizable else ""
        fresh.add(
            message.id,
            known.string if known else blank,
            locations=message.locations,
            flags=known.flags if known else (),
            user_comments=known.user_comments if known else (),
        )
    written = io.BytesIO()
    write_po(written, fresh, width=96, omit_header=True, include_lineno=False)
    plural = fresh.plural_forms
    head = (
        f"{_HEADER.format(language=fresh.locale.english_name)}"
        'msgid ""\nmsgstr ""\n'
        f'"Language: {language}\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {plural}\\n"\n\n'
    )
    return fresh, head + written.getvalue().decode().rstrip("\n") + "\n"


def faults(message: Message) -> list[str]:
    """What is wrong with one translation."""
    found = []
    originals = message.id if message.pluralizable else (message.id,)
    strings = message.string if message.pluralizable else (message.string,)
    wanted = set(_PLACEHOLDER.findall("".join(originals)))
    if not all(strings):
        found.append("no translation")
    if message.fuzzy:
        found.append("fuzzy")
    for text in strings:
        have = set(_PLACEHOLDER.findall(text))
        # A plural form for one or two may spell the number out.
        if (text and have - wanted) or (not message.pluralizable and text and wanted - have):
            found.append(f"placeholders {sorted(have)} instead of {sorted(wanted)}")
    return found


def main(arguments: list[str]) -> int:
    """Update the files, or with --check report what is out of step."""
    check = "--check" in arguments
    source, wrong = template(), 0
    for language in LANGUAGES:
        path = LOCALES / f"{language}.po"
        catalog, text = updated(language, source)
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            print(f"{path.relative_to(ROOT)}: out of step with the sources; run tools/locales")
            wrong += 1
        elif not check:
            path.write_text(text, encoding="utf-8")
        for message in catalog:
            for fault in faults(message) if message.id else ():
                print(f"{path.relative_to(ROOT)}: {message.id!r}: {fault}")
                wrong += 1
    if check and not wrong:
        print(f"catalogues: {len(LANGUAGES)} languages, {len(source)} messages each, in step")
    return 1 if check and wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
