"""When each rule would have stopped, and the accuracy at that time.

    AUTOAL_DATA=FOLDER python -m benchmarks.stopping [--wrong .2]

The folder is that of `benchmarks.frozen`. The rounds of a data set, a batch and a seed are done
once, by margin, and all rules look on. Thresholds are those of the literature, or were set before
anything was run; none was chosen by these results. `time` is left out, since it tells of a machine.
With --wrong such a share of the answers is wrong, of all labels of the pool too; the test is true.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import torch

from autoal import Data, Experiment, Noisy, Plan, Question, Round, TrueLabels, View, rounds
from autoal.cycle.agreement import Change, Kappa
from autoal.cycle.curves import Cost, Plateau
from autoal.cycle.hooks import StopRule
from autoal.cycle.spending import Budget
from autoal.cycle.uncertainty import Uncertainty
from autoal.seeding import generator
from benchmarks.frozen import POOL, SETS, pool_of, whole
from benchmarks.quality.sets import head_of
from benchmarks.report import keep, table

START = 20
ROUNDS = {10: 40, 50: 19}  # by batch
CHECK = 50  # rows that judge in practice, without a test set
WORTH = 20.0  # labels that a point of accuracy is worth
L2 = 1.0  # penalty of the head, which does not tune itself


class Rule(NamedTuple):
    """A rule to try, and the rows that judge the rounds it sees."""

    make: Callable[[], StopRule]
    judge: str = "accuracy"


CHECKED = "val_accuracy"
RULES: dict[str, Rule] = {
    "kappa": Rule(Kappa),
    "kappa, of the last two models": Rule(lambda: Kappa(window=1)),
    "kappa >= .95": Rule(lambda: Kappa(0.95)),
    "change": Rule(Change),
    "change, mean of 3": Rule(lambda: Change(window=3)),
    "uncertainty": Rule(Uncertainty),
    "plateau, test rows": Rule(Plateau),
    f"plateau, {CHECK} check rows": Rule(Plateau, CHECKED),
    "cost, test rows": Rule(lambda: Cost(1.0, WORTH)),
    f"cost, {CHECK} check rows": Rule(lambda: Cost(1.0, WORTH), CHECKED),
    "budget of 200": Rule(lambda: Budget(200)),
}


class Point(NamedTuple):
    """A point of a learning curve."""

    labels: int
    accuracy: float


class Replay(NamedTuple):
    """One curve, and the rounds in which the rules would have ended it."""

    curve: list[Point]
    stops: dict[str, Point]  # the point at which each rule first advised to stop
    whole: float  # accuracy with the whole pool labelled


Job = tuple[str, int, int]  # data set, batch, seed


class Onlookers:
    """All rules, none of which is obeyed."""

    def __init__(self) -> None:
        self.rules = {name: rule.make() for name, rule in RULES.items()}
        self.stops: dict[str, Point] = {}

    def __call__(self, history: Sequence[Round], view: View) -> str:
        for name, rule in self.rules.items():
            if rule(_judged(history, RULES[name].judge), view).reason:
                self.stops.setdefault(name, _point(history[-1]))
        return ""


def _judged(history: Sequence[Round], judge: str) -> list[Round]:
    """The rounds as reported when these rows judge, at no cost."""
    return [
        replace(
            done,
            labelled=done.labelled - CHECK,
            bought=len(done.queried),
            metrics={"accuracy": done.metrics[judge]},
        )
        for done in history
    ]


def _point(done: Round) -> Point:
    return Point(done.labelled - CHECK, done.metrics["accuracy"])


def replayed(job: Job, wrong: float) -> Replay:
    """Do the rounds while the rules watch, with this share of the answers wrong."""
    name, batch, seed = job
    torch.set_num_threads(1)
    data, rules = _checked(pool_of(name, seed), seed), Onlookers()
    plan = Plan(START, batch, ROUNDS[batch])
    experiment = Experiment(data, head_of(data, l2=L2), "margin", plan, stop=rules, seed=seed)
    oracle = Noisy(TrueLabels(data.train.labels), rate=wrong, seed=seed)
    curve = [_point(done) for done in rounds(experiment, oracle)]
    return Replay(curve, rules.stops, _taught_all(data, oracle))


def _checked(data: Data, seed: int) -> Data:
    """The data set, with some of its test rows set apart."""
    assert data.test is not None
    order = torch.randperm(len(data.test), generator=generator(seed, "check"))
    data.validation, data.test = data.test.take(order[:CHECK]), data.test.take(order[CHECK:])
    return data


def _taught_all(data: Data, oracle: Noisy) -> float:
    """Accuracy with the whole pool labelled."""
    learner, every = head_of(data, l2=L2), torch.arange(len(data.train))
    answers = oracle(Question(0, every, data.classes))
    taught = data.train.with_labels(answers.rows, answers.labels)
    learner.fit(taught, first=True, watch=lambda step: None)
    assert data.test is not None
    return learner.test(data.test)["accuracy"]


def main() -> None:
    """Replay everything, and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--wrong", type=float, default=0.0, help="share of the answers")
    given = parser.parse_args()
    for name in SETS:
        whole(name)  # encode once, before two processes ask for the features at the same time
    jobs = list(product(SETS, ROUNDS, range(given.seeds)))
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as processes:
        done = processes.map(partial(replayed, wrong=given.wrong), jobs)
        found = dict(zip(jobs, done, strict=True))
    keep(
        f"stopping_wrong_{given.wrong:g}" if given.wrong else "stopping", "\n\n".join(tables(found))
    )


