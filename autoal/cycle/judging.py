"""How good a model is, where no test set tells."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from torch import Tensor

from autoal.data.rows import Rows
from autoal.model.crossvalidation import doubted, out_of_sample
from autoal.model.learner import Learner, tested
from autoal.model.metrics import evaluation_metrics

FOLDS = 5
RAREST = 1e-12  # probability that counts, so that no log loss is infinite
NORMAL = 1.959964  # 97.5 % of a standard normal lie below


def by_check(learner: Learner, rows: Rows) -> dict[str, float]:
    """Metrics on blind random rows, the accuracy with its interval."""
    metrics = tested(learner, rows)
    low, high = wilson(metrics["accuracy"], len(rows))
    return metrics | {"accuracy_low": low, "accuracy_high": high}


@dataclass(frozen=True, eq=False)
class Unseen:
    """Labelled rows as models see them that did not learn them."""

    rows: Tensor  # (n,) long
    labels: Tensor  # (n,) long
    probs: Tensor  # (n, classes)

    @classmethod
    def by(cls, learner: Learner, rows: Rows, numbers: Tensor, seed: int) -> Unseen:
        """Of labelled rows of these numbers, by learners of this kind."""
        return cls(numbers, rows.labels, out_of_sample(learner, rows, folds=FOLDS, seed=seed))

    def metrics(self) -> dict[str, float]:
        """How good such models are; biased, as whoever queries chose these rows, mostly hard ones.

        The classes that were never given count as all others do.
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


def wilson(share: float, count: int) -> tuple[float, float]:
    """The interval in which the true share is with 95 % confidence (Wilson, 1927)."""
    spread = NORMAL**2 / count
    centre = (share + spread / 2) / (1 + spread)
    half = NORMAL * sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)
