"""`imei check`: a list of any size judged in constant memory, its refused lines written down."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from typing import TextIO

from firmware_sim.cli.imei_source import PART, CsvColumn, Source
from firmware_sim.errors import SimError, UsageError
from firmware_sim_native.bulk import ACCEPTED, REFUSED, LineVerdict, Refusal, Stream
from firmware_sim_native.tac import reporting_body

PART_BYTES = 1 << 20
REFUSALS_A_BATCH = 4096
SHOWN_BYTES = 64
"""How much of a refused line is written down."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of `imei check`."""
    parser.add_argument("file", metavar="FILE", help="the list, - for standard input")
    parser.add_argument("--rejects", metavar="FILE", help="write the refused lines there")
    parser.add_argument("--duplicates", action="store_true", help="count what came before")
    parser.add_argument("--column", metavar="NAME|N", help="the list is CSV; judge this column")
    parser.add_argument("--delimiter", default=",", metavar="CHAR", help="of CSV (default: comma)")
    parser.add_argument("--header", action="store_true", help="CSV: the first record is no data")
    parser.add_argument("--path", metavar="NAME", help="force a way to do it (see imei paths)")
    parser.add_argument("--json", action="store_true", help="one object a line, the summary last")


def run(options: argparse.Namespace) -> int:
    """0 when no line was refused, else 1.

    Raises:
        SimError: the list cannot be read, or the rejects cannot be written.
        UsageError: an unknown path or column, or rejects that would overwrite the list.
    """
    started = time.monotonic()
    if len(options.delimiter) != 1 or options.delimiter in '\r\n"':
        raise UsageError(PART, "a delimiter is one character, and no quote or line end")
    wanted = options.rejects is not None or options.json
    try:
        stream = Stream(
            refusal_room=REFUSALS_A_BATCH if wanted else 0,
            duplicates=options.duplicates,
            path=options.path,
        )
    except ValueError as error:
        raise UsageError(PART, str(error)) from error
    source = Source(options.file)
    with closing(source), closing(_rejects(options, source)) as rejects:
        progress = _Progress(source, stream)
        try:
            if options.column is None:
                _check_text(source, stream, rejects, progress)
            else:
                column = CsvColumn(source, options.column, options.delimiter, options.header)
                _check_csv(column, stream, rejects, progress)
        finally:
            progress.clear()
    elapsed_ms = round((time.monotonic() - started) * 1000)
    summary = summarise(stream, options.duplicates, elapsed_ms)
    print(json.dumps(summary) if options.json else _as_text(summary, stream))
    return 1 if summary["refused"] else 0


def summarise(stream: Stream, duplicates: bool, elapsed_ms: int) -> dict[str, object]:
    """The object that `--json` ends with. Blank lines are neither accepted nor refused."""
    counts = stream.counts
    return {
        "lines": stream.lines,
        "accepted": sum(counts[verdict] for verdict in ACCEPTED),
        "refused": sum(counts[verdict] for verdict in REFUSED),
        "blank": counts[LineVerdict.BLANK],
        "refused_by_reason": {v.name.lower(): counts[v] for v in REFUSED},
        "accepted_by_kind": {v.name.lower(): counts[v] for v in ACCEPTED},
        "accepted_by_reporting_body": dict(stream.bodies),
        "duplicates": stream.duplicates if duplicates else None,
        "duplicates_memory_bytes": stream.seen_bytes if duplicates else None,
        "elapsed_ms": elapsed_ms,
    }


def _check_text(source: Source, stream: Stream, rejects: _Rejects, progress: _Progress) -> None:
    buffer = bytearray(PART_BYTES)
    view = memoryview(buffer)
    held, base, last = 0, 0, False
    while not last:
        count = source.read(view[held:])
        last = count == 0
        held += count
        at = 0
        while True:
            used = stream.feed(view[at:held], held - at, last=last)
            batch = list(stream.refusals())
            for refusal in batch:
                start = refusal.offset - base
                # A line longer than the buffer has its beginning no more: it is shown empty.
                end = start + min(refusal.length, SHOWN_BYTES) if start >= 0 else start
                rejects.write(refusal.line, refusal.offset, refusal.verdict, bytes(view[start:end]))
            at += used
            if len(batch) < REFUSALS_A_BATCH:
                break
        view[: held - at] = bytes(view[at:held])
        held, base = held - at, base + at
        progress.show()


