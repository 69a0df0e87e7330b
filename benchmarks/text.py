"""Active learning on texts: on a frozen encoder, fine-tuned, and by an SVM on TF-IDF beside them.

    AUTOAL_DATA=FOLDER python -m benchmarks.text --keep
    AUTOAL_DATA=FOLDER python -m benchmarks.text --settings sst2-frozen --seeds 5

FOLDER has <task>_train.tsv and <task>_dev.tsv of SST-2, QNLI and MRPC, with a header and the label
last; every seed draws a pool of 2,000 out of the former, and the latter judges. Frozen: MiniLM as
`encoder=sentence` gives it, and a logistic regression that tunes itself. Fine-tuned: the same
network as `task=bert` trains it. Runs of one seed share pool, start and batch sizes.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from autoal import Plan
from autoal.query import registry
from autoal.report.tables import Table
from autoal.search.autoal import AutoAL
from benchmarks import runs
from benchmarks.paired import Field, Setting, Strategies, compare

NAMES = ("random", "entropy", "badge", "kmeans", "cal", "signal", "typiclust", "uherding")
STRATEGIES: Strategies = {
    **{name: partial(registry.build, name) for name in NAMES},
    "autoal": AutoAL,
}
TASKS = ("sst2", "qnli", "mrpc")
PLAN = Plan(50, 50, 9)
SHORT = Plan(50, 50, 3)  # a fine-tuned round takes a processor half a minute
SETTINGS = {
    **{f"{task}-frozen": Setting(f"{task}-sentence", PLAN, "tuned head") for task in TASKS},
    **{f"{task}-svm": Setting(f"{task}-tfidf", PLAN, "svm") for task in TASKS},
    **{f"{task}-fine-tuned": Setting(f"{task}-tokens", SHORT, "bert", most=5) for task in TASKS},
}


def tables(tops: Sequence[Path]) -> list[Table]:
    """Of each way to learn over the tasks, and then of every setting."""
    found = []
    for way in ("frozen", "svm", "fine-tuned"):
        settings = runs.read([top for top in tops if top.name.endswith(way)])
        found += runs.over_all(settings, ("random", "autoal"), f", {way}") if settings else []
    return [*found, *runs.one_by_one(runs.read(tops), ("random", "autoal"))]


if __name__ == "__main__":
    compare("text", SETTINGS, [Field(STRATEGIES, 20)], tables)
