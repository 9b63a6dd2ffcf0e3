"""A position fix decides Crimea and Sevastopol, says "out" elsewhere, and doubts at the border."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.server import geography, policyfile
from firmware_sim.server.decision import PlaceEvidence, decide
from firmware_sim.server.policy import Place
from firmware_sim_protocol.numbers import Decision
from firmware_sim_protocol.values import Gnss

IMEI = "490154203237518"
POLICY = policyfile.pack()

# Positions of town centres, from memory, to about a kilometre.
INSIDE = {
    "Simferopol": (34.10, 44.95),
    "Yalta": (34.166, 44.495),
    "Kerch": (36.475, 45.36),
    "Feodosia": (35.38, 45.03),
    "Yevpatoria": (33.36, 45.20),
    "Dzhankoi": (34.39, 45.71),
    "Armiansk": (33.691, 46.106),
    "Alushta": (34.41, 44.676),
    "Foros, on the shore": (33.785, 44.392),
    "Sevastopol": (33.525, 44.617),
    "Balaklava": (33.60, 44.50),
}
OUTSIDE = {
    "Kherson": (32.62, 46.64),
    "Odesa": (30.73, 46.48),
    "Kalanchak": (33.29, 46.25),
    "Henichesk": (34.80, 46.174),
    "Chonhar": (34.545, 46.020),
    "Port Kavkaz, across the strait": (36.675, 45.338),
    "Taman": (36.715, 45.21),
    "Novorossiysk": (37.77, 44.72),
    "Moscow": (37.62, 55.75),
    "Havana": (-82.38, 23.13),
    "the antipode": (-145.9, -44.95),
}


def fix(x: float, y: float, accuracy_m: int = 20, age_s: int = 5) -> Gnss:
    return Gnss(
        latitude_e7=round(y * 1e7),
        longitude_e7=round(x * 1e7),
        accuracy_m=accuracy_m,
        age_s=age_s,
    )


@pytest.mark.parametrize("town", INSIDE)
def test_a_town_of_the_peninsula_is_in(town: str) -> None:
    assert geography.within(fix(*INSIDE[town])) is Place.IN


@pytest.mark.parametrize("town", OUTSIDE)
def test_a_town_elsewhere_is_out(town: str) -> None:
    assert geography.within(fix(*OUTSIDE[town])) is Place.OUT


def test_the_city_and_the_peninsula_are_told_apart_away_from_their_border() -> None:
    sevastopol, simferopol = fix(*INSIDE["Sevastopol"]), fix(*INSIDE["Simferopol"])
    assert geography.whereabouts("UA-40", sevastopol) is Place.IN
    assert geography.whereabouts("UA-43", sevastopol) is Place.OUT
    assert geography.whereabouts("UA-43", simferopol) is Place.IN
    assert geography.whereabouts("UA-40", simferopol) is Place.OUT
    assert geography.whereabouts("UA-43", fix(33.70, 44.62)) is Place.UNKNOWN
    assert geography.whereabouts("UA-30", simferopol) is Place.UNKNOWN


def test_at_the_land_border_and_with_a_vague_fix_nothing_is_said() -> None:
    assert geography.within(fix(33.70, 46.20)) is Place.UNKNOWN
    assert geography.within(fix(*INSIDE["Dzhankoi"], accuracy_m=60_000)) is Place.UNKNOWN
    assert geography.within(fix(*OUTSIDE["Henichesk"], accuracy_m=60_000)) is Place.UNKNOWN


@given(st.floats(-180, 180), st.floats(-90, 90), st.integers(0, 2**32 - 2))
def test_a_less_exact_fix_never_turns_in_into_out(x: float, y: float, accuracy: int) -> None:
    exact, vague = geography.within(fix(x, y, 0)), geography.within(fix(x, y, accuracy))
    assert vague in (exact, Place.UNKNOWN)


@pytest.mark.parametrize("serving", ["25001", "25501", None])
def test_where_the_network_says_neither_way_the_fix_decides(serving: str | None) -> None:
    found = decide(PlaceEvidence(serving=serving, gnss=fix(34.10, 44.95)), (IMEI,), POLICY)
    assert (found.decision, found.subdivision) == (Decision.LOCK_TERRITORY, "UA-43")
    city = decide(PlaceEvidence(serving=serving, gnss=fix(33.525, 44.617)), (IMEI,), POLICY)
    assert (city.decision, city.subdivision) == (Decision.LOCK_TERRITORY, "UA-40")


def test_a_fix_elsewhere_frees_nobody_and_names_no_country() -> None:
    moscow = fix(37.62, 55.75)
    assert decide(PlaceEvidence(serving="25001", gnss=moscow), (IMEI,), POLICY).decision is (
        Decision.ACTIVATE
    )
    assert decide(PlaceEvidence(serving="25032", gnss=moscow), (IMEI,), POLICY).decision is (
        Decision.LOCK_TERRITORY
    )
    assert decide(PlaceEvidence(gnss=moscow), (IMEI,), POLICY).decision is Decision.PENDING


def test_an_old_or_vague_fix_is_no_evidence() -> None:
    old = fix(34.10, 44.95, age_s=3_601)
    vague = fix(34.10, 44.95, accuracy_m=10_001)
    for bad in (old, vague):
        found = decide(PlaceEvidence(serving="25001", gnss=bad), (IMEI,), POLICY)
        assert found.decision is Decision.ACTIVATE


def test_the_serving_network_goes_before_the_fix() -> None:
    found = decide(PlaceEvidence(serving="26201", gnss=fix(34.10, 44.95)), (IMEI,), POLICY)
    assert found.decision is Decision.ACTIVATE


def test_the_outline_is_one_simple_ring_with_its_source() -> None:
    shape = geography.outline()
    assert len(shape.ring) == len(set(shape.ring)) > 400
    first, last = shape.land_border
    assert all(45.6 < y < 46.3 for _, y in shape.ring[first : last + 1])
