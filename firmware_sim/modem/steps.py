"""The questions of the dialogue, as tables: what is asked, how the answer is read and kept.

`every_command()` lists all that the bridge can ever send; a test holds the list against the
registry of commands and proves that none changes the modem for good.
Source: 3GPP TS 27.007; TS 31.102 (EF_AD 6FAD = 28589), TS 102 221 (EF_ICCID 2FE2 = 12258).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from firmware_sim.modem import answers
from firmware_sim.modem.at import REGISTRY
from firmware_sim.modem.draft import FACILITIES, Draft
from firmware_sim.modem.exchange import Asked, Finished
from firmware_sim.modem.reading import SimState

MOST_MS = 10_000
"""No question of ours waits longer; the registry's longer times are for what we never ask."""


class Verdict(enum.Enum):
    """What a refusal means for the step."""

    SKIP = "skip"
    """This modem does not know it, or has nothing to say."""
    BUSY = "busy"
    """Ask again a little later."""
    DONE = "done"
    """The refusal itself was the answer."""


def _always(_: Draft) -> bool:
    return True


def _skip(_: Draft, __: Finished) -> Verdict:
    return Verdict.SKIP


@dataclass(frozen=True, slots=True)
class Step:
    """One question.

    `parse` gives a value or None (not understood: ask again); with `twice` two successive
    answers must agree. `store` keeps it, and may say that it is too early. `refused` judges an
    error. `when` tells whether it is asked at all. `missing` is the problem noted when no
    answer could be understood.
    """

    asked: Asked
    parse: Callable[[Finished], object | None]
    store: Callable[[Draft, object], Verdict | None]
    twice: bool = False
    refused: Callable[[Draft, Finished], Verdict] = _skip
    when: Callable[[Draft], bool] = _always
    missing: str = ""


def _within(command: str) -> int:
    name = command.removeprefix("AT").split("=")[0].split("?")[0]
    entry = REGISTRY.get(name)
    return min(entry.within_ms if entry else 5_000, MOST_MS)


def _ask(command: str, *, bare: bool = False, informs: bool = True) -> Asked:
    prefix = command.removeprefix("AT").split("=")[0].split("?")[0]
    return Asked(command, prefix, _within(command), bare, informs)


def _nothing(_: Draft, __: object) -> None:
    return None


def _done(finished: Finished) -> object:
    return finished.ending


def _text(finished: Finished) -> object | None:
    words = [text for line in finished.lines if (text := answers.read_text(line))]
    return " ".join(words) or None


def _last(read: Callable[[str], object | None]) -> Callable[[Finished], object | None]:
    """The last line that can be read: an unsolicited twin of the answer is as good, and newer."""

    def parse(finished: Finished) -> object | None:
        for line in reversed(finished.lines):
            value = read(line)
            if value is not None:
                return value
        return None

    return parse


@dataclass(frozen=True, slots=True)
class Told:
    """An answer that was understood, though it may say that there is no value."""

    value: object | None


def _told(read: Callable[[str], object | None]) -> Callable[[Finished], object | None]:
    """As `_last`, for what a modem may not know: 99 for the signal, a clock never set."""
    parse = _last(read)
    return lambda finished: Told(parse(finished)) if finished.lines else None


def _only(read: Callable[[str], object | None]) -> Callable[[Finished], object | None]:
    """The one value among the lines. Two different ones are none; and so is one beside which
    another line has digits, for that may be the rest of a number that noise has cut in two."""

    def parse(finished: Finished) -> object | None:
        values = []
        for line in finished.lines:
            value = read(line)
            if value is not None:
                values.append(value)
            elif any(letter.isdigit() for letter in line):
                return None
        return values[0] if values and all(value == values[0] for value in values) else None

    return parse


def _set(name: str, nothing: object = None) -> Callable[[Draft, object], Verdict | None]:
    def store(draft: Draft, value: object) -> None:
        plain = value.value if isinstance(value, Told) else value
        setattr(draft, name, nothing if plain is None else plain)

    return store


def _store_imei(draft: Draft, value: object) -> None:
    assert isinstance(value, answers.Imei)
    draft.imei, draft.imei_problem = value.imei, value.problem
    draft.imeisv = value.imeisv or draft.imeisv


def _store_imeisv(draft: Draft, value: object) -> None:
    assert isinstance(value, answers.Imei)
    if not value.imeisv:
        return
    draft.imeisv = value.imeisv
    if draft.imei and draft.imei[:14] != value.imeisv[:14]:
        draft.imei_problem = f"IMEI {draft.imei} and IMEISV {value.imeisv} contradict each other"
        draft.imei = ""


