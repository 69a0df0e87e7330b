"""The results of contenders: areas and final results, tests of pairs, ranks and wins."""

from collections.abc import Mapping, Sequence
from math import inf
from statistics import fmean

import numpy as np

from autoal.costs.units import LABELS
from autoal.report.across import leading
from autoal.report.axis import AXES
from autoal.report.comparisons import (
    SEEDS,
    Comparison,
    Ranking,
    other_pairs,
    ranking,
    ranking_of_settings,
    win_matrix,
)
from autoal.report.groups import Setting
from autoal.report.measures import Curve, Spread, labels_to_reach
from autoal.report.metric import ACCURACY
from autoal.report.page import Folded, Section, Statement
from autoal.report.rank_figure import critical_difference
from autoal.report.runs import Run
from autoal.report.statistics import LEVEL
from autoal.report.tables import Cell, Fine, Heat, Table

Against = Mapping[str, Sequence[Comparison]]  # by setting

_READ = "How to read these numbers"
UNRANKED = "upper references, and those with fewer runs than others"


def results(settings: Sequence[Setting]) -> Section:
    """Areas, final results, and labels saved and bought."""
    metric = settings[0].metric if settings else ACCURACY
    over = settings[0].over if settings else LABELS
    text = (
        f"Area: under the curve of {metric} over {AXES[over].title} by the trapezoid rule, divided "
        f"by the range. {over.capitalize()} needed: where the mean curve first reaches random's "
        f"mean final {metric}, over the seeds in common with random. Saved: the share of random's "
        f"{over} that is not needed. Mean ± standard deviation (n - 1) over the seeds. Bold: the "
        "largest area of a setting, and those that are not shown to be smaller, by the 95 % "
        "interval of the differences in pairs (Student's t); nothing if seeds are too few."
    )
    lines = [(setting, name) for setting in settings for name in setting.ranked]
    rows = [_result(setting, name, setting.contenders[name]) for setting, name in lines]
    best = {(setting.name, name) for setting in settings for name in leading(setting)}
    bold = [place for place, (setting, name) in enumerate(lines) if (setting.name, name) in best]
    header = ["setting", "strategy", "seeds", "area", f"final {metric}"]
    header += [f"{over} needed", "saved", "labels bought", "wrong labels"]
    table = Table("results", "Results", header, rows, bold)
    return Section("Results", [table, Folded(_READ, [text])])


def _result(setting: Setting, name: str, runs: Sequence[Run]) -> list[Cell]:
    return [
        setting.name,
        name,
        len(runs),
        Spread.of([run.area for run in runs]),
        Spread.of([run.final for run in runs]),
        *saving(setting, name),
        _total([[past.bought for past in run.rounds] for run in runs]),
        _total([[past.wrong for past in run.rounds] for run in runs]),
    ]


def saving(setting: Setting, name: str) -> tuple[str | float | None, float | None]:
    """The amount needed to reach random's final result, and the share of random's that it saves."""
    if setting.baseline is None:
        return None, None
    mine, base = setting.contenders[name], setting.contenders[setting.baseline]
    if setting.over == LABELS and any(past.unasked for run in mine for past in run.rounds):
        return "not all bought", None
    common = {(run.seed, run.start) for run in mine} & {(run.seed, run.start) for run in base}
    mine, base = ([run for run in runs if (run.seed, run.start) in common] for runs in (mine, base))
    if not common:
        return "no seed in common", None
    given = float(np.mean([run.compared[0][-1] for run in base]))
    if name == setting.baseline:
        return given, 0.0
    target = float(np.mean([run.final for run in base]))
    curve = Curve.of(mine)
    needed = labels_to_reach(target, curve.along, curve.mean)
    return ("not reached", None) if needed is None else (needed, 1 - needed / given)


def _total(counts: Sequence[Sequence[int | None]]) -> int | float | None:
    """The mean over runs of the sum over rounds, if every round has a value."""
    known = [[count for count in run if count is not None] for run in counts if None not in run]
    if not known:
        return None
    mean = float(np.mean([sum(run) for run in known]))
    return int(mean) if mean.is_integer() else mean


def tests(settings: Sequence[Setting], against: Against) -> Section:
    """Every contender against random, and all other pairs."""
    text = (
        "Differences are of areas, the first minus the second, seed by seed. p: two-sided "
        "Wilcoxon signed-rank test, exact, zeros dropped. Corrected: by Holm, over the rows of "
        "one setting in the same table. Interval: 95 %, percentile bootstrap over the seeds, "
        "not corrected; with few seeds it is too narrow."
    )
    compared = comparisons("against_random", "Against random", against)
    pairs = {setting.name: other_pairs(setting) for setting in settings}
    others = comparisons("pairs", "All other pairs", pairs)
    shown = [table for table in (compared, others) if table.rows]
    nothing = "There are no two strategies to compare."
    return Section("Tests", [*shown, Folded(_READ, [text])] if shown else [nothing])


