"""The candidates' weights that the searches found."""

from collections.abc import Sequence

from autoal.report.groups import Setting
from autoal.report.measures import Spread
from autoal.report.mixtures import candidate_weights
from autoal.report.runs import Run
from autoal.report.tables import Cell, Table


def table(settings: Sequence[Setting]) -> Table:
    """A line for each candidate: whether its weight moved, and whether the seeds agree on it."""
    rows = [
        [name, candidate, *_told(found)]
        for setting in settings
        for name, seeds in setting.contenders.items()
        for candidate, found in _by_candidate(seeds).items()
    ]
    header = ["strategy", "candidate", "first query", "last query", "lowest and highest of all"]
    return Table("weights", "Weights of the candidates, over the seeds", header, rows)


def _by_candidate(seeds: Sequence[Run]) -> dict[str, list[list[float]]]:
    """The weights of each candidate in every query of every seed."""
    found = [candidate_weights([run]) for run in seeds]
    return {name: [queries[name] for queries in found] for name in found[0]}


def _told(found: Sequence[Sequence[float]]) -> list[Cell]:
    first, last = (Spread.of([queries[at] for queries in found]) for at in (0, -1))
    every = [weight for queries in found for weight in queries]
    return [first, last, (min(every), max(every))]
