"""The root of every error that a user meets: which part failed, and why, in one line."""

from __future__ import annotations


class SimError(Exception):
    """Something outside our code went wrong; `part` names where, the text says what.

    The command line prints it as `firmware-sim: PART: TEXT` and exits with status 3.
    """

    def __init__(self, part: str, text: str) -> None:
        super().__init__(f"{part}: {text}")
        self.part = part
        self.text = text


class UsageError(SimError):
    """What the user asked for makes no sense; the command line exits with status 2."""
