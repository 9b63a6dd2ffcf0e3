"""A whole world in memory: phone, virtual modem, embedded server, and time that is told to pass.

    bench = Bench(serving="26201")
    bench.boot()
    bench.modem.move("36801", bench.now)
    bench.advance(days=8)
    assert bench.view.page is Page.LOCKED

Nothing here waits, and two benches with one seed do the same to the byte.
"""

from __future__ import annotations

from firmware_sim.errors import SimError
from firmware_sim.events import Event
from firmware_sim.handset.autopilot import autopilot
from firmware_sim.handset.board import Board
from firmware_sim.handset.device import Handset
from firmware_sim.handset.firmware import OFFICIAL, Firmware
from firmware_sim.handset.flash import MemoryFlash
from firmware_sim.links.clock import ManualClock
from firmware_sim.links.entropy import SeededEntropy
from firmware_sim.modem.dialogue import ModemDialogue
from firmware_sim.modem.virtual import DEFAULT_IMEI, ModemState, VirtualModem, default_state
from firmware_sim.rig.drawing import Drawing
from firmware_sim.rig.embedded import SIMULATED_NOW_S, embedded_server
from firmware_sim.rig.phone import QUIET, Person, Phone
from firmware_sim.rig.ports import MachinePort, Port
from firmware_sim.rig.provisioning import read_keyset
from firmware_sim.rig.pump import run
from firmware_sim.server.policy import Policy, default_policy
from firmware_sim.view import UserAction, View
from firmware_sim_protocol.numbers import Algorithm
from firmware_sim_protocol.rules import SOUND, Guard
from firmware_sim_protocol.signing import PrivateKey

SETTLE_MS = 60_000


class Bench:
    """One phone with all its peers, in memory.

    `server_up` False makes every connection fail, as an unplugged cable would.
    """

    def __init__(
        self,
        *,
        imei: str = DEFAULT_IMEI,
        serving: str | None = "26201",
        sim: str | None = None,
        locale: str = "en",
        policy: Policy | None = None,
        firmware: Firmware = OFFICIAL,
        algorithm: Algorithm = Algorithm.ESP256,
        guard: Guard = SOUND,
        seed: int = 0,
        person: Person | None = autopilot,
        state: ModemState | None = None,
    ) -> None:
        self.events: list[Event] = []
        self.clock = ManualClock()
        self.server_up = True
        entropy = SeededEntropy(seed)
        self.server = embedded_server(
            policy or default_policy(), entropy, SIMULATED_NOW_S, algorithm=algorithm
        )
        self.modem = VirtualModem(state or default_state(imei=imei, serving=serving, sim=sim))
        self.flash = MemoryFlash()
        trust = read_keyset(self.server.keys.trust, "the embedded server")
        self.handset = Handset(
            board=Board(
                imei=imei,
                device_key=PrivateKey.derive(algorithm, entropy(32)),
                storage_key=entropy(32),
            ),
            flash=self.flash,
            firmware=firmware,
            trust=trust,
            entropy=entropy,
            guard=guard,
            locale=locale,
        )
        self.phone = Phone(
            self.handset,
            ModemDialogue(QUIET),
            MachinePort(self.modem),
            self._connect,
            person=person,
            observe=self.events.append,
        )

    def _connect(self) -> Port:
        if not self.server_up:
            raise SimError("server", "not reached")
        return self.server.connect()

    @property
    def now(self) -> int:
        """The instant, in monotonic milliseconds."""
        return self.clock.now()

    @property
    def view(self) -> View:
        """What the phone shows."""
        return self.phone.view

    @property
    def drawing(self) -> Drawing:
        """The picture of it."""
        return Drawing(self.phone.view)

    def boot(self) -> View:
        """Switch on, and let the phone do what it does in its first minute."""
        self.phone.boot(self.now, SIMULATED_NOW_S + self.now // 1000)
        return self.settle()

    def act(self, name: str, value: str = "") -> View:
        """Touch or type something, and let the phone react."""
        self.phone.act(UserAction(name, value), self.now)
        return self.settle()

    def settle(self) -> View:
        """Let everything happen that needs no more than a minute."""
        return self.advance(ms=SETTLE_MS)

    def advance(self, *, ms: int = 0, seconds: int = 0, hours: int = 0, days: int = 0) -> View:
        """Let time pass; everything that is due in it happens, in order."""
        until = self.now + ms + 1000 * (seconds + 3600 * (hours + 24 * days))
        run([self.phone], self.clock, lambda: False, until)
        if self.now < until:
            self.clock.advance(until - self.now)
        self.phone.step(self.now)
        return self.view
