"""The dissector and the trace: tshark decodes what we write, and what anybody captures."""

from __future__ import annotations

import hashlib
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from firmware_sim.cli.main import main
from firmware_sim.errors import SimError
from firmware_sim.events import Event
from firmware_sim.rig import pcapng
from firmware_sim.rig.pcapng import TraceWriter
from firmware_sim_protocol.framing import SerialFraming, TcpFraming
from firmware_sim_protocol.keyset import sign_keyset
from firmware_sim_protocol.numbers import Algorithm, Cause, Decision, LockState, MessageType
from firmware_sim_protocol.values import Cell, Extensions, Gnss
from tests.support.messages import IMEI, key, keyset, roots, sealed
from tests.support.needs import needs_program

ROOT = Path(__file__).resolve().parents[2]
DISSECTOR = ROOT / "protocol" / "wireshark" / "odap.lua"
KEYSET = sign_keyset(keyset(), roots(1, 2))
REQUEST = sealed(MessageType.REQUEST, extensions=Extensions(locale="zh-Hans", cause=Cause.FIRST))
RESPONSE = sealed(
    MessageType.RESPONSE,
    request_hash=hashlib.sha256(REQUEST).digest(),
    decision=Decision.LOCK_TERRITORY,
    country="UA",
    subdivision="UA-43",
    extensions=Extensions(display_text="Gerät\ngesperrt", lock_notice=60),
)
PORT = 7470
ANSWER = f"\r\n{IMEI}\r\n\r\nOK\r\n".encode()
START = 1_700_000_000


def tshark(capture: Path, *words: str) -> str:
    needs_program("tshark", "tshark")
    command = ["tshark", "-X", f"lua_script:{DISSECTOR}", "-r", str(capture), *words]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    assert "Lua Error" not in found.stdout + found.stderr, found.stdout
    return found.stdout


def columns(capture: Path, fields: Sequence[str], *words: str) -> list[list[str]]:
    """These fields of every packet, as text."""
    wanted = [word for field in fields for word in ("-e", field)]
    told = tshark(capture, "-T", "fields", "-E", "separator=/t", *wanted, *words)
    return [line.split("\t") for line in told.splitlines()]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trace") / "all.pcapng"
    refusal = {"stage": "SIGNATURE", "code": "E_SIG_BAD", "rule": "sig-verifies"}
    with TraceWriter(path, START, [KEYSET]) as writer:
        for event in (
            Event(5, "modem", "at", "AT+CGSN", raw=b"AT+CGSN\r", sent=True),
            Event(
                6, "modem", "at", "its IMEI", raw=f"\r\n{IMEI}\r\n\r\nOK\r\n".encode(), sent=False
            ),
            Event(10, "handset", "message", "REQUEST", raw=REQUEST, sent=True),
            Event(20, "handset", "message", "RESPONSE", raw=RESPONSE, sent=False),
            Event(21, "handset", "refusal", "it is forged", refusal),
            Event(22, "handset", "message", "ERROR", raw=sealed(MessageType.ERROR), sent=True),
            Event(23, "screen", "page", "a page\nof two lines", {"page": "LOCKED", "text": "x"}),
            Event(24, "somewhere", "state", "of no part that has an interface"),
        ):
            writer.event(event)
    return path


def test_the_trace_is_one_timeline_with_interfaces_directions_and_comments(trace: Path) -> None:
    rows = columns(
        trace,
        ["frame.time_epoch", "frame.interface_name", "frame.comment", "frame.packet_flags"],
    )
    assert [row[1] for row in rows] == [
        *("trust", "modem", "modem", "handset", "handset", "handset", "handset", "screen", "link")
    ]
    assert [float(row[0]) for row in rows][:3] == [START, START + 0.005, START + 0.006]
    assert rows[3][2] == "REQUEST"
    assert [int(row[3] or "0", 16) for row in rows] == [0, 2, 1, 2, 1, 0, 2, 0, 0]


