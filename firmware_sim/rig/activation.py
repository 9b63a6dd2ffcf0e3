"""One activation from power-on to the screen it ends on: the plan, the run, the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from firmware_sim.errors import SimError
from firmware_sim.events import Event
from firmware_sim.handset.autopilot import autopilot
from firmware_sim.handset.board import Board
from firmware_sim.handset.device import Handset
from firmware_sim.handset.firmware import OFFICIAL, UNOFFICIAL
from firmware_sim.handset.flash import Flash, MemoryFlash
from firmware_sim.links import open_link
from firmware_sim.links.clock import Clock, ManualClock, MonotonicClock, unix_seconds
from firmware_sim.links.entropy import Entropy, SeededEntropy, SystemEntropy
from firmware_sim.modem.dialogue import DialogueOptions, ModemDialogue
from firmware_sim.modem.phase import Phase
from firmware_sim.modem.virtual import DEFAULT_IMEI, VirtualModem, default_state
from firmware_sim.rig import outcome
from firmware_sim.rig.embedded import SIMULATED_NOW_S, EmbeddedServer, embedded_server
from firmware_sim.rig.framing import framing_of
from firmware_sim.rig.modem_port import opener_of
from firmware_sim.rig.phone import QUIET, Phone
from firmware_sim.rig.plan import (
    DEFAULT_SERVING,
    DEFAULT_SIM,
    EMBEDDED,
    VIRTUAL,
    Plan,
    check,
)
from firmware_sim.rig.ports import LinkPort, MachinePort, Port
from firmware_sim.rig.provisioning import first_keyset, read_keyset, read_trust
from firmware_sim.rig.pump import run
from firmware_sim.rig.state import BoardFile, StateDirectory
from firmware_sim.server.keys import load_keys, make_keys, save_keys
from firmware_sim.server.policy import Policy, default_policy, load_policy
from firmware_sim.server.store import MemoryStore, SqliteStore
from firmware_sim.view import Page, UserAction, View
from firmware_sim_protocol.signing import PrivateKey

PATIENCE_MS = 3_000
"""After an answer that was refused: how long a true one may still follow before we say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How it ended. `elapsed_ms` is on the phone's clock, which is virtual in memory."""

    outcome: str
    reason: str
    imei: str
    serving: str | None
    view: View
    elapsed_ms: int
    failure: SimError | None


