"""Whole exchanges: a device's side with everything that it draws, and a server's side."""

from __future__ import annotations

import hashlib
from typing import Any

from firmware_sim.rig.conformance.operations import answer
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.keyset import sign_keyset
from firmware_sim_protocol.numbers import Algorithm, Decision, MessageType
from firmware_sim_protocol.values import Confirm
from vector_files.cast import (
    IMEI,
    NOW,
    example,
    key,
    keyset,
    octets,
    roots,
    signers,
    trust,
)
from vector_files.form import Disagreement, Fields, Group

FLAGS = {
    "Activation": "from power-on to a committed answer",
    "Forged": "messages that nobody signed come in between",
    "Rotation": "the device is brought forward to a newer keyset",
    "Deadline": "time runs out",
    "Store": "the flash fails",
    "Advisory": "an unsigned ERROR changes nothing",
    "Retry": "the same question gets the same answer",
    "Ahead": "the device has seen more than the server",
    "Behind": "the server has seen more than the device",
}
T = MessageType
EXCHANGE_ID = 0x0D0A0B0E


class Transcript:
    """A device's exchange that is written step by step, each after seeing what the device sent."""

    def __init__(self, algorithm: Algorithm) -> None:
        self.algorithm = algorithm
        self.given: Fields = {
            "keyset": trust(algorithm).hex(),
            "device": {
                "algorithm": int(algorithm),
                "private_key": key("device", algorithm).secret.hex(),
                "imei": IMEI,
                "serving": "26201",
                "sim": "310410",
                "locale": "en",
                "security_version": 1,
                "boot_count": 1,
                "record_sequence": 1,
            },
            "drawn": {
                "exchange_ids": [EXCHANGE_ID, EXCHANGE_ID + 1],
                "nonces": [octets("drawn nonce 1").hex(), octets("drawn nonce 2").hex()],
            },
            "steps": [],
        }
        self.at = 100
        self.keyset_version = 1
        self.output = self._ask()

    def _ask(self) -> Fields:
        reply = answer({"id": 0, "operation": "exchange", "input": self.given})
        if reply["result"] != "valid":
            raise Disagreement(str(reply))
        return dict(reply["output"])

    def step(self, **fields: Any) -> Fields:
        """One more step; what the device did then."""
        self.given["steps"].append({"at": self.at, **fields})
        self.at += 100
        self.output = self._ask()
        return dict(self.output["steps"][-1])

    def message(self, raw: bytes, **fields: Any) -> Fields:
        return self.step(message=raw.hex(), **fields)

    def challenge(self) -> bytes:
        """Send CHALLENGE; the device's REQUEST."""
        self.message(self.plain(T.CHALLENGE, keyset_version=self.keyset_version))
        return self.sent()

    def sent(self) -> bytes:
        """The last message that the device sent in the last step."""
        return bytes.fromhex(self.output["steps"][-1]["sent"][-1])

    def plain(self, kind: MessageType, **changes: Any) -> bytes:
        """A message of the server, as this exchange needs it."""
        exchange_id = changes.pop("exchange_id", EXCHANGE_ID)
        message = example(kind, self.algorithm, **changes)
        return build_message(message, exchange_id, signers(kind, self.algorithm))

    def response(self, request: bytes, **changes: Any) -> bytes:
        asked = parse_message(open_envelope(request))
        return self.plain(
            T.RESPONSE,
            device_nonce=asked.device_nonce,  # type: ignore[union-attr]
            request_hash=hashlib.sha256(request).digest(),
            keyset_version=self.keyset_version,
            **changes,
        )

    def acknowledge(self) -> Fields:
        sent = [bytes.fromhex(raw) for step in self.output["steps"] for raw in step["sent"]]
        confirms = [raw for raw in sent if raw[5] == T.CONFIRM]
        if not confirms:
            raise Disagreement("no CONFIRM was sent")
        confirm = parse_message(open_envelope(confirms[-1]))
        assert isinstance(confirm, Confirm)
        return self.message(self.plain(T.CONFIRM_ACK, response_hash=confirm.response_hash))

    def end(self, group: Group, comment: str, lock_state: str, *flags: str) -> None:
        """The transcript is complete; it must leave the device like this."""
        output = {"steps": self.output["steps"], "lock_state": lock_state}
        group.valid(f"{self.algorithm.name}: {comment}", self.given, output, *flags)

    def expect(self, done: Fields, code: str) -> None:
        """The last step must have been refused with this code."""
        if [row["code"] for row in done["refused"]] != [code]:
            raise Disagreement(f"{done['refused']}, not {code}")


def device_groups() -> list[Group]:
    group = Group("exchange")
    for algorithm in Algorithm:
        _decided(group, algorithm)
        _disturbed(group, algorithm)
        _failing(group, algorithm)
    return [group]


