"""Being told to stop: SIGTERM and SIGINT both end a command that runs until it is stopped."""

from __future__ import annotations

import signal
from types import FrameType


def stop_on_signals() -> None:
    """From now on both raise KeyboardInterrupt, also where a shell had SIGINT ignored."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