def test_fields_of_a_message_are_decoded(trace: Path) -> None:
    fields = ["odap.imei", "odap.decision", "odap.country", "odap.subdivision"]
    fields += [
        "odap.issued_at",
        "odap.display_text",
        "odap.lock_notice.seconds",
        "odap.exchange_id",
    ]
    [row] = columns(trace, fields, "-Y", "odap.type == 4")
    assert row[:4] == [IMEI, "2", "UA", "43"]
    assert row[4] == "1800000000"
    assert row[5].replace("\\n", "\n") == "Gerät\ngesperrt"
    assert row[6:] == ["60", str(0x01020304)]
    [row] = columns(
        trace, ["odap.serving_plmn", "odap.sim_plmn", "odap.locale"], "-Y", "odap.type == 3"
    )
    assert row == ["368-01", "310-410", "zh-Hans"]


def test_a_signature_has_its_owner_s_name(trace: Path) -> None:
    [row] = columns(
        trace, ["odap.signature.owner", "odap.signature.key_id"], "-Y", "odap.type == 4"
    )
    assert row == ["ACT, entry 4 of keyset 1", key("act").public.key_id.hex()]
    [row] = columns(trace, ["odap.signature.owner"], "-Y", "odap.type == 3")
    assert row == [f"device {key('device').public.key_id.hex()[:8]}"]
    [row] = columns(trace, ["odap.signature.owner", "odap.entry.key_id"], "-Y", "odap.type == 9")
    assert row[0] == "ROOT, entry 1 of keyset 1,ROOT, entry 2 of keyset 1"
    assert row[1].split(",")[3] == key("act").public.key_id.hex()


def test_hashes_are_computed_and_an_answer_points_to_its_question(trace: Path) -> None:
    [row] = columns(trace, ["odap.digest", "odap.answers"], "-Y", "odap.type == 4")
    assert row == [hashlib.sha256(RESPONSE).hexdigest(), "4"]


def test_the_stage_of_a_refusal_is_decoded_on_the_wire_and_in_the_log(trace: Path) -> None:
    assert columns(trace, ["odap.stage", "odap.retry_after"], "-Y", "odap.type == 10") == [
        ["3", "60"]
    ]
    fields = ["fsim_event.stage", "fsim_event.code", "fsim_event.rule", "fsim_event.text"]
    [row] = columns(trace, fields, "-Y", "fsim_event.code")
    assert row == ["SIGNATURE", "E_SIG_BAD", "sig-verifies", "it is forged"]
    assert "SIGNATURE" in tshark(trace, "-Y", "odap.type == 10")


def test_the_at_dialogue_and_the_screen_are_there(trace: Path) -> None:
    assert columns(trace, ["fsim_at.text"], "-Y", "fsim_at") == [["AT+CGSN"], [f"{IMEI} | OK"]]
    fields = ["fsim_event.part", "fsim_event.text", "fsim_event.page", "fsim_event.detail"]
    [row] = columns(trace, fields, "-Y", "fsim_event.page")
    assert row == ["screen", r"a page\nof two lines", "LOCKED", "detail_text=x"]


def test_no_message_of_any_type_is_called_broken(tmp_path: Path) -> None:
    full = Extensions(
        cell=Cell(access=7, area=1, cell=2),
        gnss=Gnss(latitude_e7=-1, longitude_e7=1, accuracy_m=2, age_s=3),
        wifi_country="DE",
        locale="en",
        cause=Cause.FIRST,
        display_text="x",
        lock_notice=1,
        unknown=((0x700, b"skipped"),),
    )
    capture = tmp_path / "all.pcapng"
    with TraceWriter(capture) as writer:
        for algorithm in Algorithm:
            for kind in MessageType:
                changes = {} if kind is MessageType.REQUEST else {"extensions": full}
                raw = sealed(kind, algorithm, **changes)
                writer.event(Event(0, "server", "message", kind.name, raw=raw, sent=True))
    told = tshark(capture, "-V")
    for kind in MessageType:
        assert told.count(f"On-Device Activation Protocol, {kind.name}\n") == 2
    assert "breaks a rule" not in told
    assert "Malformed" not in told


def test_a_message_that_is_cut_is_called_broken_and_breaks_nothing(tmp_path: Path) -> None:
    capture = tmp_path / "cut.pcapng"
    with TraceWriter(capture) as writer:
        for size in range(5, len(RESPONSE)):
            raw = RESPONSE[:size]
            writer.event(Event(size, "server", "message", "cut", raw=raw, sent=True))
    broken = tshark(
        capture, "-Y", "odap.broken || _ws.malformed", "-T", "fields", "-e", "frame.len"
    )
    assert len(broken.splitlines()) == len(RESPONSE) - 5


