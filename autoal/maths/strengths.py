"""How strong rows are, by which of two is the stronger one (Bradley and Terry, 1952)."""

from __future__ import annotations

import torch
from torch import Tensor

ENOUGH = 1e-9  # slope of the posterior, from which on it counts as flat


def strengths(prior: Tensor, stronger: Tensor, weaker: Tensor) -> Tensor:
    """The likeliest strengths, (rows,), where the first of two wins with the chance s(a - b).

    s is the logistic function. Before anything is compared, each strength is normal around its
    prior, with a deviation of 1; so there is one likeliest answer, whoever wins.

    Args:
        prior: strengths as far as they are known, (rows,).
        stronger: places of the rows that won, (comparisons,).
        weaker: places of those that lost to them, (comparisons,).
    """
    prior = prior.double()
    if not prior.isfinite().all():
        raise ValueError("the strengths that are known must be finite")
    games = torch.bincount(torch.cat([stronger, weaker]), minlength=len(prior))
    step = 1 / (1 + games.max() / 2)  # the posterior is nowhere more curved than its inverse
    found = prior.clone()
    while True:
        surprise = torch.sigmoid(found[weaker] - found[stronger])
        slope = prior - found
        slope.index_add_(0, stronger, surprise).index_add_(0, weaker, -surprise)
        if slope.abs().max() < ENOUGH:
            return found
        found += step * slope
