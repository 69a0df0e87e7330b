"""Measures of several runs of one contender."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from autoal.record.round import Round
from autoal.report.past import Past
from autoal.report.runs import Floats, Run


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (n - 1); the deviation of a single number is unknown."""

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        many = len(values) > 1
        return cls(float(np.mean(values)), float(np.std(values, ddof=1)) if many else None)


def mean_of_sums(runs: Sequence[Run], of: Callable[[Past], float]) -> float:
    """The mean over runs of the sum over their rounds."""
    return float(np.mean([sum(map(of, run.rounds)) for run in runs]))


@dataclass(frozen=True)
class Curve:
    """Results over the amount spent, over the seeds."""

    along: Floats  # labels, or their cost in money or seconds
    mean: Floats
    deviation: Floats  # zero for a single seed
    seeds: int = 1
    interval: tuple[Floats, Floats] | None = None  # of the mean, if the runs record one themselves

    @property
    def low(self) -> Floats:
        """The lower end of the drawn band."""
        return self.mean - self.deviation if self.interval is None else self.interval[0]

    @property
    def high(self) -> Floats:
        """The upper end of the drawn band."""
        return self.mean + self.deviation if self.interval is None else self.interval[1]

    @classmethod
    def of(cls, runs: Sequence[Run]) -> "Curve":
        """At all amounts that any run had spent within the range of every run, interpolated.

        Of rounds that spent nothing, the last one counts.
        """
        lasts = [np.append(np.diff(run.spent) > 0, True) for run in runs]
        pairs = zip(runs, lasts, strict=True)
        return cls._over([(run.spent[last], run.results[last]) for run, last in pairs])

    @classmethod
    def _over(cls, curves: Sequence[tuple[Floats, Floats]]) -> "Curve":
        """The mean of curves, each given by its points.

        Where no point is in the reach of all, as of runs of a start alone of which rows were
        declined, every curve keeps its ends.
        """
        points = np.unique(np.concatenate([along for along, _ in curves]))
        low = max(along[0] for along, _ in curves)
        high = min(along[-1] for along, _ in curves)
        shared = points[(points >= low) & (points <= high)]
        points = shared if len(shared) else points
        rows = np.array([np.interp(points, *curve) for curve in curves])
        deviation = rows.std(0, ddof=1) if len(rows) > 1 else np.zeros(len(points))
        return cls(points, rows.mean(0), deviation, len(curves))

    @property
    def spreads(self) -> list[Spread]:
        """At each number of labels."""
        known = self.deviation.tolist() if self.seeds > 1 else [None] * len(self.deviation)
        return [Spread(*each) for each in zip(self.mean.tolist(), known, strict=True)]


def kinds_settled(rounds: Iterable[Past | Round]) -> list[str]:
    """The kinds of choices that learners made in any of these rounds."""
    return list(dict.fromkeys(kind for done in rounds for kind in done.settled))


def settled(rounds: Iterable[Past | Round], kind: str) -> Curve | None:
    """The median of the learners' choices, over the rounds with this many labels that record it."""
    found: dict[int, list[float]] = defaultdict(list)
    for done in rounds:
        if kind in done.settled:
            found[done.labelled].append(done.settled[kind])
    if not found:
        return None
    counts = sorted(found)
    medians = np.array([float(np.median(found[count])) for count in counts])
    return Curve(np.array(counts, dtype=float), medians, np.zeros_like(medians))


def labels_to_reach(target: float, labelled: Floats, results: Floats) -> float | None:
    """The first number of labels at which the curve reaches the target, if it does."""
    reached = np.flatnonzero(results >= target)
    if not len(reached):
        return None
    at = reached[0]
    if at == 0:
        return float(labelled[0])
    share = (target - results[at - 1]) / (results[at] - results[at - 1])
    return float(labelled[at - 1] + share * (labelled[at] - labelled[at - 1]))


def evenness(counts: Sequence[int]) -> float:
    """Entropy of the classes relative to equal shares: 1 is balanced, 0 is a single class."""
    if len(counts) < 2:
        return 1.0
    shares = np.array([count for count in counts if count], dtype=float)
    shares /= shares.sum()
    return float(-np.sum(shares * np.log(shares)) / np.log(len(counts))) + 0.0
