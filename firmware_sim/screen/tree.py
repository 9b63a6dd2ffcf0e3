"""What a scene is made of: nodes that mean something, and the marks that draw them."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace

from firmware_sim.screen.icons import Icon
from firmware_sim.screen.text import Line


class Role(enum.Enum):
    """What a node is to a reader who does not see it."""

    SCREEN = "screen"
    GROUP = "group"
    STATUS = "status"
    BANNER = "banner"
    HEADING = "heading"
    TEXT = "text"
    IMAGE = "image"
    BUTTON = "button"
    OPTION = "option"
    """One of a list to choose from."""
    FIELD = "field"
    PROGRESS = "progress"
    KEY = "key"
    """A key of a keypad: types its text into the page's field."""


class Direction(enum.Enum):
    """Which way the text of a page runs."""

    LTR = "ltr"
    RTL = "rtl"


@dataclass(frozen=True, slots=True)
class Rect:
    """Pixels; right and bottom are one past the last."""

    left: int
    top: int
    right: int
    bottom: int

    def contains(self, x: int, y: int) -> bool:
        """Whether the point lies inside."""
        return self.left <= x < self.right and self.top <= y < self.bottom

    def within(self, other: Rect) -> bool:
        """Whether it lies wholly in the other."""
        return (
            other.left <= self.left
            and other.top <= self.top
            and self.right <= other.right
            and self.bottom <= other.bottom
        )

    def overlaps(self, other: Rect) -> bool:
        """Whether the two share a pixel."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def mirrored(self, width: int) -> Rect:
        """The same seen in a mirror that is `width` px wide."""
        return Rect(width - self.right, self.top, width - self.left, self.bottom)


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle with round corners, on a ground of one colour."""

    rect: Rect
    radius: int
    fill: str
    on: str


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text: left edge and baseline in px."""

    left: int
    baseline: int
    line: Line
    fill: str
    on: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """An icon of `size` px each way."""

    left: int
    top: int
    size: int
    icon: Icon
    fill: str
    on: str
    mirror: bool = False


Mark = Box | Words | Drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A part of the screen that a person, a reader or a test can point at."""

    role: Role
    bounds: Rect
    resource_id: str = ""
    label: str = ""
    """Accessible name."""
    text: str = ""
    """What is written on it."""
    value: str = ""
    """What the action carries: the tag of a language, the country of a network."""
    action: str | None = None
    """Name of the `UserAction` that touching it is."""
    direction: Direction = Direction.LTR
    enabled: bool = True
    focused: bool = False
    selected: bool = False
    secret: bool = False
    """A field whose text is shown as dots and kept out of what machines read."""
    marks: tuple[Mark, ...] = ()
    children: tuple[Node, ...] = ()

    @property
    def key(self) -> str:
        """Names the node uniquely on its page."""
        return f"{self.resource_id}:{self.value}" if self.value else self.resource_id

    @property
    def touchable(self) -> bool:
        """Whether touching it does something."""
        return self.enabled and self.role in _TOUCHABLE

    @property
    def focusable(self) -> bool:
        """Whether the keyboard reaches it."""
        return self.touchable

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in reading order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def mirrored(self, width: int) -> Node:
        """The same for right-to-left: every place from the other edge, letters as they are."""
        return replace(
            self,
            direction=Direction.RTL,
            bounds=self.bounds.mirrored(width),
            marks=tuple(_mirrored(mark, width) for mark in self.marks),
            children=tuple(child.mirrored(width) for child in self.children),
        )


_TOUCHABLE = {Role.BUTTON, Role.OPTION, Role.FIELD, Role.KEY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One page laid out for one device."""

    page: str
    title: str
    language: str
    direction: Direction
    width: int
    height: int
    ground: str
    root: Node
    fit: float = 1.0
    """Share of the wished text size that was needed to fit the page: 1 is as wished."""
    shortened: bool = False
    """Whether text had to be cut with an ellipsis; only a message of the server ever is."""

    def walk(self) -> Iterator[Node]:
        """Every node in reading order."""
        return self.root.walk()

    def find(self, name: str) -> Node | None:
        """The first node with that resource id, key, label or text; None without one."""
        for node in self.walk():
            if name and name in (node.key, node.resource_id):
                return node
        return next((n for n in self.walk() if name and name in (n.label, n.text)), None)

    def tap(self, x: int, y: int) -> Node | None:
        """The topmost touchable node at a point in px; None where nothing answers a touch."""
        hits = [n for n in self.walk() if n.touchable and n.bounds.contains(x, y)]
        return hits[-1] if hits else None

    def focus_order(self) -> list[Node]:
        """What the Tab key goes through."""
        return [node for node in self.walk() if node.focusable]


def _mirrored(mark: Mark, width: int) -> Mark:
    if isinstance(mark, Box):
        return replace(mark, rect=mark.rect.mirrored(width))
    if isinstance(mark, Words):
        return replace(mark, left=round(width - mark.left - mark.line.width))
    turned = mark.icon.directional != mark.mirror
    return replace(mark, left=width - mark.left - mark.size, mirror=turned)
