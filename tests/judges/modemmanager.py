"""ModemManager 1.20 on a private D-Bus: one daemon, every case a modem on a Unix socket."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.judges.cases import Case, Facts
from tests.judges.running import carry, daemon, private_bus, say, serving, until

PROGRAM, PACKAGE = "ModemManager", "modemmanager"
_NAME, _PATH = "org.freedesktop.ModemManager1", "/org/freedesktop/ModemManager1"
_WITHIN_S = 40.0

PLUGINS = {
    "quectel-eg25": "quectel",
    "sierra-mc7455": "sierra",
    "simcom-sim7600": "simtech",
    "telit-le910": "telit",
    "ublox-sara-r4": "u-blox",
}
"""A family is judged by the plugin that ModemManager has for its maker. Not Huawei's: without
the probing that a virtual port has not, it ends the whole daemon with an assertion.
"""

_UNLOCK = {"sim-pin": "pin", "ph-net-pin": "network"}


def ask_all(cases: dict[str, Case], folder: Path) -> dict[str, Facts]:
    """Put all cases before it; `cases` by IMEI, the answer too."""
    names = {imei: f"abstract:firmware-sim-{os.getpid()}-{imei}" for imei in cases}
    modems = [(case.modem(imei), f"unix:@{names[imei]}") for imei, case in cases.items()]
    control = folder / "control"
    with serving(modems, control):
        return _ask(cases, names, folder, control)


def ask_one(imei: str, name: str, folder: Path) -> Facts | None:
    """What it says about one registered modem that somebody else serves at `unix:@NAME`."""
    return _ask({imei: Case(name="bridged")}, {imei: name}, folder, folder / "none").get(imei)


def _ask(
    cases: dict[str, Case], names: dict[str, str], folder: Path, control: Path
) -> dict[str, Facts]:
    command = [
        "ModemManager",
        "--test-session",
        "--test-enable",
        "--test-no-udev",
        "--test-no-suspend-resume",
        "--test-no-qrtr",
        "--no-auto-scan",
    ]
    with (
        private_bus(folder) as bus,
        daemon(command, bus, folder / "ModemManager.log"),
    ):
        test = ["gdbus", "call", "--session", "-d", _NAME, "-o", _PATH, "-m"]
        if not until(
            lambda: say([*test, "org.freedesktop.DBus.Peer.Ping"], 5, bus).startswith("()"), 15
        ):
            return {}
        for imei, name in names.items():
            plugin = PLUGINS.get(cases[imei].profile, "generic")
            profile = [f"t{imei}", plugin, f"['{name}']"]
            say([*test, f"{_NAME}.Test.SetProfile", *profile], _WITHIN_S, bus)
        return _answers(cases, bus, control)


def _answers(cases: dict[str, Case], bus: dict[str, str], control: Path) -> dict[str, Facts]:
    settled: dict[str, dict[str, str]] = {}
    enabled: set[str] = set()
    carried: set[str] = set()

    def seen() -> bool:
        listed = re.findall(rf"{_PATH}/Modem/(\d+)", say(["mmcli", "-L"], 10, bus))
        for number in listed:
            values = _values(["mmcli", "-m", number, "-K"], bus)
            imei = values.get("modem.generic.device", "")[-15:]
            state = values.get("modem.generic.state", "")
            if imei in settled or imei not in cases:
                continue
            if state == "disabled" and number not in enabled:
                # By number: Quectel's plugin makes a modem anew when it is told that the card is
                # ready.
                enabled.add(number)
                say(["mmcli", "-m", number, "-e"], _WITHIN_S, bus)
            elif _is_stuck(values) or (number in enabled and _done(values, cases[imei])):
                case = cases[imei]
                if case.begins and imei not in carried:
                    # It has registered; from here on it must follow what the modem reports.
                    carried.add(imei)
                    carry(control, list(cases).index(imei), case.serving)
                if case.begins and values.get("modem.3gpp.operator-code") == case.begins:
                    continue
                card = values.get("modem.generic.sim", "--").rpartition("/")[2]
                if card.isdigit():
                    values |= _values(["mmcli", "-i", card, "-K"], bus)
                settled[imei] = values
        return len(settled) == len(cases)

    until(seen, _WITHIN_S)
    return {imei: _facts(values) for imei, values in settled.items()}


def _is_stuck(values: dict[str, str]) -> bool:
    """Whether it will go no further: it waits for a code, or has found no card."""
    state, why = values.get("modem.generic.state"), values.get("modem.generic.state-failed-reason")
    return state == "locked" or (state == "failed" and why == "sim-missing")


def _done(values: dict[str, str], case: Case) -> bool:
    """Whether it has looked at the network: it shows `idle` first and corrects itself."""
    shown = values.get("modem.3gpp.registration-state", "--")
    wanted = values.get("modem.3gpp.operator-name", "--") != "--" or not case.registered
    return shown not in ("--", "idle", "unknown") and wanted


def _values(command: list[str], bus: dict[str, str]) -> dict[str, str]:
    rows = (line.partition(":") for line in say(command, 10, bus).splitlines())
    return {name.strip(): value.strip() for name, _, value in rows}


def _facts(values: dict[str, str]) -> Facts:
    def told(name: str) -> str:
        value = values.get(name, "--")
        return "" if value == "--" else value

    state, unlock = told("modem.generic.state"), told("modem.generic.unlock-required")
    if state == "failed":
        sim = {"sim-missing": "absent"}.get(told("modem.generic.state-failed-reason"))
    else:
        sim = _UNLOCK.get(unlock, "ready")
    registration = told("modem.3gpp.registration-state")
    locks = told("modem.3gpp.enabled-locks") or " ".join(
        value for name, value in values.items() if name.startswith("modem.3gpp.enabled-locks.value")
    )
    return Facts(
        imei=told("modem.generic.equipment-identifier") or told("modem.3gpp.imei"),
        operator=told("modem.3gpp.operator-code"),
        # A modem that is locked or failed is not asked for its registration.
        registration=registration if state not in ("locked", "failed") else "none",
        sim=sim,
        home=told("sim.properties.operator-code"),
        lock="yes" if "net-pers" in locks else "no",
    )
