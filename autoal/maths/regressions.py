"""Many logistic regressions on the same rows, each with its own weights, solved together.

Each minimises J(theta) = sum_i weights_i l(x_i, y_i; theta) + ridge / 2 |theta|^2, which is
strictly convex; the intercept is a column of ones, penalised like the rest, or the Hessian would be
singular. One product with the rows serves them all, and their directions are found in single
precision, which the gradients' double precision corrects; if single precision fails, as it may with
a tiny penalty, they are found in double precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from autoal.maths.newton import TINY, Point, curvature, descended, products, sums
from autoal.maths.systems import Product

FINEST = 1e-4  # relative residual to reach in single precision at a time
ROUNDS = 100  # of Newton steps before failure, or of corrections


@dataclass(frozen=True, eq=False)
class Regressions:
    """The regressions' rows; thetas are (k, classes, d), weights (k, n), each summing to 1.

    Args:
        features: (n, d) float64, as `with_intercept` makes them.
        labels: (n,) long.
        classes: how many there are, whether or not each has a row.
        ridge: above 0; keeps its meaning, since weights sum to 1.
    """

    features: Tensor
    labels: Tensor
    classes: int
    ridge: float

    def minimise(
        self, weights: Tensor, start: Tensor | None = None, tolerance: float = 1e-10
    ) -> Tensor:
        """The optima.

        Raises:
            RuntimeError: the norm of a gradient does not fall below the tolerance.
        """
        shape = len(weights), self.classes, self.features.shape[1]
        point = self._at(self.features.new_zeros(shape) if start is None else start)
        for _ in range(ROUNDS):
            gradient = self._gradient(weights, point)
            sizes = _inner(gradient, gradient).sqrt()
            if bool((sizes < tolerance).all()):
                return point.theta
            # Rough directions are good enough far from the optimum (Dembo et al., 1982).
            precision = sizes.sqrt().clamp(FINEST, 0.1)
            step, slopes = self._step(weights, point, gradient, precision)
            loss = partial(self._loss, weights)
            before = loss(point)
            hidden = slopes < 1e-15 * (1 + before)  # hidden by rounding
            point = descended(loss, point, step, before, slopes.where(~hidden, -torch.inf))
            if bool((hidden | (sizes < tolerance)).all()):
                return point.theta
        raise RuntimeError(
            f"the regression did not converge: its gradient has the norm {float(sizes.max()):.2g}"
        )

    def _step(
        self, weights: Tensor, point: Point, gradient: Tensor, precision: Tensor
    ) -> tuple[Point, Tensor]:
        """A rough Newton step, and each loss's slope along its own, (k, 1, 1)."""
        for dtype in (torch.float, torch.double):
            times = self._curvature(weights, point.logits, dtype)
            theta = _rough_solution(times, gradient, precision, dtype)
            slopes = _inner(theta, gradient)
            if bool((slopes > 0).all()):
                break
        return self._at(theta), slopes

    def solve(
        self,
        weights: Tensor,
        theta: Tensor,
        right: Tensor,
        tolerance: float,
        start: Tensor | None = None,
    ) -> Tensor:
        """H^-1 right of each, with H its Hessian at its theta.

        It is solved to a relative residual, or as closely as double precision allows.
        """
        logits, dtype = self.logits(theta), torch.float
        exact = self._curvature(weights, logits, torch.double)
        rough = self._curvature(weights, logits, dtype)
        solution = torch.zeros_like(right) if start is None else start
        targets = tolerance * _inner(right, right).sqrt()
        left, sizes = _left(exact, solution, right)
        for _ in range(ROUNDS):
            if bool((sizes <= targets).all()):
                break
            precision = (targets / sizes.clamp(min=TINY) / 2).clamp(FINEST, 0.5)
            mended = solution + _rough_solution(rough, left, precision, dtype)
            after, fewer = _left(exact, mended, right)
            if bool(((fewer < sizes) | (sizes <= targets)).all()):
                solution, left, sizes = mended, after, fewer
            elif dtype == torch.float:
                rough, dtype = exact, torch.double
            else:
                break
        return solution

    def joined(self, features: Tensor, labels: Tensor) -> Regressions:
        """The regressions with these rows added."""
        return Regressions(
            torch.cat([self.features, features]),
            torch.cat([self.labels, labels]),
            self.classes,
            self.ridge,
        )

    def logits(self, theta: Tensor) -> Tensor:
        """The logits of each row, (n, k, classes), or products with anything (k, classes, d)."""
        return products(self.features, theta)

    def residuals(self, theta: Tensor) -> Tensor:
        """P - e_y of each row, (n, k, classes)."""
        return self._residuals(self.logits(theta))

    def _at(self, theta: Tensor) -> Point:
        return Point(theta, self.logits(theta))

    def _loss(self, weights: Tensor, point: Point) -> Tensor:
        """The objective of each, (k, 1, 1)."""
        own = point.logits[torch.arange(len(self.labels)), :, self.labels]
        losses = (weights.T * (point.logits.logsumexp(2) - own)).sum(0)
        return losses[:, None, None] + self.ridge / 2 * _inner(point.theta, point.theta)

    def _gradient(self, weights: Tensor, point: Point) -> Tensor:
        """The gradient of the objectives, (k, classes, d)."""
        moved = self._residuals(point.logits) * weights.T[:, :, None]
        return sums(moved, self.features) + self.ridge * point.theta

    def _residuals(self, logits: Tensor) -> Tensor:
        return logits.softmax(2) - one_hot(self.labels, self.classes)[:, None]

    def _curvature(self, weights: Tensor, logits: Tensor, dtype: torch.dtype) -> Product:
        """The product of each Hessian with a direction, computed in this precision."""
        features = self._single if dtype == torch.float else self.features
        of_losses = curvature(features, logits, weights.T)
        return lambda direction: of_losses(direction) + self.ridge * direction

    @cached_property
    def _single(self) -> Tensor:
        return self.features.float()


def _inner(left: Tensor, right: Tensor) -> Tensor:
    """The inner product of each, (k, 1, 1)."""
    return (left * right).sum((1, 2), keepdim=True)


def _left(times: Product, solution: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """The residual of each system, and its length, (k, 1, 1)."""
    left = right - times(solution)
    return left, _inner(left, left).sqrt()


def _rough_solution(times: Product, right: Tensor, precision: Tensor, dtype: torch.dtype) -> Tensor:
    """Solve times(x) = right by conjugate gradients in this precision, to a relative residual.

    Solved systems wait for the others, and so do those whose curvature is lost in rounding.
    """
    # Scaled to length 1, so that single precision can represent small residuals.
    scale = _inner(right, right).sqrt().clamp(min=TINY)
    left_over = (right / scale).to(dtype)
    target = precision.square().to(dtype)
    solution, direction = torch.zeros_like(left_over), left_over.clone()
    sizes = _inner(left_over, left_over)
    curved = torch.ones_like(sizes, dtype=torch.bool)
    for _ in range(10 * right[0].numel()):
        under_way = curved & (sizes > target)
        if not bool(under_way.any()):
            break
        product = times(direction)
        curvature = _inner(direction, product)
        curved &= ~under_way | (curvature > 0)
        under_way &= curved
        lengths = (sizes / curvature).where(under_way, 0.0)
        solution += lengths * direction
        left_over -= lengths * product
        before, sizes = sizes, _inner(left_over, left_over)
        direction = left_over + (sizes / before).where(under_way, 0.0) * direction
    return solution.double() * scale
