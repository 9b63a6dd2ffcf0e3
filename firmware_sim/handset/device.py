"""The handset: board, store, activation, wizard and screen joined into one machine.

It is told bytes of the server link, news from the modem, what a person does, and instants;
it answers with bytes, events, a view, and whether it wants the link. It decides what page is
shown from the record alone: HOME needs an ACTIVE record that a signed answer explains and
whose IMEI is the one that the modem reports.

Source: SPEC.md, "The device".
"""

from __future__ import annotations

from collections.abc import Callable

from firmware_sim.events import Event
from firmware_sim.flash import Flash, FlashError
from firmware_sim.handset.activation import Activation
from firmware_sim.handset.board import Board
from firmware_sim.handset.evidence import NOTHING_SEEN, Evidence, SimCondition, is_pin
from firmware_sim.handset.exchange import ExchangeState
from firmware_sim.handset.firmware import OFFICIAL, Firmware
from firmware_sim.handset.lock import LOCKED, notice_event
from firmware_sim.handset.log import Log
from firmware_sim.handset.memory import Memory
from firmware_sim.handset.pages import Pages
from firmware_sim.handset.record import Record
from firmware_sim.handset.requests import with_wifi
from firmware_sim.handset.showing import show
from firmware_sim.handset.wizard import SETUP_PAGES, PageEvent
from firmware_sim.view import Page, UserAction, View
from firmware_sim_protocol.errors import Refusal
from firmware_sim_protocol.framing import Framing, TcpFraming
from firmware_sim_protocol.numbers import Cause, LockState
from firmware_sim_protocol.rules import SOUND, Guard, Rule
from firmware_sim_protocol.values import KeySet, Response

_FIRST = frozenset({LockState.UNPROVISIONED, LockState.SETUP_LOCKED})


