"""A regression on labelled rows and rows for which some classes are ruled out.

It minimises the labelled rows' loss plus -w log p(S) for each row of weight w that has one of the
classes S. That loss is not convex: the way down begins at the optimum of the labelled rows alone.
Where it ends, each other row counts for its remaining classes by the model's probabilities, and the
regression on that, which is convex, has its optimum there too (EM: Dempster, Laird and Rubin,
1977). That optimum is found to the last digit, and no step raises the loss.
"""

from __future__ import annotations

import torch
from torch import nn

from autoal.maths.ridge import Head
from autoal.model.lesson import Lesson, Weighted
from autoal.model.loss import partial_losses
from autoal.model.solved import lbfgs

ITERATIONS = 2000
TOLERANCE = 1e-7  # of the gradient of the mean loss


def completed(
    told: Weighted, partly: Weighted, head: Head, l2: float, *, intercept: bool
) -> tuple[Head, Weighted]:
    """The optimum, and the rows it belongs to: all of them, with a share of each class.

    Args:
        told: the rows with labels.
        partly: the others, whose targets are their weights for each class they may have.
        head: where to begin, the optimum of the labelled rows alone.
        l2: the penalty.
        intercept: whether classes have one.
    """
    below = _downhill(told, partly, head, l2, intercept)
    whole = Weighted(*(torch.cat(pair) for pair in zip(told, _shared(partly, below), strict=True)))
    lesson = Lesson(whole.features, whole.targets, None, intercept)
    return lesson.optimum(l2, whole.weights, 0.0)


def _shared(partly: Weighted, head: Head) -> Weighted:
    """The rows, with their remaining classes as likely as a model says."""
    logits = head.logits(partly.features)
    return partly._replace(targets=(logits + partly.targets.log()).softmax(1))


def _downhill(told: Weighted, partly: Weighted, head: Head, l2: float, intercept: bool) -> Head:
    """The end of the way down from a head."""
    classes, width = head.weight.shape
    moved = nn.Linear(width, classes, dtype=head.weight.dtype)
    moved.load_state_dict(head._asdict())
    moved.bias.requires_grad_(intercept)
    optimiser = lbfgs(moved, ITERATIONS, TOLERANCE)
    rows = len(told.weights) + len(partly.weights)

    def loss() -> float:
        optimiser.zero_grad()
        losses = told.loss(moved) + partial_losses(moved(partly.features), partly.targets).sum()
        mean = (losses + l2 / 2 * moved.weight.square().sum()) / rows
        mean.backward()
        return float(mean.detach())

    optimiser.step(loss)
    return Head(moved.weight.detach(), moved.bias.detach())
