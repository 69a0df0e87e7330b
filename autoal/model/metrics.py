"""The metrics on the test set after every round."""

from functools import reduce

import torch
from torch import Tensor
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassCalibrationError,
    MulticlassF1Score,
    MulticlassStatScores,
)
from torchmetrics.utilities.data import dim_zero_cat

RAREST = 1e-12  # probability that counts, so that no log loss is infinite


class NegativeLogLikelihood(Metric):
    """Mean of -log p(true class); the same to the last digit with any number of processes."""

    sums: list[Tensor]  # of each batch
    rows: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("sums", [], dist_reduce_fx="cat")  # summed in order at the end
        self.add_state("rows", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, logits: Tensor, labels: Tensor) -> None:
        losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
        self.sums.append(losses.sum()[None])
        self.rows += len(labels)

    def compute(self) -> Tensor:
        return reduce(torch.add, dim_zero_cat(self.sums)) / self.rows


class BalancedAccuracy(MulticlassStatScores):
    """Mean recall of the classes that occur; a class never seen has no recall to average."""

    def __init__(self, classes: int) -> None:
        super().__init__(classes, average=None)

    def compute(self) -> Tensor:
        hits, _, _, _, support = (
            super().compute().cpu().double().unbind(1)
        )  # not every device has it
        return (hits / support)[support > 0].mean()


class CalibrationError(MulticlassCalibrationError):
    """Gap between confidence and accuracy over 15 equal bins (Guo et al., 2017)."""

    def __init__(self, classes: int) -> None:
        super().__init__(classes, n_bins=15, norm="l1")

    def update(self, logits: Tensor, labels: Tensor) -> None:
        # The parent mistakes logits within [0, 1] for probabilities, and has a separate bin for 1.
        probs = logits.softmax(1)
        super().update(probs.clamp(max=1 - torch.finfo(probs.dtype).eps), labels)


def metrics_of_votes(probs: Tensor, shares: Tensor) -> dict[str, float]:
    """The quality of predictions when people disagree about a row.

    The mean share of the votes that the predicted class got, and the mean cross-entropy against all
    shares.

    Args:
        probs: class probabilities, (n, classes).
        shares: of the votes, (n, classes).
    """
    shares = shares.to(probs.device)
    hits = shares.gather(1, probs.argmax(1, keepdim=True))
    losses = -(shares * probs.double().clamp(min=RAREST).log()).sum(1)
    return {"soft_accuracy": float(hits.mean()), "soft_nll": float(losses.mean())}


def evaluation_metrics(classes: int) -> MetricCollection:
    """Accuracy, balanced accuracy, macro F1, negative log-likelihood and calibration error."""
    metrics = MetricCollection(
        {
            "accuracy": MulticlassAccuracy(classes, average="micro"),
            "balanced_accuracy": BalancedAccuracy(classes),
            "macro_f1": MulticlassF1Score(classes, average="macro"),
            "nll": NegativeLogLikelihood(),
            "ece": CalibrationError(classes),
        },
        compute_groups=False,  # BalancedAccuracy keeps the same counts but uses them differently
    )
    counted_by_all(metrics, False)
    return metrics


def counted_by_all(metrics: MetricCollection, everywhere: bool) -> None:
    """Set whether every process counts a part of the rows, or this one counts all of them."""
    for metric in metrics.values():
        metric.distributed_available_fn = _together if everywhere else _alone


def _together() -> bool:
    return True


def _alone() -> bool:
    return False
