"""Keysets: who may sign what, and how one keyset follows another."""

from __future__ import annotations

from typing import Any

import pytest

from firmware_sim_protocol.codec import build_message
from firmware_sim_protocol.envelope import Envelope, open_envelope
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.keyset import (
    KeyRing,
    sign_keyset,
    verify_first_keyset,
    verify_signed_by,
)
from firmware_sim_protocol.numbers import TEN_YEARS_S, Algorithm, MessageType, Role
from firmware_sim_protocol.rules import SOUND, Guard, Rule
from firmware_sim_protocol.signing import PrivateKey
from firmware_sim_protocol.values import KeySet
from tests.support.messages import (
    ALGORITHMS,
    NOW,
    entry,
    example,
    key,
    keyset,
    roots,
    sealed,
)

ANSWERS = (MessageType.RESPONSE, MessageType.UNLOCK_TICKET)
RING = KeyRing(keyset())


def without(*rules: Rule) -> Guard:
    return Guard(frozenset(rules))


def signed(kind: MessageType, *signers: PrivateKey) -> Envelope:
    return open_envelope(build_message(example(kind), 7, signers))


def refused(envelope: Envelope, floor: int = NOW, guard: Guard = SOUND, ring: Any = RING) -> Rule:
    with pytest.raises(Refusal) as caught:
        ring.verify(envelope, floor, guard)
    return caught.value.rule


def unfit(envelope: Envelope, floor: int = NOW, guard: Guard = SOUND, ring: Any = RING) -> Rule:
    with pytest.raises(Refusal) as caught:
        ring.next_keyset(envelope, floor, guard)
    return caught.value.rule


def following(*signers: PrivateKey, **changes: Any) -> Envelope:
    changes.setdefault("version", 2)
    return open_envelope(sign_keyset(keyset(**changes), signers))


# One signature ----------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.name)
@pytest.mark.parametrize("kind", ANSWERS, ids=lambda kind: kind.name)
def test_an_answer_by_the_key_of_its_role_verifies(kind: MessageType, algorithm: Algorithm) -> None:
    ring = KeyRing(keyset(algorithm))
    row = ring.verify(open_envelope(sealed(kind, algorithm)), NOW)
    assert row.roles == (Role.ACT if kind is MessageType.RESPONSE else Role.UNLOCK)


def test_a_key_signs_only_what_its_role_covers() -> None:
    ticket, response = MessageType.UNLOCK_TICKET, MessageType.RESPONSE
    assert refused(signed(response, key("unlock"))) is Rule.KEY_ROLE
    assert refused(signed(ticket, key("act"))) is Rule.KEY_ROLE
    assert refused(signed(response, key("root 1"))) is Rule.KEY_ROLE
    assert RING.verify(signed(response, key("unlock")), NOW, without(Rule.KEY_ROLE))


def test_a_stranger_is_not_believed() -> None:
    stranger = signed(MessageType.RESPONSE, key("stranger"))
    assert refused(stranger) is Rule.KEY_KNOWN
    assert RING.verify(stranger, NOW, without(Rule.KEY_KNOWN))


def test_one_signature_means_one() -> None:
    twice = signed(MessageType.RESPONSE, key("act"), key("act"))
    assert refused(twice) is Rule.SIG_SINGLE
    bare = open_envelope(
        open_envelope(sealed(MessageType.RESPONSE)).header_and_body, without(Rule.SIG_PRESENT)
    )
    assert refused(bare) is Rule.SIG_PRESENT
    assert RING.verify(bare, NOW, without(Rule.SIG_PRESENT, Rule.SIG_SINGLE))


@pytest.mark.parametrize("place", [4, 8, 11, 16, 40, 120, 183])
def test_every_octet_of_header_and_body_is_covered(place: int) -> None:
    envelope = open_envelope(sealed(MessageType.RESPONSE))
    raw = bytearray(envelope.header_and_body)
    raw[place] ^= 1
    bent = Envelope(bytes(raw), envelope.header, envelope.signatures)
    assert refused(bent) is Rule.SIG_VERIFIES


