"""The gains of the best designs of `benchmarks.designs` on data sets that no choice has seen.

    AUTOAL_DATA=FOLDER python -m benchmarks.designs.told --keep

A default changes for +.002 of area over what is shipped, with an interval above zero here.
"""

from collections.abc import Sequence
from pathlib import Path

from autoal.report.tables import Table
from benchmarks import runs
from benchmarks.designs.__main__ import LEADS
from benchmarks.paired import Field, compare
from benchmarks.quality import settings

SETTINGS = {
    name: setting
    for name, setting in settings.SETTINGS.items()
    if setting.data not in settings.DESIGNED_ON
}
FINALISTS = {
    name: LEADS[name]
    for name in (
        "prior only",
        "margin and entropy share .9",
        "wider early, narrower late",
        "wider early, narrower late, margin and entropy",
    )
}


def tables(tops: Sequence[Path]) -> list[Table]:
    """The tables over all settings, and for each."""
    return runs.tables(tops, ("prior only",))


if __name__ == "__main__":
    compare("told", SETTINGS, [Field(FINALISTS, 10)], tables)
