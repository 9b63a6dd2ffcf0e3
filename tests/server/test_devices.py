"""The machine kept for each device: every pair of state and event, allowed and not."""

from __future__ import annotations

import itertools

import pytest

from firmware_sim.server.devices import (
    ANSWER_LIFE_S,
    CHALLENGE_LIFE_S,
    MOVES,
    DeviceEvent,
    DeviceState,
    IllegalMove,
    Step,
    move,
)
from firmware_sim_protocol.rules import Stage
from tests.support.devices import NOW_S, Refused, TestDevice, issuer_with

PAIRS = list(itertools.product(DeviceState, DeviceEvent))
S, E = DeviceState, DeviceEvent
FORBIDDEN = {
    (S.IDLE, E.REQUESTED),
    (S.DECIDED, E.REQUESTED),
    (S.CONFIRMED, E.REQUESTED),
    (S.IDLE, E.CHALLENGE_EXPIRED),
    (S.DECIDED, E.CHALLENGE_EXPIRED),
    (S.CONFIRMED, E.CHALLENGE_EXPIRED),
}


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_every_pair_has_its_move_or_is_refused(state: DeviceState, event: DeviceEvent) -> None:
    if (state, event) in FORBIDDEN:
        with pytest.raises(IllegalMove):
            move(state, event)
    else:
        assert move(state, event) == MOVES[state, event]


def test_only_an_open_challenge_leads_to_a_decision() -> None:
    deciding = [pair for pair, (_, step) in MOVES.items() if step is Step.DECIDE]
    assert deciding == [(S.CHALLENGED, E.REQUESTED)]


def test_every_state_can_be_reached_and_left_for_a_new_challenge() -> None:
    reached = {S.IDLE}
    for _ in DeviceState:
        reached |= {state for (before, _), (state, _) in MOVES.items() if before in reached}
    assert reached == set(DeviceState)
    assert all(MOVES[state, E.ASKED][0] is S.CHALLENGED for state in DeviceState)


# The same over real messages: each state, each message --------------------------------------


class Walk:
    """Brings a device into a state, with what it has at hand there."""

    def __init__(self, state: DeviceState) -> None:
        self.issuer = issuer_with()
        self.device = TestDevice()
        self.now_s = NOW_S
        self.answered = self.device.request(self.device.ask(self.issuer))
        self.response = self.device.submit(self.issuer, self.answered)
        raw = self.issuer.answer(self.answered, self.now_s)[-1]
        from firmware_sim_protocol.envelope import open_envelope

        self.confirm = self.device.confirm_message(
            open_envelope(raw).digest, self.response.device_nonce
        )
        self.nonce = bytes(32)
        if state is S.CONFIRMED:
            self.device.take(self.issuer.answer(self.confirm, self.now_s))
        if state is S.CHALLENGED:
            self.nonce = self.device.ask(self.issuer)
        if state is S.IDLE:
            self.nonce = self.device.ask(self.issuer)
            self.now_s += CHALLENGE_LIFE_S

    def send(self, event: DeviceEvent) -> object:
        message = {
            E.ASKED: self.device.challenge_req(),
            E.REQUESTED: self.device.request(self.nonce),
            E.REPEATED: self.answered,
            E.CONFIRMED: self.confirm,
        }[event]
        return self.device.take(self.issuer.answer(message, self.now_s))


SENT = [E.ASKED, E.REQUESTED, E.REPEATED, E.CONFIRMED]
NAMES = {
    Step.CHALLENGE: "Challenge",
    Step.DECIDE: "Response",
    Step.REPEAT: "Response",
    Step.ACKNOWLEDGE: "ConfirmAck",
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(DeviceState, SENT)))
def test_the_issuer_walks_the_table(state: DeviceState, event: DeviceEvent) -> None:
    walk = Walk(state)
    if (state, event) in FORBIDDEN:
        with pytest.raises(Refused) as refused:
            walk.send(event)
        assert refused.value.stage == Stage.FRESHNESS
    else:
        reply = walk.send(event)
        assert type(reply).__name__ == NAMES[MOVES[state, event][1]]


def test_a_challenge_is_good_for_sixty_seconds_and_no_longer() -> None:
    for late, good in ((CHALLENGE_LIFE_S - 1, True), (CHALLENGE_LIFE_S, False)):
        issuer, device = issuer_with(), TestDevice()
        request = device.request(device.ask(issuer))
        if good:
            assert device.submit(issuer, request, NOW_S + late)
        else:
            with pytest.raises(Refused):
                device.submit(issuer, request, NOW_S + late)


def test_an_answer_is_repeated_for_ten_minutes_and_then_its_request_is_refused() -> None:
    issuer, device = issuer_with(), TestDevice()
    request = device.request(device.ask(issuer))
    first = issuer.answer(request, NOW_S)
    assert issuer.answer(request, NOW_S + ANSWER_LIFE_S - 1) == first
    with pytest.raises(Refused) as refused:
        device.submit(issuer, request, NOW_S + ANSWER_LIFE_S)
    assert refused.value.stage == Stage.FRESHNESS
    # It may ask anew.
    assert device.activate(issuer, NOW_S + ANSWER_LIFE_S).issued_at == NOW_S + ANSWER_LIFE_S


def test_a_young_challenge_is_repeated_so_that_nobody_can_spoil_an_exchange() -> None:
    issuer, device = issuer_with(), TestDevice()
    nonce = device.ask(issuer)
    stranger = TestDevice()  # anybody may name the device's key id: the message is unsigned
    for later in range(30):
        assert stranger.ask(issuer, NOW_S + later) == nonce
    assert device.submit(issuer, device.request(nonce), NOW_S + 29)
    assert stranger.ask(issuer, NOW_S + 30) != nonce


def test_a_confirmation_names_an_answer_that_was_given_and_its_nonce() -> None:
    issuer, device = issuer_with(), TestDevice()
    request = device.request(device.ask(issuer))
    response = device.submit(issuer, request)
    for digest, nonce, stage in (
        (bytes(32), response.device_nonce, Stage.BINDING),
        (b"\1" * 32, bytes(32), Stage.BINDING),
    ):
        with pytest.raises(Refused) as refused:
            device.take(issuer.answer(device.confirm_message(digest, nonce), NOW_S))
        assert refused.value.stage == stage
