"""The routes of the server; they run only in the server's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.resources import files

from aiohttp import web

from autoal.data.picturefile import file_of
from autoal.data.seen import picture_in
from autoal.errors import UserError
from autoal.people.desk import Desk
from autoal.people.events import LABEL
from autoal.people.gate import BarredError, Gate
from autoal.people.news import News
from autoal.people.posted import posted
from autoal.people.standing import Standing
from autoal.people.state import Doubts, labelled_of, state_of
from autoal.people.tasks import LateError, Reply

PAGE = {  # by path: the file, and its type
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
PUBLIC = frozenset(PAGE) - {"/"}  # these reveal nothing
PATIENCE = 25.0  # seconds after which a page waiting for news gets an empty answer
NOTHING_KEPT = {"Cache-Control": "no-store"}
KEPT = {"Cache-Control": "private, max-age=31536000, immutable"}  # a row's picture never changes
MORE = {"label": None, "seconds": None, "shown": False}  # defaults in an answer


class Routes:
    """Answers the requests that the gate lets in.

    Args:
        desk: the one they concern.
        standing: of the run.
        gate: knows who sent them.
        news: that pages wait for.
    """

    def __init__(self, desk: Desk, standing: Standing, gate: Gate, news: News) -> None:
        self.desk = desk
        self.standing = standing
        self.gate = gate
        self.news = news
        self.doubts: Doubts = {}  # about labels
        self.heard: set[str] = set()  # people whose pages know that everything is done

    def all(self) -> list[web.RouteDef]:
        """Every path with its handler."""
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
            content, kind = await asyncio.to_thread(file_of, source)
        except UserError as error:
            raise BarredError(404, str(error)) from error
        return web.Response(body=content, content_type=kind, headers=KEPT)

    async def _state(self, request: web.Request) -> web.Response:
        person, since = self.gate.person(request), request.query.get("since")
        self.desk.see(person, acting=since is None)
        if since == str(self.news.version):
            await self.news.wait(PATIENCE)
            self.desk.see(person, acting=False)
        return self._told(person)

    async def _labelled(self, request: web.Request) -> web.Response:
        self.desk.see(self.gate.person(request), acting=True)
        first = request.query.get("suspected") == "1"
        rows = labelled_of(self.desk, self.doubts, suspected_first=first)
        return web.json_response({"rows": rows}, headers=NOTHING_KEPT)

    async def _answer(self, request: web.Request) -> web.Response:
        reply = Reply(**await posted(request, ("id", "row", "kind"), MORE))
        return self._done(request, lambda person: self.desk.answer(person, reply))

    async def _undo(self, request: web.Request) -> web.Response:
        given = await posted(request, ("id",))
        return self._done(request, lambda person: self.desk.undo(person, given["id"]))

    async def _correct(self, request: web.Request) -> web.Response:
        reply = Reply(**await posted(request, ("id", "row", "label")), kind=LABEL)
        return self._done(request, lambda person: self.desk.correct(person, reply))

    async def _stop(self, request: web.Request) -> web.Response:
        await posted(request, ("id",))
        return self._done(request, self.desk.stop)

    def _done(self, request: web.Request, work: Callable[[str], None]) -> web.Response:
        """Perform an action, notify everybody, and answer with the new state."""
        person = self.gate.person(request)
        if self.desk.closed:
            raise LateError("the run has ended")
        self.desk.see(person, acting=True)
        work(person)
        self.news.tell()
        return self._told(person)

    def _told(self, person: str) -> web.Response:
        if self.desk.closed:
            self.heard.add(person)
        state = state_of(self.desk, self.standing, person)
        return web.json_response({"version": self.news.version, **state}, headers=NOTHING_KEPT)
