"""Fingers and keys on a scene: what is touched, what has the keyboard, what has been typed.

This is the screen's own state, which the handset never sees: it is told only the finished
`UserAction`.
"""

from __future__ import annotations

from collections.abc import Mapping

from firmware_sim.screen.tree import Node, Role, Scene
from firmware_sim.view import UserAction

MOST_TYPED = 4096
"""Longest text that a field takes, in characters."""
SUBMIT = "submit"
"""Resource id of the button that hands a field's text over; its value is the field's id."""
ERASE = "<"


class Touch:
    """Focus and typed text of the page that is shown; a new page starts empty.

    `focus` and `typed` go into `scene.build`, so that they are drawn.
    """

    def __init__(self) -> None:
        self.focus = ""
        self._typed: dict[str, str] = {}
        self._page = ""

    @property
    def typed(self) -> Mapping[str, str]:
        """Resource id of a field -> its text."""
        return self._typed

    def show(self, page: str) -> None:
        """Say which page is on the screen now; a page that changes drops what was typed."""
        if page != self._page:
            self._page, self.focus = page, ""
            self._typed.clear()

    def tap(self, scene: Scene, x: int, y: int) -> UserAction | None:
        """A finger at a point in px; None when nothing comes of it but perhaps focus or text."""
        self.show(scene.page)
        node = scene.tap(x, y)
        return self.press(scene, node) if node else None

    def press(self, scene: Scene, node: Node) -> UserAction | None:
        """Touch one node of the scene."""
        self.show(scene.page)
        if not node.touchable:
            return None
        if node.role is Role.FIELD:
            self.focus = node.key
            return None
        if node.role is Role.KEY:
            self._key(scene, node.value)
            return None
        return self._action(node)

    def type(self, scene: Scene, text: str) -> None:
        """Put text into the field that has the keyboard, or into the page's only field."""
        self.show(scene.page)
        field = self._field(scene)
        if field is not None:
            joined = self._typed.get(field.resource_id, "") + text
            self._typed[field.resource_id] = joined[:MOST_TYPED]

    def key(self, scene: Scene, name: str) -> UserAction | None:
        """One key by its name in DOM: Tab, Shift+Tab, Enter, Backspace, Escape, or a character."""
        self.show(scene.page)
        if name in ("Tab", "Shift+Tab"):
            self._move(scene, -1 if name.startswith("Shift") else 1)
            return None
        focused = scene.find(self.focus) if self.focus else None
        if name == "Enter" or (name == " " and focused and focused.role is not Role.FIELD):
            if focused is None or focused.role is Role.FIELD:
                sender = scene.find(SUBMIT)
                return self._action(sender) if sender else None
            return self.press(scene, focused)
        if name == "Escape":
            back = scene.find("back")
            return self._action(back) if back else None
        if name == "Backspace":
            self._key(scene, ERASE)
        elif len(name) == 1:
            self.type(scene, name)
        return None

    def _action(self, node: Node) -> UserAction | None:
        if node.action is None or not node.enabled:
            return None
        if node.action == SUBMIT:
            return UserAction(node.value, self._typed.get(node.value, ""))
        return UserAction(node.action, node.value)

    def _key(self, scene: Scene, value: str) -> None:
        field = self._field(scene)
        if field is None:
            return
        if value == ERASE:
            self._typed[field.resource_id] = self._typed.get(field.resource_id, "")[:-1]
        else:
            self.type(scene, value)

    def _field(self, scene: Scene) -> Node | None:
        fields = [node for node in scene.walk() if node.role is Role.FIELD]
        for node in fields:
            if node.key == self.focus:
                return node
        return fields[0] if len(fields) == 1 else None

    def _move(self, scene: Scene, step: int) -> None:
        order = [node.key for node in scene.focus_order()]
        if not order:
            return
        if self.focus in order:
            self.focus = order[(order.index(self.focus) + step) % len(order)]
        else:
            self.focus = order[0 if step > 0 else -1]
