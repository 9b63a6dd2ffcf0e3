"""What each operation of the API does: functions of the lab, a phone and a checked body."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from firmware_sim.errors import SimError, UsageError
from firmware_sim.events import Event
from firmware_sim.lab.phone import DEVICES, LabPhone, Setup
from firmware_sim.lab.tamper import tampering
from firmware_sim.links.clock import Clock
from firmware_sim.rig.pcapng import TraceWriter
from firmware_sim.screen import hierarchy, png, svg
from firmware_sim.screen.theme import Theme
from firmware_sim.server.policy import Policy
from firmware_sim_native import imei as imei_check
from firmware_sim_protocol.numbers import Algorithm

MOST_PHONES = 64


class Missing(Exception):
    """There is no such phone."""


class Problem(Exception):
    """The request is refused with this status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(slots=True)
class Lab:
    """All phones, and what new ones are made from."""

    clock: Clock
    wall_s: Callable[[], int]
    entropy: Callable[[int], bytes]
    defaults: Setup = field(default_factory=Setup)
    phones: dict[str, LabPhone] = field(default_factory=dict)
    added: Callable[[LabPhone], None] = lambda phone: None
    observer: Callable[[str, Event], None] = lambda name, event: None
    """Told every event of every phone, with the phone's name: set it by `observe`."""
    removed: Callable[[LabPhone], None] = lambda phone: None

    def phone(self, name: str) -> LabPhone:
        """The phone of this name. Raises: Missing."""
        found = self.phones.get(name)
        if found is None:
            raise Missing(f"no phone {name!r}")
        return found

    def add(self, setup: Setup, name: str | None = None, on: bool = True) -> LabPhone:
        """A new phone, switched on unless told otherwise."""
        if len(self.phones) >= MOST_PHONES:
            raise Problem(409, f"{MOST_PHONES} phones are enough")
        if name is None:
            name = next(
                made for number in range(1, MOST_PHONES + 2)
                if (made := f"phone-{number}") not in self.phones
            )  # fmt: skip
        if name in self.phones:
            raise Problem(409, f"there is a phone {name!r} already")
        phone = LabPhone(name, setup, self.clock, self.wall_s(), self.entropy)
        phone.observed = partial(self.observer, name)
        self.phones[name] = phone
        self.added(phone)
        if on:
            phone.power(True)
        return phone

    def observe(self, observer: Callable[[str, Event], None]) -> None:
        """From now on tell it every event, of the phones that are here and of those to come."""
        self.observer = observer
        for name, phone in self.phones.items():
            phone.observed = partial(observer, name)

    def packs(self) -> list[str]:
        """The names of the policy packs."""
        from firmware_sim.server import policyfile

        return sorted(policyfile.packs())


def _add(lab: Lab, _phone: LabPhone | None, body: dict[str, Any]) -> object:
    base = lab.defaults
    imei = body.get("imei", base.imei)
    if not imei_check.is_valid(imei):
        raise Problem(400, f"imei: {imei} has a wrong check digit, or is all zeros")
    setup = Setup(
        imei=imei,
        serving=body.get("serving", base.serving),
        sim=body.get("sim", base.sim),
        locale=body.get("locale", base.locale),
        vendor=body.get("vendor", base.vendor),
        official=body.get("firmware", "official") == "official",
        policy=body.get("policy", base.policy),
        algorithm=Algorithm[body.get("algorithm", base.algorithm.name).upper()],
        guard=base.guard,
        notice=base.notice,
    )
    _check_locale(setup.locale)
    try:
        return lab.add(setup, body.get("id"), body.get("power", True)).state()
    except UsageError as error:
        raise Problem(400, str(error)) from None


def _remove(lab: Lab, phone: LabPhone, _body: None) -> None:
    phone.power(False)
    del lab.phones[phone.name]
    lab.removed(phone)


def _check_locale(tag: str) -> None:
    from firmware_sim.screen import catalog

    try:
        catalog.catalog(tag)
    except SimError as error:
        raise Problem(400, f"locale: {error.text}") from None


def _input(_lab: Lab, phone: LabPhone, body: dict[str, Any]) -> object:
    scene, touch = phone.scene, phone.look.touch
    if not phone.powered:
        raise Problem(409, "the phone is off")
    if "type" in body:
        touch.type(scene, body["type"])
        phone.act(None)
    elif "key" in body:
        phone.act(touch.key(scene, body["key"]))
    else:
        tap = body["tap"]
        if "x" in tap:
            phone.act(touch.tap(scene, tap["x"], tap["y"]))
        else:
            name = tap.get("id") or tap.get("label")
            node = scene.find(name)
            if node is None:
                raise Problem(409, f"nothing on this page is called {name!r}")
            phone.act(touch.press(scene, node))
    return phone.state()


