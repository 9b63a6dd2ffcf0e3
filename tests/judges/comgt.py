"""comgt 0.32: its own scripts `reg` and `info`, and the one it runs without a name.

It knows no PLMN and no reason for not being registered: it waits, 120 s long. A wait with no
end within some seconds is its way to say so, and the facts keep None for what it cannot say.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.judges.cases import Case, Facts, name_matches
from tests.judges.running import carry, say, serving

PROGRAM, PACKAGE = "comgt", "comgt"


def ask(case: Case, imei: str, folder: Path) -> Facts:
    """Put the case before it: one modem for each script, so that they can run side by side."""
    ports = [folder / f"comgt-{imei}-{script}" for script in ("start", "info", "reg")]
    modems = [(case.modem(imei), f"pty:{port}") for port in ports]
    control = folder / f"comgt-{imei}.control"
    with serving(modems, control), ThreadPoolExecutor(3) as pool:
        if case.begins:
            for index in range(len(modems)):  # it asks once and does not watch
                carry(control, index, case.serving)
        start, info, reg = pool.map(
            lambda row: say(["comgt", "-e", "-d", str(row[0]), *row[1]], row[2]),
            ((ports[0], [], 8.0), (ports[1], ["info"], 40.0), (ports[2], ["reg"], 8.0)),
        )
    locked = _find(r"^Network Locked: +(\d)", info)
    name = _find(r'Registered on \w+ network: "([^"]*)"', reg)
    return Facts(
        imei=_find(r"^IMEI and Serial Number: (\d+)", info),
        operator=case.serving if name_matches(name, case.serving) else (name or ""),
        registration=_registration(reg),
        sim=_sim(start, locked),
        lock={"0": "no", "1": "yes"}.get(locked or ""),
    )


def _registration(reg: str) -> str | None:
    where = _find(r"Registered on (\w+) network", reg)
    if where is not None:
        return where.lower()
    return "unregistered" if "Waiting for Registration" in reg else None


def _sim(start: str, locked: str | None) -> str | None:
    if "Enter PIN number" in start:
        return "pin"
    if "SIM ready" in start:
        return "ready"
    if "SIM ERROR" in start:
        return "absent"
    # PH-NET PIN is none of the words it waits for (30 s); `info` tells the lock.
    return "network" if locked == "1" else None


def _find(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1) if found else None
