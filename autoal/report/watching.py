"""Records that grow, and a report that follows them."""

from collections.abc import Callable, Sequence
from os import stat_result
from pathlib import Path
from time import sleep

from autoal.record.layout import CONFIG, FAILURE, ROUNDS
from autoal.report.folders import run_folders

INTERVAL = 10  # seconds between two checks of the records, and between reloads in a browser

Stamps = dict[Path, tuple[int, int]]  # time of the last change of each file, and its size


def follow(tops: Sequence[Path], seen: Stamps, renew: Callable[[], object]) -> None:
    """Renew a report whenever the records below these folders change; this never ends.

    Args:
        tops: folders with runs; more may come.
        seen: the stamps before the report was written.
        renew: writes it anew.
    """
    while True:
        sleep(INTERVAL)
        found = stamps(tops)
        if found != seen:
            seen = found
            renew()


def stamps(tops: Sequence[Path]) -> Stamps:
    """Stamps that differ once any record has changed."""
    folders = run_folders(tops, [])
    files = [folder / name for folder in folders for name in (CONFIG, ROUNDS, FAILURE)]
    return {path: (known.st_mtime_ns, known.st_size) for path in files if (known := _known(path))}


def _known(path: Path) -> stat_result | None:
    try:
        return path.stat()
    except OSError:  # not every run has each of these files, and one may have gone
        return None
