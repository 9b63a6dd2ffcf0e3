"""`firmware-sim modem`: the door to everything about modems; each word has its own module."""

from __future__ import annotations

import argparse

from firmware_sim.cli.main import Command
from firmware_sim.cli.words import add_words, run

COMMANDS: tuple[Command, ...] = (
    Command("bridge", "modem_bridge", "a real modem behind our port, some answers overridden"),
    Command("doctor", "modem_doctor", "what a rig needs of a modem, and how to mend what is wrong"),
    Command("list", "modem_list", "serial ports, and which may speak AT"),
    Command("move", "modem_control", "carry a virtual modem to another network"),
    Command("probe", "modem_probe", "everything that a modem tells about itself"),
    Command("record", "modem_record", "keep a dialogue as a file that plays as a modem"),
    Command("serve", "modem_serve", "run virtual modems on a pty, TCP port or Unix socket"),
    Command("set", "modem_control", "change something about a virtual modem"),
)
"""Sorted by word. A module has `configure(parser)` and `run(options) -> int`."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the words."""
    add_words(parser, COMMANDS)


__all__ = ["COMMANDS", "configure", "run"]
