"""`firmware-sim attack`: hostile servers, storage, clocks and modems against a device."""

from __future__ import annotations

import argparse

from firmware_sim.cli.main import Command
from firmware_sim.cli.words import add_words, run

COMMANDS: tuple[Command, ...] = (
    Command("device", "attack_device", "a simulated device behind the control contract"),
    Command("list", "attack_list", "the catalogue: what is tried, and which rule each breaks"),
    Command("proxy", "attack_proxy", "between a real device and a real server: show, and change"),
    Command("run", "attack_run", "run the catalogue against a device, report what it accepts"),
    Command("show", "attack_list", "one attack: what it sends, what a device must do"),
)
"""Sorted by word. A module has `configure(parser)` and `run(options) -> int`."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the words."""
    add_words(parser, COMMANDS)


__all__ = ["COMMANDS", "configure", "run"]