class Activation:
    """A phone set up by a plan; `run` takes it from power-on to its final screen.

    `rtc_s`: seconds since 1970 at power-on.
    """

    def __init__(
        self,
        plan: Plan,
        ask_pin: Callable[[], str | None] | None = None,
        ask_ticket: Callable[[str], str] | None = None,
    ) -> None:
        """`ask_pin` asks a person for the SIM's PIN where the plan has none.

        `ask_ticket` is given the challenge that a locked phone shows, and gives the ticket that
        is typed into it, "" for none; without it nobody opens that page.
        """
        check(plan)
        self._plan = plan
        self._observe: Callable[[Event], None] = lambda event: None
        self._ask_pin = ask_pin
        self._ask_ticket = ask_ticket
        self._pin_given = False
        self._pin_taken: bool | None = None
        """Whether the card took the PIN; None: it has not answered."""
        self._refusal = ""
        self._refused_at: int | None = None
        self._following = False
        self._entropy: Entropy = SystemEntropy() if plan.seed is None else SeededEntropy(plan.seed)
        in_memory = plan.modem == VIRTUAL and plan.server == EMBEDDED
        self._clock: Clock = ManualClock() if in_memory else MonotonicClock()
        # With a seed and nothing real around, even the wall clock is part of the plan.
        simulated = plan.seed is not None and in_memory and plan.state is None
        self.rtc_s = SIMULATED_NOW_S if simulated else unix_seconds()
        self._directory = StateDirectory(plan.state) if plan.state is not None else None
        if self._directory is not None:
            self._directory.prepare()
        self._modem_opener = opener_of(plan.modem)
        self._modem = self._open_modem()
        self._embedded: EmbeddedServer | None = None
        try:
            self._board_file, self._fresh = self._identity()
            self.phone = self._phone()
        except BaseException:
            self._modem.close()
            raise

    # Setting up -----------------------------------------------------------------------

    def _identity(self) -> tuple[BoardFile, bool]:
        plan = self._plan
        if self._directory is not None:
            board = self._directory.load_board()
            if board is not None:
                if plan.imei not in (None, board.imei) and plan.modem == VIRTUAL:
                    raise SimError(
                        "state",
                        f"{plan.state} holds the phone with IMEI {board.imei}, not {plan.imei}",
                    )
                self._prepare_server()
                return board, False
        trust = self._prepare_server()
        if trust is None:
            trust = first_keyset(plan.server, self._open_server, framing_of(plan.server))
        board = BoardFile(
            imei=plan.imei or DEFAULT_IMEI,
            imei2=plan.imei2,
            device_key=PrivateKey.derive(plan.algorithm, self._entropy(32)),
            storage_key=self._entropy(32),
            trust=trust,
        )
        return board, True

    def _prepare_server(self) -> bytes | None:
        """Start the embedded server; return the KEYSET that a new phone is to trust."""
        plan = self._plan
        if plan.server != EMBEDDED:
            return read_trust(plan.trust) if plan.trust is not None else None
        policy: Policy = default_policy() if plan.policy is None else load_policy(plan.policy)
        keys = store = None
        if self._directory is not None:
            folder = self._directory.server / "keys"
            if folder.exists():
                keys = load_keys(folder)
            else:
                keys = make_keys(self._entropy, plan.algorithm, self.rtc_s)
                folder.parent.mkdir(mode=0o700, exist_ok=True)
                save_keys(keys, folder)
            store = SqliteStore(self._directory.server / "server.db")
        self._embedded = embedded_server(
            policy,
            self._entropy,
            self.rtc_s,
            keys=keys,
            store=store or MemoryStore(),
            algorithm=plan.algorithm,
        )
        return self._embedded.keys.trust

    def _phone(self) -> Phone:
        plan, file = self._plan, self._board_file
        flash: Flash = MemoryFlash()
        if self._directory is not None:
            if self._fresh:
                self._directory.save_board(file)
            from firmware_sim.links.flashfile import FileFlash  # only phones that stay need it

            flash = FileFlash(self._directory.flash)
        trust = read_keyset(file.trust, "board.json")
        handset = Handset(
            board=Board(
                imei=file.imei,
                imei2=file.imei2,
                device_key=file.device_key,
                storage_key=file.storage_key,
            ),
            flash=flash,
            firmware=OFFICIAL if plan.official else UNOFFICIAL,
            trust=trust,
            realm=trust.realm,
            entropy=self._entropy,
            guard=plan.guard,
            vendor=plan.vendor,
            locale=plan.locale,
            framing=framing_of(plan.server, plan.guard),
        )
        return Phone(
            handset,
            # The virtual modem reports every change by itself, so that months pass quickly.
            ModemDialogue(QUIET if plan.modem == VIRTUAL else DialogueOptions()),
            self._modem,
            self._open_server,
            person=self._person,
            observe=self._watch,
            notice=plan.notice,
            reopen=self._modem_opener if plan.reattach and plan.modem != VIRTUAL else None,
        )

    def _open_modem(self) -> Port:
        plan = self._plan
        if plan.modem != VIRTUAL:
            return LinkPort(self._modem_opener())
        board = None
        if self._directory is not None and plan.imei is None:
            board = self._directory.load_board()
        state = default_state(
            imei=plan.imei or (board.imei if board is not None else DEFAULT_IMEI),
            serving=plan.serving or DEFAULT_SERVING,
            sim=plan.sim or DEFAULT_SIM,
        )
        return MachinePort(VirtualModem(state))

    def _open_server(self) -> Port:
        if self._embedded is not None:
            return self._embedded.connect()
        return LinkPort(open_link(self._plan.server, part="server"))

    def _person(self, view: View) -> UserAction | None:
        if view.page is Page.SIM_PIN:
            if self._pin_given:
                return None  # never a second guess: a card has three
            self._pin_given = True
            pin = self._plan.pin or (self._ask_pin() if self._ask_pin is not None else None)
            if not pin:
                self._pin_taken = False
            return UserAction("sim_pin", pin) if pin else None
        return autopilot(view)

    # Running --------------------------------------------------------------------------

    @property
    def trust(self) -> bytes:
        """The KEYSET that the phone was given at manufacture."""
        return self._board_file.trust

    def run(self, observe: Callable[[Event], None]) -> Result:
        """From power-on to the final screen, and on from there as long as the plan says."""
        self._observe = observe
        plan, clock = self._plan, self._clock
        started = clock.now()
        self.phone.boot(started, self.rtc_s)
        try:
            ended = run([self.phone], clock, self._done, started + 1000 * plan.timeout_s)
            view = self.phone.view
            failure = self._failure(ended, view)
            if failure is None and view.page in (Page.LOCKED, Page.WAITING):
                failure = self._unlock()
                view = self.phone.view
            if failure is None and plan.follow_ms:
                self._following = True
                self.phone.server_failure = None
                run([self.phone], clock, self._followed, clock.now() + plan.follow_ms)
                view = self.phone.view
                failure = self._failure(True, view)
            now = clock.now()
        finally:
            self.phone.close()
        reading = self.phone.dialogue.reading
        reached = outcome.FAILED if failure is not None else outcome.outcome_of(view)
        return Result(
            outcome=reached or outcome.FAILED,
            reason=self._reason(view, failure),
            imei=reading.imei if reading is not None else "",
            serving=reading.serving if reading is not None else None,
            view=view,
            elapsed_ms=now - started,
            failure=failure,
        )

    def _unlock(self) -> SimError | None:
        """A person opens the ticket page, has the challenge answered, and types the answer."""
        if self._ask_ticket is None:
            return None
        phone, clock = self.phone, self._clock
        now = clock.now()
        phone.act(UserAction("ticket.open"), now)
        phone.step(now)
        try:
            text = self._ask_ticket(phone.view.challenge)
        except SimError as failure:
            return failure
        now = clock.now()
        phone.server_failure = None  # a ticket needs no server: only the news of it is lost
        phone.act(UserAction("ticket", text) if text else UserAction("back"), now)
        run([phone], clock, self._typed, now + 1000 * self._plan.timeout_s)
        if self._refusal:
            return SimError("unlock", f"the ticket is refused: {self._refusal}")
        return None

    def _typed(self) -> bool:
        taken = self.phone.view.page is not Page.TICKET and self.phone.handset.settled
        return bool(self._refusal) or (taken and not self.phone.connected)

    def _done(self) -> bool:
        if self.phone.modem_failure or self.phone.server_failure or self._dialogue_failed():
            return True
        if self.phone.view.page is Page.SIM_PIN and self._pin_given:
            # Refused: end when the card has told how many tries are left.
            watching = self.phone.dialogue.phase is Phase.WATCHING
            return self._pin_taken is False and watching
        if self._refused_at is not None and self._clock.now() - self._refused_at > PATIENCE_MS:
            return True
        final = outcome.outcome_of(self.phone.view) is not None
        return final and self.phone.handset.settled and not self.phone.connected

    def _followed(self) -> bool:
        """While following, a server that is not reached is asked again: that is no end."""
        if self.phone.modem_failure is not None or self._dialogue_failed():
            return True
        reached = outcome.outcome_of(self.phone.view)
        return reached is not None and reached == self._plan.until

    def _dialogue_failed(self) -> bool:
        return self.phone.dialogue.failure is not None and not self.phone.awaits_modem

    def _failure(self, ended: bool, view: View) -> SimError | None:
        phone = self.phone
        if phone.modem_failure is not None:
            return phone.modem_failure
        if phone.dialogue.failure and outcome.outcome_of(view) is None:
            return SimError("modem", f"{self._plan.modem}: {phone.dialogue.failure}")
        if phone.server_failure is not None and not self._following:
            cause = phone.server_failure
            if self._refusal:
                return SimError("server", f"{self._refusal}; then {cause.text}")
            return cause
        if view.page is Page.STORAGE_FAULT:
            return SimError("state", view.problem or "no valid record")
        if view.page is Page.SIM_PIN:
            if self._plan.pin is not None:
                return SimError("modem", f"the SIM refuses the PIN, {view.pin_tries} tries left")
            return SimError("modem", "the SIM asks for its PIN (give it with --pin)")
        if view.page is Page.SIM_LOCKED:
            return SimError("modem", f"the SIM is refused by a SIM lock ({view.sim_lock})")
        if view.page is Page.NETWORK and not ended:
            reading = phone.dialogue.reading
            heard = "" if reading is None else f" (SIM {reading.sim.value})"
            return SimError("modem", f"no network within {self._plan.timeout_s} s{heard}")
        unfinished = not ended or (self._refused_at is not None and not self._following)
        if view.page is Page.SERVER_UNREACHABLE or unfinished:
            late = f"no final screen within {self._plan.timeout_s} s, still at {view.page.value}"
            return SimError("server", self._refusal or view.problem or late)
        return None

    def _reason(self, view: View, failure: SimError | None) -> str:
        if failure is not None:
            return str(failure)
        if not self._plan.official:
            return "unofficial firmware has no activation module"
        return view.reason or view.page.value

    def _watch(self, event: Event) -> None:
        if event.part == "handset" and event.kind == "refusal":
            self._refusal, self._refused_at = event.text, event.at
        elif event.part == "modem" and event.kind == "pin":
            self._pin_taken = bool(event.detail.get("accepted"))
        elif event.part == "flash" and event.kind == "commit":
            # A true answer after a forged one: the forged one is no failure any more.
            self._refusal, self._refused_at = "", None
        self._observe(event)
