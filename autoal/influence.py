"""Logistic regression that can be differentiated through: its optimum, and its inverse Hessian.

The search asks how the loss on checked rows changes as the weight of a training row does; salutary
influence asks the same of rows that might be added. Both are the product of a gradient with H^-1 g.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot


@dataclass(frozen=True, eq=False)
class Regression:
    """Multinomial logistic regression with an l2 penalty: strictly convex, so with one optimum.

    J(theta) = sum_i weights_i l(x_i, y_i; theta) + ridge / 2 |theta|^2, in double precision; the
    intercept is a column of ones, penalised as the rest, without which H would be singular.

    Args:
        features: (n, d) float64, as `with_intercept` makes them.
        labels: (n,) long.
        classes: how many there are, whether or not each has a row.
        weights: of the rows, (n,); they should sum to 1, so that `ridge` keeps its meaning.
        ridge: above 0.
    """

    features: Tensor
    labels: Tensor
    classes: int
    weights: Tensor
    ridge: float

    def __post_init__(self) -> None:
        if not self.ridge > 0:
            raise ValueError(f"`ridge` must be above 0, got {self.ridge}")
        if not len(self.features):
            raise ValueError("a regression needs at least one row")

    def loss(self, theta: Tensor) -> Tensor:
        """J at theta, (classes, d)."""
        losses = cross_entropy(self.features @ theta.T, self.labels, reduction="none")
        return self.weights @ losses + self.ridge / 2 * theta.square().sum()

    def gradient(self, theta: Tensor) -> Tensor:
        """Of J, (classes, d)."""
        residuals = residual(self.features, self.labels, theta)
        return (self.weights[:, None] * residuals).T @ self.features + self.ridge * theta

    def curvature(self, theta: Tensor) -> Callable[[Tensor], Tensor]:
        """The product of J's Hessian with a direction, (classes, d) -> (classes, d)."""
        probs = (self.features @ theta.T).softmax(1)

        def times(direction: Tensor) -> Tensor:
            moved = probs * (self.features @ direction.T)
            moved = moved - probs * moved.sum(1, keepdim=True)
            return (self.weights[:, None] * moved).T @ self.features + self.ridge * direction

        return times

    def minimise(self, start: Tensor | None = None, tolerance: float = 1e-10) -> Tensor:
        """The optimum, by Newton steps whose directions conjugate gradients find.

        Raises:
            RuntimeError: the norm of the gradient does not fall below the tolerance.
        """
        width = self.features.shape[1]
        theta = self.features.new_zeros(self.classes, width) if start is None else start
        for _ in range(100):
            gradient = self.gradient(theta)
            size = float(gradient.norm())
            if size < tolerance:
                return theta
            # Rough directions are good enough far from the optimum (Dembo et al., 1982).
            step = conjugate_gradients(self.curvature(theta), gradient, min(0.1, size**0.5))
            slope = float((step * gradient).sum())
            if slope < 1e-15 * (1 + float(self.loss(theta))):  # a descent that rounding would hide
                return theta - step
            theta = self._descend(theta, step, slope)
        raise RuntimeError(f"the regression did not converge: its gradient has the norm {size:.2g}")

    def solve(self, theta: Tensor, right: Tensor, tolerance: float = 1e-10) -> Tensor:
        """H^-1 right, with H the Hessian of J at theta."""
        return conjugate_gradients(self.curvature(theta), right, tolerance)

    def _descend(self, theta: Tensor, step: Tensor, slope: float) -> Tensor:
        """The first of ever shorter steps that lowers the loss enough (Armijo, 1966)."""
        before = float(self.loss(theta))
        length = 1.0
        while float(self.loss(theta - length * step)) > before - 1e-4 * length * slope:
            length /= 2
        return theta - length * step


def with_intercept(features: Tensor) -> Tensor:
    """The features in double precision with a column of ones, (n, d + 1)."""
    features = features.double()
    return torch.cat([features, torch.ones_like(features[:, :1])], 1)


def residual(features: Tensor, labels: Tensor, theta: Tensor) -> Tensor:
    """P - e_y, the gradient of each row's loss with respect to its logits, (n, classes)."""
    probs = (features @ theta.T).softmax(1)
    return probs - one_hot(labels, len(theta))


def mean_gradient(features: Tensor, labels: Tensor, theta: Tensor) -> Tensor:
    """Of the mean loss of the rows, (classes, d)."""
    return residual(features, labels, theta).T @ features / len(features)


def conjugate_gradients(
    times: Callable[[Tensor], Tensor], right: Tensor, tolerance: float
) -> Tensor:
    """The solution of times(x) = right for a symmetric positive product, to a relative residual."""
    solution = torch.zeros_like(right)
    left_over, direction = right.clone(), right.clone()
    size = left_over.square().sum()
    target = tolerance**2 * float(size)
    for _ in range(10 * right.numel()):
        if float(size) <= target:
            break
        product = times(direction)
        length = size / (direction * product).sum()
        solution = solution + length * direction
        left_over = left_over - length * product
        before, size = size, left_over.square().sum()
        direction = left_over + size / before * direction
    return solution
