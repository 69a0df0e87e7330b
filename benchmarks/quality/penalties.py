"""The penalty of each set's head: chosen once, on random labels, and the same for all strategies.

    AUTOAL_DATA=... AUTOAL_BENCH=... python -m benchmarks.quality.penalties

The folders are those of `benchmarks.quality.sets`. It is the one of the least log loss in folds of
200 labels, on average over the seeds. What the head makes of random labels is kept beside it.
"""

import argparse
import json
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import mean
from typing import Any

import torch
from torch.nn.functional import one_hot

from autoal import Data, Learner, Rows
from autoal.maths.trust import Belief
from autoal.model.fitstep import unwatched
from autoal.model.lesson import Lesson
from autoal.model.tuning import Search
from autoal.seeding import seeded
from benchmarks.quality.sets import (
    COPIED,
    PENALTIES,
    SETS,
    drawn,
    head_of,
    l2_of,
    pool_of,
    whole,
)
from benchmarks.report import keep, table

LABELS = 200  # labels on which penalties are chosen
SHOWN = (50, 200, 500)  # numbers of labels for the table
SEEDS = 11
TRIED = [10 ** (power / 4) for power in range(16, -13, -1)]  # from 10,000 to .001
TOLERANCE = 1e-5  # of the gradient, which moves no prediction
ROUGH = 1e-4  # for the fit to all rows, which takes long
EVERY = 1_000_000  # more rows than any set has
# Sets without those that a network reads, and those with another set's penalty.
NAMES = [name for name in SETS if name not in ("digits", *COPIED)]


def taught(data: Data, rows: Rows, tolerance: float = TOLERANCE, **options: Any) -> Learner:
    """A head trained on these rows, which are dealt to folds in their shuffled order."""
    learner = head_of(data, tolerance=tolerance, **options)
    with seeded(0, "fit"):
        learner.fit(rows, first=True, watch=unwatched)
    return learner


def labelled(name: str, seed: int, count: int) -> tuple[Data, Rows]:
    """The data set with a seed's pool, and this many random rows of it."""
    data = pool_of(name, seed)
    return data, drawn(data.train, count, seed)


def chosen(name: str) -> float:
    """The penalty, to two digits."""
    torch.set_num_threads(1)
    losses = torch.tensor([_losses(*labelled(name, seed, LABELS)) for seed in range(SEEDS)])
    return float(f"{TRIED[int(losses.mean(0).argmin())]:.1e}")


def _losses(data: Data, rows: Rows) -> list[float]:
    """The log loss of each penalty on held-out rows."""
    targets = one_hot(rows.labels, len(data.classes)).double()
    folds = Search(Lesson(rows.inputs.double(), targets, None, intercept=True))
    return [folds.tried(l2, Belief()).loss for l2 in TRIED]


def accuracy(data: Data, rows: Rows, l2: float, tolerance: float = TOLERANCE) -> float:
    """Accuracy on the test rows."""
    assert data.test is not None
    return taught(data, rows, tolerance, l2=l2).test(data.test)["accuracy"]


def described(name: str) -> list[str]:
    """A line about a set."""
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    data, l2 = pool_of(name, 0, EVERY), l2_of(name)
    assert data.test is not None
    rows, tested = len(data.train), len(data.test)
    sizes = [f"{rows:,}", f"{tested:,}", str(data.train.shape[0]), str(len(data.classes))]
    best = accuracy(data, data.train, l2, ROUGH)
    reached = [f"{value:.3f}" for value in (*_curve(name, l2), best)]
    return [name, *sizes, _shares(data.train), _shares(data.test), f"{l2:g}", *reached]


def _curve(name: str, l2: float) -> Iterator[float]:
    """Mean accuracy with growing numbers of labels."""
    for count in SHOWN:
        yield mean(accuracy(*labelled(name, seed, count), l2) for seed in range(SEEDS))


def _shares(rows: Rows) -> str:
    """The shares of the smallest and the largest class, in per cent."""
    counts = rows.labels.bincount()
    low, high = (100 * float(size) / len(rows) for size in (counts.min(), counts.max()))
    return f"{low:.1f} to {high:.1f}"


def main() -> None:
    """Choose the penalties, and describe the sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    for name in NAMES:
        whole(name)  # encode once, before two processes ask for the features at the same time
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as processes:
        found = dict(zip(NAMES, processes.map(chosen, NAMES), strict=True))
        PENALTIES.write_text(json.dumps(found, indent=2) + "\n")
        lines = list(processes.map(described, NAMES))
    labels = [f"{count} labels" for count in SHOWN]
    header = ["set", "rows", "test", "width", "classes", "% a class", "of the test", "l2", *labels]
    keep("quality_sets", table([*header, "all rows"], lines))


if __name__ == "__main__":
    main()
