"""What does tuning gain a solved head? Random rows, right and wrong labels, the same for all.

    AUTOAL_DATA=FOLDER python -m benchmarks.tuning [--sets "MNIST (patches)"] [--seeds 10]

The folder is that of `benchmarks.frozen`, whose sets these are. 30 % of the labels are wrong, any
other class as likely, or the next class alone (of two classes, only the first is ever mistaken).
How the head is tuned was decided on digits and waveform: what counts are the others.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from autoal import Data, Rows
from autoal.maths.ridge import Head
from autoal.maths.trust import Belief
from autoal.model.lesson import Lesson
from autoal.model.tuning import UNTRIED, Search, Trial, tuned
from autoal.seeding import generator
from benchmarks.frozen import SETS, whole
from benchmarks.noise import NOISES
from benchmarks.report import interval, keep, table

DESIGNED_ON = ("digits (pixels)", "waveform (columns)")
LABELS = (40, 100, 400, 1_000)
LONG = 1_000  # labels from which only a few heads are fitted
SEVEN = tuple(4.0**power for power in range(1, -6, -1))  # penalties, in mean squared distances
FIVE = tuple(4.0**power for power in range(1, -8, -2))


class Fitted(NamedTuple):
    """A head, and the share of wrong labels that it assumes."""

    head: Head
    wrong: float = 0.0


class Fit(NamedTuple):
    """The result of a head."""

    name: str
    labels: int
    noise: str
    seed: int
    head: str
    accuracy: float  # per cent
    nll: float
    seconds: float  # seconds of one core
    wrong: float


class Cold(Search):
    """A search for the penalty alone."""

    def likeliest(self, l2: float, near: Belief | None = None, *, doubting: bool) -> Trial:
        return self.tried(l2, Belief())


def fixed(l2: float, lesson: Lesson) -> Fitted:
    """Uses a given penalty."""
    return Fitted(lesson.optimum(l2, lesson.full_trust, 0.0)[0])


def chosen(candidates: tuple[float, ...], lesson: Lesson) -> Fitted:
    """Uses the best of some penalties, by the log loss of held-out rows."""
    search = Search(lesson, tolerance=0.1)
    trials = [search.tried(lesson.unit() * one, Belief()) for one in candidates]
    return fixed(min(trials, key=lambda trial: trial.loss).choice.l2, lesson)


def searched(search: type[Search], lesson: Lesson) -> Fitted:
    """Trusts every label."""
    return of(
        search(lesson).found(lesson.unit() * UNTRIED)._replace(trust=lesson.full_trust), lesson
    )


def doubted(passes: int, lesson: Lesson) -> Fitted:
    """Assumes wrong labels, whatever the evidence."""
    trial = Search(lesson).found(lesson.unit() * UNTRIED, doubting=True)
    trust = lesson.full_trust
    for _ in range(passes):
        trust = trial.trust
        trial = Search(lesson, 0.0, trust).found(trial.choice.l2, doubting=True)
    return of(trial._replace(trust=trust), lesson)


def powers(lesson: Lesson) -> Fitted:
    """Weights each row by a power of its label's trust; the best power is chosen."""
    first = Search(lesson).found(lesson.unit() * UNTRIED, doubting=True)
    trials = []
    for power in (0.0, 0.5, 1.0, 2.0):
        trust = first.trust**power
        found = Search(lesson, 0.0, trust).found(first.choice.l2, doubting=True)
        trials.append(found._replace(trust=trust))
    return of(min(trials, key=lambda trial: trial.loss), lesson)


def product_of_it(lesson: Lesson) -> Fitted:
    """Does what `task=logistic` does."""
    found = tuned(lesson, lesson.unit() * UNTRIED, tune=True, spread=False)
    return Fitted(found.head.cooled(found.choice.belief.temperature), found.wrong)


def of(trial: Trial, lesson: Lesson) -> Fitted:
    """The head of a trial."""
    head, _ = lesson.optimum(trial.choice.l2, trial.trust, 0.0)
    return Fitted(head.cooled(trial.choice.belief.temperature), 1 - float(trial.trust.mean()))


HEADS: Mapping[str, Callable[[Lesson], Fitted]] = {
    **{f"l2={l2:g}": partial(fixed, l2) for l2 in (0.1, 1.0, 10.0, 100.0)},
    "grid of 7": partial(chosen, SEVEN),
    "grid of 5": partial(chosen, FIVE),
    "l2": partial(searched, Cold),
    "l2, temperature": partial(searched, Search),
    "tuned": product_of_it,
    "trust, no weights": partial(doubted, 0),
    "trust, always": partial(doubted, 1),
    "trust, twice": partial(doubted, 2),
    "power of trust": powers,
}
LAST = "tuned"  # heads that are fitted to many labels too
MAIN = tuple(HEADS)[: tuple(HEADS).index(LAST) + 1]


def read(data: Data, rows: Rows) -> tuple[Tensor, Tensor]:
    """The features of rows that a head reads, and their labels."""
    return data.preprocess().eval()(rows.inputs).flatten(1).double(), rows.labels


