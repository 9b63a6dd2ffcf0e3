"""A device that speaks ODAP/1 to a server under test: real messages, real signatures, no screen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

from firmware_sim.links.entropy import SeededEntropy
from firmware_sim.server import policyfile
from firmware_sim.server.issuer import Issuer
from firmware_sim.server.keys import ServerKeys, make_keys
from firmware_sim.server.policy import Policy
from firmware_sim.server.store import DeviceStore, MemoryStore
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.keyset import KeyRing
from firmware_sim_protocol.numbers import (
    Algorithm,
    Evidence,
    FirmwareKind,
    LockState,
    MessageType,
)
from firmware_sim_protocol.signing import PrivateKey
from firmware_sim_protocol.values import (
    NO_EXTENSIONS,
    Challenge,
    ChallengeReq,
    Confirm,
    ConfirmAck,
    Error,
    Extensions,
    KeySet,
    Request,
    Response,
)

IMEI = "490154203237518"
NOW_S = 1_800_000_000


@cache
def keys_for(algorithm: Algorithm = Algorithm.ESP256, seed: int = 1) -> ServerKeys:
    """The test deployment's keys."""
    return make_keys(SeededEntropy(seed), algorithm)


def issuer_with(
    *,
    policy: Policy | None = None,
    store: DeviceStore | None = None,
    keys: ServerKeys | None = None,
    seed: int = 2,
    **more: object,
) -> Issuer:
    """An issuer with the default policy and a new store, unless told otherwise."""
    return Issuer(
        keys=keys or keys_for(),
        policy=policy or policyfile.pack(),
        store=store if store is not None else MemoryStore(),
        entropy=SeededEntropy(seed),
        **more,  # type: ignore[arg-type]
    )


class Refused(Exception):
    """The server answered ERROR; `stage` is what it said."""

    def __init__(self, stage: int, retry_after: int | None) -> None:
        super().__init__(f"stage {stage}")
        self.stage = stage
        self.retry_after = retry_after


@dataclass
class TestDevice:
    """One handset's side of the dialogue; every field can be bent by a test."""

    __test__ = False

    imei: str = IMEI
    imei2: str | None = None
    serving: str | None = "26201"
    sim: str | None = None
    seed: int = 7
    algorithm: Algorithm = Algorithm.ESP256
    keys: ServerKeys = field(default_factory=keys_for)
    keyset_version: int | None = None
    floors: tuple[int, int] = (0, 0)
    lock_state: LockState = LockState.SETUP_LOCKED
    extensions: Extensions = NO_EXTENSIONS
    exchange_id: int = 0x0D0A0001

    def __post_init__(self) -> None:
        self.entropy = SeededEntropy(self.seed)
        self.key = PrivateKey.derive(self.algorithm, self.entropy(32))
        self.ring = KeyRing(self.keys.keyset)
        if self.keyset_version is None:
            self.keyset_version = self.keys.keyset.version

    @property
    def key_id(self) -> bytes:
        return self.key.public.key_id

    def challenge_req(self) -> bytes:
        assert self.keyset_version is not None
        asked = ChallengeReq(
            realm=self.keys.realm,
            device_key_id=self.key_id,
            keyset_version=self.keyset_version,
            policy_epoch=self.floors[0],
            policy_version=self.floors[1],
        )
        return build_message(asked, self.exchange_id)

    def evidence(self) -> Evidence:
        more = self.extensions
        found = Evidence(0)
        found |= Evidence.SERVING if self.serving else 0
        found |= Evidence.SIM if self.sim else 0
        found |= Evidence.GNSS if more.gnss else 0
        found |= Evidence.CELL if more.cell else 0
        found |= Evidence.WIFI_COUNTRY if more.wifi_country else 0
        return found

    def request_value(self, server_nonce: bytes) -> Request:
        assert self.keyset_version is not None
        return Request(
            realm=self.keys.realm,
            device_key_id=self.key_id,
            device_key_algorithm=self.algorithm,
            device_key=self.key.public.octets,
            imei=self.imei,
            imei2=self.imei2,
            device_nonce=self.entropy(32),
            server_nonce=server_nonce,
            serving_plmn=self.serving,
            sim_plmn=self.sim,
            evidence=self.evidence(),
            policy_epoch=self.floors[0],
            policy_version=self.floors[1],
            keyset_version=self.keyset_version,
            lock_state=self.lock_state,
            firmware_kind=FirmwareKind.OFFICIAL,
            security_version=1,
            boot_count=1,
            extensions=self.extensions,
        )

    def request(self, server_nonce: bytes, **bent: object) -> bytes:
        value = replace(self.request_value(server_nonce), **bent)  # type: ignore[arg-type]
        return build_message(value, self.exchange_id, (self.key,))

    def take(self, replies: list[bytes]) -> object:
        """The last reply, after the keysets before it were followed. Raises: Refused."""
        last: object = None
        for raw in replies:
            envelope = open_envelope(raw)
            if envelope.header.type is MessageType.KEYSET:
                fresh: KeySet = self.ring.next_keyset(envelope, self.ring.keyset.not_before)
                self.ring, self.keyset_version = KeyRing(fresh), fresh.version
                continue
            assert envelope.header.exchange_id == self.exchange_id
            last = parse_message(envelope)
            if isinstance(last, Response):
                self.ring.verify(envelope, last.issued_at)
        if isinstance(last, Error):
            raise Refused(last.stage, last.retry_after)
        return last

    def ask(self, issuer: Issuer, now_s: int = NOW_S) -> bytes:
        """CHALLENGE_REQ; the server nonce."""
        challenge = self.take(issuer.answer(self.challenge_req(), now_s))
        assert isinstance(challenge, Challenge)
        return challenge.server_nonce

    def submit(self, issuer: Issuer, request: bytes, now_s: int = NOW_S) -> Response:
        """REQUEST; the verified RESPONSE."""
        response = self.take(issuer.answer(request, now_s))
        assert isinstance(response, Response)
        assert response.request_hash == open_envelope(request).digest
        return response

    def confirm_message(self, response_raw_hash: bytes, nonce: bytes) -> bytes:
        value = Confirm(
            realm=self.keys.realm,
            device_key_id=self.key_id,
            device_nonce=nonce,
            response_hash=response_raw_hash,
            record_sequence=1,
            lock_state=LockState.ACTIVE,
        )
        return build_message(value, self.exchange_id, (self.key,))

    def activate(self, issuer: Issuer, now_s: int = NOW_S) -> Response:
        """A whole exchange, CONFIRM_ACK included."""
        request = self.request(self.ask(issuer, now_s))
        replies = issuer.answer(request, now_s)
        response = self.take(replies)
        assert isinstance(response, Response)
        digest = open_envelope(replies[-1]).digest
        confirm = self.confirm_message(digest, response.device_nonce)
        ack = self.take(issuer.answer(confirm, now_s))
        assert isinstance(ack, ConfirmAck)
        assert ack.response_hash == digest
        self.floors = (response.policy_epoch, response.policy_version)
        return response
