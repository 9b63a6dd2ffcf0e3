"""Attacks on what a well signed, well formed answer says: binding, freshness, time, policy."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from firmware_sim.attacks.attack import Actor, Attack
from firmware_sim.attacks.bench import Bench, Exchange, is_open
from firmware_sim.attacks.device import Ability
from firmware_sim.attacks.scenes import (
    ForgeAnswer,
    Forged,
    Wait,
    activated,
    answer,
    changed,
    is_locked,
    is_not_active,
)
from firmware_sim.attacks.world import (
    EPOCH,
    KEYSET_VERSION,
    MOVED_TO,
    OTHER_IMEI,
    POLICY_VERSION,
    VALID_FROM_S,
)
from firmware_sim_protocol.codec import build_message
from firmware_sim_protocol.numbers import TEN_YEARS_S, Decision, Reason
from firmware_sim_protocol.rules import Code, Rule
from firmware_sim_protocol.values import (
    ChallengeReq,
    Error,
    Response,
)

TIME = frozenset({Ability.TIME})
FLOOR = VALID_FROM_S


def _other_exchange(bench: Bench, exchange: Exchange) -> bytes:
    other = replace(exchange, exchange_id=exchange.exchange_id ^ 1)
    return bench.answer(other)


def _altered_request(bench: Bench, exchange: Exchange) -> bytes:
    """A middleman changed the PLMN in the REQUEST; the server answered what it got."""
    altered = build_message(
        replace(exchange.request, serving_plmn=MOVED_TO),
        exchange.exchange_id,
        (bench.world.device_key,),
    )
    return bench.answer(exchange, request_hash=hashlib.sha256(altered).digest())


def _late(seconds: int, max_age: int) -> ForgeAnswer:
    def build(bench: Bench, exchange: Exchange) -> Forged:
        message = bench.answer(exchange, max_age=max_age)
        return [Wait(1000 * seconds), message]

    return build


def _unasked(bench: Bench, hostile: bool) -> None:
    """An answer where a CHALLENGE is due: no nonce is open."""
    bench.make()
    asked, message = bench.hear(ChallengeReq)
    if hostile:
        bench.hostile()
        bench.say(_blind(bench, message, asked.header.exchange_id, bytes(32)))
        bench.finish()
        return
    bench.say(bench.challenge(asked))
    bench.say(bench.answered(message).honest)
    bench.finish()


def _after_reboot(bench: Bench, hostile: bool) -> None:
    """The answer to the REQUEST before a reboot, which lost its nonce."""
    bench.make()
    exchange = bench.exchange()
    if not hostile:
        bench.say(exchange.honest)
        bench.finish()
        return
    bench.reboot()
    asked, message = bench.hear(ChallengeReq)
    bench.hostile()
    bench.say(_blind(bench, message, asked.header.exchange_id, exchange.request.device_nonce))
    bench.finish()


def _blind(bench: Bench, asked: ChallengeReq, exchange_id: int, nonce: bytes) -> bytes:
    """An answer to no REQUEST: nonce and hash are what a device without one may hold."""
    response = Response(
        realm=asked.realm,
        device_key_id=asked.device_key_id,
        imei=bench.made.imei,
        device_nonce=nonce,
        request_hash=bytes(32),
        decision=Decision.ACTIVATE,
        reason=Reason.PLACE_ALLOWED,
        country=None,
        subdivision=None,
        policy_epoch=EPOCH,
        policy_version=POLICY_VERSION,
        keyset_version=KEYSET_VERSION,
        issued_at=bench.now_s,
        not_after=bench.now_s + 600,
        max_age=300,
        retry_after=None,
        recheck_after=None,
    )
    return build_message(response, exchange_id, (bench.world.act,))


def _second_answer(bench: Bench, exchange: Exchange) -> Forged:
    """A lock, then a newer policy's ACTIVATE, both to the same REQUEST."""
    lock = bench.answer(exchange, decision=Decision.LOCK_TERRITORY, recheck_after=3600)
    return [lock, bench.answer(exchange, policy_version=POLICY_VERSION + 1)]


def _forged_first(bench: Bench, exchange: Exchange) -> Forged:
    """Junk with a bad signature, then the real answer: the junk must burn nothing."""
    junk = exchange.honest[:-1] + bytes((exchange.honest[-1] ^ 1,))
    return [junk, exchange.honest]


def _forged_time(bench: Bench, exchange: Exchange) -> Forged:
    """An answer from years ahead with a bad signature, then the real one."""
    later = bench.answer(
        exchange,
        issued_at=exchange.response.issued_at + 8 * 365 * 86_400,
        not_after=exchange.response.not_after + 8 * 365 * 86_400,
    )
    return [later[:-1] + bytes((later[-1] ^ 1,)), exchange.honest]


