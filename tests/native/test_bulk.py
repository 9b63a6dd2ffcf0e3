"""Lists in bulk: every path against the model, on any text cut anywhere."""

from __future__ import annotations

import mmap
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from firmware_sim_native import bulk, imei
from firmware_sim_native._core import lib
from tests.native import model

PATHS = imei.paths()
GOOD = b"490154203237518"
ZEROS = b"0" * 15

digits = st.text(st.sampled_from("0123456789"), min_size=13, max_size=17).map(str.encode)
good = st.text(st.sampled_from("0123456789"), min_size=14, max_size=14).map(
    lambda text: f"{text}{imei.check_digit(text)}".encode()
)
wrong = good.map(lambda text: text[:14] + bytes([(text[14] - 48 + 1) % 10 + 48]))
junk = st.binary(max_size=20).map(lambda text: text.replace(b"\n", b"?"))
near = st.tuples(good, st.integers(0, 14), st.integers(0, 255)).map(
    lambda t: (t[0][: t[1]] + bytes([t[2]]) + t[0][t[1] + 1 :]).replace(b"\n", b"?")
)
line = st.one_of(good, good, good, wrong, digits, junk, near, st.sampled_from([b"", ZEROS]))
# Long runs of good lines make the fast paths work; the others make them stop.
run = st.tuples(st.lists(line, min_size=1, max_size=4), st.integers(1, 40)).map(
    lambda t: t[0] * t[1]
)
end = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n"])


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    lines = [entry for part in draw(st.lists(run, max_size=5)) for entry in part]
    ending = draw(end)
    text = b"".join(entry + ending for entry in lines)
    return text if draw(st.booleans()) else text.removesuffix(ending)


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=150, deadline=None)
@given(text=texts())
@example(text=b"")
@example(text=b"\n")
@example(text=b"\r")
@example(text=b"\r\n\r\n")
@example(text=(GOOD + b"\n") * 16 + GOOD)
@example(text=(GOOD + b"\n") * 15 + GOOD + b"\r\n")
@example(text=(ZEROS + b"\n") * 16)
@example(text=b"0" * 14 + b"\n" + b"0" * 14 + b"12\n" + b"0" * 13 + b"1\n")
def test_every_path_judges_every_line_as_the_model_does(path: str, text: bytes) -> None:
    found = imei.validate_many(text, form="lines", path=path)
    expected = [model.line_verdict(entry) for entry in model.lines_of(text)]
    assert [imei.LineVerdict(v).name for v in found.verdicts] == expected
    assert {v.name: n for v, n in found.counts.items() if n} == dict(Counter(expected))


padding = st.sampled_from([b"\0", b"\0", b" ", b"\n", b"\r", b"\x01", b"\t", b"x"])


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(run, padding), max_size=5).map(
        lambda parts: b"".join((e[:16] + p * 16)[:16] for r, p in parts for e in r)
    )
)
@example(rows=(GOOD + b"\0") * 16 + (GOOD + b"\n") * 16 + GOOD + b"7")
@example(rows=b" " * 512)
def test_every_path_judges_every_row_as_the_model_does(path: str, rows: bytes) -> None:
    found = imei.validate_many(rows, path=path)
    expected = [
        model.line_verdict(model.row_text(rows[i : i + 16])) for i in range(0, len(rows), 16)
    ]
    assert [imei.LineVerdict(v).name for v in found.verdicts] == expected
    assert found.accepted + found.refused + found.counts[imei.LineVerdict.BLANK] == len(expected)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("place", range(16))
def test_one_strange_byte_anywhere_in_a_row_is_seen(path: str, place: int) -> None:
    for value in range(256):
        rows = bytearray((GOOD + b"\n") * 48)
        rows[16 * 21 + place] = value
        found = imei.validate_many(rows, path=path)
        row = bytes(rows[16 * 21 : 16 * 22])
        assert imei.LineVerdict(found.verdicts[21]).name == model.line_verdict(model.row_text(row))
        others = bytes(found.verdicts[:21]) + bytes(found.verdicts[22:])
        assert others == bytes(47)


