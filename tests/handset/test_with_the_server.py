"""Phone and server together, and everything that can come between them.

A stateful model: messages are lost, doubled, reordered and forged; the phone restarts and
loses power in mid-write, the server restarts, the policy and the keysets move on, the phone
changes place, modem and owner. Whatever happens, the invariants of the protocol hold.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from firmware_sim.handset.autopilot import autopilot
from firmware_sim.handset.board import Board
from firmware_sim.handset.device import Handset
from firmware_sim.handset.evidence import Evidence, SimCondition
from firmware_sim.handset.exchange import ExchangeState
from firmware_sim.handset.flash import CHANGES, Fault, FaultKind, MemoryFlash, PowerCut, Remains
from firmware_sim.links.entropy import SeededEntropy
from firmware_sim.server import policyfile
from firmware_sim.server.issuer import Issuer
from firmware_sim.server.keys import ServerKeys, make_keys, make_roots
from firmware_sim.server.policy import Policy
from firmware_sim.server.store import MemoryStore
from firmware_sim.server.tickets import TicketTrouble, issue, read_challenge, scope_for
from firmware_sim.view import Page, UserAction
from firmware_sim_protocol.codec import parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.framing import TcpFraming
from firmware_sim_protocol.keyset import sign_keyset
from firmware_sim_protocol.numbers import (
    SIGNING_CONTEXT,
    Decision,
    LockState,
    MessageType,
    Role,
)
from firmware_sim_protocol.rules import SOUND
from firmware_sim_protocol.signing import PrivateKey, signed_octets
from firmware_sim_protocol.typed import to_text
from firmware_sim_protocol.values import Request, Response, UnlockTicket
from tests.support.deployment import IMEI, NOW_S, OTHER_IMEI

MAX_AGE_MS = 300_000
ROOTS = make_roots(SeededEntropy(5))
FIRST_KEYS = make_keys(SeededEntropy(6), roots=ROOTS, not_before=NOW_S - 86_400)
DEVICE_KEY = PrivateKey.derive(ROOTS[0].algorithm, SeededEntropy(7)(32))
PACK = policyfile.pack_text(policyfile.DEFAULT)


def policy(version: int, forbidden: str) -> Policy:
    """The default pack with another version, and with `forbidden` in Cuba's place."""
    text = PACK.replace("version = 1\n", f"version = {version}\n", 1)
    return policyfile.parse(text.replace('country = "CU"', f'country = "{forbidden}"'), "model")


