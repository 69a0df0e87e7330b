"""Does AutoAL beat its candidates and its rivals? Paired runs, many seeds, many settings.

    AUTOAL_DATA=FOLDER python -m benchmarks.quality --keep     # all of it, in two processes
    AUTOAL_DATA=FOLDER python -m benchmarks.quality --settings mnist-low --seeds 3

`benchmarks.quality.sets` says which files the folder has. A run is a run folder, and one that is
there already is not run again. How AutoAL composes its batch was chosen by `benchmarks.designs` on
the data sets of DESIGNED_ON: the others, which no choice has seen, count most.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from autoal.report import overview
from autoal.report.across import over_all
from autoal.report.gained import gained
from autoal.report.groups import Setting
from autoal.report.svg import Figure
from autoal.report.tables import Table
from benchmarks import runs
from benchmarks.paired import compare
from benchmarks.quality.contenders import CLAIMED, FIELDS, SINGLE
from benchmarks.quality.settings import DESIGNED_ON, SETTINGS

BASES = ("random", "uherding", "prior only", "autoal")
SHOWN = (*CLAIMED, "badge", "bait")


def tables(tops: Sequence[Path]) -> list[Table]:
    """The main claims, on all data sets, on those that no choice has seen, and on the others.

    Then all that there are, and the settings one by one.
    """
    settings = runs.read(tops)
    claimed = [of(setting, CLAIMED) for setting in settings]
    unseen = [setting for setting in claimed if setting.data not in DESIGNED_ON]
    seen = [setting for setting in claimed if setting.data in DESIGNED_ON]
    return [
        *runs.over_all(claimed, BASES),
        *runs.over_all(unseen, BASES, ", on data sets that no choice has seen"),
        *runs.over_all(seen, BASES, ", on data sets that designs were chosen on"),
        *runs.over_all(settings, ("random", "autoal"), ", of all that there are"),
        overview.hindsight(settings, ["autoal"], SINGLE),
        *runs.one_by_one(settings, BASES),
        runs.made_with(settings),
    ]


def of(setting: Setting, names: Collection[str]) -> Setting:
    """The setting with only these contenders."""
    found = {name: taken for name, taken in setting.contenders.items() if name in names}
    return replace(setting, contenders=found)


def figure(tops: Sequence[Path]) -> Figure | None:
    """The gains over random of the main strategies, where one is paired with it."""
    found = over_all(runs.read(tops), "random")
    shown = [overall for overall in found if overall.first in SHOWN]
    return gained("Area minus random", shown, "area under the learning curve, minus random's")


if __name__ == "__main__":
    compare("quality", SETTINGS, FIELDS, tables, figure)
