"""Which judge knows how sure a network may be, and which of its labels are right? Random rows.

    AUTOAL_DATA=FOLDER python -m benchmarks.quality.judges --keep

A small network learns some rows of a pool. Judges say by which temperature its logits should be
divided and how far each label may be trusted; what they say is held against the true labels of the
rest of the pool. 30 % of the labels are wrong where any is (`benchmarks.noise`).
"""

import argparse
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from multiprocessing import get_context
from typing import Any, NamedTuple

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from autoal import Features, Plan, QueryStrategy, View
from autoal.maths.folds import stratified
from autoal.maths.trust import likeliest
from autoal.model import tuning
from autoal.model.lesson import Lesson
from autoal.report.tables import Cell, Table
from benchmarks import runs
from benchmarks.noise import NOISES
from benchmarks.paired import Setting
from benchmarks.quality.sets import pool_of, whole

SETS = ("mnist", "waveform", "pneumonia")
LABELS = (60, 200)
FOLDS = 3
TRIED = torch.logspace(-1, 1, 65)  # temperatures


class Judgement(NamedTuple):
    """A network's temperature, and the trust in its labels."""

    temperature: float
    trust: Tensor  # probability that each label is right, (labelled,)


class Judge(ABC):
    """Judges in every round."""

    @abstractmethod
    def __call__(self, view: View) -> Judgement:
        """Judge a network and its labels."""

    def learn(self, truth: Tensor) -> None:
        """Learn the labels of all rows of the pool."""

    def state_dict(self) -> dict[str, Any]:
        """State that must outlive a round."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""


class Credulous(Judge):
    """Believes everything."""

    def __call__(self, view: View) -> Judgement:
        return Judgement(1.0, torch.ones(len(view.labelled)))


class Tuned(Judge):
    """A regression on the network's own embeddings, tuned from the last round's penalty."""

    def __init__(self) -> None:
        self._l2: float | None = None

    def __call__(self, view: View) -> Judgement:
        found = self.tuned(view)
        return Judgement(found.choice.belief.temperature, found.taught.weights)

    def state_dict(self) -> dict[str, Any]:
        return {"l2": self._l2}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._l2 = state["l2"]

    def tuned(self, view: View) -> tuning.Tuned:
        """The fitted regression."""
        features = self.read(view.labelled.features)
        targets = one_hot(view.labelled.labels, view.classes).double()
        lesson = Lesson(features, targets, None, intercept=True)
        begin = self._l2 or tuning.UNTRIED * lesson.unit()
        found = tuning.tuned(lesson, begin, tune=True, spread=False)
        self._l2 = found.choice.l2
        return found

    def logits(self, view: View) -> Tensor:
        """The regression's own predictions for the pool, cooled too."""
        found = self.tuned(view)
        return found.head.cooled(found.choice.belief.temperature).logits(self.read(view.pool))

    def read(self, features: Features) -> Tensor:
        """The features that the regression reads, (n, width) double."""
        return features.embeddings.double()


class TunedOnRows(Tuned):
    """The same for rows in the network's form; the temperature is not the network's."""

    def __call__(self, view: View) -> Judgement:
        return super().__call__(view)._replace(temperature=1.0)

    def read(self, features: Features) -> Tensor:
        return features.inputs.flatten(1).double()


class Folded(Judge):
    """Networks trained on all folds but one, which they predict; believes all labels."""

    def __call__(self, view: View) -> Judgement:
        assert view.bench is not None
        assert view.bench.fitted is not None
        labels, features = view.labelled.labels, view.labelled.features
        assert features.source is not None
        order = torch.randperm(len(labels), generator=view.generator())
        fold = stratified(labels, FOLDS, order)
        logits = torch.zeros(len(labels), view.classes, dtype=torch.double)
        for number in range(FOLDS):
            own = fold == number
            member = view.bench.fitted((~own).nonzero().flatten())
            look = member.look(features.source, features.rows[own], view.seed)
            logits[own] = look.logits.double()
        return Judgement(likeliest(logits, labels).temperature, torch.ones(len(labels)))


class Told(Judge):
    """Knows the labels of the pool."""

    def learn(self, truth: Tensor) -> None:
        self._truth = truth

    def __call__(self, view: View) -> Judgement:
        labels = self._truth[view.pool.rows]
        losses = torch.stack([cross_entropy(view.pool.logits / by, labels) for by in TRIED])
        right = view.labelled.labels == self._truth[view.labelled.features.rows]
        return Judgement(float(TRIED[losses.argmin()]), right.double())