def _many_bad(bench: Bench, exchange: Exchange) -> Forged:
    """Forty bad answers, then the real one, all on one nonce."""
    bad = exchange.honest[:-1] + bytes((exchange.honest[-1] ^ 1,))
    return [*([bad] * 40), exchange.honest]


def _older_policy(bench: Bench, exchange: Exchange) -> bytes:
    return bench.answer(
        exchange, policy_version=POLICY_VERSION - 1, decision=Decision.LOCK_TERRITORY
    )


def _locked_and_asking(bench: Bench) -> None:
    """Locked under this policy; after a reboot it asks about the same facts again."""
    bench.make()
    bench.lock()
    bench.reboot()


def _honest_lock(bench: Bench, exchange: Exchange) -> bytes:
    return bench.answer(
        exchange,
        decision=Decision.LOCK_TERRITORY,
        policy_version=POLICY_VERSION + 1,
        recheck_after=3600,
    )


def _moved(bench: Bench, exchange: Exchange) -> bytes:
    """Between question and answer the phone comes to another network."""
    bench.act(f"the modem registers on {MOVED_TO}")
    bench.device.set_modem(serving=MOVED_TO)
    return exchange.honest


def _error(bench: Bench, exchange: Exchange) -> bytes:
    return build_message(Error(stage=0, retry_after=None), exchange.exchange_id)


