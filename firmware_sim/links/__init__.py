"""Bytes in and out: serial, pty, TCP, TLS, memory; the only doors to the world.

`open_link(url)` calls, `listen(url)` answers, `wait(links)` blocks until one has something.
"""

from __future__ import annotations

from firmware_sim.links.link import Link, LinkClosed, LinkError, Listener
from firmware_sim.links.opening import listen, open_link
from firmware_sim.links.settings import SerialSettings
from firmware_sim.links.waiting import wait

__all__ = [
    "Link",
    "LinkClosed",
    "LinkError",
    "Listener",
    "SerialSettings",
    "listen",
    "open_link",
    "wait",
]