def _look(_lab: Lab, phone: LabPhone, body: dict[str, Any]) -> object:
    if "device" in body:
        phone.look.device = DEVICES[body["device"]]
    if "theme" in body:
        phone.look.theme = Theme(body["theme"])
    if "text_scale" in body:
        phone.look.text_scale = float(body["text_scale"])
    phone.changed()
    return phone.state()


def _trace(_lab: Lab, phone: LabPhone, _body: None) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.pcapng"
        with TraceWriter(path, phone.epoch_s, [phone.trust]) as writer:
            for event in phone.events:
                writer.event(event)
        return path.read_bytes()


def _power(_lab: Lab, phone: LabPhone, body: str | None) -> str:
    if body is not None:
        if body.strip() not in ("0", "1"):
            raise Problem(400, "power is 0 or 1")
        phone.power(body.strip() == "1")
    return "1" if phone.powered else "0"


def _modem(_lab: Lab, phone: LabPhone, body: dict[str, str]) -> object:
    try:
        phone.set_modem(body["name"], body["value"])
    except UsageError as error:
        raise Problem(400, str(error)) from None
    return phone.state()


def _clock(_lab: Lab, phone: LabPhone, body: dict[str, int]) -> object:
    if "skip_s" in body:
        phone.skip(body["skip_s"] * 1000)
    else:
        phone.set_rtc(body["rtc_s"])
    return phone.state()


def _policy(_lab: Lab, phone: LabPhone, body: dict[str, str]) -> object:
    from firmware_sim.server import policyfile

    try:
        if "pack" in body:
            policy = policyfile.pack(body["pack"])
        else:
            policy = Policy.load(body["text"], "the uploaded policy")
    except SimError as error:
        raise Problem(400, str(error)) from None
    phone.set_policy(policy)
    return phone.state()


def _tamper(_lab: Lab, phone: LabPhone, body: dict[str, str | None]) -> object:
    try:
        phone.tamper(body["attack"])
    except UsageError as error:
        raise Problem(400, str(error)) from None
    return phone.state()


def _firmware(_lab: Lab, phone: LabPhone, body: dict[str, str]) -> object:
    phone.set_firmware(body["kind"] == "official")
    return phone.state()


def _locale(_lab: Lab, phone: LabPhone, body: dict[str, str]) -> object:
    _check_locale(body["tag"])
    phone.set_locale(body["tag"])
    return phone.state()


def _reset(_lab: Lab, phone: LabPhone, _body: None) -> object:
    phone.factory_reset()
    return phone.state()


def _release(_lab: Lab, phone: LabPhone, _body: None) -> object:
    phone.release()
    return phone.state()


def _policies(lab: Lab, _phone: None, _body: None) -> object:
    from firmware_sim.server import policyfile

    return [{"name": name, "title": policyfile.pack(name).title} for name in lab.packs()]


HANDLERS: dict[str, Callable[..., Any]] = {
    "phones": lambda lab, phone, body: [one.state() for one in lab.phones.values()],
    "add": _add,
    "state": lambda lab, phone, body: phone.state(),
    "remove": _remove,
    "screen_json": lambda lab, phone, body: hierarchy.as_object(phone.scene),
    "screen_png": lambda lab, phone, body: png.render(phone.scene),
    "screen_svg": lambda lab, phone, body: svg.render(phone.scene),
    "screen_xml": lambda lab, phone, body: hierarchy.render(phone.scene),
    "input": _input,
    "look": _look,
    "timeline": lambda lab, phone, body: phone.timeline.after(0),
    "trace": _trace,
    "power": _power,
    "set_power": _power,
    "modem": _modem,
    "clock": _clock,
    "policy": _policy,
    "tamper": _tamper,
    "firmware": _firmware,
    "locale": _locale,
    "reset": _reset,
    "release": _release,
    "ticket": lambda lab, phone, body: {"ticket": phone.ticket()},
    "attacks": lambda lab, phone, body: tampering(),
    "policies": _policies,
}
"""Operation name -> function of (lab, phone or None, checked body)."""
