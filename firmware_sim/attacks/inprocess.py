"""The simulator in this process: virtual time, flash in memory, nothing waits."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from firmware_sim.attacks.device import Ability, Crashed, Dump, Manufacture, Report
from firmware_sim.handset.autopilot import autopilot
from firmware_sim.handset.board import Board
from firmware_sim.handset.device import Handset
from firmware_sim.handset.evidence import Evidence, SimCondition
from firmware_sim.handset.flash import (
    CHANGES,
    Fault,
    FaultKind,
    MemoryFlash,
    PowerCut,
)
from firmware_sim.handset.record import MAC_LABEL, MAC_SIZE, decode_record, encode_record
from firmware_sim.view import Page, UserAction
from firmware_sim_protocol.framing import Framing, SerialFraming, TcpFraming
from firmware_sim_protocol.numbers import LockState
from firmware_sim_protocol.rules import SOUND, Guard
from firmware_sim_protocol.typed import from_text, to_text

MAX_STEPS = 10_000
"""Rounds at one instant before a device counts as running in a circle."""


class InProcess:
    """A `Handset` under the harness's hand. `guard` makes it a twin."""

    abilities = frozenset(Ability)
    waits_s = 0.0

    _handset: Handset

    def __init__(self, guard: Guard = SOUND, *, serial: bool = False) -> None:
        self.name = "simulator"
        self.serial = serial
        self._guard = guard
        self._now = 0
        self._linked = False
        self._out = bytearray()
        self._refusals: list[str] = []
        self._cut = False
        self._fresh = True
        self.links = 0
        """Links opened since the last reset."""

    def framing(self) -> Framing:
        return SerialFraming() if self.serial else TcpFraming()

    # Making and switching ---------------------------------------------------------------

    def reset(self, made: Manufacture) -> None:
        self._made = made
        self._refusals.clear()
        self._fresh = True
        self.links = 0
        self._flash = MemoryFlash()
        self._rtc_s = made.rtc_s - self._now // 1000
        self._evidence = Evidence(
            imei=made.imei,
            serving=made.serving,
            sim=made.sim,
            sim_state=SimCondition.READY,
            registered=True,
            signal=3,
        )
        self._entropy = _Chance(made.seed)
        self._switch_on()

    def _switch_on(self) -> None:
        made = self._made
        if not self._fresh:
            self._drain()
        self._fresh = False
        self._handset = Handset(
            board=Board(imei=made.imei, device_key=made.device_key, storage_key=made.storage_key),
            flash=self._flash,
            trust=made.trust,
            realm=made.realm,
            entropy=self._entropy,
            guard=self._guard,
            framing=SerialFraming(self._guard) if self.serial else TcpFraming(self._guard),
        )
        self._linked = False
        self._out.clear()
        self._cut = False
        self._run(lambda: self._handset.boot(self._now, self._rtc_s + self._now // 1000))
        self._run(lambda: self._handset.sees(self._evidence, self._now))

    def reboot(self) -> None:
        self._flash.power_cycle()
        self._switch_on()

    # The link and time --------------------------------------------------------------------

    def now(self) -> int:
        return self._now

    def linked(self) -> bool:
        return self._linked

    def send(self, octets: bytes) -> None:
        if self._linked:
            self._run(lambda: self._handset.receive(octets, self._now))

    def receive(self) -> bytes:
        octets = bytes(self._out)
        self._out.clear()
        return octets

    def hang_up(self) -> None:
        if self._linked:
            self._linked = False
            self._run(lambda: self._handset.link_lost(self._now, "the link is broken"))

    def advance(self, ms: int) -> None:
        until = self._now + ms
        while True:
            due = None if self._cut else self._handset.wake_at()
            if due is None or due > until:
                break
            self._now = max(due, self._now)
            self._run(lambda: self._handset.tick(self._now))
        self._now = until

    def advance_to_event(self, limit_ms: int) -> None:
        due = None if self._cut else self._handset.wake_at()
        ahead = limit_ms if due is None else min(limit_ms, max(0, due - self._now))
        self.advance(ahead)

    def wake_ms(self) -> int | None:
        """Milliseconds until the device has something to do by itself."""
        due = None if self._cut else self._handset.wake_at()
        return None if due is None else max(0, due - self._now)

    def _run(self, happen: Any) -> None:
        """Let one thing happen, and everything that follows from it at this instant."""
        if self._cut:
            return
        try:
            happen()
            for _ in range(MAX_STEPS):
                if not self._settle():
                    return
            raise Crashed("the device never comes to rest")
        except PowerCut:
            self._cut = True
            self._linked = False
        except Crashed:
            raise
        except Exception as error:
            raise Crashed(f"{type(error).__name__}: {error}") from error

    def _settle(self) -> bool:
        handset = self._handset
        action = autopilot(handset.view)
        if action is not None:
            handset.acts(action, self._now)
            return True
        if handset.wants_link and not self._linked:
            self._linked = True
            self.links += 1
            handset.link_opened(self._now)
            return True
        octets = handset.outgoing()
        self._out += octets
        if self._linked and not handset.wants_link:
            self._linked = False
            handset.link_lost(self._now, "closed")
            return True
        return bool(octets)

    # Reports and hands ----------------------------------------------------------------------

    def report(self) -> Report:
        if self._cut:
            page = self._page_when_cut()
            return Report(page=page, lock_state=None, writes=self._flash.changes)
        handset = self._handset
        self._drain()
        codes, self._refusals = self._refusals, []
        return Report(
            page=handset.view.page.name,
            lock_state=handset.lock_state.name,
            time_floor=handset.floor,
            writes=self._flash.changes,
            refusals=tuple(codes),
        )

    def _drain(self) -> None:
        for event in self._handset.events():
            # An old slot that the counter has passed by is no refusal of anybody's message.
            if event.kind == "refusal" and event.detail.get("what") != "slot":
                self._refusals.append(str(event.detail.get("code", "")))

    def _page_when_cut(self) -> str:
        # The screen is drawn from the record in memory alone; this is what it drew last.
        active = self._handset.lock_state is LockState.ACTIVE
        return Page.HOME.name if active else self._handset.view.page.name

    def set_clock(self, rtc_s: int) -> None:
        self._rtc_s = rtc_s - self._now // 1000
        self._run(lambda: self._handset.set_clock(rtc_s, self._now))

    def set_modem(self, *, imei: str | None = None, serving: str | None = None) -> None:
        changes = {"imei": imei, "serving": serving}
        given = {name: value for name, value in changes.items() if value is not None}
        # The names of `given` are fields of Evidence; a keyword dictionary has one type for all.
        self._evidence = replace(self._evidence, **given)  # type: ignore[arg-type]
        self._run(lambda: self._handset.sees(self._evidence, self._now))

    def cut_at(self, operation: int, torn: bool) -> None:
        kind = FaultKind.TORN if torn else FaultKind.CUT
        self._flash.arm([Fault(kind, CHANGES, operation)])

    def was_cut(self) -> bool:
        return self._cut

    def fail_flash(self, first: int, count: int | None) -> None:
        self._flash.arm([Fault(FaultKind.EIO, CHANGES, first, count)])

    def dump(self) -> Dump:
        slot0, slot1, counter = self._flash.dump()
        return Dump((slot0, slot1), counter)

    def restore(self, dump: Dump) -> None:
        self._flash.restore(dump.slots[0], dump.slots[1], dump.counter)
        self._switch_on()

    def wipe(self) -> None:
        self._run(lambda: self._handset.factory_reset(self._now))

    def ask_ticket(self) -> bytes:
        self._run(lambda: self._handset.acts(UserAction("ticket.open"), self._now))
        view = self._handset.view
        if view.page is not Page.TICKET or not view.challenge:
            raise Crashed(f"no challenge is shown on {view.page.name}")
        return from_text(view.challenge)

    def type_ticket(self, message: bytes) -> None:
        self.type_text(to_text(message))

    def type_text(self, text: str) -> None:
        action = UserAction("ticket", text)
        self._run(lambda: self._handset.acts(action, self._now))
        if self._handset.view.page is Page.TICKET:
            self._run(lambda: self._handset.acts(UserAction("back"), self._now))

    def seal(self, **changes: object) -> None:
        key = self._made.storage_key
        slot0, slot1, counter = self._flash.dump()
        version = changes.pop("version", None)
        slots = []
        for octets in (slot0, slot1):
            if octets:
                # `changes` names fields of Record; a keyword dictionary has one type for all.
                record = replace(decode_record(octets, key), **changes)  # type: ignore[arg-type]
                octets = encode_record(record, key)
                if isinstance(version, int):
                    body = octets[:4] + version.to_bytes(2) + octets[6:-MAC_SIZE]
                    mac = hashlib.sha256  # the seal is an HMAC over label and body
                    octets = body + _hmac(key, MAC_LABEL + body, mac)
            slots.append(octets)
        self._flash.restore(slots[0], slots[1], counter)
        self._switch_on()

    def close(self) -> None:
        """Nothing is open."""


def _hmac(key: bytes, octets: bytes, digest: Any) -> bytes:
    import hmac

    return hmac.digest(key, octets, digest)


class _Chance:
    """The device's entropy: SHA-256 of its seed and a counter that outlives reboots."""

    def __init__(self, seed: bytes) -> None:
        self._seed, self._count = seed, 0

    def __call__(self, n: int) -> bytes:
        out = b""
        while len(out) < n:
            self._count += 1
            out += hashlib.sha256(self._seed + self._count.to_bytes(8)).digest()
        return out[:n]
