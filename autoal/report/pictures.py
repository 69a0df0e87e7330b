"""The pictures that were queried first and last, where a run kept them."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from autoal.report.faults import Fault
from autoal.report.groups import Setting
from autoal.report.runs import Run

# Where the tracking leaves the grid of each round; the step and a hash of its content follow.
GRIDS = "wandb/*run-*/files/media/images/media/queried_*_*.png"
SIGNATURE = b"\x89PNG\r\n\x1a\n"  # with which every such picture begins
MOST = 4_000_000  # bytes of pictures in one page


@dataclass(frozen=True)
class Pictures:
    """The first and the last query of one run, as addresses that hold the data themselves."""

    setting: str
    contender: str
    run: str
    first: str
    last: str


@dataclass(frozen=True)
class Gallery:
    """All that is shown, how many were left out, and whose pictures are broken."""

    shown: list[Pictures]
    left_out: int
    faults: list[Fault]


def queried(settings: Sequence[Setting]) -> Gallery:
    """Of one run a contender, as long as the page stays small."""
    shown: list[Pictures] = []
    faults: list[Fault] = []
    size = left_out = 0
    for setting in settings:
        for name, runs in setting.contenders.items():
            found = next((pair for run in runs if (pair := _ends(run, faults))), None)
            if found is None:
                continue
            size += sum(map(len, found.contents))
            if size > MOST:
                left_out += 1
                continue
            first, last = map(_address, found.contents)
            shown.append(Pictures(setting.name, name, found.run.path.name, first, last))
    return Gallery(shown, left_out, faults)


class _Ends(NamedTuple):
    """The grids of the first and the last query of a run."""

    run: Run
    contents: list[bytes]


def _ends(run: Run, faults: list[Fault]) -> _Ends | None:
    """Those of a run that kept the grids of all rounds; broken ones are told."""
    try:
        grids = _grids(run)
        contents = [path.read_bytes() for path in (grids[1], grids[-1])] if grids else []
    except (OSError, ValueError):
        contents = [b""]
    if not all(content.startswith(SIGNATURE) for content in contents):
        what = "its pictures of queries cannot be read; they are not shown"
        faults.append(Fault("broken pictures", str(run.path), what))
        return None
    return _Ends(run, contents) if contents else None


def _grids(run: Run) -> list[Path]:
    """The grids of all rounds in their order; nothing if they are not as many as the rounds."""
    # A round that was told twice, after a restart, has the same content.
    once = {path.stem.split("_")[-1]: path for path in run.path.glob(GRIDS)}
    ordered = sorted(once.values(), key=lambda path: int(path.stem.split("_")[1]))
    return ordered if len(ordered) == len(run.rounds) > 1 else []


def _address(content: bytes) -> str:
    return f"data:image/png;base64,{b64encode(content).decode()}"
