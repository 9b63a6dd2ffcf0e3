"""`activate --pin` on a modem in another process, whose card asks for its PIN."""

from tests.support.program import firmware_sim, line_with, started


def test_the_right_pin_opens_the_card_and_a_wrong_one_costs_one_try() -> None:
    words = ("modem", "serve", "--tcp", "127.0.0.1:0", "--serving", "26201", "--set", "pin=1234")
    with started(*words) as modem:
        address = line_with(modem.stdout, "modem 0:").split()[2].removeprefix("tcp://")
        activate = ("activate", "--modem", f"socket://{address}", "--json")
        none = firmware_sim(*activate)
        assert none.status == 3
        assert none.one_line().endswith("the SIM asks for its PIN (give it with --pin)")
        wrong = firmware_sim(*activate, "--pin", "9999")
        assert wrong.status == 3
        assert wrong.one_line().endswith("the SIM refuses the PIN, 2 tries left")
        assert wrong.json["screen"]["id"] == "sim-pin"
        right = firmware_sim(*activate, "--pin", "1234", "--expect", "activated")
        assert right.status == 0, right.stderr


def test_what_no_card_can_have_as_pin_is_a_usage_error() -> None:
    done = firmware_sim("activate", "--pin", "12")
    assert done.status == 2
    assert done.one_line() == "firmware-sim: pin: a PIN is 4 to 8 digits"


def test_two_slots_never_have_one_imei() -> None:
    imei = "490154203237518"
    done = firmware_sim("activate", "--imei", imei, "--imei2", imei)
    assert done.status == 2
    assert "imei2" in done.one_line()
