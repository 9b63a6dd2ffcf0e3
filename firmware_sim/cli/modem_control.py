"""`firmware-sim modem set` and `modem move`: a line to the control socket of `modem serve`."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from firmware_sim.errors import SimError, UsageError

_ANSWER_WITHIN_S = 5.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options; the parser's name tells `set` from `move`."""
    if parser.prog.endswith("move"):
        parser.add_argument("--serving", metavar="PLMN", required=True, help="PLMN, or none")
    else:
        parser.add_argument("change", metavar="NAME=VALUE", nargs="*", help="such as signal=-110")
        parser.add_argument("--list", action="store_true", help="name the settings and stop")
    parser.add_argument("--modem", type=int, default=0, metavar="N", help="which, counted from 0")
    parser.add_argument("--control", metavar="PATH", help="the socket that `modem serve` printed")
    parser.add_argument("--json", action="store_true", help="print the state afterwards")


def run(options: argparse.Namespace) -> int:
    """Send the wish; print the state when asked."""
    if getattr(options, "list", False):
        from firmware_sim.modem.virtual.settings import SETTINGS

        for name in sorted(SETTINGS):
            print(f"{name:16} {SETTINGS[name].values}")
        print(f"{'fault':16} NAME[:KEY=VALUE,...] or none")
        return 0
    wish: dict[str, object] = {"modem": options.modem, "state": True}
    if options.word == "move":
        wish["move"] = None if options.serving == "none" else options.serving
    else:
        wish["set"] = _changes(options.change)
    answer = ask(options.control or default_control(), wish)
    if options.json:
        print(json.dumps(answer["state"]))
    return 0


def _changes(written: list[str]) -> dict[str, str]:
    if not written:
        raise UsageError("modem", "nothing to set: give NAME=VALUE (`--list` names them)")
    changes: dict[str, str] = {}
    for change in written:
        name, equals, value = change.partition("=")
        if not equals:
            raise UsageError("modem", f"{change}: give NAME=VALUE")
        changes[name] = value
    return changes


def default_control() -> str:
    """Where `modem serve` listens when not told otherwise: the user's own runtime directory."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(base) if base else Path(tempfile.gettempdir()) / f"firmware-sim-{os.getuid()}"
    if not base:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise UsageError("modem", f"{folder} belongs to somebody else: give --control PATH")
    return str(folder / "firmware-sim-modem.sock")


def ask(path: str, wish: dict[str, object]) -> dict[str, object]:
    """One wish, one answer. Raises: UsageError: refused; SimError: nobody answers."""
    from firmware_sim.links import open_link, wait

    link = open_link(f"unix:{path}", part="modem")
    try:
        link.send(json.dumps(wish).encode() + b"\n")
        heard = b""
        while b"\n" not in heard:
            if not wait([link], _ANSWER_WITHIN_S):
                raise SimError("modem", f"no answer from {path}")
            heard += link.receive()
    finally:
        link.close()
    answer: dict[str, object] = json.loads(heard)
    if not answer.get("ok"):
        raise UsageError("modem", str(answer.get("error")))
    return answer