class PhoneAndServer(RuleBasedStateMachine):
    """The world. Messages travel whole; what the wire does to them is a rule."""

    guard = SOUND
    """A twin's guard here must make the model fail: that is how the model was tried."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.rtc_s, self.server_s = 1_000, NOW_S, NOW_S
        self.store = MemoryStore()
        self.keys = FIRST_KEYS
        self.policy = policy(1, "CU")
        self.trust = FIRST_KEYS.keyset
        self.server_draw = SeededEntropy(8)
        self.draw = SeededEntropy(9)
        self.flash = MemoryFlash()
        self.evidence = Evidence(
            imei=IMEI,
            serving="26201",
            sim="26201",
            registered=True,
            sim_state=SimCondition.READY,
        )
        self.to_server: list[bytes] = []
        self.to_phone: list[bytes] = []
        self.linked = False
        self.requests: dict[bytes, tuple[bytes, int]] = {}
        """SHA-256 -> octets and instant of every REQUEST that the phone made."""
        self.nonces: dict[bytes, bytes] = {}
        self.answers: dict[bytes, bytes] = {}
        """REQUEST -> its RESPONSE: the server never gives another one."""
        self.genuine: set[bytes] = set()
        self.act_keys = {FIRST_KEYS.act.public.key_id: FIRST_KEYS.act}
        self.floors = (0, 0, 0)
        self.state = LockState.UNPROVISIONED
        self.became_active_by: bytes | None = None
        self.new_server()
        self.new_phone()

    # The parts ---------------------------------------------------------------------------

    def new_server(self) -> None:
        self.issuer = Issuer(
            keys=self.keys, policy=self.policy, store=self.store, entropy=self.server_draw
        )

    def new_phone(self) -> None:
        self.framing = TcpFraming()
        self.phone = Handset(
            board=Board(imei=IMEI, device_key=DEVICE_KEY, storage_key=bytes(32)),
            flash=self.flash,
            trust=self.trust,
            entropy=self.draw,
            guard=self.guard,
        )
        self.linked = False
        self.to_server.clear()
        with self.power():
            self.phone.boot(self.now, self.rtc_s)
            self.phone.sees(self.evidence, self.now)

    @contextlib.contextmanager
    def power(self):
        """Whatever the phone does may be cut; then it starts anew."""
        try:
            yield
        except PowerCut:
            self.flash.power_cycle(Remains.LOST)
            self.new_phone()
        self.observe()

    def observe(self) -> None:
        """Look at every state the phone goes through, not only at the last."""
        state = self.phone.lock_state
        if state is LockState.ACTIVE and self.state is not LockState.ACTIVE:
            self.became_active_by = self.phone.record.answer
        self.state = state

    def collect(self) -> None:
        """What the phone sends goes onto the wire."""
        phone = self.phone
        if phone.wants_link and not self.linked:
            self.linked = True
            self.framing.reset()
            with self.power():
                phone.link_opened(self.now)
        elif self.linked and not phone.wants_link:
            self.linked = False
        for message in self.framing.feed(self.phone.outgoing(), self.now):
            assert isinstance(message, bytes)
            self.to_server.append(message)
            if message[5] == MessageType.REQUEST:
                self.note_request(message)

    def note_request(self, raw: bytes) -> None:
        request = parse_message(open_envelope(raw))
        assert isinstance(request, Request)
        # No nonce is used for two requests.
        assert self.nonces.setdefault(request.device_nonce, raw) == raw
        self.requests.setdefault(hashlib.sha256(raw).digest(), (raw, self.now))

    def give_to_phone(self, message: bytes) -> None:
        with self.power():
            self.phone.receive(TcpFraming().wrap(message), self.now)
        self.collect()

    # The wire ----------------------------------------------------------------------------

    @rule()
    def the_person_and_the_phone_go_on(self) -> None:
        action = autopilot(self.phone.view)
        if action is not None:
            with self.power():
                self.phone.acts(action, self.now)
        self.collect()

    @precondition(lambda self: self.to_server)
    @rule(data=st.data(), keep=st.booleans())
    def a_message_reaches_the_server(self, data: st.DataObject, keep: bool) -> None:
        place = data.draw(st.integers(0, len(self.to_server) - 1))
        message = self.to_server[place] if keep else self.to_server.pop(place)
        replies = self.issuer.answer(message, self.server_s)
        for reply in replies:
            if reply[5] == MessageType.RESPONSE:
                assert self.answers.setdefault(message, reply) == reply
                self.genuine.add(reply)
        self.to_phone += replies

    @precondition(lambda self: self.to_phone)
    @rule(data=st.data(), keep=st.booleans())
    def a_message_reaches_the_phone(self, data: st.DataObject, keep: bool) -> None:
        place = data.draw(st.integers(0, len(self.to_phone) - 1))
        message = self.to_phone[place] if keep else self.to_phone.pop(place)
        self.give_to_phone(message)

    @precondition(lambda self: self.to_phone)
    @rule(data=st.data())
    def a_forged_message_reaches_the_phone(self, data: st.DataObject) -> None:
        octets = bytearray(data.draw(st.sampled_from(self.to_phone)))
        place = data.draw(st.integers(0, len(octets) - 1))
        octets[place] ^= data.draw(st.integers(1, 255))
        self.give_to_phone(bytes(octets))

    @rule()
    def messages_are_lost(self) -> None:
        self.to_server.clear()
        self.to_phone.clear()

    @rule()
    def everything_works_for_once(self) -> None:
        wake = self.phone.wake_at()
        if self.phone.exchange_state is ExchangeState.BACKOFF and wake is not None:
            self.time_passes(1 + (wake - self.now) // 1000)
        for _ in range(12):
            self.the_person_and_the_phone_go_on()
            while self.to_server:
                replies = self.issuer.answer(self.to_server.pop(0), self.server_s)
                for reply in replies:
                    if reply[5] == MessageType.RESPONSE:
                        self.genuine.add(reply)
                    self.give_to_phone(reply)

    @rule()
    def the_link_is_lost(self) -> None:
        if self.linked:
            self.linked = False
            with self.power():
                self.phone.link_lost(self.now, "reset by peer")

    # Time, power, flash ------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 6, 31, 301, 3_700, 90_000, 700_000]))
    def time_passes(self, seconds: int) -> None:
        self.now += 1000 * seconds
        self.rtc_s += seconds
        self.server_s += seconds
        for _ in range(3):
            with self.power():
                self.phone.tick(self.now)
        self.collect()

    @rule(seconds=st.integers(-400_000_000, 400_000_000))
    def the_wall_clock_is_set(self, seconds: int) -> None:
        self.rtc_s = max(0, self.rtc_s + seconds)
        with self.power():
            self.phone.set_clock(self.rtc_s, self.now)

    @rule()
    def the_phone_restarts(self) -> None:
        self.flash.power_cycle(Remains.KEPT)
        self.new_phone()

    @rule(
        point=st.integers(0, 9),
        kind=st.sampled_from([FaultKind.CUT, FaultKind.TORN, FaultKind.EIO, FaultKind.EIO_AFTER]),
        remains=st.sampled_from(Remains),
    )
    def something_will_go_wrong_with_the_flash(self, point, kind, remains) -> None:
        self.flash.arm([Fault(kind, operations=CHANGES, first=point)])

    @rule()
    def the_server_restarts(self) -> None:
        self.new_server()

    # The world ---------------------------------------------------------------------------

    @rule(serving=st.sampled_from(["26201", "36801", "00101", "25032", None]))
    def the_phone_moves(self, serving: str | None) -> None:
        self.evidence = replace(self.evidence, serving=serving, registered=serving is not None)
        with self.power():
            self.phone.sees(self.evidence, self.now)
        self.collect()

    @rule(imei=st.sampled_from([IMEI, OTHER_IMEI]))
    def the_modem_is_exchanged(self, imei: str) -> None:
        self.evidence = replace(self.evidence, imei=imei)
        with self.power():
            self.phone.sees(self.evidence, self.now)
        self.collect()

    @rule()
    def the_phone_is_reset(self) -> None:
        with self.power():
            self.phone.factory_reset(self.now)
        self.collect()

    @rule(forbidden=st.sampled_from(["CU", "DE", "AQ"]))
    def the_policy_moves_on(self, forbidden: str) -> None:
        self.policy = policy(self.policy.version + 1, forbidden)
        self.issuer.set_policy(self.policy)

    @rule(new_act=st.booleans(), new_epoch=st.booleans())
    def the_keys_move_on(self, new_act: bool, new_epoch: bool) -> None:
        keyset, act = self.keys.keyset, self.keys.act
        rows = keyset.entries
        if new_act:
            act = PrivateKey.derive(act.algorithm, self.server_draw(32))
            self.act_keys[act.public.key_id] = act
            row = next(row for row in rows if row.roles & Role.ACT)
            rows = tuple(
                replace(row, public_key=act.public.octets) if one is row else one for one in rows
            )
        fresh = replace(
            keyset,
            version=keyset.version + 1,
            entries=rows,
            policy_epoch=keyset.policy_epoch + new_epoch,
        )
        chain = (*self.keys.keysets, sign_keyset(fresh, ROOTS[:2]))
        self.keys = ServerKeys(act, self.keys.unlock, chain)
        self.issuer.set_keys(self.keys)

    @rule()
    def a_person_gets_a_ticket(self) -> None:
        with self.power():
            self.phone.acts(UserAction("ticket.open"), self.now)
        text = self.phone.view.challenge
        if not text:
            return
        exchange_id, challenge = read_challenge(text)
        try:
            ticket = issue(
                exchange_id,
                challenge,
                keys=self.keys,
                scope=scope_for(challenge),
                policy_version=self.policy.version,
                now_s=self.server_s,
                entropy=self.server_draw,
            )
        except TicketTrouble:
            return
        digest = hashlib.sha256(ticket).digest()
        self.store.register_ticket(digest, challenge.device_key_id, int(scope_for(challenge)))
        self.genuine.add(ticket)
        with self.power():
            self.phone.acts(UserAction("ticket", to_text(ticket)), self.now)
        self.collect()

    # What always holds -------------------------------------------------------------------

    @invariant()
    def home_only_with_a_signed_reason(self) -> None:
        phone = self.phone
        if phone.view.page not in (Page.HOME, Page.WARNING):
            return
        assert phone.lock_state is LockState.ACTIVE
        assert phone.record.imei == self.evidence.imei

    @invariant()
    def every_active_is_explained_by_a_stored_answer_of_the_server(self) -> None:
        record = self.phone.record
        if record.lock_state is not LockState.ACTIVE:
            return
        assert record.answer in self.genuine
        envelope = open_envelope(record.answer)
        message = parse_message(envelope)
        assert message.imei == record.imei
        assert message.device_key_id == DEVICE_KEY.public.key_id
        if isinstance(message, UnlockTicket):
            assert message.ticket_id in {used.ticket_id for used in record.tickets}
            return
        assert isinstance(message, Response)
        assert message.decision is Decision.ACTIVATE
        raw, _ = self.requests[message.request_hash]
        request = parse_message(open_envelope(raw))
        assert isinstance(request, Request)
        assert (request.imei, request.device_nonce) == (message.imei, message.device_nonce)
        key = self.act_keys[envelope.signatures[0].key_id]
        octets = signed_octets(SIGNING_CONTEXT[MessageType.RESPONSE], envelope.header_and_body)
        key.public.verify(octets, envelope.signatures[0].signature)

    @invariant()
    def nothing_becomes_active_by_a_stale_answer(self) -> None:
        answer, self.became_active_by = self.became_active_by, None
        if answer is None:
            return
        message = parse_message(open_envelope(answer))
        if isinstance(message, Response) and not self.booted_into(answer):
            _, asked_at = self.requests[message.request_hash]
            assert self.now - asked_at <= MAX_AGE_MS

    def booted_into(self, answer: bytes) -> bool:
        """Whether the phone only came up with it: then it was fresh when it was committed."""
        return self.phone.record.answer == answer and self.phone.exchange_state.name == "IDLE"

    @invariant()
    def floors_never_fall(self) -> None:
        record = self.phone.record
        floors = (record.policy_epoch, record.policy_version, record.time_floor)
        assert floors[:2] >= self.floors[:2]
        assert floors[2] >= self.floors[2]
        self.floors = floors

    @invariant()
    def the_store_is_never_lost(self) -> None:
        assert self.phone.lock_state is not LockState.STORE_FAULT


PhoneAndServer.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestPhoneAndServer = PhoneAndServer.TestCase
