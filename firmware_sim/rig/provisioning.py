"""How a new phone comes to trust a server: at the factory, before it first boots.

A phone trusts one KEYSET. With the embedded server it gets that server's own; with another
server it gets the one in a file (`--trust`). Without a file the bench asks the server once,
as the factory would, and takes the keyset whose own roots signed it. That is trust on first
use: fine on a bench, and said so in the timeline.

Source: protocol/SPEC.md, "Keysets".
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from firmware_sim.errors import SimError
from firmware_sim.links.clock import MonotonicClock
from firmware_sim.links.waiting import wait
from firmware_sim.rig.ports import Port
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.framing import Framing, TcpFraming
from firmware_sim_protocol.keyset import verify_first_keyset
from firmware_sim_protocol.numbers import MessageType
from firmware_sim_protocol.values import ChallengeReq, KeySet

FACTORY_DEADLINE_MS = 5_000
NOBODY = bytes(32)
"""The device key id of a phone that is not made yet."""


def read_keyset(message: bytes, source: str) -> KeySet:
    """The keyset of a signed KEYSET message whose own roots signed it.

    Raises:
        SimError: it is none.
    """
    try:
        return verify_first_keyset(open_envelope(message))
    except Refusal as refusal:
        raise SimError("trust", f"{source}: {refusal}") from refusal


def read_trust(path: Path) -> bytes:
    """The signed KEYSET message in a file, checked.

    Raises:
        SimError: the file cannot be read, or holds no sound KEYSET.
    """
    try:
        message = path.read_bytes()
    except OSError as error:
        raise SimError("trust", f"cannot read {path}: {error.strerror}") from error
    read_keyset(message, str(path))
    return message


def first_keyset(server: str, connect: Callable[[], Port], framing: Framing | None = None) -> bytes:
    """Ask a server, as the factory would, for the keyset that its phones trust.

    Raises:
        SimError: it is not there, does not answer in 5 s, or answers something else.
    """
    framing = framing or TcpFraming()
    clock = MonotonicClock()
    port = connect()
    try:
        ask = ChallengeReq(
            realm=bytes(16),
            device_key_id=NOBODY,
            keyset_version=0,
            policy_epoch=0,
            policy_version=0,
        )
        port.send(framing.wrap(build_message(ask, 0)), clock.now())
        while clock.now() < FACTORY_DEADLINE_MS:
            for item in framing.feed(port.receive(clock.now()), clock.now()):
                if isinstance(item, Refusal):
                    raise SimError("server", f"{server} answers with garbage: {item}")
                return _first(item, server)
            if port.link is not None:
                wait([port.link], (FACTORY_DEADLINE_MS - clock.now()) / 1000)
    finally:
        port.close()
    raise SimError("server", f"{server} does not answer")


def _first(message: bytes, server: str) -> bytes:
    try:
        envelope = open_envelope(message)
        if envelope.header.type is not MessageType.KEYSET:
            kind = type(parse_message(envelope)).__name__
            raise SimError("server", f"{server} answers {kind} where its KEYSET is asked for")
    except Refusal as refusal:
        raise SimError("server", f"{server} answers with garbage: {refusal}") from refusal
    read_keyset(message, server)
    return message
