"""Golden screens: pictures that were once looked at and approved, and what differs from them.

Each picture is the scene at a third of the device's pixels (a tablet's at a quarter), the
same layout at another density, so that the whole set stays small. What is compared are
decoded pixels: a packer may change, a letter may not.
"""

from __future__ import annotations

import contextlib
import enum
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_sim.errors import SimError
from firmware_sim.screen import pixels, png, scene
from firmware_sim.screen.catalog import LANGUAGES
from firmware_sim.screen.device import DEVICES, TABLET, Device
from firmware_sim.screen.pixels import Picture
from firmware_sim.screen.samples import full_view
from firmware_sim.screen.theme import LARGE_TEXT, Theme
from firmware_sim.screen.tree import Scene
from firmware_sim.view import Page

SHADES = 10
"""Steps along an edge: enough to see a letter move, few enough to pack well."""


@dataclass(frozen=True, slots=True)
class Look:
    """A theme at a text size."""

    name: str
    theme: Theme
    text_scale: float


LOOKS = (
    Look("light", Theme.LIGHT, 1.0),
    Look("dark", Theme.DARK, 1.0),
    Look("large", Theme.LIGHT, LARGE_TEXT),
)
LOOKED_AT = ("en", "ar")
"""Languages whose dark and large pictures are kept too, on the tall phone."""


@dataclass(frozen=True, slots=True)
class Golden:
    """One picture of the set."""

    page: Page
    locale: str
    device: str
    look: str = "light"

    @property
    def name(self) -> str:
        """Its file below the directory: "tall/locked.ar.png", "tall/locked.ar.dark.png"."""
        look = "" if self.look == "light" else f".{self.look}"
        return f"{self.device}/{self.page.value}.{self.locale}{look}.png"

    def scene(self) -> Scene:
        """The scene that the picture shows."""
        look = next(look for look in LOOKS if look.name == self.look)
        device = reduced(DEVICES[self.device])
        return scene.build(full_view(self.page, self.locale), device, look.theme, look.text_scale)


class Kind(enum.Enum):
    """What can be wrong with a picture."""

    CHANGED = "changed"
    MISSING = "missing"
    """The scene has no picture yet."""
    ORPHANED = "orphaned"
    """The picture shows a page, language or device that is no more."""
    EXTRA = "extra"
    """The file is no golden picture."""
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One picture that is not as approved. `before` and `after` are PNG files."""

    kind: Kind
    name: str
    before: bytes = b""
    after: bytes = b""
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.kind.value}{f', {self.detail}' if self.detail else ''}"


def every(
    pages: Sequence[Page] = tuple(Page),
    locales: Sequence[str] = LANGUAGES,
    devices: Sequence[str] = tuple(DEVICES),
) -> list[Golden]:
    """The whole set, or the part of it with these pages, locales and devices."""
    rows = [Golden(p, tag, device) for device in devices for p in pages for tag in locales]
    rows += [
        Golden(page, tag, "tall", look.name)
        for look in LOOKS[1:]
        for page in pages
        for tag in locales
        if tag in LOOKED_AT and "tall" in devices
    ]
    return rows


def reduced(device: Device) -> Device:
    """The device at the size of its golden pictures."""
    return device.reduced(4 if device is TABLET else 3)


def draw(made: Scene) -> bytes:
    """The picture as it is kept: few shades, packed as small as zlib can."""
    return png.render(made, level=9, shades=SHADES)


def record(directory: Path, goldens: Sequence[Golden], only: set[str] | None = None) -> list[str]:
    """Write what is new or changed; return the names. A picture with the same pixels stays.

    Raises:
        SimError: the directory cannot be written.
    """
    written = []
    for golden in goldens:
        if only is not None and golden.name not in only:
            continue
        path = directory / golden.name
        data = draw(golden.scene())
        if path.exists() and _same(path.read_bytes(), data):
            continue
        write(path, data)
        written.append(golden.name)
    return written


def write(path: Path, data: bytes) -> None:
    """Write a file so that a reader never sees half of it.

    Raises:
        SimError: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise SimError("screen", f"cannot write {path}: {error.strerror}") from error


