"""A headless Chromium, told what to do over a pipe (the DevTools protocol)."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def chromium() -> str | None:
    """The browser named by AUTOAL_CHROMIUM, or one on the path."""
    named = os.environ.get("AUTOAL_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One tab."""

    def __init__(self, reading: int, writing: int) -> None:
        self.reading, self.writing = reading, writing
        self.count = 0
        self.waiting = b""
        self.events: list[dict[str, Any]] = []
        self.session: dict[str, str] = {}
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        found = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = {"sessionId": found["sessionId"]}

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.count += 1
        message = {"id": self.count, "method": method, "params": params, **self.session}
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self.count:
            self.events.append(answer)
        assert "error" not in answer, answer
        return dict(answer["result"])

    def load(self, address: str) -> None:
        """Go there and wait until all of it has come; `Page` must be enabled."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        self.wait("Page.loadEventFired")

    def wait(self, *methods: str) -> str:
        """The first of these events, come or to come."""
        while True:
            for event in self.events:
                if event["method"] in methods:
                    return str(event["method"])
            self.events.append(self._read())

    def evaluate(self, expression: str) -> Any:
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"].get("value")

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self.waiting:
            content = os.read(self.reading, 1 << 16)
            assert content, "the browser is gone"
            self.waiting += content
        message, _, self.waiting = self.waiting.partition(b"\0")
        return dict(json.loads(message))


@contextmanager
def opened(program: str, profile: Path) -> Iterator[Browser]:
    """A browser of its own, ended afterwards."""
    # Above the numbers 3 and 4, where the browser expects its ends of the pipes.
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for _ in range(2) for end in _pipe()]
    theirs_read, ours_write, ours_read, theirs_write = ends
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
    moved = f'exec "$@" 3<&{theirs_read} 4>&{theirs_write}'
    command = [program, *options, f"--user-data-dir={profile}", "--remote-debugging-pipe"]
    process = subprocess.Popen(
        ["bash", "-c", moved, "bash", *command],
        pass_fds=(theirs_read, theirs_write),
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_read)
    os.close(theirs_write)
    try:
        yield Browser(ours_read, ours_write)
    finally:
        process.kill()
        process.wait()
        os.close(ours_read)
        os.close(ours_write)


def _pipe() -> Iterator[int]:
    for end in os.pipe():
        yield end
        os.close(end)
