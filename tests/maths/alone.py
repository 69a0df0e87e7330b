"""One logistic regression, written as it is defined: what others are held against."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from autoal.maths.regression import Product, conjugate_gradients, minimised, residual


@dataclass(frozen=True, eq=False)
class Regression:
    """J(theta) = sum_i weights_i l(x_i, y_i; theta) + ridge / 2 |theta|^2."""

    features: Tensor  # (n, d) float64, as `with_intercept` makes them
    labels: Tensor
    classes: int
    weights: Tensor  # of the rows, (n,)
    ridge: float

    def loss(self, theta: Tensor) -> Tensor:
        """J at theta, (classes, d)."""
        losses = cross_entropy(self.features @ theta.T, self.labels, reduction="none")
        return self.weights @ losses + self.ridge / 2 * theta.square().sum()

    def gradient(self, theta: Tensor) -> Tensor:
        """Of J, (classes, d)."""
        residuals = residual(self.features, self.labels, theta)
        return (self.weights[:, None] * residuals).T @ self.features + self.ridge * theta

    def curvature(self, theta: Tensor) -> Product:
        """The product of J's Hessian with a direction, (classes, d) -> (classes, d)."""
        probs = (self.features @ theta.T).softmax(1)

        def times(direction: Tensor) -> Tensor:
            moved = probs * (self.features @ direction.T)
            moved = moved - probs * moved.sum(1, keepdim=True)
            return (self.weights[:, None] * moved).T @ self.features + self.ridge * direction

        return times

    def minimise(self, start: Tensor | None = None, tolerance: float = 1e-10) -> Tensor:
        """The optimum."""
        if start is None:
            start = self.features.new_zeros(self.classes, self.features.shape[1])
        return minimised(self, start, tolerance)

    def solve(self, theta: Tensor, right: Tensor) -> Tensor:
        """H^-1 right, with H the Hessian of J at theta."""
        return conjugate_gradients(self.curvature(theta), right, 1e-10)

    def joined(self, features: Tensor, labels: Tensor, weight: float) -> Regression:
        """The regression with these rows added, each of that weight; the others keep theirs."""
        return Regression(
            torch.cat([self.features, features]),
            torch.cat([self.labels, labels]),
            self.classes,
            torch.cat([self.weights, self.weights.new_full((len(labels),), weight)]),
            self.ridge,
        )