def _decided(group: Group, algorithm: Algorithm) -> None:
    after = {
        Decision.ACTIVATE: "ACTIVE",
        Decision.LOCK_TERRITORY: "LOCKED_TERRITORY",
        Decision.LOCK_BLOCKLIST: "LOCKED_BLOCKLIST",
        Decision.LOCK_FINANCE: "LOCKED_FINANCE",
        Decision.PENDING: "PENDING",
        Decision.DEACTIVATE: "SETUP_LOCKED",
    }
    for decision, state in after.items():
        run = Transcript(algorithm)
        retry = 60 if decision is Decision.PENDING else None
        run.message(run.response(run.challenge(), decision=decision, retry_after=retry))
        run.acknowledge()
        run.end(group, f"{decision.name}, confirmed and acknowledged", state, "Activation")
    run = Transcript(algorithm)
    fresh = sign_keyset(keyset(algorithm, version=2), roots(algorithm, 1, 3))
    run.message(fresh)
    run.keyset_version = 2
    run.message(run.response(run.challenge()))
    run.acknowledge()
    run.end(group, "a KEYSET first, then ACTIVATE under it", "ACTIVE", "Rotation")


def _disturbed(group: Group, algorithm: Algorithm) -> None:
    run = Transcript(algorithm)
    good = run.response(run.challenge())
    forged = bytearray(good)
    forged[40] ^= 1
    run.expect(run.message(bytes(forged)), "E_SIG_BAD")
    run.message(good)
    run.acknowledge()
    text = "a forged RESPONSE, then the true one: the nonce was not burned"
    run.end(group, text, "ACTIVE", "Forged")

    run = Transcript(algorithm)
    good = run.response(run.challenge())
    run.message(good)
    run.expect(run.message(good), "E_UNSOLICITED")
    run.acknowledge()
    run.end(group, "the RESPONSE comes twice", "ACTIVE", "Forged")

    run = Transcript(algorithm)
    request = run.challenge()
    stale = run.response(request, exchange_id=EXCHANGE_ID + 7)
    run.expect(run.message(stale), "E_XID")
    run.expect(run.message(run.response(request)), "E_UNSOLICITED")
    text = "a signed RESPONSE of another exchange burns the nonce; the true one comes too late"
    run.end(group, text, "UNPROVISIONED", "Forged")

    run = Transcript(algorithm)
    run.expect(run.message(run.plain(T.CHALLENGE, realm=b"another realm 01")), "E_REALM")
    run.expect(run.message(run.plain(T.CHALLENGE, exchange_id=1)), "E_XID")
    run.expect(run.message(run.plain(T.CHALLENGE, device_key_id=octets("x"))), "E_DEVICE")
    run.expect(run.message(run.plain(T.CONFIRM_ACK)), "E_UNSOLICITED")
    run.message(run.response(run.challenge()))
    run.acknowledge()
    run.end(group, "CHALLENGEs that are not meant are dropped", "ACTIVE", "Forged")

    run = Transcript(algorithm)
    run.challenge()
    error = build_message(example(T.ERROR, algorithm, stage=0, retry_after=None), EXCHANGE_ID)
    run.message(error)
    text = "ERROR ends the exchange and changes no state"
    run.end(group, text, "UNPROVISIONED", "Advisory")


def _failing(group: Group, algorithm: Algorithm) -> None:
    run = Transcript(algorithm)
    request = run.challenge()
    run.at = 30_000
    run.expect(run.step(), "E_TIMEOUT")
    run.expect(run.message(run.response(request)), "E_UNSOLICITED")
    run.end(group, "the answer comes after 30 s", "UNPROVISIONED", "Deadline")

    run = Transcript(algorithm)
    request = run.challenge()
    run.expect(run.message(run.response(request), fault="ENOSPC"), "E_STORE")
    run.end(group, "the record cannot be written", "UNPROVISIONED", "Store")

    run = Transcript(algorithm)
    request = run.challenge()
    forged = run.response(request)[:-1] + b"\0"
    for _ in range(9):
        run.message(forged)
    run.expect(run.message(run.response(request)), "E_UNSOLICITED")
    run.end(group, "nine forged answers: the device gives up", "UNPROVISIONED", "Forged")


# The server's side ------------------------------------------------------------------------


def server_groups() -> list[Group]:
    group = Group("serve")
    for algorithm in Algorithm:
        _served(group, algorithm)
        _versions(group, algorithm)
    return [group]


