"""How a command ends, and the device that commands work on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from firmware_sim.modem.at.command import Command
from firmware_sim.modem.at.fields import Field
from firmware_sim.modem.at.results import CmeError, Result
from firmware_sim.modem.virtual.profile import Profile
from firmware_sim.modem.virtual.session import Session
from firmware_sim.modem.virtual.standing import REFUSES_WITH, SimState, sim_of, sim_state
from firmware_sim.modem.virtual.state import ModemState, Sim


class Refused(Exception):
    """The command ends with +CME ERROR (or ERROR under CMEE=0)."""

    def __init__(self, error: CmeError) -> None:
        super().__init__(error.name)
        self.error = error


class NotACommand(Exception):
    """The command ends with ERROR whatever CMEE says: no such command, or no such form."""


@dataclass(slots=True)
class Outcome:
    """Information lines, the final result, and how long the modem works before it answers."""

    lines: Sequence[str] = ()
    result: Result = Result.OK
    after_ms: int = 0


@dataclass(slots=True)
class Device:
    """State, profile and port settings as a command sees them. `now`: monotonic ms.

    `restarts`: set by a command that resets the modem.
    """

    state: ModemState
    profile: Profile
    session: Session
    now: int = 0
    restarts: bool = False

    def sim(self) -> Sim:
        """The card, whatever secret it waits for.

        Raises: Refused: there is none, or it is switched off or blocked.
        """
        stands = sim_state(self.state)
        card = sim_of(self.state)
        if card is None or stands in (SimState.ABSENT, SimState.OFF, SimState.BLOCKED):
            raise Refused(REFUSES_WITH.get(stands, CmeError.SIM_NOT_INSERTED))
        return card

    def open_sim(self) -> Sim:
        """The card after its PIN; a personalisation of the equipment does not close the card.

        Raises: Refused: no card, or it waits for PIN or PUK.
        """
        card = self.sim()
        stands = sim_state(self.state)
        if stands in (SimState.PIN, SimState.PUK):
            raise Refused(REFUSES_WITH[stands])
        return card


Handler = Callable[[Device, Command], Outcome]


@dataclass(frozen=True, slots=True)
class Verbs:
    """What a command does in each of its forms; None means that it has no such form."""

    execute: Handler | None = None
    read: Handler | None = None
    test: Handler | None = None
    set: Handler | None = None


def says(*lines: str) -> Handler:
    """A form that always gives these lines."""
    return lambda _device, _command: Outcome(lines)


def ok(_device: Device, _command: Command) -> Outcome:
    """A form that does nothing and succeeds."""
    return Outcome()


def number(fields: Sequence[Field], index: int, allowed: range, default: int | None = None) -> int:
    """The decimal parameter at `index` within `allowed`.

    Raises: Refused: missing without default, no number, or out of range.
    """
    field_ = fields[index] if index < len(fields) else Field("")
    if field_.text == "" and default is not None:
        return default
    value = field_.number
    if value is None or value not in allowed:
        raise Refused(CmeError.INCORRECT_PARAMETERS)
    return value


def text(fields: Sequence[Field], index: int, default: str | None = None) -> str:
    """The string parameter at `index`. Raises: Refused: missing without default."""
    value = fields[index].text if index < len(fields) else ""
    if value:
        return value
    if default is None:
        raise Refused(CmeError.INCORRECT_PARAMETERS)
    return default
