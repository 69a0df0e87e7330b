"""Logistic regression with a free intercept under one l2 penalty after another.

It minimises sum_i weights_i l(x_i, y_i) + l2 / 2 |W|^2 in double precision. Where rows are few and
columns many, `row_space` leaves as few columns as there are rows, and the optimum where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from autoal.maths.regression import Product, curvature, minimised, residual

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


def row_space(features: Tensor) -> Tensor:
    """Orthonormal directions, (d, at most n), that span the rows: no optimum has any other part."""
    wide = features.shape[0] < features.shape[1]
    squares = features @ features.T if wide else features.T @ features
    variances, axes = torch.linalg.eigh(squares)
    some = variances > ROUNDING * variances[-1]
    if wide:
        return features.T @ (axes[:, some] / variances[some].sqrt())
    return axes[:, some]


def optima(
    features: Tensor,
    targets: Tensor,
    weights: Tensor,
    penalties: Iterable[float],
    *,
    intercept: bool = True,
    tolerance: float = 1e-8,
) -> Iterator[Head]:
    """The optimum under each penalty, each found from the one before.

    Args:
        features: (n, d) double.
        targets: the probability of each class, (n, classes) double.
        weights: of the rows, (n,) double.
        penalties: above 0; the way is shortest from the largest to the smallest.
        intercept: whether classes have one.
        tolerance: the length of the gradient, in coordinates in which the curvature is about 1.
    """
    total = weights.sum()
    mean = (weights @ features / total) * intercept
    columns = torch.cat([features - mean, features.new_full((len(features), 1), intercept)], 1)
    variances = weights @ columns.square()
    theta = features.new_zeros(targets.shape[1], columns.shape[1])
    for l2 in penalties:
        ridge = torch.full_like(variances, l2)
        ridge[-1] = not intercept  # a column of zeros must have some curvature
        for precision in (max(ROUGH, tolerance), tolerance):  # roughly first, for the curvature
            probs = (columns @ theta.T).softmax(1)
            steepness = float(weights @ (probs * (1 - probs)).mean(1) / total)
            scale = (variances * max(steepness, FLATTEST) + ridge).rsqrt()
            function = _Penalised(columns * scale, targets, weights, ridge * scale.square())
            theta = minimised(function, theta / scale, precision) * scale
        weight, bias = theta[:, :-1], theta[:, -1]
        yield Head(weight, bias - weight @ mean)


@dataclass(frozen=True, eq=False)
class _Penalised:
    """The weighted losses, and a penalty of its own on each column."""

    features: Tensor
    targets: Tensor
    weights: Tensor
    ridge: Tensor  # (d,)

    def loss(self, theta: Tensor) -> Tensor:
        losses = cross_entropy(self.features @ theta.T, self.targets, reduction="none")
        return self.weights @ losses + (self.ridge / 2 * theta.square()).sum()

    def gradient(self, theta: Tensor) -> Tensor:
        residuals = residual(self.features, self.targets, theta)
        return (self.weights[:, None] * residuals).T @ self.features + self.ridge * theta

    def curvature(self, theta: Tensor) -> Product:
        return curvature(self.features, self.weights, self.ridge, theta)
