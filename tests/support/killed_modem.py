"""A process that serves one virtual modem on TCP and kills itself with SIGKILL.

Arguments: the number of the command line before whose answer it dies. Prints its address.
"""

from __future__ import annotations

import os
import signal
import sys

from firmware_sim.links import LinkClosed, listen, wait
from firmware_sim.links.clock import MonotonicClock
from firmware_sim.modem.virtual import VirtualModem, default_state


def main() -> None:
    fatal = int(sys.argv[1])
    clock = MonotonicClock()
    modem = VirtualModem(default_state(serving="36801", sim="26201"))
    listener = listen("tcp://127.0.0.1:0", part="modem")
    print(listener.address, flush=True)
    wait([listener], None)
    link = listener.accept()
    assert link is not None
    heard = 0
    while True:
        wait([link], None)
        try:
            data = link.receive()
        except LinkClosed:
            return
        heard += data.count(b"\r")
        if heard >= fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        modem.receive(data, clock.now())
        link.send(modem.outgoing())


if __name__ == "__main__":
    main()
