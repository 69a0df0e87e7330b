"""Which head gets the most out of few labels? Random rows, the same for all heads.

    AUTOAL_DATA=FOLDER python -m benchmarks.few_labels [--sets mnist bank] [--seeds 10]

The folder is that of `benchmarks.quality.sets`. Pictures are seen through patches. How the head is
tuned, and how labels spread, was decided on digits and waveform: what counts are the other four.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import torch

from autoal import Data, Encoded, Task, Trained, Training
from autoal.encoders.patches import Patches
from autoal.model.fitstep import unwatched
from autoal.model.logistic import Logistic
from autoal.model.networks import MLP
from autoal.seeding import generator, seeded
from benchmarks.quality import sets
from benchmarks.report import interval, keep, table

DESIGNED_ON = ("digits", "waveform")
REPORTED = ("mnist", "pneumoniamnist", "cifar10_10k", "bank")
SETS: Mapping[str, Callable[[], Data]] = {
    **{name: partial(sets.table, f"{name}.csv") for name in ("waveform", "bank")},
    **{
        name: partial(sets.pictures, f"{name}.npz", Patches(), test=10_000)
        for name in ("mnist", "pneumoniamnist", "cifar10_10k")
    },
    # For 8x8 pixels, of which a patch of the usual six would see nearly all.
    "digits": lambda: Encoded(sets.digits(), Patches(count=200, size=3), torch.device("cpu")),
}
LABELS = (20, 50, 100, 200)
POOL = 4_000  # rows drawn from a larger set, the same for all seeds
HEADS: Mapping[str, Callable[..., Task]] = {
    "300 steps": partial(
        Task,
        partial(MLP, hidden=(), dropout=0.2),
        steps=300,
        optimizer="adamw",
        learning_rate=0.003,
        weight_decay=0.01,
    ),
    "l2=1": partial(Logistic, l2=1.0),
    "tuned": Logistic,
    "tuned, spread": partial(Logistic, spread=True),
}
DIFFERENCES = (
    ("l2=1", "300 steps"),
    ("tuned", "l2=1"),
    ("tuned, spread", "tuned"),
    ("tuned, spread", "300 steps"),
)


class Fit(NamedTuple):
    """The result of a head on a set, taught this many of a seed's rows."""

    name: str
    labels: int
    seed: int
    head: str
    accuracy: float
    nll: float
    seconds: float  # seconds of one core
    spread: bool  # to rows of the pool


@cache
def load(name: str) -> Data:
    """The set, ready for use."""
    data = SETS[name]()
    data.setup()
    return sets.pooled(data, POOL, 0)


def fits(name: str, seed: int) -> list[Fit]:
    """All heads with every number of labels."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    data = load(name)
    assert data.test is not None
    order = torch.randperm(len(data.train), generator=generator(seed, "labels"))
    found = []
    for head, build in HEADS.items():
        with seeded(seed, "task"):
            task = build(
                shape=data.train.shape, classes=len(data.classes), preprocess=data.preprocess()
            )
            learner = Trained(task, Training(accelerator="cpu"))
            learner.meet(data.train.without_labels())
            for labels in LABELS:
                lesson = data.train.take(order[:labels].sort().values)
                begin = time.process_time()
                learner.fit(lesson, first=True, watch=unwatched)
                seconds = time.process_time() - begin
                metrics = learner.test(data.test)
                spread = learner.settled().get("spread", 0.0) > 0
                told = (metrics["accuracy"], metrics["nll"], seconds, spread)
                found.append(Fit(name, labels, seed, head, *told))
    return found


def page(found: list[Fit], names: list[str]) -> str:
    """The tables of these sets."""
    cells = [(name, labels) for name in names for labels in LABELS]
    return "\n\n".join(
        [
            "Accuracy in per cent on the test set:",
            _means(found, cells, lambda fit: 100 * fit.accuracy, 1),
            "Differences of accuracy in points, paired by the seed, with 95 % intervals:",
            _differences(found, cells),
            "Mean log loss on the test set:",
            _means(found, cells, lambda fit: fit.nll, 3),
        ]
    )


def _means(
    found: list[Fit], cells: list[tuple[str, int]], measure: Callable[[Fit], float], digits: int
) -> str:
    rows = [
        [
            *(name, str(labels)),
            *(f"{_values(found, name, labels, head, measure).mean():.{digits}f}" for head in HEADS),
        ]
        for name, labels in cells
    ]
    return table(["set", "labels", *HEADS], rows)


def _differences(found: list[Fit], cells: list[tuple[str, int]]) -> str:
    rows = []
    for name, labels in cells:
        accuracy = partial(_values, found, name, labels, measure=lambda fit: 100 * fit.accuracy)
        differences = [interval(accuracy(one) - accuracy(other), 1) for one, other in DIFFERENCES]
        share = _values(found, name, labels, "tuned, spread", lambda fit: fit.spread).mean()
        rows.append([name, str(labels), *differences, f"{100 * share:.0f} %"])
    titles = [f"{one} - {other}" for one, other in DIFFERENCES]
    return table(["set", "labels", *titles, "labels spread in"], rows)


def _seconds(found: list[Fit]) -> str:
    rows = [[head, *(_median(found, head, labels) for labels in LABELS)] for head in HEADS]
    return table(["median seconds of a fit", *map(str, LABELS)], rows)


def _median(found: list[Fit], head: str, labels: int) -> str:
    spent = [fit.seconds for fit in found if (fit.head, fit.labels) == (head, labels)]
    return f"{np.median(spent):.2f}"


def _values(
    found: list[Fit], name: str, labels: int, head: str, measure: Callable[[Fit], float]
) -> np.ndarray:
    """The values of each seed, in order."""
    some = [fit for fit in found if (fit.name, fit.labels, fit.head) == (name, labels, head)]
    return np.array([measure(fit) for fit in sorted(some, key=lambda fit: fit.seed)], dtype=float)


def main() -> None:
    """Fit everything, and keep the tables."""
    known = [*REPORTED, *DESIGNED_ON]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sets", nargs="+", default=known, choices=known)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    for name in given.sets:
        load(name)  # encode once, before two processes ask for the features at the same time
    jobs = [(name, seed) for name in given.sets for seed in range(given.seeds)]
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        found = [fit for some in pool.map(fits, *zip(*jobs, strict=True)) for fit in some]
    parts = [f"{given.seeds} seeds; a pool of {POOL:,} rows at most; features by patches."]
    for title, names in (("Not used for any choice", REPORTED), ("Used", DESIGNED_ON)):
        if some := [name for name in names if name in given.sets]:
            parts += [f"## {title}", page(found, some)]
    parts += ["## Cost", f"{_seconds(found)}\n\nOn one core; features and graph are made before."]
    keep("few_labels", "\n\n".join(parts))


if __name__ == "__main__":
    main()
