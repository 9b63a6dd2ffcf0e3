"""The plan of one activation: everything that decides a run, checked before anything opens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from firmware_sim.errors import UsageError
from firmware_sim.handset.evidence import is_pin
from firmware_sim_native import imei as imei_check
from firmware_sim_protocol.numbers import Algorithm
from firmware_sim_protocol.rules import SOUND, Guard

DEFAULT_SERVING = "26201"
DEFAULT_SIM = "26201"
VIRTUAL = "virtual:"
EMBEDDED = "embedded:"
DEFAULT_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that decides a run. Equal plans with a seed give equal runs."""

    imei: str | None = None
    imei2: str | None = None
    serving: str | None = None
    sim: str | None = None
    locale: str = "en"
    official: bool = True
    modem: str = VIRTUAL
    server: str = EMBEDDED
    policy: Path | None = None
    trust: Path | None = None
    state: Path | None = None
    seed: int | None = None
    pin: str | None = None
    vendor: str = "Norvik"
    algorithm: Algorithm = Algorithm.ESP256
    guard: Guard = SOUND
    notice: str = ""
    timeout_s: int = DEFAULT_TIMEOUT_S
    follow_ms: int = 0
    """How long to stay with the phone after its first final screen, on the phone's clock."""
    until: str | None = None
    """Following ends early with this outcome."""
    reattach: bool = False
    """Wait for a modem that is lost, and go on with it when it is back."""


def check(plan: Plan) -> None:
    """Raises: UsageError, for a plan that contradicts itself or holds what cannot be."""
    for name in ("imei", "imei2"):
        number = getattr(plan, name)
        refusal = imei_check.check(number) if number is not None else None
        if refusal is not None:
            why = {
                imei_check.ImeiRefusal.LENGTH: "has not 15 digits",
                imei_check.ImeiRefusal.NON_DIGIT: "is not all digits",
                imei_check.ImeiRefusal.CHECK_DIGIT: "has a wrong check digit",
                imei_check.ImeiRefusal.NULL: "is all zeros",
            }[refusal]
            raise UsageError(name, f"{number!r} {why}")
    for name in ("serving", "sim"):
        digits = getattr(plan, name)
        if digits is not None and not (
            digits.isascii() and digits.isdigit() and len(digits) in (5, 6)
        ):
            raise UsageError(name, f"PLMN {digits!r} is not MCC and MNC, 5 or 6 digits")
        if digits is not None and plan.modem != VIRTUAL:
            raise UsageError(
                name,
                f"--{name} sets the virtual modem; a real modem's answers are overridden with"
                f" `firmware-sim modem bridge {plan.modem} --override {name}={digits}`",
            )
    if plan.imei is not None and plan.imei == plan.imei2:
        raise UsageError(
            "imei2", f"{plan.imei2!r} is the first IMEI already: each slot has its own"
        )
    if plan.pin is not None and not is_pin(plan.pin):
        raise UsageError("pin", "a PIN is 4 to 8 digits")
    if plan.imei is not None and plan.modem != VIRTUAL:
        raise UsageError("imei", "--imei sets the virtual modem; a real modem tells its own IMEI")
    if plan.policy is not None and plan.server != EMBEDDED:
        raise UsageError("policy", "--policy is of the embedded server; give it to `serve`")
    if plan.trust is not None and plan.server == EMBEDDED:
        raise UsageError("trust", "--trust is for another server; the embedded one makes its own")
