"""Tickets at the service desk: an answer to what a phone shows, for its lock and no other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_sim.cli.main import main
from firmware_sim.server.database import SqliteStore
from firmware_sim.server.keys import save_keys
from firmware_sim_protocol.codec import build_message, parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.keyset import KeyRing
from firmware_sim_protocol.numbers import Decision, LockState, TicketScope
from firmware_sim_protocol.typed import from_text, to_text
from firmware_sim_protocol.values import UnlockChallenge, UnlockTicket
from tests.support.devices import IMEI, TestDevice, issuer_with, keys_for

KEYS = keys_for()


@pytest.fixture(autouse=True)
def _with_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_keys(KEYS, Path("k"))


def challenge(device: TestDevice, state: LockState = LockState.LOCKED_TERRITORY) -> UnlockChallenge:
    return UnlockChallenge(
        realm=KEYS.realm,
        device_key_id=device.key_id,
        imei=device.imei,
        challenge=bytes(range(32)),
        lock_state=state,
    )


def typed(value: UnlockChallenge) -> str:
    return to_text(build_message(value, 77))


def issued(capsys: pytest.CaptureFixture[str], text: str, *more: str) -> tuple[int, UnlockTicket]:
    assert main(["unlock", "issue", text, "--keys", "k", *more]) == 0
    envelope = open_envelope(from_text(capsys.readouterr().out))
    ticket = parse_message(envelope)
    assert isinstance(ticket, UnlockTicket)
    KeyRing(KEYS.keyset).verify(envelope, ticket.issued_at)
    return envelope.header.exchange_id, ticket


@pytest.mark.parametrize(
    ("state", "scope"),
    [
        (LockState.LOCKED_TERRITORY, TicketScope.TERRITORY),
        (LockState.LOCKED_FINANCE, TicketScope.FINANCE),
        (LockState.PENDING, TicketScope.PENDING),
    ],
)
def test_a_ticket_repeats_the_challenge_and_opens_the_lock_that_was_reported(
    state: LockState, scope: TicketScope, capsys: pytest.CaptureFixture[str]
) -> None:
    device = TestDevice()
    asked = challenge(device, state)
    exchange_id, ticket = issued(capsys, typed(asked).lower().replace("-", " "))
    assert exchange_id == 77
    assert (ticket.imei, ticket.challenge, ticket.scope) == (IMEI, asked.challenge, scope)
    assert ticket.not_after - ticket.issued_at == 86_400
    _, other = issued(capsys, typed(asked))
    assert other.ticket_id != ticket.ticket_id


@pytest.mark.parametrize("state", [LockState.LOCKED_BLOCKLIST, LockState.ACTIVE])
def test_no_ticket_opens_a_blocklisted_phone_or_one_that_is_open(
    state: LockState, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["unlock", "issue", typed(challenge(TestDevice(), state)), "--keys", "k"]) == 3
    assert f"no ticket opens a phone in state {state.name}" in capsys.readouterr().err


def test_another_deployments_phone_and_a_slip_of_the_finger_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = challenge(TestDevice())
    foreign = typed(replace(asked, realm=b"\1" * 16))
    assert main(["unlock", "issue", foreign, "--keys", "k"]) == 3
    assert "another deployment" in capsys.readouterr().err
    text = typed(asked)
    slip = ("A" if text[30] != "A" else "B").join((text[:30], text[31:]))
    for bad in (slip, text[:-6], "", "hello", to_text(KEYS.trust)):
        assert main(["unlock", "issue", bad, "--keys", "k"]) == 3
        assert capsys.readouterr().err.startswith("firmware-sim: unlock: ")


def test_the_server_is_told_and_does_not_lock_the_phone_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = SqliteStore(Path("devices.db"))
    issuer, device = issuer_with(store=store), TestDevice(serving="36801")
    response = device.activate(issuer)
    assert response.decision is Decision.LOCK_TERRITORY
    assert (
        main(["unlock", "issue", typed(challenge(device)), "--keys", "k", "--db", "devices.db"])
        == 0
    )
    ticket = from_text(capsys.readouterr().out)
    value = parse_message(open_envelope(ticket))
    assert isinstance(value, UnlockTicket)
    # Not below what the phone has seen, whatever the clock of the service desk says.
    assert value.issued_at >= response.issued_at
    assert value.policy_version == response.policy_version
    confirm = device.confirm_message(open_envelope(ticket).digest, bytes(32))
    device.take(issuer.answer(confirm, response.issued_at + 5))
    assert device.activate(issuer, response.issued_at + 9).decision is Decision.ACTIVATE
    words = ["unlock", "issue", typed(challenge(device)), "--keys", "k", "--db", "missing.db"]
    assert main(words) == 3
    assert "No such file" in capsys.readouterr().err
    assert not Path("missing.db").exists()


def test_show_reads_both_and_judges_the_signature(capsys: pytest.CaptureFixture[str]) -> None:
    asked = typed(challenge(TestDevice()))
    assert main(["unlock", "show", asked, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["type"], row["imei"], row["lock_state"]) == (
        "UNLOCK_CHALLENGE",
        IMEI,
        "LOCKED_TERRITORY",
    )
    assert main(["unlock", "issue", asked, "--keys", "k"]) == 0
    ticket = capsys.readouterr().out
    assert main(["unlock", "show", ticket, "--trust", "k/trust.keyset", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["signature"] == "good"
    save_keys(keys_for(seed=60), Path("other"))
    assert main(["unlock", "show", ticket, "--trust", "other/trust.keyset"]) == 1
    assert "E_KEY_UNKNOWN" in capsys.readouterr().out
