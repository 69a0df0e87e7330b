"""People who label by the page's own interface, without a browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from itertools import count
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

Says = Callable[[Mapping[str, Any]], Mapping[str, Any]]  # from a task to kind and label


class Reached(NamedTuple):
    """A server's answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Client:
    """The requests of one page."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.netloc = parts.netloc
        self.token = parse_qs(parts.query)["token"][0]
        self.ids = count()
        self.connection = HTTPConnection(parts.netloc, timeout=60)

    def reach(
        self, method: str, path: str, body: bytes | None = None, **headers: str | None
    ) -> Reached:
        """One request; a header that is None is left out."""
        given = {"Authorization": f"Bearer {self.token}", "Content_Type": "application/json"}
        sent = {
            name.replace("_", "-"): value
            for name, value in {**given, **headers}.items()
            if value is not None
        }
        self.connection.request(method, path, body, sent)
        response = self.connection.getresponse()
        return Reached(response.status, dict(response.headers), response.read())

    def get(self, path: str) -> Any:
        found = self.reach("GET", path)
        assert found.status == 200, found
        return found.json

    def post(self, path: str, **body: Any) -> Any:
        found = self.send(path, **body)
        assert found.status == 200, found
        return found.json

    def send(self, path: str, **body: Any) -> Reached:
        body.setdefault("id", f"{self.token[:8]}-{next(self.ids)}")
        return self.reach("POST", path, json.dumps(body).encode())

    def answer(self, row: int, label: str | None = None, kind: str = "label") -> Any:
        said = {"row": row, "kind": kind, "label": label, "seconds": 1.0, "shown": False}
        return self.post("/api/answer", **said)

    def close(self) -> None:
        self.connection.close()


class Simulated(Thread):
    """Somebody who says of every row what `says` says, until there is nothing more to do.

    Args:
        url: of the person's page.
        says: from a task to the kind and the label of the answer.
    """

    def __init__(self, url: str, says: Says) -> None:
        super().__init__(daemon=True)
        self.client = Client(url)
        self.says = says
        self.answered: list[int] = []
        self.late: list[int] = []
        self.state: Any = None

    def run(self) -> None:
        with closing(self.client), suppress(OSError, HTTPException):  # once the server is gone
            self.state = self.client.get("/api/state")
            while self.state["phase"] not in ("done", "stopped"):
                self.state = self._next()

    def _next(self) -> Any:
        if not self.state["tasks"]:
            return self.client.get(f"/api/state?since={self.state['version']}")
        task = self.state["tasks"][0]
        body = {"row": task["row"], "seconds": 1.0, "shown": False, **self.says(task)}
        found = self.client.send("/api/answer", **body)
        (self.answered if found.status == 200 else self.late).append(task["row"])
        return found.json if found.status == 200 else self.client.get("/api/state")


def truthful(classes: list[str], labels: Any) -> Says:
    """Somebody who is always right."""
    return lambda task: {"kind": "label", "label": classes[int(labels[task["row"]])]}
