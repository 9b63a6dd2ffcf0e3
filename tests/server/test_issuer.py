"""What the issuer believes, refuses and never does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.links.entropy import SeededEntropy
from firmware_sim.server import ceremony
from firmware_sim.server.database import SqliteStore
from firmware_sim.server.issuer import SigningRefused
from firmware_sim.server.keys import KeyTrouble, ServerKeys, entry, make_keys, make_roots
from firmware_sim.server.policy import Policy
from firmware_sim.server.store import DeviceStore, MemoryStore, StoreTrouble
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.numbers import (
    Algorithm,
    Decision,
    MessageType,
    Role,
)
from firmware_sim_protocol.rules import Stage
from firmware_sim_protocol.signing import PrivateKey
from firmware_sim_protocol.values import Error, Response
from tests.support.devices import IMEI, NOW_S, Refused, TestDevice, issuer_with, keys_for

ROOTS = make_roots(SeededEntropy(9))
OPEN = '[policy]\nname = "open"\nversion = {version}\n'
SHUT = '[policy]\nname = "shut"\nversion = {version}\ndefault = "lock"\n'


def policy(text: str, version: int = 1) -> Policy:
    return Policy.load(text.format(version=version), "test.toml")


def refused(device: TestDevice, replies: list[bytes]) -> Stage:
    with pytest.raises(Refused) as caught:
        device.take(replies)
    return Stage(caught.value.stage)


def rotated(keys: ServerKeys, seed: int = 5, **change: object) -> ServerKeys:
    """The same deployment one keyset later, with a fresh ACT key."""
    fresh = PrivateKey.derive(Algorithm.ESP256, SeededEntropy(seed)(32))
    keyset = keys.keyset
    proposal = ceremony.propose(
        keyset,
        ceremony.Change(
            without=frozenset({keys.act.public.key_id}),
            added=(entry(fresh, Role.ACT, keyset.not_before, keyset.not_after),),
            **change,  # type: ignore[arg-type]
        ),
    )
    message = ceremony.countersign(proposal, ROOTS)
    return ServerKeys(fresh, keys.unlock, (*keys.keysets, message))


# Retry and nonces ---------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_same_request_gets_the_same_octets_even_when_the_policy_has_changed(
    algorithm: Algorithm,
) -> None:
    keys = keys_for(algorithm)
    issuer = issuer_with(keys=keys, policy=policy(OPEN))
    device = TestDevice(keys=keys, algorithm=algorithm)
    request = device.request(device.ask(issuer))
    first = issuer.answer(request, NOW_S)
    issuer.set_policy(policy(SHUT, 2))
    assert issuer.answer(request, NOW_S + 5) == first
    assert device.activate(issuer, NOW_S + 6).decision is Decision.LOCK_TERRITORY


def test_a_nonce_with_another_request_is_refused_and_named() -> None:
    issuer, device = issuer_with(), TestDevice()
    used = device.submit(issuer, device.request(device.ask(issuer))).device_nonce
    again = device.request(device.ask(issuer), device_nonce=used)
    assert refused(device, issuer.answer(again, NOW_S)) is Stage.FRESHNESS
    rules = [event.detail.get("code") for event in issuer.events() if event.kind == "refusal"]
    assert rules == ["E_NONCE_REUSE"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["ask", "request", "repeat", "confirm", "wait"]), max_size=30))
def test_no_request_is_ever_decided_twice(steps: list[str]) -> None:
    issuer, device, now_s = issuer_with(), TestDevice(), NOW_S
    nonce, answers, sent = b"", dict[bytes, bytes](), list[bytes]()
    floor = 0
    for step in steps:
        if step == "ask":
            nonce = device.ask(issuer, now_s)
        elif step == "request" and nonce:
            sent.append(device.request(nonce))
        elif step == "wait":
            now_s += 40
        elif step == "confirm" and sent and sent[-1] in answers:
            envelope = open_envelope(answers[sent[-1]])
            response = parse_message(envelope)
            assert isinstance(response, Response)
            confirm = device.confirm_message(envelope.digest, response.device_nonce)
            assert MessageType(issuer.answer(confirm, now_s)[-1][5]) is MessageType.CONFIRM_ACK
        if step in ("request", "repeat"):
            for request in sent:
                reply = issuer.answer(request, now_s)[-1]
                if MessageType(reply[5]) is MessageType.RESPONSE:
                    assert answers.setdefault(request, reply) == reply
                    response = parse_message(open_envelope(reply))
                    assert isinstance(response, Response)
                    assert response.issued_at <= now_s
    for reply in answers.values():
        response = parse_message(open_envelope(reply))
        assert isinstance(response, Response)
        assert response.issued_at >= floor
        floor = response.issued_at
    decided = [event for event in issuer.events() if "decision" in event.detail]
    assert len(decided) == len(answers)


def test_a_clock_that_is_set_back_gives_no_answer_older_than_the_last() -> None:
    issuer, device = issuer_with(), TestDevice()
    assert device.activate(issuer, NOW_S).issued_at == NOW_S
    assert device.activate(issuer, NOW_S - 86_400).issued_at == NOW_S


# Ahead and behind ---------------------------------------------------------------------------


def test_a_device_behind_is_brought_forward_before_its_challenge() -> None:
    first = make_keys(SeededEntropy(1), roots=ROOTS)
    latest = rotated(rotated(first, 5), 6)
    issuer = issuer_with(keys=latest)
    device = TestDevice(keys=first)
    replies = issuer.answer(device.challenge_req(), NOW_S)
    kinds = [MessageType(reply[5]) for reply in replies]
    assert kinds == [MessageType.KEYSET, MessageType.KEYSET, MessageType.CHALLENGE]
    assert device.activate(issuer).keyset_version == 3
    assert device.keyset_version == 3


def test_a_rotation_in_mid_exchange_sends_the_keysets_and_asks_for_a_new_one() -> None:
    first = make_keys(SeededEntropy(1), roots=ROOTS)
    issuer, device = issuer_with(keys=first), TestDevice(keys=first)
    request = device.request(device.ask(issuer))
    issuer.set_keys(rotated(first))
    replies = issuer.answer(request, NOW_S)
    assert [MessageType(reply[5]) for reply in replies] == [MessageType.KEYSET, MessageType.ERROR]
    assert refused(device, replies) is Stage.POLICY
    assert device.activate(issuer, NOW_S + 1).keyset_version == 2


def test_a_device_ahead_gets_an_error_and_never_an_older_answer() -> None:
    issuer = issuer_with(policy=policy(OPEN, 5))
    for floors in ((1, 6), (2, 0)):
        device = TestDevice(floors=floors)
        assert refused(device, issuer.answer(device.challenge_req(), NOW_S)) is Stage.POLICY
    ahead = TestDevice(keyset_version=2)
    assert refused(ahead, issuer.answer(ahead.challenge_req(), NOW_S)) is Stage.POLICY
    # Nor one that hides it at first.
    sly = TestDevice(floors=(0, 0))
    nonce = sly.ask(issuer)
    sly.floors = (1, 6)
    assert refused(sly, issuer.answer(sly.request(nonce), NOW_S)) is Stage.POLICY
    later_epoch = TestDevice(floors=(0, 99))
    assert later_epoch.activate(issuer).policy_version == 5


def test_a_policy_never_goes_back_nor_changes_under_its_version(tmp_path: Path) -> None:
    stores: list[DeviceStore] = [MemoryStore(), SqliteStore(tmp_path / "devices.db")]
    for store in stores:
        issuer = issuer_with(policy=policy(OPEN, 3), store=store)
        with pytest.raises(StoreTrouble, match="older than version 3"):
            issuer.set_policy(policy(OPEN, 2))
        with pytest.raises(StoreTrouble, match="other content"):
            issuer.set_policy(policy(SHUT, 3))
        assert issuer.policy.name == "open"
        issuer.set_policy(policy(OPEN, 3))
        issuer.set_policy(policy(SHUT, 4))
        with pytest.raises(StoreTrouble):
            issuer_with(policy=policy(OPEN, 3), store=store)


def test_a_raised_epoch_lets_versions_begin_anew_and_voids_those_before() -> None:
    first = make_keys(SeededEntropy(1), roots=ROOTS)
    issuer, device = issuer_with(keys=first, policy=policy(OPEN, 9)), TestDevice(keys=first)
    assert device.activate(issuer).policy_epoch == 1
    later = rotated(first, raise_epoch=True)
    issuer.set_keys(later)
    response = device.activate(issuer, NOW_S + 1)
    assert (response.policy_epoch, response.policy_version) == (2, 9)
    issuer.set_policy(policy(OPEN, 10))


def test_keys_that_do_not_continue_the_chain_are_not_taken() -> None:
    issuer = issuer_with()
    with pytest.raises(SigningRefused, match="does not continue"):
        issuer.set_keys(keys_for(seed=77))


# Who signs ----------------------------------------------------------------------------------


def test_a_key_that_is_not_in_the_keyset_signs_nothing() -> None:
    keys, other = keys_for(), keys_for(seed=50)
    with pytest.raises(KeyTrouble, match="not in keyset 1"):
        ServerKeys(other.act, keys.unlock, keys.keysets)
    unlock = keys.unlock
    assert unlock is not None
    with pytest.raises(KeyTrouble, match="no role ACT"):
        ServerKeys(unlock, unlock, keys.keysets)


def test_a_signing_key_cannot_be_paired_with_another_public_key() -> None:
    # The double-key oracle needs an API that takes both halves; ours computes the public one.
    key = keys_for(Algorithm.ED25519).act
    other = PrivateKey.derive(Algorithm.ED25519, bytes(range(32)))
    with pytest.raises(AttributeError):
        key.public = other.public  # type: ignore[misc]
    with pytest.raises(TypeError):
        key.sign(b"message", other.public)  # type: ignore[call-arg]


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_two_messages_never_leave_with_the_same_half_r(algorithm: Algorithm) -> None:
    keys = keys_for(algorithm)
    store = MemoryStore()
    issuer, device = issuer_with(keys=keys, store=store), TestDevice(keys=keys)
    halves = set()
    for turn in range(20):
        device.floors = (0, 0)
        request = device.request(device.ask(issuer, NOW_S + 60 * turn))
        raw = issuer.answer(request, NOW_S + 60 * turn)[-1]
        halves.add(raw[-64:-32])
    assert len(halves) == 20


def test_a_signer_whose_nonce_repeats_is_stopped_before_anything_is_sent() -> None:
    class Repeating(MemoryStore):
        def claim_r(self, r: bytes, digest: bytes) -> bool:
            super().claim_r(r, bytes(32))  # another message had this r
            return super().claim_r(r, digest)

    repeating = Repeating()
    issuer, victim = issuer_with(store=repeating), TestDevice()
    asked = victim.request(victim.ask(issuer))
    with pytest.raises(SigningRefused, match="repeats r"):
        issuer.answer(asked, NOW_S)
    found = repeating.find(victim.key_id)
    assert found is not None
    assert found.answers == ()


# What it does not believe -------------------------------------------------------------------


def test_a_request_proves_itself_or_is_refused_at_its_stage() -> None:
    issuer, device, other = issuer_with(), TestDevice(), TestDevice(seed=8)
    nonce = device.ask(issuer)
    value = device.request_value(nonce)
    forged = build_message(value, device.exchange_id, (other.key,))
    doubled = build_message(value, device.exchange_id, (device.key, other.key))
    foreign = build_message(replace(value, realm=b"\1" * 16), device.exchange_id, (device.key,))
    claimed = build_message(
        replace(value, device_key_id=other.key_id), device.exchange_id, (device.key,)
    )
    flipped = bytearray(build_message(value, device.exchange_id, (device.key,)))
    flipped[120] ^= 1  # within the device nonce
    for message, stage in (
        (forged, Stage.SIGNATURE),
        (doubled, Stage.SIGNATURE),
        (foreign, Stage.BINDING),
        (claimed, Stage.BINDING),
        (bytes(flipped), Stage.SIGNATURE),
        (device.request(b"\7" * 32), Stage.FRESHNESS),
        (other.request(nonce), Stage.FRESHNESS),
    ):
        assert refused(device, issuer.answer(message, NOW_S)) is stage
    assert device.submit(issuer, device.request(nonce))


def test_a_confirmation_by_another_key_or_of_nobody_is_refused() -> None:
    issuer, device, other = issuer_with(), TestDevice(), TestDevice(seed=8)
    response = device.submit(issuer, device.request(device.ask(issuer)))
    message = device.confirm_message(bytes(32), response.device_nonce)
    confirm = parse_message(open_envelope(message))
    forged = build_message(confirm, device.exchange_id, (other.key,))
    assert refused(device, issuer.answer(forged, NOW_S)) is Stage.SIGNATURE
    unknown = other.confirm_message(bytes(32), bytes(32))
    assert refused(device, issuer.answer(unknown, NOW_S)) is Stage.SIGNATURE


def test_messages_to_a_device_are_no_messages_to_a_server() -> None:
    keys = keys_for()
    issuer, device = issuer_with(keys=keys), TestDevice()
    assert refused(device, [_renumbered(issuer.answer(keys.trust, NOW_S)[-1])]) is Stage.HEADER


def _renumbered(raw: bytes) -> bytes:
    """The same ERROR in the exchange of the test device."""
    error = parse_message(open_envelope(raw))
    return build_message(error, TestDevice.exchange_id)


def test_an_error_is_never_answered() -> None:
    issuer = issuer_with()
    assert issuer.answer(build_message(Error(stage=3, retry_after=None), 1), NOW_S) == []
    broken = bytearray(build_message(Error(stage=3, retry_after=None), 1))
    broken[-1:] = b"\x00\x00"
    broken[12:14] = (len(broken) - 16).to_bytes(2)
    assert issuer.answer(bytes(broken), NOW_S) == []


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_whatever_arrives_the_issuer_answers_with_messages_and_goes_on(data: st.DataObject) -> None:
    issuer, device = issuer_with(), TestDevice()
    seeds = [device.challenge_req(), device.request(device.ask(issuer)), b""]
    raw = bytearray(data.draw(st.sampled_from(seeds)))
    for _ in range(data.draw(st.integers(0, 4))):
        kind = data.draw(st.sampled_from(["flip", "cut", "grow"]))
        if kind == "flip" and raw:
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del raw[data.draw(st.integers(0, len(raw))) :]
        else:
            raw += data.draw(st.binary(max_size=5000))
    for reply in issuer.answer(bytes(raw), NOW_S):
        open_envelope(reply)
    assert device.activate(issuer, NOW_S + 61).decision is Decision.ACTIVATE


def test_a_factory_is_told_what_new_phones_shall_trust() -> None:
    from firmware_sim_protocol.values import ChallengeReq

    keys = keys_for()
    issuer = issuer_with(keys=keys)
    ask = ChallengeReq(
        realm=bytes(16),
        device_key_id=bytes(32),
        keyset_version=0,
        policy_epoch=0,
        policy_version=0,
    )
    assert issuer.answer(build_message(ask, 0), NOW_S) == [keys.trust]


# What it remembers -------------------------------------------------------------------------


def test_both_stores_remember_the_same(tmp_path: Path) -> None:
    path = tmp_path / "devices.db"
    memory, first = MemoryStore(), SqliteStore(path)
    for store in (memory, first):
        issuer = issuer_with(store=store)
        for turn, serving in enumerate(("00101", "36801", "26201")):
            device = TestDevice(seed=40 + turn, serving=serving)
            device.activate(issuer, NOW_S + turn)
        device.imei2 = "352099001761481"
        for turn in range(40):
            device.activate(issuer, NOW_S + 100 + turn)
    first.close()
    again = SqliteStore(path)
    for seed in (40, 41, 42):
        key_id = TestDevice(seed=seed).key_id
        assert again.find(key_id) == memory.find(key_id) is not None
    assert again.first_key_of(IMEI) == memory.first_key_of(IMEI) == TestDevice(seed=40).key_id
    assert again.first_key_of("352099001761481") is None
    found = again.find(TestDevice(seed=42).key_id)
    assert found is not None
    assert len(found.answers) == 32


def test_devices_that_prove_nothing_cost_a_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from firmware_sim.server import database, store

    monkeypatch.setattr(store, "MAX_UNKNOWN", 32)
    monkeypatch.setattr(database, "MAX_UNKNOWN", 32)
    sqlite = SqliteStore(tmp_path / "devices.db")
    for kept in (MemoryStore(), sqlite):
        issuer = issuer_with(store=kept)
        known = TestDevice(seed=99)
        known.activate(issuer)
        for seed in range(100, 200):
            TestDevice(seed=seed).ask(issuer, NOW_S + seed)
        alive = [seed for seed in range(100, 200) if kept.find(TestDevice(seed=seed).key_id)]
        assert 16 <= len(alive) <= 34
        assert 199 in alive
        assert kept.find(known.key_id) is not None
