"""Commands of two words: the second word's module is loaded when the word is used."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from typing import Any

from firmware_sim.cli.main import Command
from firmware_sim.cli.parser import OneLine


class Late(OneLine):
    """A parser that loads its command's module when its word is used, and not before."""

    module: str | None = None

    def parse_known_args(  # type: ignore[override]  # the base has overloads for namespaces
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        if self.module is not None:
            module = importlib.import_module(f"firmware_sim.cli.{self.module}")
            self.module = None
            module.configure(self)
            self.set_defaults(run=module.run)
        return super().parse_known_args(args, namespace)


def add_words(parser: argparse.ArgumentParser, rows: Sequence[Command]) -> None:
    """Give a command its second words."""
    words = parser.add_subparsers(dest="word", metavar="WORD", required=True, parser_class=Late)
    for row in rows:
        words.add_parser(row.word, help=row.help, description=row.help).module = row.module


def run(options: argparse.Namespace) -> int:
    """Never reached: a word is required, and the word's own `run` takes its place."""
    raise AssertionError(options.word)