def tables(found: dict[Job, Replay]) -> Iterator[str]:
    """A summary for each batch, and a table for each data set and batch."""
    for batch in ROUNDS:
        replays = [replay for job, replay in found.items() if job[1] == batch]
        yield f"## All data sets, {batch} labels a round up to {replays[0].curve[-1].labels}"
        yield compared(replays)
    for name, batch in product(SETS, ROUNDS):
        replays = [replay for job, replay in found.items() if job[:2] == (name, batch)]
        yield f"## {name}, {batch} labels a round, {len(replays)} seeds"
        yield about(replays)
        yield compared(replays)


def about(replays: Sequence[Replay]) -> str:
    """The best results that could be reached."""
    best = [_best(replay) for replay in replays]
    labels = _spread([point.labels for point in best], 0)
    return (
        f"With all {POOL:,} labels accuracy is {_spread([replay.whole for replay in replays])}; "
        f"the best point of the curve is {_spread([point.accuracy for point in best])}, at "
        f"{labels} labels."
    )


def compared(replays: Sequence[Replay]) -> str:
    """The round in which each rule stops, if it does."""
    rows = []
    for name in RULES:
        ended = [(replay.stops[name], replay) for replay in replays if name in replay.stops]
        never = f"{len(replays) - len(ended)} of {len(replays)}"
        rows.append([name, never, *(_where(ended) if ended else [""] * 4)])
    header = ["rule", "never", "labels", "accuracy", "minus all labels", "minus the best point"]
    return table(header, rows)


def _where(ended: Sequence[tuple[Point, Replay]]) -> list[str]:
    return [
        _spread([stop.labels for stop, _ in ended], 0),
        _spread([stop.accuracy for stop, _ in ended]),
        f"{np.mean([stop.accuracy - replay.whole for stop, replay in ended]):+.3f}",
        f"{np.mean([stop.accuracy - _best(replay).accuracy for stop, replay in ended]):+.3f}",
    ]


def _best(replay: Replay) -> Point:
    """The first of the best points."""
    return max(replay.curve, key=lambda point: point.accuracy)


def _spread(values: Sequence[float], digits: int = 3) -> str:
    deviation = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{deviation}"


if __name__ == "__main__":
    main()
