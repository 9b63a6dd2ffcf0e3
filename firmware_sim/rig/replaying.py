"""A recording as a link: `--modem replay:FILE` opens it where a device would be opened."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from firmware_sim.events import Event
from firmware_sim.links import LinkClosed
from firmware_sim.links.clock import Clock, MonotonicClock
from firmware_sim.modem.recording import RecordingError, Replay, load


class ReplayLink:
    """Both ends in one: what is sent goes to the recording's modem, which answers in its time."""

    def __init__(self, replay: Replay, name: str, clock: Clock | None = None) -> None:
        self.replay = replay
        self._name = name
        self._clock = clock if clock is not None else MonotonicClock()
        self._bells: list[Callable[[], None]] = []
        self._timer: threading.Timer | None = None
        self._closed = False

    @classmethod
    def load(cls, path: str) -> ReplayLink:
        """Read the file. Raises: RecordingError."""
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as failure:
            why = getattr(failure, "strerror", None) or "not UTF-8"
            raise RecordingError("modem", f"cannot read {path}: {why.lower()}") from None
        return cls(Replay(load(lines, path)), f"replay:{path}")

    @property
    def name(self) -> str:
        """`replay:FILE`."""
        return self._name

    def send(self, data: bytes) -> None:
        """To the recording's modem. Raises: LinkClosed."""
        self._must_be_open()
        self.replay.receive(data, self._clock.now())
        self._set_alarm()

    def receive(self) -> bytes:
        """What it says by now. Raises: LinkClosed."""
        self._must_be_open()
        self.replay.tick(self._clock.now())
        data = self.replay.outgoing()
        self._set_alarm()
        return data

    def events(self) -> list[Event]:
        """Where the dialogue left the recording; taken."""
        return self.replay.events()

    def ready(self) -> bool:
        """Whether bytes are due."""
        due = self.replay.wake_at()
        return self._closed or (due is not None and due <= self._clock.now())

    def add_bell(self, bell: Callable[[], None]) -> None:
        """Call `bell` when bytes become due."""
        self._bells.append(bell)
        self._set_alarm()

    def remove_bell(self, bell: Callable[[], None]) -> None:
        """Stop calling `bell`."""
        self._bells.remove(bell)
        if not self._bells and self._timer is not None:
            self._timer.cancel()

    def fileno(self) -> int | None:
        """None: `wait` uses a bell."""
        return None

    def close(self) -> None:
        """The end."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _must_be_open(self) -> None:
        if self._closed:
            raise LinkClosed("modem", f"{self._name}: closed")

    def _set_alarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.replay.wake_at()
        if due is None or not self._bells:
            return
        left = max(0, due - self._clock.now()) / 1000
        self._timer = threading.Timer(left, self._ring)
        self._timer.daemon = True
        self._timer.start()

    def _ring(self) -> None:
        for bell in list(self._bells):
            bell()
