"""HTTP over the lab's phones: routes from the table, one driver a phone, live events.

Loopback only unless there is a token. A request whose Host is not ours, or whose Origin is
foreign, is refused: a page elsewhere on the web cannot play with the phones. No cookies, no
CORS.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import metadata, resources
from typing import Any

from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from firmware_sim.errors import SimError
from firmware_sim.lab.handlers import HANDLERS, Lab, Missing, Problem
from firmware_sim.lab.operations import OPERATIONS, Operation, document, with_packs
from firmware_sim.lab.phone import LabPhone

MOST_BODY = 300_000
LONGEST_SLEEP_S = 30.0


@dataclass(slots=True)
class Access:
    """Who may call: the hosts we answer to, and the token, where one is asked for."""

    hosts: frozenset[str]
    token: str | None = None

    def refusal(self, request: Request) -> str | None:
        """Why this request is refused; None when it is not."""
        host = request.headers.get("host", "")
        if self.token is None and host not in self.hosts:
            return f"this lab does not answer to the host {host!r}"
        origin = request.headers.get("origin")
        if origin is not None and origin.removeprefix("http://") != host:
            return f"requests from {origin!r} are refused"
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return "requests from other sites are refused"
        if self.token is None:
            return None
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        given = given or request.query_params.get("token", "")
        if hmac.compare_digest(given.encode(), self.token.encode()):
            return None
        return "the token is missing or wrong"


@dataclass(slots=True)
class Driver:
    """Keeps one phone going: sleeps until something is due, or somebody pokes it."""

    phone: LabPhone
    poke: asyncio.Event = field(default_factory=asyncio.Event)
    watchers: set[asyncio.Event] = field(default_factory=set)
    task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to drive."""
        self.phone.changed = self.wake
        self.task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """Something changed: the driver and everybody who watches look again."""
        self.poke.set()
        for watcher in self.watchers:
            watcher.set()

    async def _run(self) -> None:
        while True:
            before = self.phone.timeline.last
            self.phone.step()
            if self.phone.timeline.last != before:
                for watcher in self.watchers:
                    watcher.set()
            due = self.phone.wake_at()
            sleep_s = LONGEST_SLEEP_S
            if due is not None:
                sleep_s = min(sleep_s, max(0, due - self.phone.now) / 1000)
            self.poke.clear()
            try:
                await asyncio.wait_for(self.poke.wait(), sleep_s)
            except TimeoutError:
                continue


Handler = Callable[[Request], Awaitable[Response]]


