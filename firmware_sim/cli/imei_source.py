"""Where a list of IMEIs comes from: a file or standard input, plain, gzip or zstd, or CSV."""

from __future__ import annotations

import csv
import io
import os
import stat
import zlib
from collections.abc import Iterator
from typing import Any, Protocol

from firmware_sim.errors import SimError, UsageError

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
PART = "list"
RECORDS_A_PART = 4096


class Readable(Protocol):
    """What the checker reads from; 0 bytes mean the end."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill as much of `buffer` as there is; give how much."""


class Source:
    """An open list. `position` and `size` are in bytes of the file as it lies there."""

    def __init__(self, name: str) -> None:
        """Open `name`, "-" for standard input; look at its first bytes for a compression.

        Raises:
            SimError: it cannot be opened, or its compression is not available.
        """
        self.name = name
        try:
            descriptor = 0 if name == "-" else os.open(name, os.O_RDONLY | os.O_CLOEXEC)
            # Closed by its owner: it stays open as long as lines are read.
            self._file = open(descriptor, "rb", buffering=0, closefd=name != "-")  # noqa: SIM115
            status = os.fstat(self._file.fileno())
        except OSError as error:
            raise SimError(PART, f"{name}: {error.strerror}") from error
        self.size = status.st_size if self._file.seekable() else 0
        self.position = 0
        try:
            self._stream = _decompressed(_Counted(self._file, self))
        except (OSError, SimError) as error:
            self._file.close()
            if isinstance(error, SimError):
                raise
            raise SimError(PART, f"{name}: {error.strerror}") from error

    def read(self, buffer: memoryview) -> int:
        """Fill `buffer` from the list as its reader sees it; 0 at the end.

        Raises:
            SimError: the list cannot be read, or its compression is damaged.
        """
        try:
            return self._stream.readinto(buffer) or 0
        except OSError as error:
            raise SimError(PART, f"{self.name}: {error.strerror or error}") from error
        except (EOFError, zlib.error, _Damaged) as error:
            raise SimError(PART, f"{self.name}: damaged compression: {error}") from error

    def is_file(self, path: str) -> bool:
        """Whether `path` is the regular file that is being read, under any name."""
        status = os.fstat(self._file.fileno())
        try:
            return stat.S_ISREG(status.st_mode) and os.path.samestat(status, os.stat(path))
        except OSError:
            return False

    def close(self) -> None:
        """Let go of the file; standard input stays open."""
        self._file.close()


class _Damaged(Exception):
    """A compressed stream that breaks off or makes no sense."""


class _Counted(io.RawIOBase):
    """The file, with its first bytes put back, telling its source how far it was read."""

    def __init__(self, file: io.FileIO, source: Source) -> None:
        super().__init__()
        self._file, self._source, self._ahead = file, source, b""
        while len(self._ahead) < 4 and (more := file.read(4 - len(self._ahead))):
            self._ahead += more

    @property
    def head(self) -> bytes:
        return self._ahead

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._ahead:
            count = min(len(self._ahead), len(buffer))
            buffer[:count] = self._ahead[:count]
            self._ahead = self._ahead[count:]
        else:
            count = self._file.readinto(buffer) or 0
        self._source.position += count
        return count


def _decompressed(file: _Counted) -> Readable:
    if file.head.startswith(GZIP_MAGIC):
        import gzip

        return gzip.GzipFile(fileobj=io.BufferedReader(file, 1 << 16))
    if file.head == ZSTD_MAGIC:
        return _Zstd(file)
    return file


class _Zstd:
    """Zstandard frames, one after the other, a little at a time: 1 KiB of a hostile stream can
    hold 32 MiB of zeros, a larger piece would break the promise of constant memory."""

    def __init__(self, file: _Counted) -> None:
        try:
            import zstandard
        except ImportError:
            raise SimError(PART, "zstd input needs: pip install 'firmware-sim[zstd]'") from None
        self._errors = zstandard.ZstdError
        self._new = zstandard.ZstdDecompressor().decompressobj
        self._file = io.BufferedReader(file, 1 << 16)
        self._frame: Any = None
        self._ready = memoryview(b"")

    def readinto(self, buffer: memoryview) -> int:
        while not self._ready:
            piece = self._file.read(1024)
            if not piece:
                if self._frame is not None:
                    raise _Damaged("it breaks off within a frame")
                return 0
            self._ready = memoryview(self._feed(piece))
        count = min(len(self._ready), len(buffer))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _feed(self, piece: bytes) -> bytes:
        out = []
        while piece:
            if self._frame is None:
                self._frame = self._new()
            try:
                out.append(self._frame.decompress(piece))
            except self._errors as error:
                raise _Damaged(str(error)) from error
            piece = b""
            if self._frame.eof:
                piece, self._frame = self._frame.unused_data, None
        return b"".join(out)


class CsvColumn:
    """One column of a CSV list as parts of text, a line a record, with where each record is.

    Bytes are taken as characters one for one (Latin-1), so that lengths stay those of the file.
    """

    def __init__(self, source: Source, column: str, delimiter: str, header: bool) -> None:
        """Choose a column by its name in the first record, or by its number from 1.

        Raises:
            UsageError: no such column.
        """
        self._source = source
        self._line_number, self._offset = 0, 0
        self._rows = csv.reader(self._lines(), delimiter=delimiter)
        by_number = column.isdecimal()
        if header or not by_number:
            first = self._next()
            names = [name.removeprefix("\xef\xbb\xbf").strip() for name in first or []]
            if not by_number and column not in names:
                raise UsageError(PART, f"no column {column!r}; there are: {', '.join(names)}")
            self._index = int(column) - 1 if by_number else names.index(column)
        else:
            self._index = int(column) - 1
        if self._index < 0:
            raise UsageError(PART, "columns are numbered from 1")

    def parts(self) -> Iterator[tuple[bytes, list[tuple[int, int]]]]:
        """Parts of text, and for each of their lines the record's line number and offset."""
        values: list[str] = []
        places: list[tuple[int, int]] = []
        while True:
            place = (self._line_number + 1, self._offset)
            row = self._next()
            if row is None:
                break
            places.append(place)
            values.append(self._value(row))
            if len(values) == RECORDS_A_PART:
                yield _text(values), places
                values, places = [], []
        if values:
            yield _text(values), places

    def _value(self, row: list[str]) -> str:
        if not row:
            return ""
        if self._index >= len(row):
            return "?"  # a record without this column is junk, not a blank line
        # A line end within a quoted value must not end the line that stands for its record.
        return row[self._index].replace("\n", "?").replace("\r", "?")

    def _next(self) -> list[str] | None:
        try:
            return next(self._rows, None)
        except csv.Error as error:
            raise SimError(PART, f"line {self._line_number}: {error}") from error

    def _lines(self) -> Iterator[str]:
        buffer = bytearray(1 << 18)
        held = b""
        while count := self._source.read(memoryview(buffer)):
            lines = (held + buffer[:count]).split(b"\n")
            held = lines.pop()
            for line in lines:
                yield self._counted(line + b"\n")
            if len(held) > csv.field_size_limit() * 4:
                raise SimError(PART, f"line {self._line_number + 1}: too long for CSV")
        if held:
            yield self._counted(held)

    def _counted(self, line: bytes) -> str:
        self._line_number += 1
        self._offset += len(line)
        return line.decode("latin-1")


def _text(values: list[str]) -> bytes:
    return ("\n".join(values) + "\n").encode("latin-1")
