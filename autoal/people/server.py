"""The labelling page, served while training occupies the main thread.

Only the server's thread touches the desk; the engine's requests run there too.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from threading import Thread
from typing import Any, TypeVar

from aiohttp import web

from autoal.errors import UserError, Waiting
from autoal.model.fitstep import FitStep
from autoal.people.asked import AskedRow
from autoal.people.desk import Desk
from autoal.people.gate import Gate, address
from autoal.people.news import News
from autoal.people.posted import MOST_BYTES
from autoal.people.routes import PUBLIC, Routes
from autoal.people.said import Agree, first_counts
from autoal.people.standing import Standing
from autoal.people.state import Doubts
from autoal.people.tasks import Outcome
from autoal.people.tokens import Tokens
from autoal.record.round import Round

GLANCE = 5.0  # seconds between checks of who is still there
FAREWELL = 2.0  # seconds for pages to learn that everything is done
SELDOM = 0.25  # seconds between reported steps
MUTE = logging.Logger("people", logging.CRITICAL + 1)  # for requests that are not HTTP

Result = TypeVar("Result")


class Server:
    """A desk that people reach with their browsers.

    Args:
        desk: the desk.
        standing: of the run.
        tokens: of the people.
        host: the address of this machine.
        port: the port; 0 takes any free one.
    """

    def __init__(
        self, desk: Desk, standing: Standing, tokens: Tokens, host: str, port: int
    ) -> None:
        self.desk = desk
        self.standing = standing
        self.tokens = tokens
        self.host = host
        self._foreseen: Doubts = {}  # the model's predictions before it learnt the rows
        self._told_step = 0.0
        self._news = News()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="people", daemon=True)
        self._thread.start()
        try:
            self._runner, self.port = self._do(self._listen(port))
        except BaseException:
            self._end()
            raise

    def url(self, person: str) -> str:
        """The address of a person's page."""
        return f"http://{address(self.host, self.port)}/?token={self.tokens[person]}"

    # What the engine does, from its own thread.

    def ask(
        self,
        number: int,
        asked: Sequence[AskedRow],
        doubts: Doubts,
        agree: Agree = first_counts,
    ) -> Outcome:
        """Ask people about rows, and wait until they have answered."""
        return self._do(self._answered(number, asked, doubts, agree))

    def step(self, step: FitStep) -> None:
        """Report a training step."""
        now = time.monotonic()
        if now - self._told_step >= SELDOM:
            self._told_step = now
            self._change(lambda: setattr(self.standing, "training", step))

    def end(self, finished: Round) -> None:
        """Report a finished round."""
        self._change(lambda: self.standing.end(finished))

    def close(self, phase: str) -> None:
        """Show all pages their final phase, and stop; repeating it does nothing."""
        if self._loop.is_closed():
            return
        try:
            self._do(self._leave(phase))
        finally:
            self._end()

    def _do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run something in the server's thread, and wait for it; Ctrl-C still works."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _change(self, change: Callable[[], None]) -> None:
        def changed() -> None:
            change()
            self._news.tell()

        self._loop.call_soon_threadsafe(changed)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # What is done in the server's thread.

    async def _listen(self, port: int) -> tuple[web.AppRunner, int]:
        """Serve at a port; requests before its number is known are not let in."""
        sock = _bound(self.host, port)
        number = int(sock.getsockname()[1])
        gate = Gate(self.host, number, self.tokens)
        self._routes = Routes(self.desk, self.standing, gate, self._news)
        runner = _runner(gate, self._routes)
        await runner.setup()
        await web.SockSite(runner, sock).start()
        return runner, number

    async def _answered(
        self, number: int, asked: Sequence[AskedRow], doubts: Doubts, agree: Agree
    ) -> Outcome:
        self._foreseen |= {one.row: one.guess[0] for one in asked if one.guess}
        self._routes.doubts = doubts | self._foreseen
        self.desk.open(number, asked)
        self._news.tell()
        while not self.desk.complete:
            self._demand_people()
            await self._news.wait(GLANCE)
        outcome = self.desk.hand_over(agree)
        self._news.tell()
        return outcome

    def _demand_people(self) -> None:
        """End the wait if everybody has had enough for today."""
        if self.desk.deserted:
            batch = self.desk.agenda.batch
            raise Waiting(
                f"stopped for today with {len(self.desk.left)} of the {len(batch.rows)} rows of "
                f"round {batch.number} left; nothing is lost, and the same command goes on"
            )

    async def _leave(self, phase: str) -> None:
        self.desk.closed = phase
        self._news.tell()
        until = time.monotonic() + FAREWELL
        heard, here = self._routes.heard, self.desk.leases.here
        while time.monotonic() < until and not heard.issuperset(here()):
            await asyncio.sleep(0.02)
        await self._runner.cleanup()


def _runner(gate: Gate, routes: Routes) -> web.AppRunner:
    """The server of these routes behind a gate."""
    app = web.Application(client_max_size=MOST_BYTES, middlewares=[gate.pages(PUBLIC)])
    app.add_routes(routes.all())
    return web.AppRunner(
        app,
        handle_signals=False,
        handler_cancellation=True,  # when a page that waits for news is closed
        access_log=None,  # it would reveal the tokens
        logger=MUTE,
        shutdown_timeout=1,
    )


def _bound(host: str, port: int) -> socket.socket:
    """A socket at this address; refused if unavailable."""
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