class Handset:
    """One phone. `now` is monotonic milliseconds, `rtc_s` the wall clock in seconds."""

    __slots__ = (
        "_activation",
        "_announced",
        "_board",
        "_decided",
        "_firmware",
        "_guard",
        "_locale",
        "_log",
        "_memory",
        "_modem",
        "_pages",
        "_pin",
        "_running",
        "_shown",
        "_vendor",
        "_wifi_country",
        "_wifi_joined",
    )

    def __init__(
        self,
        *,
        board: Board,
        flash: Flash,
        trust: KeySet,
        entropy: Callable[[int], bytes],
        realm: bytes | None = None,
        firmware: Firmware = OFFICIAL,
        guard: Guard = SOUND,
        framing: Framing | None = None,
        vendor: str = "Norvik",
        locale: str = "en",
    ) -> None:
        """`trust`: the keyset burnt in at manufacture. `realm`: its realm, unless given."""
        if realm is not None and realm != trust.realm:
            raise ValueError("the trusted keyset is of another realm")
        self._board = board
        self._firmware = firmware
        self._guard = guard
        self._vendor = vendor
        self._locale = locale
        self._log = Log()
        self._memory = Memory(board, flash, trust, guard, self._log)
        framing = framing if framing is not None else TcpFraming(guard)
        self._activation = Activation(
            board, firmware, self._memory, entropy, guard, framing, self._log
        )
        self._pages = Pages(self._log)
        self._switch_off()

    def _switch_off(self) -> None:
        self._running = False
        self._modem: Evidence = NOTHING_SEEN
        self._pin: str | None = None
        self._wifi_joined = False
        self._wifi_country = ""
        self._decided = 0
        self._announced = False
        self._shown: Page | None = None
        self._activation.reset()
        self._pages.reset()

    # What others see --------------------------------------------------------------------

    @property
    def view(self) -> View:
        """What the screen shows now."""
        return show(
            self._pages, self._memory, self._activation, self._modem, self._vendor, self._locale
        )

    @property
    def wants_link(self) -> bool:
        """Whether the channel to the server should be open."""
        return self._running and self._activation.wants_link

    @property
    def settled(self) -> bool:
        """Whether nothing will change unless time passes or somebody acts.

        Not settled: before the modem has told its IMEI, and while a question is due.
        """
        if not self._running:
            return False
        if not self._firmware.has_activation or self._memory.state is LockState.STORE_FAULT:
            return True
        if self._activation.evidence.imei is None:
            return False
        return not self._activation.busy

    @property
    def lock_state(self) -> LockState:
        return self._memory.state

    @property
    def exchange_state(self) -> ExchangeState:
        return self._activation.state

    @property
    def record(self) -> Record:
        """The record in force, decoded."""
        return self._memory.record

    @property
    def floor(self) -> int:
        """The time floor, seconds since 1970."""
        return self._memory.floor

    @property
    def keyset(self) -> KeySet:
        """The keyset in force."""
        return self._memory.ring.keyset

    @property
    def pin(self) -> str | None:
        """A SIM PIN to hand to the modem; None when there is none. Reading it takes it."""
        pin, self._pin = self._pin, None
        return pin

    def events(self) -> list[Event]:
        """What was noticed since the last call."""
        return self._log.drain()

    def outgoing(self) -> bytes:
        """Bytes to send now; reading them takes them."""
        return self._activation.outgoing()

    def wake_at(self) -> int | None:
        """When the next tick is due."""
        if not self._running:
            return None
        instants = [self._activation.wake_at(), self._memory.notice_at]
        now = self._memory.now
        later = [instant for instant in instants if instant is not None and instant > now]
        return min(later) if later else None

    # What happens -----------------------------------------------------------------------

    def boot(self, now: int, rtc_s: int) -> None:
        """Switch on, or restart: everything volatile is gone."""
        self._switch_off()
        self._running = True
        memory = self._memory
        official = self._firmware.has_activation
        memory.boot(now, rtc_s, write=official)
        self._log.add(now, "state", f"boot: {self._firmware.kind.name.lower()} firmware")
        if not official:
            self._log.add(now, "state", "no activation module in this firmware: nothing is asked")
            self._turn(PageEvent.SETUP)
            return
        state = memory.state
        self._log.add(now, "state", f"lock {state.name}", {"lock_state": state.name})
        self._locale = memory.record.locale or self._locale
        activation = self._activation
        activation.locale = self._locale
        if state in _FIRST:
            activation.due(now, memory.record.cause)
        elif state is LockState.PENDING:
            activation.due(now, Cause.RETRY)
        elif state in LOCKED:
            activation.due(now, Cause.RECHECK)
        self._show_state()
        self._advance(now)

    def sees(self, evidence: Evidence, now: int) -> None:
        """The modem has news."""
        self._memory.now = now
        before, self._modem = self._modem, evidence
        self._update_evidence()
        if not self._running:
            return
        if self._firmware.has_activation:
            self._check_identity(now)
            self._check_place(before, now)
        self._advance(now)

    def receive(self, data: bytes, now: int) -> None:
        """Bytes from the server, split anywhere."""
        self._memory.now = now
        if self._running and self._memory.state is not LockState.STORE_FAULT:
            self._activation.receive(data, now)
            self._advance(now)

    def link_opened(self, now: int) -> None:
        """The channel to the server is open."""
        self._memory.now = now
        if self._running:
            self._activation.link_opened(now)
            self._advance(now)

    def link_lost(self, now: int, why: str) -> None:
        """The channel is closed, or could not be opened; `why` in one line."""
        self._memory.now = now
        if self._running:
            self._activation.link_lost(now, why)
            self._advance(now)

    def tick(self, now: int) -> None:
        """Time has passed."""
        memory = self._memory
        memory.now = now
        if not self._running:
            return
        if memory.notice_at is not None and now >= memory.notice_at:
            self._carry_out_notice(now)
        self._activation.tick(now)
        self._advance(now)

    def set_clock(self, rtc_s: int, now: int) -> None:
        """The wall clock was set: by a person, the network (TS 22.042), or a liar."""
        self._memory.now = now
        self._memory.set_clock(rtc_s, now)

    def factory_reset(self, now: int) -> None:
        """Erase what is the person's, and restart. Floors, tickets and keyset stay."""
        memory = self._memory
        memory.now = now
        try:
            if memory.state is not LockState.STORE_FAULT and self._firmware.has_activation:
                memory.factory_reset(now)
        except FlashError as error:
            self._log.add(now, "commit", f"not reset: {error.text}", part="flash")
            return
        self._log.add(now, "state", "factory reset")
        self._restart(now)

    def _restart(self, now: int) -> None:
        """Boot anew beside a modem that stays as it is."""
        modem = self._modem
        self.boot(now, self._memory.rtc_s(now))
        self.sees(modem, now)

    def acts(self, action: UserAction, now: int) -> None:
        """A person touched a control or typed something."""
        memory = self._memory
        memory.now = now
        if not self._running:
            return
        name = action.name
        if name == "power":
            self._restart(now)
            return
        page = self._pages.top
        if name == "language" and page is Page.LANGUAGE:
            self._locale = self._activation.locale = action.value or self._locale
        elif name == "sim_pin" and page is Page.SIM_PIN:
            if is_pin(action.value):
                self._pin = action.value
            else:
                self._log.add(now, "state", "not sent to the card: a PIN is 4 to 8 digits")
        elif name == "wifi.join" and page is Page.WIFI:
            self._wifi_joined, self._wifi_country = True, action.value
            self._update_evidence()
            self._pages.close()
        elif name == "retry" and page in (Page.SERVER_UNREACHABLE, Page.WAITING, Page.LOCKED):
            self._activation.retry(now, Cause.USER)
        elif name == "warning.ok" and page is Page.WARNING:
            self._announced = True
            self._turn(PageEvent.READ)
        elif name == "ticket" and page is Page.TICKET:
            self._activation.enter_ticket(action.value, now)
        elif name == "ticket.open":
            if self._pages.covers(name) and self._activation.open_ticket(now):
                self._pages.open(name, now)
        elif name == "back":
            self._back(now)
        elif name == "continue" and page is Page.LANGUAGE:
            self._turn(PageEvent.FORWARD)
        else:
            self._pages.open(name, now)
        self._advance(now)

    def _back(self, now: int) -> None:
        if self._pages.overlay is Page.TICKET:
            self._activation.close_ticket(now)
        if not self._pages.close() and self._pages.allows(PageEvent.BACK):
            self._turn(PageEvent.BACK)

    # Identity, place, announced locks ----------------------------------------------------

    def _update_evidence(self) -> None:
        self._activation.evidence = with_wifi(self._modem, self._wifi_joined, self._wifi_country)
        self._activation.reachable = self._modem.registered or self._wifi_joined

    def _check_identity(self, now: int) -> None:
        memory, modem = self._memory, self._modem
        record = memory.record
        if modem.imei is None or not record.imei or record.lock_state is LockState.STORE_FAULT:
            return
        imei2 = modem.imei2 or self._board.imei2
        same = modem.imei == record.imei
        same2 = imei2 is None or not record.imei2 or imei2 == record.imei2
        if same and same2:
            return
        try:
            self._guard.require(Rule.STORE_IMEI, False, f"the modem has {modem.imei}")
        except Refusal as refusal:
            self._log.refusal(now, refusal, "identity")
        else:
            return
        self._activation.abandon(now)
        try:
            memory.change_identity(now)
        except FlashError as error:
            self._log.add(now, "commit", f"not durable: {error.text}", part="flash")
        self._activation.due(now, Cause.IDENTITY_CHANGED)
        self._pages.close()
        self._turn(PageEvent.SETUP)

    def _check_place(self, before: Evidence, now: int) -> None:
        """A phone that was answered for another network asks about this one."""
        record, serving = self._memory.record, self._modem.serving
        if serving is None or serving == before.serving or not record.serving:
            return
        if serving != record.serving and record.lock_state not in _FIRST:
            self._activation.due(now, Cause.PLACE_CHANGED)

    def _carry_out_notice(self, now: int) -> None:
        """An announced lock is due: the signed answer that announced it explains it."""
        memory, answer = self._memory, self._memory.answer
        memory.notice_at = None
        if memory.state is not LockState.ACTIVE or not isinstance(answer, Response):
            return
        state = memory.after(notice_event(answer.reason))
        try:
            memory.commit(now, lock_state=state, notice_at=None, recheck_at=now)
        except FlashError as error:
            self._log.add(now, "commit", f"not durable: {error.text}", part="flash")
            memory.notice_at = now + 60_000
            return
        self._log.add(now, "state", f"lock ACTIVE > {state.name}: as announced")
        self._show_state()

    # Pages ------------------------------------------------------------------------------

    def _advance(self, now: int) -> None:
        """Turn the pages that what has just happened turns."""
        if not self._firmware.has_activation:
            self._advance_setup()
            self._note_page(now)
            return
        activation = self._activation
        if activation.decided != self._decided:
            self._decided = activation.decided
            self._announced = False
            self._show_state()
            self._check_identity(now)
        elif self._pages.page is Page.BOOT:
            self._show_state()
        self._advance_setup()
        activation.allowed = self._pages.page not in SETUP_PAGES
        activation.proceed(now)
        self._show_exchange()
        self._note_page(now)

    def _show_state(self) -> None:
        memory = self._memory
        state = memory.state
        if state is LockState.STORE_FAULT:
            if self._pages.page is Page.BOOT:
                self._turn(PageEvent.FAULT)
        elif state is LockState.ACTIVE:
            # Never home before the modem has shown whose phone this is.
            if self._modem.imei is None and self._guard.enforces(Rule.STORE_IMEI):
                return
            warn = memory.notice_at is not None and not self._announced
            self._turn(PageEvent.ANNOUNCED if warn else PageEvent.OPEN)
        elif state in LOCKED:
            self._turn(PageEvent.CLOSED)
        elif state is LockState.PENDING:
            self._turn(PageEvent.UNDECIDED)
        else:
            self._turn(PageEvent.SETUP)
        if state not in LOCKED and state is not LockState.PENDING:
            self._pages.close_if(Page.TICKET)

    def _advance_setup(self) -> None:
        pages, modem = self._pages, self._modem
        for _ in range(2):
            page = pages.page
            if page not in (Page.NETWORK, Page.SIM_PIN, Page.SIM_LOCKED):
                return
            if self._activation.reachable or not self._firmware.has_activation:
                official = self._firmware.has_activation
                self._turn(PageEvent.NETWORK if official else PageEvent.OPEN)
                return
            wanted = _SIM_EVENTS.get(modem.sim_state, PageEvent.SIM_READY)
            if not pages.allows(wanted):
                return
            self._turn(wanted)

    def _show_exchange(self) -> None:
        """ACTIVATING and its failures: only pages of a phone that is being set up."""
        activation, pages = self._activation, self._pages
        backing_off = activation.state is ExchangeState.BACKOFF
        if pages.page is Page.ACTIVATING and backing_off:
            if self._memory.problem:
                self._turn(PageEvent.FAULT)
            else:
                self._turn(PageEvent.UNREACHABLE if activation.problem else PageEvent.PUT_OFF)
        elif not backing_off and pages.allows(PageEvent.ASKING) and activation.busy:
            self._turn(PageEvent.ASKING)

    def _turn(self, event: PageEvent) -> None:
        self._pages.turn(event)

    def _note_page(self, now: int) -> None:
        page = self._pages.top
        if page is not self._shown:
            self._shown = page
            self._log.add(now, "page", page.value, {"page": page.value})


_SIM_EVENTS = {
    SimCondition.PIN: PageEvent.PIN,
    SimCondition.PUK: PageEvent.PIN,
    SimCondition.LOCKED: PageEvent.SIM_REFUSED,
}
