"""The runs of one sweep, which tell the command that began it that they are done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp

VARIABLE = "AUTOAL_SWEEP"  # of the environment, which all processes of a sweep have


@dataclass(frozen=True)
class Sweep:
    """So many runs, and a file to which each of them adds a line when it is done."""

    total: int
    path: Path

    @classmethod
    def begun(cls, total: int, folder: Path) -> Sweep:
        """Another one, of which all processes know that this one starts from now on."""
        folder.mkdir(parents=True, exist_ok=True)
        opened, name = mkstemp(dir=folder, prefix="done-", suffix=".txt")
        os.close(opened)
        sweep = cls(total, Path(name).absolute())
        os.environ[VARIABLE] = f"{total}:{sweep.path}"
        return sweep

    @classmethod
    def current(cls) -> Sweep | None:
        """The one that this process works for, if any."""
        total, _, path = os.environ.get(VARIABLE, "").partition(":")
        return cls(int(total), Path(path)) if path else None

    def add(self, run: Path) -> str:
        """Tell that a run is done; returns how far the sweep is, as a person reads it.

        On a machine that does not see the file, or after the command was stopped, nobody is told.
        """
        try:
            opened = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        except OSError:
            return "done"
        with open(opened, "wb") as file:
            file.write(os.fsencode(f"{run.absolute()}\n"))  # in one piece, however many write
        return f"{len(self.done())} of {self.total} runs done"

    def done(self) -> list[Path]:
        """The folders of the runs that are done, in the order in which they came to be."""
        return [Path(os.fsdecode(line)) for line in self.path.read_bytes().splitlines()]


@contextmanager
def forgotten() -> Iterator[None]:
    """Whatever sweep is begun in here is none any more in the end, and its file is gone."""
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
