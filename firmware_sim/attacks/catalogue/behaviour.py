"""Attacks on how a device behaves over time: clocks, floods, junk, chance, broken links."""

from __future__ import annotations

import random

from firmware_sim.attacks import forge
from firmware_sim.attacks.attack import Actor, Attack
from firmware_sim.attacks.bench import Bench, Exchange, Silent, is_open
from firmware_sim.attacks.device import Ability
from firmware_sim.attacks.scenes import answer
from firmware_sim.attacks.world import DAY_S, NOW_S, VALID_FROM_S, VALID_TO_S
from firmware_sim_protocol.rules import Code, Rule
from firmware_sim_protocol.values import ChallengeReq

FLOOR = VALID_FROM_S
CLOCK = frozenset({Ability.CLOCK})


def _clock_back(bench: Bench, days: int) -> None:
    bench.act(f"the wall clock set {days} days before the floor")
    bench.device.set_clock(FLOOR - days * DAY_S)


def _expired_answer(bench: Bench, exchange: Exchange) -> bytes:
    _clock_back(bench, 10)
    return bench.answer(exchange, issued_at=NOW_S, not_after=FLOOR - 1)


def _expired_key(bench: Bench, exchange: Exchange) -> bytes:
    _clock_back(bench, 10)
    return bench.answer(exchange, key=bench.world.expired)


def _far_ahead(bench: Bench, exchange: Exchange) -> bytes:
    """Network time from a false cell: every key would have expired."""
    bench.act("the network's time is 12 years ahead")
    bench.device.set_clock(VALID_TO_S + 7 * 365 * DAY_S)
    return exchange.honest


def _silence(bench: Bench, hostile: bool) -> None:
    """Nobody answers for an hour: how often does the device ask?"""
    bench.make()
    bench.requests.clear()
    if not hostile:
        bench.activate()
        bench.attempts = 1
        return
    bench.hostile()
    _count_attempts(bench, 3_600_000)


def _count_attempts(bench: Bench, span_ms: int) -> None:
    until = bench.device.now() + span_ms
    count = 0
    while bench.device.now() < until and count <= 200:
        try:
            bench.hear(ChallengeReq, until - bench.device.now())
        except Silent:
            break
        count += 1
        bench.device.hang_up()
        bench.forget_link()
    bench.act(f"{count} attempts in {span_ms // 1000} s")
    bench.attempts = count


def _patient(bench: Bench) -> bool:
    """At most 40 attempts in an hour: 5 s x 2^n with its cap makes about a dozen."""
    return bench.attempts <= 40


def _repeats_nonces(bench: Bench, hostile: bool) -> None:
    """Twelve exchanges over three boots: no nonce may come twice."""
    bench.make()
    if hostile:
        bench.hostile()
    seen: list[bytes] = []
    for number in range(12 if hostile else 1):
        if number and number % 4 == 0 and Ability.REBOOT in bench.device.abilities:
            bench.reboot()
        exchange = bench.exchange()
        seen.append(exchange.request.device_nonce)
        # A good signature over another request's hash burns this nonce.
        bench.say(bench.answer(exchange, request_hash=bytes(32)))
        bench.finish()
    bench.act(f"{len(set(seen))} different nonces in {len(seen)} requests")
    bench.nonces_fresh = len(set(seen)) == len(seen)


def _nonces_fresh(bench: Bench) -> bool:
    return bench.nonces_fresh


FUZZ_FRAMES = 120
"""Mutants in one exchange after another; the parsers have fuzzers of their own."""


def _junk(bench: Bench, hostile: bool) -> None:
    """Mutants of a good answer: bits turned, parts cut, repeated, moved."""
    bench.make()
    chance = random.Random(bench.world.draw("fuzz"))  # noqa: S311 - a repeatable test, no secret
    exchange = bench.exchange()
    if not hostile:
        bench.say(exchange.honest)
        bench.finish()
        return
    bench.hostile()
    for number in range(FUZZ_FRAMES):
        if number % 4 == 0 and number:
            bench.device.hang_up()
            bench.forget_link()
            bench.device.advance(3_600_000)
            exchange = bench.exchange()
        mutant = _mutant(exchange.honest, chance)
        if mutant == exchange.honest:
            continue
        bench.say(mutant, f"mutant {number}")
        bench.finish()
        if is_open(bench):
            return


def _mutant(message: bytes, chance: random.Random) -> bytes:
    kind = chance.randrange(6)
    at = chance.randrange(len(message))
    if kind == 0:
        return message[:at]
    if kind == 1:
        return message[:at] + message[at // 2 : at] + message[at:]
    if kind == 2:
        return message[at:] + message[:at]
    if kind == 3:
        return forge.flipped(message, -1 - chance.randrange(64), 1 << chance.randrange(8))
    return forge.flipped(message, at, 1 << chance.randrange(8))


ROWS = (
    answer(
        "TIM-002",
        "clock-rollback",
        Rule.TIME_SOURCE,
        "an expired answer, the wall clock set back",
        "RFC 8995, 2.6.1; RFC 9124, REQ.SEC.EXP",
        _expired_answer,
        needs=CLOCK,
        actor=Actor.CLOCK,
    ),
    answer(
        "KEY-005",
        "clock",
        Rule.TIME_SOURCE,
        "an answer by an expired key, the wall clock set back",
        "RFC 8995, 2.6.1; Malhotra et al., NDSS 2016",
        _expired_key,
        needs=CLOCK,
        actor=Actor.CLOCK,
        refusal=Code.KEY_EXPIRED,
    ),
    answer(
        "TIM-007",
        "time-source",
        Rule.TIME_SOURCE,
        "network time twelve years ahead, then an honest answer",
        "RFC 8915, 1; 3GPP TS 22.042",
        _far_ahead,
        needs=CLOCK,
        actor=Actor.MODEM,
        denial=True,
        expected="the clock decides nothing: the answer is taken",
    ),
    Attack(
        id="FRM-007",
        family="slow-retrieval",
        rule=Rule.BACK_OFF,
        sent="no answer at all, for an hour",
        source="RFC 7252, 4.2",
        play=_silence,
        goal=_patient,
        denial=True,
        needs=frozenset({Ability.TIME}),
        expected="the device waits longer each time",
    ),
    Attack(
        id="FRS-008",
        family="nonce",
        rule=Rule.NONCE_DRAWN,
        sent="answers that burn nonce after nonce, over reboots",
        source="RFC 9711, 4.1; CVE-2008-0166",
        play=_repeats_nonces,
        goal=_nonces_fresh,
        denial=True,
        needs=frozenset({Ability.TIME}),
        expected="each REQUEST has a new nonce",
    ),
    Attack(
        id="DOS-002",
        family="fuzz",
        rule=Rule.SIG_VERIFIES,
        sent=f"{FUZZ_FRAMES} mutants of good answers",
        source="go-fdo FuzzUnmarshal",
        play=_junk,
        goal=is_open,
        needs=frozenset({Ability.TIME}),
    ),
)
