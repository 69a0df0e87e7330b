"""Logistic regressions with free intercepts under an l2 penalty, solved together.

Each minimises sum_i weights_i l(x_i, y_i) + l2 / 2 |W|^2 in double precision. Those of a family
share their rows and the penalty, and differ in the weights of rows, as folds do; together they are
one convex function, whose Newton steps take a few matrix products for all of them. Directions are
found in single precision, which the gradients' double precision corrects. With few rows and many
columns, `row_space` reduces the columns to the number of rows without moving the optimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import NamedTuple

import torch
from torch import Tensor

from autoal.maths.newton import TINY, Point, curvature, descended, products, sums
from autoal.maths.systems import Product, conjugate_gradients

ROUNDING = 1e-12  # directions up to this share of the largest variance are rounding error
ROUGH = 0.1  # tolerance at which the curvature is final
FLATTEST = 1e-8  # least curvature of a loss, for rows predicted with certainty
STEPS = 200  # Newton steps: separable rows with a tiny penalty take one per e-fold of loss
HIDDEN = 1e-14  # share of a loss hidden by rounding
FINEST = 1e-2  # relative residual to reach in single precision


class Head(NamedTuple):
    """A linear classifier."""

    weight: Tensor  # (classes, d)
    bias: Tensor  # (classes,)

    def logits(self, features: Tensor) -> Tensor:
        """The logits of each row, (n, classes)."""
        return features @ self.weight.T + self.bias

    def cooled(self, by: float) -> Head:
        """The same classifier with logits divided by a temperature."""
        return Head(self.weight / by, self.bias / by)


def row_space(features: Tensor) -> Tensor:
    """Orthonormal directions, (d, at most n), that span the rows, and so every optimum."""
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
        targets: the probability of each class, (n, classes) double, or for each member, (n,
            members, classes).
        weights: of the rows for each member, (n, members) double.
        intercept: whether classes have one.
    """

    def __init__(
        self, features: Tensor, targets: Tensor, weights: Tensor, *, intercept: bool = True
    ) -> None:
        self._features = features
        self._mean = features.mean(0) * intercept
        centred = features - self._mean
        reach = centred.abs().amax(0)
        self._reach = reach.where(reach > 0, 1.0)
        ones = features.new_full((len(features), 1), intercept)
        self.columns = torch.cat([centred / self._reach, ones], 1)
        self.targets = targets if targets.ndim == 3 else targets[:, None]
        self.weights = weights
        self._intercept = intercept
        self._variances = weights.mean(1) @ self.columns.square()

    @cached_property
    def single(self) -> Tensor:
        """The columns in single precision."""
        return self.columns.float()

    def optimum(self, l2: float, start: Optimum | None = None, tolerance: float = 1e-8) -> Optimum:
        """The optima under a penalty above 0, as closely as rounding allows.

        Args:
            l2: the penalty.
            start: a nearby optimum of the same rows; for other members, their mean is used.
            tolerance: the length of the gradient, in coordinates in which the curvature is about 1.
        """
        ridge = torch.cat([l2 / self._reach.square(), self._reach.new_zeros(1)])
        ridge[-1] = not self._intercept  # a column of zeros needs some curvature
        theta = self._begin(start)
        for precision in (max(ROUGH, tolerance), tolerance):  # roughly first, for the curvature
            probs = self.logits(theta).softmax(2)
            steepness = float((self.weights * (probs * (1 - probs)).mean(2)).sum())
            steepness /= float(self.weights.sum())
            scale = (self._variances * max(steepness, FLATTEST) + ridge).rsqrt()
            function = _Penalised(self, ridge * scale.square(), scale)
            theta = function.minimised(theta / scale, precision) * scale
        return Optimum(self, l2, theta, function)

    def _begin(self, start: Optimum | None) -> Tensor:
        members, classes = self.weights.shape[1], self.targets.shape[2]
        if start is None:
            return self._mean.new_zeros(members, classes, len(self._mean) + 1)
        if len(start.theta) == members:
            return start.theta
        return start.theta.mean(0).repeat(members, 1, 1)

    def rows(self, member: int) -> tuple[Tensor, Tensor, Tensor]:
        """The features, targets and weights of one of them."""
        return self._features, self.targets[:, member], self.weights[:, member]

    def logits(self, theta: Tensor) -> Tensor:
        """The logits of each row by each member, (n, members, classes)."""
        return products(self.columns, theta)

    def heads(self, theta: Tensor) -> list[Head]:
        """The head of each member, for features as given."""
        weights, biases = theta[..., :-1] / self._reach, theta[..., -1]
        return [
            Head(weight, bias - weight @ self._mean)
            for weight, bias in zip(weights, biases, strict=True)
        ]


