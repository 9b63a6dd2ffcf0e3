"""Commands of two words: the second word's module is loaded when the word is used."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from typing import Any


class Late(argparse.ArgumentParser):
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
