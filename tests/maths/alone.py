"""One logistic regression, written as it is defined: what others are held against."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from autoal.maths.slopes import residual
from autoal.maths.systems import Product, conjugate_gradients


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
        """The optimum, by Newton steps whose directions conjugate gradients find."""
        theta = self.features.new_zeros(self.classes, self.features.shape[1])
        theta = theta if start is None else start
        for _ in range(100):
            gradient = self.gradient(theta)
            size = float(gradient.norm())
            if size < tolerance:
                return theta
            step = conjugate_gradients(self.curvature(theta), gradient, min(0.1, size**0.5))
            slope = float((step * gradient).sum())
            if slope < 1e-15 * (1 + float(self.loss(theta))):  # a descent that rounding would hide
                return theta - step
            theta = self._descended(theta, step, slope)
        raise RuntimeError(f"the regression did not converge: its gradient has the norm {size:.2g}")

    def _descended(self, theta: Tensor, step: Tensor, slope: float) -> Tensor:
        """After the first of ever shorter steps that lowers the loss enough (Armijo, 1966)."""
        before = float(self.loss(theta))
        length = 1.0
        while float(self.loss(theta - length * step)) > before - 1e-4 * length * slope:
            length /= 2
        return theta - length * step

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
