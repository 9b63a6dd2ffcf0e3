"""The override bridge: what is claimed is told consistently, the rest passes byte for byte."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.errors import UsageError
from firmware_sim.modem.at import Command, parse_line
from firmware_sim.modem.dialogue import ModemDialogue
from firmware_sim.modem.overridden_lines import Context, Known, pack_imsi, rewrite, unpack_imsi
from firmware_sim.modem.override import Overrides, parse
from firmware_sim.modem.override_bridge import OverrideBridge
from firmware_sim.modem.reading import Reading, Registration, SimState
from firmware_sim.modem.virtual import VirtualModem, default_state
from tests.support.bad_line import Line, rates
from tests.support.modem_talk import Modem, Talk
from tests.support.scripted_modem import ScriptedModem

IMEI = "490154203237518"
OTHER_IMEI = "356938035643809"
KNOWN = Reading(
    imei=IMEI, imsi="262011234567890", mnc_length=2, serving="26201", sim=SimState.READY
)


class Bridged:
    """A modem behind a bridge, as the `Modem` of a `Talk`."""

    def __init__(self, bridge: OverrideBridge, modem: Modem) -> None:
        self.bridge = bridge
        self.modem = modem
        self.reached_modem = b""

    def receive(self, data: bytes, now: int) -> None:
        self.bridge.from_program(data, now)
        passed = self.bridge.to_modem()
        self.reached_modem += passed
        self.modem.receive(passed, now)

    def tick(self, now: int) -> None:
        self.modem.tick(now)

    def outgoing(self) -> bytes:
        self.bridge.from_modem(self.modem.outgoing(), 0)
        return self.bridge.to_program()

    def wake_at(self) -> int | None:
        return self.modem.wake_at()


def bridged(*pairs: str, serving: str = "26201", sim: str = "26201") -> tuple[Talk, Bridged]:
    modem = VirtualModem(default_state(imei=IMEI, serving=serving, sim=sim))
    first = Talk(ModemDialogue(), modem).start().run()
    assert first.dialogue.reading is not None
    between = Bridged(OverrideBridge(parse(pairs), first.dialogue.reading), modem)
    return Talk(ModemDialogue(), between, now=first.now).start().run(), between


def reading(talk: Talk) -> Reading:
    assert talk.dialogue.failure is None
    assert talk.dialogue.reading is not None
    return talk.dialogue.reading


def test_a_phone_at_home_is_told_to_be_roaming_in_cuba() -> None:
    talk, _ = bridged("serving=36801")
    told = reading(talk)
    assert (told.serving, told.operator) == ("36801", "ETECSA")
    assert told.registration is Registration.ROAMING
    assert (told.imei, told.home_plmn) == (IMEI, "26201")
    assert told.overridden == "serving=36801"


def test_only_what_is_claimed_changes() -> None:
    plain = Talk(
        ModemDialogue(), VirtualModem(default_state(imei=IMEI, serving="26201", sim="26201"))
    )
    truth = reading(plain.start().run())
    told = reading(bridged("serving=36801")[0])
    assert set(told.differences(truth)) == {"serving", "operator", "registration", "overridden"}


def test_a_claimed_card_of_the_claimed_network_is_at_home() -> None:
    talk, _ = bridged("serving=36801", "sim=36801")
    told = reading(talk)
    assert told.registration is Registration.HOME
    assert (told.home_plmn, told.mnc_length) == ("36801", 2)


def test_a_claimed_home_of_three_digits_changes_imsi_and_ef_ad_together() -> None:
    talk, _ = bridged("sim=310410")
    told = reading(talk)
    assert (told.home_plmn, told.mnc_length) == ("310410", 3)
    assert len(told.imsi) == 15
    assert told.registration is Registration.ROAMING  # 26201 is not its home any more
    assert told.serving == "26201"


def test_a_roaming_phone_whose_claimed_card_is_of_the_network_is_at_home() -> None:
    talk, _ = bridged("sim=26202", serving="26202", sim="26201")
    assert reading(talk).registration is Registration.HOME


def test_a_claimed_imei_is_told_everywhere() -> None:
    talk, between = bridged(f"imei={OTHER_IMEI}")
    told = reading(talk)
    assert told.imei == OTHER_IMEI
    assert told.imeisv[:14] == OTHER_IMEI[:14]
    between.bridge.from_modem(f"\r\nIMEI: {IMEI}\r\n".encode(), 0)
    assert between.bridge.to_program() == f"\r\nIMEI: {OTHER_IMEI}\r\n".encode()


def test_a_claimed_absence_of_the_card_closes_everything_behind_it() -> None:
    talk, between = bridged("sim=absent")
    told = reading(talk)
    assert (told.sim, told.imsi, told.iccid) == (SimState.ABSENT, "", "")
    assert told.registration is Registration.IDLE
    assert told.serving is None
    assert b"CIMI" not in between.reached_modem


def test_a_claimed_pin_is_asked_and_never_reaches_the_real_card() -> None:
    talk, between = bridged("sim=pin")
    assert reading(talk).sim is SimState.PIN
    talk.dialogue.enter_pin("1234", talk.now)
    talk.run_for(3_000)
    told = reading(talk)
    assert told.sim is SimState.READY
    assert told.imsi != ""
    assert b"AT+CPIN=" not in between.reached_modem
    assert not [
        event for event in between.bridge.events() if b"1234" in event.raw and "CPIN" in event.text
    ]


@pytest.mark.parametrize("state", ["network-locked", "provider-locked", "puk"])
def test_a_claimed_lock_is_told(state: str) -> None:
    assert reading(bridged(f"sim={state}")[0]).sim.value == state


def test_a_claimed_registration_takes_the_operator_away() -> None:
    told = reading(bridged("registration=denied")[0])
    assert (told.registration, told.serving, told.cell) == (Registration.DENIED, None, None)


def test_unsolicited_codes_are_overridden_as_answers_are() -> None:
    talk, between = bridged("serving=36801")
    between.modem.set("registration", "searching", talk.now)  # type: ignore[union-attr]
    talk.run_for(1_000)
    assert reading(talk).registration is Registration.SEARCHING
    between.modem.set("registration", "home", talk.now)  # type: ignore[union-attr]
    talk.run_for(1_000)
    assert reading(talk).registration is Registration.ROAMING
    assert reading(talk).serving == "36801"


def test_the_trace_says_what_is_overridden_and_keeps_both_sides() -> None:
    _, between = bridged("serving=36801")
    events = between.bridge.events()
    overridden = [event.text for event in events if event.kind == "override"]
    assert 'OVERRIDE: +COPS: 0,2,"26201",7 -> +COPS: 0,2,"36801",7' in overridden
    said = [event for event in events if event.kind == "at"]
    assert any(event.sent and event.text == "AT+COPS?" for event in said)
    assert any(event.sent is False and event.text == '+COPS: 0,2,"26201",7' for event in said)


CASES = [
    ("+CREG: 2,1", "+CREG: 2,5"),
    ("+CREG: 1", "+CREG: 5"),
    ("+CREG:1", "+CREG:5"),
    ('+CREG: 2, 1, "0502", "0404736D"', '+CREG: 2, 5, "0502", "0404736D"'),
    ("+CREG: 1,0502,0404736D,7", "+CREG: 5,0502,0404736D,7"),
    ('+CEREG: 1,"0001","00000001",7,,,"00000001"', '+CEREG: 5,"0001","00000001",7,,,"00000001"'),
    ("+CGREG: 2,2", "+CGREG: 2,2"),
    ("+CREG: 6", "+CREG: 7"),
    ("+CREG: 8", "+CREG: 8"),
    ("+COPS: 0", "+COPS: 0"),
    ('+COPS: 0,2,"26201",7', '+COPS: 0,2,"36801",7'),
    ("+COPS: 0,2,26201)", "+COPS: 0,2,36801)"),
    ('+COPS: 0,0,"Telekom, DE",7', '+COPS: 0,0,"ETECSA",7'),
    ('+COPS: 0,2,"00320036003200300031",7', '+COPS: 0,2,"00330036003800300031",7'),
    (
        '+COPS: (2,"Telekom","TDG","26201",7),(1,"VF","VF","26202",7),,(0-4),(0-2)',
        '+COPS: (2,"ETECSA","ETECSA","36801",7),(1,"VF","VF","26202",7),,(0-4),(0-2)',
    ),
    (
        '+QNWINFO: "FDD LTE","26201","LTE BAND 3",1300',
        '+QNWINFO: "FDD LTE","36801","LTE BAND 3",1300',
    ),
    ('+CPOL: 1,2,"26201"', '+CPOL: 1,2,"26201"'),
    ("+CSQ: 20,99", "+CSQ: 20,99"),
    ("262011234567890", "262011234567890"),
    ("OK", "OK"),
    ("\x00\xff+CREG", "\x00\xff+CREG"),
]


@pytest.mark.parametrize(("said", "told"), CASES)
def test_a_line_changes_in_its_digits_and_nowhere_else(said: str, told: str) -> None:
    known = Known(IMEI, "262011234567890", "26201", 2, "26201")
    assert rewrite(said, Overrides(serving="36801"), known, Context()) == told


def test_ef_ad_and_ef_imsi_of_a_claimed_home() -> None:
    known = Known(IMEI, "262011234567890", "26201", 2, "26201")
    context = Context(parse_line("+CRSM=176,28589,0,0,4") or ())
    overrides = Overrides(home="310410")
    assert rewrite('+CRSM: 144,0,"00000002"', overrides, known, context).endswith('"00000003"')
    assert rewrite("+CRSM: 106,130", overrides, known, context) == "+CRSM: 106,130"
    context = Context(parse_line("+CRSM=176,28423,0,0,9") or ())
    data = pack_imsi("262011234567890", 9).hex().upper()
    told = rewrite(f'+CRSM: 144,0,"{data}"', overrides, known, context)
    assert unpack_imsi(bytes.fromhex(told.split('"')[1])) == "310410234567890"


def test_the_files_of_a_claimed_home_are_told_through_apdus_too() -> None:
    modem = VirtualModem(default_state(imei=IMEI, serving="26201", sim="26201"))
    bridge = OverrideBridge(parse(["sim=310410"]), KNOWN)
    between = Bridged(bridge, modem)

    def ask(command: str) -> str:
        between.receive(command.encode() + b"\r", 0)
        return between.outgoing().decode()

    ask("ATE0")
    ask('AT+CSIM=18,"00A40804047FFF6FAD"')
    assert '"000000039000"' in ask('AT+CSIM=10,"00B0000004"')
    ask('AT+CSIM=18,"00A40804047FFF6F07"')
    told = ask('AT+CSIM=10,"00B0000009"').split('"')[1]
    assert unpack_imsi(bytes.fromhex(told)[:-2]).startswith("310410")


@given(st.text("0123456789", min_size=6, max_size=15))
def test_ef_imsi_packs_and_unpacks(imsi: str) -> None:
    assert unpack_imsi(pack_imsi(imsi, 9)) == imsi


def test_two_card_files_in_one_line_are_told_apart() -> None:
    bridge = OverrideBridge(parse(["sim=310410"]), KNOWN)
    bridge.from_program(b"AT+CRSM=176,12258,0,0,10;+CRSM=176,28589,0,0,4\r", 0)
    bridge.from_modem(
        b'\r\n+CRSM: 144,0,"00000002"\r\n\r\n+CRSM: 144,0,"00000002"\r\n\r\nOK\r\n', 0
    )
    assert bridge.to_program() == (
        b'\r\n+CRSM: 144,0,"00000002"\r\n\r\n+CRSM: 144,0,"00000003"\r\n\r\nOK\r\n'
    )


def test_the_trace_holds_no_pin_that_passes_to_a_card_which_is_not_claimed() -> None:
    bridge = OverrideBridge(parse(["serving=36801"]), KNOWN)
    bridge.from_program(b'AT+CPIN="4711"\r', 0)
    assert bridge.to_modem() == b'AT+CPIN="4711"\r'
    bridge.from_modem(b'AT+CPIN="4711"\r\r\nOK\r\n', 0)
    assert bridge.to_program() == b'AT+CPIN="4711"\r\r\nOK\r\n'
    events = bridge.events()
    assert len(events) == 3
    assert not [event for event in events if b"4711" in event.raw or "4711" in event.text]


def test_messages_and_calls_pass_untouched() -> None:
    bridge = OverrideBridge(parse(["serving=36801"]), KNOWN)
    bridge.from_program(b"AT+CMGS=20\r", 0)
    bridge.from_modem(b"\r\n> ", 0)
    assert bridge.to_program() == b"\r\n> "
    bridge.from_program(b"AT+CREG", 0)
    assert bridge.to_modem() == b"AT+CMGS=20\rAT+CREG"
    bridge.from_program(b"\x1a", 0)
    bridge.from_modem(b"\r\n+CMGS: 1\r\n\r\nOK\r\n", 0)
    bridge.from_program(b"ATD*99#\r", 0)
    bridge.from_modem(b"\r\nCONNECT 115200\r\n", 0)
    bridge.to_program()
    frame = b"\x7e\xff\x7d\x23\r\n+CREG: 1\r\n"
    bridge.from_modem(frame, 0)
    assert bridge.to_program() == frame
    bridge.from_modem(b"\r\nNO CARRIER\r\n", 0)
    bridge.from_modem(b"\r\n+CREG: 1\r\n", 0)
    assert bridge.to_program().endswith(b"+CREG: 5\r\n")


@settings(max_examples=100)
@given(data=st.binary(max_size=300), cut=st.integers(1, 50))
def test_bytes_without_anything_to_override_pass_in_order_and_whole(data: bytes, cut: int) -> None:
    data = data.replace(b"> ", b"").replace(b"CONNECT", b"") + b"\r\n"
    known = dataclasses.replace(KNOWN, imei="", serving=None)
    bridge = OverrideBridge(Overrides(imei=OTHER_IMEI), known)
    for at in range(0, len(data), cut):
        bridge.from_modem(data[at : at + cut], 0)
        bridge.from_program(data[at : at + cut].replace(b"\r", b""), 0)
    bridge.from_program(b"\r", 0)
    assert bridge.to_program() == data
    assert bridge.to_modem() == data.replace(b"\r", b"") + b"\r"


class NoisyLine:
    """A scripted modem whose bytes reach the bridge over a bad line."""

    def __init__(self, line: Line) -> None:
        self.modem = ScriptedModem()
        self.line = line
        self.on_the_way: list[tuple[int, bytes]] = []
        self.now = 0

    def receive(self, data: bytes, now: int) -> None:
        self.now = now
        self.modem.receive(data, now)

    def tick(self, now: int) -> None:
        self.now = now
        self.modem.tick(now)

    def outgoing(self) -> bytes:
        if said := self.modem.outgoing():
            last = self.on_the_way[-1][0] if self.on_the_way else 0
            self.on_the_way += [(max(at, last), part) for at, part in self.line(said, self.now)]
        due = b"".join(part for at, part in self.on_the_way if at <= self.now)
        self.on_the_way = [piece for piece in self.on_the_way if piece[0] > self.now]
        return due

    def wake_at(self) -> int | None:
        times = [at for at, _ in self.on_the_way]
        if (wake := self.modem.wake_at()) is not None:
            times.append(wake)
        return min(times) if times else None


CLAIMED = Overrides(serving="25032", home="310410", imei=OTHER_IMEI)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), rates=rates)
def test_no_noise_lets_the_truth_through_what_is_overridden(
    seed: int, rates: dict[str, float]
) -> None:
    truth = dataclasses.replace(KNOWN, serving="36801")
    between = Bridged(OverrideBridge(CLAIMED, truth), NoisyLine(Line(seed, rates)))
    talk = Talk(ModemDialogue(), between).start()
    talk.run(limit_ms=100_000)
    told = talk.dialogue.reading
    if told is not None:
        assert told.imei == OTHER_IMEI
        assert told.serving in (None, "25032")
        assert told.imsi[:6] in ("", "310410")
        assert told.home_plmn in (None, "310410")


@settings(max_examples=50)
@given(cuts=st.lists(st.integers(1, 20), min_size=1, max_size=30))
def test_how_the_bytes_are_cut_does_not_matter(cuts: list[int]) -> None:
    data = b'\r\n+CREG: 1,"0502"\r\n\r\n+COPS: 0,2,"26201"\r\n\r\nOK\r\n\r\n+CEREG: 1\r\n'
    whole = OverrideBridge(parse(["serving=36801"]), KNOWN)
    whole.from_modem(data, 0)
    torn = OverrideBridge(parse(["serving=36801"]), KNOWN)
    at = 0
    turn = 0
    while at < len(data):
        size = cuts[turn % len(cuts)]
        torn.from_modem(data[at : at + size], 0)
        at, turn = at + size, turn + 1
    assert torn.to_program() == whole.to_program()


@pytest.mark.parametrize(
    ("pairs", "cause"),
    [
        ([], "nothing to override"),
        (["serving=368"], "a PLMN is 5 or 6 digits"),
        (["imei=490154203237517"], "not an IMEI (check digit)"),
        (["sim=broken"], "one of absent"),
        (["registration=x"], "one of idle"),
        (["colour=red"], "expected one of serving"),
        (["serving=36801", "serving=36802"], "given twice"),
    ],
)
def test_an_override_that_makes_no_sense_is_refused(pairs: list[str], cause: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(pairs)
    assert cause in caught.value.text


def test_the_bridge_adds_no_command_of_its_own() -> None:
    _, between = bridged("serving=36801")
    assert b"FSIMBRIDGE" not in between.reached_modem
    asked = {line for line in between.reached_modem.decode().split("\r") if line}
    assert all(isinstance(one, Command) for line in asked for one in parse_line(line[2:]) or ())