class Dialogue:
    """What a device sends to a server, and what the server must do."""

    def __init__(self, algorithm: Algorithm, policy_version: int = 7, keysets: int = 1) -> None:
        self.algorithm = algorithm
        chain = [trust(algorithm)]
        for version in range(2, keysets + 1):
            fresh = keyset(algorithm, version=version)
            chain.append(sign_keyset(fresh, roots(algorithm, 1, 2)))
        self.given: Fields = {
            "server": {
                "algorithm": int(algorithm),
                "act_private_key": key("act", algorithm).secret.hex(),
                "keysets": [raw.hex() for raw in chain],
                "policy_version": policy_version,
            },
            "server_nonces": [octets("server nonce").hex(), octets("server nonce 2").hex()],
            "steps": [],
        }
        self.expected: list[Fields] = []

    def asks(self, now_s: int, raw: bytes, *replies: str, **more: Any) -> None:
        """`more`: stage and code of a refusal, or `repeats`, the number of an earlier step."""
        self.given["steps"].append({"now_s": now_s, "message": raw.hex()})
        self.expected.append({"replies": list(replies), "repeats": None, **more})

    def refused(self, now_s: int, raw: bytes, stage: str, code: str, **more: Any) -> None:
        self.asks(now_s, raw, "ERROR", stage=stage, code=code, **more)

    def device(self, kind: MessageType, exchange_id: int = EXCHANGE_ID, **changes: Any) -> bytes:
        message = example(kind, self.algorithm, **changes)
        return build_message(message, exchange_id, signers(kind, self.algorithm))

    def end(self, group: Group, comment: str, *flags: str) -> None:
        output = {"steps": self.expected}
        group.valid(f"{self.algorithm.name}: {comment}", self.given, output, *flags)


def _served(group: Group, algorithm: Algorithm) -> None:
    talk = Dialogue(algorithm)
    asked = talk.device(T.CHALLENGE_REQ)
    request = talk.device(T.REQUEST)
    talk.asks(NOW, asked, "CHALLENGE")
    talk.asks(NOW + 1, request, "RESPONSE")
    talk.asks(NOW + 2, request, "RESPONSE", repeats=1)
    talk.asks(NOW + 599, request, "RESPONSE", repeats=1)
    other = talk.device(T.REQUEST, boot_count=2)
    talk.refused(NOW + 600, other, "FRESHNESS", "E_NONCE_REUSE")
    talk.refused(NOW + 601, request, "FRESHNESS", "E_STALE")
    talk.end(group, "the same REQUEST gets the same RESPONSE for ten minutes", "Retry")

    talk = Dialogue(algorithm)
    talk.refused(NOW, request, "FRESHNESS", "E_UNSOLICITED")
    talk.refused(NOW, talk.device(T.CHALLENGE_REQ, realm=b"another realm 01"), "BINDING", "E_REALM")
    talk.asks(NOW, asked, "CHALLENGE")
    bent = bytearray(request)
    bent[-98] ^= 1
    talk.refused(NOW, bytes(bent), "SIGNATURE", "E_SIG_BAD")
    stranger = talk.device(T.REQUEST, device_key_id=octets("x"))
    talk.refused(NOW, stranger, "BINDING", "E_DEVICE")
    old = talk.device(T.REQUEST, server_nonce=octets("x"))
    talk.refused(NOW, old, "FRESHNESS", "E_NONCE")
    talk.asks(NOW + 59, request, "RESPONSE")
    talk.refused(NOW + 59, talk.device(T.CONFIRM), "BINDING", "E_REQHASH")
    talk.end(group, "what is not meant for it is refused, the true REQUEST is answered", "Forged")

    talk = Dialogue(algorithm)
    talk.asks(NOW, asked, "CHALLENGE")
    talk.refused(NOW + 60, request, "FRESHNESS", "E_NONCE")
    talk.end(group, "a challenge is good for less than 60 s", "Deadline")


def _versions(group: Group, algorithm: Algorithm) -> None:
    talk = Dialogue(algorithm)
    for changes, code in (
        ({"policy_version": 8}, "E_ROLLBACK"),
        ({"policy_epoch": 2}, "E_EPOCH"),
        ({"keyset_version": 2}, "E_KEYSET_STALE"),
    ):
        talk.refused(NOW, talk.device(T.CHALLENGE_REQ, **changes), "POLICY", code)
    talk.end(group, "a device that is ahead is never answered", "Ahead")

    talk = Dialogue(algorithm, keysets=3)
    talk.asks(NOW, talk.device(T.CHALLENGE_REQ), "KEYSET", "KEYSET", "CHALLENGE")
    behind = talk.device(T.REQUEST)
    talk.asks(NOW, behind, "KEYSET", "KEYSET", "ERROR", stage="POLICY", code="E_KEYSET_STALE")
    talk.asks(NOW, talk.device(T.REQUEST, keyset_version=3), "RESPONSE")
    talk.end(group, "a device that is behind gets the keysets first", "Behind")
