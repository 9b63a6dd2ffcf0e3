"""The standard streams as they are found: closed, full, or of a character set without ours."""

from __future__ import annotations

import codecs
import os
import sys

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("╭╮╰╯┏┓┗┛┷┯├┤┬┴┼", "+"),
        **dict.fromkeys("─━", "-"),
        **dict.fromkeys("│┃", "|"),
        **dict.fromkeys("●•", "o"),
    }
)
"""What stands for the lines of a drawing where there are only letters."""


def settle_streams() -> None:
    """Make all three usable: a closed one is empty, what cannot be encoded is told otherwise."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # Opened at once, so that no file of ours gets the number of a standard stream.
            # A standard stream stays open until the process ends.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    codecs.register_error("firmware-sim", _spelled)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="firmware-sim")


def silence_stdout() -> None:
    """Nobody can be told any more: what is still in the buffer goes nowhere, at exit too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """A plain character for a line of a drawing, else the escape that JSON has, too."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    told = []
    for char in error.object[error.start : error.end]:
        plain = char.translate(_PLAIN)
        if not plain.isascii():
            units = char.encode("utf-16-be", "surrogatepass").hex()
            plain = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
        told.append(plain)
    return "".join(told), error.end
