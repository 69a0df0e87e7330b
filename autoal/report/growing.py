"""Pools that grew: how many rows were made, how many of them were labelled, and their scores."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from autoal.report.groups import Setting
from autoal.report.measures import mean_of_sums
from autoal.report.page import Section
from autoal.report.runs import Run
from autoal.report.tables import Cell, Table

TITLE = "Rows that were made"
TEXT = (
    "Sums over a run's rounds, means over the seeds. Score: the mean that the strategy gave to the "
    "rows of a round when they joined, in the first round that made some and in the last."
)
HEADER = [
    *("setting", "strategy", "seeds", "made", "labelled: real", "labelled: made"),
    *("first score", "last score", "left out"),
]


def made(settings: Sequence[Setting]) -> Section:
    """Real and made rows, side by side."""
    rows = [
        _row(setting, name, runs)
        for setting in settings
        for name, runs in setting.contenders.items()
        if any(past.made for run in runs for past in run.rounds)
    ]
    if not rows:
        return Section(TITLE, ["In no run rows were made."])
    return Section(TITLE, [TEXT, Table("made", TITLE, HEADER, rows)])


def _row(setting: Setting, name: str, runs: Sequence[Run]) -> list[Cell]:
    labels = mean_of_sums(runs, lambda past: sum(past.classes.values()))
    labelled = mean_of_sums(runs, lambda past: past.made_labelled)
    scores = [_scores(run) for run in runs if _scores(run)]
    ends = [float(np.mean([of[place] for of in scores])) if scores else None for place in (0, -1)]
    joined = mean_of_sums(runs, lambda past: past.made)
    return [setting.name, name, len(runs), joined, labels - labelled, labelled, *ends, _left(runs)]


def _scores(run: Run) -> list[float]:
    return [past.reward for past in run.rounds if past.reward is not None]


def _left(runs: Sequence[Run]) -> str:
    """The rows that did not join, by reason, over all runs."""
    counts: Counter[str] = Counter()
    for past in (past for run in runs for past in run.rounds):
        counts.update({why: int(count) for why, count in past.dropped.items()})
    return ", ".join(f"{why}: {count}" for why, count in counts.most_common())
