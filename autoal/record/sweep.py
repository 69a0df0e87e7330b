"""The runs of one sweep, which report to its command when they are done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp
from time import time

VARIABLE = "AUTOAL_SWEEP"  # environment variable of all processes of a sweep


@dataclass(frozen=True)
class Sweep:
    """A number of runs, and a file to which each adds a line when done.

    Args:
        total: of the runs.
        path: of the file.
        since: its beginning, in seconds since the epoch.
    """

    total: int
    path: Path
    since: float

    @classmethod
    def begun(cls, total: int, folder: Path) -> Sweep:
        """Begin a sweep that all processes started from now on know."""
        folder.mkdir(parents=True, exist_ok=True)
        opened, name = mkstemp(dir=folder, prefix="done-", suffix=".txt")
        os.close(opened)
        sweep = cls(total, Path(name).absolute(), time())
        os.environ[VARIABLE] = f"{total}:{sweep.since}:{sweep.path}"
        return sweep

    @classmethod
    def current(cls) -> Sweep | None:
        """The sweep of this process, if any."""
        if not (told := os.environ.get(VARIABLE)):
            return None
        total, since, path = told.split(":", 2)
        return cls(int(total), Path(path), float(since))

    def add(self, run: Path) -> str:
        """Report that a run is done; return the sweep's progress as text.

        On a machine that does not see the file, or after the command was stopped, it does nothing.
        """
        try:
            opened = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        except OSError:
            return "done"
        with open(opened, "wb") as file:
            file.write(os.fsencode(f"{run.absolute()}\n"))  # in one piece, even with many writers
        return f"{len(self.done())} of {self.total} runs done"

    def done(self) -> list[Path]:
        """The folders of finished runs, in the order of finishing."""
        return [Path(os.fsdecode(line)) for line in self.path.read_bytes().splitlines()]

    def left(self) -> float | None:
        """Seconds that all others take if they go on like those that are done."""
        if not (done := len(self.done())):
            return None
        return (time() - self.since) * (self.total - done) / done


@contextmanager
def forgotten() -> Iterator[None]:
    """End any sweep begun in this context, and remove its file."""
    before = os.environ.pop(VARIABLE, None)
    try:
        yield
    finally:
        if sweep := Sweep.current():
            with suppress(OSError):
                sweep.path.unlink()
        os.environ.pop(VARIABLE, None)
        if before is not None:
            os.environ[VARIABLE] = before
