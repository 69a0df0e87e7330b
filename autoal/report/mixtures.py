"""The weights that strategies made of others gave to each of them, in figures and a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from statistics import fmean

from autoal.report import bars
from autoal.report.groups import Setting
from autoal.report.page import Section
from autoal.report.runs import Run
from autoal.report.tables import largest, short

FLAT = 0.05  # largest change of a weight from its first that does not count as a move

Weights = Mapping[str, Sequence[float]]  # of each candidate, query by query


def weights(settings: Sequence[Setting]) -> Section:
    """A figure for each such strategy, and the moves of its weights."""
    drawn = [
        replace(bars.mixing_weights(f"{setting.name}, {name}", found), note=moved(found))
        for setting in settings
        for name, runs in setting.contenders.items()
        if (found := candidate_weights(runs))
    ]
    text = "The mean weight of each candidate in each query, over the seeds."
    nothing = "No run is of a strategy that gives weights to others."
    return Section("Weights of the candidates", [text, *drawn] if drawn else [nothing])


def candidate_weights(runs: Sequence[Run]) -> dict[str, list[float]]:
    """The mean for each query over the runs that have weights for it; zero if none has."""
    by_run = [[past.weights for past in run.queries] for run in runs]
    by_query = [[*filter(None, weights)] for weights in zip_longest(*by_run)]
    names = dict.fromkeys(name for told in by_query for weights in told for name in weights)
    return {
        name: [
            fmean(weights.get(name, 0.0) for weights in told) if told else 0.0 for told in by_query
        ]
        for name in names
    }


def moved(found: Weights) -> str:
    """The weight that moved furthest from its beginning, and its counterpart."""
    changes = {
        (name, place): weight - by_round[0]
        for name, by_round in found.items()
        for place, weight in enumerate(by_round)
    }
    name, place = max(changes, key=lambda at: abs(changes[at]))
    change = changes[name, place]
    if abs(change) < FLAT:
        ends = largest({own: by_round[-1] for own, by_round in found.items()})
        return f"The weights stayed flat, within {short(FLAT)} of their first ones; last: {ends}."
    other = min(found, key=lambda own: change * changes[own, place])
    how = "at the cost" if change > 0 else "in favour"
    last = found[name][-1]
    later = "" if place == len(found[name]) - 1 else f"; in the end it was {short(last)}"
    return (
        f"{name} went {_way(found[name], place)} between queries 1 and {place + 1}, "
        f"{how} of {other} ({_way(found[other], place)}){later}."
    )


def _way(by_round: Sequence[float], place: int) -> str:
    return f"from {short(by_round[0])} to {short(by_round[place])}"
