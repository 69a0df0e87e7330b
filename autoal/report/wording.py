"""Words in questions: their number, how many speak for a class, and their information."""

from collections.abc import Sequence

import numpy as np

from autoal.report.groups import Setting
from autoal.report.measures import mean_of_sums
from autoal.report.page import Section
from autoal.report.runs import Run
from autoal.report.tables import Cell, Table

TITLE = "Words that were asked about"
TEXT = (
    "Sums over a run's rounds, means over the seeds. Gain: the bits that the presence of a word "
    "and the class of a text told of each other, by the model that chose it."
)
HEADER = ["setting", "strategy", "seeds", "words", "of a class", "mean gain"]


def words(settings: Sequence[Setting]) -> Section:
    """Words by the runs that asked about any."""
    rows = [
        _row(setting, name, runs)
        for setting in settings
        for name, runs in setting.contenders.items()
        if any(past.words for run in runs for past in run.rounds)
    ]
    if not rows:
        return Section(TITLE, ["In no run words were asked about."])
    return Section(TITLE, [TEXT, Table("words", TITLE, HEADER, rows)])


def _row(setting: Setting, name: str, runs: Sequence[Run]) -> list[Cell]:
    gains = [gain for run in runs for past in run.rounds for gain in past.gains]
    asked = mean_of_sums(runs, lambda past: past.words)
    speaking = mean_of_sums(runs, lambda past: past.speaking)
    gain = float(np.mean(gains)) if gains else None
    return [setting.name, name, len(runs), asked, speaking, gain]
