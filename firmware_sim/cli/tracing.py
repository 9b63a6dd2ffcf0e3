"""`--trace FILE.pcapng` and the timeline: where the events of a run go."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_sim.errors import UsageError
from firmware_sim.events import Event

Tell = Callable[[Event], None]


def add_trace_option(parser: argparse._ActionsContainer) -> None:
    """The option, alike on every command that talks."""
    parser.add_argument("--trace", type=Path, metavar="FILE.pcapng", help="write a capture file")


def check_trace(path: Path | None) -> None:
    """Raises: UsageError: `path` is not named .pcapng."""
    if path is not None and path.suffix != ".pcapng":
        raise UsageError("trace", f"{path} does not end in .pcapng")


@contextmanager
def traced(
    path: Path | None,
    show: Tell | None,
    *,
    epoch_s: int | None = None,
    keysets: Iterable[bytes] = (),
) -> Iterator[Tell]:
    """A function to tell events to: they are shown, and written to `path` where one is given.

    `epoch_s`: seconds since 1970 at which the events' clock shows 0; None: it begins now.
    `keysets`: KEYSET messages that the phone trusts, so that signatures have named owners.

    Raises:
        UsageError: `path` is not named .pcapng.
        SimError: it cannot be written.
    """
    check_trace(path)
    watchers: list[Tell] = [show] if show is not None else []
    if path is None:
        yield _each(watchers)
        return
    from firmware_sim.links.clock import unix_seconds
    from firmware_sim.rig.pcapng import TraceWriter

    with TraceWriter(path, unix_seconds() if epoch_s is None else epoch_s, keysets) as writer:
        yield _each([*watchers, writer.event])


def _each(watchers: list[Tell]) -> Tell:
    def tell(event: Event) -> None:
        for watcher in watchers:
            watcher(event)

    return tell
