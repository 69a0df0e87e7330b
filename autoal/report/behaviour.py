"""The behaviour of contenders: choices of learners, classes, seconds, and queried rows."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from statistics import fmean

import numpy as np

from autoal.record.round import phases_of
from autoal.report import bars, figures
from autoal.report.groups import Setting
from autoal.report.measures import Curve, evenness, kinds_settled, settled
from autoal.report.page import Folded, Section
from autoal.report.pictures import Gallery
from autoal.report.runs import Run
from autoal.report.tables import Cell, Fine, Heat, Table

TWICE = 2.0  # times an equal share at which a class has its full colour


def learners(settings: Sequence[Setting], colours: figures.Colours) -> Section:
    """The choices of learners themselves."""
    text = (
        "What the learner chose by itself in each round, such as its penalty: the median over the "
        "seeds. Values that are decades apart stand on a logarithmic axis."
    )
    charts = {setting.name: settled_curves(setting) for setting in settings}
    drawn = [figures.settled(name, found, colours) for name, found in charts.items() if found]
    rows: list[list[Cell]] = [
        [setting, name, kind, Fine(curve.mean[0]), Fine(curve.mean[-1])]
        for setting, found in charts.items()
        for kind, curves in found.items()
        for name, curve in curves.items()
    ]
    header = ["setting", "strategy", "chosen", "in the first round", "in the last"]
    table = Table("learner", "Chosen by the learner", header, rows)
    section = Section("What the learners chose", [text, *drawn, table])
    return section if drawn else Section(section.title, ["No learner chose anything by itself."])


def settled_curves(setting: Setting) -> dict[str, dict[str, Curve]]:
    """For each kind of choice, the curve of every contender whose learner makes it."""
    rounds = {
        name: [past for run in runs for past in run.rounds]
        for name, runs in setting.contenders.items()
    }
    return {
        kind: {name: curve for name, found in rounds.items() if (curve := settled(found, kind))}
        for kind in kinds_settled(past for found in rounds.values() for past in found)
    }


def classes(settings: Sequence[Setting]) -> Section:
    """The classes of the queried rows."""
    text = (
        "By the labels given, of all that was queried after the start. A class has 1 where its "
        "share is that of equal shares, 2 where it is twice that: the bluer, the more was queried "
        "of it. Evenness: the entropy of the shares over that of equal ones; 1 is balanced. "
        "Classes that no run of the setting saw are not counted."
    )
    labels = sorted(set().union(*map(_labels, settings)))
    rows = [
        [setting.name, name, *_balance(by_class, labels)]
        for setting in settings
        for name, by_class in class_counts(setting).items()
    ]
    header = ["setting", "strategy", "evenness", "rows of the rarest", "rows of the commonest"]
    heat = Heat(len(header), TWICE)
    header += [f"class {label}" for label in labels]
    title = "Which classes were queried"
    if not rows:
        return Section(title, ["No run queried anything after its start."])
    table = Table("classes", "How far each is queried more than others", header, rows, heat=heat)
    return Section(title, [table, Folded("How to read this table", [text])])


def _labels(setting: Setting) -> set[int]:
    """The classes that any of its runs saw."""
    return {label for run in setting.runs for past in run.rounds for label in past.classes}


def _balance(by_class: Mapping[int, int], labels: Sequence[int]) -> list[Cell]:
    """The evenness of one contender, the extremes, and each class relative to an equal share."""
    counts = [*by_class.values()]
    equal = fmean(counts)
    over_equal = [by_class[label] / equal if label in by_class else None for label in labels]
    return [evenness(counts), min(counts), max(counts), *over_equal]


def class_counts(setting: Setting) -> dict[str, dict[int, int]]:
    """How many rows of each class seen in the setting each contender queried, over all seeds."""
    found = {name: _queried_classes(setting.contenders[name]) for name in setting.ranked}
    labels = sorted(_labels(setting))
    return {
        name: {label: counts[label] for label in labels} for name, counts in found.items() if counts
    }


def _queried_classes(runs: Iterable[Run]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for past in (past for run in runs for past in run.queries):
        counts.update(past.classes)
    return counts


def times(settings: Sequence[Setting]) -> Section:
    """The time of each phase."""
    text = (
        "Means over the rounds after the start and over the seeds. Other: the round's total less "
        "its phases. Query seconds a label: all phases but train and test, divided by the rows "
        "queried. Peak memory: of the whole process and of its GPU, the most of any seed; runs of "
        "a sweep that share a process share its peak. "
        "Compare only what ran on the same, undisturbed machine."
    )
    section = Section("Time and memory")
    rows: list[list[Cell]] = []
    queries = [past for setting in settings for run in setting.runs for past in run.queries]
    phases = phases_of(past.seconds for past in queries)
    header = ["setting", "strategy", *phases, "other", "total", "query seconds a label"]
    rare = _rare_times(settings)
    header += rare
    for setting in settings:
        found = {name: seconds(setting.contenders[name], phases) for name in setting.ranked}
        found = {name: by_phase for name, by_phase in found.items() if by_phase}
        if found:
            section.parts.append(bars.phases(setting.name, found))
        for name, by_phase in found.items():
            told = (of(setting.contenders[name]) for of in rare.values())
            rows.append([*_seconds_row(setting, name, by_phase), *told])
    if not rows:
        return Section(section.title, ["No run did a round after its start."])
    section.parts.append(Table("seconds", "Seconds a round", header, rows))
    section.parts.append(Folded("How to read this table", [text]))
    return section


def _seconds_row(setting: Setting, name: str, found: dict[str, float]) -> list[Cell]:
    asked = [sum(past.classes.values()) for run in setting.contenders[name] for past in run.queries]
    a_label = querying(setting.contenders[name]) / max(1.0, float(np.mean(asked)))
    return [setting.name, name, *found.values(), sum(found.values()), Fine(a_label)]


def _rare_times(settings: Sequence[Setting]) -> dict[str, Callable[[Sequence[Run]], float | None]]:
    """Columns that appear if any run has a value for them."""
    columns: dict[str, Callable[[Sequence[Run]], float | None]] = {
        "rows looked at": _looked,
        "peak memory, MiB": partial(_peak, "main"),
        "peak GPU memory, MiB": partial(_peak, "gpu"),
    }
    contenders = [runs for setting in settings for runs in setting.contenders.values()]
    return {title: of for title, of in columns.items() if any(map(of, contenders))}


def _looked(runs: Sequence[Run]) -> float | None:
    """The number of rows that a query looked at, if a plan limits it."""
    looked = [past.looked for run in runs for past in run.queries]
    return fmean(looked) if any(looked) else None


def _peak(kind: str, runs: Sequence[Run]) -> float | None:
    """The peak memory of this kind over all runs."""
    return max((run.peaks[kind] for run in runs if kind in run.peaks), default=None)


def querying(runs: Sequence[Run]) -> float:
    """Mean seconds of a round's query: all phases but training and testing."""
    return float(np.mean([past.querying for run in runs for past in run.queries]))


