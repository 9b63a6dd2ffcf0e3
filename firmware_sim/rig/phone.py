"""One phone on the bench: handset, modem dialogue, the links of both, and who touches it.

`Phone.step(now)` moves bytes and news between the parts until nothing is left to do at this
instant; it never waits. The pump, the lab and the attacks all drive phones by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from firmware_sim.errors import SimError
from firmware_sim.events import Event
from firmware_sim.handset.device import Handset
from firmware_sim.links.link import Link
from firmware_sim.links.reattach import Patience, Reattachment
from firmware_sim.modem.dialogue import DialogueOptions, ModemDialogue
from firmware_sim.rig.evidence import evidence_of
from firmware_sim.rig.ports import LinkPort, Port
from firmware_sim.view import Page, UserAction, View

QUIET = DialogueOptions(poll_ms=None)
"""For a virtual modem, which reports every change: no polling, so that months pass quickly."""
PATIENCE = Patience(total_ms=30_000)
"""How long a lost modem may stay away: USB modems take some seconds to come back."""

Person = Callable[[View], UserAction | None]
"""Who looks at the screen and touches it; None when there is nothing to do."""

MAX_ROUNDS = 10_000
"""Rounds without time passing before `step` calls it a loop; a whole activation needs 60."""


class Phone:
    """The joined parts of one phone.

    `connect` opens the channel to the server, at once; it raises `SimError` when it cannot.
    `observe` is told every event in order.
    """

    def __init__(
        self,
        handset: Handset,
        dialogue: ModemDialogue,
        modem: Port,
        connect: Callable[[], Port],
        *,
        person: Person | None = None,
        observe: Callable[[Event], None] = lambda event: None,
        notice: str = "",
        reopen: Callable[[], Link] | None = None,
    ) -> None:
        """`reopen`: how to open the modem's link again; None gives a lost modem up."""
        self.handset = handset
        self.dialogue = dialogue
        self.modem: Port | None = modem
        self.modem_failure: SimError | None = None
        self.server_failure: SimError | None = None
        self._reopen = reopen
        self._reattachment: Reattachment | None = None
        self._connect = connect
        self._server: Port | None = None
        self._person = person
        self._observe = observe
        self._notice = notice
        self._seen: object = None
        self._shown: View | None = None
        self.booted = False

    def boot(self, now: int, rtc_s: int) -> None:
        """Switch on: the handset reads its store, the dialogue asks the modem."""
        self.handset.boot(now, rtc_s)
        self.dialogue.start(now)
        self.booted = True

    @property
    def view(self) -> View:
        """What the phone shows, banner included."""
        view = self.handset.view
        reading = self.dialogue.reading
        bridged = f"OVERRIDE: {reading.overridden}" if reading and reading.overridden else ""
        added = [text for text in (self._notice, bridged) if text]
        return (
            replace(view, notice="; ".join(filter(None, [*added, view.notice]))) if added else view
        )

    @property
    def links(self) -> list[Link]:
        """What the pump waits on for this phone."""
        ports = (self.modem, self._server)
        return [port.link for port in ports if port is not None and port.link is not None]

    @property
    def connected(self) -> bool:
        """Whether the channel to the server is open."""
        return self._server is not None

    @property
    def awaits_modem(self) -> bool:
        """Whether its modem is lost, and looked for: its dialogue has failed, but not for good."""
        return self._reattachment is not None

    def act(self, action: UserAction, now: int) -> None:
        """A person's touch or typing."""
        self.handset.acts(action, now)

    def step(self, now: int) -> None:
        """Do everything that is due at this instant."""
        for _ in range(MAX_ROUNDS):
            moved = False
            for part in (self._tick, self._serve_modem, self._serve_server, self._touch):
                moved = part(now) or moved
                self._report(now)
            if not moved:
                return
        raise RuntimeError("the phone never comes to rest: a machine answers itself")

    def wake_at(self) -> int | None:
        """The next instant at which `step` has something to do, were no byte to arrive."""
        sources = [self.handset.wake_at(), self.dialogue.wake_at()]
        sources += [port.wake_at() for port in (self.modem, self._server) if port is not None]
        if self._reattachment is not None:
            sources.append(self._reattachment.wake_at())
        due = [instant for instant in sources if instant is not None]
        return min(due) if due else None

    def close(self) -> None:
        """Close both channels."""
        for port in (self.modem, self._server):
            if port is not None:
                port.close()
        self.modem = self._server = None

    def replug(self, modem: Port, now: int) -> None:
        """The modem is back, or another one is: ask it everything anew."""
        self.modem = modem
        self.modem_failure = None
        self.dialogue.start(now)

    def hang_up(self, now: int, why: str) -> None:
        """The channel to the server is gone."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self.handset.link_lost(now, why)

    def _tick(self, now: int) -> bool:
        moved = False
        machines = (self.handset, self.dialogue)
        for machine in machines:
            due = machine.wake_at()
            if due is not None and due <= now:
                machine.tick(now)
                moved = True
        return moved

    def _reattach(self, now: int) -> bool:
        """Try to open a lost modem again, when the next try is due."""
        attempt = self._reattachment
        if attempt is None:
            return False
        link = attempt.attempt(now)
        if link is not None:
            self._reattachment = None
            self._observe(Event(now, "modem", "back", f"{link.name} is back"))
            self.replug(LinkPort(link), now)
            return True
        if attempt.expired(now):
            self._reattachment = None
            self.modem_failure = SimError("modem", attempt.cause)
            return True
        return False

    def _lost(self, failure: SimError, now: int) -> None:
        assert self.modem is not None
        self.modem.close()
        self.modem = None
        self.dialogue.link_lost(failure.text, now)
        self._observe(Event(now, "modem", "lost", failure.text))
        if self._reopen is None:
            self.modem_failure = failure
        else:
            self._reattachment = Reattachment(self._reopen, PATIENCE, failure.text, now)

    def _serve_modem(self, now: int) -> bool:
        if self.modem is None:
            return self._reattach(now)
        moved = False
        try:
            data = self.modem.receive(now)
            if data:
                self.dialogue.receive(data, now)
                moved = True
            data = self.dialogue.outgoing()
            if data:
                self.modem.send(data, now)
                moved = True
        except SimError as failure:
            self._lost(failure, now)
            return True
        reading = self.dialogue.reading
        if reading is not None and reading != self._seen:
            self._seen = reading
            self.handset.sees(evidence_of(reading), now)
            moved = True
        pin = self.handset.pin
        if pin is not None:
            self.dialogue.enter_pin(pin, now)
            moved = True
        return moved

    def _serve_server(self, now: int) -> bool:
        if self._server is None:
            if not self.handset.wants_link:
                return False
            try:
                self._server = self._connect()
            except SimError as failure:
                self.server_failure = failure
                self.handset.link_lost(now, failure.text)
                return True
            self.handset.link_opened(now)
        moved = False
        try:
            data = self.handset.outgoing()
            if data:
                self._server.send(data, now)
                moved = True
            data = self._server.receive(now)
            if data:
                self.handset.receive(data, now)
                moved = True
        except SimError as failure:
            self.server_failure = failure
            self.hang_up(now, failure.text)
            return True
        if not self.handset.wants_link:
            self._report(now)  # what the server noticed last is told before it is let go
            self._server.close()
            self._server = None
            self.handset.link_lost(now, "no longer needed")  # else it takes it for open still
            moved = True
        return moved

    def _touch(self, now: int) -> bool:
        if self._person is None:
            return False
        action = self._person(self.handset.view)
        if action is None:
            return False
        self.handset.acts(action, now)
        return True

    def _report(self, now: int) -> None:
        for event in self.dialogue.events():
            self._observe(event)
        for event in self.handset.events():
            # The page is reported below, as the screen's: with the rig's own banner on it.
            if event.kind != "page":
                self._observe(event)
        for port in (self.modem, self._server):
            if port is not None:
                for event in port.events():
                    # A peer in memory sees the same lines and messages from its own side.
                    if event.kind not in ("at", "message"):
                        self._observe(event)
        view = self.view
        if self._shown is None or view.page is not self._shown.page:
            detail = {"page": view.page.value, "country": view.country}
            self._observe(Event(now, "screen", "page", page_text(view), detail))
        self._shown = view


def page_text(view: View) -> str:
    """One line that says which page is shown."""
    place = view.subdivision or view.country
    return f"{view.page.value} ({place})" if place and view.page is Page.LOCKED else view.page.value
