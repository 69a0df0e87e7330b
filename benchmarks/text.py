"""Active learning on texts: a frozen encoder, and an SVM on TF-IDF.

    AUTOAL_DATA=FOLDER python -m benchmarks.text --keep
    AUTOAL_DATA=FOLDER python -m benchmarks.text --settings sst2-frozen --seeds 5

FOLDER has <task>_train.tsv and <task>_dev.tsv of SST-2, QNLI and MRPC, with a header and the label
last; every seed draws a pool of 2,000 out of the former, and the latter judges. Frozen: MiniLM as
`encoder=sentence` gives it, and a logistic regression that tunes itself; joined: the same on two
texts that are read as one. Runs of one seed share pool, start and batch sizes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from autoal import Plan
from autoal.query import registry
from autoal.report.contents import curves
from autoal.report.groups import Setting as Reported
from autoal.report.tables import Cell, Table
from autoal.search.autoal import AutoAL
from benchmarks import runs
from benchmarks.paired import Field, Setting, Strategies, compare

NAMES = ("random", "entropy", "badge", "kmeans", "cal", "signal", "typiclust", "uherding")
STRATEGIES: Strategies = {
    **{name: partial(registry.build, name) for name in NAMES},
    "autoal": AutoAL,
}
BASES = ("random", "autoal")
WAYS = ("frozen", "joined", "svm")
PAIRS = ("qnli", "mrpc")
TASKS = ("sst2", *PAIRS)
PLAN = Plan(50, 50, 9)
SETTINGS = {
    **{f"{task}-frozen": Setting(f"{task}-sentence", PLAN, "tuned head") for task in TASKS},
    **{f"{task}-joined": Setting(f"{task}-joined", PLAN, "tuned head") for task in PAIRS},
    **{f"{task}-svm": Setting(f"{task}-tfidf", PLAN, "svm") for task in TASKS},
}


def tables(tops: Sequence[Path]) -> list[Table]:
    """Every way to learn on random labels, over the tasks, and every setting."""
    read = {way: runs.read([top for top in tops if top.name.endswith(way)]) for way in WAYS}
    found = [beside(task, read) for task in TASKS]
    for way, settings in read.items():
        found += runs.over_all(settings, BASES, f", {way}") if settings else []
    every = [setting for settings in read.values() for setting in settings]
    return [*found, *runs.one_by_one(every, BASES), runs.made_with(every)]


def beside(task: str, read: Mapping[str, Sequence[Reported]]) -> Table:
    """The accuracy of each way to learn on rows drawn at random, by labels."""
    drawn = {
        way: curves(setting)["random"]
        for way, settings in read.items()
        for setting in settings
        if setting.data.startswith(task)
    }
    seen: dict[int, dict[str, Cell]] = defaultdict(dict)
    for way, curve in drawn.items():
        for count, spread in zip(curve.along.tolist(), curve.spreads, strict=True):
            seen[int(count)][way] = spread
    rows: list[list[Cell]] = [
        [count, *(cells.get(way) for way in drawn)] for count, cells in seen.items()
    ]
    return Table("beside", f"{task}: accuracy by random labels", ["labels", *drawn], rows)


if __name__ == "__main__":
    compare("text", SETTINGS, [Field(STRATEGIES, 20)], tables)
