"""Tests of paired numbers, corrections, intervals and ranks; docs/report.md defines each."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from autoal.report.runs import Floats

LEVEL = 0.05
RESAMPLES = 10_000


def wilcoxon(differences: Floats) -> float:
    """The two-sided p-value of the signed-rank test, exact whatever the ties; zeros are dropped.

    The distribution is that of all 2^n ways to put signs to the ranks, built up rank by rank.
    """
    # Equal differences are equal, even if a sum of floats says otherwise.
    rounded = np.round(differences, 12)
    nonzero = rounded[rounded != 0]
    if not len(nonzero):
        return 1.0
    doubled = (2 * stats.rankdata(np.abs(nonzero))).astype(int)  # whole, also where ranks tie
    chances = np.zeros(doubled.sum() + 1)
    chances[0] = 1.0
    for rank in doubled:
        shifted = np.concatenate([np.zeros(rank), chances[:-rank]])
        chances = (chances + shifted) / 2
    positive = doubled[nonzero > 0].sum()
    tail = min(chances[: positive + 1].sum(), chances[positive:].sum())
    return float(min(1.0, 2 * tail))


def least_p(pairs: int) -> float:
    """What the two-sided signed-rank test cannot fall below with so many pairs."""
    return min(1.0, 2.0 ** (1 - pairs))


def holm(values: Sequence[float]) -> list[float]:
    """The p-values, corrected so that the chance of any false alarm stays below the level."""
    order = np.argsort(values, kind="stable")
    stepped = np.array(values, dtype=float)[order] * np.arange(len(values), 0, -1)
    corrected = np.empty(len(values))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return [float(value) for value in corrected]


def bootstrap(differences: Floats) -> tuple[float, float]:
    """The 95 % percentile interval of the mean: seeds are drawn anew, with replacement."""
    stream = np.random.default_rng(0)  # the same runs give the same report
    drawn = stream.choice(differences, (RESAMPLES, len(differences))).mean(1)
    low, high = np.percentile(drawn, [100 * LEVEL / 2, 100 * (1 - LEVEL / 2)])
    return float(low), float(high)


def ranks(values: Floats) -> Floats:
    """Ranks in each row, 1 for the highest value; ties share their mean."""
    ranked: Floats = stats.rankdata(-np.round(values, 12), axis=1)
    return ranked


def friedman(ranked: Floats) -> float:
    """The p-value of no difference at all among the columns, corrected for ties."""
    blocks, columns = ranked.shape
    middle = (columns + 1) / 2
    spread = np.sum(ranked**2) - blocks * columns * middle**2
    if spread == 0:
        return 1.0
    statistic = (columns - 1) * np.sum((ranked.sum(0) - blocks * middle) ** 2) / spread
    return float(stats.chi2.sf(statistic, columns - 1))


def critical_difference(columns: int, blocks: int) -> float:
    """Mean ranks further apart than this differ at the level (Nemenyi)."""
    quantile = stats.studentized_range.ppf(1 - LEVEL, columns, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(columns * (columns + 1) / (6 * blocks)))


def cliques(means: Sequence[float], difference: float) -> list[tuple[int, int]]:
    """The longest stretches, in ascending means, within which nothing differs; first and last."""
    found: list[tuple[int, int]] = []
    for first, mean in enumerate(means):
        last = max(place for place, other in enumerate(means) if other - mean <= difference)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
