"""Recordings: what is written is played, order does not matter where AT does not care, and a
departure is named."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from firmware_sim.links import memory
from firmware_sim.links.clock import ManualClock
from firmware_sim.modem.dialogue import ModemDialogue
from firmware_sim.modem.masking import Masking, hide_secrets
from firmware_sim.modem.reading import Reading, Registration, SimState
from firmware_sim.modem.recording import RecordingError, Replay, load
from firmware_sim.modem.virtual import VirtualModem, default_state
from firmware_sim.rig.recorder import RecordingFile, RecordingLink
from tests.support.modem_talk import Talk

RECORDINGS = Path(__file__).parent / "recordings"
IMEI = "490154203237518"


def record(masking: Masking | None = None) -> tuple[Reading, list[str]]:
    """Our own reading of a virtual modem over a recorded link: the reading and the lines."""
    near, far = memory.pair()
    out = io.StringIO()
    kept: list[str] = []
    out.close = lambda: kept.append(out.getvalue())  # type: ignore[method-assign]
    clock = ManualClock()
    file = RecordingFile(out, masking)
    link = RecordingLink(near, file, clock)
    modem = VirtualModem(default_state(imei=IMEI, serving="36801", sim="26201"))
    dialogue = ModemDialogue()
    dialogue.start(0)
    while dialogue.reading is None:
        assert dialogue.failure is None
        if asked := dialogue.outgoing():
            link.send(asked)
        if data := far.receive():
            modem.receive(data, clock.now())
            far.send(modem.outgoing())
        if data := link.receive():
            dialogue.receive(data, clock.now())
            continue
        wake = dialogue.wake_at()
        if not asked and wake is not None:
            clock.advance(max(0, wake - clock.now()))
            dialogue.tick(clock.now())
    file.close(clock.now())
    return dialogue.reading, kept[0].splitlines()


def replayed(lines: list[str]) -> Talk:
    replay = Replay(load(lines, "test"))
    talk = Talk(ModemDialogue(), replay).start().run()
    assert replay.departures == []
    return talk


def test_what_was_recorded_reads_the_same_when_it_is_played() -> None:
    reading, lines = record()
    assert replayed(lines).dialogue.reading == reading


def test_a_recording_is_json_lines_with_times_and_sides() -> None:
    _, lines = record()
    rows = [json.loads(line) for line in lines]
    assert rows[0]["recording"] == 1
    assert {row["from"] for row in rows[1:]} == {"program", "modem"}
    assert all(row["at"] >= 0 for row in rows[1:])


def test_masked_identities_are_consistent_and_still_valid() -> None:
    plain, _ = record()
    masked_lines = record(Masking("lab"))[1]
    text = "\n".join(masked_lines)
    for secret in (plain.imei, plain.imsi, plain.iccid, plain.imeisv):
        assert secret not in text
    reading = replayed(masked_lines).dialogue.reading
    assert reading is not None
    assert reading.imei != plain.imei
    assert reading.imei[:8] == plain.imei[:8]  # the type allocation code stays
    assert reading.imeisv[:14] == reading.imei[:14]
    assert reading.imsi[:6] == plain.imsi[:6]
    assert reading.home_plmn == plain.home_plmn
    assert reading.iccid[:7] == plain.iccid[:7]
    assert (reading.serving, reading.registration) == (plain.serving, plain.registration)
    again = record(Masking("lab"))[1]
    assert again == masked_lines
    assert record(Masking("other"))[1] != masked_lines


def test_questions_in_another_order_and_more_often_are_answered() -> None:
    _, lines = record()
    replay = Replay(load(lines, "test"), paced=False)
    for command in ("AT+CSQ", "AT+CGSN", "AT+CREG?", "AT+CGSN", "AT+CGSN", "at+cgsn"):
        replay.receive(command.encode() + b"\r", 0)
        assert b"OK" in replay.outgoing()
    assert replay.departures == []


def test_an_answer_follows_the_setting_that_was_made_before_it() -> None:
    _, lines = record()
    replay = Replay(load(lines, "test"), paced=False)
    for _ in range(3):
        replay.receive(b"AT+COPS=3,0\rAT+COPS?\r", 0)
        assert b'"ETECSA"' in replay.outgoing()
        replay.receive(b"AT+COPS=3,2\rAT+COPS?\r", 0)
        assert b'"36801"' in replay.outgoing()


def test_a_departure_says_what_was_asked_and_where() -> None:
    _, lines = record()
    replay = Replay(load(lines, "test"), paced=False)
    replay.receive(b"AT+CGSN\rAT+CNUM\r", 0)
    assert replay.outgoing().endswith(b"\r\nERROR\r\n")
    number = next(i for i, line in enumerate(lines, 1) if '"AT+CGSN\\r"' in line)
    assert replay.departures == [
        f"AT+CNUM is not in the recording, asked after line {number} (AT+CGSN)"
    ]
    assert [event.kind for event in replay.events()] == ["departure"]


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        ([], "x: is empty"),
        (["{"], "x, line 1: "),
        (['{"recording": 2}'], "x, line 1: version 2 is not 1"),
        (['{"recording": 1}', '{"at": 0, "bytes": "A"}'], "x, line 2: no 'from'"),
        (['{"recording": 1}', '{"at": 0, "from": "me", "bytes": "A"}'], 'x, line 2: "from"'),
        (['{"recording": 1}', '{"at": 0, "from": "modem", "bytes": "\\u4e00"}'], "x, line 2: "),
        (['{"recording": 1}', '{"at": "x", "from": "modem", "bytes": ""}'], "x, line 2: "),
    ],
)
def test_a_damaged_recording_is_one_line_with_its_place(lines: list[str], cause: str) -> None:
    with pytest.raises(RecordingError) as caught:
        load(lines, "x")
    assert caught.value.text.startswith(cause)
    assert "\n" not in caught.value.text


def test_secrets_are_never_written_down() -> None:
    assert hide_secrets(b'AT+CPIN="1234"\r') == b'AT+CPIN="0000"\r'
    assert hide_secrets(b"AT+CPIN?\r") == b"AT+CPIN?\r"
    assert hide_secrets(b'AT+CPWD="SC","1234","5678"\r') == b'AT+CPWD="SC","0000","0000"\r'
    assert hide_secrets(b'AT+CLCK="PN",2\r') == b'AT+CLCK="PN",2\r'
    assert hide_secrets(b'AT+CLCK="PN",0,"87654321"\r') == b'AT+CLCK="PN",0,"00000000"\r'

    assert hide_secrets(b'AT+CMEE=1;+CPIN="1234"\r\r\nOK\r\n') == (
        b'AT+CMEE=1;+CPIN="0000"\r\r\nOK\r\n'
    )


def test_a_recording_holds_no_pin_on_either_side(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    with path.open("w", encoding="utf-8") as out:
        file = RecordingFile(out, None)
        file.passed(b'AT+CPIN="4711"\r', True, 0)
        file.passed(b'AT+CPIN="4711"\r\r\nOK\r\n', False, 5)
    text = path.read_text()
    assert "4711" not in text
    assert text.count("0000") == 2


# ---- the constructed recordings ----------------------------------------------------------------

EXPECTED = {
    "slow-card": {"sim": SimState.READY, "imsi": "262011234567890", "serving": "36801"},
    "spelling": {
        "imei": IMEI,
        "registration": Registration.ROAMING,
        "serving": "36801",
        "operator": "Cubacel, Habana",
    },
    "no-echo-cr-only": {"imei": IMEI, "serving": "25032", "sim": SimState.READY},
    "noisy-boot": {"imei": IMEI, "manufacturer": "Maker", "serving": "36801"},
    "imeisv-only": {"imei": IMEI, "imeisv": "4901542032375101"},
    "network-locked": {"sim": SimState.NETWORK_LOCKED, "locks": ("PN",), "serving": None},
    "searching": {"registration": Registration.SEARCHING, "serving": None},
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_recording_with_hard_quirks_is_read_right(name: str) -> None:
    path = RECORDINGS / f"{name}.jsonl"
    recording = load(path.read_text(encoding="utf-8").splitlines(), path.name)
    assert "constructed" in recording.note
    replay = Replay(recording)
    talk = Talk(ModemDialogue(), replay).start().run()
    assert talk.dialogue.failure is None
    for field, value in EXPECTED[name].items():
        assert getattr(talk.dialogue.reading, field) == value, field


def test_every_constructed_recording_is_expected_here() -> None:
    assert {path.stem for path in RECORDINGS.glob("*.jsonl")} == set(EXPECTED)
