"""Contenders against each other, paired by seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Literal

import numpy as np

from autoal.report.groups import Setting
from autoal.report.runs import Floats
from autoal.report.statistics import (
    LEVEL,
    Interval,
    bootstrap,
    can_show,
    critical_difference,
    friedman,
    holm,
    least_p,
    ranks,
    wilcoxon,
)

Measure = Literal["area", "final"]  # a number of a run


def in_common(setting: Setting, names: Sequence[str], measure: Measure = "area") -> Floats:
    """One number of the runs whose seed and start set these contenders share, (contenders, runs).

    Each column is of one seed and start set.
    """
    found = [
        {(run.seed, run.start): getattr(run, measure) for run in setting.contenders.get(name, ())}
        for name in names
    ]
    shared = sorted(set.intersection(*map(set, found)))
    return np.array([[numbers[key] for key in shared] for numbers in found], dtype=float)


def paired_differences(
    setting: Setting, first: str, second: str, measure: Measure = "area"
) -> Floats:
    """The first contender minus the second, for every seed and start set that they share."""
    mine, theirs = in_common(setting, (first, second), measure)
    return rounded(mine - theirs)


def rounded(differences: Floats) -> Floats:
    """Rounded, so that equal differences are equal although sums of floats are not exact."""
    return np.round(differences, 12)


@dataclass(frozen=True)
class Comparison:
    """The areas of one contender minus those of another, seed by seed."""

    first: str
    second: str
    differences: Floats
    p: float
    corrected: float
    factor: int  # for the correction: comparisons with no smaller p

    @property
    def seeds(self) -> int:
        return len(self.differences)

    @property
    def mean(self) -> float | None:
        return float(self.differences.mean()) if self.seeds else None

    @property
    def interval(self) -> Interval | None:
        """The interval of the mean; one difference has none."""
        return bootstrap(self.differences) if self.seeds > 1 else None

    @property
    def decided(self) -> bool:
        return self.corrected <= LEVEL

    @property
    def verdict(self) -> str:
        """The verdict in plain words."""
        if not self.seeds:
            return "no seed in common"
        if self.decided:
            better = self.differences.mean() > 0
            return f"{self.first} is {'better' if better else 'worse'} than {self.second}"
        return self.shortage or "no difference shown"

    @property
    def shortage(self) -> str | None:
        """The reason why no outcome at all could be a verdict, if there is one."""
        least = least_p(self.seeds)
        if not can_show(self.seeds, 1):
            return (
                f"too few seeds for a verdict ({self.seeds}; a two-sided Wilcoxon test "
                f"cannot fall below {least:.3g} with {self.seeds})"
            )
        if not can_show(self.seeds, self.factor):
            return (
                f"too few seeds for {self.factor} comparisons ({self.seeds}; corrected, the "
                f"first cannot fall below {min(1.0, least * self.factor):.3g})"
            )
        return None


def against(setting: Setting, base: str | None) -> list[Comparison]:
    """Every other contender minus this one; one family."""
    names = [name for name in setting.honest if name != base]
    return _family(setting, [(name, base) for name in names]) if base in setting.contenders else []


def against_baseline(setting: Setting) -> list[Comparison]:
    """Every other contender minus the baseline."""
    return against(setting, setting.baseline)


def other_pairs(setting: Setting) -> list[Comparison]:
    """Every contender but the baseline minus every later one; one family.

    Each pair is tested in one family, so that no two tests of it say different things.
    """
    names = [name for name in setting.honest if name != setting.baseline]
    return _family(setting, list(combinations(names, 2)))


def family_size(setting: Setting, first: str, second: str) -> int:
    """How many pairs are tested in the same family as these two."""
    if setting.baseline in (first, second):
        return max(1, len(setting.honest) - 1)
    return max(1, comb(len(setting.honest) - (setting.baseline is not None), 2))


def _family(setting: Setting, pairs: Sequence[tuple[str, str]]) -> list[Comparison]:
    found = [paired_differences(setting, first, second) for first, second in pairs]
    values = [wilcoxon(paired) for paired in found]
    return [
        Comparison(first, second, paired, p, corrected, sum(other >= p for other in values))
        for (first, second), paired, p, corrected in zip(
            pairs, found, values, holm(values), strict=True
        )
    ]


def win_matrix(settings: Sequence[Setting], names: Sequence[str]) -> list[list[float | None]]:
    """How often the row has a larger area than the column; empty on the diagonal.

    The share of the seeds in common, a tie as half, then the mean over the settings with both.
    """
    return [
        [None if row == column else _win_share(settings, row, column) for column in names]
        for row in names
    ]


def _win_share(settings: Sequence[Setting], first: str, second: str) -> float | None:
    found = [paired_differences(setting, first, second) for setting in settings]
    shares = [np.mean((np.sign(paired) + 1) / 2) for paired in found if len(paired)]
    return float(np.mean(shares)) if shares else None


SEEDS = "one seed of one setting that all strategies have"
SETTINGS = "one setting, with the means over the seeds that all strategies have"


@dataclass(frozen=True)
class Ranking:
    """Mean ranks of the areas in each block."""

    names: list[str]  # best first
    means: list[float]
    blocks: int
    block: str  # the name of a block
    seeds: int  # the fewest runs whose mean is a block
    repeats: int  # the base of a verdict: seeds of every setting, or settings
    p: float  # Friedman's, of no difference at all
    critical: float  # Nemenyi's critical difference

    @property
    def enough(self) -> bool:
        """Whether the signed-rank test of all pairs could show anything; if not, nothing may."""
        return can_show(self.repeats, len(self.names) * (len(self.names) - 1) // 2)

    @property
    def decided(self) -> bool:
        """Whether some of the mean ranks are shown to differ."""
        return self.enough and self.p <= LEVEL

    @property
    def leading(self) -> list[str]:
        """The first, and those that are not shown to differ from it; none if nothing is shown."""
        reach = self.means[0] + self.critical if self.decided else -np.inf
        return [name for name, mean in self.by_name.items() if mean <= reach]

    @property
    def by_name(self) -> dict[str, float]:
        """The mean rank of each."""
        return dict(zip(self.names, self.means, strict=True))


def ranking(settings: Sequence[Setting]) -> Ranking | None:
    """Every seed of every setting is a block, if all contenders with a full set of runs have it."""
    names = _fully_run(settings)
    rows = [in_common(setting, names).T for setting in settings if names]
    return _ranked(names, np.concatenate(rows), SEEDS, 1, min(map(len, rows))) if rows else None


def ranking_of_settings(settings: Sequence[Setting]) -> Ranking | None:
    """Every setting is a block, if the contenders common to all settings share a seed there.

    What is ranked are the means over the seeds that they share.
    """
    names = _everywhere(settings)
    found = [in_common(setting, names) for setting in settings if names]
    blocks = [shared for shared in found if shared.size]
    if not blocks:
        return None
    means = np.array([shared.mean(1) for shared in blocks])
    fewest = min(shared.shape[1] for shared in blocks)
    return _ranked(names, means, f"{SETTINGS}, {fewest} at least", fewest, len(blocks))


def _ranked(
    names: Sequence[str], rows: Floats, block: str, seeds: int, repeats: int
) -> Ranking | None:
    """Ranks of the values in each block, (blocks, contenders)."""
    if len(names) < 2 or not len(rows):
        return None
    ranked = ranks(rows)
    means = ranked.mean(0)
    order = np.argsort(means, kind="stable")
    return Ranking(
        names=[names[place] for place in order],
        means=[float(means[place]) for place in order],
        blocks=len(rows),
        block=block,
        seeds=seeds,
        repeats=repeats,
        p=friedman(ranked),
        critical=critical_difference(len(names), len(rows)),
    )


def _everywhere(settings: Sequence[Setting]) -> list[str]:
    """The honest contenders that every setting has."""
    names = dict.fromkeys(name for setting in settings for name in setting.honest)
    return [name for name in names if all(name in setting.contenders for setting in settings)]


def _fully_run(settings: Sequence[Setting]) -> list[str]:
    """Contenders with the most runs in every setting; others would cost the rest their blocks."""
    counts = {
        name: sum(len(setting.contenders[name]) for setting in settings)
        for name in _everywhere(settings)
    }
    return [name for name, count in counts.items() if count == max(counts.values())]
