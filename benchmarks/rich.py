"""Does the search for weights help when labels are many and batches large?

    AUTOAL_DATA=FOLDER python -m benchmarks.rich --keep

AutoAL and its variants, its prior without a search, and each candidate alone under the same
composition. The last table tells whether the weights that the search found favour the candidates
that are best there.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import mean

from scipy.stats import spearmanr

from autoal import Plan
from autoal.query import registry
from autoal.report.groups import Setting as Reported
from autoal.report.mixtures import candidate_weights
from autoal.report.tables import Cell, Table
from autoal.search.autoal import CANDIDATES, AutoAL
from benchmarks import runs
from benchmarks.designs.ridges import TunedFitNet
from benchmarks.paired import Field, Setting, Strategies, compare

POOL = 8_000  # rows that a seed draws, or all that there are
PLANS = (Plan(500, 100, 5), Plan(1_000, 250, 5), Plan(2_000, 500, 5))
SETTINGS = {
    "digits-500": Setting("digits", Plan(500, 100, 4), "resnet18", pool=POOL),
} | {
    f"{data}-{plan.start}": Setting(data, plan, pool=POOL)
    for data in ("cifar10", "cifar10-lite0", "mnist", "letters", "sst2", "qnli", "bank", "waveform")
    for plan in PLANS
    if (data, plan.start) != ("waveform", 2_000)  # more than any set has
}
# On EfficientNet features the search favours it, though it is among the worst alone.
WITHOUT_SALUTARY = {name: options for name, options in CANDIDATES.items() if name != "salutary"}
SEARCHED: Strategies = {
    "autoal": AutoAL,
    "prior only": partial(AutoAL, steps=0),
    "pull 1": partial(AutoAL, pull=1.0),
    "pull 0.5": partial(AutoAL, pull=0.5),
    "even prior": partial(AutoAL, prior={}),
    "even prior, pull 0.5": partial(AutoAL, prior={}, pull=0.5),
    "even mix": partial(AutoAL, prior={}, steps=0),
    "16 rehearsals": partial(AutoAL, rehearsals=16),
    "32 rehearsals": partial(AutoAL, rehearsals=32),
    "weights of rows": partial(AutoAL, searchnet="rows", rehearsals=16),
    "FitNet's ridge tuned": TunedFitNet,
    "even prior, ridge tuned": partial(TunedFitNet, prior={}),
    "even prior, no salutary": partial(AutoAL, candidates=WITHOUT_SALUTARY, prior={}),
    "even mix, no salutary": partial(AutoAL, candidates=WITHOUT_SALUTARY, prior={}, steps=0),
    **{name: partial(registry.build, name) for name in ("random", "uherding")},
}
ALONE: Strategies = {
    f"only {name}": partial(AutoAL, candidates={name: options}, prior={}, steps=0)
    for name, options in CANDIDATES.items()
}
FINDERS = (
    *("autoal", "pull 0.5", "even prior", "even prior, pull 0.5", "32 rehearsals"),
    *("FitNet's ridge tuned", "even prior, ridge tuned", "even prior, no salutary"),
)


def tables(tops: Sequence[Path]) -> list[Table]:
    """The results of all strategies, and the weights that the search found."""
    settings = runs.read(tops)
    bases = ("random", "prior only")
    return [*runs.over_all(settings, bases), found(settings), *runs.one_by_one(settings, bases)]


def found(settings: Sequence[Reported]) -> Table:
    """The weights that the search found, beside the area of each candidate alone."""
    rows: list[list[Cell]] = [
        [setting.name, finder, *_beside(setting, finder)]
        for setting in settings
        for finder in FINDERS
        if {finder, *ALONE} <= setting.contenders.keys()
    ]
    header = ["setting", "variant", "best alone", "its rank by weight", "rank correlation"]
    return Table("found", "What the search finds", [*header, *CANDIDATES], rows)


def _beside(setting: Reported, finder: str) -> list[Cell]:
    """The best candidate alone, the rank of its last weight, and every weight with its area."""
    last = {
        name: rounds[-1] for name, rounds in candidate_weights(setting.contenders[finder]).items()
    }
    areas = {name: mean(run.area for run in setting.contenders[f"only {name}"]) for name in last}
    best = max(areas, key=areas.__getitem__)
    rank = sorted(last, key=last.__getitem__, reverse=True).index(best) + 1
    correlation, _ = spearmanr([last[name] for name in areas], list(areas.values()))
    cells = [f"{last[name]:.2f} ({areas[name]:.4f})" if name in last else "" for name in CANDIDATES]
    return [best, rank, float(correlation), *cells]


if __name__ == "__main__":
    compare("rich", SETTINGS, [Field(SEARCHED, 10), Field(ALONE, 5)], tables)