def seconds(runs: Sequence[Run], phases: Sequence[str]) -> dict[str, float]:
    """Mean seconds of a query round by phase; empty if no round queried."""
    spent = [past.seconds for run in runs for past in run.queries]
    if not spent:
        return {}
    found = {
        name: float(np.mean([by_phase.get(name, 0.0) for by_phase in spent])) for name in phases
    }
    total = float(np.mean([by_phase.get("total", 0.0) for by_phase in spent]))
    return {**found, "other": max(0.0, total - sum(found.values()))}


def stops(settings: Sequence[Setting]) -> Section:
    """The round in which a rule advised to stop, and the result by then."""
    rows: list[list[Cell]] = [
        [setting.name, name, run.seed, run.advice, *_results(run)]
        for setting in settings
        for name, runs in setting.contenders.items()
        for run in runs
        if run.rule
    ]
    if not rows:
        return Section("When to stop", ["In no run a rule said when to stop."])
    metric = settings[0].metric
    header = ["setting", "strategy", "seed", "advice", f"{metric} then", "in the end"]
    return Section("When to stop", [Table("stops", "Advice to stop", header, rows)])


def _results(run: Run) -> list[Cell]:
    """The result in the round of the advice, if there was one, and in the last."""
    then = None if run.advised is None else run.rounds[run.advised].result
    return [then, run.final]


def pictures(gallery: Gallery) -> Section:
    """The first and the last query of one run per contender."""
    section = Section("Rows queried first and last", [*gallery.shown])
    if not gallery.shown:
        section.parts.append(
            "No finished run has pictures or texts of every round: only runs that are tracked "
            "(logger=wandb, offline too) keep them."
        )
    if gallery.left_out:
        section.parts.append(
            f"Of {gallery.left_out} more, the queries are left out to keep the page small."
        )
    return section
