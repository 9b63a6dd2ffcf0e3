"""PNG files read and written: as little of the format as the screens need.

Source: Portable Network Graphics (third edition), W3C.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from firmware_sim.errors import SimError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_MOST_PIXELS = 1 << 26
_NO_MORE = b"\x03\x00"
"""An empty last block. Source: RFC 1951, 3.2.6."""
_LEAST_BAND = 6
"""Equal rows that are worth being packed by themselves."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: red, green and blue of every pixel, row by row from the top."""

    width: int
    height: int
    rgb: bytes


def encode(
    width: int,
    height: int,
    rows: Sequence[bytes | bytearray],
    palette: Sequence[tuple[int, int, int]],
    *,
    level: int = 1,
) -> bytes:
    """A PNG of palette indices.

    Args:
        width: pixels a row.
        height: rows.
        rows: `height` rows, each a filter byte 0 and `width` indices.
        palette: at most 256 colours.
        level: of zlib; 1 is the quickest, and takes bands of equal rows from a store.
    """
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    colours = bytes(value for colour in palette for value in colour)
    packed = _packed_quickly(rows) if level == 1 else zlib.compress(b"".join(rows), level)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", colours),
            _chunk(b"IDAT", packed),
            _chunk(b"IEND", b""),
        )
    )


def _packed_quickly(rows: Sequence[bytes | bytearray]) -> bytes:
    """A zlib stream (RFC 1950) of the rows, band by band, each packed once for all.

    After a full flush the packer remembers nothing, so bands that were packed elsewhere may
    stand between. Most of a screen is such bands.
    """
    parts = [b"\x78\x01"]
    check = 1
    start, count = 0, len(rows)
    pending = 0
    while start < count:
        stop = start + 1
        row = rows[start]
        while stop < count and (rows[stop] is row or rows[stop] == row):
            stop += 1
        if stop - start >= _LEAST_BAND or stop == count:
            if pending < start:
                data = b"".join(rows[pending:start])
                band, of_band = _varied_band(data)
                parts.append(band)
                check = _adler_joined(check, of_band, len(data))
            band, of_band = _band(bytes(row), stop - start)
            parts.append(band)
            check = _adler_joined(check, of_band, len(row) * (stop - start))
            pending = stop
        start = stop
    parts += (_NO_MORE, struct.pack(">I", check))
    return b"".join(parts)


@lru_cache(maxsize=512)
def _band(row: bytes, count: int) -> tuple[bytes, int]:
    """A row so many times over, packed and flushed; and its Adler-32."""
    data = row * count
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH), zlib.adler32(data)


@lru_cache(maxsize=96)
def _varied_band(data: bytes) -> tuple[bytes, int]:
    """Rows that differ, such as a line of text, packed and flushed; and their Adler-32.

    From one picture of a phone to the next most lines are the same.
    """
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH), zlib.adler32(data)


def _adler_joined(one: int, other: int, length: int) -> int:
    """Adler-32 of two pieces one after the other. Source: RFC 1950, 9, the sums s1 and s2."""
    first, second = one & 0xFFFF, one >> 16
    ahead = (first - 1) * length
    return ((second + (other >> 16) + ahead) % 65521) << 16 | (first + (other & 0xFFFF) - 1) % 65521


