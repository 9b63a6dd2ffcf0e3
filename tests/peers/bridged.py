"""ModemManager before an override bridge, the bridge before a virtual modem."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from firmware_sim.links import listen
from firmware_sim.links.clock import MonotonicClock
from firmware_sim.modem.override import Overrides
from firmware_sim.modem.virtual import VirtualModem
from firmware_sim.rig.bridging import Bridge
from firmware_sim.rig.modem_port import opener_of
from tests.judges import modemmanager
from tests.judges.cases import Facts
from tests.judges.running import serving


def bridged_modem_manager(
    modem: VirtualModem, imei: str, overrides: Overrides, folder: Path
) -> Facts | None:
    """What ModemManager says about the modem as the bridge tells it."""
    # ModemManager opens an abstract socket whose name is literally `abstract:NAME`.
    name = f"abstract:firmware-sim-bridge-{os.getpid()}"
    line = folder / "line"
    with serving([(modem, f"pty:{line}")]):
        listener = listen(f"unix:@{name}", part="modem")
        bridge = Bridge(opener_of(f"pty:{line}", overrides=overrides), listener, lambda event: None)
        stop = threading.Event()
        clock = MonotonicClock()

        def run() -> None:
            while not stop.is_set():
                bridge.step(clock, 0.05)

        thread = threading.Thread(target=run, name="bridge")
        thread.start()
        try:
            return modemmanager.ask_one(imei, name, folder)
        finally:
            stop.set()
            thread.join()
            bridge.close()
