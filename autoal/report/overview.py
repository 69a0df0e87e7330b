"""The results of contenders over all settings: at a glance, then difference by difference."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from autoal.report.across import (
    FEWEST,
    SIGNS,
    SLIGHT,
    Share,
    gains,
    in_hindsight,
    over_all,
    shares,
)
from autoal.report.behaviour import querying
from autoal.report.comparisons import ranking_of_settings
from autoal.report.gained import gained
from autoal.report.groups import Setting
from autoal.report.page import Folded, Part, Section
from autoal.report.tables import Cell, Fine, Heat, Table


def overview(settings: Sequence[Setting], names: Sequence[str]) -> Section:
    """A line for each contender, and its gain in each setting."""
    table = by_setting(settings, names)
    return Section(
        "All settings at a glance",
        [
            summary(settings, names),
            *([table] if table.rows else []),
            Folded("How to read these tables", [_SUMMARY, _BY_SETTING]),
        ],
    )


def differences(settings: Sequence[Setting]) -> Section:
    """The differences over all settings: at a glance, and all numbers folded."""
    folded = Folded("All numbers, and how to read them", [_ACROSS, *_across(settings)])
    return Section("Differences over all settings", [*_drawn(settings), folded])


def left_to_gain(settings: Sequence[Setting], names: Sequence[str]) -> Section:
    """The gain of the best choice of a strategy, and of rows, beyond a contender."""
    held = hindsight(settings, _composed(settings))
    told = shares_table(settings, names)
    parts: list[Part] = [held, _HINDSIGHT] if held.rows else []
    parts += [told, _SHARES] if told.rows else []
    nothing = "No run has a strategy made of others, or an upper reference better than random."
    return Section("What was left to gain", parts or [nothing])


_ALL = "all settings"
_SUMMARY = (
    "Every number is a mean over the settings that have it. Mean rank: one rank a setting, 1 is "
    "best, by the mean area over the seeds that the strategies share; of the strategies that every "
    "setting has. Bold: the first, and those whose mean rank is not shown to differ from it; "
    "nothing if there are too few settings to show it. Won and lost: settings whose own 95 % "
    "interval over the seeds (Student's t) is above and below random; too few seeds: those in "
    "which the tests of pairs could show neither. Gain over random: of the area, over the seeds in "
    f"common; its interval is that of settings drawn at random (Student's t; {FEWEST} at least). "
    "Share: of what the upper reference gains over random. Seeds: the fewest of a setting. Seeds "
    "ranked: how many the strategies share, the fewest of a setting; one strategy with few seeds "
    "makes them few for all. Seconds: of a round's query, all phases but train and test."
)
_BY_SETTING = (
    "Gain over random, by setting: the mean difference of areas over the seeds in common; blue: "
    "above random, orange: below it, the darker, the further."
)
_ACROSS = (
    "Differences of areas in pairs, their mean in each setting, and the mean over the settings. "
    "Of further settings: the 95 % interval with settings drawn at random, which p is for as well. "
    "Of further seeds: that of these very settings, where only the seeds vary. Corrected: "
    "by Holm over the rows of one table. Typical: the median of the means of all pairs of "
    "settings, which a single outlier hardly moves, with the interval of the signed-rank test, "
    "settings drawn at random; it takes six. Won and lost: settings whose own 95 % interval over "
    "the seeds is above and below zero; too few seeds: those in which the tests of pairs could "
    "show neither. The other intervals are by Student's t."
)
_DRAWN = (
    "A ring is a setting, a spot the mean over them; the thick line is the interval of further "
    "seeds, the thin one that of further settings."
)
_HINDSIGHT = (
    "A strategy made of others minus the best single one of each setting, which nobody knows "
    "beforehand. That one is chosen with the same seeds, so that the difference is too low rather "
    f"than too high. Worse by more than {SLIGHT:g}: the whole 95 % interval is."
)
_SHARES = (
    "(X - random) / (upper reference - random), of areas, over the seeds that all three share, in "
    "settings in which these show that the reference is better than random. All settings: the sum "
    "of the gains over the sum of the reference's. Intervals: 95 %, by Fieller's theorem."
)


def summary(settings: Sequence[Setting], names: Sequence[str]) -> Table:
    """One line per contender, the best by mean rank first."""
    ranked = ranking_of_settings(settings)
    ranks = {name: (mean, ranked.seeds) for name, mean in ranked.by_name.items()} if ranked else {}
    ordered = sorted(names, key=lambda name: ranks.get(name, (np.inf,)))
    header = ["strategy", "mean rank", "won", "level", "lost", "too few seeds", "gain over random"]
    header += ["95 % interval", "share of the reference's gain", "final minus random"]
    header += ["settings", "seeds", "seeds ranked", "query seconds a round"]
    rows = [_summary_row(settings, name, ranks.get(name, (None, None))) for name in ordered]
    level = ranked.leading if ranked else []
    bold = [place for place, name in enumerate(ordered) if name in level]
    return Table("summary", "Strategies over all settings", header, rows, bold)


def _summary_row(settings: Sequence[Setting], name: str, rank: Sequence[Cell]) -> list[Cell]:
    found = [setting.contenders[name] for setting in settings if name in setting.contenders]
    base = _baseline(settings)
    base = None if base == name else base
    areas = gains(settings, name, base)
    tested = areas and any(name in setting.honest for setting in settings)
    told = shares(settings, name)
    seconds = [querying(runs) for runs in found if any(run.queries for run in runs)]
    mean_rank, seeds_ranked = rank
    return [
        name,
        mean_rank,
        *(areas.count(sign) if tested else None for sign in SIGNS),
        areas.mean,
        areas.over_further_settings,
        Share.over(told).value if told else None,
        gains(settings, name, base, "final").mean,
        len(found),
        min(map(len, found)),
        seeds_ranked,
        float(np.mean(seconds)) if seconds else None,
    ]


def by_setting(settings: Sequence[Setting], names: Sequence[str]) -> Table:
    """The gain of each contender over random in each setting, the largest first."""
    base = _baseline(settings)
    found = {name: gains(settings, name, base).by_setting for name in names if name != base}
    told = {name: gain for name, gain in found.items() if gain}
    means = {name: [gain.mean for gain in by_name.values()] for name, by_name in told.items()}
    rows: list[list[Cell]] = [
        [
            name,
            *(
                gain.mean if (gain := told[name].get(setting.name)) else None
                for setting in settings
            ),
        ]
        for name in sorted(told, key=lambda name: -np.mean(means[name]))
    ]
    most = max((abs(mean) for of_one in means.values() for mean in of_one), default=0.0)
    header = ["strategy", *(setting.name for setting in settings)]
    title = "Gain over random, by setting"
    return Table("gains_by_setting", title, header, rows, heat=Heat(1, most))


def _baseline(settings: Sequence[Setting]) -> str | None:
    """The contender that queries at random, if any setting has it."""
    return next((setting.baseline for setting in settings if setting.baseline), None)


def _drawn(settings: Sequence[Setting]) -> list[Part]:
    """The gains of all over random, as a figure."""
    base = _baseline(settings)
    found = over_all(settings, base) if base else []
    drawn = gained(f"Area minus {base}, over all settings", found, f"area minus {base}")
    return [drawn, _DRAWN] if drawn else []


def _across(settings: Sequence[Setting]) -> list[Table]:
    """Minus random, and minus the best."""
    base, ranked = _baseline(settings), ranking_of_settings(settings)
    found = []
    if base:
        found.append(across("across_random", f"Over all settings, minus {base}", settings, base))
    if ranked and ranked.names[0] != base:
        title = f"Over all settings, minus {ranked.names[0]}, the best by mean rank"
        found.append(across("across_best", title, settings, ranked.names[0]))
    return found


def across(name: str, title: str, settings: Sequence[Setting], base: str) -> Table:
    """A row for each contender's differences to this one."""
    rows: list[list[Cell]] = [
        [
            overall.first,
            overall.second,
            len(overall.gains.by_setting),
            overall.gains.mean,
            overall.gains.over_further_settings,
            overall.gains.over_further_seeds,
            _fine(overall.p),
            _fine(overall.corrected),
            overall.gains.typical,
            overall.gains.typical_over_further_settings,
            *map(overall.gains.count, SIGNS),
        ]
        for overall in over_all(settings, base)
    ]
    header = ["first", "second", "settings", "difference"]
    header += ["95 %, further settings", "95 %, further seeds", "p", "corrected"]
    header += ["typical", "95 %, by ranks", "won", "level", "lost", "too few seeds"]
    return Table(name, title, header, rows)


