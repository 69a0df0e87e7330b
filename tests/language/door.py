"""A server that does as it is told, and keeps count of what it was asked."""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

MODEL = "parrot"


@dataclass
class Reply:
    """The answer to a request."""

    body: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False  # until the door is closed
    dies: bool = False  # in the midst of it


def spoken(text: str, **choice: Any) -> str:
    """The reply of a chat and of a completion in one."""
    told = {"text": text, "message": {"content": text}, "finish_reason": "stop", **choice}
    return json.dumps({"choices": [told], "usage": {"prompt_tokens": 100, "completion_tokens": 10}})


class Door:
    """A server that answers with the next of the replies, or else with `says`."""

    def __init__(self) -> None:
        self.replies: deque[Reply] = deque()
        self.says: Callable[[dict[str, Any]], Reply] = lambda body: Reply(spoken("yes"))
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.closing = Event()
        self.url = ""

    @property
    def counts(self) -> Counter[str]:
        """How often each prompt came."""
        return Counter(json.dumps(body.get("prompt", body.get("messages"))) for body in self.bodies)

    def answer(self, body: dict[str, Any]) -> Reply:
        self.bodies.append(body)
        return self.replies.popleft() if self.replies else self.says(body)


@contextmanager
def opened() -> Iterator[Door]:
    """A door on a port of its own."""
    door = Door()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            listed = json.dumps({"data": [{"id": MODEL}]})
            self._say(door.replies.popleft() if door.replies else Reply(listed))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._say(door.answer(body))

        def _say(self, reply: Reply) -> None:
            door.keys.append(self.headers.get("Authorization"))
            if reply.hangs:
                door.closing.wait()
                return
            content = reply.body.encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content) + 100 * reply.dies))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None: ...

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None: ...  # of who hung up

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    door.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield door
    finally:
        door.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
