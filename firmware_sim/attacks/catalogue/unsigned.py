"""Attacks with messages that nobody signs: CHALLENGE and CONFIRM_ACK."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from firmware_sim.attacks import forge
from firmware_sim.attacks.attack import Attack, Play
from firmware_sim.attacks.bench import Bench
from firmware_sim.attacks.world import KEYSET_VERSION
from firmware_sim_protocol.codec import build_message
from firmware_sim_protocol.extensions import encode_extension
from firmware_sim_protocol.numbers import MessageType
from firmware_sim_protocol.rules import Rule
from firmware_sim_protocol.values import Challenge, ChallengeReq, Confirm, ConfirmAck


def _hostile_challenge(flip: int = 0, **changes: Any) -> Play:
    """A CHALLENGE with these fields; a device that goes on signs a REQUEST for it."""

    def play(bench: Bench, hostile: bool) -> None:
        bench.make()
        asked, message = bench.hear(ChallengeReq)
        fields = {
            name: value(bench) if callable(value) else value for name, value in changes.items()
        }
        exchange_id = asked.header.exchange_id
        if hostile:
            bench.hostile()
            exchange_id ^= flip
        challenge = Challenge(
            realm=message.realm,
            device_key_id=message.device_key_id,
            server_nonce=bench.world.draw(f"nonce {bench.scene}"),
            keyset_version=KEYSET_VERSION,
        )
        if hostile:
            challenge = replace(challenge, **fields)
        bench.requests.clear()
        bench.say(build_message(challenge, exchange_id))
        bench.finish()

    return play


def _critical_challenge(bench: Bench, hostile: bool) -> None:
    """A CHALLENGE with an extension that must be understood, and cannot be."""
    bench.make()
    asked, _ = bench.hear(ChallengeReq)
    honest = bench.challenge(asked)
    bench.requests.clear()
    if not hostile:
        bench.say(honest)
    else:
        bench.hostile()
        body = forge.split(honest)[1] + encode_extension(0xC000, b"must")
        exchange_id = asked.header.exchange_id
        bench.say(forge.header(MessageType.CHALLENGE, exchange_id, len(body)) + body)
    bench.finish()


def _hostile_ack(flip: int = 0, **changes: Any) -> Play:
    """A CONFIRM_ACK with these fields; a device that takes it ends its exchange."""

    def play(bench: Bench, hostile: bool) -> None:
        bench.make()
        exchange = bench.exchange()
        bench.say(exchange.honest)
        envelope, confirm = bench.hear(Confirm, 10_000)
        ack = ConfirmAck(
            realm=confirm.realm,
            device_key_id=confirm.device_key_id,
            response_hash=confirm.response_hash,
        )
        exchange_id = envelope.header.exchange_id
        if hostile:
            bench.hostile()
            exchange_id ^= flip
            ack = replace(ack, **{name: value(bench) for name, value in changes.items()})
        bench.say(build_message(ack, exchange_id))
        bench.finish()

    return play


def _hung_up(bench: Bench) -> bool:
    """Whether the device has ended its exchange, and so its link."""
    return not bench.device.linked()


def _signs(bench: Bench) -> bool:
    """Whether the device signed a REQUEST for the CHALLENGE."""
    return bool(bench.requests)


ROWS = (
    Attack(
        id="ODP-030",
        family="realm",
        rule=Rule.BIND_REALM,
        sent="a CHALLENGE of another realm",
        source="RFC 8725, 3.9",
        play=_hostile_challenge(realm=lambda bench: bench.world.draw("realm 2")[:16]),
        goal=_signs,
    ),
    Attack(
        id="ODP-031",
        family="wrong-device",
        rule=Rule.BIND_DEVICE,
        sent="a CHALLENGE for another device",
        source="RFC 8366",
        play=_hostile_challenge(device_key_id=lambda bench: bench.world.rogue.public.key_id),
        goal=_signs,
    ),
    Attack(
        id="ODP-032",
        family="transcript",
        rule=Rule.BIND_EXCHANGE,
        sent="a CHALLENGE of another exchange",
        source="RFC 7252, 4.4",
        play=_hostile_challenge(flip=1),
        goal=_signs,
    ),
    Attack(
        id="ODP-060",
        family="critical",
        rule=Rule.EXT_CRITICAL,
        sent="a CHALLENGE with an unknown critical extension",
        source="RFC 7296, 2.5",
        play=_critical_challenge,
        goal=_signs,
    ),
    Attack(
        id="ODP-033",
        family="realm",
        rule=Rule.BIND_REALM,
        sent="a CONFIRM_ACK of another realm",
        source="RFC 8725, 3.9",
        play=_hostile_ack(realm=lambda bench: bench.world.draw("realm 2")[:16]),
        goal=_hung_up,
    ),
    Attack(
        id="ODP-034",
        family="wrong-device",
        rule=Rule.BIND_DEVICE,
        sent="a CONFIRM_ACK for another device",
        source="RFC 8366",
        play=_hostile_ack(device_key_id=lambda bench: bench.world.rogue.public.key_id),
        goal=_hung_up,
    ),
    Attack(
        id="ODP-035",
        family="transcript",
        rule=Rule.BIND_EXCHANGE,
        sent="a CONFIRM_ACK of another exchange",
        source="RFC 7252, 4.4",
        play=_hostile_ack(flip=1),
        goal=_hung_up,
    ),
)
