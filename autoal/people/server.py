"""The page on which people label, served to them while training keeps the main thread.

The desk is touched by the server's thread alone; the engine's requests are done there too.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from threading import Thread
from types import MappingProxyType
from typing import Any, TypeVar

from aiohttp import web

from autoal.errors import UserError, Waiting
from autoal.model.fitstep import FitStep
from autoal.people.asked import AskedRow
from autoal.people.cards import picture_of
from autoal.people.desk import Desk
from autoal.people.events import LABEL
from autoal.people.gate import MOST_BYTES, BarredError, Gate, address, body_of
from autoal.people.seen import picture_in
from autoal.people.standing import Standing
from autoal.people.state import Doubts, labelled_of, state_of
from autoal.people.tasks import LateError, Outcome, RefusedError, Reply
from autoal.people.tokens import Tokens
from autoal.record.kinds import AMOUNT, TEXT, WHOLE, Kind
from autoal.record.round import Round

PAGE = {  # by path: the file, and what it is
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
PUBLIC = frozenset(PAGE) - {"/"}  # of these nobody learns anything
PATIENCE = 25.0  # seconds after which a page that waits for news is answered without any
GLANCE = 5.0  # seconds after which is looked at who is still there
FAREWELL = 2.0  # seconds that pages have to hear that all is done
SELDOM = 0.25  # seconds between two steps that are told
MUTE = logging.Logger("people", logging.CRITICAL + 1)  # of requests that are no HTTP
NOTHING_KEPT = {"Cache-Control": "no-store"}
KEPT = {"Cache-Control": "private, max-age=31536000, immutable"}  # a row's picture stays as it is

_ID = Kind("a text of 1 to 64 characters", lambda v: isinstance(v, str) and 1 <= len(v) <= 64)
_KINDS: dict[str, Kind] = {
    "id": _ID,
    "row": WHOLE,
    "kind": TEXT,
    "label": TEXT.or_null(),
    "seconds": AMOUNT.or_null(),
    "shown": Kind("true or false", lambda value: isinstance(value, bool)),
}

MORE = {"label": None, "seconds": None, "shown": False}  # of an answer, where they are not given

Result = TypeVar("Result")


class Server:
    """A desk that people reach by their browsers.

    Args:
        desk: asks them.
        standing: of the run.
        tokens: of the people.
        host: by which this machine is reached.
        port: likewise; 0 is any that is free.
    """

    def __init__(
        self, desk: Desk, standing: Standing, tokens: Tokens, host: str, port: int
    ) -> None:
        self.desk = desk
        self.standing = standing
        self._foreseen: Doubts = {}  # what the model took rows for before it learnt them
        self._doubts: Doubts = {}
        self.tokens = tokens
        self.host = host
        self._version = time.time_ns() // 1_000_000  # no page of an earlier process has it
        self._heard: set[str] = set()
        self._told_step = 0.0
        self._loop = asyncio.new_event_loop()
        self._news = asyncio.Event()
        self._thread = Thread(target=self._loop.run_forever, name="people", daemon=True)
        self._thread.start()
        try:
            self._runner, self.port = self._do(self._listen(port))
        except BaseException:
            self._end()
            raise

    def url(self, person: str) -> str:
        """Where a person's page is."""
        return f"http://{address(self.host, self.port)}/?token={self.tokens[person]}"

    # What the engine does, from its own thread.

    def ask(self, number: int, asked: Sequence[AskedRow], doubts: Doubts) -> Outcome:
        """Ask people about rows, and wait until they have answered."""
        return self._do(self._answered(number, asked, doubts))

    def step(self, step: FitStep) -> None:
        """The model is being trained."""
        now = time.monotonic()
        if now - self._told_step >= SELDOM:
            self._told_step = now
            self._change(lambda: setattr(self.standing, "training", step))

    def end(self, finished: Round) -> None:
        """A round is done."""
        self._change(lambda: self.standing.end(finished))

    def close(self, phase: str) -> None:
        """Tell all pages in which phase they end, and end; a second time is nothing."""
        if self._loop.is_closed():
            return
        try:
            self._do(self._leave(phase))
        finally:
            self._end()

    def _do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something in the server's thread; Ctrl-C comes through while it is waited for."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _change(self, change: Callable[[], None]) -> None:
        def changed() -> None:
            change()
            self._tell()

        self._loop.call_soon_threadsafe(changed)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # What is done in the server's thread.

    async def _listen(self, port: int) -> tuple[web.AppRunner, int]:
        """Serve at a port; whoever comes before its number is known is not let in."""
        app = web.Application(client_max_size=MOST_BYTES)
        runner = web.AppRunner(
            app,
            handle_signals=False,
            handler_cancellation=True,  # of a page that waits for news, and is closed
            access_log=None,  # which would tell the tokens
            logger=MUTE,
            shutdown_timeout=1,
        )
        sock = _bound(self.host, port)
        number = int(sock.getsockname()[1])
        self._gate = Gate(self.host, number, self.tokens)
        app.middlewares.append(self._gate.pages(PUBLIC))
        app.add_routes(self._routes())
        await runner.setup()
        await web.SockSite(runner, sock).start()
        return runner, number

    async def _answered(self, number: int, asked: Sequence[AskedRow], doubts: Doubts) -> Outcome:
        self._foreseen |= {one.row: one.guess[0] for one in asked if one.guess}
        self._doubts = doubts | self._foreseen
        self.desk.open(number, asked)
        self._tell()
        while not self.desk.complete:
            if self.desk.deserted:
                left, of = len(self.desk.left), len(self.desk.agenda.batch.rows)
                raise Waiting(
                    f"stopped for today with {left} of the {of} rows of round {number} left; "
                    "nothing is lost, and the same command goes on"
                )
            await self._wait(GLANCE)
        batch = self.desk.hand_over()
        self._tell()
        return batch

    async def _leave(self, phase: str) -> None:
        self.desk.closed = phase
        self._tell()
        until = time.monotonic() + FAREWELL
        while time.monotonic() < until and not self._heard.issuperset(self.desk.leases.here()):
            await asyncio.sleep(0.02)
        await self._runner.cleanup()

    def _tell(self) -> None:
        """Something changed: wake all who wait for it."""
        self._version += 1
        self._news.set()
        self._news = asyncio.Event()

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)

    def _routes(self) -> list[web.RouteDef]:
        return [
            *(web.get(path, self._page, allow_head=False) for path in PAGE),
            web.get(r"/picture/{row:\d{1,18}}", self._picture, allow_head=False),
            web.get("/api/state", self._state, allow_head=False),
            web.get("/api/labelled", self._labelled, allow_head=False),
            web.post("/api/answer", self._answer),
            web.post("/api/undo", self._undo),
            web.post("/api/correct", self._correct),
            web.post("/api/stop", self._stop),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        name, kind = PAGE[request.path]
        content = files("autoal.people").joinpath("page", name).read_bytes()
        return web.Response(body=content, content_type=kind, charset="utf-8", headers=NOTHING_KEPT)

    async def _picture(self, request: web.Request) -> web.Response:
        asked = self.desk.agenda.asked.get(int(request.match_info["row"]))
        source = None if asked is None else picture_in(asked.shown)
        if source is None:
            raise BarredError(404, "there is no such picture")
        try:
            content, kind = await asyncio.to_thread(picture_of, source)
        except UserError as error:
            raise BarredError(404, str(error)) from error
        return web.Response(body=content, content_type=kind, headers=KEPT)

    async def _state(self, request: web.Request) -> web.Response:
        person, since = self._gate.person(request), request.query.get("since")
        self.desk.see(person, acting=since is None)
        if since == str(self._version):
            await self._wait(PATIENCE)
            self.desk.see(person, acting=False)
        return self._told(person)

    async def _labelled(self, request: web.Request) -> web.Response:
        self.desk.see(self._gate.person(request), acting=True)
        first = request.query.get("suspected") == "1"
        rows = labelled_of(self.desk, self._doubts, suspected_first=first)
        return web.json_response({"rows": rows}, headers=NOTHING_KEPT)

    async def _answer(self, request: web.Request) -> web.Response:
        reply = Reply(**_given(await body_of(request), ("id", "row", "kind"), MORE))
        return self._done(request, lambda person: self.desk.answer(person, reply))

    async def _undo(self, request: web.Request) -> web.Response:
        given = _given(await body_of(request), ("id",))
        return self._done(request, lambda person: self.desk.undo(person, given["id"]))

    async def _correct(self, request: web.Request) -> web.Response:
        given = _given(await body_of(request), ("id", "row", "label"))
        reply = Reply(**given, kind=LABEL)
        return self._done(request, lambda person: self.desk.correct(person, reply))

    async def _stop(self, request: web.Request) -> web.Response:
        _given(await body_of(request), ("id",))
        return self._done(request, self.desk.stop)

    def _done(self, request: web.Request, work: Callable[[str], None]) -> web.Response:
        """Do what somebody wants, tell everybody, and answer with how things stand then."""
        person = self._gate.person(request)
        if self.desk.closed:
            raise LateError("the run has ended")
        self.desk.see(person, acting=True)
        work(person)
        self._tell()
        return self._told(person)

    def _told(self, person: str) -> web.Response:
        if self.desk.closed:
            self._heard.add(person)
        state = state_of(self.desk, self.standing, person)
        return web.json_response({"version": self._version, **state}, headers=NOTHING_KEPT)


def _given(
    body: Mapping[str, Any], needed: Sequence[str], more: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """What a body says, each value of its kind.

    Args:
        body: whatever was posted.
        needed: names that must be there.
        more: names that may be there, and what is meant where they are not.
    """
    try:
        for name in needed:
            if name not in body:
                raise UserError(f"`{name}` is lacking")
        values = {name: body.get(name, more.get(name)) for name in (*needed, *more)}
        for name, value in values.items():
            _KINDS[name].demand(name, value)
    except UserError as error:
        raise RefusedError(str(error)) from error
    return values


def _bound(host: str, port: int) -> socket.socket:
    """A socket at this address; refused where it cannot be had."""
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(place[:2], family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"port {port} is taken by another program: give oracle.port="
            ) from error
        why = f"cannot listen at {address(host, port)}: {error.strerror}"
        raise UserError(f"{why}; oracle.host= is an address of this machine") from error