ROWS = (
    answer(
        "BND-001",
        "wrong-device",
        Rule.BIND_DEVICE,
        "an answer for another device key",
        "RFC 8366 serial-number; AVB-ATX PSKCertUnexpectedSubject",
        changed(device_key_id=lambda bench, exchange: bench.world.rogue.public.key_id),
    ),
    answer(
        "BND-002",
        "wrong-device",
        Rule.BIND_IMEI,
        "an answer for another IMEI",
        "TUF wrong software installation",
        changed(imei=OTHER_IMEI),
    ),
    answer(
        "BND-004",
        "realm",
        Rule.BIND_REALM,
        "an answer of another realm, same keys",
        "RFC 8725, 3.9",
        changed(realm=lambda bench, exchange: bench.world.draw("realm 2")[:16]),
    ),
    answer(
        "BND-005",
        "transcript",
        Rule.BIND_REQUEST,
        "the hash of another request, same nonce",
        "FDO HelloDeviceHash; SIGMA",
        changed(request_hash=lambda bench, exchange: bench.world.draw("another request")),
    ),
    answer(
        "BND-006",
        "transcript",
        Rule.BIND_REQUEST,
        "a middleman changes the PLMN in the REQUEST, the server answers that",
        "FDO TO2.ProveOVHdr",
        _altered_request,
        actor=Actor.MIDDLEMAN,
    ),
    answer(
        "BND-007",
        "transcript",
        Rule.BIND_EXCHANGE,
        "an answer in another exchange",
        "RFC 7252, 4.4",
        _other_exchange,
    ),
    answer(
        "BND-010",
        "binding",
        Rule.BIND_PLACE,
        "the phone changes its network between question and answer",
        "AOSP DeviceLock isDeviceInApprovedCountry",
        _moved,
        needs=frozenset({Ability.MODEM}),
        actor=Actor.MODEM,
    ),
    answer(
        "FRS-001",
        "replay",
        Rule.FRESH_NONCE,
        "an answer with an older nonce",
        "RFC 9711 eat_nonce; go-fdo 85 and 86",
        changed(device_nonce=lambda bench, exchange: bench.world.draw("older nonce")),
    ),
    answer(
        "FRS-007",
        "nonce",
        Rule.FRESH_NONCE,
        "an answer whose nonce is all zeros",
        "CWE-1023",
        changed(device_nonce=bytes(32)),
    ),
    answer(
        "FRS-002",
        "replay",
        Rule.NONCE_ONCE,
        "a second answer to a REQUEST whose first answer was committed",
        "AVB-ATX ReplayChallenge",
        _second_answer,
        honest=changed(policy_version=POLICY_VERSION + 1),
        recovers=False,
    ),
    Attack(
        id="FRS-003",
        family="unsolicited",
        rule=Rule.FRESH_SOLICITED,
        sent="an answer before any REQUEST: zero nonce, zero hash",
        source="RFC 8995, 5.5 (nonce)",
        play=_unasked,
        goal=is_open,
    ),
    Attack(
        id="FRS-004",
        family="replay",
        rule=Rule.FRESH_SOLICITED,
        sent="an answer to the REQUEST before a reboot",
        source="CWE-294",
        play=_after_reboot,
        goal=is_open,
        needs=frozenset({Ability.REBOOT}),
    ),
    answer(
        "FRS-005",
        "freeze",
        Rule.FRESH_AGE,
        "an answer with max_age 10, 11 s old",
        "TUF freeze; Uptane freeze",
        _late(11, 10),
        needs=TIME,
        actor=Actor.MIDDLEMAN,
    ),
    answer(
        "FRS-009",
        "replay",
        Rule.FRESH_NONCE,
        "a lock of an older incident",
        "Uptane deny function",
        changed(
            device_nonce=lambda bench, exchange: bench.world.draw("older nonce"),
            decision=Decision.LOCK_TERRITORY,
            policy_version=POLICY_VERSION + 1,
        ),
        before=activated,
        honest=_honest_lock,
        goal=is_locked,
        needs=TIME,
    ),
    answer(
        "POL-011",
        "deactivate",
        Rule.FRESH_NONCE,
        "a DEACTIVATE of an older exchange",
        "Uptane deny function",
        changed(
            device_nonce=lambda bench, exchange: bench.world.draw("older nonce"),
            decision=Decision.DEACTIVATE,
            policy_version=POLICY_VERSION + 1,
        ),
        before=activated,
        honest=changed(decision=Decision.DEACTIVATE, policy_version=POLICY_VERSION + 1),
        goal=is_not_active,
        needs=TIME,
    ),
    answer(
        "TIM-001",
        "expiry",
        Rule.TIME_EXPIRY,
        "not_after one second below the floor",
        "TUF 5.4.4; tuf-conformance test_timestamp_expired",
        changed(not_after=FLOOR - 1),
    ),
    answer(
        "TIM-003",
        "time-rollback",
        Rule.TIME_FLOOR,
        "issued_at one second below the floor",
        "Uptane securely attested time",
        changed(issued_at=FLOOR - 1),
    ),
    answer(
        "TIM-004",
        "fast-forward",
        Rule.TIME_PLAUSIBLE,
        "issued_at eleven years ahead",
        "TUF fast-forward; python-tuf issue 356",
        changed(issued_at=FLOOR + TEN_YEARS_S + 1, not_after=FLOOR + TEN_YEARS_S + 600),
    ),
    answer(
        "TLV-017",
        "number",
        Rule.TIME_PLAUSIBLE,
        "not_after 2^63",
        "CWE-190",
        changed(not_after=2**63),
    ),
    answer(
        "TLV-017-M",
        "number",
        Rule.TIME_PLAUSIBLE,
        "not_after 2^64 - 1",
        "CWE-190",
        changed(not_after=2**64 - 1),
    ),
    answer(
        "TIM-006",
        "floor-before-verify",
        Rule.FLOOR_VERIFIED,
        "a badly signed answer from eight years ahead, then the real one",
        "CVE-2020-15163",
        _forged_time,
        denial=True,
        expected="the real answer is taken",
    ),
    answer(
        "POL-001",
        "rollback",
        Rule.POLICY_VERSION,
        "a policy version below the floor",
        "RFC 9124, REQ.SEC.SEQUENCE; CVE-2022-29173",
        _older_policy,
        before=activated,
        honest=_honest_lock,
        goal=is_locked,
        needs=TIME,
    ),
    answer(
        "POL-002",
        "equivocation",
        Rule.POLICY_EQUIVOCATION,
        "another decision about the same facts under the same policy version",
        "tuf-conformance test_timestamp_content_changes",
        lambda bench, exchange: exchange.honest,
        before=_locked_and_asking,
        honest=changed(policy_version=POLICY_VERSION + 1),
        recovers=False,
        needs=frozenset({Ability.REBOOT}),
    ),
    answer(
        "POL-004",
        "epoch",
        Rule.POLICY_EPOCH,
        "an epoch above the keyset's",
        "TUF fast-forward recovery",
        changed(policy_epoch=EPOCH + 1),
    ),
    answer(
        "POL-004-L",
        "epoch",
        Rule.POLICY_EPOCH,
        "an epoch below the keyset's",
        "TUF fast-forward recovery",
        changed(policy_epoch=EPOCH - 1),
    ),
    answer(
        "POL-005",
        "rollback",
        Rule.POLICY_KEYSET,
        "made under an older keyset",
        "TUF mix-and-match",
        changed(keyset_version=KEYSET_VERSION - 1),
    ),
    answer(
        "POL-010",
        "error-forgery",
        Rule.ERROR_ADVISORY,
        "an unsigned ERROR of stage 0",
        "RFC 8446, 6.2; FDO message 255",
        _error,
        actor=Actor.MIDDLEMAN,
    ),
    answer(
        "DOS-001",
        "flood",
        Rule.DROP_LIMIT,
        "40 bad answers, then the good one, on one nonce",
        "RFC 4732, 2",
        _many_bad,
        refusal=Code.SIG_BAD,
    ),
    answer(
        "DOS-004",
        "nonce-burn",
        Rule.NONCE_BURN,
        "a badly signed answer races the real one",
        "AVB-ATX order of checks",
        _forged_first,
        denial=True,
        expected="the real answer is taken",
    ),
)
