"""Our own implementation of the vector form: one function an operation, pure.

Source: protocol/vectors/README.md, "Operations".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from firmware_sim.rig.conformance.fields import Fields, from_fields, to_fields
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.errors import ProtocolError, Refusal
from firmware_sim_protocol.framing import Framing, SerialFraming, TcpFraming
from firmware_sim_protocol.keyset import KeyRing, verify_first_keyset, verify_signed_by
from firmware_sim_protocol.numbers import Algorithm, MessageType
from firmware_sim_protocol.rules import SOUND, Guard, Rule
from firmware_sim_protocol.signing import PrivateKey, PublicKey
from firmware_sim_protocol.typed import from_text, to_text
from firmware_sim_protocol.values import Request

Operation = Callable[[Mapping[str, Any], Guard], Fields]
FRAMINGS: dict[str, type[TcpFraming] | type[SerialFraming]] = {
    "tcp": TcpFraming,
    "serial": SerialFraming,
}


class Malformed(Exception):
    """The input of an operation is not what the form says; the text names what is wrong."""


def answer(request: Mapping[str, Any], guard: Guard = SOUND) -> Fields:
    """The reply to one request of the form. A guard that waives a rule makes a bad peer."""
    reply: Fields = {"id": request.get("id")}
    operation = operations().get(str(request.get("operation")))
    if operation is None:
        return {**reply, "result": "unsupported"}
    try:
        output = operation(request.get("input") or {}, guard)
    except Refusal as refusal:
        return {**reply, "result": "invalid", **told(refusal)}
    except ProtocolError as error:
        return {**reply, "result": "invalid", "note": str(error)}
    except (Malformed, KeyError, TypeError, ValueError, AttributeError) as error:
        return {**reply, "result": "error", "note": f"{type(error).__name__}: {error}"}
    return {**reply, "result": "valid", "output": output}


def told(refusal: Refusal) -> Fields:
    """A refusal as the form tells it: stage, code and, for people, the rule."""
    return {
        "stage": refusal.stage.name,
        "code": refusal.code.value,
        "rule": refusal.rule.id,
        "note": refusal.detail,
    }


def operations() -> dict[str, Operation]:
    """Name -> function."""
    from firmware_sim.rig.conformance import judging

    return {
        "frame": frame,
        "wrap": wrap,
        "parse": parse,
        "build": build,
        "load-key": load_key,
        "verify": verify,
        "verify-request": verify_request,
        "verify-by": verify_by,
        "first-keyset": first_keyset,
        "next-keyset": next_keyset,
        "to-text": lambda given, guard: {"text": to_text(octets(given, "message"))},
        "from-text": lambda given, guard: {"message": from_text(given["text"]).hex()},
        **judging.OPERATIONS,
    }


def frame(given: Mapping[str, Any], guard: Guard) -> Fields:
    """Bytes of a stream, in pieces with their instants -> messages and refusals, in order."""
    framing: Framing = FRAMINGS[given["framing"]](guard)
    found: list[Fields] = []
    for piece in given["pieces"]:
        for each in framing.feed(octets(piece, "octets"), piece["at"]):
            found.append(told(each) if isinstance(each, Refusal) else {"message": each.hex()})
    until = given.get("until")
    late = None if until is None else framing.expire(until)
    if late is not None:
        found.append(told(late))
    return {"frames": [{k: v for k, v in row.items() if k != "note"} for row in found]}


def wrap(given: Mapping[str, Any], guard: Guard) -> Fields:
    return {"stream": FRAMINGS[given["framing"]](guard).wrap(octets(given, "message")).hex()}


def parse(given: Mapping[str, Any], guard: Guard) -> Fields:
    """Header, sizes and layout; no signature is looked at."""
    envelope = open_envelope(octets(given, "message"), guard)
    message = parse_message(envelope, guard)
    return {
        "type": envelope.header.type.name,
        "exchange_id": envelope.header.exchange_id,
        "fields": to_fields(message),
        "key_ids": [entry.key_id.hex() for entry in envelope.signatures],
        "digest": envelope.digest.hex(),
    }


def build(given: Mapping[str, Any], guard: Guard) -> Fields:
    message = from_fields(MessageType[given["type"]], given["fields"])
    signers = tuple(
        PrivateKey(Algorithm(row["algorithm"]), octets(row, "private_key"))
        for row in given["signers"]
    )
    return {"message": build_message(message, given["exchange_id"], signers).hex()}


def load_key(given: Mapping[str, Any], guard: Guard) -> Fields:
    key = PublicKey.load(Algorithm(given["algorithm"]), octets(given, "public_key"), guard)
    return {"key_id": key.key_id.hex()}


def verify(given: Mapping[str, Any], guard: Guard) -> Fields:
    """The signature of a RESPONSE or UNLOCK_TICKET under a keyset; the body is not parsed."""
    ring = trusted(given)
    envelope = open_envelope(octets(given, "message"), guard)
    entry = ring.verify(envelope, given["floor"], guard)
    return {"signer": PublicKey(entry.algorithm, entry.public_key).key_id.hex()}


def verify_request(given: Mapping[str, Any], guard: Guard) -> Fields:
    """A REQUEST as a server meets it: layout, its key, its signature, its key id."""
    envelope = open_envelope(octets(given, "message"), guard)
    request = parse_message(envelope, guard)
    if not isinstance(request, Request):
        raise Malformed("not a REQUEST")
    key = PublicKey.load(request.device_key_algorithm, request.device_key, guard)
    verify_signed_by(envelope, key, guard)
    guard.require(Rule.BIND_DEVICE, key.key_id == request.device_key_id, "another key's id")
    return {"signer": key.key_id.hex()}


def verify_by(given: Mapping[str, Any], guard: Guard) -> Fields:
    """The signature of a CONFIRM under the device key that the server knows."""
    key = PublicKey.load(Algorithm(given["algorithm"]), octets(given, "public_key"), guard)
    verify_signed_by(open_envelope(octets(given, "message"), guard), key, guard)
    return {"signer": key.key_id.hex()}


def first_keyset(given: Mapping[str, Any], guard: Guard) -> Fields:
    keyset = verify_first_keyset(open_envelope(octets(given, "message"), guard), guard)
    return {"version": keyset.version}


def next_keyset(given: Mapping[str, Any], guard: Guard) -> Fields:
    envelope = open_envelope(octets(given, "message"), guard)
    fresh = trusted(given).next_keyset(envelope, given["floor"], guard)
    return {"version": fresh.version, "policy_epoch": fresh.policy_epoch}


def octets(given: Mapping[str, Any], name: str) -> bytes:
    """The octets under this name.

    Raises:
        Malformed: they are missing or no hexadecimal.
    """
    try:
        return bytes.fromhex(given[name])
    except (KeyError, ValueError, TypeError) as error:
        raise Malformed(f"{name}: {error}") from error


def trusted(given: Mapping[str, Any], name: str = "keyset") -> KeyRing:
    """The keyset in force, from its KEYSET message; it is trusted, so no guard looks at it."""
    with as_given(name):
        return KeyRing(verify_first_keyset(open_envelope(octets(given, name))))


@contextmanager
def as_given(name: str) -> Iterator[None]:
    """What the input brings along must be sound; a refusal of it is no verdict.

    Raises:
        Malformed: instead of a Refusal.
    """
    try:
        yield
    except Refusal as refusal:
        raise Malformed(f"{name}: {refusal}") from refusal
