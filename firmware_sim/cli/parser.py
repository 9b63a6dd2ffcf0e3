"""The parser of every command line here."""

from __future__ import annotations

import argparse
from typing import NoReturn


class OneLine(argparse.ArgumentParser):
    """Says what is wrong with the words in one line, as every other refusal is told."""

    def error(self, message: str) -> NoReturn:
        words = self.prog.partition(" ")[2]
        self.exit(2, f"firmware-sim: {words + ': ' if words else ''}{message} (see --help)\n")
