"""A device in another process, by the control contract (CONTROL.md) and a real link."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from typing import Any

from firmware_sim.attacks.device import (
    Ability,
    Crashed,
    DeviceTrouble,
    Dump,
    Hung,
    Lacking,
    Manufacture,
    Report,
)
from firmware_sim.links import listen
from firmware_sim.links.link import Link, LinkClosed, LinkError
from firmware_sim.links.waiting import wait
from firmware_sim_protocol.framing import Framing, SerialFraming, TcpFraming

CONTRACT = 1
START_S = 20.0
"""How long a command may take to start and say hello."""
SILENCE_S = 0.2
"""Silence that means rest, for a device that does not count its octets."""
FLOOD = 1 << 20
"""Octets between two looks that no device has a reason to send."""
LONGEST_LINE = 1 << 22
STEP_S = 0.02
BACK_OFF_S = 7.0
"""The first back-off of a device whose time cannot be hurried: 5 s and a quarter, and some."""


class Controlled:
    """The command, the listener and the device's link."""

    def __init__(
        self, command: str, url: str, *, reach: str | None = None, patience_s: float = 5.0
    ) -> None:
        """Listen and start the command.

        Raises:
            SimError: it cannot listen, or the command cannot be started or does not say hello.
        """
        self._words = shlex.split(command)
        self._patience_s = patience_s
        self.waits_s = patience_s
        self._listener = listen(url, part="device")
        self.reach = reach or self._listener.address
        self._process: subprocess.Popen[bytes] | None = None
        self._lines = bytearray()
        self._ids = 0
        self._now = 0
        self._state: dict[str, Any] = {}
        self._refusals: list[str] = []
        self._new_link(None)
        self._accepted = 0
        self.name, self.abilities, self.serial = command, frozenset[Ability](), False
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    # The process --------------------------------------------------------------------------

    def _start(self) -> None:
        if not self._words:
            raise DeviceTrouble("the control command is empty")
        try:
            self._process = subprocess.Popen(
                self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        except OSError as error:
            raise DeviceTrouble(f"cannot start {self._words[0]}: {error.strerror}") from None
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._lines.clear()
        try:
            hello = self._ask("hello", contract=CONTRACT)
        except (Crashed, Hung) as ending:
            raise DeviceTrouble(f"{self._words[0]}: {ending}") from None
        words = {ability.value: ability for ability in Ability}
        self.name = str(hello.get("name") or self._words[0])
        can = hello.get("can", [])
        self.abilities = frozenset(words[word] for word in can if word in words)
        if not self._is_pty():
            self.abilities |= {Ability.LINK}
        self.serial = hello.get("framing") == "serial"

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(1.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def listening(self) -> str:
        """The URL where it listens, with the port that the system chose."""
        return self._listener.address

    def close(self) -> None:
        self._stop()
        self._new_link(None)
        self._listener.close()

    def _ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """One request and its answer; the link is served meanwhile."""
        process = self._process
        if process is None:
            raise Crashed("the device's process has ended")
        self._ids += 1
        line = json.dumps({"id": self._ids, "do": do, **fields}) + "\n"
        assert process.stdin is not None
        try:
            process.stdin.write(line.encode())
        except OSError:
            raise self._ended(process) from None
        answer = self._answer(process, do)
        if answer.get("ok") is not True:
            error = str(answer.get("error") or "no reason given").splitlines()[0]
            raise DeviceTrouble(f"control {do!r} failed: {error}")
        return answer

    def _answer(self, process: subprocess.Popen[bytes], do: str) -> dict[str, Any]:
        patience_s = max(self._patience_s, START_S) if do == "hello" else self._patience_s
        until = time.monotonic() + patience_s
        assert process.stdout is not None
        while True:
            end = self._lines.find(b"\n")
            if end >= 0:
                line = bytes(self._lines[:end])
                del self._lines[: end + 1]
                try:
                    answer = json.loads(line)
                except ValueError:
                    answer = None
                if not isinstance(answer, dict):
                    self._stop()
                    raise DeviceTrouble(f"control {do!r}: not a JSON object: {line[:60]!r}")
                if answer.get("id") == self._ids:
                    return answer
                continue  # an answer that came too late for an earlier request
            if time.monotonic() > until:
                self._stop()
                raise Hung(f"no answer to control {do!r} within {patience_s:g} s")
            self._serve(STEP_S, process.stdout.fileno())
            try:
                read = process.stdout.read(65_536)
            except OSError:
                read = b""
            if read == b"":
                raise self._ended(process)
            self._lines += read or b""
            if len(self._lines) > LONGEST_LINE:
                self._stop()
                raise DeviceTrouble(f"control {do!r}: an answer without end")

    def _ended(self, process: subprocess.Popen[bytes]) -> Crashed:
        try:
            status = process.wait(1.0)
        except subprocess.TimeoutExpired:
            status = None
        self._stop()
        how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
        return Crashed(f"the device's process ended ({how})")

    # The link -----------------------------------------------------------------------------

    def framing(self) -> Framing:
        return SerialFraming() if self.serial else TcpFraming()

    def _new_link(self, link: Link | None) -> None:
        before = getattr(self, "_link", None)
        if before is not None:
            before.close()
        self._link: Link | None = link
        self._inbox = bytearray()
        self._got = 0
        self._given = 0

    def _serve(self, seconds: float, *descriptors: int) -> None:
        """Wait a little for anything; take callers and octets."""
        sources: list[Any] = [_Readable(descriptor) for descriptor in descriptors]
        sources.append(self._listener)
        if self._link is not None:
            sources.append(self._link)
        wait(sources, seconds)
        self._take()

    def _take(self) -> None:
        if self._link is not None:
            try:
                octets = self._link.receive()
            except LinkClosed:
                octets = b""
                if not self._is_pty():
                    self._link.close()
                    self._link = None
            self._got += len(octets)
            self._inbox += octets
            if len(self._inbox) > FLOOD:
                self._stop()
                raise Hung(f"the device floods the link: {len(self._inbox)} octets unasked")
        try:
            caller = self._listener.accept()
        except LinkError:
            caller = None
        if caller is not None:
            kept = bytes(self._inbox)
            self._new_link(caller)
            self._inbox += kept
            self._accepted += 1

    def _is_pty(self) -> bool:
        return self._listener.address.startswith("pty:")

    def _sync(self) -> None:
        """Until the device has taken what it was sent, and we what it has sent."""
        until = time.monotonic() + self._patience_s
        if Ability.STATE not in self.abilities:
            self._wait_for_silence(until)
            return
        while True:
            self._look()
            if "received" not in self._state:
                self._wait_for_silence(until)
                return
            if self._at_rest():
                return
            if time.monotonic() > until:
                self._stop()
                raise Hung("the device does not take what it was sent")
            self._serve(0.001)

    def _at_rest(self) -> bool:
        state = self._state
        self._take()
        if self._is_pty():
            # A terminal has one line for ever: octets are counted from the reset.
            if not state.get("linked"):
                return self._got >= int(state.get("sent", 0))
            taken = int(state["received"]) >= self._given
            return taken and self._got >= int(state.get("sent", 0))
        if int(state.get("links", 0)) > self._accepted:
            return False
        if not state.get("linked"):
            return True
        taken = int(state["received"]) >= self._given
        return taken and self._got >= int(state.get("sent", 0))

    def _wait_for_silence(self, until: float) -> None:
        quiet = time.monotonic()
        while time.monotonic() - quiet < SILENCE_S and time.monotonic() < until:
            before = self._got
            self._serve(STEP_S)
            if self._got != before:
                quiet = time.monotonic()

    def _look(self) -> None:
        self._state = self._ask("state")
        told = self._state.get("refusals") or []
        self._refusals += [str(code) for code in told]

    # The harness's side -------------------------------------------------------------------

    def _need(self, ability: Ability) -> None:
        if ability not in self.abilities:
            raise Lacking(ability)

    def reset(self, made: Manufacture) -> None:
        if self._process is None:
            self._start()
        self._need(Ability.RESET)
        self._drop()
        self._refusals.clear()
        self._now = 0
        # Callers of the device that was count no more.
        self._accepted = 0
        self._ask(
            "reset",
            server=self.reach,
            trust=made.trust_message.hex(),
            realm=made.realm.hex(),
            imei=made.imei,
            device_key=made.device_key.secret.hex(),
            algorithm=made.device_key.algorithm.name,
            storage_key=made.storage_key.hex(),
            serving=made.serving,
            sim=made.sim,
            rtc=made.rtc_s,
            seed=made.seed.hex(),
        )

    def _drop(self) -> None:
        """Forget the line to the device that was, and whoever still waits to be taken."""
        if self._is_pty():
            self._take()
            self._inbox.clear()
            self._got = self._given = 0
            return
        self._take()
        self._new_link(None)

    def now(self) -> int:
        return self._now

    def linked(self) -> bool:
        if "linked" in self._state:
            return bool(self._state["linked"])
        return self._link is not None

    def send(self, octets: bytes) -> None:
        self._sync()
        if self._link is None or not self.linked():
            return
        try:
            self._link.send(octets)
            self._given += len(octets)
        except LinkError:
            return

    def receive(self) -> bytes:
        self._sync()
        octets = bytes(self._inbox)
        self._inbox.clear()
        return octets

    def hang_up(self) -> None:
        if self._is_pty():
            raise Lacking(Ability.LINK)
        if self._link is not None:
            self._link.close()
            self._link = None
        self._until_unlinked()

    def _until_unlinked(self) -> None:
        """Wait until the device has noticed."""
        until = time.monotonic() + self._patience_s
        while Ability.STATE in self.abilities and "linked" in self._state:
            links = self._state.get("links")
            self._look()
            if not self._state.get("linked") or self._state.get("links") != links:
                return
            if time.monotonic() > until:
                self._stop()
                raise Hung("the device does not notice that its link is gone")
            self._serve(0.001)

    def advance(self, ms: int) -> None:
        self._need(Ability.TIME)
        self._sync()
        self._ask("advance", ms=ms)
        self._now += ms

    def advance_to_event(self, limit_ms: int) -> None:
        if Ability.TIME in self.abilities:
            self._sync()
            wake = self._state.get("wake_ms", 1000)
            self.advance(limit_ms if wake is None else max(0, min(limit_ms, int(wake))) or 1)
            return
        # Real time: as long as a person would wait, then the time is up.
        before = self._got
        until = time.monotonic() + max(self._patience_s, BACK_OFF_S)
        while time.monotonic() < until:
            self._serve(STEP_S)
            if self._got != before:
                return
        self._now += limit_ms

    def report(self) -> Report:
        if Ability.STATE not in self.abilities:
            return Report()
        self._sync()
        state = self._state
        refusals, self._refusals = tuple(self._refusals), []
        return Report(
            page=state.get("page"),
            lock_state=state.get("lock_state") if not state.get("off") else None,
            time_floor=state.get("floor"),
            writes=state.get("writes"),
            refusals=refusals,
        )

    def reboot(self) -> None:
        self._do(Ability.REBOOT)

    def _do(self, ability: Ability, **fields: Any) -> dict[str, Any]:
        """A word that may end the present link."""
        self._need(ability)
        self._sync()
        answer = self._ask(ability.value, **fields)
        self._sync()
        return answer

    def set_clock(self, rtc_s: int) -> None:
        self._do(Ability.CLOCK, rtc=rtc_s)

    def set_modem(self, *, imei: str | None = None, serving: str | None = None) -> None:
        values = {"imei": imei, "serving": serving}
        given = {name: value for name, value in values.items() if value is not None}
        self._do(Ability.MODEM, **given)

    def cut_at(self, operation: int, torn: bool) -> None:
        self._do(Ability.CUT, operation=operation, torn=torn)

    def was_cut(self) -> bool:
        self._look()
        return bool(self._state.get("off"))

    def fail_flash(self, first: int, count: int | None) -> None:
        self._do(Ability.FAIL, first=first, count=count)

    def dump(self) -> Dump:
        answer = self._do(Ability.STORE, action="dump")
        try:
            slots = tuple(bytes.fromhex(slot) for slot in answer["slots"])
            return Dump(slots, int(answer["counter"]))
        except (KeyError, TypeError, ValueError):
            raise DeviceTrouble("control 'store': no slots and counter") from None

    def restore(self, dump: Dump) -> None:
        slots = [slot.hex() for slot in dump.slots]
        self._do(Ability.STORE, action="restore", slots=slots, counter=dump.counter)

    def wipe(self) -> None:
        self._do(Ability.WIPE)

    def ask_ticket(self) -> bytes:
        answer = self._do(Ability.TICKET, action="ask")
        try:
            return bytes.fromhex(answer["challenge"])
        except (KeyError, TypeError, ValueError):
            raise DeviceTrouble("control 'ticket': no challenge in hexadecimal") from None

    def type_ticket(self, message: bytes) -> None:
        self._do(Ability.TICKET, action="type", message=message.hex())

    def type_text(self, text: str) -> None:
        self._do(Ability.TYPE, text=text)

    def seal(self, **changes: object) -> None:
        raise Lacking(Ability.SEAL)


class _Readable:
    """A bare descriptor among links."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int | None:
        return self._descriptor
