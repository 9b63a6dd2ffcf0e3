"""gammu 1.42: identify, networkinfo, getsecuritystatus on a pty.

It names no engaged personalisation that lets the card in, so `lock` follows from what it
waits for.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.judges.cases import Case, Facts
from tests.judges.running import carry, say, serving

PROGRAM, PACKAGE = "gammu", "gammu"
_WITHIN_S = 30.0

_REGISTRATION = {
    "home network": "home",
    "roaming network": "roaming",
    "registration to network denied": "denied",
    "requesting network": "searching",
    "not logged into network": "none",
}
_SIM = {
    "Nothing to enter.": "ready",
    "Waiting for PIN.": "pin",
    "Waiting for network code.": "network",
    "Can not access SIM card.": "absent",
}


def ask(case: Case, imei: str, folder: Path) -> Facts:
    """Put the case before it."""
    port = folder / f"gammu-{imei}"
    settings = folder / f"gammu-{imei}.rc"
    settings.write_text(f"[gammu]\ndevice={port}\nconnection=at115200\nmodel=at\n")
    control = folder / f"gammu-{imei}.control"
    with serving([(case.modem(imei), f"pty:{port}")], control):
        identity = say(["gammu", "-c", str(settings), "identify"], _WITHIN_S)
        if case.begins:
            carry(control, 0, case.serving)
        network, security = (
            say(["gammu", "-c", str(settings), word], _WITHIN_S)
            for word in ("networkinfo", "getsecuritystatus")
        )
    state = _SIM.get(security.strip().splitlines()[-1].strip())
    imsi = _after("SIM IMSI", identity)
    code = re.match(r"(\d{3}) ?(\d{2,3}) ", _after("Network", network) or "")
    return Facts(
        imei=_after("IMEI", identity),
        operator="".join(code.groups()) if code else "",
        registration=_REGISTRATION.get(_after("Network state", network) or ""),
        sim=state,
        home=imsi[: len(case.sim)] if imsi else "",
        lock="yes" if state == "network" else "no",
    )


def _after(name: str, text: str) -> str | None:
    found = re.search(rf"^{name} *: (.*)$", text, re.MULTILINE)
    return found.group(1).strip() if found else None
