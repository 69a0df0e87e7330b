"""Finds the folders of runs."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from autoal.errors import UserError
from autoal.record.layout import CONFIG, FAILURE, ROUNDS
from autoal.report.faults import Fault


def run_folders(tops: Iterable[Path], faults: list[Fault]) -> list[Path]:
    """Each run's folder once, even if one of the given folders lies in another.

    What cannot be looked into is added to the faults.
    """
    found: dict[Path, Path] = {}
    for top in tops:
        if not top.is_dir():
            raise UserError(f"there is no folder {top}")
        for path in _below(top, faults):
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _below(top: Path, faults: list[Fault]) -> Iterator[Path]:
    def closed(error: OSError) -> None:
        faults.append(Fault("unreadable", str(error.filename), f"{error.strerror}; left out"))

    for path, folders, files in os.walk(top, onerror=closed):
        there = {*folders, *files}
        if CONFIG in there or ROUNDS in there:
            folders.clear()  # everything below a run's folder is its own
            yield Path(path)
        elif FAILURE in there:
            yield Path(path)
        else:
            folders[:] = sorted(name for name in folders if not name.startswith("."))
