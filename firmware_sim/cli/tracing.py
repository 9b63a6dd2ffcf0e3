"""`--trace FILE.pcapng` and the timeline: where the events of a run go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_sim.errors import UsageError
from firmware_sim.events import Event


@contextmanager
def traced(
    path: Path | None, show: Callable[[Event], None] | None
) -> Iterator[Callable[[Event], None]]:
    """A function to tell events to: they are shown, and written to `path` where one is given.

    Raises:
        UsageError: `path` is not named .pcapng.
        SimError: it cannot be written.
    """
    watchers: list[Callable[[Event], None]] = [show] if show is not None else []
    if path is None:
        yield _each(watchers)
        return
    if path.suffix != ".pcapng":
        raise UsageError("trace", f"{path} does not end in .pcapng")
    from firmware_sim.rig.pcapng import TraceWriter

    with TraceWriter(path) as writer:
        yield _each([*watchers, writer.event])


def _each(watchers: list[Callable[[Event], None]]) -> Callable[[Event], None]:
    def tell(event: Event) -> None:
        for watcher in watchers:
            watcher(event)

    return tell
