"""Laws of the virtual modem: any cut of the input, any bytes, any faults."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.modem.virtual import FaultKind, VirtualModem, default_state, load, names
from firmware_sim.modem.virtual.commands import TABLE
from firmware_sim.modem.virtual.faults import fault
from firmware_sim.modem.virtual.settings import SETTINGS

LINES = st.lists(
    st.sampled_from(
        [f"AT{name}{tail}" for name in TABLE for tail in ("", "?", "=?", "=1", '="PN",2', "=2,2")]
        + ["A/", "AT", "junk", "AT+CPIN=0000", "AT+CREG=2;+CEREG=2;+COPS?", "\x1b", "\n"]
    ),
    max_size=12,
)
PROFILES = st.sampled_from([load(name) for name in names()])
FAULTS = st.lists(
    st.builds(
        fault,
        kind=st.sampled_from(list(FaultKind)),
        seed=st.integers(0, 1000),
        every=st.integers(1, 4),
        ms=st.integers(0, 50),
    ),
    max_size=3,
)


def joined(lines: list[str]) -> bytes:
    return "".join(f"{line}\r" for line in lines).encode()


def all_of(modem: VirtualModem) -> bytes:
    data = modem.outgoing()
    while (when := modem.wake_at()) is not None and modem.departure is None:
        modem.tick(when)
        data += modem.outgoing()
    return data


@given(LINES, st.lists(st.integers(0, 400), max_size=6), PROFILES, FAULTS)
@settings(max_examples=150, deadline=None)
def test_any_cut_of_the_input_gives_the_same_output(
    lines: list[str], cuts: list[int], profile: object, faults: list[object]
) -> None:
    data = joined(lines)
    whole = VirtualModem(default_state(), profile, faults)  # type: ignore[arg-type]
    parts = VirtualModem(default_state(), profile, faults)  # type: ignore[arg-type]
    whole.receive(data, 0)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in pairwise(edges):
        parts.receive(data[start:end], 0)
    assert all_of(parts) == all_of(whole)
    assert parts.departure == whole.departure


@given(st.binary(max_size=300), PROFILES)
@settings(max_examples=200, deadline=None)
def test_no_bytes_break_the_modem_and_it_still_answers_after_them(
    data: bytes, profile: object
) -> None:
    modem = VirtualModem(default_state(), profile)  # type: ignore[arg-type]
    modem.receive(data + b"\rATQ0V1E0\r", 0)
    modem.outgoing()
    modem.receive(b"AT\r", 0)
    assert modem.outgoing() == b"\r\nOK\r\n"


@given(LINES)
@settings(max_examples=150, deadline=None)
def test_every_line_without_faults_ends_in_exactly_one_result(lines: list[str]) -> None:
    modem = VirtualModem(default_state())
    finals = ("OK", "ERROR", "NO CARRIER", "+CME ERROR")
    for line in lines:
        modem.receive(b"ATQ0V1E0\r", 0)
        modem.outgoing()
        if not line.startswith("AT"):
            continue
        modem.receive(line.encode() + b"\r", 0)
        told = modem.outgoing().decode().split("\r\n")
        ends = [row for row in told if row.startswith(finals)]
        assert len(ends) == 1 or line in ("ATQ", "ATV", "ATV0", "ATV=1")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(SETTINGS)),
            st.sampled_from(
                ["none", "off", "26202", "310410", "1", "1234", "-90", "lte", "denied"]
            ),
        ),
        max_size=10,
    )
)
@settings(max_examples=150, deadline=None)
def test_no_order_of_changes_breaks_what_the_modem_says(changes: list[tuple[str, str]]) -> None:
    from firmware_sim.errors import UsageError

    modem = VirtualModem(default_state())
    modem.receive(b"ATE0+CREG=3;+CGREG=3;+CEREG=3;+C5GREG=3;+CTZR=2;+CMER=3,0,0,1\r", 0)
    for name, value in changes:
        try:
            modem.set(name, value, 0)
        except UsageError as refused:
            assert "\n" not in refused.text  # noqa: PT017  (what is refused varies)
    modem.outgoing()
    modem.receive(b"AT+CREG?;+COPS?;+CSQ;+CESQ;+CCLK?;+CIND?;+COPS=?\r", 0)
    assert all_of(modem).endswith((b"OK\r\n", b"ERROR\r\n"))


@given(LINES, FAULTS)
@settings(max_examples=60, deadline=None)
def test_two_runs_with_one_seed_are_the_same_byte_for_byte(
    lines: list[str], faults: list[object]
) -> None:
    def once() -> tuple[bytes, list[object]]:
        modem = VirtualModem(default_state(), faults=faults)  # type: ignore[arg-type]
        modem.receive(joined(lines), 0)
        return all_of(modem), list(modem.events())

    assert once() == once()