def _store_sim(draft: Draft, value: object) -> Verdict | None:
    assert isinstance(value, SimState)
    if value is not draft.sim or value is SimState.ABSENT:
        draft.forget_card()
    draft.sim = value
    return Verdict.BUSY if value is SimState.BUSY else None


def _sim_refused(draft: Draft, finished: Finished) -> Verdict:
    """An error to `+CPIN?` tells the card's state; without a number it most often means none."""
    state = answers.SIM_ERRORS.get(-1 if finished.code is None else finished.code)
    if state is None:
        state = SimState.UNKNOWN if finished.code is not None else SimState.ABSENT
    return _store_sim(draft, state) or Verdict.DONE


def _card_refused(draft: Draft, finished: Finished) -> Verdict:
    """READY came too early: the card's files are not there yet."""
    if finished.code == 14 or (finished.code in (10, 13) and draft.sim is SimState.READY):
        return Verdict.BUSY
    return Verdict.SKIP


def _has_card(draft: Draft) -> bool:
    return draft.sim not in (SimState.ABSENT, SimState.UNKNOWN, SimState.FAILED, SimState.BUSY)


def _is_open(draft: Draft) -> bool:
    return draft.sim is SimState.READY or bool(draft.sim.lock)


def _needs_secret(draft: Draft) -> bool:
    return draft.sim in (SimState.PIN, SimState.PUK)


def _tries(finished: Finished) -> object | None:
    found = dict(
        tries for line in finished.lines if (tries := answers.read_tries(line)) is not None
    )
    return found or None


def _store_tries(draft: Draft, value: object) -> None:
    assert isinstance(value, dict)
    draft.pin_tries = value.get("SIM PUK" if draft.sim is SimState.PUK else "SIM PIN")


def _stat(name: str) -> Step:
    def store(draft: Draft, value: object) -> None:
        assert isinstance(value, answers.Registered)
        draft.stats[name] = value

    def refused(draft: Draft, _: Finished) -> Verdict:
        draft.stats.pop(name, None)
        return Verdict.SKIP

    return Step(_ask(f"AT{name}?"), _last(answers.read_registration), store, refused=refused)


def _reports(name: str) -> tuple[Step, Step]:
    def refused(draft: Draft, _: Finished) -> Verdict:
        draft.reports_refused.add(name)
        return Verdict.SKIP

    return (
        Step(_ask(f"AT{name}=2", informs=False), _done, _nothing, refused=refused),
        Step(
            _ask(f"AT{name}=1", informs=False),
            _done,
            _nothing,
            when=lambda draft: name in draft.reports_refused,
        ),
    )


def _served(draft: Draft) -> bool:
    return draft.best().registration.registered


def _store_serving(draft: Draft, value: object) -> None:
    assert isinstance(value, answers.Serving)
    if value.plmn is None and value.name:
        draft.name = value.name
        draft.problems["serving"] = "the modem names its network, but does not give its PLMN"
    else:
        draft.problems.pop("serving", None)
    draft.serving = value


def _store_name(draft: Draft, value: object) -> None:
    assert isinstance(value, answers.Serving)
    draft.name = value.name


def _facility(code: str) -> Step:
    def store(draft: Draft, value: object) -> None:
        draft.locks[code] = bool(value)

    asked = _ask(f'AT+CLCK="{code}",2')
    return Step(asked, _last(answers.read_clck), store)


def _files(read: Callable[[bytes], object | None]) -> Callable[[Finished], object | None]:
    """`+CRSM: 106,130` (no such file) is an answer too: there is nothing to read."""

    def one(line: str) -> object | None:
        status = answers.read_crsm(line)
        if status is None:
            return None
        return Told(read(status.data) if status.ok else None)

    return _only(one)


def _number(line: str) -> int | None:
    head = line.split(",")[0].strip()
    return int(head) if head.isascii() and head.isdigit() else None


def _bridged(line: str) -> str | None:
    return answers.read_text(line)


def _no_imei(draft: Draft) -> bool:
    return not draft.imei


def _scan_refused(draft: Draft, _: Finished) -> Verdict:
    draft.networks = ()
    return Verdict.SKIP


class Group(enum.Enum):
    """What is asked together, and asked again together."""

    IDENTITY = "identity"
    RADIO = "radio"
    SIM = "sim"
    REPORTS = "reports"
    REGISTRATION = "registration"
    SIGNAL = "signal"
    CLOCK = "clock"
    SCAN = "scan"
    """Only when told: it costs minutes."""


