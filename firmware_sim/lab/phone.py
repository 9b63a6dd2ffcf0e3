"""One phone of the lab, in real time: its peers, its controls, and what it shows.

The phone and everything around it live in this process. Time is the real clock plus what has
been skipped, so that a week can pass in a moment. Nothing here waits; `drive` in `service`
does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from firmware_sim.errors import SimError, UsageError
from firmware_sim.events import Event
from firmware_sim.handset.board import Board
from firmware_sim.handset.device import Handset
from firmware_sim.handset.firmware import OFFICIAL, UNOFFICIAL, Firmware
from firmware_sim.handset.flash import MemoryFlash
from firmware_sim.lab.tamper import TamperedPort, check_live
from firmware_sim.lab.timeline import Signer, Timeline
from firmware_sim.links.clock import Clock
from firmware_sim.modem.dialogue import ModemDialogue
from firmware_sim.modem.virtual import DEFAULT_IMEI, VirtualModem, default_state
from firmware_sim.rig.embedded import embedded_server
from firmware_sim.rig.phone import QUIET, Phone
from firmware_sim.rig.ports import MachinePort, Port
from firmware_sim.rig.provisioning import read_keyset
from firmware_sim.screen import scene
from firmware_sim.screen.device import DEVICES, TALL, Device
from firmware_sim.screen.theme import Theme
from firmware_sim.screen.touch import Touch
from firmware_sim.screen.tree import Scene
from firmware_sim.server.policy import Policy, default_policy, load_policy
from firmware_sim.server.store import MemoryStore
from firmware_sim.server.tickets import issue, read_challenge, scope_for
from firmware_sim.view import Page, UserAction, View
from firmware_sim_protocol.numbers import Algorithm, LockState
from firmware_sim_protocol.rules import SOUND, Guard
from firmware_sim_protocol.signing import PrivateKey, PublicKey
from firmware_sim_protocol.typed import to_text

Entropy = Callable[[int], bytes]
MOST_SKIPPED_MS = 400 * 86_400_000
MOST_STEPS = 50_000
DARK = View(page=Page.BOOT)
"""What a phone without power shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a phone begins with."""

    imei: str = DEFAULT_IMEI
    serving: str | None = "36801"
    sim: str | None = "26201"
    locale: str = "en"
    vendor: str = "Norvik"
    official: bool = True
    policy: str | None = None
    """A policy file, or the name of a pack; None for the default."""
    algorithm: Algorithm = Algorithm.ESP256
    guard: Guard = SOUND
    notice: str = ""


@dataclass(slots=True)
class Look:
    """How the screen is drawn."""

    device: Device = TALL
    theme: Theme = Theme.LIGHT
    text_scale: float = 1.0
    touch: Touch = field(default_factory=Touch)


class LabPhone:
    """A phone that a person plays with. Every control raises UsageError or SimError."""

    def __init__(
        self, name: str, setup: Setup, clock: Clock, wall_s: int, entropy: Entropy
    ) -> None:
        self.name = name
        self.setup = setup
        self.look = Look()
        self.timeline = Timeline()
        self.events: list[Event] = []
        """Everything since power was first given, for the capture file."""
        self.changed: Callable[[], None] = lambda: None
        """Called when there is something new to see."""
        self.observed: Callable[[Event], None] = lambda event: None
        """Told every event, as it happens."""
        self._clock = clock
        self._skipped = 0
        self._epoch_s = wall_s - clock.now() // 1000
        self._entropy = entropy
        self._rtc_offset_s = 0
        self._firmware: Firmware = OFFICIAL if setup.official else UNOFFICIAL
        self._policy: Policy = (
            default_policy() if setup.policy is None else load_policy(setup.policy)
        )
        self._store = MemoryStore()
        self._server = embedded_server(
            self._policy, entropy, self._epoch_s, store=self._store, algorithm=setup.algorithm
        )
        self._board = Board(
            imei=setup.imei,
            device_key=PrivateKey.derive(setup.algorithm, entropy(32)),
            storage_key=entropy(32),
        )
        self._flash = MemoryFlash()
        self._modem = VirtualModem(
            default_state(setup.imei, setup.serving or "none", setup.sim or "none")
        )
        self._locale = setup.locale
        self._tamper: str | None = None
        self._phone: Phone | None = None
        self._drawn: tuple[object, Scene] | None = None
        self.timeline.signers = self._signers()

    # What it is -----------------------------------------------------------------------

    @property
    def now(self) -> int:
        """Monotonic milliseconds of this phone."""
        return self._clock.now() + self._skipped

    @property
    def powered(self) -> bool:
        """Whether it is switched on."""
        return self._phone is not None

    @property
    def view(self) -> View:
        """What the screen shows."""
        return self._phone.view if self._phone is not None else DARK

    @property
    def scene(self) -> Scene:
        """The screen, laid out; made anew only when something on it has changed."""
        view, look = self.view, self.look
        look.touch.show(view.page.value)
        key = (
            view,
            look.device,
            look.theme,
            look.text_scale,
            look.touch.focus,
            tuple(look.touch.typed.items()),
        )
        if self._drawn is None or self._drawn[0] != key:
            made = scene.build(
                view,
                look.device,
                look.theme,
                look.text_scale,
                focus=look.touch.focus,
                typed=look.touch.typed,
            )
            self._drawn = (key, made)
        return self._drawn[1]

    def state(self) -> dict[str, object]:
        """The state as the API tells it."""
        modem = self._modem.state
        handset = self._phone.handset if self._phone is not None else None
        return {
            "id": self.name,
            "power": self.powered,
            "page": self.view.page.value if self.powered else "off",
            "lock": handset.lock_state.name if handset is not None else None,
            "imei": modem.imei,
            "serving": modem.serving,
            "sim": modem.sims[0].home if modem.sims[0] is not None else None,
            "locale": self.view.locale,
            "firmware": self._firmware.kind.name.lower(),
            "policy": {"name": self._policy.name, "version": self._policy.version},
            "clock": {
                "phone_s": self._wall_s() + self._rtc_offset_s,
                "server_s": self._wall_s(),
                "floor_s": handset.floor if handset is not None else None,
            },
            "tamper": self._tamper,
            "device": self.look.device.name,
            "theme": self.look.theme.value,
            "text_scale": self.look.text_scale,
            "notice": self.view.notice,
            "last_event": self.timeline.last,
        }

    @property
    def trust(self) -> bytes:
        """The KEYSET message that this phone was given at manufacture."""
        return self._server.keys.trust

    @property
    def epoch_s(self) -> int:
        """Seconds since 1970 at which the clock of its events shows 0."""
        return self._epoch_s

    # Time -----------------------------------------------------------------------------

    def step(self) -> None:
        """Do what is due now."""
        if self._phone is not None:
            self._phone.step(self.now)

    def wake_at(self) -> int | None:
        """When there is something to do, on this phone's clock."""
        return self._phone.wake_at() if self._phone is not None else None

    def skip(self, ms: int) -> None:
        """Let time pass at once; everything that is due in it happens, in order."""
        if not 0 <= ms <= MOST_SKIPPED_MS:
            raise UsageError("clock", f"0 to 400 days can be skipped, not {ms} ms")
        until = self.now + ms
        for _ in range(MOST_STEPS):
            self.step()
            due = self.wake_at()
            if due is None or due >= until:
                break
            self._skipped += max(0, due - self.now)
        self._skipped += max(0, until - self.now)
        self.step()
        self.changed()

    def set_rtc(self, rtc_s: int) -> None:
        """Set the phone's own clock, as a person or a fake network could; it decides nothing."""
        self._rtc_offset_s = rtc_s - self._wall_s()
        if self._phone is not None:
            self._phone.handset.set_clock(rtc_s, self.now)
            self._settle()

    def _wall_s(self) -> int:
        return self._epoch_s + self.now // 1000

    # Controls -------------------------------------------------------------------------

    def power(self, on: bool) -> None:
        """Switch on, or cut the power at this very moment."""
        if on == self.powered:
            return
        if not on:
            assert self._phone is not None
            self._phone.close()
            self._phone = None
            self._flash.power_cycle()
            self.look.touch = Touch()
            self._note("screen", "power", "power is cut")
            self.changed()
            return
        self._note("screen", "power", "power is on")
        trust = read_keyset(self._server.keys.trust, "the embedded server")
        handset = Handset(
            board=self._board,
            flash=self._flash,
            firmware=self._firmware,
            trust=trust,
            entropy=self._entropy,
            guard=self.setup.guard,
            vendor=self.setup.vendor,
            locale=self._locale,
        )
        self._phone = Phone(
            handset,
            ModemDialogue(QUIET),
            MachinePort(self._modem),
            self._connect,
            observe=self._observe,
            notice=self.setup.notice,
        )
        self._phone.boot(self.now, self._wall_s() + self._rtc_offset_s)
        self._settle()

    def act(self, action: UserAction | None) -> None:
        """What a person did, as the screen's touch made it out."""
        if action is not None and self._phone is not None:
            if action.name == "language":
                self._locale = action.value
            self._phone.act(action, self.now)
        self._settle()

    def set_modem(self, name: str, value: str) -> None:
        """Change one setting of the virtual modem (see `modem set`)."""
        self._modem.set(name, value, self.now)
        self._settle()

    def set_firmware(self, official: bool) -> None:
        """Flash another boot image: the phone restarts."""
        self._firmware = OFFICIAL if official else UNOFFICIAL
        self._restart()

    def set_locale(self, tag: str) -> None:
        """Change the language of the next boot: the phone restarts."""
        scene.build(View(page=Page.LANGUAGE, locale=tag))  # raises for a tag without catalogue
        self._locale = tag
        self._restart()

    def factory_reset(self) -> None:
        """Wipe what a reset wipes; floors, keysets and used tickets stay."""
        if self._phone is None:
            raise SimError("phone", "it is off")
        self._phone.handset.factory_reset(self.now)
        self._settle()

    def set_policy(self, policy: Policy) -> None:
        """Put another policy in force on the server."""
        self._server.issuer.set_policy(policy, self.now)
        self._policy = policy
        self._settle()

    def release(self) -> None:
        """The server lets go of every lock: a policy one version on, without territories."""
        mild = replace(
            self._policy,
            version=self._policy.version + 1,
            digest=self._entropy(32),
            territories=(),
            listings=(),
            grace=None,
        )
        self.set_policy(mild)
        self.act(UserAction("retry"))

    def tamper(self, attack_id: str | None) -> None:
        """Tamper with the next answer by this attack; None calls it off."""
        self._tamper = check_live(attack_id).id if attack_id is not None else None
        self.changed()

    def ticket(self) -> str:
        """The ticket that answers the challenge on the screen, as text to type."""
        challenge_text = self.view.challenge
        if not challenge_text:
            raise SimError("ticket", "the phone shows no challenge: open the ticket page first")
        exchange_id, challenge = read_challenge(challenge_text)
        scope = scope_for(challenge)
        message = issue(
            exchange_id,
            challenge,
            keys=self._server.keys,
            scope=scope,
            policy_version=self._policy.version,
            now_s=self._wall_s(),
            entropy=self._entropy,
        )
        # The server is told, or it would lock the phone again at its next question.
        digest = hashlib.sha256(message).digest()
        self._store.register_ticket(digest, challenge.device_key_id, int(scope))
        return to_text(message)

    @property
    def lock_state(self) -> LockState | None:
        """The lock, while the phone is on."""
        return self._phone.handset.lock_state if self._phone is not None else None

    # Inside ---------------------------------------------------------------------------

    def _restart(self) -> None:
        if self.powered:
            self.power(False)
            self.power(True)
        else:
            self.changed()

    def _settle(self) -> None:
        self.step()
        self.changed()

    def _connect(self) -> Port:
        server: Port = self._server.connect()
        if self._tamper is None:
            return server
        attack, self._tamper = self._tamper, None
        return TamperedPort(server, attack, self._server.keys, self._epoch_s, self._observe)

    def _observe(self, event: Event) -> None:
        self.timeline.add(event)
        self.events.append(event)
        self.observed(event)

    def _note(self, part: str, kind: str, text: str) -> None:
        self._observe(Event(self.now, part, kind, text))

    def _signers(self) -> dict[bytes, Signer]:
        known = {
            self._board.device_key.public.key_id: Signer(
                "this phone", self._board.device_key.public
            )
        }
        for entry in self._server.keys.keyset.entries:
            key = PublicKey(entry.algorithm, entry.public_key)
            roles = "+".join(str(role.name) for role in entry.roles)
            known[key.key_id] = Signer(f"{roles} key", key)
        return known


__all__ = ["DEVICES", "LabPhone", "Look", "Setup"]
