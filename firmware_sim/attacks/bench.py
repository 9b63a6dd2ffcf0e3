"""The server's side of the table: an honest issuer, and a hand that changes what it says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from firmware_sim.attacks import forge
from firmware_sim.attacks.device import (
    Ability,
    Device,
    Lacking,
    Manufacture,
    Report,
)
from firmware_sim.attacks.world import IMEI, NOW_S, POLICY_VERSION, SERVING, SIM, World
from firmware_sim.server.issuer import Issuer
from firmware_sim.server.policy import Policy
from firmware_sim.server.store import MemoryStore
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import Envelope, open_envelope
from firmware_sim_protocol.errors import ProtocolError, Refusal
from firmware_sim_protocol.keyset import verify_signed_by
from firmware_sim_protocol.numbers import Decision, LockState, MessageType, Reason, TicketScope
from firmware_sim_protocol.signing import PrivateKey
from firmware_sim_protocol.values import (
    Challenge,
    ChallengeReq,
    Confirm,
    ConfirmAck,
    Extensions,
    KeySet,
    Message,
    Request,
    Response,
    UnlockChallenge,
    UnlockTicket,
)

M = TypeVar("M")
PATIENCE_MS = 2 * 3_600_000
"""How long the bench waits for a message: past the longest back-off."""
POLICY = Policy(name="attacks", version=POLICY_VERSION, digest=bytes(32))
CUSTOM = Extensions(unknown=((0x7F01, b"a later version's"),))
"""Honest answers carry an extension that no device knows: refusing it would be over-strict."""


class Silent(Exception):
    """The device did not send what the scene needs; for a control this is a failure."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One thing that went over the link, or one thing that was done to the device."""

    at: int
    who: str
    """"device", "server", "attacker" or "bench"."""
    octets: bytes
    note: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """An exchange up to the REQUEST, and the honest answer to it."""

    challenge_req: ChallengeReq
    raw_request: bytes
    request: Request
    exchange_id: int
    honest: bytes
    """The issuer's RESPONSE, whole."""

    @property
    def response(self) -> Response:
        message = parse_message(open_envelope(self.honest))
        assert isinstance(message, Response)
        return message

    @property
    def body(self) -> bytes:
        return forge.split(self.honest)[1]