_NAMES = ("+CREG", "+CGREG", "+CEREG", "+C5GREG")
REGISTRATION_NAMES = frozenset(_NAMES)

STEPS: dict[Group, tuple[Step, ...]] = {
    Group.IDENTITY: (
        Step(_ask("AT+CMEE=1", informs=False), _done, _nothing),
        Step(_ask("AT+CGMI", bare=True), _text, _set("manufacturer"), twice=True),
        Step(_ask("AT+CGMM", bare=True), _text, _set("model"), twice=True),
        Step(_ask("AT+CGMR", bare=True), _text, _set("revision"), twice=True),
        Step(_ask("AT+CGSN", bare=True), _only(answers.read_imei), _store_imei, twice=True),
        Step(
            _ask("AT+CGSN=1", bare=True),
            _only(answers.read_imei),
            _store_imei,
            twice=True,
            when=_no_imei,
        ),
        Step(_ask("AT+CGSN=2", bare=True), _only(answers.read_imei), _store_imeisv, twice=True),
        # No modem knows this; an override bridge answers it, so that the screen can say so.
        Step(_ask("AT+FSIMBRIDGE?"), _last(_bridged), _set("overridden")),
    ),
    Group.RADIO: (Step(_ask("AT+CFUN?"), _last(_number), _set("functionality")),),
    Group.SIM: (
        Step(_ask("AT+CPIN?"), _last(answers.read_cpin), _store_sim, refused=_sim_refused),
        Step(_ask("AT+CPINR"), _tries, _store_tries, when=_needs_secret),
        Step(
            _ask("AT+CIMI", bare=True),
            _only(answers.read_imsi),
            _set("imsi"),
            twice=True,
            refused=_card_refused,
            when=_is_open,
            missing="the card's IMSI could not be read",
        ),
        Step(
            _ask("AT+CRSM=176,28589,0,0,4"),
            _files(answers.mnc_length),
            _set("ef_ad_length"),
            refused=_card_refused,
            when=_is_open,
        ),
        Step(
            _ask("AT+CRSM=176,12258,0,0,10"),
            _files(answers.iccid_of),
            _set("iccid", ""),
            twice=True,
            when=_has_card,
        ),
        Step(
            _ask("AT+CCID", bare=True),
            _only(answers.read_iccid),
            _set("iccid"),
            twice=True,
            when=lambda draft: _has_card(draft) and not draft.iccid,
        ),
        *(_facility(code) for code in FACILITIES),
    ),
    Group.REPORTS: tuple(step for name in _NAMES for step in _reports(name)),
    Group.REGISTRATION: (
        *(_stat(name) for name in _NAMES),
        Step(_ask("AT+COPS=3,0", informs=False), _done, _nothing, when=_served),
        Step(_ask("AT+COPS?"), _last(answers.read_cops), _store_name, when=_served),
        Step(_ask("AT+COPS=3,2", informs=False), _done, _nothing, when=_served),
        Step(_ask("AT+COPS?"), _last(answers.read_cops), _store_serving, twice=True, when=_served),
    ),
    Group.SIGNAL: (
        Step(_ask("AT+CSQ"), _told(answers.read_csq), _set("signal_dbm")),
        Step(
            _ask("AT+CESQ"),
            _told(answers.read_cesq),
            _set("signal_dbm"),
            when=lambda draft: draft.signal_dbm is None,
        ),
    ),
    Group.CLOCK: (Step(_ask("AT+CCLK?"), _told(answers.read_cclk), _set("clock")),),
    Group.SCAN: (
        Step(
            Asked("AT+COPS=?", "+COPS", REGISTRY["+COPS"].within_ms, informs=True),
            _last(lambda line: answers.read_scan(line) or None),
            _set("networks"),
            refused=_scan_refused,
        ),
    ),
}

# To get a modem's attention. The first line undoes what an earlier program may have switched
# off; ESC leaves a half-typed message (TS 27.005, 3.5.1); some modems know no plain AT.
ATTENTION = ("ATQ0V1E1", "AT", "\x1bAT", "AT+CGMI")
POWER_UP = Step(_ask("AT+CFUN=1", informs=False), _done, _set("functionality"))
PIN_TEMPLATE = 'AT+CPIN="{pin}"'


def every_command() -> tuple[str, ...]:
    """All that the bridge can send; the PIN's digits stand as {pin}."""
    steps = [step.asked.command for group in STEPS.values() for step in group]
    told = (POWER_UP.asked.command, PIN_TEMPLATE)
    return tuple(dict.fromkeys((*ATTENTION, *steps, *told)))