def test_a_signature_of_another_type_does_not_fit() -> None:
    # The same octets under another context: only the context tells them apart.
    response = open_envelope(sealed(MessageType.RESPONSE))
    ring = KeyRing(keyset(entries=(entry(key("act"), Role.ACT | Role.UNLOCK), *keyset().entries)))
    from firmware_sim_protocol.signing import signed_octets

    octets = signed_octets(b"unlock-ticket", response.header_and_body)
    forged = response.header_and_body + b"\1" + key("act").public.key_id + key("act").sign(octets)
    assert refused(open_envelope(forged), ring=ring) is Rule.SIG_VERIFIES


@pytest.mark.parametrize(
    ("floor", "good"),
    [
        (NOW + 1_000_000, True),
        (NOW + 1_000_001, False),
        (NOW - 1000 - TEN_YEARS_S, True),
        (NOW - 1001 - TEN_YEARS_S, False),
    ],
)
def test_a_key_is_valid_to_its_last_second(floor: int, good: bool) -> None:
    wide = keyset(not_before=0, not_after=1 << 62)
    answer = open_envelope(sealed(MessageType.RESPONSE))
    if good:
        assert KeyRing(wide).verify(answer, floor)
    else:
        assert refused(answer, floor, ring=KeyRing(wide)) is Rule.KEY_VALIDITY


def test_an_expired_keyset_verifies_nothing() -> None:
    ring = KeyRing(keyset(not_after=NOW - 1))
    answer = open_envelope(sealed(MessageType.RESPONSE))
    assert refused(answer, NOW, ring=ring) is Rule.KEY_VALIDITY
    assert ring.verify(answer, NOW - 1)


def test_a_device_signs_with_its_own_key_and_no_other() -> None:
    device = key("device").public
    for kind in (MessageType.REQUEST, MessageType.CONFIRM):
        verify_signed_by(open_envelope(sealed(kind)), device)
        for signers, rule in (
            ((key("act"),), Rule.KEY_KNOWN),
            ((key("device"), key("act")), Rule.SIG_SINGLE),
        ):
            with pytest.raises(Refusal) as caught:
                verify_signed_by(signed(kind, *signers), device)
            assert caught.value.rule is rule
        envelope = open_envelope(sealed(kind))
        bent = Envelope(envelope.raw[:-98] + b"\xff", envelope.header, envelope.signatures)
        with pytest.raises(Refusal) as caught:
            verify_signed_by(bent, device)
        assert caught.value.rule is Rule.SIG_VERIFIES
        bare = Envelope(envelope.raw, envelope.header, ())
        with pytest.raises(Refusal) as caught:
            verify_signed_by(bare, device)
        assert caught.value.rule is Rule.SIG_PRESENT


# The next keyset --------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.name)
def test_two_of_three_roots_put_the_next_keyset_in_force(algorithm: Algorithm) -> None:
    fresh = keyset(algorithm, version=2)
    raw = sign_keyset(fresh, roots(3, 1, algorithm=algorithm))
    assert KeyRing(keyset(algorithm)).next_keyset(open_envelope(raw), NOW) == fresh


def test_new_roots_take_over_when_both_thresholds_agree() -> None:
    rows = tuple(entry(key(f"new {n}", Algorithm.ED25519), Role.ROOT) for n in (1, 2))
    both = (*roots(1, 2), key("new 1", Algorithm.ED25519), key("new 2", Algorithm.ED25519))
    changes: dict[str, Any] = {"entries": rows}
    fresh = RING.next_keyset(following(*both, **changes), NOW)
    assert KeyRing(fresh).find(key("act").public.key_id) is None, "a dropped key is revoked"
    assert unfit(following(*both[:3], **changes)) is Rule.THRESHOLD_NEW
    assert unfit(following(*both[:2], **changes)) is Rule.THRESHOLD_NEW
    assert unfit(following(*both[1:], **changes)) is Rule.THRESHOLD_OLD
    assert unfit(following(*both[2:], **changes)) is Rule.THRESHOLD_OLD
    assert RING.next_keyset(following(*both[1:], **changes), NOW, without(Rule.THRESHOLD_OLD))
    assert RING.next_keyset(following(*both[:2], **changes), NOW, without(Rule.THRESHOLD_NEW))