# Captures that we did not write ------------------------------------------------------------


def over_tcp(path: Path, pieces: Sequence[bytes], port: int = PORT) -> None:
    """A classic capture: each piece is one TCP segment to `port`."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    sequence = 1
    for piece in pieces:
        tcp = struct.pack(">HHIIBBHHH", 40000, port, sequence, 1, 0x50, 0x18, 8192, 0, 0)
        size = 20 + len(tcp) + len(piece)
        ip = struct.pack(
            ">BBHHHBBH4s4s", 0x45, 0, size, 1, 0, 64, 6, 0, b"\x7f\0\0\1", b"\x7f\0\0\1"
        )
        packet = ip + tcp + piece
        out += struct.pack("<IIII", sequence, 0, len(packet), len(packet)) + packet
        sequence += len(piece)
    path.write_bytes(out)


@pytest.mark.parametrize("step", [1, 2, 3, 100, 317, 5000])
def test_messages_are_joined_over_tcp_segments(tmp_path: Path, step: int) -> None:
    stream = TcpFraming().wrap(KEYSET) + TcpFraming().wrap(REQUEST) + TcpFraming().wrap(RESPONSE)
    capture = tmp_path / "tcp.pcap"
    over_tcp(capture, [stream[start : start + step] for start in range(0, len(stream), step)])
    rows = columns(capture, ["odap.type", "odap.signature.owner"], "-Y", "odap")
    types = [kind for row in rows for kind in row[0].split(",")]
    assert types == ["9", "3", "4"]
    assert "ACT, entry 4 of keyset 1" in rows[-1][1]


def test_another_port_is_a_preference(tmp_path: Path) -> None:
    capture = tmp_path / "port.pcap"
    over_tcp(capture, [TcpFraming().wrap(REQUEST)], port=9999)
    assert columns(capture, ["odap.type"], "-Y", "odap") == []
    found = columns(capture, ["odap.type"], "-Y", "odap", "-o", "odap.port:9999")
    assert found == [["3"]]


@pytest.mark.parametrize("bent", [False, True])
def test_a_serial_frame_is_unstuffed_and_its_fcs_is_judged(tmp_path: Path, bent: bool) -> None:
    frame = bytearray(
        SerialFraming().wrap(sealed(MessageType.CONFIRM, lock_state=LockState.ACTIVE))
    )
    if bent:
        frame[-3] ^= 1
    capture = tmp_path / "serial.pcapng"
    # An exported PDU names its dissector; a serial sniffer's capture would be mapped to it.
    with TraceWriter(capture) as writer:
        writer._write(pcapng._packet(1, 0, pcapng._exported("odap_serial", bytes(frame)), "", None))
    [row] = columns(capture, ["odap_serial.good", "odap.type", "odap.lock_state"])
    assert row[0] in (("0", "False") if bent else ("1", "True"))
    assert row[1:] == ["5", "3"]


# The writer ----------------------------------------------------------------------------------


def test_a_trace_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SimError, match=r"trace: .*No such file"):
        TraceWriter(tmp_path / "no" / "folder.pcapng")
    writer = TraceWriter("/dev/null")
    writer.close()
    if Path("/dev/full").exists():
        with pytest.raises(SimError, match="trace: /dev/full: No space left"):
            TraceWriter("/dev/full")


def test_the_same_events_give_the_same_file(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    for path in (one, two):
        with TraceWriter(path, 5, [KEYSET]) as writer:
            writer.event(Event(7, "handset", "state", "ä" * 2000, {"b": 1, "a": None}))
    assert one.read_bytes() == two.read_bytes()
    assert len(one.read_bytes()) % 4 == 0


def test_a_traced_activation_is_decoded_from_the_first_at_command_to_the_last_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    capture = tmp_path / "run.pcapng"
    assert main(["activate", "--seed", "1", "--trace", str(capture)]) == 0
    rows = columns(capture, ["odap.type", "odap.decision", "fsim_at.text", "fsim_event.page"])
    # The keyset that the phone trusts comes first, so that signatures have named owners.
    assert [row[0] for row in rows if row[0]] == ["9", "1", "2", "3", "4", "5", "6"]
    assert [row[1] for row in rows if row[1]] == ["1"]
    assert any(row[2].startswith("AT") for row in rows)
    assert [row[3] for row in rows if row[3]][-1] == "home"
