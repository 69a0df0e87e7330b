"""The results of a part: two tables and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from autoal.palette import places
from autoal.record.round import Round
from autoal.report.figures import side_by_side
from autoal.report.measures import Curve, Spread
from autoal.report.statistics import bootstrap
from autoal.report.svg import Figure
from autoal.report.tables import Cell, Table
from benchmarks.practice.cases import Part

Records = dict[str, dict[int, list[Round]]]  # by way and seed


def summary(found: Mapping[str, Records], base: str) -> Table:
    """The gain of each way over the base, averaged over all cases of a kind."""
    rows: list[list[Cell]] = []
    for about in dict.fromkeys(case.partition(", ")[2] for case in found):
        same = [records for case, records in found.items() if case.endswith(f", {about}")]
        for way in dict.fromkeys(way for records in same for way in records if way != base):
            gains = [
                float(each.mean()) for records in same if len(each := gained(way, base, records))
            ]
            if gains:
                rows.append([about, way, len(gains), float(np.mean(gains)), min(gains), max(gains)])
    header = ["", "", "data sets", f"mean minus {base}", "least", "most"]
    return Table("summary", "Mean accuracy over the rounds, in points", header, rows)


def by_case(found: Mapping[str, Records], base: str) -> Table:
    """Each case on its own."""
    header = [
        "",
        "",
        "seeds",
        "mean over the rounds",
        "in the end",
        "wrong",
        f"minus {base}",
        "95 %",
    ]
    rows = [line(case, way, records, base) for case, records in found.items() for way in records]
    return Table("cases", "Test accuracy in per cent", header, rows)


def line(case: str, way: str, records: Records, base: str) -> list[Cell]:
    """A way alone, and paired with the same seeds of the base."""
    runs_of = [*records[way].values()]
    wrong = [sum(done.wrong or 0 for done in rounds) for rounds in runs_of]
    labels = [sum(len(done.queried) for done in rounds) for rounds in runs_of]
    cells: list[Cell] = [case, way, len(runs_of)]
    cells += [Spread.of([*map(mean, runs_of)]), Spread.of([*map(last, runs_of)])]
    cells.append(f"{sum(wrong) / sum(labels):.1%}")
    gains = gained(way, base, records)
    if way == base or not len(gains):
        return [*cells, None, None]
    return [*cells, float(gains.mean()), bootstrap(gains) if len(gains) > 1 else None]


def gained(way: str, base: str, records: Records) -> np.ndarray:
    """The gain in the mean over the rounds over that of the base, in points, for each seed."""
    shared = sorted(records.get(way, {}).keys() & records.get(base, {}).keys())
    return np.array([mean(records[way][seed]) - mean(records[base][seed]) for seed in shared])


def mean(rounds: Sequence[Round]) -> float:
    """Mean accuracy over all rounds after the start."""
    return float(np.mean([last([done]) for done in rounds[1:]]))


def last(rounds: Sequence[Round]) -> float:
    """Accuracy at the end."""
    return 100 * rounds[-1].metrics["accuracy"]


def figure(part: Part, found: Mapping[str, Records]) -> Figure:
    """Accuracy over cost, for the last case of each data set, which is the hardest."""
    hardest = {case.data: case.name for case in part.cases() if found[case.name]}
    charts = {name: curves(found[name]) for name in hardest.values()}
    colours = places(name for drawn in charts.values() for name in drawn)
    return side_by_side("Test accuracy in per cent", charts, colours, below=part.along)


def curves(records: Records) -> dict[str, Curve]:
    """The mean over the seeds of each way, at the cost of every round."""
    return {way: curve([*by_seed.values()]) for way, by_seed in records.items()}


def curve(histories: Sequence[Sequence[Round]]) -> Curve:
    """The mean and standard deviation over the seeds."""
    spent = np.mean([np.cumsum([*map(price, rounds)]) for rounds in histories], axis=0)
    values = np.array([[last([done]) for done in rounds] for rounds in histories])
    deviation = values.std(0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])
    return Curve(spent, values.mean(0), deviation, len(values))


def price(done: Round) -> float:
    """The cost of a round's labels, in seconds if recorded, otherwise in labels."""
    return done.money if done.taken is None else done.taken
