"""A device that speaks the control contract and misbehaves; run as a program.

    python tests/support/bad_device.py HOW

It is never sound: each HOW is one way to go wrong.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from urllib.parse import urlsplit

CAN = ["reset", "state", "advance"]


def main(how: str) -> None:
    link: socket.socket | None = None
    for line in sys.stdin:
        request = json.loads(line)
        do = request["do"]
        answer: dict[str, object] = {"id": request["id"], "ok": True}
        if how == "mute" and do != "hello":
            time.sleep(3600)
        if how == "garbage" and do == "reset":
            print("this is no JSON", flush=True)
            continue
        if do == "hello":
            answer |= {"name": how, "can": CAN, "framing": "length"}
        elif do == "reset":
            if how == "dies":
                sys.exit(7)
            if how == "fails":
                answer = {"id": request["id"], "ok": False, "error": "no board\nin the socket"}
            if how in ("floods", "wrong-port", "nonsense"):
                link = _call(request["server"], how)
        elif do == "state":
            answer |= {"page": "BOOT", "lock_state": "UNPROVISIONED", "wake_ms": None}
            if how == "floods" and link is not None:
                _flood(link)
        print(json.dumps(answer), flush=True)


def _call(url: str, how: str) -> socket.socket | None:
    parts = urlsplit(url)
    port = (parts.port or 0) ^ 1 if how == "wrong-port" else parts.port or 0
    try:
        link = socket.create_connection((parts.hostname or "", port), 1.0)
    except OSError:
        return None
    if how == "nonsense":
        link.sendall(b"\x00\x20" + b"GET / HTTP/1.1\r\nHost: nowhere\r\n")
    return link


def _flood(link: socket.socket) -> None:
    link.setblocking(False)
    for _ in range(64):
        try:
            link.send(bytes(65_536))
        except OSError:
            return


if __name__ == "__main__":
    main(sys.argv[1])
