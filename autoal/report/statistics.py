"""Tests of paired numbers, corrections, intervals and ranks; docs/report.md defines each."""

from collections.abc import Sequence
from functools import cache
from itertools import count
from math import ceil

import numpy as np
from scipy import stats

from autoal.report.runs import Floats

LEVEL = 0.05
POWER = 0.8  # the probability with which so many pairs would show a real difference
RESAMPLES = 10_000

Interval = tuple[float, float]


def wilcoxon(differences: Floats) -> float:
    """The two-sided p-value of the signed-rank test, exact whatever the ties; zeros are dropped.

    The distribution is that of all 2^n ways to put signs to the ranks.
    """
    nonzero = differences[differences != 0]
    if not len(nonzero):
        return 1.0
    doubled = (2 * stats.rankdata(np.abs(nonzero))).astype(int)  # integers, even if ranks tie
    chances = _signed_ranks(doubled)
    positive = doubled[nonzero > 0].sum()
    tail = min(chances[: positive + 1].sum(), chances[positive:].sum())
    return float(min(1.0, 2 * tail))


def typical(values: Floats) -> float:
    """The median of the means of all pairs, each with itself too (Hodges and Lehmann, 1963)."""
    return float(np.median(_pair_means(values)))


def typical_interval(values: Floats) -> Interval | None:
    """The 95 % interval of that: every centre that the signed-rank test does not refuse.

    Exact without ties; None where there are too few values for one.
    """
    means = _pair_means(values)
    chances = _signed_ranks(np.arange(1, len(values) + 1))
    refused = int(np.searchsorted(chances.cumsum(), LEVEL / 2, side="right"))
    if not refused:
        return None
    return float(means[refused - 1]), float(means[-refused])


def _pair_means(values: Floats) -> Floats:
    """In ascending order."""
    first, second = np.triu_indices(len(values))
    return np.sort((values[first] + values[second]) / 2)


def _signed_ranks(ranks: np.ndarray) -> Floats:
    """The probabilities of each sum of those of these integer ranks whose sign is positive."""
    chances = np.zeros(ranks.sum() + 1)
    chances[0] = 1.0
    for rank in ranks:
        shifted = np.concatenate([np.zeros(rank), chances[:-rank]])
        chances = (chances + shifted) / 2
    return chances


def least_p(pairs: int) -> float:
    """The smallest p-value of the two-sided signed-rank test with this many pairs."""
    return min(1.0, 2.0 ** (1 - pairs))


def can_show(pairs: int, comparisons: int) -> bool:
    """Whether any outcome of this many pairs could be a verdict, among this many comparisons."""
    return least_p(pairs) * comparisons <= LEVEL


def pairs_needed(differences: Floats, comparisons: int) -> int | None:
    """How many pairs show such a mean with a probability of 80 %; None: no number would.

    By the normal approximation of the paired t-test with Guenther's correction (1981), over the
    efficiency of the signed-rank test beside it, which is 3 / pi: ((z_a + z_b)^2 (s / mean)^2 +
    z_a^2 / 2) pi / 3, of a level that is shared by the comparisons; never fewer than can show
    anything. A single difference tells no spread, and needs no more than that.
    """
    fewest = next(pairs for pairs in count(1) if can_show(pairs, comparisons))
    if len(differences) < 2:
        return fewest
    mean = float(differences.mean())
    if mean == 0:
        return None
    level, power = stats.norm.isf([LEVEL / comparisons / 2, 1 - POWER])
    by_t = ((level + power) * differences.std(ddof=1) / mean) ** 2 + level**2 / 2
    return max(fewest, ceil(by_t * np.pi / 3))


def holm(values: Sequence[float]) -> list[float]:
    """The p-values, corrected so that the chance of any false alarm stays below the level."""
    order = np.argsort(values, kind="stable")
    stepped = np.array(values, dtype=float)[order] * np.arange(len(values), 0, -1)
    corrected = np.empty(len(values))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return [float(value) for value in corrected]


def bootstrap(differences: Floats) -> Interval:
    """The 95 % percentile interval of the mean, by resampling seeds with replacement."""
    drawn = _drawn_shares(len(differences)) @ differences
    low, high = np.percentile(drawn, [100 * LEVEL / 2, 100 * (1 - LEVEL / 2)])
    return float(low), float(high)


@cache
def _drawn_shares(count: int) -> Floats:
    """How often each of the values is drawn in each resample, as shares, (resamples, count)."""
    stream = np.random.default_rng(0)  # the same runs give the same report
    drawn = stream.integers(0, count, (RESAMPLES, count))
    shares = np.zeros((RESAMPLES, count))
    np.add.at(shares, (np.arange(RESAMPLES)[:, None], drawn), 1 / count)
    return shares


def t_interval(values: Floats) -> Interval:
    """The 95 % interval of the mean of at least two values, by Student's t."""
    return _interval(values.mean(), values.var(ddof=1) / len(values), len(values) - 1)


def t_test(values: Floats) -> float:
    """The two-sided p-value of a mean of zero, by Student's t; zeros alone show nothing."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    if error == 0:
        return 0.0 if values.any() else 1.0
    return float(2 * stats.t.sf(abs(values.mean()) / error, len(values) - 1))


def fixed_interval(groups: Sequence[Floats]) -> Interval:
    """The 95 % interval of the mean of the groups' means, with chance within groups only.

    By Student's t with Welch's degrees of freedom; each group has at least two values.
    """
    parts = np.array([group.var(ddof=1) / len(group) for group in groups]) / len(groups) ** 2
    weighed = np.sum(parts**2 / [len(group) - 1 for group in groups])
    freedom = parts.sum() ** 2 / weighed if weighed else np.inf
    return _interval(np.mean([group.mean() for group in groups]), parts.sum(), freedom)


def _interval(mean: float, variance: float, freedom: float) -> Interval:
    """The interval around a mean with a variance of its own."""
    half = stats.t.ppf(1 - LEVEL / 2, freedom) * np.sqrt(variance)
    return float(mean - half), float(mean + half)


def fieller(above: Floats, below: Floats) -> Interval | None:
    """The 95 % interval of the ratio of two sums, from at least two pairs (Fieller, 1954).

    It has ends only if the sum below the line is shown to differ from zero; None where it is not.
    """
    means = np.array([above.mean(), below.mean()])
    spread = stats.t.ppf(1 - LEVEL / 2, len(above) - 1) ** 2 * np.cov(above, below) / len(above)
    (top, both), (_, bottom) = np.outer(means, means) - spread
    if bottom <= 0:
        return None
    root = np.sqrt(max(0.0, both**2 - top * bottom))
    return float((both - root) / bottom), float((both + root) / bottom)


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
    """The longest stretches, in ascending means, without a difference; first and last."""
    found: list[tuple[int, int]] = []
    for first, mean in enumerate(means):
        last = max(place for place, other in enumerate(means) if other - mean <= difference)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
