"""A server with an OpenAI-compatible API, and its failures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import cached_property
from ipaddress import ip_address
from time import time
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit
from weakref import finalize

from autoal.errors import UserError, unknown
from autoal.language.asked import Answer, Request
from autoal.language.replies import Malformed, answer_of

if TYPE_CHECKING:
    import httpx

FIRST = 10.0  # seconds for the list of models, which needs no model
LONGEST = 120.0  # seconds to wait before asking again
AGAIN = (408, 409, 425, 429)  # and all from 500 on: temporary failures
SHOWN = 300  # characters of a server's message
GO_ON = "the answers are kept, and the same command goes on"

Wait = Callable[[float], object]  # for some seconds


class Rejected(UserError):  # noqa: N818  # so it is
    """This request will never be answered; others may be."""


class NotThere(UserError):  # noqa: N818  # so it is
    """The server has nothing at this address."""


class _Passing(Exception):  # noqa: N818  # it is over by itself
    """A temporary failure.

    Args:
        why: the reason.
        after: the seconds that the server asks to wait, if it does.
    """

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class Server:
    """A server of models.

    Args:
        url: its address; /chat/completions is appended.
        key_env: the environment variable that holds the key; None: no key is sent.
        tries: how often to try a request before giving up.
        timeout: seconds for an answer.
    """

    def __init__(self, url: str, key_env: str | None, tries: int, timeout: float) -> None:
        self.url = url.rstrip("/")
        self.key_env, self.tries, self.timeout = key_env, tries, timeout
        self._local = _is_local(_address(url))

    def models(self) -> list[str]:
        """The names of its models; refused if no server answers at once."""
        try:
            reply = self._said("GET", "/models", b"", min(FIRST, self.timeout))
            return [str(model["id"]) for model in reply["data"]]
        except _Passing as error:
            raise UserError(
                f"no language model is served at {self.url} ({error}): start it, or give "
                "language.url="
            ) from error
        except (LookupError, TypeError) as error:
            raise UserError(
                f"what answers at {self.url} lists no models: give language.url= of a server that "
                "is OpenAI-compatible; it usually ends in /v1"
            ) from error

    def demand(self, model: str) -> None:
        """Refuse a server that does not answer, or does not have the model."""
        models = self.models()
        if model not in models:
            raise unknown(f"language.model of {self.url}", model, models)

    def answer(self, request: Request, model: str, wait: Wait) -> Answer:
        """The model's answer; temporary failures are retried.

        Args:
            request: the request.
            model: the model to ask.
            wait: sleeps before another try.
        """
        turn = 0
        while True:
            turn += 1
            try:
                return self._answered(request, model)
            except _Passing as error:
                if turn == self.tries:
                    raise UserError(
                        f"{self.url} did not answer, asked {turn} times ({error}): {GO_ON}"
                    ) from error
                wait(self._pause(turn, error.after))

    def _answered(self, request: Request, model: str) -> Answer:
        reply = self._said("POST", request.path, request.body(model), self.timeout)
        try:
            return answer_of(reply)
        except Malformed as error:
            raise _Passing(f"its reply is malformed: {error}") from error

    def _pause(self, turn: int, after: float | None) -> float:
        """How long to wait before the next try: as long as the server asks, within reason."""
        if after is None:
            return min(LONGEST, 2.0 ** (turn - 2))
        if after > LONGEST:
            raise UserError(f"{self.url} asks to wait for {after:.0f} seconds: {GO_ON}")
        return after

    def _said(self, method: str, path: str, body: bytes, patience: float) -> Any:
        """The server's reply, as JSON."""
        import httpx

        try:
            response = self._http.request(method, path, content=body, timeout=patience)
        except httpx.TimeoutException as error:
            raise _Passing(f"no answer within {patience:g} seconds") from error
        except httpx.HTTPError as error:
            raise _Passing(f"{type(error).__name__}: {error}") from error
        self._demand_success(response)
        try:
            return response.json()
        except ValueError as error:
            raise _Passing(f"not JSON: {self._detail(response)}") from error

    def _demand_success(self, response: httpx.Response) -> None:
        """Turn a server's error into a message."""
        code, told = response.status_code, f"{response.status_code}: {self._detail(response)}"
        if code < 300:
            return
        if code in AGAIN or code >= 500:
            raise _Passing(told, _seconds(response.headers.get("Retry-After", "")))
        if code < 400:  # never followed, as the key is only for this server
            there = response.headers.get("Location")
            raise UserError(f"{self.url} redirects to {there}: give that as language.url=")
        if code in (401, 403):
            raise UserError(f"{self._whose_key()} {self.url}, which says {told}")
        if code in (404, 405):
            raise NotThere(
                f"{response.request.url} does not exist ({told}): language.url= usually ends in "
                "/v1, and language.model= must be one of its models"
            )
        raise Rejected(f"{self.url} says {told}")

    def _whose_key(self) -> str:
        if not self.key_env:
            return "language.key_env=null sends no key, and one is needed by"
        if not self._key:
            return f"set {self.key_env} in the environment to a key of"
        return f"the key in {self.key_env} is refused by"

    def _detail(self, response: httpx.Response) -> str:
        """A server's error message, in one line, without the key."""
        found: Any = response.text
        with suppress(ValueError, LookupError, TypeError):
            error = json.loads(found)["error"]
            found = error["message"] if isinstance(error, dict) else error
        line = " ".join(str(found).split())
        return (line.replace(self._key, "***") if self._key else line)[:SHOWN] or "nothing"

    @property
    def _key(self) -> str:
        return os.environ.get(self.key_env, "").strip() if self.key_env else ""

    @cached_property
    def _http(self) -> httpx.Client:
        try:
            import httpx
        except ImportError as error:
            raise UserError("a language model needs httpx: pip install 'autoal[llm]'") from error
        headers = {"Content-Type": "application/json", **self._authorization()}
        found = httpx.Client(
            base_url=self.url,
            headers=headers,
            trust_env=not self._local,  # no proxy between a machine and itself
            limits=httpx.Limits(max_connections=None),
        )
        finalize(self, found.close)
        return found

    def _authorization(self) -> dict[str, str]:
        if not self._key:
            return {}
        if not (self._key.isascii() and self._key.isprintable()):
            raise UserError(
                f"the content of {self.key_env} is not a key: it has unusual characters"
            )
        if not self._local and not self.url.startswith("https://"):
            raise UserError(
                f"the key in {self.key_env} would go to {self.url} unencrypted: give an "
                "address with https://, or language.key_env=null, which sends none"
            )
        return {"Authorization": f"Bearer {self._key}"}


def _address(url: str) -> SplitResult:
    """The parts of an address, which must contain no secret, as it is written down."""
    try:
        found = urlsplit(url)
        _ = found.port
    except ValueError as error:
        raise UserError(f"language.url={url}: {error}") from error
    if found.username or found.password or found.query or found.fragment:
        raise UserError(
            "language.url= must be a plain address, such as https://api.openai.com/v1, as it is "
            "written down: a key belongs in the environment, and language.key_env= names it"
        )
    if found.scheme not in ("http", "https") or not found.hostname:
        raise UserError(f"language.url={url} must begin with http:// or https:// and a host")
    return found


def _is_local(address: SplitResult) -> bool:
    """Whether it is this machine's own address, with no network in between."""
    host = address.hostname or ""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _seconds(told: str) -> float | None:
    """How long Retry-After says to wait, in either of its spellings."""
    with suppress(ValueError):
        return max(0.0, float(told))
    with suppress(ValueError, TypeError):
        return max(0.0, parsedate_to_datetime(told).timestamp() - time())
    return None
