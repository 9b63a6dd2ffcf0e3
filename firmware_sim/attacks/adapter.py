"""The reference adapter: a simulated device behind the control contract (CONTROL.md).

The device is the handset in virtual time; its link to the server is a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from firmware_sim.attacks.device import Ability, Dump, Lacking, Manufacture
from firmware_sim.attacks.inprocess import InProcess
from firmware_sim.errors import SimError
from firmware_sim.links import open_link
from firmware_sim.links.link import Link, LinkClosed, LinkError
from firmware_sim_protocol.codec import parse_message
from firmware_sim_protocol.envelope import open_envelope
from firmware_sim_protocol.errors import ProtocolError
from firmware_sim_protocol.numbers import Algorithm
from firmware_sim_protocol.rules import SOUND, Guard, Rule
from firmware_sim_protocol.signing import PrivateKey
from firmware_sim_protocol.values import KeySet

CAN = tuple(ability for ability in Ability if ability not in (Ability.SEAL, Ability.LINK))
LOADING = Guard(frozenset({Rule.KEYSET_KEY_STRONG}))
"""The factory's keyset is believed as it is: weak keys in it are what some attacks are about."""
CONNECT_S = 5.0


class ContractError(SimError):
    """A request that makes no sense."""

    def __init__(self, text: str) -> None:
        super().__init__("control", text)


