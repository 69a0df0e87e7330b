"""Judges a model, and finds doubtful labels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from autoal.cycle.knowledge import Knowledge
from autoal.data.contract import Data
from autoal.data.rows import Rows
from autoal.maths.agreement import wilson
from autoal.model.crossvalidation import doubted, out_of_sample
from autoal.model.learner import ASKED, Learner, looked, tested
from autoal.model.metrics import RAREST, evaluation_metrics, metrics_of_votes
from autoal.oracles.question import Expected
from autoal.record.round import CHECK, CROSS_VALIDATION
from autoal.seeding import derive

FOLDS = 5


class Judge:
    """Measures how good a model is: by a test set, judging rows, or its own labels.

    Args:
        data: has the test and validation rows, if any.
        seed: of the experiment.
    """

    def __init__(self, data: Data, seed: int) -> None:
        self.data = data
        self.seed = seed
        self.second = SecondLook(seed)

    @property
    def majority(self) -> float:
        """The share of the largest class among the test rows; 0 without any."""
        test = self.data.test
        return 0.0 if test is None else float(test.labels.bincount().max()) / len(test)

    def metrics(
        self, learner: Learner, known: Knowledge, number: int
    ) -> tuple[dict[str, float], str]:
        """The metrics after a round, and their source if it is not a test set."""
        metrics, judged = self._metrics(learner, known, number)
        if self.data.validation is not None:
            held_out = tested(learner, self.data.validation)
            metrics |= {f"val_{name}": value for name, value in held_out.items()}
        return metrics, judged

    def _metrics(
        self, learner: Learner, known: Knowledge, number: int
    ) -> tuple[dict[str, float], str]:
        if self.data.test is not None:
            return tested(learner, self.data.test) | self._of_votes(learner, self.data.test), ""
        if len(known.judges):
            return by_check(learner, known.judges), CHECK
        if self.data.labels_count and len(known.pool.labelled) > 1:
            return self.second.unseen(learner, known, number).metrics(), CROSS_VALIDATION
        return {}, ""

    def _of_votes(self, learner: Learner, test: Rows) -> dict[str, float]:
        """The model's metrics against people's votes on each test row, if known."""
        if test.beliefs is None:
            return {}
        features = looked(learner, test, torch.arange(len(test)), self.seed)
        return metrics_of_votes(features.probs, test.beliefs)


class SecondLook:
    """A second look at known labels by models that did not learn them, without the data set.

    Args:
        seed: of the experiment.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._last: tuple[Knowledge, Unseen] | None = None  # the last one, and its input

    def doubts(
        self, learner: Learner, known: Knowledge, number: int
    ) -> dict[int, tuple[int, float]]:
        """Labels that may be wrong, for annotators; skipped if training takes long."""
        if len(known.pool.labelled) < 2 or learner.deep:
            return {}
        return self.unseen(learner, known, number).doubts()

    def expected(self, learner: Learner, known: Knowledge, number: int) -> Expected | None:
        """Predictions for all labelled rows by models that did not learn them; None for one row."""
        if len(known.pool.labelled) < 2:
            return None
        unseen = self.unseen(learner, known, number)
        return Expected(unseen.rows, unseen.probs)

    def unseen(self, learner: Learner, known: Knowledge, number: int) -> Unseen:
        """The second look at everything known after this round, computed once."""
        if self._last is None or self._last[0] is not known:
            seed = derive(self.seed, number, "cross-validation")
            self._last = known, Unseen.by(learner, known, seed)
        return self._last[1]


def by_check(learner: Learner, rows: Rows) -> dict[str, float]:
    """Metrics on blind random rows, with an interval for the accuracy."""
    metrics = tested(learner, rows)
    low, high = wilson(metrics["accuracy"], int(metrics.get(ASKED, len(rows))))
    return metrics | {"accuracy_low": low, "accuracy_high": high}


@dataclass(frozen=True, eq=False)
class Unseen:
    """Labelled rows, predicted by models that did not learn them."""

    rows: Tensor  # (n,) long
    labels: Tensor  # (n,) long
    probs: Tensor  # (n, classes)

    @classmethod
    def by(cls, learner: Learner, known: Knowledge, seed: int) -> Unseen:
        """Predict all learnable labelled rows, by learners of this kind."""
        labelled = known.labelled
        probs = out_of_sample(learner, labelled, folds=FOLDS, seed=seed)
        return cls(known.pool.labelled, labelled.labels, probs)

    def metrics(self) -> dict[str, float]:
        """The metrics of such models; biased, as a strategy chose these, mostly hard, rows.

        Classes that were never given count like all others.
        """
        metrics = evaluation_metrics(self.probs.shape[1])
        metrics.update(self.probs.clamp(min=RAREST).log().float(), self.labels)
        return {name: float(value) for name, value in metrics.compute().items()}

    def doubts(self) -> dict[int, tuple[int, float]]:
        """The rows whose labels may be wrong, each with the likelier class and its probability."""
        best = self.probs.max(1)
        wrong = doubted(self.probs, self.labels)
        places = (self.rows[wrong], best.indices[wrong], best.values[wrong])
        every = zip(*(column.tolist() for column in places), strict=True)
        return {row: (label, p) for row, label, p in every}
