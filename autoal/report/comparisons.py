"""Contenders against each other, paired by seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from autoal.report.groups import Setting
from autoal.report.measures import area
from autoal.report.runs import Floats, Run
from autoal.report.statistics import (
    LEVEL,
    bootstrap,
    critical_difference,
    friedman,
    holm,
    least_p,
    ranks,
    wilcoxon,
)

Areas = dict[str, dict[tuple[int, str], float]]  # by contender, then by seed and start set


def areas(setting: Setting) -> Areas:
    """The area of every run, under what it is paired by."""
    return {
        name: {_pairing(run): area(run) for run in runs}
        for name, runs in setting.contenders.items()
    }


def _pairing(run: Run) -> tuple[int, str]:
    return run.seed, run.start


@dataclass(frozen=True)
class Comparison:
    """The areas of one contender minus those of another, seed by seed."""

    first: str
    second: str
    differences: Floats
    p: float
    corrected: float
    factor: int  # of the correction: comparisons with no smaller p

    @property
    def seeds(self) -> int:
        return len(self.differences)

    @property
    def mean(self) -> float | None:
        return float(self.differences.mean()) if self.seeds else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the mean; one difference has none."""
        return bootstrap(self.differences) if self.seeds > 1 else None

    @property
    def decided(self) -> bool:
        return self.corrected <= LEVEL

    @property
    def verdict(self) -> str:
        """In plain words."""
        if not self.seeds:
            return "no seed in common"
        if self.decided:
            better = self.differences.mean() > 0
            return f"{self.first} is {'better' if better else 'worse'} than {self.second}"
        return self._shortage() or "no difference shown"

    def _shortage(self) -> str | None:
        """Why no outcome at all could have been a verdict, if that is so."""
        least = least_p(self.seeds)
        if least > LEVEL:
            return (
                f"too few seeds for a verdict ({self.seeds}; a two-sided Wilcoxon test "
                f"cannot fall below {least:.3g} with {self.seeds})"
            )
        if least * self.factor > LEVEL:
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


def all_pairs(setting: Setting) -> list[Comparison]:
    """Every contender minus every later one; one family."""
    return _family(setting, list(combinations(setting.honest, 2)))


def _family(setting: Setting, pairs: Sequence[tuple[str, str]]) -> list[Comparison]:
    found = areas(setting)
    differences = [_differences(found, first, second) for first, second in pairs]
    values = [wilcoxon(paired) for paired in differences]
    return [
        Comparison(first, second, paired, p, corrected, sum(other >= p for other in values))
        for (first, second), paired, p, corrected in zip(
            pairs, differences, values, holm(values), strict=True
        )
    ]


def _differences(found: Areas, first: str, second: str) -> Floats:
    common = sorted(found[first].keys() & found[second].keys())
    return np.array([found[first][key] - found[second][key] for key in common], dtype=float)


def win_matrix(settings: Sequence[Setting], names: Sequence[str]) -> list[list[float | None]]:
    """How often the row has a larger area than the column; nothing on the diagonal.

    The share of the seeds in common, a tie as half, then the mean over the settings with both.
    """
    found = [areas(setting) for setting in settings]
    return [
        [None if row == column else _win_share(found, row, column) for column in names]
        for row in names
    ]


def _win_share(found: Sequence[Areas], first: str, second: str) -> float | None:
    shares = []
    for by_name in found:
        if first in by_name and second in by_name:
            differences = np.round(_differences(by_name, first, second), 12)
            if len(differences):
                shares.append(np.mean((np.sign(differences) + 1) / 2))
    return float(np.mean(shares)) if shares else None


@dataclass(frozen=True)
class Ranking:
    """Mean ranks of the areas; a block is one seed of one setting."""

    names: list[str]  # best first
    means: list[float]
    blocks: int
    p: float  # Friedman's, of no difference at all
    critical: float  # Nemenyi's difference


def ranking(settings: Sequence[Setting]) -> Ranking | None:
    """Over the blocks that have all of the contenders that were run fully."""
    names = _fully_run(settings)
    rows = [row for setting in settings for row in _blocks(areas(setting), names)]
    if len(names) < 2 or not rows:
        return None
    ranked = ranks(np.array(rows))
    means = ranked.mean(0)
    order = np.argsort(means, kind="stable")
    return Ranking(
        names=[names[place] for place in order],
        means=[float(means[place]) for place in order],
        blocks=len(rows),
        p=friedman(ranked),
        critical=critical_difference(len(names), len(rows)),
    )


def _fully_run(settings: Sequence[Setting]) -> list[str]:
    """Contenders of every setting with as many runs as any; others would cost these blocks."""
    counts = {
        name: sum(len(setting.contenders[name]) for setting in settings)
        for name in settings[0].honest
        if all(name in setting.contenders for setting in settings)
    }
    return [name for name, count in counts.items() if count == max(counts.values())]


def _blocks(found: Areas, names: Sequence[str]) -> list[list[float]]:
    if not names:
        return []
    common = set.intersection(*(set(found[name]) for name in names))
    return [[found[name][key] for name in names] for key in sorted(common)]
