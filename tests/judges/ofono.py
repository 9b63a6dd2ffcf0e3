"""oFono 1.31 with its phonesim driver on a private D-Bus: every case a modem on TCP.

The profile `phonesim` answers AT+SIMSTATE?, by which this driver learns that there is no SIM.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.judges.cases import Case, Facts
from tests.judges.running import carry, daemon, private_bus, say, serving, until

PROGRAM, PACKAGE = "ofonod", "ofono"
_SCRIPTS = Path("/usr/share/ofono/scripts")
_WITHIN_S = 40.0

_REGISTRATION = {
    "registered": "home",
    "roaming": "roaming",
    "denied": "denied",
    "searching": "searching",
    "unregistered": "none",
}
_PIN = {"none": "ready", "pin": "pin", "network": "network"}


def ask_all(cases: dict[str, Case], folder: Path) -> dict[str, Facts]:
    """Put all cases before it; `cases` by IMEI, the answer too."""
    modems = [
        (case.modem(imei, "phonesim" if case.profile == "generic" else ""), "tcp://127.0.0.1:0")
        for imei, case in cases.items()
    ]
    control = folder / "control"
    with serving(modems, control) as addresses, private_bus(folder) as bus:
        settings = folder / "phonesim.conf"
        settings.write_text(
            "".join(
                f"[m{imei}]\nDriver=phonesim\nAddress=127.0.0.1\nPort={url.rpartition(':')[2]}\n"
                for imei, url in zip(cases, addresses, strict=True)
            )
        )
        bus["OFONO_PHONESIM_CONFIG"] = str(settings)
        with daemon(["ofonod", "-n", "-d"], bus, folder / "ofonod.log"):
            if not until(lambda: len(_modems(bus)) == len(cases), 15):
                return {}
            for script in ("enable-modem", "online-modem"):
                for imei in cases:
                    _script(bus, script, f"/m{imei}")
            until(
                lambda: all(_done(cases[imei], text) for imei, text in _modems(bus).items()),
                _WITHIN_S,
            )
            _carry_those_that_move(cases, bus, control)
            return {imei: _facts(text) for imei, text in _modems(bus).items()}


def _carry_those_that_move(cases: dict[str, Case], bus: dict[str, str], control: Path) -> None:
    """They have registered; from here on it must follow what the modem reports."""
    moving = {imei: case for imei, case in cases.items() if case.begins}
    for imei, case in moving.items():
        carry(control, list(cases).index(imei), case.serving)

    def arrived() -> bool:
        seen = _modems(bus)
        return all(
            _facts(seen[imei]).operator == case.serving
            for imei, case in moving.items()
            if imei in seen
        )

    until(arrived, _WITHIN_S)


def _script(bus: dict[str, str], name: str, *arguments: str) -> str:
    # Debian's own interpreter: the scripts need its dbus module.
    return say(["/usr/bin/python3", str(_SCRIPTS / name), *arguments], 20, bus)


def _modems(bus: dict[str, str]) -> dict[str, str]:
    parts = re.split(r"^\[ /m(\d+) \]$", _script(bus, "list-modems"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _done(case: Case, text: str) -> bool:
    """Whether it has read all it will: the card, and the network where it looks for one."""
    if case.sim_state != "ready":
        return _one("Present", text) == "0" or _one("PinRequired", text) not in (None, "none")
    status = _one("Status", text)
    seen = _one("MobileNetworkCode", _section("NetworkRegistration", text)) is not None
    return status is not None and (seen or not case.registered)


def _section(interface: str, text: str) -> str:
    found = re.search(rf"\[ org\.ofono\.{interface} \]\n(.*?)(?=\n    \[|\Z)", text, re.DOTALL)
    return found.group(1) if found else ""


def _one(name: str, text: str) -> str | None:
    found = re.search(rf"^ +{name} = (.*)$", text, re.MULTILINE)
    return found.group(1).strip() if found else None


def _facts(text: str) -> Facts:
    network, card = _section("NetworkRegistration", text), _section("SimManager", text)
    status = _one("Status", network)
    present = _one("Present", card)
    pin = _one("PinRequired", card)
    locked = (_one("LockedPins", card) or "").split()
    home = (_one("MobileCountryCode", card) or "") + (_one("MobileNetworkCode", card) or "")
    return Facts(
        imei=_one("Serial", text),
        operator=(_one("MobileCountryCode", network) or "")
        + (_one("MobileNetworkCode", network) or ""),
        # Without a usable card it never makes the interface that tells a registration.
        registration=_REGISTRATION.get(status or "unregistered", status),
        sim="absent" if present == "0" else _PIN.get(pin or "", pin),
        # Behind a network lock it leaves the card unread, and says nothing about its network.
        home=home or (None if pin == "network" else ""),
        lock="yes" if pin == "network" or "network" in locked else "no",
    )