def comparisons(name: str, title: str, found: Against) -> Table:
    """A row for each difference of two contenders, in each setting the largest first."""
    rows: list[list[Cell]] = [
        [
            setting,
            comparison.first,
            comparison.second,
            comparison.seeds,
            comparison.mean,
            comparison.interval,
            Fine(comparison.p),
            Fine(comparison.corrected),
            comparison.verdict,
        ]
        for setting, compared in found.items()
        for comparison in sorted(compared, key=_difference)
    ]
    header = ["setting", "first", "second", "seeds", "difference", "95 % interval"]
    return Table(name, title, [*header, "p", "corrected", "verdict"], rows)


def _difference(comparison: Comparison) -> float:
    """Sorts in descending order; pairs without a difference are last."""
    return inf if comparison.mean is None else -comparison.mean


def ranks(settings: Sequence[Setting], names: Sequence[str]) -> Section:
    """Mean ranks, the critical difference and the win matrix."""
    section = Section("Ranks and wins", [])
    found = _rankings(settings)
    for where, ranked in found.items():
        section.parts.append(Statement(where, _rank_paragraph(ranked, names)))
        shown = "a bar joins strategies that are not shown to differ"
        title = f"Mean ranks, {where}: {shown if ranked.enough else 'too few for a verdict'}"
        section.parts.append(critical_difference(title, ranked))
    unranked = "No mean rank: no two strategies have a seed in common."
    table = _rank_table(found, names)
    section.parts.append(Folded("All mean ranks", [table]) if found else unranked)
    if len(names) < 2:
        return section
    rows = _wins(settings, names)
    section.parts.append(
        "Wins: the share of the pairs in which the row's area is larger than the column's, a tie "
        "as half; the mean over the settings. The bluer, the more often."
    )
    header = ["strategy", *(str(name) for name, *_ in rows)]
    section.parts.append(Table("wins", "Wins", header, rows, heat=Heat(1, 1.0)))
    return section


def _wins(settings: Sequence[Setting], names: Sequence[str]) -> list[list[Cell]]:
    """How often each wins against each, those with the most wins first."""
    matrix = win_matrix(settings, names)
    won = [fmean([share for share in row if share is not None] or [0.0]) for row in matrix]
    order = sorted(range(len(names)), key=lambda place: -won[place])
    return [[names[row], *(matrix[row][column] for column in order)] for row in order]


def _rankings(settings: Sequence[Setting]) -> dict[str, Ranking]:
    """Over all settings together; each alone if they share too few strategies or seeds."""
    where = settings[0].name if len(settings) == 1 else "all settings"
    found = {where: ranking(settings)}
    if len(settings) > 1:
        found["all settings, seeds averaged"] = ranking_of_settings(settings)
    if not any(found.values()):
        found = {setting.name: ranking([setting]) for setting in settings}
    return {where: ranked for where, ranked in found.items() if ranked}


def _rank_paragraph(found: Ranking, names: Sequence[str]) -> str:
    absent = _left_out(found, names)
    left_out = f" Not ranked are {UNRANKED}: {', '.join(absent)}." if absent else ""
    return (
        f"Ranks of the areas in each block, 1 is best, ties share their mean. A block is "
        f"{found.block}; there are {found.blocks}. Seeds of one setting are evidence about further "
        f"seeds of it, not about further data sets. {_rank_verdict(found)}{left_out}"
    )


def _rank_verdict(found: Ranking) -> str:
    """The verdict of the ranks; empty if the tests of pairs could not show anything either."""
    if not found.enough:
        repeated = "seeds of some setting" if found.block == SEEDS else "settings"
        return f"There are too few for a verdict ({repeated}: {found.repeats})."
    friedman = f"Friedman's test of no difference at all: p = {found.p:.3g}"
    if not found.decided:
        return f"{friedman}; no difference shown."
    return (
        f"{friedman}. Mean ranks differ at the level {LEVEL:g} if they are more than "
        f"{found.critical:.2f} apart (Nemenyi)."
    )


def _rank_table(found: Mapping[str, Ranking], names: Sequence[str]) -> Table:
    """Names those left out too, so that nobody seems first because others are absent."""
    rows: list[list[Cell]] = [
        [where, name, ranked.by_name.get(name, "not ranked")]
        for where, ranked in found.items()
        for name in [*ranked.names, *_left_out(ranked, names)]
    ]
    title = f"Mean rank; not ranked are {UNRANKED}"
    return Table("ranks", title, ["over", "strategy", "mean rank"], rows)


def _left_out(found: Ranking, names: Sequence[str]) -> list[str]:
    return [name for name in names if name not in found.names]
