"""The memory of this process, as Linux counts it, in MiB."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

STATUS = Path("/proc/self/status")
EVERY = 0.05  # seconds between two readings


class Peak(NamedTuple):
    """The peaks of resident memory."""

    all: float
    anonymous: float  # made by the process; the system cannot drop it
    files: float  # mapped files, which the system drops when memory is short


def resident() -> Peak:
    """Resident memory now."""
    return Peak(*_fields("VmRSS", "RssAnon", "RssFile"))


def most_resident() -> float:
    """The peak since the process began, as the system counts it."""
    return _fields("VmHWM")[0]


def _fields(*names: str) -> list[float]:
    found = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return [int(found[name].split()[0]) / 1024 for name in names]


class Watch:
    """Reads resident memory again and again, and keeps the peak of each kind."""

    def __init__(self) -> None:
        self.peak = resident()
        self.ended = threading.Event()

    def look(self) -> None:
        """Read until told to end."""
        while not self.ended.wait(EVERY):
            self.peak = Peak(*map(max, self.peak, resident()))


@contextmanager
def watched() -> Iterator[Watch]:
    """The peak of resident memory in the block; its `peak` is final afterwards."""
    watch = Watch()
    thread = threading.Thread(target=watch.look, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.ended.set()
        thread.join()