class Adapter:
    """Answers requests; keeps the device's link in step with what the device wants."""

    def __init__(
        self,
        guard: Guard = SOUND,
        *,
        serial: bool = False,
        can: Sequence[Ability] = CAN,
        clock: Callable[[], int] | None = None,
    ) -> None:
        """`can`: the words that work. `clock`: milliseconds; the device's time then follows it,
        where it else runs by the word `advance` alone."""
        self._can = tuple(can)
        self._ticks = clock
        self._made_at = 0
        self._device = InProcess(guard, serial=serial)
        self._serial = serial
        self._guard = guard
        self._server = ""
        self._made = False
        self._link: Link | None = None
        self._links = 0
        self._received = 0
        self._sent = 0

    @property
    def link(self) -> Link | None:
        """The link to the server, to wait on."""
        return self._link

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request."""
        identity = {"id": request.get("id")}
        try:
            handler = _HANDLERS.get(str(request.get("do")))
            words = {ability.value for ability in self._can} | {"hello"}
            if handler is None or request.get("do") not in words:
                raise ContractError(f"no word {request.get('do')!r}")
            self.serve()
            found = handler(self, request) or {}
            self.serve()
            return {**identity, "ok": True, **found}
        except SimError as error:
            return {**identity, "ok": False, "error": error.text}
        except (Lacking, ProtocolError, ValueError, TypeError, KeyError) as error:
            return {**identity, "ok": False, "error": f"{type(error).__name__}: {error}"}

    def serve(self) -> None:
        """Carry octets both ways until nothing moves; open and close the link as wanted."""
        if self._ticks is not None and self._made:
            self._advance({"ms": self._ticks() - self._made_at - self._device.now()})
        self._carry()

    def _carry(self) -> None:
        for _ in range(1000):
            if not self._made or not self._step():
                return

    def _step(self) -> bool:
        device = self._device
        if self._link is not None and device.links != self._links:
            # The device has closed its link and opened another since we looked.
            self._flush()
            self._close()
        if device.linked() and self._link is None:
            return self._open()
        moved = self._flush()
        if self._link is None:
            return moved
        if not device.linked():
            self._close()
            return True
        try:
            octets = self._link.receive()
        except LinkClosed:
            self._close()
            device.hang_up()
            return True
        self._received += len(octets)
        if octets:
            device.send(octets)
        return bool(octets) or moved

    def _open(self) -> bool:
        self._links = self._device.links
        self._received = self._received if self._serial else 0
        self._sent = self._sent if self._serial else 0
        try:
            self._link = open_link(self._server, part="server", timeout_s=CONNECT_S)
        except LinkError:
            self._device.hang_up()
        return True

    def _flush(self) -> bool:
        octets = self._device.receive()
        if not octets or self._link is None:
            return False
        try:
            self._link.send(octets)
        except LinkError:
            return False
        self._sent += len(octets)
        return True

    def _close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    # The words ------------------------------------------------------------------------------

    def _hello(self, request: Mapping[str, Any]) -> dict[str, Any]:
        waived = ", ".join(sorted(rule.id for rule in self._guard.waived))
        return {
            "name": f"simulator without {waived}" if waived else "simulator in another process",
            "can": [ability.value for ability in self._can],
            "framing": "serial" if self._serial else "length",
        }

    def _reset(self, request: Mapping[str, Any]) -> None:
        self._close()
        self._links = self._received = self._sent = 0
        self._device = InProcess(self._guard, serial=self._serial)
        self._server = str(request["server"])
        message = bytes.fromhex(request["trust"])
        trust = parse_message(open_envelope(message, LOADING), LOADING)
        if not isinstance(trust, KeySet):
            raise ContractError("trust is no KEYSET")
        algorithm = Algorithm[str(request["algorithm"])]
        self._device.reset(
            Manufacture(
                trust=trust,
                trust_message=message,
                realm=bytes.fromhex(request["realm"]),
                imei=str(request["imei"]),
                device_key=PrivateKey(algorithm, bytes.fromhex(request["device_key"])),
                storage_key=bytes.fromhex(request["storage_key"]),
                serving=str(request["serving"]),
                sim=str(request["sim"]),
                rtc_s=int(request["rtc"]),
                seed=bytes.fromhex(request["seed"]),
            )
        )
        self._made = True
        self._made_at = self._ticks() if self._ticks is not None else 0

    def wake_ms(self) -> int | None:
        """Milliseconds of real time until the device wants to act; None: it follows no clock."""
        return self._device.wake_ms() if self._ticks is not None and self._made else None

    def _state(self, request: Mapping[str, Any]) -> dict[str, Any]:
        report = self._device.report()
        return {
            "page": report.page,
            "lock_state": report.lock_state,
            "floor": report.time_floor,
            "writes": report.writes,
            "refusals": list(report.refusals),
            "off": self._device.was_cut(),
            "wake_ms": self._device.wake_ms(),
            "links": self._links,
            "linked": self._link is not None,
            "received": self._received,
            "sent": self._sent,
        }

    def _advance(self, request: Mapping[str, Any]) -> None:
        left = int(request["ms"])
        while left > 0:
            # Event by event: what the device wants of its link at each instant is done then.
            before = self._device.now()
            self._device.advance_to_event(left)
            step = self._device.now() - before
            left -= step
            self._carry()
            if step == 0 and self._device.wake_ms() in (None, 0):
                self._device.advance(left)
                return

    def _clock(self, request: Mapping[str, Any]) -> None:
        self._device.set_clock(int(request["rtc"]))

    def _reboot(self, request: Mapping[str, Any]) -> None:
        self._close()
        self._device.reboot()

    def _cut(self, request: Mapping[str, Any]) -> None:
        self._device.cut_at(int(request["operation"]), bool(request["torn"]))

    def _fail(self, request: Mapping[str, Any]) -> None:
        count = request["count"]
        self._device.fail_flash(int(request["first"]), None if count is None else int(count))

    def _store(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if request["action"] == "dump":
            dump = self._device.dump()
            return {"slots": [slot.hex() for slot in dump.slots], "counter": dump.counter}
        slots = tuple(bytes.fromhex(slot) for slot in request["slots"])
        self._close()
        self._device.restore(Dump(slots, int(request["counter"])))
        return {}

    def _modem(self, request: Mapping[str, Any]) -> None:
        self._device.set_modem(imei=request.get("imei"), serving=request.get("serving"))

    def _wipe(self, request: Mapping[str, Any]) -> None:
        self._device.wipe()

    def _ticket(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if request["action"] == "ask":
            return {"challenge": self._device.ask_ticket().hex()}
        self._device.type_ticket(bytes.fromhex(request["message"]))
        return {}

    def _type(self, request: Mapping[str, Any]) -> None:
        self._device.type_text(str(request["text"]))


_HANDLERS: Mapping[str, Callable[[Adapter, Mapping[str, Any]], dict[str, Any] | None]] = {
    "hello": Adapter._hello,
    "reset": Adapter._reset,
    "state": Adapter._state,
    "advance": Adapter._advance,
    "clock": Adapter._clock,
    "reboot": Adapter._reboot,
    "cut": Adapter._cut,
    "fail": Adapter._fail,
    "store": Adapter._store,
    "modem": Adapter._modem,
    "wipe": Adapter._wipe,
    "ticket": Adapter._ticket,
    "type": Adapter._type,
}