@dataclass(frozen=True, eq=False)
class Optimum:
    """The optima of a family under a penalty, and how they move."""

    family: Family
    l2: float
    theta: Tensor  # (members, classes, d + 1), in the coordinates of the family
    function: _Penalised

    @property
    def logits(self) -> Tensor:
        """The logits of each row by each member, (n, members, classes)."""
        return self.family.logits(self.theta)

    @property
    def heads(self) -> list[Head]:
        """The head of each member."""
        return self.family.heads(self.theta)

    @property
    def head(self) -> Head:
        """The head of the only member."""
        (head,) = self.heads
        return head

    def response(
        self, slopes: Tensor, tolerance: float = 1e-8, start: Tensor | None = None
    ) -> Tensor:
        """H^-1 g, of theta's shape: g is the gradient of a loss of the logits, H the Hessian here.

        Args:
            slopes: of the loss in the logits, (n, members, classes).
            tolerance: relative residual.
            start: the response of a similar loss at a nearby optimum.
        """
        scale = self.function.scale
        begin = None if start is None else start / scale
        right = self.function.back(slopes)
        return self.function.solution(self.logits, right, tolerance, begin) * scale

    def slope(self, response: Tensor) -> float:
        """The derivative of that loss by log l2, by the implicit function theorem."""
        terms = response * self.theta * self.function.ridge / self.function.scale.square()
        return -float(terms[..., :-1].sum())


@dataclass(frozen=True, eq=False)
class _Penalised:
    """The weighted losses of all members plus a penalty, in coordinates with curvature about 1.

    Args:
        family: the family with the rows and members.
        ridge: the penalty on each column, (d + 1,).
        scale: factors from these coordinates to those of the family, (d + 1,).
    """

    family: Family
    ridge: Tensor
    scale: Tensor

    def minimised(self, start: Tensor, tolerance: float) -> Tensor:
        """The optimum, by Newton steps, to a norm of the gradient or within rounding errors."""
        point, hidden = self._at(start), False
        best, least = point, inf
        for _ in range(STEPS):
            gradient = _balanced(self._gradient(point))
            size = float(gradient.norm())
            stuck = hidden and size > least / 2
            if size < least:
                best, least = point, size
            if not size > tolerance or stuck:  # also stops if it is NaN
                break
            # Rough directions are good enough far from the optimum (Dembo et al., 1982).
            rough = self.solution(point.logits, gradient, min(0.1, size**0.5))
            step = self._at(_balanced(rough))
            slope, loss = (step.theta * gradient).sum(), self._loss(point)
            rounding = HIDDEN * (1 + loss)
            hidden = bool(slope < rounding)
            point = descended(self._loss, point, step, loss + rounding, slope)
        return best.theta

    def solution(
        self, logits: Tensor, right: Tensor, tolerance: float, start: Tensor | None = None
    ) -> Tensor:
        """H^-1 right, to a relative residual; in single precision if that suffices."""
        size = max(float(right.norm()), TINY)
        begin = torch.zeros_like(right) if start is None else start / size
        for dtype in (torch.float, torch.double) if tolerance >= FINEST else (torch.double,):
            times = self._curvature(logits, dtype)
            parts = (right / size).to(dtype), tolerance, begin.to(dtype)
            found = conjugate_gradients(times, *parts).double() * size
            if float((found * right).sum()) > 0:
                break
        return found

    def back(self, slopes: Tensor) -> Tensor:
        """The gradient of a loss, from its slopes in the logits, (n, members, classes)."""
        return sums(slopes, self.family.columns) * self.scale

    def _at(self, theta: Tensor) -> Point:
        return Point(theta, self.family.logits(theta * self.scale))

    def _loss(self, point: Point) -> Tensor:
        losses = -(self.family.targets * point.logits.log_softmax(2)).sum(2)
        penalty = (self.ridge / 2 * point.theta.square()).sum()
        return (self.family.weights * losses).sum() + penalty

    def _gradient(self, point: Point) -> Tensor:
        residuals = point.logits.softmax(2) - self.family.targets
        return self.back(self.family.weights[..., None] * residuals) + self.ridge * point.theta

    def _curvature(self, logits: Tensor, dtype: torch.dtype) -> Product:
        """The product of the Hessian with a direction, computed in this precision."""
        columns = self.family.single if dtype == torch.float else self.family.columns
        ridge, scale = self.ridge.to(dtype), self.scale.to(dtype)
        of_losses = curvature(columns, logits, self.family.weights)
        return lambda direction: of_losses(direction * scale) * scale + ridge * direction


def _balanced(theta: Tensor) -> Tensor:
    """Remove what rounding adds to all classes equally, on which no loss depends."""
    return theta - theta.mean(1, keepdim=True)