@settings(max_examples=60, deadline=None)
@given(text=texts(), cuts=st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_a_stream_cut_anywhere_gives_what_the_whole_text_gives(
    text: bytes, cuts: list[int]
) -> None:
    stream = bulk.Stream(refusal_room=64, duplicates=True)
    held, refusals, at, i = b"", list[bulk.Refusal](), 0, 0
    while at < len(text) or held:
        step = cuts[i % len(cuts)]
        i += 1
        held, at = held + text[at : at + step], at + step
        last = at >= len(text)
        while True:
            used = stream.feed(held, len(held), last=last)
            held = held[used:]
            batch = list(stream.refusals())
            refusals += batch
            if not batch:
                break
    lines = model.lines_of(text)
    verdicts = [model.line_verdict(entry) for entry in lines]
    assert {v.name: n for v, n in stream.counts.items() if n} == dict(Counter(verdicts))
    expected, offset = [], 0
    for number, entry in enumerate(lines, start=1):
        if verdicts[number - 1] in ("LENGTH", "NON_DIGIT", "CHECK_DIGIT", "NULL"):
            expected.append((number, text.find(entry, offset), len(entry), verdicts[number - 1]))
        offset = text.find(b"\n", offset) + 1
    assert [(r.line, r.offset, r.length, r.verdict.name) for r in refusals] == expected
    good_ones = [e[:14] for e, v in zip(lines, verdicts, strict=True) if v.startswith("IMEI")]
    assert stream.duplicates == len(good_ones) - len(set(good_ones))
    assert sum(stream.bodies.values()) == len(good_ones)
    assert stream.bodies == dict(Counter(e[:2].decode() for e in good_ones))


def test_a_line_longer_than_any_part_is_one_refused_line() -> None:
    text = GOOD + b"\n" + b"9" * 300_000 + b"\r\n" + GOOD
    for size in (1 << 16, 1 << 17, 1 << 20):
        stream, held = bulk.Stream(refusal_room=8), b""
        for at in range(0, len(text), size):
            held += text[at : at + size]
            held = held[stream.feed(held, len(held), last=at + size >= len(text)) :]
        assert held == b""
        assert [(r.line, r.offset, r.verdict.name) for r in stream.refusals()] == [
            (2, 16, "LENGTH")
        ]
        assert stream.lines == 3


def test_the_set_of_known_imeis_grows_and_forgets_nothing() -> None:
    text = b"".join(b"%014d\n" % (10**13 + 7 * n) for n in range(300_000))
    stream = bulk.Stream(duplicates=True)
    assert stream.feed(text, len(text), last=True) == len(text)
    before = stream.seen_bytes
    stream.feed(text, len(text), last=True)
    assert (stream.duplicates, stream.lines) == (300_000, 600_000)
    assert before == stream.seen_bytes == 8 << 19


def test_a_single_line_is_judged_as_in_a_list() -> None:
    for entry in (GOOD, GOOD[:14], GOOD + b"0", b"", b"x" * 14, ZEROS):
        assert imei.LineVerdict(lib.fsim_line_check(entry, len(entry))).name == (
            model.line_verdict(entry)
        )


def test_nothing_is_copied_from_a_mapped_file(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_bytes((GOOD + b"\n") * 1000)
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as m:
        out = bytearray(b"\xee" * 1000)
        found = imei.validate_many(m, verdicts=out)  # type: ignore[arg-type]
        assert found.accepted == 1000
        assert out == bytes(1000)
        found.verdicts.release()


def test_the_interpreter_lock_is_free_while_a_list_is_judged() -> None:
    # Pages never written cost no memory; one call over them lasts long enough to be watched.
    rows = mmap.mmap(-1, 256 << 20)
    started, done = threading.Event(), threading.Event()

    def judge() -> None:
        started.set()
        imei.validate_many(rows, path="portable")  # type: ignore[arg-type]
        done.set()

    worker = threading.Thread(target=judge)
    worker.start()
    started.wait()
    turns = 0
    while not done.wait(0.001):
        turns += 1
    worker.join()
    # Were the lock held, this thread would get its next turn only after the call.
    assert turns > 5


def test_what_cannot_be_judged_is_an_error() -> None:
    with pytest.raises(ValueError, match="no whole number of 16-byte rows"):
        imei.validate_many(b"0" * 17)
    with pytest.raises(ValueError, match="need as many bytes"):
        imei.validate_many(b"0" * 32, verdicts=bytearray(1))
    with pytest.raises(ValueError, match="rows or lines"):
        imei.validate_many(b"", form="words")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no path 'sse9' on this processor"):
        imei.validate_many(b"", path="sse9")
    with pytest.raises(TypeError):
        imei.validate_many("490154203237518")  # type: ignore[arg-type]


def test_a_path_can_be_forced_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(bulk.PATH_VARIABLE, "portable")
    assert bulk.path_named() == bulk.path_named("portable")
    monkeypatch.setenv(bulk.PATH_VARIABLE, "none")
    with pytest.raises(ValueError, match="no path 'none'"):
        imei.validate_many(b"")


def test_the_portable_path_is_always_there_and_last() -> None:
    assert PATHS[-1] == "portable"
