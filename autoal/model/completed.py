"""A regression on rows of which some classes are ruled out, beside rows with labels.

It minimises the labelled rows' loss, and -log p(S) of each row that is of one of the classes S.
Each such row is taken for what the model makes of it, among the classes that are left; the
regression on that, which is convex, is a better model; and so on, until nothing moves (EM:
Dempster, Laird and Rubin, 1977). No turn raises the loss.
"""

import torch
from torch import Tensor

from autoal.maths.ridge import Head, Optimum
from autoal.model.lesson import Lesson, Weighted

STILL = 1e-6  # probability by which no share of a class moves in the end
TURNS = 1000
FINE = 1e-6  # tolerance of an optimum on the way


def completed(
    told: Weighted, partly: Weighted, head: Head, l2: float, *, intercept: bool
) -> tuple[Head, Weighted]:
    """The optimum, and what it is the optimum of: all rows, with a share of each class.

    Args:
        told: the rows with labels.
        partly: the others, whose targets are 1 for each class that they may be.
        head: where to begin, the optimum of the labelled rows alone.
        l2: the penalty.
        intercept: whether classes have one.
    """
    features, weights = (
        torch.cat(pair)
        for pair in ((told.features, partly.features), (told.weights, partly.weights))
    )
    shares = _shares(head.logits(partly.features), partly.targets)
    lesson = Lesson(features, torch.cat([told.targets, shares]), None, intercept)
    optimum: Optimum | None = None
    for _ in range(TURNS):
        optimum = lesson.unfolded(weights, 0.0).optimum(l2, optimum, FINE)
        before, shares = shares, _shares(optimum.logits[len(told.features) :, 0], partly.targets)
        lesson = lesson.retold(torch.cat([told.targets, shares]))
        if float((shares - before).abs().max()) <= STILL:
            break
    return lesson.optimum(l2, weights, 0.0, optimum)


def _shares(logits: Tensor, left: Tensor) -> Tensor:
    """How likely each class is of those that are left, (n, classes)."""
    return (logits + left.log()).softmax(1)
