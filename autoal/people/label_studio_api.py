"""The needed part of Label Studio's HTTP interface, with only the standard library."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from time import monotonic
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener
from uuid import uuid4

from autoal.errors import UserError

KEYS = ("AUTOAL_LABEL_STUDIO_TOKEN", "LABEL_STUDIO_API_KEY")  # environment variables
FIRST, PATIENCE = 3, 60  # seconds for the first answer, and for any other
ACCESS = 60  # seconds to use an access token, which lasts for five minutes
JSON = "application/json"


class _Unfollowed(HTTPRedirectHandler):
    """Refuses redirects: the key is only for this server."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Api:
    """A server, and the key to it.

    Args:
        url: of the server.
    """

    def __init__(self, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise UserError(f"oracle.url={url} must begin with http:// or https://")
        self.url = url.rstrip("/")
        self._key = key()
        self._access = ("", -float("inf"))  # a token, and when it came
        self._opener = build_opener(_Unfollowed)

    def reach(self) -> None:
        """Refuse a server that does not answer at once."""
        self._sent(Request(f"{self.url}/health"), FIRST)

    def get(self, path: str) -> Any:
        """GET a path."""
        return self._asked(path, "GET")

    def post(self, path: str, body: Any) -> Any:
        """POST a body to a path."""
        return self._asked(path, "POST", json.dumps(body).encode())

    def upload(self, project: int, name: str, content: bytes) -> str:
        """Upload a file to a project; return where its tasks find it."""
        mark = uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
        kind = f"multipart/form-data; boundary={mark}"
        path = f"/api/projects/{project}/import?commit_to_project=false"
        with understood(self.url):
            number = self._asked(path, "POST", body, kind)["file_upload_ids"][0]
            return f"/data/{self.get(f'/api/import/file-upload/{number}')['file']}"

    def _asked(self, path: str, method: str, body: bytes | None = None, kind: str = JSON) -> Any:
        headers = {"Authorization": self._authorization(), "Content-Type": kind}
        return self._sent(Request(f"{self.url}{path}", body, headers, method=method), PATIENCE)

    def _authorization(self) -> str:
        """The header for a legacy token, or for an access token from a personal one."""
        if self._key.count(".") != 2:
            return f"Token {self._key}"
        token, since = self._access
        if monotonic() - since > ACCESS:
            body = json.dumps({"refresh": self._key}).encode()
            request = Request(f"{self.url}/api/token/refresh/", body, {"Content-Type": JSON})
            with understood(self.url):
                token = str(self._sent(request, PATIENCE)["access"])
            self._access = (token, monotonic())
        return f"Bearer {token}"

    def _sent(self, request: Request, patience: float) -> Any:
        with self._explained(request):
            answer: HTTPResponse
            with self._opener.open(request, timeout=patience) as answer:
                return json.load(answer)

    @contextmanager
    def _explained(self, request: Request) -> Iterator[None]:
        """Turn a server's errors into messages."""
        try:
            yield
        except HTTPError as error:
            raise UserError(self._refusal(request, error)) from error
        except (OSError, HTTPException) as error:
            why = getattr(error, "reason", error)
            raise UserError(
                f"no Label Studio answers at {self.url} ({why}): start it, or give oracle.url="
            ) from error
        except ValueError as error:
            raise UserError(
                f"the server at {self.url} is not Label Studio: it does not answer in JSON"
            ) from error

    def _refusal(self, request: Request, error: HTTPError) -> str:
        told = _detail(error)
        if error.code == 401:
            return f"the key in {' or '.join(KEYS)} is refused by {self.url}: {told}"
        if 300 <= error.code < 400:
            return (
                f"{self.url} redirects to {error.headers.get('Location')}: give that as oracle.url="
            )
        return f"{request.get_method()} {request.full_url} failed with {error.code}: {told}"


def key() -> str:
    """The key from the environment."""
    for name in KEYS:
        if found := os.environ.get(name, "").strip():
            return found
    raise UserError(
        f"there is no key for Label Studio: set {KEYS[0]} to the access token that it shows under "
        "Account & Settings"
    )


def _detail(error: HTTPError) -> str:
    """A server's error message."""
    try:
        said = json.load(error)
    except (ValueError, OSError):
        return error.reason
    wrong = said.get("validation_errors") if isinstance(said, Mapping) else None
    return str(wrong or (said.get("detail") if isinstance(said, Mapping) else said))


@contextmanager
def understood(url: str) -> Iterator[None]:
    """Refuse replies that differ from Label Studio's."""
    try:
        yield
    except (LookupError, TypeError, AttributeError) as error:
        told = f"{type(error).__name__}: {error}"
        raise UserError(f"{url} does not answer like Label Studio 1.23 ({told})") from error
