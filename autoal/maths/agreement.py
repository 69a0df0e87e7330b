"""Agreement between people or models, and intervals for shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import inf, sqrt
from statistics import fmean, stdev
from typing import SupportsInt

from scipy.special import stdtrit

NORMAL = 1.959964  # 97.5 % of a standard normal lie below
LEVEL = 0.05  # how often an upper bound may be missed, on both sides together


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share (Wilson, 1927)."""
    spread = NORMAL**2 / count
    centre = (share + spread / 2) / (1 + spread)
    half = NORMAL * sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def kappa(first: Iterable[SupportsInt], second: Iterable[SupportsInt]) -> float:
    """Cohen's kappa of two lists of classes; 1 if they are equal, even with a single class."""
    pairs = [(int(one), int(other)) for one, other in zip(first, second, strict=True)]
    observed = sum(one == other for one, other in pairs) / len(pairs)
    if observed == 1:
        return 1.0
    ones, others = (Counter(labels) for labels in zip(*pairs, strict=True))
    chance = sum(count * others[label] for label, count in ones.items()) / len(pairs) ** 2
    return (observed - chance) / (1 - chance)


def kappas(said: Mapping[str, Mapping[int, int]]) -> dict[tuple[str, str], tuple[float, int]]:
    """The kappa of every two people, and its number of rows; without pairs that share no row.

    Args:
        said: the classes of rows, by person.
    """
    found = {}
    for pair in combinations(said, 2):
        first, second = (said[name] for name in pair)
        both = sorted(first.keys() & second.keys())
        if both:
            classes = ([told[row] for row in both] for told in (first, second))
            found[pair] = kappa(*classes), len(both)
    return found


def upper_bound(right: Sequence[float]) -> float:
    """An upper bound of somebody's reliability, from 1 for each right answer and 0 for others.

    It is infinite with fewer than two answers (Donmez, Carbonell and Schneider, 2009).
    """
    count = len(right)
    if count < 2:
        return inf
    quantile = float(stdtrit(count - 1, 1 - LEVEL / 2))
    return fmean(right) + quantile * stdev(right) / sqrt(count)
