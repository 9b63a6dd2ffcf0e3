"""The operations that need a device or a server: judging, whole exchanges, a server's refusals.

Source: protocol/vectors/README.md, "Operations"; SPEC.md, 11 to 13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from firmware_sim.handset import judge
from firmware_sim.handset.autopilot import autopilot
from firmware_sim.handset.board import Board
from firmware_sim.handset.device import Handset
from firmware_sim.handset.evidence import Evidence, SimCondition
from firmware_sim.handset.firmware import OFFICIAL
from firmware_sim.handset.flash import Fault, FaultKind, MemoryFlash, Operation
from firmware_sim.handset.lock import EVENT_OF_DECISION, LOCK_MOVES
from firmware_sim.handset.moves import follow
from firmware_sim.handset.record import Record, UsedTicket
from firmware_sim.rig.conformance.fields import Fields
from firmware_sim.server.issuer import Issuer
from firmware_sim.server.keys import ServerKeys
from firmware_sim.server.policy import Policy
from firmware_sim.server.store import MemoryStore
from firmware_sim_protocol.codec import parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.framing import TcpFraming
from firmware_sim_protocol.keyset import KeyRing, verify_first_keyset
from firmware_sim_protocol.numbers import Algorithm, Decision, LockState, MessageType
from firmware_sim_protocol.rules import Guard
from firmware_sim_protocol.signing import PrivateKey
from firmware_sim_protocol.values import Request, Response, UnlockChallenge, UnlockTicket

POLICY = """
[policy]
name = "vectors"
version = {version}
default = "activate"
"""
"""What a server under test is told to decide: every device is activated."""


def judge_response(given: Mapping[str, Any], guard: Guard) -> Fields:
    """A RESPONSE that reaches a device with this record and this open REQUEST."""
    ring = _ring(given)
    device = given["device"]
    record = _record(device, ring)
    question = _question(given.get("request"), device)
    envelope = open_envelope(bytes.fromhex(given["message"]), guard)
    ring.verify(envelope, device["time_floor"], guard)
    response = parse_message(envelope, guard)
    if not isinstance(response, Response):
        raise ValueError("not a RESPONSE")
    judge.judge_response(envelope, response, question, _facts(device, ring, record), guard)
    state = follow(LOCK_MOVES, record.lock_state, EVENT_OF_DECISION[response.decision])
    floor = max(device["time_floor"], response.issued_at)
    return {
        "lock_state": state.name,
        "time_floor": floor,
        "policy_epoch": response.policy_epoch,
        "policy_version": response.policy_version,
    }


def judge_ticket(given: Mapping[str, Any], guard: Guard) -> Fields:
    """An UNLOCK_TICKET that reaches a device with this record and this open challenge."""
    ring = _ring(given)
    device = given["device"]
    record = _record(device, ring)
    challenge = None
    if given.get("challenge") is not None:
        raw = bytes.fromhex(given["challenge"])
        opened = open_envelope(raw)
        message = parse_message(opened)
        if not isinstance(message, UnlockChallenge):
            raise ValueError("not an UNLOCK_CHALLENGE")
        challenge = judge.OpenChallenge(
            exchange_id=opened.header.exchange_id,
            octets=message.challenge,
            state=message.lock_state,
            raw=raw,
        )
    envelope = open_envelope(bytes.fromhex(given["message"]), guard)
    ring.verify(envelope, device["time_floor"], guard)
    ticket = parse_message(envelope, guard)
    if not isinstance(ticket, UnlockTicket):
        raise ValueError("not an UNLOCK_TICKET")
    judge.judge_ticket(envelope, ticket, challenge, _facts(device, ring, record), guard)
    # No move of the table is asked: a device without the scope's check would go home, too.
    return {"lock_state": LockState.ACTIVE.name}


def _ring(given: Mapping[str, Any]) -> KeyRing:
    return KeyRing(verify_first_keyset(open_envelope(bytes.fromhex(given["keyset"]))))


def _record(device: Mapping[str, Any], ring: KeyRing) -> Record:
    decided = device.get("decided")
    bound: dict[str, Any] = {}
    if decided is not None:
        about = parse_message(open_envelope(bytes.fromhex(decided["request"])))
        assert isinstance(about, Request)
        recheck = decided["recheck_after"]
        bound = {
            "decision": Decision[decided["decision"]],
            "topic": judge.topic_of(about),
            "decided_until": (1 << 64) - 1
            if recheck is None
            else decided["issued_at"] + int(recheck),
        }
    return Record(
        device_key_id=bytes.fromhex(device["device_key_id"]),
        lock_state=LockState[device["lock_state"]],
        imei=device["imei"],
        time_floor=device["time_floor"],
        policy_epoch=device["policy_epoch"],
        policy_version=device["policy_version"],
        tickets=tuple(
            UsedTicket(ticket_id=bytes.fromhex(used["ticket_id"]), not_after=used["not_after"])
            for used in device.get("used_tickets", ())
        ),
        **bound,
    )


def _question(raw: str | None, device: Mapping[str, Any]) -> judge.Question | None:
    if raw is None:
        return None
    envelope = open_envelope(bytes.fromhex(raw))
    request = parse_message(envelope)
    if not isinstance(request, Request):
        raise ValueError("not a REQUEST")
    return judge.Question(
        exchange_id=envelope.header.exchange_id,
        nonce_at=device["nonce_at_ms"],
        request=request,
        raw=envelope.raw,
    )


def _facts(device: Mapping[str, Any], ring: KeyRing, record: Record) -> judge.Facts:
    return judge.Facts(
        realm=ring.keyset.realm,
        device_key_id=record.device_key_id,
        imei=device["imei"],
        record=record,
        keyset=ring.keyset,
        floor=device["time_floor"],
        now=device["now_ms"],
        serving=device["serving"],
    )


# Whole exchanges --------------------------------------------------------------------------


class _Scripted:
    """Entropy that was written down: by size, in order; a quarter of jitter is never drawn."""

    def __init__(self, drawn: Mapping[str, list[str]]) -> None:
        self._exchange_ids = [number.to_bytes(4) for number in map(int, drawn["exchange_ids"])]
        self._nonces = [bytes.fromhex(octets) for octets in drawn["nonces"]]

    def __call__(self, size: int) -> bytes:
        if size == 4:
            return self._exchange_ids.pop(0)
        if size == 32:
            return self._nonces.pop(0)
        return bytes(size)


def exchange(given: Mapping[str, Any], guard: Guard) -> Fields:
    """A new device from power-on: what it sends after each step, and what it is at the end."""
    device = given["device"]
    key = PrivateKey(Algorithm(device["algorithm"]), bytes.fromhex(device["private_key"]))
    flash = MemoryFlash()
    handset = Handset(
        board=Board(imei=device["imei"], device_key=key, storage_key=bytes(32)),
        flash=flash,
        firmware=OFFICIAL,
        trust=_ring(given).keyset,
        entropy=_Scripted(given["drawn"]),
        guard=guard,
    )
    seen = Evidence(
        imei=device["imei"],
        serving=device["serving"],
        sim=device["sim"],
        sim_state=SimCondition.READY,
        registered=True,
    )
    handset.boot(0, 0)
    handset.sees(seen, 0)
    action = autopilot(handset.view)
    while action is not None:
        handset.acts(action, 0)
        action = autopilot(handset.view)
    handset.link_opened(0)
    replies, reader = [_step(handset, TcpFraming())], TcpFraming()
    for step in given["steps"]:
        at = step["at"]
        if "fault" in step:
            flash.arm([Fault(FaultKind[step["fault"]], (Operation.WRITE,))])
        if "message" in step:
            handset.receive(TcpFraming().wrap(bytes.fromhex(step["message"])), at)
        else:
            handset.tick(at)
        replies.append(_step(handset, reader))
    return {"steps": replies, "lock_state": handset.lock_state.name}


def _step(handset: Handset, reader: TcpFraming) -> Fields:
    refusals = [
        {"stage": event.detail["stage"], "code": event.detail["code"]}
        for event in handset.events()
        if event.kind == "refusal" and "code" in event.detail
    ]
    sent = reader.feed(handset.outgoing(), 0)
    return {
        "sent": [each.hex() for each in sent if not isinstance(each, Refusal)],
        "refused": refusals,
        "state": handset.exchange_state.name,
        "lock_state": handset.lock_state.name,
    }


def serve(given: Mapping[str, Any], guard: Guard) -> Fields:
    """A server that activates every device: what it answers, and why it refuses."""
    server = given["server"]
    act = PrivateKey(Algorithm(server["algorithm"]), bytes.fromhex(server["act_private_key"]))
    keysets = tuple(bytes.fromhex(raw) for raw in server["keysets"])
    nonces = [bytes.fromhex(octets) for octets in given["server_nonces"]]
    issuer = Issuer(
        keys=ServerKeys(act, None, keysets),
        policy=Policy.load(POLICY.format(version=server["policy_version"]), "vectors"),
        store=MemoryStore(),
        entropy=lambda size: nonces.pop(0),
        guard=guard,
    )
    issuer.events()
    steps: list[Fields] = []
    seen: list[list[bytes]] = []
    for step in given["steps"]:
        answers = issuer.answer(bytes.fromhex(step["message"]), step["now_s"])
        refused = [event for event in issuer.events() if event.kind == "refusal"]
        told: Fields = {"replies": [MessageType(answer[5]).name for answer in answers]}
        if refused:
            told |= {"stage": refused[0].detail["stage"], "code": refused[0].detail["code"]}
        answered = told["replies"] == [MessageType.RESPONSE.name]
        told["repeats"] = seen.index(answers) if answered and answers in seen else None
        seen.append(answers)
        steps.append(told)
    return {"steps": steps}


OPERATIONS: dict[str, Callable[[Mapping[str, Any], Guard], Fields]] = {
    "judge-response": judge_response,
    "judge-ticket": judge_ticket,
    "exchange": exchange,
    "serve": serve,
}
