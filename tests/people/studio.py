"""A small Label Studio: it answers by what the real one said, kept in label_studio.json."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

SAID: dict[str, Any] = json.loads(Path(__file__).with_name("label_studio.json").read_text())
KEY = "a" * 40
Json = dict[str, Any]


@dataclass
class Studio:
    """The server's content, and the requests it received."""

    url: str = ""
    projects: dict[int, Json] = field(default_factory=dict)
    tasks: list[Json] = field(default_factory=list)
    uploads: list[bytes] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    key: str = KEY
    bearer: str = ""
    broken: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # answers by path
    count: int = 0

    def annotate(self, name: str, label: str | None, by: int = 1, **more: Any) -> Json:
        """Annotate the task of this name, as the page does; None skips it."""
        (task,) = [task for task in self.tasks if task["data"]["name"] == name]
        annotation = deepcopy(SAID["annotations"][0 if label is not None else 1])
        self.count += 1
        annotation |= {"id": self.count, "completed_by": by, "task": task["id"]}
        annotation["updated_at"] = f"2026-11-26T06:00:{self.count:02}.000000Z"
        if label is not None:
            annotation["result"][0]["value"]["choices"] = [label]
        task["annotations"].append(annotation | more)
        last: Json = task["annotations"][-1]
        return last

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """The server's answers."""
        place = path.partition("?")[0]
        numbers = [int(number) for number in re.findall(r"\d+", place)]
        match method, re.sub(r"\d+", "N", place):
            case "GET", "/api/users/":
                return told("users")
            case "POST", "/api/projects/":
                return 201, self.made(json.loads(body))
            case "GET", "/api/projects/N/" if numbers[0] in self.projects:
                return 200, self.projects[numbers[0]]
            case "GET", "/api/projects/N/export" if numbers[0] in self.projects:
                return 200, [task for task in self.tasks if task["project"] == numbers[0]]
            case "POST", "/api/projects/N/import" if path.endswith("commit_to_project=false"):
                self.uploads.append(body)
                return 201, SAID["upload"]["json"] | {"file_upload_ids": [len(self.uploads)]}
            case "POST", "/api/projects/N/import":
                return 201, self._import(numbers[0], json.loads(body))
            case "GET", "/api/import/file-upload/N":
                return 200, {"id": numbers[0], "file": f"upload/1/x-{numbers[0]}.png"}
        return told("no project")

    def made(self, settings: Json) -> Json:
        number = len(self.projects) + 1
        project = SAID["project"]["json"] | settings | {"id": number}
        self.projects[number] = project | {"parsed_label_config": parsed(settings["label_config"])}
        return self.projects[number]

    def _import(self, project: int, tasks: list[Json]) -> Json:
        for task in tasks:
            number = len(self.tasks) + 1
            self.tasks.append(deepcopy(SAID["task"]) | task | {"id": number, "project": project})
        return dict(SAID["import"]["json"])


def told(name: str) -> tuple[int, Any]:
    """The real server's answer in such a case."""
    return SAID[name]["status"], SAID[name]["json"]


def parsed(config: str) -> Json:
    """A labelling interface as the server reads it."""
    view = ElementTree.fromstring(config)
    objects = {tag.get("name"): tag for tag in view if tag.get("value", "").startswith("$")}
    controls: Json = {}
    for control in view.iter("Choices"):
        about = objects[control.get("toName")]
        controls[str(control.get("name"))] = {
            "type": "Choices",
            "to_name": [about.get("name")],
            "inputs": [{"type": about.tag, "valueType": None, "value": about.get("value", "")[1:]}],
            "labels": [choice.get("value") for choice in control],
        }
    return controls


@contextmanager
def served(studio: Studio) -> Iterator[Studio]:
    """Let it be reached over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body: bytes) -> None:
            studio.requests.append(f"{self.command} {self.path}")
            status, content = self._content(body)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "http://elsewhere/")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _content(self, body: bytes) -> tuple[int, bytes]:
            place = self.path.partition("?")[0]
            if place in studio.broken:
                return studio.broken[place]
            if place == "/health":
                status, answer = told("health")
            elif place == "/api/token/refresh/":
                right = json.loads(body) == {"refresh": studio.bearer}
                status, answer = told("access" if right else "wrong refresh")
            elif self.headers["Authorization"] not in self._keys():
                status, answer = told("wrong key")
            else:
                status, answer = studio.answer(self.command, self.path, body)
            return status, json.dumps(answer).encode()

        def _keys(self) -> tuple[str, str]:
            access = SAID["access"]["json"]["access"] if studio.bearer else "nobody's"
            return f"Token {studio.key}", f"Bearer {access}"

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    studio.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield studio
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