def _fine(p: float | None) -> Fine | None:
    return None if p is None else Fine(p)


def hindsight(
    settings: Sequence[Setting], names: Iterable[str], others: Collection[str] = ()
) -> Table:
    """These contenders minus the best single one of each setting, or the best of some others."""
    rows: list[list[Cell]] = [
        [
            name,
            setting,
            known.best,
            len(known.gain.differences),
            known.gain.mean,
            known.gain.interval,
            known.verdict,
        ]
        for name in names
        for setting, known in in_hindsight(settings, name, others).items()
    ]
    header = ["strategy", "setting", "best single one", "seeds", "difference", "95 % interval"]
    title = "Minus the best single strategy in hindsight"
    return Table("hindsight", title, [*header, "verdict"], rows)


def _composed(settings: Sequence[Setting]) -> list[str]:
    """The honest contenders that are made of others."""
    found = (set(setting.honest) - set(setting.single) for setting in settings)
    return sorted(set().union(*found))


def shares_table(settings: Sequence[Setting], names: Sequence[str]) -> Table:
    """For each contender in each setting, and first over several settings together."""
    rows: list[list[Cell]] = []
    for name in names:
        found = shares(settings, name)
        if len(found) > 1:
            together = Share.over(found)
            rows.append([name, _ALL, len(found), None, together.value, together.interval])
        rows += [
            [name, setting, None, len(share.own), share.value, share.interval]
            for setting, share in found.items()
        ]
    header = ["strategy", "over", "settings", "seeds", "share", "95 % interval"]
    return Table("shares", "Share of the upper reference's gain over random", header, rows)