def decode(data: bytes) -> Picture:
    """The pixels of a PNG with 8 bits a channel, not interlaced; transparency is dropped.

    Raises:
        SimError: the data are damaged, or of a kind of PNG that is not written here.
    """
    width, height, kind, palette, rows = _rows(data)
    if kind == 3:
        entries = [palette[i : i + 3] for i in range(0, len(palette), 3)]
        entries += [b"\0\0\0"] * (256 - len(entries))
        planes = [bytes(entry[channel] for entry in entries) for channel in range(3)]
        rgb = bytearray(3 * width * height)
        indices = b"".join(rows)
        for channel in range(3):
            rgb[channel::3] = indices.translate(planes[channel])
        return Picture(width, height, bytes(rgb))
    flat = b"".join(rows)
    step = _CHANNELS[kind]
    if kind == 2:
        return Picture(width, height, flat)
    rgb = bytearray(3 * width * height)
    for channel in range(3):
        rgb[channel::3] = flat[min(channel, (step - 1) // 2 * 2) :: step]
    return Picture(width, height, bytes(rgb))


def alpha_rows(data: bytes) -> list[bytes]:
    """The alpha channel of an RGBA picture, row by row.

    Filters work on each channel by itself, so the other three are never undone.

    Raises:
        SimError: as for `decode`, or there is no such channel.
    """
    _, _, kind, _, rows = _rows(data, only=3)
    if kind != 6:
        raise SimError("screen", f"PNG of colour type {kind} where RGBA was expected")
    return rows


def _rows(data: bytes, only: int | None = None) -> tuple[int, int, int, bytes, list[bytes]]:
    """Width, height, colour type, palette, and unfiltered rows of all channels or of one."""
    try:
        chunks = _chunks(data)
        width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
        if depth != 8 or interlaced or kind not in _CHANNELS or width * height > _MOST_PIXELS:
            raise SimError("screen", "this kind of PNG is not read here")
        step = _CHANNELS[kind]
        stride = width * step
        raw = zlib.decompress(chunks[b"IDAT"])
        if len(raw) != height * (stride + 1):
            raise SimError("screen", "the PNG has too few or too many pixels")
    except (KeyError, struct.error, zlib.error) as error:
        raise SimError("screen", f"the PNG is damaged: {error}") from error
    rows: list[bytes] = []
    above = bytes(stride if only is None else width)
    for start in range(0, len(raw), stride + 1):
        row = raw[start + 1 : start + 1 + stride]
        if only is not None:
            row = row[only::step]
        above = _unfiltered(raw[start], row, above, step if only is None else 1)
        rows.append(above)
    return width, height, kind, chunks.get(b"PLTE", b""), rows


def _chunks(data: bytes) -> dict[bytes, bytes]:
    if not data.startswith(_SIGNATURE):
        raise SimError("screen", "not a PNG")
    found: dict[bytes, bytes] = {}
    at = len(_SIGNATURE)
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (check,) = struct.unpack_from(">I", data, at + 8 + length)
        if check != zlib.crc32(name + body):
            raise SimError("screen", "the PNG is damaged: a check sum is wrong")
        found[name] = found.get(name, b"") + body
        at += 12 + length
    return found


def _unfiltered(kind: int, row: bytes, above: bytes, step: int) -> bytes:
    """One row with its filter undone. Source: PNG, 9.2."""
    if kind == 0:
        return row
    if kind == 2:
        return bytes([(x + b) & 255 for x, b in zip(row, above, strict=True)])
    undo = {1: _sub, 3: _average, 4: _paeth}.get(kind)
    if undo is None:
        raise SimError("screen", f"the PNG is damaged: no filter {kind}")
    if step == 1:
        return undo(row, above)
    out = bytearray(len(row))
    for channel in range(step):
        out[channel::step] = undo(row[channel::step], above[channel::step])
    return bytes(out)


def _sub(row: bytes, above: bytes) -> bytes:
    return bytes([x & 255 for x in accumulate(row)])


def _average(row: bytes, above: bytes) -> bytes:
    left, out = 0, bytearray()
    for x, b in zip(row, above, strict=True):
        left = (x + (left + b) // 2) & 255
        out.append(left)
    return bytes(out)


def _paeth(row: bytes, above: bytes) -> bytes:
    left, corner, out = 0, 0, bytearray()
    for x, b in zip(row, above, strict=True):
        to_left, to_above = abs(b - corner), abs(left - corner)
        to_corner = abs(left + b - 2 * corner)
        if to_left <= to_above and to_left <= to_corner:
            guess = left
        else:
            guess = b if to_above <= to_corner else corner
        left, corner = (x + guess) & 255, b
        out.append(left)
    return bytes(out)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
