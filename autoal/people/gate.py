"""Admits only the page's own requests from people with a token."""

from __future__ import annotations

import ipaddress
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from autoal.errors import UserError
from autoal.people.tasks import RefusedError
from autoal.people.tokens import Tokens

CONTENT = (
    "default-src 'none'; img-src 'self' blob:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
WEB = 80  # the port that addresses omit
FULL = 507  # the status if an answer cannot be written down

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BarredError(RefusedError):
    """A request that is not allowed here."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Gate:
    """Lets allowed requests in.

    Args:
        host: the name by which people reach this machine.
        port: the port.
        tokens: of the people.
    """

    def __init__(self, host: str, port: int, tokens: Tokens) -> None:
        self.tokens = tokens
        names = {host.lower(), *(("127.0.0.1", "localhost") if is_loopback(host) else ())}
        self._hosts = {address(name, port) for name in names}
        self._defects: set[str] = set()

    def pages(self, paths: frozenset[str]) -> Any:
        """The middleware before all handlers; these paths are open without a token."""

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                self._admit(request, open_to_all=request.path in paths)
                response = await handler(request)
            except UserError as error:
                response = failed(getattr(error, "status", FULL), str(error))
            except web.HTTPException as error:
                response = failed(error.status, f"{request.method} here: {error.reason}")
            except Exception as error:  # a defect of ours must not end the run
                self._tell_once(error)
                response = failed(500, "AutoAL failed; the terminal shows the error")
            for name, value in HEADERS.items():
                response.headers[name] = value
            return response

        return guarded

    def person(self, request: web.Request) -> str:
        """The owner of a request's token."""
        person = self.tokens.owner(_token(request))
        if person is None:
            raise BarredError(403, "open the whole address that the command printed")
        return person

    def _admit(self, request: web.Request, *, open_to_all: bool) -> None:
        host = request.headers.get("Host", "").lower()
        if host not in self._hosts:
            raise BarredError(421, f"this is {' or '.join(sorted(self._hosts))}, not {host[:100]}")
        origin = request.headers.get("Origin")
        if origin is not None and origin.lower() not in {f"http://{name}" for name in self._hosts}:
            raise BarredError(403, "this request comes from another page")
        if not open_to_all:
            self.person(request)

    def _tell_once(self, error: Exception) -> None:
        trace = "".join(traceback.format_exception(error))
        if trace not in self._defects:
            self._defects.add(trace)
            print(trace, file=sys.stderr)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener at this host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def address(host: str, port: int) -> str:
    """The host as in a URL, and as browsers name it."""
    name = f"[{host}]" if ":" in host else host
    return name if port == WEB else f"{name}:{port}"


def failed(status: int, words: str) -> web.Response:
    """A response that says what is wrong."""
    return web.json_response({"error": words}, status=status, headers={"Cache-Control": "no-store"})


def _token(request: web.Request) -> str:
    """The token; pictures and the page itself cannot send headers, and have it in the address."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else request.query.get("token", "")
