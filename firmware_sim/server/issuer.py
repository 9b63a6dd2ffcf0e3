"""The issuer: one whole message in, the messages that answer it out. Pure but for its store.

It believes nothing before a device's signature, decides once for each request, and answers
the same request with the same octets. A device that has seen a newer policy or keyset than
the server's gets an ERROR, never an older answer; one that is behind gets the keysets first.

Source: SPEC.md, "Server".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from firmware_sim.errors import SimError
from firmware_sim.events import NOTHING, Event
from firmware_sim.server import answers
from firmware_sim.server.decision import PlaceEvidence, Verdict, decide
from firmware_sim.server.devices import (
    CHALLENGE_REPEAT_S,
    Device,
    DeviceEvent,
    DeviceState,
    IllegalMove,
    move,
)
from firmware_sim.server.enrolment import FIRST_USE, Enrolment
from firmware_sim.server.keys import ServerKeys
from firmware_sim.server.policy import Policy
from firmware_sim.server.store import DeviceStore
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import Envelope, open_envelope
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.numbers import SIGNING_CONTEXT, MessageType, TicketScope
from firmware_sim_protocol.rules import SOUND, Guard, Rule, Stage
from firmware_sim_protocol.signing import PublicKey, accepted_octets
from firmware_sim_protocol.values import (
    Challenge,
    ChallengeReq,
    Confirm,
    ConfirmAck,
    Error,
    Request,
    UnlockChallenge,
)

M = TypeVar("M")

FACTORY_REALM = bytes(16)
"""The realm in a CHALLENGE_REQ of whoever has no keyset yet."""
RECENT_KEYS = 256


class Behind(Exception):
    """The device must take these keysets before it can be answered."""

    def __init__(self, version: int) -> None:
        super().__init__(f"keyset {version}")
        self.version = version


class SigningRefused(SimError):
    """A signature that must not leave the server: two messages would share their half r."""

    def __init__(self, text: str) -> None:
        super().__init__("server", text)


@dataclass(frozen=True, slots=True)
class _Arrival:
    envelope: Envelope
    now_s: int
    at: int

    @property
    def exchange_id(self) -> int:
        return self.envelope.header.exchange_id


class Issuer:
    """The server's machine, for all devices of one realm."""

    def __init__(
        self,
        *,
        keys: ServerKeys,
        policy: Policy,
        store: DeviceStore,
        entropy: Callable[[int], bytes],
        realm: bytes | None = None,
        keysets: tuple[bytes, ...] | None = None,
        enrolment: Enrolment = FIRST_USE,
        guard: Guard = SOUND,
    ) -> None:
        """`realm` and `keysets` are those of `keys` unless given.

        Raises:
            SimError: the policy may not follow the ones that the store has known.
        """
        self._keys = keys if keysets is None else replace(keys, keysets=keysets)
        self._realm = self._keys.realm if realm is None else realm
        self._store = store
        self._entropy = entropy
        self._enrolment = enrolment
        self._guard = guard
        self._rows: list[tuple[Any, ...]] = []
        """Fields of events; an `Event` is made of them when somebody asks."""
        self._recent: dict[bytes, PublicKey] = {}
        self._policy = policy
        self.set_policy(policy)

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._policy

    @property
    def keys(self) -> ServerKeys:
        """The keys in force."""
        return self._keys

    def set_policy(self, policy: Policy, at: int = 0) -> None:
        """Put another policy in force, from the next decision on.

        Raises:
            SimError: its version is older, or was in force with other content.
        """
        epoch = self._keys.keyset.policy_epoch
        self._store.note_policy(epoch, policy.version, policy.digest)
        self._policy = policy
        self._note(at, "state", f"policy {policy.name} version {policy.version} in force")

    def set_keys(self, keys: ServerKeys, at: int = 0) -> None:
        """Put a later chain of keysets in force: a rotation.

        Raises:
            SimError: it does not begin with the present chain.
        """
        known = self._keys.keysets
        if keys.keysets[: len(known)] != known:
            raise SigningRefused("the new chain of keysets does not continue the present one")
        self._keys = keys
        self._note(at, "state", f"keyset {keys.keyset.version} in force")
        self.set_policy(self._policy, at)

    def events(self) -> list[Event]:
        """What it noticed since the last call."""
        rows, self._rows = self._rows, []
        return [_event(row) for row in rows]

    def answer(self, message: bytes, now_s: int, at: int = 0) -> list[bytes]:
        """The whole messages that answer a whole message; none for one that needs no answer.

        `now_s`: seconds since 1970, rounded down. `at`: the instant that events carry, in
        monotonic milliseconds.

        Raises:
            SimError: the store failed; nothing was answered.
        """
        exchange_id, answerable = 0, True
        try:
            envelope = open_envelope(message, self._guard)
            exchange_id = envelope.header.exchange_id
            arrival = _Arrival(envelope, now_s, at)
            kind = envelope.header.type
            answerable = kind is not MessageType.ERROR
            self._note_message(at, kind, message, sent=False)
            handler = _HANDLERS.get(kind)
            if handler is None:
                self._require(Rule.HEADER_TYPE, False, f"{kind.name} is no message to a server")
                return []
            replies = handler(self, arrival)
        except Refusal as refusal:
            error = self.refuse(refusal, exchange_id, at, silent=not answerable)
            return [error] if answerable else []
        except Behind as behind:
            # The exchange cannot go on, but the device can be brought forward at once.
            self._note(at, "state", f"device is behind: has {behind}")
            stale = Refusal(Rule.POLICY_KEYSET, str(behind))
            replies = [*self._keysets_after(behind.version)]
            replies.append(self.refuse(stale, exchange_id, at, retry_after=1))
        for reply in replies:
            sent = MessageType(reply[5])
            if sent is not MessageType.ERROR:
                self._note_message(at, sent, reply, sent=True)
        return replies

    def refuse(
        self,
        refusal: Refusal,
        exchange_id: int = 0,
        at: int = 0,
        retry_after: int | None = None,
        *,
        silent: bool = False,
    ) -> bytes:
        """The ERROR for a refusal: only the stage goes out, the whole story into the events.

        `silent`: it will not be sent, because an ERROR is never answered by an ERROR.
        """
        stage = refusal.stage
        detail = {"rule": refusal.rule.id, "code": refusal.code.value, "stage": stage.name}
        self._note(at, "refusal", str(refusal), detail)
        error = build_message(Error(stage=int(stage), retry_after=retry_after), exchange_id)
        if not silent:
            self._rows.append((at, "message", f"sent ERROR {stage.name}", NOTHING, error, True))
        return error

    # One handler a type --------------------------------------------------------------------

    def _challenge(self, arrival: _Arrival) -> list[bytes]:
        asked = self._read(arrival, ChallengeReq)
        if asked.realm == FACTORY_REALM and asked.keyset_version == 0:
            # A factory that asks what its new phones shall trust: public, and answers itself.
            return [self._keys.trust]
        self._require(Rule.BIND_REALM, asked.realm == self._realm, "CHALLENGE_REQ")
        self._not_ahead(asked.keyset_version, asked.policy_epoch, asked.policy_version)
        self._enrolment.require_key(asked.device_key_id)
        key_id, now_s = asked.device_key_id, arrival.now_s
        device = self._store.find(key_id) or Device(key_id=key_id, first_seen_s=now_s)
        device = device.expired(now_s)
        state, _ = self._move(device, DeviceEvent.ASKED)
        young = now_s - device.challenged_at < CHALLENGE_REPEAT_S
        if not (device.state is DeviceState.CHALLENGED and young):
            nonce = self._entropy(32)
            device = replace(device, state=state, server_nonce=nonce, challenged_at=now_s)
            self._store.put(device)
        challenge = Challenge(
            realm=self._realm,
            device_key_id=key_id,
            server_nonce=device.server_nonce,
            keyset_version=self._keys.keyset.version,
        )
        return [
            *self._keysets_after(asked.keyset_version),
            build_message(challenge, arrival.exchange_id),
        ]

    def _request(self, arrival: _Arrival) -> list[bytes]:
        # The device's key stands in its own message: it is read before it is believed, and
        # nothing of it is used before its signature and its key id are checked.
        request = self._read(arrival, Request)
        key = PublicKey.load(request.device_key_algorithm, request.device_key, self._guard)
        self._verify(arrival.envelope, key)
        self._require(
            Rule.BIND_DEVICE, hmac.compare_digest(key.key_id, request.device_key_id), "REQUEST"
        )
        self._require(Rule.BIND_REALM, request.realm == self._realm, "REQUEST")
        self._remember(key)
        digest = arrival.envelope.digest
        device = self._store.find(key.key_id)
        if device is None:
            self._require(Rule.FRESH_SOLICITED, False, "no CHALLENGE was asked for")
            return []
        device = device.expired(arrival.now_s)
        known = device.answer_to(digest)
        if known is not None:
            self._move(device, DeviceEvent.REPEATED)
            self._require(Rule.FRESH_AGE, known.response != b"", "answered too long ago")
            self._note(arrival.at, "state", "request repeated: same answer")
            return [known.response]
        reused = device.answer_with_nonce(request.device_nonce) is not None
        self._require(Rule.NONCE_REUSE, not reused, "device nonce of another request")
        fresh = hmac.compare_digest(device.server_nonce, request.server_nonce)
        self._require(Rule.FRESH_NONCE, fresh, "not the server nonce that is open")
        state, _ = self._move(device, DeviceEvent.REQUESTED)
        self._not_ahead(request.keyset_version, request.policy_epoch, request.policy_version)
        # What the server itself remembers counts as well, whatever the device now claims.
        self._not_ahead(0, *device.policy_floor)
        if request.keyset_version < self._keys.keyset.version:
            raise Behind(request.keyset_version)
        first = self._store.first_key_of(request.imei)
        self._enrolment.require(key.key_id, request.imei, first)
        if first is not None and key.key_id != first and device.imei != request.imei:
            text = f"{request.imei} comes with another device key than {first.hex()[:8]}"
            self._note(arrival.at, "state", text)
        return [self._decide(arrival, request, device, state)]

    def _decide(
        self, arrival: _Arrival, request: Request, device: Device, state: DeviceState
    ) -> bytes:
        if device.imei and device.imei != request.imei:
            text = f"device {device.key_id.hex()[:8]} changed IMEI {device.imei} to {request.imei}"
            self._note(arrival.at, "state", text)
        imeis = (request.imei,) if request.imei2 is None else (request.imei, request.imei2)
        verdict = decide(PlaceEvidence.of(request), imeis, self._policy, arrival.now_s, device)
        # A clock that was set back must not make a device refuse its answer as too old.
        issued_at = max(arrival.now_s, device.issued_floor)
        response = answers.response(
            request, arrival.envelope.digest, verdict, issued_at, self._policy, self._keys.keyset
        )
        message = build_message(response, arrival.exchange_id, (self._keys.act,))
        self._lint(message)
        decided = answers.record(device, state, request, response, message, verdict)
        # Kept before it is sent: a server killed in between gives the same answer again.
        self._store.put(decided)
        self._tell(arrival.at, request, verdict)
        return message

    def _confirm(self, arrival: _Arrival) -> list[bytes]:
        confirm = self._read(arrival, Confirm)
        device = self._store.find(confirm.device_key_id)
        if device is None or not device.public_key:
            self._require(Rule.KEY_KNOWN, False, "CONFIRM of a device that never asked")
            return []
        self._verify(arrival.envelope, self._key_of(device))
        self._require(Rule.BIND_REALM, confirm.realm == self._realm, "CONFIRM")
        device = device.expired(arrival.now_s)
        answer = device.answer_confirmed_by(confirm.response_hash)
        if answer is None:
            changes: dict[str, Any] = {"released": self._ticket_used(device, confirm)}
        else:
            same = hmac.compare_digest(answer.device_nonce, confirm.device_nonce)
            self._require(Rule.FRESH_NONCE, same, "CONFIRM names another nonce")
            changes = {"answers": answers.confirmed(device, answer)}
        state, _ = self._move(device, DeviceEvent.CONFIRMED)
        self._store.put(replace(device, state=state, **changes))
        text = f"device {device.key_id.hex()[:8]} confirms {confirm.lock_state.name}"
        self._note(arrival.at, "state", text, {"lock_state": confirm.lock_state.name})
        acknowledgement = ConfirmAck(
            realm=self._realm,
            device_key_id=device.key_id,
            response_hash=confirm.response_hash,
        )
        return [build_message(acknowledgement, arrival.exchange_id)]

    def _ticket_used(self, device: Device, confirm: Confirm) -> TicketScope:
        scope = self._store.ticket_scope(confirm.response_hash, device.key_id)
        self._require(Rule.BIND_REQUEST, scope is not None, "CONFIRM of an answer not given")
        return device.released | TicketScope(scope or 0)

    def _unlock_challenge(self, arrival: _Arrival) -> list[bytes]:
        # Tickets are issued by a person (`firmware-sim unlock issue`), never by the server alone.
        challenge = self._read(arrival, UnlockChallenge)
        self._note(arrival.at, "state", f"{challenge.imei} asks for an unlock ticket")
        return []

    def _error(self, arrival: _Arrival) -> list[bytes]:
        error = self._read(arrival, Error)
        stages = {int(stage): stage.name for stage in Stage}
        text = f"device reports an error: {stages.get(error.stage, str(error.stage))}"
        self._note(arrival.at, "state", text)
        return []

    # What the handlers share ---------------------------------------------------------------

    def _read(self, arrival: _Arrival, wanted: type[M]) -> M:
        message = parse_message(arrival.envelope, self._guard)
        assert isinstance(message, wanted)
        return message

    def _key_of(self, device: Device) -> PublicKey:
        """The device's key; the one of its REQUEST, whose point is decompressed already."""
        recent = self._recent.get(device.key_id)
        return recent or PublicKey(device.algorithm, device.public_key)

    def _remember(self, key: PublicKey) -> None:
        if len(self._recent) >= RECENT_KEYS:
            del self._recent[next(iter(self._recent))]
        self._recent[key.key_id] = key

    def _verify(self, envelope: Envelope, key: PublicKey) -> None:
        signatures = envelope.signatures
        self._require(Rule.SIG_PRESENT, bool(signatures), "no signature")
        if len(signatures) != 1:
            self._require(Rule.SIG_SINGLE, False, f"{len(signatures)} signatures")
        own = hmac.compare_digest(signatures[0].key_id, key.key_id)
        self._require(Rule.KEY_KNOWN, own, "not signed by the device's own key")
        context = SIGNING_CONTEXT[envelope.header.type]
        octets = accepted_octets(context, envelope.header_and_body, self._guard)
        key.verify_any(octets, signatures[0].signature, self._guard)

    def _not_ahead(self, keyset_version: int, epoch: int, version: int) -> None:
        ours = self._keys.keyset
        # Worded only when refused: this is asked three times in every exchange.
        if keyset_version > ours.version:
            detail = f"device has keyset {keyset_version}, server {ours.version}"
            self._require(Rule.POLICY_KEYSET, False, detail)
        if epoch > ours.policy_epoch:
            detail = f"device has epoch {epoch}, server {ours.policy_epoch}"
            self._require(Rule.POLICY_EPOCH, False, detail)
        # Within one epoch versions only rise; a later epoch begins anew.
        if epoch == ours.policy_epoch and version > self._policy.version:
            detail = f"device has policy {version}, server {self._policy.version}"
            self._require(Rule.POLICY_VERSION, False, detail)

    def _keysets_after(self, version: int) -> tuple[bytes, ...]:
        missing = max(0, self._keys.keyset.version - version)
        return self._keys.keysets[-missing:] if missing else ()

    def _move(self, device: Device, event: DeviceEvent) -> tuple[DeviceState, object]:
        try:
            return move(device.state, event)
        except IllegalMove as illegal:
            raise Refusal(Rule.FRESH_SOLICITED, str(illegal)) from illegal

    def _lint(self, message: bytes) -> None:
        """Two messages whose ECDSA signatures share r give the private key away."""
        half = message[-64:-32]
        if not self._store.claim_r(half, hashlib.sha256(message).digest()):
            raise SigningRefused("the signature repeats r of another message: nothing was sent")

    def _require(self, rule: Rule, holds: bool, detail: str) -> None:
        self._guard.require(rule, holds, detail)

    def _tell(self, at: int, request: Request, verdict: Verdict) -> None:
        place = verdict.subdivision or verdict.country or "unknown place"
        text = f"{verdict.decision.name} for {request.imei} in {place}: {verdict.rule}"
        detail = {
            "decision": verdict.decision.name,
            "reason": verdict.reason.name,
            "country": verdict.country,
            "subdivision": verdict.subdivision,
            "rule": verdict.rule,
            "imei": request.imei,
        }
        self._note(at, "state", text, detail)

    def _note(self, at: int, kind: str, text: str, detail: Mapping[str, object] = NOTHING) -> None:
        self._rows.append((at, kind, text, detail, b"", None))

    def _note_message(self, at: int, kind: MessageType, raw: bytes, *, sent: bool) -> None:
        self._rows.append((at, "message", kind, NOTHING, raw, sent))


def _event(row: tuple[Any, ...]) -> Event:
    at, kind, words, detail, raw, sent = row
    if isinstance(words, MessageType):
        words = f"{'sent' if sent else 'received'} {words.name}"
    return Event(at, "server", kind, words, detail, raw, sent)


_HANDLERS: Mapping[MessageType, Callable[[Issuer, _Arrival], list[bytes]]] = {
    MessageType.CHALLENGE_REQ: Issuer._challenge,
    MessageType.REQUEST: Issuer._request,
    MessageType.CONFIRM: Issuer._confirm,
    MessageType.UNLOCK_CHALLENGE: Issuer._unlock_challenge,
    MessageType.ERROR: Issuer._error,
}
