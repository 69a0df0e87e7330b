"""The pictures or texts that were queried first and last, where a run kept them."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from autoal.record.kinds import TEXTS
from autoal.report.faults import Fault
from autoal.report.groups import Setting
from autoal.report.runs import Run
from autoal.report.tables import Table

# Where the tracking leaves what was queried: by rounds, as a picture or a table. The step and a
# hash of its content stand in its name.
KEPT = "wandb/*run-*/files/media/*/media/queried_*_*"
SIGNATURE = b"\x89PNG\r\n\x1a\n"  # with which every such picture begins
MOST = 4_000_000  # bytes of them in one page
ROWS = 12  # texts of one query

Shown = str | Table  # an address that holds the picture itself, or texts with their labels


@dataclass(frozen=True)
class Queried:
    """The first and the last query of one run."""

    setting: str
    contender: str
    run: str
    first: Shown
    last: Shown


@dataclass(frozen=True)
class Gallery:
    """All that is shown, how many were left out, and whose queries cannot be shown."""

    shown: list[Queried]
    left_out: int
    faults: list[Fault]


def queried(settings: Sequence[Setting]) -> Gallery:
    """Of one run a contender, as long as the page stays small."""
    shown: list[Queried] = []
    faults: list[Fault] = []
    size = left_out = 0
    for setting in settings:
        for name, runs in setting.contenders.items():
            found = next((pair for run in runs if (pair := _ends(run, faults))), None)
            if found is None:
                continue
            size += found.size
            if size > MOST:
                left_out += 1
                continue
            shown.append(Queried(setting.name, name, found.run.path.name, *found.shown))
    return Gallery(shown, left_out, faults)


class _Ends(NamedTuple):
    """The first and the last query of a run."""

    run: Run
    shown: tuple[Shown, Shown]
    size: int


def _ends(run: Run, faults: list[Fault]) -> _Ends | None:
    """Those of a run that kept the queries of all rounds; broken ones are told."""
    try:
        kept = _kept(run)
        if not kept:
            return None
        first, last = (path.read_bytes() for path in (kept[1], kept[-1]))
        shown = (_shown(first, "first query"), _shown(last, "last query"))
        return _Ends(run, shown, len(first) + len(last))
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        what = "its pictures or texts of queries cannot be read; they are not shown"
        faults.append(Fault("broken queries", str(run.path), what))
        return None


def _kept(run: Run) -> list[Path]:
    """The queries of all rounds in their order; nothing if they are not as many as the rounds."""
    # A round that was told twice, after a restart, has the same content.
    once = {path.name.split("_")[-1]: path for path in run.path.glob(KEPT)}
    ordered = sorted(once.values(), key=lambda path: int(path.name.split("_")[1]))
    return ordered if len(ordered) == len(run.rounds) > 1 else []


def _shown(content: bytes, title: str) -> Shown:
    if content.startswith(SIGNATURE):
        return f"data:image/png;base64,{b64encode(content).decode()}"
    return _table(content, title)


def _table(content: bytes, title: str) -> Table:
    """The first rows of a table of texts, as W&B keeps it."""
    kept = json.loads(content)
    header, rows = kept["columns"], kept["data"][:ROWS]
    for cells in (header, *rows):
        TEXTS.demand("a row", cells)
    return Table("queried", title, header, rows)
