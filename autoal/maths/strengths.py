"""Strengths of rows from pairwise comparisons (Bradley and Terry, 1952)."""

from __future__ import annotations

import torch
from torch import Tensor

ENOUGH = 1e-9  # slope below which the posterior counts as flat


def strengths(prior: Tensor, stronger: Tensor, weaker: Tensor) -> Tensor:
    """The likeliest strengths, (rows,), where a beats b with probability s(a - b).

    s is the logistic function. A priori each strength is normal around its prior mean with
    deviation 1, so there is always one likeliest answer.

    Args:
        prior: prior means of the strengths, (rows,).
        stronger: places of the rows that won, (comparisons,).
        weaker: places of those that lost to them, (comparisons,).
    """
    prior = prior.double()
    if not prior.isfinite().all():
        raise ValueError("the prior strengths must be finite")
    games = torch.bincount(torch.cat([stronger, weaker]), minlength=len(prior))
    step = 1 / (1 + games.max() / 2)  # its inverse bounds the posterior's curvature
    found = prior.clone()
    while True:
        surprise = torch.sigmoid(found[weaker] - found[stronger])
        slope = prior - found
        slope.index_add_(0, stronger, surprise).index_add_(0, weaker, -surprise)
        if slope.abs().max() < ENOUGH:
            return found
        found += step * slope
