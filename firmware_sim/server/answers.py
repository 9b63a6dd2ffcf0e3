"""From a verdict to the RESPONSE that says it, and to the record that remembers it.

Source: SPEC.md, "RESPONSE".
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from firmware_sim.server.decision import Verdict
from firmware_sim.server.devices import ANSWERS_KEPT, Answer, Device, DeviceState
from firmware_sim.server.policy import Policy
from firmware_sim_protocol.numbers import Decision
from firmware_sim_protocol.values import NO_EXTENSIONS, Extensions, KeySet, Request, Response

LOCKS = frozenset(
    {Decision.LOCK_TERRITORY, Decision.LOCK_BLOCKLIST, Decision.LOCK_FINANCE, Decision.DEACTIVATE}
)


def response(
    request: Request,
    digest: bytes,
    verdict: Verdict,
    issued_at: int,
    policy: Policy,
    keyset: KeySet,
) -> Response:
    """The answer to a REQUEST with this digest, in the language that it asks for."""
    extensions = NO_EXTENSIONS
    text = policy.text_for(verdict.text, request.extensions.locale) if verdict.text else None
    if text is not None or verdict.lock_notice_s is not None:
        extensions = Extensions(display_text=text, lock_notice=verdict.lock_notice_s)
    return Response(
        realm=keyset.realm,
        device_key_id=request.device_key_id,
        imei=request.imei,
        device_nonce=request.device_nonce,
        request_hash=digest,
        decision=verdict.decision,
        reason=verdict.reason,
        country=verdict.country,
        subdivision=verdict.subdivision,
        policy_epoch=keyset.policy_epoch,
        policy_version=policy.version,
        keyset_version=keyset.version,
        issued_at=issued_at,
        not_after=issued_at + policy.timing.valid_s,
        max_age=policy.timing.max_age_s,
        retry_after=verdict.retry_after_s,
        recheck_after=verdict.recheck_after_s,
        extensions=extensions,
    )


def record(
    device: Device,
    state: DeviceState,
    request: Request,
    answered: Response,
    message: bytes,
    verdict: Verdict,
) -> Device:
    """The device's record once `message`, which carries `answered`, is its answer."""
    answer = Answer(
        request_hash=answered.request_hash,
        device_nonce=request.device_nonce,
        response_hash=hashlib.sha256(message).digest(),
        response=message,
        decision=verdict.decision,
        issued_at=answered.issued_at,
        policy_version=answered.policy_version,
    )
    first = device.activated_s
    if first is None and verdict.decision is Decision.ACTIVATE:
        first = answered.issued_at
    return replace(
        device,
        state=state,
        algorithm=request.device_key_algorithm,
        public_key=request.device_key,
        imei=request.imei,
        imei2=request.imei2,
        server_nonce=b"",
        activated_s=first,
        notice_since_s=verdict.notice_since_s,
        locked=verdict.decision in LOCKS,
        issued_floor=answered.issued_at,
        policy_floor=(answered.policy_epoch, answered.policy_version),
        answers=(*device.answers, answer)[-ANSWERS_KEPT:],
    )


def confirmed(device: Device, answer: Answer) -> tuple[Answer, ...]:
    """The device's answers once it has said that it committed this one."""
    return tuple(replace(row, confirmed=True) if row is answer else row for row in device.answers)
