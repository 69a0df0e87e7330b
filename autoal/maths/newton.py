"""Building blocks of Newton steps for logistic regressions.

Several regressions on the same rows move side by side, as members: their thetas are
(members, classes, d), and the logits of the rows (n, members, classes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from autoal.maths.systems import Product

TINY = 1e-300  # least divisor
ENOUGH = 1e-4  # share of the fall promised by the slope that a step must achieve


class Point(NamedTuple):
    """Thetas, and the logits of the rows there."""

    theta: Tensor
    logits: Tensor

    def less(self, lengths: Tensor, step: Point) -> Point:
        """The point after this much of a step, by member, (members, 1, 1), or for all, ().

        The logits move in proportion, without a product.
        """
        theta = self.theta - lengths * step.theta
        return Point(theta, self.logits - lengths.view(-1, 1) * step.logits)


def descended(
    loss: Callable[[Point], Tensor], point: Point, step: Point, most: Tensor, slopes: Tensor
) -> Point:
    """The point after the first of ever shorter steps that lowers the loss enough (Armijo, 1966).

    Members with separate losses, (members, 1, 1), each go as far as they may; under a common loss,
    (), all go equally far.

    Args:
        loss: at a point.
        point: where they are.
        step: subtracted from it.
        most: the loss there, plus what rounding may add.
        slopes: how steeply the loss falls along the step.
    """
    lengths = torch.ones_like(slopes)
    while True:
        after = point.less(lengths, step)
        high = loss(after) > most - ENOUGH * lengths * slopes
        if not bool(high.any()):
            return after
        lengths = lengths.where(~high, lengths / 2)


def products(columns: Tensor, theta: Tensor) -> Tensor:
    """Products of each row with each vector, (n, members, classes)."""
    return (columns @ theta.flatten(0, 1).T).view(len(columns), *theta.shape[:2])


def sums(slopes: Tensor, columns: Tensor) -> Tensor:
    """Sums of the rows, each times its slopes in the logits, (members, classes, d)."""
    return (slopes.flatten(1).T @ columns).view(*slopes.shape[1:], columns.shape[1])


def curvature(columns: Tensor, logits: Tensor, weights: Tensor) -> Product:
    """The product of the Hessian of the weighted losses with a direction.

    It is computed in the precision of the columns.

    Args:
        columns: of the rows, (n, d).
        logits: (n, members, classes).
        weights: of the rows for each member, (n, members).
    """
    probs, share = logits.softmax(2).to(columns), weights[..., None].to(columns)

    def times(direction: Tensor) -> Tensor:
        moved = products(columns, direction).mul_(probs)
        moved = moved.sub_(probs * moved.sum(2, keepdim=True)).mul_(share)
        return sums(moved, columns)

    return times