@dataclass
class Bench:
    """One scene with one device. `made` is how the device was made."""

    device: Device
    world: World
    scene: str
    made: Manufacture = field(init=False)
    frames: list[Frame] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    confirms: list[Confirm] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    attempts: int = 0
    nonces_fresh: bool = True
    hostile_from: int | None = None
    """Index into `frames` of the first hostile one."""

    def __post_init__(self) -> None:
        self.made = self.manufacture()
        self.act_key = self.world.act
        self._framing = self.device.framing()
        self._heard: list[tuple[Envelope, Message]] = []
        self._was_linked = False
        self.issuer = Issuer(
            keys=self.world.server_keys,
            policy=POLICY,
            store=MemoryStore(),
            entropy=_Drawn(self.world, f"issuer {self.scene}"),
        )

    # Making the device ----------------------------------------------------------------

    def manufacture(self, **changes: Any) -> Manufacture:
        """How this scene makes its device."""
        world = self.world
        made = Manufacture(
            trust=world.keyset,
            trust_message=world.trust,
            realm=world.realm,
            imei=IMEI,
            device_key=world.device_key,
            storage_key=world.storage_key,
            serving=SERVING,
            sim=SIM,
            rtc_s=NOW_S,
            seed=world.draw(f"chance {self.scene}"),
        )
        return replace(made, **changes)

    def make(self, **changes: Any) -> None:
        """Make the device, switch it on."""
        self.made = replace(self.made, **changes)
        self.device.reset(self.made)
        self.forget_link()

    def need(self, ability: Ability) -> None:
        """Raises: Lacking."""
        if ability not in self.device.abilities:
            raise Lacking(ability)

    # The wire -------------------------------------------------------------------------

    @property
    def now_s(self) -> int:
        """The server's wall clock."""
        return NOW_S + self.device.now() // 1000

    def hostile(self) -> None:
        """From here on what is sent is the attack."""
        if self.hostile_from is None:
            self.hostile_from = len(self.frames)
            self.report()
            self.refusals.clear()

    def say(self, message: bytes, note: str = "") -> None:
        """Send one whole message in a good frame."""
        self._note("attacker" if self.hostile_from is not None else "server", message, note)
        self.device.send(self._framing.wrap(message))

    def raw(self, octets: bytes, note: str) -> None:
        """Send octets as they are."""
        self._note("attacker", octets, f"on the line: {note}")
        self.device.send(octets)

    def wrap(self, message: bytes) -> bytes:
        """The frame of a message."""
        return self._framing.wrap(message)

    def forget_link(self) -> None:
        """A new connection begins at the next octet."""
        self._framing.reset()
        self._heard.clear()

    def act(self, note: str) -> None:
        """Note what is done to the device besides messages."""
        self._note("bench", b"", note)

    def hear(self, wanted: type[M], limit_ms: int = PATIENCE_MS) -> tuple[Envelope, M]:
        """The next message of this type; others are passed over.

        Raises:
            Silent: none came in time.
        """
        deadline = self.device.now() + limit_ms
        while True:
            self.pump()
            while self._heard:
                envelope, message = self._heard.pop(0)
                if isinstance(message, wanted):
                    return envelope, message
            now = self.device.now()
            if now >= deadline:
                raise Silent(f"no {wanted.__name__} within {limit_ms // 1000} s")
            self.device.advance_to_event(deadline - now)

    def pump(self) -> None:
        """Take what the device has sent, and note it."""
        octets = self.device.receive()
        linked = self.device.linked()
        if octets and not self._was_linked:
            self._framing.reset()
        self._was_linked = linked
        for item in self._framing.feed(octets, 0):
            if isinstance(item, Refusal):
                self._note("device", b"", f"no frame: {item}")
                continue
            self._note("device", item)
            try:
                envelope = open_envelope(item)
                message = parse_message(envelope)
            except ProtocolError as error:
                self._note("bench", b"", f"the device's message breaks the protocol: {error}")
                continue
            if isinstance(message, Confirm):
                self.confirms.append(message)
            if isinstance(message, Request):
                self.requests.append(message)
            self._heard.append((envelope, message))

    def _note(self, who: str, octets: bytes, note: str = "") -> None:
        self.frames.append(Frame(self.device.now(), who, octets, note))

    # Scenes' verbs --------------------------------------------------------------------

    def challenge(self, asked: Envelope) -> bytes:
        """The honest CHALLENGE to a CHALLENGE_REQ."""
        replies = self.issuer.answer(asked.raw, self.now_s)
        found = next((reply for reply in replies if reply[5] == MessageType.CHALLENGE), None)
        if found is not None:
            return found
        # The device is ahead of the issuer, whose keysets and policies never change.
        message = parse_message(asked)
        assert isinstance(message, ChallengeReq)
        challenge = Challenge(
            realm=message.realm,
            device_key_id=message.device_key_id,
            server_nonce=self.world.draw(f"challenge {self.scene} {len(self.frames)}"),
            keyset_version=message.keyset_version,
        )
        return build_message(challenge, asked.header.exchange_id)

    def exchange(self, limit_ms: int = PATIENCE_MS) -> Exchange:
        """Play honestly up to the device's REQUEST."""
        asked, message = self.hear(ChallengeReq, limit_ms)
        self.say(self.challenge(asked))
        return self.answered(message)

    def answered(self, asked: ChallengeReq) -> Exchange:
        """The REQUEST that follows a CHALLENGE, and the honest answer to it."""
        envelope, request = self.hear(Request, 60_000)
        replies = self.issuer.answer(envelope.raw, self.now_s)
        found = next((reply for reply in replies if reply[5] == MessageType.RESPONSE), None)
        exchange_id = envelope.header.exchange_id
        honest = found or self._own_answer(envelope, request)
        exchange = Exchange(asked, envelope.raw, request, exchange_id, honest)
        extensions = replace(exchange.response.extensions, unknown=CUSTOM.unknown)
        return replace(exchange, honest=self.answer(exchange, extensions=extensions))

    def _own_answer(self, envelope: Envelope, request: Request) -> bytes:
        """ACTIVATE for a device that the issuer is behind of."""
        verify_signed_by(envelope, self.made.device_key.public)
        response = Response(
            realm=request.realm,
            device_key_id=request.device_key_id,
            imei=request.imei,
            device_nonce=request.device_nonce,
            request_hash=envelope.digest,
            decision=Decision.ACTIVATE,
            reason=Reason.PLACE_ALLOWED,
            country="DE",
            subdivision=None,
            policy_epoch=request.policy_epoch,
            policy_version=max(request.policy_version, POLICY_VERSION),
            keyset_version=request.keyset_version,
            issued_at=self.now_s,
            not_after=self.now_s + 600,
            max_age=300,
            retry_after=None,
            recheck_after=604_800,
        )
        return build_message(response, envelope.header.exchange_id, (self.act_key,))

    def answer(self, exchange: Exchange, *, key: PrivateKey | None = None, **changes: Any) -> bytes:
        """The honest answer with these fields changed, signed again."""
        response = replace(exchange.response, **changes)
        return build_message(response, exchange.exchange_id, (key or self.act_key,))

    def finish(self) -> None:
        """Let the device act on what it got; acknowledge what it confirms."""
        before = len(self.confirms)
        self.pump()
        while self._heard:
            envelope, message = self._heard.pop(0)
            if isinstance(message, Confirm):
                ack = ConfirmAck(
                    realm=message.realm,
                    device_key_id=message.device_key_id,
                    response_hash=message.response_hash,
                )
                octets = build_message(ack, envelope.header.exchange_id)
                self._note("server", octets)
                self.device.send(self._framing.wrap(octets))
        if len(self.confirms) > before:
            self.pump()
        self.report()

    def activate(self, **changes: Any) -> Exchange:
        """One honest exchange, with these fields of the answer."""
        exchange = self.exchange()
        self.say(self.answer(exchange, **changes) if changes else exchange.honest)
        self.finish()
        return exchange

    def lock(self, decision: Decision = Decision.LOCK_TERRITORY) -> Exchange:
        """Honestly locked."""
        return self.activate(decision=decision, reason=Reason.NONE, recheck_after=3600)

    def recheck(self, **changes: Any) -> None:
        """Activate so that the device asks again after a minute, and let the minute pass."""
        self.activate(recheck_after=60, **changes)
        self.device.advance(61_000)

    def reboot(self) -> None:
        """Power off and on."""
        self.act("power off and on")
        self.device.reboot()
        self.forget_link()
        self.report()

    # Tickets --------------------------------------------------------------------------

    def ask_ticket(self) -> tuple[Envelope, UnlockChallenge]:
        """The challenge that the device shows."""
        message = self.device.ask_ticket()
        self._note("device", message, "shown for a ticket")
        envelope = open_envelope(message)
        challenge = parse_message(envelope)
        assert isinstance(challenge, UnlockChallenge)
        return envelope, challenge

    def ticket(self, shown: UnlockChallenge, /, **changes: Any) -> UnlockTicket:
        """The honest ticket for a challenge, with these fields changed."""
        keyset = self.world.keyset
        ticket = UnlockTicket(
            realm=shown.realm,
            device_key_id=shown.device_key_id,
            imei=shown.imei,
            challenge=shown.challenge,
            ticket_id=self.world.draw(f"ticket {self.scene}")[:16],
            scope=TicketScope.TERRITORY | TicketScope.FINANCE | TicketScope.PENDING,
            policy_epoch=keyset.policy_epoch,
            policy_version=POLICY_VERSION,
            keyset_version=keyset.version,
            issued_at=self.now_s,
            not_after=self.now_s + 3600,
        )
        return replace(ticket, **changes)

    def type_ticket(self, message: bytes, note: str = "") -> None:
        """Type a ticket into the device."""
        self._note("attacker" if self.hostile_from is not None else "server", message, note)
        self.device.type_ticket(message)
        self.finish()

    # Keysets --------------------------------------------------------------------------

    def next_keyset(self, **changes: Any) -> KeySet:
        """The honest next keyset, with these fields changed."""
        return replace(self.world.keyset, **{"version": self.world.keyset.version + 1, **changes})

    def offer_keyset(self, message: bytes, note: str = "") -> None:
        """Send a KEYSET where an honest server sends it: before CHALLENGE."""
        asked, _ = self.hear(ChallengeReq)
        self.say(message, note)
        self.pump()
        if self.device.linked():
            self.say(self.challenge(asked))
        self.pump()
        self.report()

    # What became of it ----------------------------------------------------------------

    def report(self) -> Report:
        """Ask the device, and keep what it refused and showed."""
        if Ability.STATE not in self.device.abilities:
            return Report()
        report = self.device.report()
        self.refusals.extend(report.refusals)
        if report.page is not None and (not self.pages or self.pages[-1] != report.page):
            self.pages.append(report.page)
        return report

    def state(self) -> str:
        """The lock state by name: by the device's word, else by its last message."""
        report = self.report()
        if report.lock_state is not None:
            return report.lock_state
        if self.confirms:
            return self.confirms[-1].lock_state.name
        return LockState.SETUP_LOCKED.name

    def told_keyset(self, limit_ms: int = PATIENCE_MS) -> int:
        """The keyset version that the device next names."""
        self.pump()
        for _, message in self._heard:
            if isinstance(message, Request):
                return message.keyset_version
        if Ability.LINK in self.device.abilities:
            self.device.hang_up()
            self.forget_link()
        _, asked = self.hear(ChallengeReq, limit_ms)
        return asked.keyset_version

    def recover(self, attempts: int = 12) -> bool:
        """Whether an honest server can still activate the device."""
        if is_open(self):
            return True
        self.hostile_from = None
        for _ in range(attempts):
            try:
                self.activate()
            except Silent:
                continue
            if is_open(self):
                return True
        return False


class _Drawn:
    """Entropy for the issuer: by scene, so that parallel runs give the same octets."""

    def __init__(self, world: World, label: str) -> None:
        self._world, self._label, self._count = world, label, 0

    def __call__(self, n: int) -> bytes:
        self._count += 1
        return self._world.draw(f"{self._label} {self._count}")[:n]


def is_open(bench: Bench) -> bool:
    """Whether the home screen can be reached: by the screen, the state or the last CONFIRM."""
    report = bench.report()
    if report.page == "HOME" or report.lock_state == LockState.ACTIVE.name:
        return True
    told = report.lock_state is None and bool(bench.confirms)
    return told and bench.confirms[-1].lock_state is LockState.ACTIVE
