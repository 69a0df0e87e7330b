"""A small server that speaks as the labelling page expects: some rows, some people, two rounds."""

import asyncio
import io
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from aiohttp import web
from PIL import Image

Json = dict[str, Any]
POLICY = (
    "default-src 'none'; img-src 'self' blob:; style-src 'self'; script-src 'self'; connect-src"
    " 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = files("autoal.people") / "page"
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class RefusedError(Exception):
    """The response to the page, with its status."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Fake:
    """Deals rows in batches; a round is trained when the test says so, or at once."""

    def __init__(
        self,
        cards: Sequence[Json],
        classes: Mapping[str, str],
        *,
        people: Sequence[str] = ("ann",),
        pictures: Sequence[Image.Image] = (),
        batch: int = 4,
        rounds: int = 1,
        trains_at_once: bool = True,
    ) -> None:
        self.cards, self.classes, self.people = cards, classes, people
        self.pictures = [_png(picture) for picture in pictures]
        self.batch, self.rounds, self.trains_at_once = batch, rounds, trains_at_once
        self.version, self.round, self.stopped = 1, 0, False
        self.answers: dict[int, Json] = {}
        self.leases: dict[int, str] = {}
        self.posts: list[Json] = []
        self.extra: Json = {}  # what stands in the state instead
        self.opened = 0  # how often a page was, which whoever only waits does not do
        self.trouble = ""  # "fail" or "forget": what becomes of posts

    def trained(self) -> None:
        """The model of this round is there."""
        self.round += 1
        self.version += 1

    def rows(self) -> range:
        end = min((self.round + 1) * self.batch, len(self.cards))
        return range(self.round * self.batch, end)

    def done(self) -> bool:
        return all(row in self.answers for row in self.rows())

    def phase(self, tasks: Sequence[Json]) -> str:
        if self.stopped:
            return "stopped"
        if self.round > self.rounds:
            return "done"
        if self.done():
            return "train"
        return "label" if tasks else "wait"

    def state(self, person: str, first: int | None = None) -> Json:
        tasks = self.tasks(person, first)
        points = range(1, self.round + 1)
        curve = [
            {"labels": n * self.batch, "accuracy": 0.7 + n / 20, "low": 0.4, "high": 0.9}
            for n in points
        ]
        state = {
            **{"version": self.version, "run": "photos", "folder": "runs/photos"},
            **{"strategy": "margin", "person": person, "people": list(self.people)},
            "classes": [{"name": name, "key": key} for name, key in self.classes.items()],
            **{"phase": self.phase(tasks), "round": self.round, "rounds": self.rounds},
            "model": self.model(),
            "batch": {"done": sum(row in self.answers for row in self.rows()), "of": self.batch},
            **{"labels": len(self.answers), "plan": (self.rounds + 1) * self.batch, "declined": 0},
            **{"seconds": 1.5, "training": None, "curve": curve, "judged": "check", "checked": 20},
            **{"advice": None, "tasks": tasks},
        }
        return state | self.extra

    def model(self) -> Json | None:
        made = {"round": self.round - 1, "at": "2026-01-01T12:00:00Z", "labels": 4}
        return made if self.round else None

    def tasks(self, person: str, first: int | None = None) -> list[Json]:
        """The next rows of somebody, whose they are from now on."""
        if self.stopped or self.round > self.rounds:
            return []
        mine = [
            row
            for row in self.rows()
            if row not in self.answers and self.leases.get(row, person) == person
        ]
        mine.sort(key=lambda row: row != first)
        share = 1 if first is None and len(self.people) > 1 else 5
        for row in mine[:share]:
            self.leases[row] = person
        return [self.task(row) for row in mine[:share]]

    def task(self, row: int, **others: Any) -> Json:
        guess = [
            {"label": name, "p": p}
            for p, name in sorted(zip((0.1, 0.6, 0.2), self.classes, strict=False), reverse=True)
        ]
        seen = guess if self.round else None
        about = {"row": row, "kind": "label", "round": self.round, "card": self.cards[row]}
        return {**about, "guess": seen, "why": "", "label": None, "opinions": [], **others}

    def labelled(self) -> Json:
        given = [(row, said) for row, said in self.answers.items() if said["label"] is not None]
        rows = [self.task(row, kind="review", label=said["label"]) for row, said in given]
        return {"rows": rows[::-1]}

    def take(self, person: str, what: str, body: Json) -> Json:
        """One post of the page; the same one again changes nothing."""
        if any(post["id"] == body["id"] for post in self.posts):
            return self.state(person)
        first = getattr(self, what)(person, body)
        self.posts.append({"what": what, "by": person, **body})
        self.version += 1
        if self.done() and self.trains_at_once:
            self.trained()
        return self.state(person, first)

    def answer(self, person: str, body: Json) -> None:
        if body["row"] in self.answers or body["row"] not in self.rows():
            raise RefusedError(409, f"row {body['row']} is not open any more")
        self.answers[body["row"]] = {"by": person, **body}

    def undo(self, person: str, body: Json) -> int:
        mine = [row for row, said in self.answers.items() if said["by"] == person]
        if not mine:
            raise RefusedError(409, "there is nothing to take back")
        self.answers.pop(mine[-1])
        self.round = min(self.round, mine[-1] // self.batch)
        return mine[-1]

    def correct(self, person: str, body: Json) -> None:
        self.answers[body["row"]]["label"] = body["label"]

    def stop(self, person: str, body: Json) -> None:
        self.stopped = True

    # ---- HTTP ----

    async def _state(self, request: web.Request) -> web.Response:
        person, until = self._person(request), time.monotonic() + 25
        since = int(request.query.get("since", -1))
        self.opened += "since" not in request.query
        while self.version == since and time.monotonic() < until:
            await asyncio.sleep(0.01)
        return web.json_response(self.state(person))

    async def _labelled(self, request: web.Request) -> web.Response:
        return web.json_response(self.labelled())

    async def _post(self, request: web.Request) -> web.Response:
        what, body = request.match_info["what"], await request.json()
        if self.trouble == "fail":
            return web.json_response({"error": "the disk is full"}, status=507)
        try:
            said = self.take(self._person(request), what, body)
        except RefusedError as refused:
            return web.json_response({"error": str(refused)}, status=refused.status)
        if self.trouble == "forget":  # the answer is taken, and the reply lost
            self.trouble = ""
            return web.Response(status=500, text="a defect")
        return web.json_response(said)

    async def _picture(self, request: web.Request) -> web.Response:
        if not self.pictures:
            return web.json_response({"error": "the file is gone"}, status=404)
        content = self.pictures[int(request.match_info["row"]) % len(self.pictures)]
        headers = {"Cache-Control": "private, max-age=3600, immutable"}
        return web.Response(body=content, content_type="image/png", headers=headers)

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info.get("name", "index.html")
        kind = TYPES[name.rpartition(".")[2]]
        headers = {"Content-Security-Policy": POLICY}
        return web.Response(text=(PAGE / name).read_text(), content_type=kind, headers=headers)

    def _person(self, request: web.Request) -> str:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.people:
            raise web.HTTPForbidden(
                text='{"error": "this token is not known"}', content_type="application/json"
            )
        return token

    async def _serve(self, started: "threading.Event", ended: threading.Event) -> None:
        app = web.Application()
        app.add_routes(
            [
                web.get("/api/state", self._state),
                web.get("/api/labelled", self._labelled),
                web.post("/api/{what:answer|undo|correct|stop}", self._post),
                web.get("/picture/{row}", self._picture),
                web.get("/", self._file),
                web.get("/{name:[a-z]+.(css|js|svg)}", self._file),
            ]
        )
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        started.set()
        while not ended.is_set():
            await asyncio.sleep(0.02)
        await runner.cleanup()

    def address(self, person: str = "ann") -> str:
        return f"http://127.0.0.1:{self.port}/?token={person}"


@contextmanager
def served(fake: Fake) -> Iterator[Fake]:
    """The server in a thread of its own."""
    started, ended = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(fake._serve(started, ended)))
    thread.start()
    started.wait()
    try:
        yield fake
    finally:
        ended.set()
        thread.join()


def _png(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def picture_card(row: int, picture: Image.Image, name: str = "") -> Json:
    size = {"width": picture.width, "height": picture.height}
    about = {"kind": "picture", "name": name or f"{row:03}.png", "url": f"/picture/{row}"}
    return {**about, **size, "cells": []}
