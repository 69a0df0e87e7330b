"""A linear regression under an l2 penalty on standardised columns."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Line(NamedTuple):
    """A fitted line: a number from columns, and the rows' variance around it."""

    mean: Tensor  # (d,) of the columns
    scale: Tensor  # (d,)
    weight: Tensor  # (d,) of standardised columns
    level: float  # mean of the targets
    variance: float  # of what is left

    def at(self, columns: Tensor) -> Tensor:
        """The line's value for each row, (n,)."""
        return self.level + (columns - self.mean) / self.scale @ self.weight


def fitted(columns: Tensor, targets: Tensor, ridge: float) -> Line:
    """The line that minimises the squared distances and `ridge` times its squared weights.

    Args:
        columns: (n, d) double.
        targets: (n,) double.
        ridge: above 0.
    """
    mean, level = columns.mean(0), targets.mean()
    deviation = columns.std(0, correction=0)
    scale = deviation.where(deviation > 0, 1.0)
    standard = (columns - mean) / scale
    penalty = ridge * torch.eye(len(mean), dtype=columns.dtype)
    weight = torch.linalg.solve(standard.T @ standard + penalty, standard.T @ (targets - level))
    left = targets - level - standard @ weight
    freedom = max(1, len(targets) - len(mean) - 1)
    return Line(mean, scale, weight, float(level), float(left.square().sum() / freedom))
