"""The command `firmware-sim`: finds the command's module, imports only that one, runs it."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from firmware_sim.cli.parser import OneLine
from firmware_sim.cli.streams import settle_streams, silence_stdout
from firmware_sim.errors import SimError, UsageError


@dataclass(frozen=True, slots=True)
class Command:
    """One row: the word on the command line, its module in this room, one line of help."""

    word: str
    module: str
    help: str


# A module has `configure(parser)`, which adds its arguments, and `run(options) -> int`, the
# exit status. It is imported only when its word is used: `--help` must stay fast.
COMMANDS: tuple[Command, ...] = (
    Command("activate", "activate", "a phone boots, asks the server, and ends on its screen"),
    Command("attack", "attack", "find what a device accepts and must not"),
    Command("imei", "imei", "check lists of IMEIs, take one apart, make some"),
    Command("keys", "keys", "make, inspect, sign, rotate and revoke the server's keys"),
    Command("lab", "lab", "phones on a page, live and touchable, and the API under it"),
    Command("modem", "modem", "virtual modems, and what a real one says"),
    Command("plmn", "plmn", "what the numbering plan says of a network or a country"),
    Command("policy", "policy", "read a policy critically, compare two, ask what one decides"),
    Command("screen", "screen", "any page drawn to a file; golden screens"),
    Command("serve", "serve", "the activation server, for phones in other processes"),
    Command("unlock", "unlock", "tickets for phones that a person has decided to open"),
    Command("vectors", "vectors", "hold another implementation against the vectors of ODAP/1"),
)


class _Version(argparse.Action):
    """Looks the version up only when asked: that takes longer than all the rest of a start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib import metadata

        print(f"firmware-sim {metadata.version('firmware-sim')}")
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 (not as expected), 2 (usage) or 3 (failed)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    settle_streams()
    parser = OneLine(
        prog="firmware-sim", description="The handset side of phone activation, simulated."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and stop")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((word for word in words if not word.startswith("-")), None)
    for row in COMMANDS:
        sub = commands.add_parser(row.word, help=row.help)
        if row.word == chosen:
            module = importlib.import_module(f"firmware_sim.cli.{row.module}")
            module.configure(sub)
            sub.set_defaults(run=module.run)
    try:
        options = parser.parse_args(words)
        status: int = options.run(options)
        sys.stdout.flush()
    except SimError as error:
        print(f"firmware-sim: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 3
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        silence_stdout()
        return 141
    except OSError as error:
        # Files are opened with names and causes of their own; what is left is our output.
        silence_stdout()
        print(f"firmware-sim: output: {error.strerror or error}", file=sys.stderr)
        return 3
    return status


if __name__ == "__main__":
    sys.exit(main())
