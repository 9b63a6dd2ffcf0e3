"""How a maker's family departs from the standards: data, each departure with its source.

A profile is a TOML file of profiles/. It names the modem and lists deviations; a deviation
adds or replaces an answer, takes a command away, or changes a default. Answers are templates:
`{imei}`, `{iccid}`, `{pin_tries}` and the other names of `facts`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib import resources

from firmware_sim.errors import UsageError
from firmware_sim.modem.at.command import Form

NOT_CHECKED = "from memory, not checked"
"""What a deviation says as its source when no document was at hand."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One departure.

    `command` and `form` with `answer`: these lines, then OK (or `result`: a number of
    +CME ERROR, or "ERROR"). `carries_out`: the standard command behind the maker's name, with
    `{0}` for its parameters and `{0_minus_1}` for a number that counts from 1. `missing`: the
    commands that this family does not know. `setting`: a default, see `_SETTINGS`.
    """

    what: str
    source: str
    command: str = ""
    form: Form = Form.EXECUTE
    answer: tuple[str, ...] = ()
    carries_out: str = ""
    result: str = "OK"
    missing: tuple[str, ...] = ()
    setting: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """A family: identity, deviations, and what is worked out from them.

    `banner`: lines sent after power-up. `sim_inserted`, `sim_removed`, `sim_ready` (a code
    was entered): unsolicited lines, "" for none.
    `defaults`: port settings by name ("errors", "echo").
    """

    name: str
    manufacturer: str
    model: str
    revision: str
    family: str = ""
    deviations: tuple[Deviation, ...] = ()
    banner: tuple[str, ...] = ()
    sim_inserted: str = "+CPIN: {sim_state}"
    sim_removed: str = "+CPIN: NOT INSERTED"
    sim_ready: str = ""
    unknown_command: str = "ERROR"
    defaults: dict[str, str] = field(default_factory=dict)
    answers: dict[tuple[str, Form], Deviation] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()


GENERIC = Profile(
    name="generic", manufacturer="Norvik", model="NV-7 LTE", revision="NV7-01.04", family="generic"
)
"""A modem that keeps to the standards word for word."""

_SETTINGS = frozenset(
    {
        "banner",
        "sim_inserted",
        "sim_removed",
        "sim_ready",
        "unknown_command",
        "errors",
        "echo",
        "charset",
    }
)


def names() -> tuple[str, ...]:
    """The names of the profiles that there are, sorted."""
    folder = resources.files(__package__) / "profiles"
    found = (entry.name for entry in folder.iterdir())
    return tuple(
        sorted(
            ["generic", *(name.removesuffix(".toml") for name in found if name.endswith(".toml"))]
        )
    )


def load(name: str) -> Profile:
    """The profile of that name. Raises: UsageError: there is none."""
    if name == "generic":
        return GENERIC
    if name not in names():
        raise UsageError("modem", f"no profile named {name!r}; there are: {', '.join(names())}")
    source = resources.files(__package__) / "profiles" / f"{name}.toml"
    return read(name, source.read_text(encoding="utf-8"))


def read(name: str, document: str) -> Profile:
    """A profile from its TOML text. Raises: UsageError: the text is not a profile."""
    try:
        data = tomllib.loads(document)
        deviations = tuple(_deviation(row) for row in data.get("deviation", []))
        profile = Profile(
            name=name,
            manufacturer=data["manufacturer"],
            model=data["model"],
            revision=data["revision"],
            family=data["family"],
            deviations=deviations,
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as cause:
        raise UsageError("modem", f"profile {name}: {cause}") from cause
    return _worked_out(profile)


def _deviation(row: dict[str, object]) -> Deviation:
    known = {
        "what",
        "source",
        "command",
        "form",
        "answer",
        "carries_out",
        "result",
        "missing",
        "setting",
    }
    if unknown := set(row) - known:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}")
    settings = row.get("setting", {})
    answer, missing = row.get("answer", []), row.get("missing", [])
    if not isinstance(settings, dict) or not isinstance(answer, list):
        raise TypeError("setting is a table and answer is a list")
    if not isinstance(missing, list) or set(settings) - _SETTINGS:
        raise ValueError(f"settings are: {', '.join(sorted(_SETTINGS))}")
    return Deviation(
        what=str(row["what"]),
        source=str(row["source"]),
        command=str(row.get("command", "")).upper(),
        form=Form(str(row.get("form", ""))),
        answer=tuple(str(line) for line in answer),
        carries_out=str(row.get("carries_out", "")),
        result=str(row.get("result", "OK")),
        missing=tuple(str(name) for name in missing),
        setting=tuple((key, str(value)) for key, value in settings.items()),
    )


def _worked_out(profile: Profile) -> Profile:
    answers: dict[tuple[str, Form], Deviation] = {}
    missing: set[str] = set()
    settings: dict[str, str] = {}
    for deviation in profile.deviations:
        if deviation.command:
            answers[deviation.command, deviation.form] = deviation
        missing.update(deviation.missing)
        settings.update(deviation.setting)
    banner = settings.pop("banner", "")
    return Profile(
        name=profile.name,
        manufacturer=profile.manufacturer,
        model=profile.model,
        revision=profile.revision,
        family=profile.family,
        deviations=profile.deviations,
        banner=tuple(line for line in banner.split("|") if line),
        sim_inserted=settings.pop("sim_inserted", profile.sim_inserted),
        sim_removed=settings.pop("sim_removed", profile.sim_removed),
        sim_ready=settings.pop("sim_ready", profile.sim_ready),
        unknown_command=settings.pop("unknown_command", profile.unknown_command),
        defaults=settings,
        answers=answers,
        missing=frozenset(missing),
    )