JUDGES: dict[str, type[Judge]] = {
    "nobody": Credulous,
    "own embeddings": Tuned,
    "rows": TunedOnRows,
    "folds": Folded,
    "told": Told,
}
HEADS = {"head on own embeddings": Tuned, "head on rows": TunedOnRows}


class Onlooker(QueryStrategy):
    """Never asked; it makes the view compute everything that judges read."""

    reads = ("embeddings", "fitted", "inputs", "labelled", "labels", "probs")

    def score(self, view: View, budget: int) -> Tensor:
        return torch.zeros(len(view.pool))


class Case(NamedTuple):
    """Labels for a network."""

    name: str  # name of their set
    noise: str
    labels: int


class Seen(NamedTuple):
    """A judge's opinion of a network, or a head in its place."""

    case: Case
    judge: str
    nll: float
    accuracy: float
    temperature: float
    wrong: float = 0.0  # estimated share of wrong labels
    found: float | None = None  # area under the curve of finding wrong labels by their trust


def seen(case: Case, seed: int) -> list[Seen]:
    """The results of all judges, and of the heads that are judges too."""
    torch.set_num_threads(1)
    truth = pool_of(case.name, seed).train.labels
    view = view_of(case, seed)
    labels = truth[view.pool.rows]
    wrong = view.labelled.labels != truth[view.labelled.features.rows]

    def judged(name: str) -> Seen:
        judge = JUDGES[name]()
        judge.learn(truth)
        temperature, trust = judge(view)
        logits = view.pool.logits / temperature
        found = float(roc_auc_score(wrong, -trust)) if wrong.any() else None
        share = 1 - float(trust.mean())
        return Seen(case, name, *scores(logits, labels), temperature, share, found)

    def replaced(name: str) -> Seen:
        return Seen(case, name, *scores(HEADS[name]().logits(view), labels), 1.0)

    return [*map(judged, JUDGES), *map(replaced, HEADS)]


def view_of(case: Case, seed: int) -> View:
    """Predictions for the pool by a network that has learnt the case's labels."""
    setting = Setting(case.name, Plan(case.labels, 1, 1), "small network", case.noise)
    experiment, oracle = setting.experiment(Onlooker, seed)
    start = experiment.ask()
    assert start is not None
    experiment.tell(oracle(start))
    question = experiment.ask()
    assert question is not None
    assert question.view is not None
    return question.view


def scores(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Log loss and accuracy."""
    right = (logits.argmax(1) == labels).double().mean()
    return float(cross_entropy(logits, labels)), float(right)


def tables(found: Sequence[Seen]) -> list[Table]:
    """A line for each case, a column for each judge; means over the seeds."""
    judges = [*JUDGES, *HEADS]
    finders = ("own embeddings", "rows")
    asked: list[tuple[str, str, Sequence[str], Callable[[Seen], float | None]]] = [
        ("log_loss", "Log loss on the pool", judges, lambda one: one.nll),
        ("accuracy", "Accuracy there", ("nobody", *HEADS), lambda one: one.accuracy),
        ("temperature", "Temperature of the network", [*JUDGES], lambda one: one.temperature),
        ("wrong", "Share of wrong labels", finders, lambda one: one.wrong),
        ("found", "Area under the curve of wrong labels", finders, lambda one: one.found),
    ]
    return [Table(name, title, *_means(found, some, of)) for name, title, some, of in asked]


def _means(
    found: Sequence[Seen], judges: Sequence[str], measure: Callable[[Seen], float | None]
) -> tuple[list[str], list[list[Cell]]]:
    def cell(case: Case, judge: str) -> float | None:
        own = [measure(one) for one in found if (one.case, one.judge) == (case, judge)]
        some = [value for value in own if value is not None]
        return sum(some) / len(some) if some else None

    cases = dict.fromkeys(one.case for one in found)
    rows: list[list[Cell]] = [[*case, *(cell(case, judge) for judge in judges)] for case in cases]
    return ["set", "noise", "labels", *judges], rows


def main() -> None:
    """Do all cases, and print or keep the tables."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--keep", action="store_true", help="write the tables to results/")
    given = options.parse_args()
    cases = [Case(*each) for each in product(SETS, NOISES, LABELS)]
    for name in SETS:
        whole(name)
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        jobs = [partial(seen, case, seed) for case in cases for seed in range(given.seeds)]
        running = [pool.submit(job) for job in jobs]
        found = [one for each in running for one in each.result()]
    runs.show("judges", tables(found), save=given.keep)


if __name__ == "__main__":
    main()