def test_a_raised_threshold_binds_the_keyset_that_raises_it() -> None:
    assert unfit(following(*roots(1, 2), root_threshold=3)) is Rule.THRESHOLD_NEW
    assert RING.next_keyset(following(*roots(1, 2, 3), root_threshold=3), NOW)


def test_one_key_counts_once() -> None:
    twice = following(*roots(1, 1))
    assert unfit(twice) is Rule.SIG_DISTINCT
    assert RING.next_keyset(twice, NOW, without(Rule.SIG_DISTINCT))
    assert unfit(following(*roots(1))) is Rule.THRESHOLD_OLD


def test_only_roots_sign_a_keyset() -> None:
    assert unfit(following(*roots(1, 2), key("act"))) is Rule.KEY_ROLE
    assert unfit(following(key("act"), key("unlock"))) is Rule.KEY_ROLE
    assert unfit(following(*roots(1, 2), key("stranger"))) is Rule.KEY_KNOWN
    assert RING.next_keyset(following(key("act"), key("unlock")), NOW, without(Rule.KEY_ROLE))
    rows = (*keyset().entries, entry(key("helper"), Role.TIME))
    assert unfit(following(*roots(1, 2), key("helper"), entries=rows)) is Rule.KEY_ROLE


def test_a_key_that_becomes_root_signs_from_the_next_keyset_on() -> None:
    rows = tuple(
        entry(key("act"), Role.ROOT | Role.ACT) if row == keyset().entries[3] else row
        for row in keyset().entries
    )
    assert unfit(following(*roots(1, 2), key("act"), entries=rows)) is Rule.KEY_ROLE
    promoted = RING.next_keyset(following(*roots(1, 2), entries=rows), NOW)
    again = following(*roots(1), key("act"), entries=rows, version=3)
    assert KeyRing(promoted).next_keyset(again, NOW).version == 3


def test_a_root_that_loses_its_role_counts_for_the_old_side_only() -> None:
    rows = (entry(key("root 1"), Role.ACT), *keyset().entries[1:])
    assert unfit(following(*roots(1, 2), entries=rows)) is Rule.THRESHOLD_NEW
    assert RING.next_keyset(following(*roots(1, 2, 3), entries=rows), NOW)


def test_a_root_past_its_validity_does_not_sign() -> None:
    rows = (entry(key("root 1"), Role.ROOT, not_after=NOW - 1), *keyset().entries[1:])
    ring = KeyRing(keyset(entries=rows))
    assert unfit(following(*roots(1, 2)), ring=ring) is Rule.KEY_VALIDITY
    assert ring.next_keyset(following(*roots(2, 3)), NOW)


@pytest.mark.parametrize("version", [0, 1, 3, 0xFFFF_FFFF])
def test_only_the_next_version_follows(version: int) -> None:
    assert unfit(following(*roots(1, 2), version=version)) is Rule.KEYSET_NEXT
    RING.next_keyset(following(*roots(1, 2), version=version), NOW, without(Rule.KEYSET_NEXT))


@pytest.mark.parametrize(
    ("changes", "floor", "rule"),
    [
        ({"realm": b"another realm..."}, NOW, Rule.BIND_REALM),
        ({"policy_epoch": 0}, NOW, Rule.KEYSET_EPOCH),
        ({"not_after": NOW - 1}, NOW, Rule.KEYSET_VALIDITY),
        ({"not_before": NOW + TEN_YEARS_S + 1, "not_after": 1 << 62}, NOW, Rule.KEYSET_VALIDITY),
        ({"not_before": NOW + 2, "not_after": NOW + 1}, NOW, Rule.KEYSET_VALIDITY),
    ],
)
def test_a_keyset_of_another_place_or_time_is_refused(
    changes: dict[str, Any], floor: int, rule: Rule
) -> None:
    envelope = following(*roots(1, 2), **changes)
    assert unfit(envelope, floor) is rule
    assert RING.next_keyset(envelope, floor, without(rule))


def test_an_epoch_may_rise_by_any_step() -> None:
    assert RING.next_keyset(following(*roots(1, 2), policy_epoch=9), NOW).policy_epoch == 9


