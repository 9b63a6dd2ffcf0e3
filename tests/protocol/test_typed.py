"""The typed form: what a person types is the message, or is known to be mistyped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim_protocol.numbers import MessageType
from firmware_sim_protocol.typed import ALPHABET, TypedFormError, from_text, to_text
from tests.support.messages import sealed

TICKET = sealed(MessageType.UNLOCK_TICKET)


@given(message=st.binary(min_size=16, max_size=300))
def test_any_message_comes_back(message: bytes) -> None:
    assert from_text(to_text(message)) == message


def test_case_space_hyphens_and_lookalikes_do_not_matter() -> None:
    text = to_text(TICKET)
    assert from_text(text.lower().replace("-", " \n")) == TICKET
    assert from_text(text.replace("0", "o").replace("1", "l")) == TICKET
    assert from_text(text.replace("0", "O").replace("1", "I").replace("-", "")) == TICKET
    assert {len(group) for group in text.split("-")[:-1]} == {5}


@given(place=st.integers(0, 10_000), char=st.sampled_from(ALPHABET))
def test_any_one_wrong_character_is_noticed(place: int, char: str) -> None:
    digits = to_text(TICKET).replace("-", "")
    place %= len(digits)
    bent = digits[:place] + char + digits[place + 1 :]
    if char != digits[place]:
        with pytest.raises(TypedFormError):
            from_text(bent)
    with pytest.raises(TypedFormError):
        from_text(digits[:place] + digits[place + 1 :])


def test_two_neighbours_exchanged_are_noticed() -> None:
    digits = to_text(TICKET).replace("-", "")
    for place in range(len(digits) - 1):
        one, two = digits[place : place + 2]
        if one != two:
            with pytest.raises(TypedFormError):
                from_text(digits[:place] + two + one + digits[place + 2 :])


@pytest.mark.parametrize("text", ["", "U", "hello!", "0", "0000-", "Ü" * 40, "0" * 8000])
def test_what_is_no_code_says_so(text: str) -> None:
    with pytest.raises(TypedFormError):
        from_text(text)
