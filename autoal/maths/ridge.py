"""Logistic regressions with free intercepts under an l2 penalty, several side by side.

Each minimises sum_i weights_i l(x_i, y_i) + l2 / 2 |W|^2 in double precision. Those of a family
share their rows and the penalty, and differ in what each row counts, as folds do; together they
are one convex function, whose Newton steps are a few matrix products for all of them. Where rows
are few and columns many, `row_space` leaves as few columns as there are rows, and the optimum where
it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from autoal.maths.regression import Product, conjugate_gradients, minimised

ROUNDING = 1e-12  # a direction of up to this share of the largest variance is what rounding left
ROUGH = 0.1  # tolerance from which on the curvature is as it will be
FLATTEST = 1e-8  # curvature of a loss that counts, where all rows are predicted with certainty


class Head(NamedTuple):
    """A linear classifier."""

    weight: Tensor  # (classes, d)
    bias: Tensor  # (classes,)

    def logits(self, features: Tensor) -> Tensor:
        """Of each row, (n, classes)."""
        return features @ self.weight.T + self.bias

    def cooled(self, by: float) -> Head:
        """The same classifier with logits that are divided by a temperature."""
        return Head(self.weight / by, self.bias / by)


def row_space(features: Tensor) -> Tensor:
    """Orthonormal directions, (d, at most n), that span the rows: no optimum has any other part."""
    wide = features.shape[0] < features.shape[1]
    squares = features @ features.T if wide else features.T @ features
    variances, axes = torch.linalg.eigh(squares)
    some = variances > ROUNDING * variances[-1]
    if wide:
        return features.T @ (axes[:, some] / variances[some].sqrt())
    return axes[:, some]


class Family:
    """Regressions on the same rows.

    Args:
        features: (n, d) double.
        targets: the probability of each class, (n, classes) double, or what it is to each member,
            (n, members, classes).
        weights: of the rows for each member, (n, members) double.
        intercept: whether classes have one.
    """

    def __init__(
        self, features: Tensor, targets: Tensor, weights: Tensor, *, intercept: bool = True
    ) -> None:
        self._features = features
        self._mean = features.mean(0) * intercept
        ones = features.new_full((len(features), 1), intercept)
        self._columns = torch.cat([features - self._mean, ones], 1)
        self._targets = targets if targets.ndim == 3 else targets[:, None]
        self._weights = weights
        self._intercept = intercept
        self._variances = weights.mean(1) @ self._columns.square()

    def optimum(self, l2: float, start: Optimum | None = None, tolerance: float = 1e-8) -> Optimum:
        """Where all of them end under a penalty, which is above 0.

        Args:
            l2: the penalty.
            start: an optimum of the same rows, from which it is not far.
            tolerance: the length of the gradient, in coordinates in which the curvature is about 1.
        """
        ridge = torch.full_like(self._variances, l2)
        ridge[-1] = not self._intercept  # a column of zeros must have some curvature
        members, classes = self._weights.shape[1], self._targets.shape[2]
        theta = ridge.new_zeros(members * classes, len(ridge)) if start is None else start.theta
        for precision in (max(ROUGH, tolerance), tolerance):  # roughly first, for the curvature
            probs = self.logits(theta).softmax(2)
            steepness = float((self._weights * (probs * (1 - probs)).mean(2)).sum())
            steepness /= float(self._weights.sum())
            scale = (self._variances * max(steepness, FLATTEST) + ridge).rsqrt()
            function = _Penalised(
                self._columns * scale, self._targets, self._weights, ridge * scale.square()
            )
            theta = minimised(function, theta / scale, precision) * scale
        return Optimum(self, l2, theta, scale, function)

    def rows(self, member: int) -> tuple[Tensor, Tensor, Tensor]:
        """The features, targets and weights of one of them."""
        return self._features, self._targets[:, member], self._weights[:, member]

    def logits(self, theta: Tensor) -> Tensor:
        """Of each row by each member, (n, members, classes)."""
        return (self._columns @ theta.T).unflatten(1, (self._weights.shape[1], -1))

    def heads(self, theta: Tensor) -> list[Head]:
        """Of each member, for features as they were given."""
        found = theta.unflatten(0, (self._weights.shape[1], -1))
        return [Head(one[:, :-1], one[:, -1] - one[:, :-1] @ self._mean) for one in found]


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where the members of a family end under a penalty, and how that moves."""

    family: Family
    l2: float
    theta: Tensor  # (members x classes, d + 1), in the coordinates of the family
    scale: Tensor  # of its columns, by which the curvature is about 1
    function: _Penalised  # in these

    @property
    def logits(self) -> Tensor:
        """Of each row by each member, (n, members, classes)."""
        return self.family.logits(self.theta)

    @property
    def heads(self) -> list[Head]:
        """Of each member."""
        return self.family.heads(self.theta)

    @property
    def head(self) -> Head:
        """Of the only member."""
        (head,) = self.heads
        return head

    def response(
        self, slopes: Tensor, tolerance: float = 1e-8, start: Tensor | None = None
    ) -> Tensor:
        """H^-1 g, of theta's shape: g is the gradient of a loss of the logits, H what curves here.

        Args:
            slopes: of the loss in the logits, (n, members, classes).
            tolerance: relative residual.
            start: what a loss nearby gave at an optimum nearby.
        """
        right = slopes.flatten(1).T @ self.function.features
        begin = None if start is None else start / self.scale
        times = self.function.curvature(self.theta / self.scale)
        return conjugate_gradients(times, right, tolerance, begin) * self.scale

    def slope(self, response: Tensor) -> float:
        """Of that loss in log l2, by the implicit function theorem."""
        return -self.l2 * float((response * self.theta)[:, :-1].sum())


@dataclass(frozen=True, eq=False)
class _Penalised:
    """The weighted losses of all members, and a penalty of its own on each column."""

    features: Tensor
    targets: Tensor  # (n, members or 1, classes)
    weights: Tensor  # (n, members)
    ridge: Tensor  # (d,)

    def loss(self, theta: Tensor) -> Tensor:
        losses = -(self.targets * self._logits(theta).log_softmax(2)).sum(2)
        return (self.weights * losses).sum() + (self.ridge / 2 * theta.square()).sum()

    def gradient(self, theta: Tensor) -> Tensor:
        residuals = self._logits(theta).softmax(2) - self.targets
        return self._back(residuals) + self.ridge * theta

    def curvature(self, theta: Tensor) -> Product:
        probs = self._logits(theta).softmax(2)

        def times(direction: Tensor) -> Tensor:
            moved = probs * self._logits(direction)
            moved = moved - probs * moved.sum(2, keepdim=True)
            return self._back(moved) + self.ridge * direction

        return times

    def _logits(self, theta: Tensor) -> Tensor:
        return (self.features @ theta.T).unflatten(1, (self.weights.shape[1], -1))

    def _back(self, slopes: Tensor) -> Tensor:
        """The gradient of the weighted rows, from that of each in its logits."""
        return (self.weights[..., None] * slopes).flatten(1).T @ self.features
