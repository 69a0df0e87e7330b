"""How often people or models say the same, and how sure one can be of a share."""

from __future__ import annotations

from itertools import combinations
from math import sqrt

import torch
from scipy.special import stdtrit
from torch import Tensor

NORMAL = 1.959964  # 97.5 % of a standard normal lie below
LEVEL = 0.05  # how often an upper bound may be missed, on both sides together


def wilson(share: float, count: int) -> tuple[float, float]:
    """The interval in which the true share is with 95 % confidence (Wilson, 1927)."""
    spread = NORMAL**2 / count
    centre = (share + spread / 2) / (1 + spread)
    half = NORMAL * sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def kappa(first: Tensor, second: Tensor) -> float:
    """Cohen's kappa of two lists of classes; 1 where they are the same, of one class too."""
    observed = float((first == second).double().mean())
    if observed == 1:
        return 1.0
    classes = int(torch.cat([first, second]).max()) + 1
    shares = [torch.bincount(labels, minlength=classes) / len(labels) for labels in (first, second)]
    chance = float(shares[0].double() @ shares[1].double())
    return (observed - chance) / (1 - chance)


def kappas(votes: Tensor) -> dict[tuple[int, int], tuple[float, int]]:
    """Of every two people their kappa, and on how many rows; without pairs that share no row.

    Args:
        votes: (n, people) long, below 0 where there is none.
    """
    shared = {pair: (votes[:, pair] >= 0).all(1) for pair in combinations(range(votes.shape[1]), 2)}
    return {
        pair: (kappa(*votes[both][:, pair].T), int(both.sum()))
        for pair, both in shared.items()
        if both.any()
    }


def upper_bound(right: Tensor) -> float:
    """As how reliable somebody may be taken, by the mean of rewards and their number.

    It is infinite of whoever has answered less than twice (Donmez, Carbonell and Schneider, 2009).

    Args:
        right: 1 for each answer that was right, and 0 for each other.
    """
    count = len(right)
    if count < 2:
        return float("inf")
    quantile = float(stdtrit(count - 1, 1 - LEVEL / 2))
    return float(right.mean() + quantile * right.std() / sqrt(count))
