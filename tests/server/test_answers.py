"""What the default policy answers to a serving network: the table of the product's promise."""

from __future__ import annotations

import pytest

from firmware_sim.server import policyfile
from firmware_sim.server.decision import PlaceEvidence, decide
from firmware_sim_protocol.numbers import Decision, Reason
from tests.support.devices import TestDevice, issuer_with

IMEI = "490154203237518"
POLICY = policyfile.pack()

LOCKED = {
    "36801": "CU",
    "36877": "CU",
    "41750": "SY",
    "43221": "IR",
    "46705": "KP",
    "467193": "KP",
    "63499": "SD",
}
CRIMEAN = ("25032", "25060", "25034", "25033", "25054")
ACTIVATED = ("25001", "25096", "25501", "65912", "45005", "26201", "310410")
PENDING = ("00101", "90114", "99901", "00001")


@pytest.mark.parametrize(("serving", "country"), LOCKED.items())
def test_a_forbidden_country_is_locked_and_named(serving: str, country: str) -> None:
    found = decide(PlaceEvidence(serving=serving), (IMEI,), POLICY)
    assert (found.decision, found.country) == (Decision.LOCK_TERRITORY, country)
    assert found.reason is Reason.PLACE_FORBIDDEN


@pytest.mark.parametrize("serving", CRIMEAN)
def test_a_crimean_network_is_locked_as_ukraine_with_its_subdivision(serving: str) -> None:
    found = decide(PlaceEvidence(serving=serving), (IMEI,), POLICY)
    assert (found.decision, found.country) == (Decision.LOCK_TERRITORY, "UA")
    assert found.subdivision in {"UA-43", "UA-40"}


@pytest.mark.parametrize("serving", ACTIVATED)
def test_an_allowed_place_is_activated(serving: str) -> None:
    found = decide(PlaceEvidence(serving=serving), (IMEI,), POLICY)
    assert found.decision is Decision.ACTIVATE


@pytest.mark.parametrize("serving", [*PENDING, None])
def test_a_place_that_nobody_can_name_is_pending(serving: str | None) -> None:
    found = decide(PlaceEvidence(serving=serving), (IMEI,), POLICY)
    assert (found.decision, found.reason) == (Decision.PENDING, Reason.PLACE_UNKNOWN)
    assert found.retry_after_s == 60


def test_the_sim_never_decides_where_the_phone_is() -> None:
    roaming = decide(PlaceEvidence(serving="26201", sim="36801"), (IMEI,), POLICY)
    visiting = decide(PlaceEvidence(serving="36801", sim="26201"), (IMEI,), POLICY)
    alone = decide(PlaceEvidence(sim="36801"), (IMEI,), POLICY)
    assert roaming.decision is Decision.ACTIVATE
    assert (visiting.decision, visiting.country) == (Decision.LOCK_TERRITORY, "CU")
    assert alone.decision is Decision.PENDING


@pytest.mark.parametrize("serving", ["36801", "25033", "26201", "00101", "467193"])
def test_the_same_answers_come_out_of_a_whole_exchange(serving: str) -> None:
    device = TestDevice(serving=serving)
    response = device.activate(issuer_with(), now_s=1_800_000_000)
    wanted = decide(PlaceEvidence(serving=serving), (device.imei,), POLICY)
    assert response.decision is wanted.decision
    assert (response.country, response.subdivision) == (wanted.country, wanted.subdivision)
