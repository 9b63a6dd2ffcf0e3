"""The IMEI: a verdict with its reason, and the check digit (TS 23.003, annex B)."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import imei as stdnum_imei

from firmware_sim_native import imei
from firmware_sim_native.imei import ImeiRefusal
from tests.native import model

GOOD = "490154203237518"


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (GOOD, None),
        ("356938035643809", None),
        ("490154203237517", ImeiRefusal.CHECK_DIGIT),
        ("000000000000000", ImeiRefusal.NULL),
        ("000000000000001", ImeiRefusal.CHECK_DIGIT),
        ("", ImeiRefusal.LENGTH),
        ("49015420323751", ImeiRefusal.LENGTH),
        ("4901542032375186", ImeiRefusal.LENGTH),
        ("49015420323751X", ImeiRefusal.NON_DIGIT),
        ("49015420323751\0", ImeiRefusal.NON_DIGIT),
        ("49015420323751/", ImeiRefusal.NON_DIGIT),
        ("49015420323751:", ImeiRefusal.NON_DIGIT),
        (" 49015420323751", ImeiRefusal.NON_DIGIT),
        ("４９０１５４２０３２３７５１８", ImeiRefusal.NON_DIGIT),
        ("٤٩٠١٥٤٢٠٣٢٣٧٥١٨", ImeiRefusal.NON_DIGIT),
        ("\ud800" * 15, ImeiRefusal.NON_DIGIT),
    ],
)
def test_each_refusal_has_its_reason(text: str, refusal: ImeiRefusal | None) -> None:
    assert imei.check(text) is refusal
    assert imei.is_valid(text) is (refusal is None)


def test_bytes_are_taken_as_they_are() -> None:
    assert imei.check(GOOD.encode()) is None
    assert imei.check(b"\xff" * 15) is ImeiRefusal.NON_DIGIT


@given(st.text(st.sampled_from("0123456789"), min_size=14, max_size=14))
def test_exactly_one_check_digit_fits(first14: str) -> None:
    fitting = [str(digit) for digit in range(10) if model.luhn_holds(first14 + str(digit))]
    assert fitting == [str(imei.check_digit(first14))]


@pytest.mark.parametrize("text", ["", "4901542032375", "4901542032375X", GOOD, "４" * 14])
def test_a_check_digit_of_anything_else_than_14_digits_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="14 decimal digits"):
        imei.check_digit(text)


@given(
    st.text(max_size=17) | st.text(st.sampled_from("0123456789aX/: ４"), min_size=13, max_size=17)
)
@example(GOOD)
def test_the_core_agrees_with_the_model_on_any_text(text: str) -> None:
    verdict = imei.check(text)
    assert (verdict.name if verdict else None) == model.imei_refusal(text)


@given(st.text(st.sampled_from("0123456789"), min_size=15, max_size=15))
@example(GOOD)
def test_the_core_agrees_with_python_stdnum_on_15_ascii_digits(text: str) -> None:
    if text != "0" * 15:
        assert imei.is_valid(text) == stdnum_imei.is_valid(text)


@pytest.mark.parametrize(
    ("text", "stdnum_says", "why_we_differ"),
    [
        ("0" * 15, True, "the null IMEI identifies nothing: phones without an identity send it"),
        ("49015420323751", True, "14 digits have no check digit: nothing was checked"),
        ("4901542032375100", True, "an IMEISV has no check digit: it is no IMEI"),
        ("49-015420-323751-8", True, "separators are for people; registers and modems send digits"),
        (" 490154203237518", True, "the same: what is checked is what will be sent"),
        (
            "４９０１５４２０３２３７５１８",
            True,
            "every wire carries ASCII digits",
        ),
    ],
)
def test_each_disagreement_with_python_stdnum_has_its_reason(
    text: str, stdnum_says: bool, why_we_differ: str
) -> None:
    assert stdnum_imei.is_valid(text) is stdnum_says, why_we_differ
    assert not imei.is_valid(text), why_we_differ
