"""How to begin: the accuracy of a head on its first labels, by the way they were chosen.

    AUTOAL_DATA=FOLDER python -m benchmarks.cold_start [--wrong .2]

The folder is that of `benchmarks.frozen`. A seed draws the pool and, where it draws anything, the
start; all ways to start have the same pool, and are compared with random rows in pairs. With
--wrong such a share of the answers is wrong.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from multiprocessing import get_context
from statistics import fmean

import numpy as np
import torch

from autoal import Experiment, Noisy, Plan, TrueLabels
from benchmarks.frozen import POOL, SETS, pool_of, whole
from benchmarks.quality.sets import head_of
from benchmarks.report import interval, keep, table

STARTS = ("random", "kmeans", "typiclust", "maxherding", "probcover", "coreset")
SIZES = (20, 50)

Job = tuple[str, int, str, int]  # data set, labels, start, seed
Begun = tuple[float, int]  # accuracy, classes seen


def begun(job: Job, wrong: float) -> Begun:
    """The outcome of the first round, with this share of the answers wrong."""
    name, size, start, seed = job
    torch.set_num_threads(1)
    data = pool_of(name, seed)
    plan = Plan(start=size, budget=1, rounds=0)
    chooser = None if start == "random" else start
    experiment = Experiment(data, head_of(data), "random", plan, start=chooser, seed=seed)
    question = experiment.ask()
    assert question is not None
    oracle = Noisy(TrueLabels(data.train.labels), rate=wrong, seed=seed)
    done = experiment.tell(oracle(question))
    return done.metrics["accuracy"], len(set(done.labels))


def main() -> None:
    """Try everything, and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--wrong", type=float, default=0.0, help="share of the answers")
    given = parser.parse_args()
    for name in SETS:
        whole(name)  # its features, before two processes ask for them at once
    jobs = list(product(SETS, SIZES, STARTS, range(given.seeds)))
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as processes:
        done = processes.map(partial(begun, wrong=given.wrong), jobs, chunksize=given.seeds)
        found = dict(zip(jobs, done, strict=True))
    keep(
        f"cold_start_wrong_{given.wrong:g}" if given.wrong else "cold_start",
        "\n\n".join(tables(found)),
    )


def tables(found: dict[Job, Begun]) -> Iterator[str]:
    """A summary, and a table for each data set and size."""
    yield summary(found)
    seeds = sorted({seed for *_, seed in found})
    for name, size in product(SETS, SIZES):
        yield f"## {name}, {size} of {POOL:,} rows, {len(seeds)} seeds"
        by_start = {
            start: np.array([found[name, size, start, seed] for seed in seeds]) for start in STARTS
        }
        rows = []
        for start, values in by_start.items():
            accuracies, seen = values.T
            gained = interval(accuracies - by_start["random"][:, 0], digits=3)
            shown = f"{accuracies.mean():.3f} ± {accuracies.std(ddof=1):.3f}"
            rows.append([start, shown, gained, f"{seen.mean():.1f}", f"{seen.min():.0f}"])
        header = ["start", "accuracy", "minus random, 95 % interval", "classes seen", "fewest"]
        yield table(header, rows)


def summary(found: dict[Job, Begun]) -> str:
    """Over all data sets and sizes: the mean accuracy of each start, and its worst gain."""
    means = {
        (name, size, start): fmean(
            accuracy for job, (accuracy, _) in found.items() if job[:3] == (name, size, start)
        )
        for name, size, start in product(SETS, SIZES, STARTS)
    }
    rows = []
    for start in STARTS:
        gains = [
            means[name, size, start] - means[name, size, "random"]
            for name, size in product(SETS, SIZES)
        ]
        row = [start, f"{fmean(gains):+.3f}", f"{min(gains):+.3f}", f"{max(gains):+.3f}"]
        rows.append([*row, str(sum(gain > 0 for gain in gains))])
    header = ["start", "mean gain on random", "least", "most", f"above 0, of {len(SETS) * 2}"]
    return table(header, rows)


if __name__ == "__main__":
    main()
