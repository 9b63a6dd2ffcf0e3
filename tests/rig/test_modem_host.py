"""Virtual modems on real ports: pty, TCP, Unix sockets, many at once, hang-ups, control lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmware_sim.links import Link, LinkClosed, LinkError, open_link, wait
from firmware_sim.links.clock import ManualClock
from firmware_sim.modem.virtual import Fault, VirtualModem, default_state
from firmware_sim.modem.virtual.faults import parse
from firmware_sim.rig.modems import ModemHost, next_number, numbered
from tests.support.asking import IMEI

OK = b"\r\nOK\r\n"


@contextmanager
def hosted(
    *urls: str, control: str | None = None, faults: tuple[Fault, ...] = ()
) -> Iterator[ModemHost]:
    modems = [(VirtualModem(default_state(IMEI), faults=faults), url) for url in urls]
    host = ModemHost(modems, control)
    try:
        yield host
    finally:
        host.close()


def talk(host: ModemHost, link: Link, line: bytes, end: bytes) -> bytes:
    """Send a line; let the host work until what came back ends with `end`."""
    link.send(line)
    heard = b""
    for _ in range(1000):
        host.step(0.01)
        if wait([link], 0):
            heard += link.receive()
        if heard.endswith(end):
            return heard
    raise AssertionError(heard)


def until_closed(host: ModemHost, link: Link) -> bytes:
    """What comes before the modem hangs up."""
    heard = b""
    for _ in range(1000):
        host.step(0.01)
        try:
            heard += link.receive()
        except LinkClosed:
            return heard
    raise AssertionError("the link stays open")


@pytest.mark.parametrize("kind", ["pty", "tcp", "unix"])
def test_a_modem_answers_on_each_kind_of_port(kind: str, tmp_path: Path) -> None:
    url = {"pty": f"pty:{tmp_path}/modem", "tcp": "tcp://127.0.0.1:0", "unix": f"unix:{tmp_path}/m"}
    with hosted(url[kind]) as host:
        link = open_link(host.ports[0].address, part="modem")
        assert talk(host, link, b"AT+CGSN\r", OK) == f"AT+CGSN\r\r\n{IMEI}\r\n".encode() + OK
        link.close()


def test_a_modem_outlives_the_programs_that_call_it(tmp_path: Path) -> None:
    with hosted(f"unix:{tmp_path}/m") as host:
        first = open_link(host.ports[0].address, part="modem")
        talk(host, first, b"AT+CREG=2\r", OK)
        first.close()
        host.step(0.01)
        host.ports[0].modem.set("registration", "denied", 0)  # nobody listens: not kept
        second = open_link(host.ports[0].address, part="modem")
        host.step(0.01)
        assert talk(host, second, b"AT+CREG?\r", OK) == b"AT+CREG?\r\r\n+CREG: 2,3\r\n" + OK
        second.close()


def test_many_modems_live_in_one_process_and_do_not_mix(tmp_path: Path) -> None:
    urls = numbered([f"pty:{tmp_path}/modem"], 40)
    modems = [
        (VirtualModem(default_state(f"3569380356{index:05d}")), url)
        for index, url in enumerate(urls)
    ]
    host = ModemHost(modems)
    links = [open_link(port.address, part="modem") for port in host.ports]
    for index, link in enumerate(links):
        assert f"3569380356{index:05d}".encode() in talk(host, link, b"AT+CGSN\r", OK)
    for link in links:
        link.close()
    host.close()
    assert list(tmp_path.iterdir()) == []


def test_a_hang_up_closes_the_socket_in_mid_answer_and_the_next_caller_is_served() -> None:
    with hosted("tcp://127.0.0.1:0", faults=(parse("hang-up:seed=3"),)) as host:
        link = open_link(host.ports[0].address, part="modem")
        link.send(b"ATE0+CGSN\r")
        heard = until_closed(host, link)
        link.close()
        assert heard
        assert not heard.endswith(OK)
        again = open_link(host.ports[0].address, part="modem")
        assert talk(host, again, b"AT\r", OK) == b"AT\r" + OK
        again.close()


@pytest.mark.parametrize(("fault", "comes_back"), [("hang-up", "ttyV2"), ("re-enumerate", "ttyV3")])
def test_a_terminal_that_goes_away_comes_back_as_a_new_one(
    fault: str, comes_back: str, tmp_path: Path
) -> None:
    with hosted(f"pty:{tmp_path}/ttyV2", faults=(parse(fault),)) as host:
        link = open_link(host.ports[0].address, part="modem")
        link.send(b"AT\r")
        until_closed(host, link)
        link.close()
        assert [entry.name for entry in tmp_path.iterdir()] == [comes_back]
        again = open_link(f"pty:{tmp_path}/{comes_back}", part="modem")
        assert talk(host, again, b"AT\r", OK) == b"AT\r" + OK
        again.close()


def test_names_of_devices_count_on() -> None:
    assert next_number("pty:/dev/ttyUSB2") == "pty:/dev/ttyUSB3"
    assert next_number("pty:/x/ttyUSB9") == "pty:/x/ttyUSB10"
    assert next_number("pty:/x/modem") == "pty:/x/modem1"
    assert numbered(["tcp://h:7000", "tcp://h:0"], 2) == [
        "tcp://h:7000",
        "tcp://h:7001",
        "tcp://h:0",
        "tcp://h:0",
    ]


def test_a_port_that_cannot_be_made_takes_the_others_away_again(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with (
        pytest.raises(LinkError),
        hosted(f"pty:{tmp_path}/one", f"pty:{tmp_path}/taken"),
    ):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


def obey(host: ModemHost, link: Link, wish: object) -> dict[str, object]:
    line = wish if isinstance(wish, bytes) else json.dumps(wish).encode()
    answer: dict[str, object] = json.loads(talk(host, link, line + b"\n", b"\n"))
    return answer


def test_control_lines_change_move_and_describe_a_modem(tmp_path: Path) -> None:
    with hosted("tcp://127.0.0.1:0", "tcp://127.0.0.1:0", control=f"unix:{tmp_path}/c") as host:
        assert host.control is not None
        control = open_link(host.control, part="modem")
        caller = open_link(host.ports[1].address, part="modem")
        talk(host, caller, b"ATE0+CREG=1\r", OK)
        assert obey(host, control, {"modem": 1, "set": {"registration": "denied"}}) == {"ok": True}
        assert caller.receive() == b"\r\n+CREG: 3\r\n"
        answer = obey(host, control, {"modem": 1, "move": "36801", "state": True})
        state = answer["state"]
        assert isinstance(state, dict)
        assert (state["serving"], state["registration"]) == ("36801", "roaming")
        assert caller.receive() == b"\r\n+CREG: 5\r\n"
        assert obey(host, control, {"state": True})["state"]["serving"] == "26201"  # type: ignore[index]
        caller.close()
        control.close()


def test_time_passes_for_a_modem_that_nobody_has_open(tmp_path: Path) -> None:
    clock = ManualClock()
    modem = VirtualModem(default_state(IMEI))
    host = ModemHost([(modem, "tcp://127.0.0.1:0")], f"unix:{tmp_path}/c", clock)
    assert host.control is not None
    control = open_link(host.control, part="modem")
    obey(host, control, {"set": {"search_ms": "4000", "clock": "2026-11-26T09:41:00"}})
    obey(host, control, {"move": "36801"})
    told = []
    for step in (3999, 1):
        clock.advance(step)
        told.append(obey(host, control, {"state": True})["state"])
    assert [(row["registration"], row["clock"]) for row in told] == [  # type: ignore[index]
        ("searching", "26/11/26,09:41:03+00"),
        ("roaming", "26/11/26,09:41:04+00"),
    ]
    control.close()
    host.close()


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (b"hello", "a control line is one object"),
        ([1], "a control line is one object"),
        ({"fly": 1}, "a control line is one object"),
        ({"modem": 9}, "no modem 9; there are 1"),
        ({"modem": "x"}, "no modem 'x'"),
        ({"set": 3}, "a control line is one object"),
        ({"set": {"colour": "red"}}, "no setting 'colour'"),
        ({"set": {"signal": "loud"}}, "signal=loud"),
        ({"set": {"fault": "explode"}}, "no fault named"),
        ({"move": "1"}, "a PLMN has 5 or 6 digits"),
    ],
)
def test_a_control_line_that_makes_no_sense_is_refused_and_the_next_is_served(
    wish: object, says: str, tmp_path: Path
) -> None:
    with hosted("tcp://127.0.0.1:0", control=f"unix:{tmp_path}/c") as host:
        assert host.control is not None
        control = open_link(host.control, part="modem")
        answer = obey(host, control, wish)
        assert answer["ok"] is False
        assert says in str(answer["error"])
        assert obey(host, control, {})["ok"] is True
        control.close()
