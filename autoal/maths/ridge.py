"""Logistic regressions with free intercepts under an l2 penalty, several side by side.

Each minimises sum_i weights_i l(x_i, y_i) + l2 / 2 |W|^2 in double precision. Those of a family
share their rows and the penalty, and differ in what each row counts, as folds do; together they
are one convex function, whose Newton steps are a few matrix products for all of them. Directions
are found in single precision, which the double precision of the gradients mends. Where rows are few
and columns many, `row_space` leaves as few columns as there are rows, and the optimum where it is.
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

ROUNDING = 1e-12  # a direction of up to this share of the largest variance is what rounding left
ROUGH = 0.1  # tolerance from which on the curvature is as it will be
FLATTEST = 1e-8  # curvature of a loss that counts, where all rows are predicted with certainty
STEPS = 200  # of Newton's: separable rows under next to no penalty take one for each e-fold of loss
HIDDEN = 1e-14  # share of a loss that rounding hides
FINEST = 1e-2  # relative residual that single precision is asked for


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
        """Where all of them end under a penalty, which is above 0, or as near as rounding lets.

        Args:
            l2: the penalty.
            start: an optimum of the same rows, from which it is not far; that of other members
                stands for their mean.
            tolerance: the length of the gradient, in coordinates in which the curvature is about 1.
        """
        ridge = torch.cat([l2 / self._reach.square(), self._reach.new_zeros(1)])
        ridge[-1] = not self._intercept  # a column of zeros must have some curvature
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
        """Of each row by each member, (n, members, classes)."""
        return products(self.columns, theta)

    def heads(self, theta: Tensor) -> list[Head]:
        """Of each member, for features as they were given."""
        weights, biases = theta[..., :-1] / self._reach, theta[..., -1]
        return [
            Head(weight, bias - weight @ self._mean)
            for weight, bias in zip(weights, biases, strict=True)
        ]


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where the members of a family end under a penalty, and how that moves."""

    family: Family
    l2: float
    theta: Tensor  # (members, classes, d + 1), in the coordinates of the family
    function: _Penalised

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
        scale = self.function.scale
        begin = None if start is None else start / scale
        right = self.function.back(slopes)
        return self.function.solution(self.logits, right, tolerance, begin) * scale

    def slope(self, response: Tensor) -> float:
        """Of that loss in log l2, by the implicit function theorem."""
        terms = response * self.theta * self.function.ridge / self.function.scale.square()
        return -float(terms[..., :-1].sum())


@dataclass(frozen=True, eq=False)
class _Penalised:
    """The weighted losses of all members, and a penalty, in coordinates of a curvature of about 1.

    Args:
        family: whose rows and members they are.
        ridge: the penalty on each column, (d + 1,).
        scale: by which these coordinates are multiplied to be those of the family, (d + 1,).
    """

    family: Family
    ridge: Tensor
    scale: Tensor

    def minimised(self, start: Tensor, tolerance: float) -> Tensor:
        """The optimum, by Newton steps, to a norm of the gradient or to what rounding leaves."""
        point, hidden = self._at(start), False
        best, least = point, inf
        for _ in range(STEPS):
            gradient = _balanced(self._gradient(point))
            size = float(gradient.norm())
            stuck = hidden and size > least / 2
            if size < least:
                best, least = point, size
            if not size > tolerance or stuck:  # nor where it is no number
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
        """H^-1 right, to a relative residual; in single precision where that leads to it."""
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
    """Without what rounding adds to all classes alike, on which no loss depends."""
    return theta - theta.mean(1, keepdim=True)
