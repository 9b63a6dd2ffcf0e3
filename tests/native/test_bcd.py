"""TBCD of an IMEI, and the three bytes of a PLMN, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim_native import plmn, tbcd
from tests.native import model

digits = st.sampled_from("0123456789")


def test_a_known_imei_in_tbcd() -> None:
    assert tbcd.pack_imei("490154203237518").hex() == "94104502237315f8"


@given(st.text(digits, min_size=15, max_size=15))
def test_an_imei_survives_packing(imei15: str) -> None:
    assert tbcd.pack_imei(imei15) == model.tbcd(imei15)
    assert tbcd.unpack_imei(tbcd.pack_imei(imei15)) == imei15


@given(st.binary(min_size=8, max_size=8))
def test_eight_bytes_unpack_exactly_when_they_are_canonical(packed: bytes) -> None:
    nibbles = packed.hex()
    canonical = nibbles[14] == "f" and (nibbles[:14] + nibbles[15]).isdecimal()
    if canonical:
        assert tbcd.pack_imei(tbcd.unpack_imei(packed)) == packed
    else:
        with pytest.raises(ValueError, match="15 decimal nibbles"):
            tbcd.unpack_imei(packed)


@pytest.mark.parametrize("filler", range(15))
def test_a_filler_other_than_f_is_refused(filler: int) -> None:
    with pytest.raises(ValueError, match="filler F"):
        tbcd.unpack_imei(bytes.fromhex("94104502237315") + bytes([filler << 4 | 8]))


@pytest.mark.parametrize("text", ["", "49015420323751", "49015420323751A", "４" * 15])
def test_what_is_not_15_digits_is_not_packed(text: str) -> None:
    with pytest.raises(ValueError, match="15 decimal digits"):
        tbcd.pack_imei(text)


@given(st.text(digits, max_size=40))
def test_any_digits_survive_tbcd(text: str) -> None:
    assert tbcd.pack(text) == model.tbcd(text)
    assert tbcd.unpack(tbcd.pack(text)) == text


@pytest.mark.parametrize("data", ["f1f2", "0a", "ff", "a0"])
def test_tbcd_with_a_filler_before_the_end_or_a_letter_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match="decimal digits only"):
        tbcd.unpack(bytes.fromhex(data))


def test_tbcd_of_other_characters_is_refused() -> None:
    for text in ("1a", "４", "*", "-1"):
        with pytest.raises(ValueError, match="decimal digits only"):
            tbcd.pack(text)


@given(st.text(digits, min_size=5, max_size=6))
def test_a_plmn_survives_packing(text: str) -> None:
    assert plmn.pack(text) == model.plmn_bcd(text)
    assert plmn.unpack(plmn.pack(text)) == text


def test_two_and_three_digit_mncs_pack_differently() -> None:
    assert plmn.pack("40512").hex() == "04f521"
    assert plmn.pack("405012").hex() == "042510"


@given(st.binary(min_size=3, max_size=3))
def test_three_bytes_unpack_exactly_when_they_are_canonical(packed: bytes) -> None:
    nibbles = packed.hex()
    rest = nibbles[:2] + nibbles[3:]
    if rest.isdecimal() and (nibbles[2].isdecimal() or nibbles[2] == "f"):
        assert plmn.pack(plmn.unpack(packed)) == packed
    else:
        with pytest.raises(ValueError, match="decimal nibbles"):
            plmn.unpack(packed)


@pytest.mark.parametrize("packed", [b"", b"\x21\xf3", b"\x21\xf3\x54\x00", b"\xff\xff\xff"])
def test_what_is_no_packed_plmn_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="3 bytes"):
        plmn.unpack(packed)


@pytest.mark.parametrize("text", ["", "3680", "3680111", "3680A", "36８01", "-3680"])
def test_what_is_no_plmn_is_not_packed(text: str) -> None:
    with pytest.raises(ValueError, match="5 or 6 decimal digits"):
        plmn.pack(text)
