"""What a policy file may say, as values: which territories, which evidence, which delays.

A policy is data, not law: it has a version, each rule names its source, and a server never
answers from an older version than a device has seen. The text form is TOML; every complaint
names line and key.

Source: 3GPP TS 22.016 (lists of IMEI: white, grey, black); ISO 3166-1 and 3166-2.
"""

from __future__ import annotations

import enum
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from firmware_sim_protocol.numbers import Decision


class Place(enum.Enum):
    """How a piece of evidence answers "is the phone in this territory?"."""

    IN = "in"
    OUT = "out"
    UNKNOWN = "unknown"


class Source(enum.Enum):
    """Kinds of evidence that may decide a place. The SIM is none: it roams."""

    SERVING = "serving"
    """The registered PLMN."""
    GNSS = "gnss"
    """A position fix, against the polygons that the product knows."""
    CELL = "cell"
    """The serving cell's area code, where a territory lists areas."""
    WIFI = "wifi"
    """The country that Wi-Fi access points announce."""


class Action(enum.Enum):
    """What a rule asks for."""

    ACTIVATE = "activate"
    LOCK = "lock"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Area:
    """Area codes (LAC or TAC) `first` to `last` of one network that lie in a territory."""

    plmn: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Territory:
    """One rule about one place.

    `country` is ISO 3166-1 alpha-2; `subdivisions`, if any, are ISO 3166-2 and narrow the rule.
    `shared_mcc`: MCCs of other countries whose networks also cover the territory, so that a
    network of theirs says nothing either way; `uncertain` is what happens then.
    """

    country: str
    source: str
    subdivisions: tuple[str, ...] = ()
    name: str = ""
    shared_mcc: tuple[str, ...] = ()
    areas: tuple[Area, ...] = ()
    action: Action = Action.LOCK
    uncertain: Action = Action.ACTIVATE

    @property
    def label(self) -> str:
        """What a person calls it: its name, or its codes."""
        return self.name or ", ".join(self.subdivisions) or self.country


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds that go into answers."""

    retry_after_s: int = 60
    recheck_after_s: int = 604_800
    locked_recheck_after_s: int = 3_600
    max_age_s: int = 300
    valid_s: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRules:
    """The first kind in `order` that says "in" or "out" of a territory decides it."""

    order: tuple[Source, ...] = (Source.SERVING, Source.GNSS)
    gnss_max_accuracy_m: int = 10_000
    gnss_max_age_s: int = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Grace:
    """A forbidden phone works for `lock_after_s` seconds more; `warn` tells its user so."""

    lock_after_s: int
    warn: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSim:
    """The SIM of a first activation must come from one of these countries."""

    countries: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """IMEIs (15 digits) or TACs (8 digits) that get `decision` wherever they are.

    A listing with the decision ACTIVATE is a white list: whoever is not on it stays PENDING.
    """

    decision: Decision
    imeis: Container[str]
    name: str = ""
    lock_after_s: int | None = None
    """Seconds of warning before it locks; None locks at once."""

    def has(self, imei: str) -> bool:
        """Whether this IMEI, or its type allocation code, is listed."""
        return imei in self.imeis or imei[:8] in self.imeis


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One version of what the server decides by."""

    name: str
    version: int
    digest: bytes
    """SHA-256 of the text that it was read from, and of the lists that the text names: equal
    versions must have equal digests."""
    title: str = ""
    as_of: str = ""
    default: Action = Action.ACTIVATE
    """For a known place that no territory rule names."""
    territories: tuple[Territory, ...] = ()
    evidence: EvidenceRules = field(default_factory=EvidenceRules)
    timing: Timing = field(default_factory=Timing)
    grace: Grace | None = None
    first_sim: FirstSim | None = None
    listings: tuple[Listing, ...] = ()
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    """Display texts: locale tag -> (word of TEXT_WORDS -> text)."""

    @classmethod
    def load(cls, text: str, name: str) -> Policy:
        """Read a policy from TOML; `name` is what complaints call the file.

        Raises:
            SimError: part "policy"; the text names line and key.
        """
        from firmware_sim.server import policyfile

        return policyfile.parse(text, name)

    def text_for(self, word: str, locale: str | None) -> str | None:
        """The display text in the best locale: the tag itself, its language, English."""
        tag = locale or "en"
        for candidate in (tag, tag.split("-", 1)[0], "en"):
            found = self.texts.get(candidate, {}).get(word)
            if found is not None:
                return found
        return None


TEXT_WORDS = ("territory", "blocklist", "finance", "pending", "withdrawn", "notice")
"""What display texts are about; a decision without a text gets the phone's own words."""


def default_policy() -> Policy:
    """The pack that ships as the default: territories as of 2021."""
    from firmware_sim.server import policyfile

    return policyfile.pack()


def load_policy(path: Path | str) -> Policy:
    """Read a policy file, or the pack of that name where there is no such file.

    Raises:
        SimError: part "policy"; it cannot be read, or the text names line and key.
    """
    from firmware_sim.server import policyfile

    return policyfile.find(str(path))