def _check_csv(column: CsvColumn, stream: Stream, rejects: _Rejects, progress: _Progress) -> None:
    for text, places in column.parts():
        before = stream.lines
        lines = text.split(b"\n")
        at = 0
        while at < len(text):
            at += stream.feed(memoryview(text)[at:], len(text) - at, last=False)
            _write_records(stream.refusals(), before, places, lines, rejects)
        progress.show()


def _write_records(
    refusals: Iterable[Refusal],
    before: int,
    places: list[tuple[int, int]],
    lines: list[bytes],
    rejects: _Rejects,
) -> None:
    for refusal in refusals:
        index = refusal.line - before - 1
        rejects.write(*places[index], refusal.verdict, lines[index][:SHOWN_BYTES])


def _rejects(options: argparse.Namespace, source: Source) -> _Rejects:
    if options.rejects is not None and source.is_file(options.rejects):
        raise UsageError("rejects", f"{options.rejects} is the list itself: it would be lost")
    return _Rejects(options.rejects, options.json)


class _Rejects:
    """The refused lines: into a file when asked for, else onto standard output with --json."""

    def __init__(self, path: str | None, as_json: bool) -> None:
        self._json = as_json
        self._file: TextIO | None = None
        self._path = path
        if path is not None:
            try:
                # Closed by `close`: it stays open as long as the check runs.
                self._file = open(path, "w", encoding="utf-8", newline="\n")  # noqa: SIM115
                if not as_json:
                    self._file.write("line\toffset\treason\ttext\n")
            except OSError as error:
                raise SimError("rejects", f"{path}: {error.strerror}") from error

    def write(self, line: int, offset: int, verdict: LineVerdict, text: bytes) -> None:
        reason = verdict.name.lower()
        shown = text.decode("utf-8", "backslashreplace")
        if self._json:
            record = {"line": line, "offset": offset, "reason": reason, "text": shown}
            row = json.dumps(record)
        else:
            safe = shown.encode("unicode_escape").decode("ascii")
            row = f"{line}\t{offset}\t{reason}\t{safe}"
        try:
            print(row, file=self._file or sys.stdout)
        except OSError as error:
            if self._file is None:
                raise
            raise SimError("rejects", f"{self._path}: {error.strerror}") from error

    def close(self) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                raise SimError("rejects", f"{self._path}: {error.strerror}") from error


class _Progress:
    """A bar on a terminal, at most ten times a second; nothing elsewhere."""

    WIDTH = 30

    def __init__(self, source: Source, stream: Stream) -> None:
        self._source, self._stream = source, stream
        self._on = sys.stderr.isatty()
        self._started = self._shown = time.monotonic()

    def show(self) -> None:
        now = time.monotonic()
        if not self._on or now - self._shown < 0.1:
            return
        self._shown = now
        speed = self._source.position / 1e6 / (now - self._started)
        text = f"{self._stream.lines:,} lines  {speed:,.0f} MB/s"
        if self._source.size:
            part = min(self._source.position / self._source.size, 1.0)
            bar = "#" * round(part * self.WIDTH)
            text = f"[{bar:.<{self.WIDTH}}] {part:4.0%}  {text}"
        print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._on:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _as_text(summary: dict[str, object], stream: Stream) -> str:
    rows = [(name, summary[name]) for name in ("lines", "accepted", "refused", "blank")]
    counts = stream.counts
    rows += [(f"refused: {v.name.lower()}", counts[v]) for v in REFUSED if counts[v]]
    rows += [(f"accepted: {v.name.lower()}", counts[v]) for v in ACCEPTED if counts[v]]
    rows += [
        (f"reporting body {code}: {reporting_body(code) or 'not listed'}", count)
        for code, count in stream.bodies.items()
    ]
    if summary["duplicates"] is not None:
        memory = stream.seen_bytes / (1 << 20)
        rows.append(
            (f"duplicates (by 14 digits, {memory:.0f} MiB to know them)", stream.duplicates)
        )
    rows.append(("elapsed ms", summary["elapsed_ms"]))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {value:>12,}" for name, value in rows)
