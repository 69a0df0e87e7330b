"""What Newton steps for logistic regressions are made of.

Several regressions on the same rows move side by side, as members: their thetas are
(members, classes, d), and the logits of the rows (n, members, classes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from autoal.maths.systems import Product

TINY = 1e-300  # what is divided by is never less
ENOUGH = 1e-4  # share of the fall that its slope promises which a step must bring


class Point(NamedTuple):
    """Thetas, and the logits of the rows there."""

    theta: Tensor
    logits: Tensor

    def less(self, lengths: Tensor, step: Point) -> Point:
        """After so much of a step, by member, (members, 1, 1), or for all alike, ().

        The logits move in proportion, without a product.
        """
        theta = self.theta - lengths * step.theta
        return Point(theta, self.logits - lengths.view(-1, 1) * step.logits)


def descended(
    loss: Callable[[Point], Tensor], point: Point, step: Point, most: Tensor, slopes: Tensor
) -> Point:
    """After the first of ever shorter steps that lowers the loss enough (Armijo, 1966).

    Members whose losses stand side by side, (members, 1, 1), go each as far as it may; under one
    loss of them all, (), they go equally far.

    Args:
        loss: at a point.
        point: where they are.
        step: is taken away from there.
        most: the loss there, and what rounding may add to it.
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
    """Of each row with each vector, (n, members, classes)."""
    return (columns @ theta.flatten(0, 1).T).view(len(columns), *theta.shape[:2])


def sums(slopes: Tensor, columns: Tensor) -> Tensor:
    """Of the rows, each times its slopes in the logits, (members, classes, d)."""
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