class Service:
    """The lab behind HTTP."""

    def __init__(self, lab: Lab, access: Access) -> None:
        self.lab = lab
        self.access = access
        self.drivers: dict[str, Driver] = {}
        packs = lab.packs()
        self.description = document(metadata.version("firmware-sim"), packs)
        self._validators = {
            row.name: Draft202012Validator(with_packs(row.takes, packs))
            for row in OPERATIONS
            if row.takes is not None
        }
        lab.added = self._added
        lab.removed = self._removed

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [Route(row.path, self._handler(row), methods=[row.method]) for row in OPERATIONS]
        for path, name, media in (
            ("/", "index.html", "text/html"),
            ("/lab.css", "lab.css", "text/css"),
            ("/lab.js", "lab.js", "text/javascript"),
        ):
            routes.append(Route(path, self._file(name, media), methods=["GET"]))
        return Starlette(
            routes=routes,
            lifespan=self._lifespan,
            exception_handlers={404: self._no_such_page, 405: self._no_such_method},
        )

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        for phone in list(self.lab.phones.values()):
            self._added(phone)
            phone.power(True)
        yield
        for driver in self.drivers.values():
            if driver.task is not None:
                driver.task.cancel()

    def _added(self, phone: LabPhone) -> None:
        driver = Driver(phone)
        self.drivers[phone.name] = driver
        driver.start()

    def _removed(self, phone: LabPhone) -> None:
        driver = self.drivers.pop(phone.name)
        if driver.task is not None:
            driver.task.cancel()
        driver.wake()

    # Requests -------------------------------------------------------------------------

    def _handler(self, row: Operation) -> Handler:
        async def handle(request: Request) -> Response:
            refusal = self.access.refusal(request)
            if refusal is not None:
                return problem(403, refusal)
            try:
                phone = self._phone(request)
                body = await self._body(row, request)
                live = _LIVE.get(row.name)
                if live is not None:
                    assert phone is not None
                    return live(self, phone)
                if row.name == "openapi":
                    return JSONResponse(self.description)
                return self._respond(row, HANDLERS[row.name](self.lab, phone, body))
            except Missing as missing:
                return problem(404, str(missing))
            except Problem as refused:
                return problem(refused.status, refused.text)
            except SimError as error:
                return problem(409, str(error))

        return handle

    def _phone(self, request: Request) -> LabPhone | None:
        name = request.path_params.get("phone")
        return self.lab.phone(name) if name is not None else None

    async def _body(self, row: Operation, request: Request) -> Any:
        if row.takes is None and not row.takes_text:
            return None
        octets = bytearray()
        try:
            async for chunk in request.stream():
                octets += chunk
                if len(octets) > MOST_BODY:
                    raise Problem(413, f"the body is longer than {MOST_BODY} octets")
        except ClientDisconnect:
            raise Problem(400, "the body was cut short") from None
        try:
            text = octets.decode("utf-8")
        except UnicodeDecodeError:
            raise Problem(400, "the body is not UTF-8") from None
        if row.takes_text:
            return text
        try:
            value = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise Problem(400, f"the body is not JSON: {error}") from None
        wrong = next(iter(self._validators[row.name].iter_errors(value)), None)
        if wrong is not None:
            where = "/".join(map(str, wrong.absolute_path)) or "the body"
            raise Problem(400, f"{where}: {wrong.message[:300]}")
        return value

    def _respond(self, row: Operation, given: Any) -> Response:
        if row.status == 204:
            return Response(status_code=204)
        if row.gives == "application/json":
            return JSONResponse(given, status_code=row.status)
        headers = {"cache-control": "no-store"}
        return Response(given, row.status, headers, media_type=row.gives)

    def _file(self, name: str, media: str) -> Handler:
        content = resources.files("firmware_sim.lab").joinpath("page", name).read_bytes()
        headers = {
            "content-security-policy": (
                "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline';"
                " frame-ancestors 'none'"
            ),
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        }

        async def give(request: Request) -> Response:
            # The token of a page travels in its address; the page sends it with each call.
            refusal = self.access.refusal(request) if name == "index.html" else None
            if refusal is not None:
                return problem(403, refusal)
            return Response(content, headers=headers, media_type=media)

        return give

    async def _no_such_page(self, request: Request, _error: Exception) -> Response:
        return problem(404, f"nothing is at {request.url.path}")

    async def _no_such_method(self, request: Request, error: Exception) -> Response:
        allowed = getattr(error, "headers", None) or {}
        return problem(405, f"{request.method} is not for {request.url.path}", dict(allowed))

    # Live -----------------------------------------------------------------------------

    def stream_events(self, phone: LabPhone) -> Response:
        """The timeline and the screen's changes, as server-sent events."""

        async def lines() -> AsyncIterator[str]:
            last, shown = 0, None
            async for _ in self._changes(phone):
                for told in phone.timeline.after(last):
                    last = int(str(told["number"]))
                    yield f"event: timeline\nid: {last}\ndata: {json.dumps(told)}\n\n"
                scene = phone.scene
                if scene is not shown:
                    shown = scene
                    yield f"event: screen\ndata: {json.dumps({'page': scene.page})}\n\n"
                yield f"event: state\ndata: {json.dumps(phone.state())}\n\n"

        return StreamingResponse(
            lines(), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )

    def stream_pictures(self, phone: LabPhone) -> Response:
        """One JPEG a change, in one answer that does not end."""
        from firmware_sim.lab.pictures import jpeg

        async def frames() -> AsyncIterator[bytes]:
            shown = None
            async for _ in self._changes(phone):
                if phone.scene is shown:
                    continue
                shown = phone.scene
                picture = jpeg(shown)
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}"
                yield head.encode() + b"\r\n\r\n" + picture + b"\r\n"

        return StreamingResponse(frames(), media_type="multipart/x-mixed-replace; boundary=frame")

    async def _changes(self, phone: LabPhone) -> AsyncIterator[None]:
        """Once now, then once after each change, until the phone is taken away."""
        driver = self.drivers[phone.name]
        watcher = asyncio.Event()
        driver.watchers.add(watcher)
        try:
            while self.drivers.get(phone.name) is driver:
                watcher.clear()
                yield
                await watcher.wait()
        finally:
            driver.watchers.discard(watcher)


_LIVE: dict[str, Callable[[Service, LabPhone], Response]] = {
    "events": Service.stream_events,
    "stream": Service.stream_pictures,
}


def problem(status: int, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as the API tells it."""
    return JSONResponse({"error": text}, status_code=status, headers=headers)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
