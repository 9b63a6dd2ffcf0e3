"""The view: every fact on the screen, read from the record, the exchange and the modem."""

from __future__ import annotations

import hashlib

from firmware_sim.handset.activation import Activation
from firmware_sim.handset.evidence import Evidence
from firmware_sim.handset.exchange import ExchangeState
from firmware_sim.handset.lock import REASON_OF_STATE, notice_event
from firmware_sim.handset.memory import Memory
from firmware_sim.handset.pages import Pages
from firmware_sim.view import Page, View
from firmware_sim_protocol.typed import ALPHABET
from firmware_sim_protocol.values import Response

_STEPS = {
    ExchangeState.IDLE: ("connecting", 0.1),
    ExchangeState.WAIT_CHALLENGE: ("challenge", 0.3),
    ExchangeState.WAIT_RESPONSE: ("request", 0.5),
    ExchangeState.VERIFY: ("verify", 0.7),
    ExchangeState.COMMIT: ("commit", 0.8),
    ExchangeState.WAIT_ACK: ("confirm", 0.9),
}


def show(
    pages: Pages,
    memory: Memory,
    activation: Activation,
    modem: Evidence,
    vendor: str,
    locale: str,
) -> View:
    """What the screen shows now."""
    page, now = pages.top, memory.now
    record = memory.record
    answer = memory.answer if isinstance(memory.answer, Response) else None
    step, progress = _STEPS.get(activation.state, ("", 0.0))
    asking = page is Page.ACTIVATING
    told = pages.page in (Page.LOCKED, Page.WAITING, Page.WARNING)
    reason = REASON_OF_STATE.get(memory.state, "")
    if page is Page.WARNING and answer is not None:
        reason = notice_event(answer.reason).name.removeprefix("NOTICE_").lower()
    clock = memory.rtc_s(now) % 86_400
    return View(
        page=page,
        locale=locale,
        vendor=vendor,
        imei=modem.imei or record.imei,
        imei2=modem.imei2 or record.imei2,
        country=(answer.country or "") if answer is not None and told else "",
        subdivision=(answer.subdivision or "") if answer is not None and told else "",
        reason=reason if told else "",
        reference=_reference(record.answer) if told and record.answer else "",
        operator=modem.operator or modem.serving or "",
        signal=modem.signal,
        step=step if asking else "",
        progress=progress if asking else 0.0,
        retry_s=_seconds(activation.retry_at, now),
        lock_in_s=_seconds(memory.notice_at, now),
        pin_tries=modem.pin_tries,
        sim_lock=modem.sim_lock,
        message=(answer.extensions.display_text or "") if answer is not None and told else "",
        challenge=activation.challenge_text if page is Page.TICKET else "",
        problem=_problem(page, memory, activation),
        clock=f"{clock // 3600:02}:{clock // 60 % 60:02}",
    )


def _problem(page: Page, memory: Memory, activation: Activation) -> str:
    match page:
        case Page.STORAGE_FAULT:
            return memory.problem
        case Page.SERVER_UNREACHABLE:
            return activation.problem
        case Page.TICKET:
            return activation.ticket_problem
        case _:
            return ""


def _seconds(at: int | None, now: int) -> int | None:
    return None if at is None else max(0, -((now - at) // 1000))


def _reference(answer: bytes) -> str:
    """Eight characters that name the answer, for a person on a support line."""
    number = int.from_bytes(hashlib.sha256(answer).digest()[:5])
    chars = "".join(ALPHABET[number >> 5 * place & 31] for place in range(7, -1, -1))
    return f"{chars[:4]}-{chars[4:]}"
