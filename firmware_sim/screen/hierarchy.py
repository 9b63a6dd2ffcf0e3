"""The scene as the XML of Android's `uiautomator dump`, so that its tools can read it.

Source: AOSP, frameworks/base, cmds/uiautomator, AccessibilityNodeInfoDumper (attribute names
and their order; from memory of the tool's output).
"""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from firmware_sim.screen.tree import Node, Rect, Role, Scene

PACKAGE = "org.firmware_sim.setup"
_CLASSES = {
    Role.SCREEN: "android.widget.FrameLayout",
    Role.GROUP: "android.view.ViewGroup",
    Role.STATUS: "android.widget.LinearLayout",
    Role.BANNER: "android.widget.TextView",
    Role.HEADING: "android.widget.TextView",
    Role.TEXT: "android.widget.TextView",
    Role.IMAGE: "android.widget.ImageView",
    Role.BUTTON: "android.widget.Button",
    Role.OPTION: "android.widget.RadioButton",
    Role.FIELD: "android.widget.EditText",
    Role.PROGRESS: "android.widget.ProgressBar",
    Role.KEY: "android.widget.Button",
}


def render(scene: Scene) -> str:
    """An XML document with one `hierarchy`, its nodes nested as the scene's are."""
    rows = ["<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>", '<hierarchy rotation="0">']
    _node(scene.root, 0, 1, rows)
    rows.append("</hierarchy>")
    return "\n".join(rows) + "\n"


def as_object(scene: Scene) -> dict[str, object]:
    """The same for JSON: facts of the page, and its nodes in reading order, nested no more.

    Bounds are [left, top, right, bottom] in px; what is typed into a secret field is left out.
    """
    return {
        "id": scene.page,
        "title": scene.title,
        "language": scene.language,
        "direction": scene.direction.value,
        "width": scene.width,
        "height": scene.height,
        "nodes": [
            {
                "key": node.key,
                "id": node.resource_id,
                "role": node.role.value,
                "label": node.label,
                "text": "•" * len(node.text) if node.secret else node.text,
                "value": node.value,
                "action": node.action,
                "bounds": [
                    node.bounds.left,
                    node.bounds.top,
                    node.bounds.right,
                    node.bounds.bottom,
                ],
                "touchable": node.touchable,
                "enabled": node.enabled,
                "focused": node.focused,
                "selected": node.selected,
            }
            for node in scene.walk()
        ],
    }


def resource_id(node: Node) -> str:
    """The id as Android spells it: package, type, name; empty for a node without one."""
    return f"{PACKAGE}:id/{node.resource_id}" if node.resource_id else ""


def bounds(rect: Rect) -> str:
    """[left,top][right,bottom] in px."""
    return f"[{rect.left},{rect.top}][{rect.right},{rect.bottom}]"


def _node(node: Node, index: int, depth: int, rows: list[str]) -> None:
    text = "•" * len(node.text) if node.secret else node.text
    spoken = node.label if node.label != node.text else ""
    attributes: dict[str, str | bool] = {
        "index": str(index),
        "text": text,
        "resource-id": resource_id(node),
        "class": _CLASSES[node.role],
        "package": PACKAGE,
        "content-desc": spoken,
        "checkable": node.role is Role.OPTION,
        "checked": node.selected and node.role is Role.OPTION,
        "clickable": node.touchable,
        "enabled": node.enabled,
        "focusable": node.focusable,
        "focused": node.focused,
        "scrollable": False,
        "long-clickable": False,
        "password": node.secret,
        "selected": node.selected,
        "bounds": bounds(node.bounds),
    }
    written = " ".join(
        f"{name}={quoteattr(value if isinstance(value, str) else str(value).lower())}"
        for name, value in attributes.items()
    )
    indent = "  " * depth
    if not node.children:
        rows.append(f"{indent}<node {written} />")
        return
    rows.append(f"{indent}<node {written}>")
    for position, child in enumerate(node.children):
        _node(child, position, depth + 1, rows)
    rows.append(f"{indent}</node>")
