"""A policy's text form: TOML in, `Policy` out, and a complaint that names line and key.

The shape is a table: each TOML table lists its keys and how each is read. Whatever is not in
the table is a typo, and is said to be one.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Callable, Container, Mapping
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from firmware_sim.errors import SimError
from firmware_sim.server import toml_lines
from firmware_sim.server.imeilist import ImeiFile
from firmware_sim.server.policy import (
    TEXT_WORDS,
    Action,
    Area,
    EvidenceRules,
    FirstSim,
    Grace,
    Listing,
    Policy,
    Source,
    Territory,
    Timing,
)
from firmware_sim_native import imei as imei_rules
from firmware_sim_protocol.numbers import Decision

DEFAULT = "territory-2021"
U32_LIMIT = 0xFFFF_FFFE
MAX_TEXT_OCTETS = 512
Reader = Callable[[Any], Any]

LISTING_KINDS = {
    "block": Decision.LOCK_BLOCKLIST,
    "finance": Decision.LOCK_FINANCE,
    "withdraw": Decision.DEACTIVATE,
    "white": Decision.ACTIVATE,
}


# How one value is read: ValueError says what is wrong with it ------------------------------


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text that is not empty")
    return value


def _date(value: Any) -> str:
    # TOML has dates of its own (2021-09-09); a month alone ("2021-09") is a text.
    return str(value) if value else _text(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _number(least: int, most: int) -> Reader:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return read


def _matching(pattern: str, what: str) -> Reader:
    compiled = re.compile(pattern)

    def read(value: Any) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ValueError(f"must be {what}, not {value!r}")
        return value

    return read


def _one_of(words: Mapping[str, Any]) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"must be one of {', '.join(words)}, not {value!r}")
        return words[value]

    return read


def _source(value: Any) -> Source:
    if value == "sim":
        raise ValueError("a SIM says whose customer it is, not where the phone is")
    found: Source = _one_of({source.value: source for source in Source})(value)
    return found


def _many(read_one: Reader) -> Reader:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not value:
            raise ValueError("must be a list that is not empty")
        return tuple(read_one(item) for item in value)

    return read


def _distinct(read_one: Reader) -> Reader:
    def read(value: Any) -> tuple[Any, ...]:
        found: tuple[Any, ...] = _many(read_one)(value)
        if len(set(found)) != len(found):
            raise ValueError("names something twice")
        return found

    return read


def _area(value: Any) -> Area:
    if not isinstance(value, dict) or set(value) != {"plmn", "first", "last"}:
        raise ValueError("must be { plmn = ..., first = ..., last = ... }")
    number = _number(0, U32_LIMIT)
    area = Area(_PLMN(value["plmn"]), number(value["first"]), number(value["last"]))
    if area.first > area.last:
        raise ValueError("first is above last")
    return area


def _imei_or_tac(value: Any) -> str:
    digits: str = _matching(r"[0-9]{8}|[0-9]{15}", "an IMEI of 15 or a TAC of 8 digits")(value)
    if len(digits) == 15 and not imei_rules.is_valid(digits):
        raise ValueError(f"{digits} has a wrong check digit")
    return digits


def _display(value: Any) -> str:
    text = _text(value)
    if len(text.encode()) > MAX_TEXT_OCTETS:
        raise ValueError(f"has {len(text.encode())} octets of UTF-8, at most {MAX_TEXT_OCTETS}")
    if any((ord(char) < 0x20 and char != "\n") or 0x7F <= ord(char) < 0xA0 for char in text):
        raise ValueError("has a control character")
    return text


_ACTION = _one_of({action.value: action for action in Action})
_COUNTRY = _matching(r"[A-Z]{2}", "two capital letters of ISO 3166-1")
_SUBDIVISION = _matching(r"[A-Z]{2}-[A-Z0-9]{1,3}", "a code of ISO 3166-2 such as UA-43")
_MCC = _matching(r"[0-9]{3}", "an MCC of 3 digits")
_PLMN = _matching(r"[0-9]{5,6}", "a PLMN of 5 or 6 digits")
_SECONDS = _number(0, U32_LIMIT)
_LOCALE = re.compile(r"[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*")

# The tables of a policy: key -> (reader, whether it must be there) -------------------------

POLICY_KEYS: dict[str, tuple[Reader, bool]] = {
    "name": (_text, True),
    "version": (_number(1, U32_LIMIT), True),
    "title": (_text, False),
    "as_of": (_date, False),
    "default": (_ACTION, False),
}
TERRITORY_KEYS: dict[str, tuple[Reader, bool]] = {
    "country": (_COUNTRY, True),
    "source": (_text, True),
    "subdivisions": (_distinct(_SUBDIVISION), False),
    "name": (_text, False),
    "shared_mcc": (_distinct(_MCC), False),
    "areas": (_many(_area), False),
    "action": (_ACTION, False),
    "uncertain": (_ACTION, False),
}
TIMING_KEYS: dict[str, tuple[Reader, bool]] = {
    "retry_after_s": (_number(1, U32_LIMIT), False),
    "recheck_after_s": (_number(1, U32_LIMIT), False),
    "locked_recheck_after_s": (_number(1, U32_LIMIT), False),
    "max_age_s": (_number(1, U32_LIMIT), False),
    "valid_s": (_number(1, U32_LIMIT), False),
}
EVIDENCE_KEYS: dict[str, tuple[Reader, bool]] = {
    "order": (_distinct(_source), False),
    "gnss_max_accuracy_m": (_SECONDS, False),
    "gnss_max_age_s": (_SECONDS, False),
}
GRACE_KEYS: dict[str, tuple[Reader, bool]] = {
    "lock_after_s": (_number(1, U32_LIMIT), True),
    "warn": (_flag, False),
}
FIRST_SIM_KEYS: dict[str, tuple[Reader, bool]] = {
    "countries": (_distinct(_COUNTRY), True),
    "source": (_text, False),
}
LISTING_KEYS: dict[str, tuple[Reader, bool]] = {
    "kind": (_one_of(LISTING_KINDS), True),
    "imeis": (_many(_imei_or_tac), False),
    "file": (_text, False),
    "name": (_text, False),
    "lock_after_s": (_number(1, U32_LIMIT), False),
}
TEXT_KEYS: dict[str, tuple[Reader, bool]] = dict.fromkeys(TEXT_WORDS, (_display, False))
TABLES = {
    "policy": POLICY_KEYS,
    "evidence": EVIDENCE_KEYS,
    "timing": TIMING_KEYS,
    "grace": GRACE_KEYS,
    "first_sim": FIRST_SIM_KEYS,
}
LISTS = {"territory": TERRITORY_KEYS, "list": LISTING_KEYS}


def parse(text: str, name: str, folder: Path | None = None) -> Policy:
    """Read a policy; files that it names are found from `folder`.

    Raises:
        SimError: part "policy"; the text names line and key.
    """
    return _Reading(text, name, folder).policy()


def read(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        SimError: part "policy"; it cannot be read, or the text names line and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SimError("policy", f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SimError("policy", f"{path}: not UTF-8 at octet {error.start}") from error
    return parse(text, str(path), path.parent)


def packs() -> tuple[str, ...]:
    """Names of the policies that ship."""
    folder = resources.files("firmware_sim.server") / "policies"
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def pack_text(name: str) -> str:
    """The text of a policy that ships.

    Raises:
        SimError: part "policy"; there is none of that name.
    """
    if name not in packs():
        raise SimError("policy", f"no pack named {name!r} (there are {', '.join(packs())})")
    return (resources.files("firmware_sim.server") / "policies" / f"{name}.toml").read_text("utf-8")


def pack(name: str = DEFAULT) -> Policy:
    """A policy that ships.

    Raises:
        SimError: part "policy"; there is none of that name.
    """
    return parse(pack_text(name), f"{name}.toml")


def find(word: str) -> Policy:
    """A policy by file path, or by the name of a pack where no such file exists."""
    path = Path(word)
    if word in packs() and not path.exists():
        return pack(word)
    return read(path)


class _Reading:
    """One pass over one text; it stops at the first complaint."""

    def __init__(self, text: str, name: str, folder: Path | None) -> None:
        self._text = text
        self._name = name
        self._folder = folder
        self._lines: dict[toml_lines.Path, int] = {}

    def policy(self) -> Policy:
        try:
            tree = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            # tomllib itself names line and column.
            raise SimError("policy", f"{self._name}: {error}") from error
        self._lines = toml_lines.locate(self._text)
        for key in tree:
            if key not in TABLES and key not in LISTS and key != "text":
                self._typo((key,), [*TABLES, *LISTS, "text"])
        if "policy" not in tree:
            self._complain(("policy",), "is missing: [policy] needs name and version")
        found: dict[str, dict[str, Any]] = {
            word: self._table(tree[word], keys, (word,))
            for word, keys in TABLES.items()
            if word in tree
        }
        rows = {word: self._rows(tree.get(word, []), word) for word in LISTS}
        territories = tuple(
            self._territory(row, index) for index, row in enumerate(rows["territory"])
        )
        listings = tuple(self._listing(row, index) for index, row in enumerate(rows["list"]))
        whole = hashlib.sha256(self._text.encode())
        for listing in listings:
            if isinstance(listing.imeis, ImeiFile):
                whole.update(listing.imeis.digest)
        return Policy(
            **found["policy"],
            digest=whole.digest(),
            territories=territories,
            evidence=EvidenceRules(**found.get("evidence", {})),
            timing=Timing(**found.get("timing", {})),
            grace=Grace(**found["grace"]) if "grace" in found else None,
            first_sim=FirstSim(**found["first_sim"]) if "first_sim" in found else None,
            listings=listings,
            texts=self._texts(tree.get("text", {})),
        )

    def _table(
        self, tree: Any, keys: dict[str, tuple[Reader, bool]], path: toml_lines.Path
    ) -> dict[str, Any]:
        if not isinstance(tree, dict):
            self._complain(path, f"must be a table: [{path[0]}]")
        found = {}
        for key, value in tree.items():
            if key not in keys:
                self._typo((*path, key), list(keys))
            try:
                found[key] = keys[key][0](value)
            except ValueError as error:
                self._complain((*path, key), str(error))
        for key, (_, needed) in keys.items():
            if needed and key not in found:
                self._complain((*path, key), "is missing")
        return found

    def _rows(self, tree: Any, word: str) -> list[dict[str, Any]]:
        if not isinstance(tree, list):
            self._complain((word,), f"must be a list of tables: [[{word}]]")
        return [self._table(row, LISTS[word], (word, index)) for index, row in enumerate(tree)]

    def _territory(self, row: dict[str, Any], index: int) -> Territory:
        territory = Territory(**row)
        for code in territory.subdivisions:
            if not code.startswith(f"{territory.country}-"):
                path = ("territory", index, "subdivisions")
                self._complain(path, f"{code} is not of {territory.country}")
        if territory.shared_mcc and not territory.subdivisions:
            path = ("territory", index, "shared_mcc")
            self._complain(path, "makes sense only with subdivisions")
        return territory

    def _listing(self, row: dict[str, Any], index: int) -> Listing:
        path = ("list", index)
        decision, after = row["kind"], row.get("lock_after_s")
        if after is not None and decision not in (Decision.LOCK_BLOCKLIST, Decision.LOCK_FINANCE):
            self._complain((*path, "lock_after_s"), "makes sense only for block and finance")
        if ("imeis" in row) == ("file" in row):
            self._complain(path, "needs either imeis or file")
        imeis: Container[str] = frozenset(row.get("imeis", ()))
        if "file" in row:
            try:
                imeis = ImeiFile((self._folder or Path()) / row["file"])
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                self._complain((*path, "file"), f"{row['file']}: {reason}")
        name = row.get("name", row.get("file", ""))
        return Listing(decision=decision, imeis=imeis, name=name, lock_after_s=after)

    def _texts(self, tree: Any) -> Mapping[str, Mapping[str, str]]:
        if not isinstance(tree, dict):
            self._complain(("text",), "must be tables: [text.en]")
        texts = {}
        for locale, table in tree.items():
            if len(locale) > 35 or not _LOCALE.fullmatch(locale):
                self._complain(("text", locale), "is no BCP 47 tag")
            if not isinstance(table, dict):
                self._complain(("text", locale), f"must be a table: [text.{locale}]")
            texts[locale] = MappingProxyType(self._table(table, TEXT_KEYS, ("text", locale)))
        return MappingProxyType(texts)

    def _typo(self, path: toml_lines.Path, known: list[str]) -> None:
        near = difflib.get_close_matches(str(path[-1]), known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else f" (known: {', '.join(known)})"
        self._complain(path, f"is no key that a policy knows{hint}")

    def _complain(self, path: toml_lines.Path, what: str) -> Any:
        line = toml_lines.line_of(self._lines, path)
        words = [f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path]
        key = "".join(words).lstrip(".")
        raise SimError("policy", f"{self._name}:{line}: {key} {what}")
