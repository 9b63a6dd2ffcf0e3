"""What the server does about one device: whose key it is, its grace, its lists, its tickets."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_sim.errors import SimError
from firmware_sim.server import enrolment, policyfile
from firmware_sim.server.database import SqliteStore
from firmware_sim.server.store import MemoryStore
from firmware_sim_protocol.numbers import Decision, TicketScope
from firmware_sim_protocol.rules import Stage
from firmware_sim_protocol.values import Extensions
from tests.support.devices import IMEI, NOW_S, Refused, TestDevice, issuer_with


def refused(device: TestDevice, replies: list[bytes]) -> Stage:
    with pytest.raises(Refused) as caught:
        device.take(replies)
    return Stage(caught.value.stage)


def test_by_default_a_second_key_of_an_imei_is_taken_and_reported() -> None:
    issuer = issuer_with()
    TestDevice(seed=7).activate(issuer)
    TestDevice(seed=8).activate(issuer)
    assert any("another device key" in event.text for event in issuer.events())


def test_one_key_an_imei_refuses_the_second() -> None:
    issuer = issuer_with(enrolment=enrolment.ONE_KEY)
    first, second = TestDevice(seed=7), TestDevice(seed=8)
    first.activate(issuer)
    request = second.request(second.ask(issuer))
    assert refused(second, issuer.answer(request, NOW_S)) is Stage.BINDING
    first.activate(issuer, NOW_S + 1)


def test_enrolled_devices_and_nobody_else() -> None:
    first, second = TestDevice(seed=7), TestDevice(seed=8)
    listed = enrolment.parse(f"# factory\n{IMEI} {first.key_id.hex()}\n", "enrolled.txt")
    issuer = issuer_with(enrolment=listed)
    first.activate(issuer)
    assert refused(second, issuer.answer(second.challenge_req(), NOW_S)) is Stage.BINDING
    first.imei = "352099001761481"
    assert refused(first, issuer.answer(first.request(first.ask(issuer)), NOW_S)) is Stage.BINDING
    for line in ("12345", f"{IMEI[:-1]}0 {'0' * 64}", f"{IMEI} {'0' * 64}\n{IMEI} {'1' * 64}"):
        with pytest.raises(SimError, match=r"enrolled\.txt:[12]"):
            enrolment.parse(line, "enrolled.txt")


def test_a_changed_imei_is_reported_and_decided_anew() -> None:
    issuer = issuer_with()
    device = TestDevice()
    device.activate(issuer)
    device.imei = "352099001761481"
    device.activate(issuer, NOW_S + 1)
    assert any("changed IMEI" in event.text for event in issuer.events())


def test_grace_warns_first_and_locks_on_the_day(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "devices.db")
    issuer = issuer_with(policy=policyfile.pack("grace-2023"), store=store)
    device = TestDevice(serving="334020", extensions=Extensions(locale="es-MX"))
    first = device.activate(issuer)
    assert first.decision is Decision.ACTIVATE
    assert first.extensions.lock_notice == 1_209_600
    assert "Se bloqueará" in (first.extensions.display_text or "")
    assert first.recheck_after == 86_400
    later = device.activate(issuer, NOW_S + 1_209_599)
    assert (later.decision, later.extensions.lock_notice) == (Decision.ACTIVATE, 1)
    assert later.recheck_after == 1
    last = device.activate(issuer, NOW_S + 1_209_600)
    assert (last.decision, last.country) == (Decision.LOCK_TERRITORY, "MX")
    # Leaving ends it; coming back into a lock does not begin another grace while it is locked.
    again = device.activate(issuer, NOW_S + 1_209_700)
    assert again.decision is Decision.LOCK_TERRITORY


def test_a_silent_grace_activates_and_locks_days_later() -> None:
    issuer = issuer_with(policy=policyfile.pack("delayed-2021"))
    device = TestDevice(serving="36801")
    first = device.activate(issuer)
    assert (first.decision, first.extensions.lock_notice) == (Decision.ACTIVATE, None)
    assert device.activate(issuer, NOW_S + 259_200).decision is Decision.LOCK_TERRITORY


def test_the_first_sim_must_be_of_the_region_and_later_ones_need_not() -> None:
    issuer = issuer_with(policy=policyfile.pack("region-2013"))
    device = TestDevice(serving="26201", sim="310410")
    assert device.activate(issuer).decision is Decision.LOCK_TERRITORY
    device.sim = None
    assert device.activate(issuer, NOW_S + 1).decision is Decision.PENDING
    device.sim = "20801"
    assert device.activate(issuer, NOW_S + 2).decision is Decision.ACTIVATE
    device.sim = "310410"
    assert device.activate(issuer, NOW_S + 3).decision is Decision.ACTIVATE


def test_lists_of_equipment_act_wherever_the_phone_is() -> None:
    issuer = issuer_with(policy=policyfile.pack("registers"))
    black = TestDevice(imei="004999010640000", serving="26201")
    assert black.activate(issuer).decision is Decision.LOCK_BLOCKLIST
    second_slot = TestDevice(seed=20, imei=IMEI, imei2="004999010640000")
    assert second_slot.activate(issuer).decision is Decision.LOCK_BLOCKLIST
    grey = TestDevice(seed=21, imei="004400152020002")
    warned = grey.activate(issuer)
    assert (warned.decision, warned.extensions.lock_notice) == (Decision.ACTIVATE, 604_800)
    locked = grey.activate(issuer, NOW_S + 604_800)
    assert locked.decision is Decision.LOCK_FINANCE
    assert "overdue" in (locked.extensions.display_text or "")


def test_a_ticket_that_was_registered_is_acknowledged_and_opens_for_good() -> None:
    store = MemoryStore()
    issuer = issuer_with(store=store)
    device = TestDevice(serving="36801")
    response = device.activate(issuer)
    assert response.decision is Decision.LOCK_TERRITORY
    store.register_ticket(b"\5" * 32, device.key_id, int(TicketScope.TERRITORY))
    confirm = device.confirm_message(b"\5" * 32, bytes(32))
    device.take(issuer.answer(confirm, NOW_S + 1))
    assert device.activate(issuer, NOW_S + 2).decision is Decision.ACTIVATE
    stranger = TestDevice(seed=30, serving="36801")
    stranger.activate(issuer, NOW_S + 3)
    stolen = stranger.confirm_message(b"\5" * 32, bytes(32))
    assert refused(stranger, issuer.answer(stolen, NOW_S + 4)) is Stage.BINDING


def test_a_ticket_for_a_pending_phone_holds_while_its_place_stays_unknown() -> None:
    store = MemoryStore()
    issuer, device = issuer_with(store=store), TestDevice(serving="00101")
    assert device.activate(issuer).decision is Decision.PENDING
    store.register_ticket(b"\6" * 32, device.key_id, int(TicketScope.PENDING))
    device.take(issuer.answer(device.confirm_message(b"\6" * 32, bytes(32)), NOW_S + 1))
    assert device.activate(issuer, NOW_S + 2).decision is Decision.ACTIVATE
    device.serving = "36801"
    assert device.activate(issuer, NOW_S + 3).decision is Decision.LOCK_TERRITORY