def test_nothing_of_a_keyset_is_read_before_the_old_roots_agree() -> None:
    # A body that cannot be parsed: without the old roots nobody tries.
    good = open_envelope(sign_keyset(keyset(version=2), roots(1, 2)))
    body = bytearray(good.body)
    body[40] = 0
    from firmware_sim_protocol.envelope import seal

    assert unfit(open_envelope(seal(MessageType.KEYSET, 0, bytes(body), roots(1)))) is (
        Rule.THRESHOLD_OLD
    )
    signed_anyway = open_envelope(seal(MessageType.KEYSET, 0, bytes(body), roots(1, 2)))
    assert unfit(signed_anyway).stage.name == "LAYOUT"


def test_a_signature_by_a_root_of_both_sides_is_verified_once_and_counts_twice() -> None:
    bent = following(*roots(1, 2))
    raw = bytearray(bent.raw)
    raw[-1] ^= 1
    assert unfit(open_envelope(bytes(raw))) in (Rule.SIG_VERIFIES, Rule.SIG_LOW_S)


def test_a_keyset_without_signature_is_refused() -> None:
    envelope = following(*roots(1, 2))
    bare = Envelope(envelope.raw, envelope.header, ())
    assert unfit(bare) is Rule.SIG_PRESENT


def test_a_chain_of_keysets_leads_from_the_factory_to_today() -> None:
    ring = RING
    for version in range(2, 6):
        fresh: KeySet = ring.next_keyset(following(*roots(1, 2), version=version), NOW)
        ring = KeyRing(fresh)
    assert ring.keyset.version == 5
    assert unfit(following(*roots(1, 2), version=5), ring=ring) is Rule.KEYSET_NEXT


def test_a_keyset_that_stands_alone_is_signed_by_its_own_roots() -> None:
    first = keyset()
    assert verify_first_keyset(open_envelope(sign_keyset(first, roots(1, 3)))) == first
    with_others = open_envelope(sign_keyset(first, (*roots(1, 3), key("root before"))))
    assert verify_first_keyset(with_others) == first
    for signers, rule in (
        (roots(1), Rule.THRESHOLD_NEW),
        (roots(1, 1), Rule.SIG_DISTINCT),
        ((*roots(1), key("act")), Rule.THRESHOLD_NEW),
    ):
        with pytest.raises(Refusal) as caught:
            verify_first_keyset(open_envelope(sign_keyset(first, signers)))
        assert caught.value.rule is rule
    raw = bytearray(sign_keyset(first, roots(1, 3)))
    raw[40] ^= 1
    with pytest.raises(Refusal) as caught:
        verify_first_keyset(open_envelope(bytes(raw)))
    assert caught.value.rule is Rule.SIG_VERIFIES


def test_a_keyset_may_be_valid_for_a_single_second_and_from_ten_years_on() -> None:
    assert RING.next_keyset(following(*roots(1, 2), not_before=NOW, not_after=NOW), NOW)
    late = following(*roots(1, 2), not_before=NOW + TEN_YEARS_S, not_after=1 << 62)
    assert RING.next_keyset(late, NOW)


def test_a_stranger_counts_for_neither_side_even_where_nobody_asks_who_signs() -> None:
    lax = without(Rule.KEY_KNOWN)
    assert RING.next_keyset(following(*roots(1, 2), key("stranger")), NOW, lax)
    assert unfit(following(*roots(1), key("stranger")), guard=lax) is Rule.THRESHOLD_OLD
    rows = (entry(key("new root"), Role.ROOT), *keyset().entries[3:])
    changes: dict[str, Any] = {"entries": rows, "root_threshold": 1}
    crowd = following(*roots(1, 2), key("stranger"), **changes)
    assert unfit(crowd, guard=lax) is Rule.THRESHOLD_NEW


def test_a_keyset_belongs_to_no_exchange() -> None:
    assert following(*roots(1, 2)).header.exchange_id == 0


def test_a_first_keyset_is_a_signed_keyset_and_nothing_else() -> None:
    signed_keyset = open_envelope(sign_keyset(keyset(), roots(1, 2)))
    for envelope, rule in (
        (open_envelope(sealed(MessageType.RESPONSE)), Rule.HEADER_TYPE),
        (Envelope(signed_keyset.raw, signed_keyset.header, ()), Rule.SIG_PRESENT),
    ):
        with pytest.raises(Refusal) as caught:
            verify_first_keyset(envelope)
        assert caught.value.rule is rule