def fits(name: str, seed: int, counts: tuple[int, ...]) -> list[Fit]:
    """All heads for one seed."""
    torch.set_num_threads(1)
    data = whole(name)
    assert data.test is not None
    features, labels = read(data, data.train)
    test, truth = read(data, data.test)
    classes = len(data.classes)
    order = torch.randperm(len(features), generator=generator(seed, "labels"))
    found = []
    for count, (noise, spoil) in product(counts, NOISES.items()):
        some = order[:count]
        stream = generator(seed, "noise")
        targets = one_hot(spoil(labels[some], classes, stream), classes).double()
        for head in MAIN if count >= LONG else HEADS:
            begin = time.process_time()
            fitted = HEADS[head](Lesson(features[some], targets, None, intercept=True))
            seconds = time.process_time() - begin
            logits = fitted.head.logits(test)
            right = 100 * float((logits.argmax(1) == truth).double().mean())
            nll = float(cross_entropy(logits, truth))
            found.append(Fit(name, count, noise, seed, head, right, nll, seconds, fitted.wrong))
    return found


Measure = Callable[[Fit], float]


def page(found: list[Fit], names: list[str]) -> str:
    """The tables of several sets together."""
    own = [fit for fit in found if fit.name in names]
    return "\n\n".join(
        [
            "Accuracy in per cent on the test set, whose labels are right, the mean of the sets:",
            means(own, lambda fit: fit.accuracy, 1),
            "Mean log loss there:",
            means(own, lambda fit: fit.nll, 3),
            "Accuracy of `tuned` minus that of others in points, paired by set and seed, with 95 % "
            "intervals over seeds:",
            differences(own, lambda fit: fit.accuracy, 1),
            "Log loss of `tuned` minus that of others:",
            differences(own, lambda fit: fit.nll, 3),
            "What `tuned` supposes: the mean share of wrong labels, and how often there is any:",
            supposed(own),
        ]
    )


def cells(found: list[Fit]) -> list[tuple[str, int]]:
    """Noises and numbers of labels."""
    return list(product(NOISES, sorted({fit.labels for fit in found})))


def by_seed(found: list[Fit], cell: tuple[str, int], head: str, measure: Measure) -> np.ndarray:
    """The mean over the sets for each seed, in order; empty if nothing was fitted."""
    some = [fit for fit in found if (fit.noise, fit.labels) == cell and fit.head == head]
    seeds = sorted({fit.seed for fit in some})
    return np.array([np.mean([measure(fit) for fit in some if fit.seed == s]) for s in seeds])


def means(found: list[Fit], measure: Measure, digits: int) -> str:
    """A line per head, a column per cell."""
    rows = []
    for head in HEADS:
        values = [by_seed(found, cell, head, measure) for cell in cells(found)]
        rows.append([head, *(f"{one.mean():.{digits}f}" if len(one) else "" for one in values)])
    return table(["head", *(f"{noise}, {labels}" for noise, labels in cells(found))], rows)


def differences(found: list[Fit], measure: Measure, digits: int) -> str:
    """The differences between the tuned head and others."""
    others = ("l2=1", "grid of 7", "grid of 5", "l2, temperature")
    rows = []
    for cell in cells(found):
        own = by_seed(found, cell, LAST, measure)
        gains = [interval(own - by_seed(found, cell, other, measure), digits) for other in others]
        rows.append([f"{cell[0]}, {cell[1]}", *gains])
    return table(["labels", *others], rows)


def supposed(found: list[Fit]) -> str:
    """The results by set."""
    rows = []
    for name in sorted({fit.name for fit in found}):
        own = [fit for fit in found if fit.name == name]
        shares = [by_seed(own, cell, LAST, lambda fit: fit.wrong) for cell in cells(found)]
        rows.append([name, *(f"{one.mean():.2f} ({(one > 0).mean():.0%})" for one in shares)])
    return table(["set", *(f"{noise}, {labels}" for noise, labels in cells(found))], rows)


def accuracies(found: list[Fit]) -> str:
    """The results of each set with a few heads."""
    heads = ("l2=1", "grid of 7", "l2, temperature", "tuned")
    rows = []
    for name, cell in product(sorted({fit.name for fit in found}), cells(found)):
        own = [fit for fit in found if fit.name == name]
        values = [by_seed(own, cell, head, lambda fit: fit.accuracy).mean() for head in heads]
        losses = [by_seed(own, cell, head, lambda fit: fit.nll).mean() for head in heads]
        told = [f"{one:.1f}, {loss:.3f}" for one, loss in zip(values, losses, strict=True)]
        rows.append([name, f"{cell[0]}, {cell[1]}", *told])
    return table(["set", "labels", *heads], rows)


def main() -> None:
    """Fit everything, and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--labels", nargs="+", type=int, default=list(LABELS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    for name in given.sets:
        whole(name)  # encode once, before two processes ask for the features at the same time
    jobs = [(name, seed, tuple(given.labels)) for seed in range(given.seeds) for name in given.sets]
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        found = [fit for some in pool.map(fits, *zip(*jobs, strict=True)) for fit in some]
    parts = [f"{given.seeds} seeds."]
    for title, used in (("Not used for any choice", False), ("Used", True)):
        if some := [name for name in given.sets if (name in DESIGNED_ON) == used]:
            parts += [f"## {title}", page(found, some)]
    parts += ["## Each set: accuracy, log loss", accuracies(found)]
    spent = means(found, lambda fit: fit.seconds, 3)
    parts += ["## Seconds of a fit on one core, the mean of all sets", spent]
    keep("tuning", "\n\n".join(parts))


if __name__ == "__main__":
    main()
