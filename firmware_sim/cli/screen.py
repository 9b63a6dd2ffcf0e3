"""`firmware-sim screen`: one screen drawn to a file, and the golden screens."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_sim.errors import SimError, UsageError

if TYPE_CHECKING:
    from firmware_sim.screen.device import Device
    from firmware_sim.screen.goldens import Golden
    from firmware_sim.screen.tree import Scene
    from firmware_sim.view import View

FORMS = (".png", ".svg", ".xml", ".txt")
_FACTS = ("vendor", "imei", "country", "subdivision", "reason", "reference", "operator", "message")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the commands of this module."""
    commands = parser.add_subparsers(dest="screen_command", metavar="COMMAND", required=True)
    show = commands.add_parser("show", help="draw one page")
    show.add_argument(
        "page",
        metavar="ID",
        help="locked, home, language ...; a wrong one is answered with the list",
    )
    show.add_argument("--locale", metavar="TAG", default="en", help="BCP 47 tag, default en")
    show.add_argument("--device", metavar="NAME", default="tall", help="small, tall or tablet")
    show.add_argument("--theme", choices=("light", "dark"), default="light")
    show.add_argument(
        "--text-scale", type=float, default=1.0, metavar="N", help="1.0 as designed, up to 1.3"
    )
    show.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="FILE.png, .svg, .xml or .txt; without it the drawing goes to the terminal",
    )
    for fact in _FACTS:
        show.add_argument(f"--{fact}", metavar="TEXT", help=f"the {fact} that the page shows")
    show.set_defaults(act=_show)
    goldens = commands.add_parser("goldens", help="approved pictures of every screen")
    actions = goldens.add_subparsers(dest="goldens_command", metavar="COMMAND", required=True)
    for word, help_text, act in (
        ("record", "write the pictures that are new or changed", _record),
        ("check", "compare; exit 1 when a picture is changed, missing, extra or orphaned", _check),
        ("review", "write a page that shows what changed", _review),
    ):
        sub = actions.add_parser(word, help=help_text)
        sub.add_argument("--dir", type=Path, default=Path("goldens"), metavar="DIR")
        sub.add_argument("--page", action="append", metavar="ID", help="only this page")
        sub.add_argument("--locale", action="append", metavar="TAG", help="only this language")
        sub.add_argument("--device", action="append", metavar="NAME", help="only this device")
        sub.set_defaults(act=act)
        if word == "record":
            sub.add_argument(
                "--approved", type=Path, metavar="FILE", help="only the names in this list"
            )
        if word == "review":
            sub.add_argument("--out", type=Path, default=Path("review.html"), metavar="FILE")


def run(options: argparse.Namespace) -> int:
    """Do what was asked for; the exit status."""
    status: int = options.act(options)
    return status


def _show(options: argparse.Namespace) -> int:
    from firmware_sim.screen import goldens, scene, terminal
    from firmware_sim.screen.theme import LARGE_TEXT, Theme

    if not 0.8 <= options.text_scale <= LARGE_TEXT:
        raise UsageError("screen", f"--text-scale is from 0.8 to {LARGE_TEXT}")
    made = scene.build(
        _view(options), _device(options.device), Theme(options.theme), options.text_scale
    )
    if options.out is None:
        print(terminal.render(made, color=sys.stdout.isatty()), end="")
        return 0
    if options.out.suffix not in FORMS:
        raise UsageError("screen", f"--out ends in one of {' '.join(FORMS)}, not {options.out}")
    goldens.write(options.out, _drawn(made, options.out.suffix))
    return 0


def _view(options: argparse.Namespace) -> View:
    import dataclasses

    from firmware_sim.screen.samples import full_view, page_named

    facts = {name: value for name in _FACTS if (value := getattr(options, name)) is not None}
    # Unless asked for: the phone of the case, in Cuba, with one SIM.
    facts = {"country": "CU", "subdivision": "", "imei2": "", **facts}
    view = full_view(page_named(options.page), options.locale)
    return dataclasses.replace(view, **facts)


def _device(name: str) -> Device:
    from firmware_sim.screen.device import DEVICES

    if name not in DEVICES:
        raise UsageError("screen", f"no device {name!r}; there are {' '.join(DEVICES)}")
    return DEVICES[name]


def _drawn(made: Scene, suffix: str) -> bytes:
    from firmware_sim.screen import hierarchy, png, svg, terminal

    if suffix == ".png":
        return png.render(made, level=6)
    text = {".svg": svg.render, ".xml": hierarchy.render, ".txt": terminal.render}[suffix](made)
    return text.encode()


def _chosen(options: argparse.Namespace) -> tuple[list[Golden], bool]:
    """The goldens asked for, and whether they are all."""
    from firmware_sim.screen import catalog, goldens
    from firmware_sim.screen.device import DEVICES
    from firmware_sim.screen.samples import page_named
    from firmware_sim.view import Page

    pages = [page_named(name) for name in options.page or ()] or list(Page)
    locales = [catalog.language_of(tag) for tag in options.locale or ()] or catalog.LANGUAGES
    devices = [_device(name).name for name in options.device or ()] or list(DEVICES)
    whole = not (options.page or options.locale or options.device)
    return goldens.every(pages, locales, devices), whole


def _record(options: argparse.Namespace) -> int:
    from firmware_sim.screen import goldens, review

    chosen, _ = _chosen(options)
    only = None
    if options.approved:
        try:
            only = review.listed(options.approved.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise SimError("screen", f"cannot read {options.approved}: {error}") from error
        unknown = only - {golden.name for golden in chosen}
        _remove(options.dir, unknown)
    written = goldens.record(options.dir, chosen, only)
    print(f"goldens: {len(written)} written, {len(chosen) - len(written)} left as they are")
    return 0


def _remove(directory: Path, names: set[str]) -> None:
    """Approved orphans and extras go; a name that leads out of the directory is refused."""
    for name in sorted(names):
        path = (directory / name).resolve()
        if not path.is_relative_to(directory.resolve()):
            raise UsageError("screen", f"{name!r} is not in {directory}")
        if path.is_file():
            path.unlink()
            print(f"goldens: {name} removed")
        else:
            raise UsageError("screen", f"no golden screen is named {name!r}")


def _check(options: argparse.Namespace) -> int:
    from firmware_sim.screen import goldens

    chosen, whole = _chosen(options)
    wrong = 0
    for finding in goldens.check(options.dir, chosen, whole=whole):
        print(finding)
        wrong += 1
    print(f"goldens: {len(chosen)} compared, {wrong} not as approved")
    return 1 if wrong else 0


def _review(options: argparse.Namespace) -> int:
    from firmware_sim.screen import goldens, review

    chosen, whole = _chosen(options)
    findings = list(goldens.check(options.dir, chosen, whole=whole))
    goldens.write(options.out, review.page(findings).encode())
    print(f"goldens: {len(findings)} to look at in {options.out}")
    return 1 if findings else 0
