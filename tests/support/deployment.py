"""A deployment in a few lines: test keys, a server that signs what it is told, one phone.

The server keeps nothing but the last challenge: what a phone must refuse is easily made by
replacing fields of its answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from typing import Any

from firmware_sim.handset.autopilot import autopilot
from firmware_sim.handset.board import Board
from firmware_sim.handset.device import Handset
from firmware_sim.handset.evidence import Evidence, SimCondition
from firmware_sim.handset.firmware import OFFICIAL, Firmware
from firmware_sim.handset.flash import MemoryFlash
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.framing import Framing, TcpFraming
from firmware_sim_protocol.keyset import sign_keyset
from firmware_sim_protocol.numbers import (
    Algorithm,
    Decision,
    MessageType,
    Reason,
    Role,
    TicketScope,
)
from firmware_sim_protocol.rules import SOUND, Guard
from firmware_sim_protocol.signing import PrivateKey
from firmware_sim_protocol.values import (
    Challenge,
    ChallengeReq,
    Confirm,
    ConfirmAck,
    Error,
    KeyEntry,
    KeySet,
    Request,
    Response,
    UnlockChallenge,
    UnlockTicket,
)

NOW_S = 1_767_225_600
"""2026-01-01: the wall clock when a phone first boots."""
YEAR_S = 365 * 86_400
REALM = b"norvik-test-0001"
IMEI = "490154203237518"
OTHER_IMEI = "356938035643809"
KEY_ID_OF_NOBODY = bytes(32)


@cache
def key(label: str, algorithm: Algorithm = Algorithm.ESP256) -> PrivateKey:
    """A test key by name: equal names, equal keys."""
    return PrivateKey.derive(
        algorithm, hashlib.sha256(f"{algorithm.name} {label}".encode()).digest()
    )


def entropy(seed: int = 0) -> Callable[[int], bytes]:
    """Numbers that look random and never repeat."""
    counter = count()

    def draw(size: int) -> bytes:
        octets = b""
        while len(octets) < size:
            octets += hashlib.sha256(f"{seed} {next(counter)}".encode()).digest()
        return octets[:size]

    return draw


@dataclass
class Keys:
    """Everything that signs."""

    algorithm: Algorithm = Algorithm.ESP256
    roots: tuple[PrivateKey, ...] = ()
    act: PrivateKey = field(init=False)
    unlock: PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        if not self.roots:
            self.roots = tuple(key(f"root {n}", self.algorithm) for n in range(3))
        self.act = key("act", self.algorithm)
        self.unlock = key("unlock", self.algorithm)

    def entry(self, private: PrivateKey, roles: Role, **changes: Any) -> KeyEntry:
        row = KeyEntry(
            algorithm=private.algorithm,
            roles=roles,
            not_before=NOW_S - YEAR_S,
            not_after=NOW_S + 5 * YEAR_S,
            public_key=private.public.octets,
        )
        return replace(row, **changes)

    def keyset(self, **changes: Any) -> KeySet:
        """Version 1: three roots of which two must sign, one ACT and one UNLOCK key."""
        rows = [self.entry(root, Role.ROOT) for root in self.roots]
        rows += [self.entry(self.act, Role.ACT), self.entry(self.unlock, Role.UNLOCK)]
        keyset = KeySet(
            realm=REALM,
            version=1,
            not_before=NOW_S - YEAR_S,
            not_after=NOW_S + 5 * YEAR_S,
            policy_epoch=1,
            root_threshold=2,
            entries=tuple(rows),
        )
        return replace(keyset, **changes)

    def signed(self, keyset: KeySet, roots: tuple[PrivateKey, ...] | None = None) -> bytes:
        return _signed(keyset, roots if roots is not None else self.roots[:2])


_signed = cache(sign_keyset)


class Server:
    """Answers as it is told. `answer` and the other fields may be changed at any time."""

    def __init__(self, keys: Keys | None = None, now_s: int = NOW_S) -> None:
        self.keys = keys or Keys()
        self.keysets = [self.keys.signed(self.keys.keyset())]
        self.keyset = self.keys.keyset()
        self.now_s = now_s
        self.answer: dict[str, Any] = {"decision": Decision.ACTIVATE, "policy_version": 1}
        """Fields of RESPONSE that differ from the default."""
        self.signer: PrivateKey | None = None
        self.acknowledges = True
        self.requests: list[bytes] = []
        self.confirms: list[Confirm] = []
        self.errors: list[Error] = []
        self.responses: list[bytes] = []
        self._draw = entropy(99)

    def rotate(self, keyset: KeySet, roots: tuple[PrivateKey, ...] | None = None) -> None:
        """Put the next keyset in force."""
        self.keysets.append(self.keys.signed(keyset, roots))
        self.keyset = keyset

    def handle(self, raw: bytes) -> list[bytes]:
        """The messages that answer one message."""
        envelope = open_envelope(raw)
        exchange_id = envelope.header.exchange_id
        message = parse_message(envelope)
        match message:
            case ChallengeReq():
                challenge = Challenge(
                    realm=REALM,
                    device_key_id=message.device_key_id,
                    server_nonce=self._draw(32),
                    keyset_version=self.keyset.version,
                )
                first = self.keyset.version - len(self.keysets) + 1
                missing = self.keysets[max(0, message.keyset_version + 1 - first) :]
                return [*missing, build_message(challenge, exchange_id)]
            case Request():
                self.requests.append(raw)
                return [self.respond(raw)]
            case Confirm():
                self.confirms.append(message)
                ack = ConfirmAck(
                    realm=REALM,
                    device_key_id=message.device_key_id,
                    response_hash=message.response_hash,
                )
                return [build_message(ack, exchange_id)] if self.acknowledges else []
            case Error():
                self.errors.append(message)
        return []

    def respond(self, request_raw: bytes, **changes: Any) -> bytes:
        """The signed RESPONSE to a REQUEST, with these fields instead of the usual ones."""
        envelope = open_envelope(request_raw)
        request = parse_message(envelope)
        assert isinstance(request, Request)
        changes = self.answer | changes
        exchange_id = changes.pop("exchange_id", envelope.header.exchange_id)
        signer = changes.pop("signer", None) or self.signer or self.keys.act
        response = Response(
            realm=REALM,
            device_key_id=request.device_key_id,
            imei=request.imei,
            device_nonce=request.device_nonce,
            request_hash=envelope.digest,
            decision=Decision.ACTIVATE,
            reason=Reason.NONE,
            country=None,
            subdivision=None,
            policy_epoch=self.keyset.policy_epoch,
            policy_version=1,
            keyset_version=self.keyset.version,
            issued_at=self.now_s,
            not_after=self.now_s + 3600,
            max_age=120,
            retry_after=None,
            recheck_after=None,
        )
        raw = build_message(replace(response, **changes), exchange_id, (signer,))
        self.responses.append(raw)
        return raw

    def ticket(self, challenge_raw: bytes, scope: TicketScope, **changes: Any) -> bytes:
        """The signed UNLOCK_TICKET for an UNLOCK_CHALLENGE."""
        envelope = open_envelope(challenge_raw)
        challenge = parse_message(envelope)
        assert isinstance(challenge, UnlockChallenge)
        exchange_id = changes.pop("exchange_id", envelope.header.exchange_id)
        signer = changes.pop("signer", None) or self.keys.unlock
        ticket = UnlockTicket(
            realm=REALM,
            device_key_id=challenge.device_key_id,
            imei=challenge.imei,
            challenge=challenge.challenge,
            ticket_id=self._draw(16),
            scope=scope,
            policy_epoch=self.keyset.policy_epoch,
            policy_version=self.answer.get("policy_version", 1),
            keyset_version=self.keyset.version,
            issued_at=self.now_s,
            not_after=self.now_s + 7 * 86_400,
        )
        return build_message(replace(ticket, **changes), exchange_id, (signer,))


GERMANY = Evidence(
    imei=IMEI,
    serving="26201",
    sim="26201",
    operator="Telekom",
    signal=3,
    sim_state=SimCondition.READY,
    registered=True,
)


class Bench:
    """One phone and one server, joined by a wire that can be cut or tampered with."""

    def __init__(
        self,
        *,
        server: Server | None = None,
        flash: MemoryFlash | None = None,
        guard: Guard = SOUND,
        firmware: Firmware = OFFICIAL,
        framing: Callable[[Guard], Framing] = TcpFraming,
        board: Board | None = None,
        trust: KeySet | None = None,
        evidence: Evidence = GERMANY,
        seed: int = 0,
    ) -> None:
        self.server = server or Server()
        self.flash = flash or MemoryFlash()
        self.evidence = evidence
        self.now = 1_000
        self.rtc_s = NOW_S
        self.trust = trust or self.server.keys.keyset()
        self.board = board or Board(
            imei=IMEI, device_key=key("device", self.server.keys.algorithm), storage_key=bytes(32)
        )
        self.guard = guard
        self.firmware = firmware
        self._framing = framing
        self._draw = entropy(seed)
        self.online = True
        self.intercept: Callable[[bytes], list[bytes]] = lambda message: [message]
        """What becomes of a message on its way to the phone."""
        self.events: list[Any] = []
        self.new_phone()

    def new_phone(self) -> None:
        """Another process, or another run, on the same board and flash."""
        self.linked = False
        self.server_side = self._framing(SOUND)
        self.phone = Handset(
            board=self.board,
            flash=self.flash,
            trust=self.trust,
            realm=REALM,
            entropy=self._draw,
            firmware=self.firmware,
            guard=self.guard,
            framing=self._framing(self.guard),
        )

    def boot(self, evidence: bool = True) -> None:
        self.linked = False
        self.phone.boot(self.now, self.rtc_s)
        if evidence:
            self.phone.sees(self.evidence, self.now)

    def restart(self) -> None:
        self.new_phone()
        self.boot()

    def see(self, **changes: Any) -> None:
        self.evidence = replace(self.evidence, **changes)
        self.phone.sees(self.evidence, self.now)

    def step(self) -> bool:
        """One round of everything that is due now; whether anything moved."""
        phone, moved = self.phone, False
        action = autopilot(phone.view)
        if action is not None:
            phone.acts(action, self.now)
            moved = True
        if phone.wants_link != self.linked:
            moved = True
            if not self.linked and not self.online:
                phone.link_lost(self.now, "no answer from the server")
            else:
                self.linked = phone.wants_link
                if self.linked:
                    self.server_side.reset()
                    phone.link_opened(self.now)
        data = phone.outgoing()
        if data and self.linked:
            moved = True
            for message in self.server_side.feed(data, self.now):
                assert isinstance(message, bytes)
                for reply in self.server.handle(message):
                    self.deliver(*self.intercept(reply))
        self.events += phone.events()
        return moved

    def deliver(self, *messages: bytes) -> None:
        """Messages arrive at the phone."""
        for message in messages:
            self.phone.receive(self.server_side.wrap(message), self.now)

    def settle(self) -> Handset:
        """Everything that happens without time passing."""
        for _ in range(200):
            if not self.step():
                return self.phone
        raise AssertionError("the phone never comes to rest")

    def run(self, milliseconds: int) -> Handset:
        """Let this much time pass, event by event."""
        end = self.now + milliseconds
        self.settle()
        while True:
            wake = self.phone.wake_at()
            at = end if wake is None else min(wake, end)
            self.pass_time(at - self.now)
            self.phone.tick(self.now)
            self.settle()
            if self.now >= end:
                return self.phone

    def pass_time(self, milliseconds: int) -> None:
        """The clocks move; nobody is told."""
        self.now += milliseconds
        seconds = self.now // 1000 - (self.now - milliseconds) // 1000
        self.rtc_s += seconds
        self.server.now_s += seconds

    def refusals(self) -> list[str]:
        """The rules that were broken so far, by id."""
        self.events += self.phone.events()
        return [
            event.detail["rule"]
            for event in self.events
            if event.kind == "refusal" and "rule" in event.detail
        ]


def messages_of(events: list[Any], kind: MessageType) -> Iterator[bytes]:
    """Whole messages of one type, in order, from the events of a phone."""
    return (event.raw for event in events if event.raw and event.raw[5] == kind)
