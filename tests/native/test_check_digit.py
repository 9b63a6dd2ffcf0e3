"""The check digit of TS 23.003, annex B."""

from firmware_sim_native._core import lib


def test_the_check_digit_of_a_known_imei() -> None:
    assert lib.fsim_imei_check_digit(b"49015420323751") == 8
