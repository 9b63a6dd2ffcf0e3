"""`firmware-sim modem doctor`: is this modem fit for a rig, and if not, what is to be done?"""

from __future__ import annotations

import argparse
import getpass
import json
from typing import TYPE_CHECKING

from firmware_sim.cli.modem_line import add_line_options, line_settings
from firmware_sim.cli.tracing import add_trace_option, check_trace, traced
from firmware_sim.events import Event

if TYPE_CHECKING:
    from firmware_sim.rig.doctor import Finding
    from firmware_sim.rig.modem_port import ModemPort


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_line_options(parser)
    parser.add_argument("--json", action="store_true", help="one array on stdout")
    add_trace_option(parser)


def run(options: argparse.Namespace) -> int:
    """Examine it; 0 when a rig can use it, 1 when something must be mended."""
    from firmware_sim.cli.timeline import printable
    from firmware_sim.rig.doctor import Health

    findings = _examine(options)
    if options.json:
        rows = [
            {"what": one.what, "health": one.health.value, "seen": one.seen, "mend": one.mend}
            for one in findings
        ]
        print(json.dumps(rows, ensure_ascii=False))
    else:
        for one in findings:
            print(f"{one.health.value:<5} {one.what:<11} {printable(one.seen)}")
            if one.mend:
                print(f"{'':<17} -> {one.mend}")
    return 1 if any(one.health is Health.ILL for one in findings) else 0


def _examine(options: argparse.Namespace) -> list[Finding]:
    from firmware_sim.errors import UsageError
    from firmware_sim.links import LinkError
    from firmware_sim.links.clock import MonotonicClock
    from firmware_sim.links.holders import holders
    from firmware_sim.links.reattach import Patience
    from firmware_sim.rig import doctor
    from firmware_sim.rig.modem_port import ModemPort, opener_of, read_until_done

    check_trace(options.trace)
    findings: list[Finding] = []
    path = doctor.device_path(options.url)
    if path is not None:
        findings += doctor.examine_device(path, holders(path), getpass.getuser())
        if any(one.health is doctor.Health.ILL and one.what != "holders" for one in findings):
            return findings
    heard: list[bytes] = []
    port = ModemPort(opener_of(options.url, line_settings(options)), patience=Patience(2_000))

    def listen(event: Event) -> None:
        if event.sent is False:
            heard.append(event.raw)

    try:
        with traced(options.trace, listen) as tell:
            read_until_done(port, MonotonicClock(), tell)
    except UsageError:
        raise
    except LinkError as failure:
        findings.append(doctor.ill("opens", failure.text, "see the lines above"))
        return findings
    finally:
        port.close()
    findings.append(doctor.well("opens", f"{options.baud} baud"))
    return findings + _what_it_says(port, path, b"".join(heard))


def _what_it_says(port: ModemPort, path: str | None, heard: bytes) -> list[Finding]:
    from firmware_sim.links.ports import serial_ports
    from firmware_sim.rig import doctor

    failure = port.dialogue.failure
    if failure is None:
        return list(doctor.examine_reading(port.dialogue.so_far))
    if "nothing answers" in failure:
        ports = serial_ports()
        ours = next((one for one in ports if one.device == path), None)
        alike = [
            one
            for one in ports
            if ours is not None
            and ours.usb is not None
            and one.usb is not None
            and (one.usb.vid, one.usb.pid, one.usb.serial)
            == (ours.usb.vid, ours.usb.pid, ours.usb.serial)
        ]
        return [doctor.examine_silence(heard, ours, alike)]
    what = "imei" if "IMEI" in failure else "answers"
    mend = "give one: `activate --imei IMEI`" if what == "imei" else "restart the modem"
    return [doctor.ill(what, failure, mend)]
