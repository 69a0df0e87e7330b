"""How good a model is, where no test set tells."""

from __future__ import annotations

from math import sqrt

from torch import Tensor

from autoal.data.rows import Rows
from autoal.model.crossvalidation import out_of_sample
from autoal.model.learner import Learner, tested
from autoal.model.metrics import evaluation_metrics

FOLDS = 5
NORMAL = 1.959964  # 97.5 % of a standard normal lie below


def by_check(learner: Learner, rows: Rows) -> dict[str, float]:
    """Metrics on blind random rows, the accuracy with its interval."""
    metrics = tested(learner, rows)
    low, high = wilson(metrics["accuracy"], len(rows))
    return metrics | {"accuracy_low": low, "accuracy_high": high}


def by_cross_validation(learner: Learner, rows: Rows, classes: int, seed: int) -> dict[str, float]:
    """Metrics on the labelled rows, each predicted by a model that did not learn it.

    They are biased: whoever queries chose these rows, mostly hard ones.
    """
    probs = out_of_sample(learner, rows, folds=FOLDS, seed=seed)
    return _metrics(probs, rows.labels, classes)


def wilson(share: float, count: int) -> tuple[float, float]:
    """The interval in which the true share is with 95 % confidence (Wilson, 1927)."""
    spread = NORMAL**2 / count
    centre = (share + spread / 2) / (1 + spread)
    half = NORMAL * sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def _metrics(probs: Tensor, labels: Tensor, classes: int) -> dict[str, float]:
    metrics = evaluation_metrics(classes)
    metrics.update(probs.clamp(min=1e-12).log().float(), labels)
    return {name: float(value) for name, value in metrics.compute().items()}