def check(directory: Path, goldens: Sequence[Golden], *, whole: bool = True) -> Iterator[Finding]:
    """What differs from the pictures in the directory.

    Args:
        directory: where they are.
        goldens: what should be there.
        whole: whether these are all, so that any other file is one too many.

    Raises:
        SimError: there is no such directory.
    """
    if not directory.is_dir():
        raise SimError("screen", f"no directory of golden screens: {directory}")
    for golden in goldens:
        path = directory / golden.name
        after = draw(golden.scene())
        if not path.exists():
            yield Finding(kind=Kind.MISSING, name=golden.name, after=after)
            continue
        finding = compare(golden.name, path.read_bytes(), after)
        if finding:
            yield finding
    if not whole:
        return
    known = {golden.name for golden in goldens}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_file() and name not in known:
            kind = Kind.ORPHANED if _golden_like(name) else Kind.EXTRA
            shown = path.read_bytes() if name.endswith(".png") else b""
            yield Finding(kind=kind, name=name, before=shown)


def compare(name: str, before: bytes, after: bytes) -> Finding | None:
    """None when both PNG files show the same pixels."""
    if before == after:
        return None
    try:
        old = pixels.decode(before)
    except SimError as error:
        return Finding(kind=Kind.DAMAGED, name=name, after=after, detail=error.text)
    new = pixels.decode(after)
    if (old.width, old.height) != (new.width, new.height):
        detail = f"{old.width}x{old.height} became {new.width}x{new.height}"
        return Finding(kind=Kind.CHANGED, name=name, before=before, after=after, detail=detail)
    if old.rgb == new.rgb:
        return None
    places = differing(old, new)
    columns, rows = [x for x, _ in places], [y for _, y in places]
    detail = (
        f"{len(places)} pixels within "
        f"[{min(columns)},{min(rows)}][{max(columns) + 1},{max(rows) + 1}]"
    )
    return Finding(kind=Kind.CHANGED, name=name, before=before, after=after, detail=detail)


def differing(old: Picture, new: Picture) -> list[tuple[int, int]]:
    """The pixels (x, y) that two pictures of one size do not share."""
    stride = 3 * old.width
    places = []
    for y in range(old.height):
        one, other = (p.rgb[y * stride : (y + 1) * stride] for p in (old, new))
        if one != other:
            places += [
                (x, y)
                for x in range(old.width)
                if one[3 * x : 3 * x + 3] != other[3 * x : 3 * x + 3]
            ]
    return places


def difference(before: bytes, after: bytes) -> bytes:
    """A PNG: what is alike in grey, what is not in red; empty when the sizes differ."""
    try:
        old, new = pixels.decode(before), pixels.decode(after)
    except SimError:
        return b""
    if (old.width, old.height) != (new.width, new.height):
        return b""
    # The green channel stands for the brightness; the last index is the red of a difference.
    pale = bytes(160 + value * 80 // 255 for value in range(256))
    rows = []
    for y in range(new.height):
        start = 3 * y * new.width
        row = b"\0" + new.rgb[start + 1 : start + 3 * new.width : 3].translate(pale)
        rows.append(bytearray(row))
    for x, y in differing(old, new):
        rows[y][x + 1] = 255
    palette = [(level, level, level) for level in range(255)] + [(208, 0, 32)]
    return pixels.encode(new.width, new.height, rows, palette, level=9)


def _same(before: bytes, after: bytes) -> bool:
    return compare("", before, after) is None


def _golden_like(name: str) -> bool:
    folder, _, file = name.partition("/")
    parts = file.split(".")
    return bool(folder) and len(parts) in (3, 4) and parts[-1] == "png"
