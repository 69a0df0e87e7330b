"""The memory of this process, as Linux counts it, in MiB."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

STATUS = Path("/proc/self/status")
EVERY = 0.05  # seconds between two looks


class Peak(NamedTuple):
    """The most that was resident at a time."""

    all: float
    anonymous: float  # what the process made; it cannot be dropped
    files: float  # of files that are mapped, which the system drops where memory is short


def resident() -> Peak:
    """What is resident now."""
    return Peak(*_fields("VmRSS", "RssAnon", "RssFile"))


def most_resident() -> float:
    """The most that was resident since the process began, by the system's own count."""
    return _fields("VmHWM")[0]


def _fields(*names: str) -> list[float]:
    found = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return [int(found[name].split()[0]) / 1024 for name in names]


class Watch:
    """Looks at what is resident, again and again, and keeps the most of each kind."""

    def __init__(self) -> None:
        self.peak = resident()
        self.ended = threading.Event()

    def look(self) -> None:
        """Until the end is told."""
        while not self.ended.wait(EVERY):
            self.peak = Peak(*map(max, self.peak, resident()))


@contextmanager
def watched() -> Iterator[Watch]:
    """The most that is resident while the block runs; its `peak` is final after it."""
    watch = Watch()
    thread = threading.Thread(target=watch.look, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.ended.set()
        thread.join()
