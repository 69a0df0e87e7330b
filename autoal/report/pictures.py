"""The pictures that were queried first and last, where a run kept them."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autoal.report.groups import Setting
from autoal.report.runs import Run

# Where the tracking leaves the grid of each round; the step and a hash of its content follow.
GRIDS = "wandb/*run-*/files/media/images/media/queried_*_*.png"
MOST = 4_000_000  # bytes of pictures in one page


@dataclass(frozen=True)
class Pictures:
    """The first and the last query of one run, as addresses that hold the data themselves."""

    setting: str
    contender: str
    run: str
    first: str
    last: str


def queried(settings: Sequence[Setting]) -> tuple[list[Pictures], int]:
    """Of one run a contender, as long as the page stays small; and how many were left out."""
    shown: list[Pictures] = []
    size = left_out = 0
    for setting in settings:
        for name, runs in setting.contenders.items():
            found = next(((run, grids) for run in runs if (grids := _grids(run))), None)
            if found is None:
                continue
            run, grids = found
            contents = [grids[1].read_bytes(), grids[-1].read_bytes()]
            size += sum(map(len, contents))
            if size > MOST:
                left_out += 1
                continue
            first, last = map(_address, contents)
            shown.append(Pictures(setting.name, name, run.path.name, first, last))
    return shown, left_out


def _grids(run: Run) -> list[Path]:
    """The grids of all rounds in their order; nothing if they are not as many as the rounds."""
    # A round that was told twice, after a restart, has the same content.
    once = {path.stem.split("_")[-1]: path for path in run.path.glob(GRIDS)}
    ordered = sorted(once.values(), key=lambda path: int(path.stem.split("_")[1]))
    return ordered if len(ordered) == len(run.rounds) > 1 else []


def _address(content: bytes) -> str:
    return f"data:image/png;base64,{b64encode(content).decode()}"
