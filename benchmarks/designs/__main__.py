"""How AutoAL should compose a batch: the designs that could become the default.

    AUTOAL_DATA=FOLDER python -m benchmarks.designs --keep

The settings are those of `benchmarks.quality` on the data sets of DESIGNED_ON, with a head on the
digits' pixels for the network; on all others, which no choice has seen, `benchmarks.quality`
reports. In the last setting most rows of the pool stand there several times, slightly changed.
`benchmarks.designs.tried` has everything else that was tried.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from autoal import Plan
from autoal.query import registry
from autoal.report.tables import Table
from autoal.search.autoal import CANDIDATES, AutoAL
from benchmarks import runs
from benchmarks.designs import compositions, spaces
from benchmarks.designs.compositions import Placed, composed
from benchmarks.paired import Field, Setting, Strategies, compare
from benchmarks.quality import settings

SETTINGS = {
    name: setting
    for name, setting in settings.SETTINGS.items()
    if setting.data in settings.DESIGNED_ON and setting.task == "head"
}
SETTINGS |= {
    "digits-pixels-low": Setting("digits-pixels", Plan(20, 10, 8)),
    "digits-pixels-mid": Setting("digits-pixels", Plan(100, 50, 5)),
    "mnist-copied-mid": Setting("mnist-copied", Plan(100, 50, 5)),
}

SHIPPED: dict[str, Any] = {"steps": 0}
BAIT: dict[str, Any] = {**CANDIDATES, "bait": {}}


def shares(**prior: float) -> partial[AutoAL]:
    """AutoAL without a search, with these shares; the others split the rest evenly."""
    return partial(AutoAL, prior=prior, **SHIPPED)


# Possible defaults, and the strategies they would have to beat.
LEADS: Strategies = {
    "random": partial(registry.build, "random"),
    "uherding": partial(registry.build, "uherding"),
    "bait": partial(registry.build, "bait"),
    "prior only": partial(AutoAL, **SHIPPED),
    "space: embedded": partial(AutoAL, space="embedded", **SHIPPED),
    "margin alone": partial(AutoAL, candidates={"margin": {}}, **SHIPPED),
    "even mix": shares(),
    "margin and entropy share .9": shares(margin=0.45, entropy=0.45),
    "margin .7, entropy .2": shares(margin=0.7, entropy=0.2),
    **{
        f"margin .7, {name} .3": partial(
            AutoAL, candidates={"margin": {}, name: {}}, prior={"margin": 0.7}, **SHIPPED
        )
        for name in ("uherding", "typiclust", "bait")
    },
    "margin .45, bait .45": partial(
        AutoAL, candidates=BAIT, prior={"margin": 0.45, "bait": 0.45}, **SHIPPED
    ),
    "entropy .9": shares(entropy=0.9),
    "wider early, narrower late": composed(compositions.Narrowing, SHIPPED),
    "wider early, narrower late, margin and entropy": composed(
        compositions.Narrowing, {**SHIPPED, "prior": {"margin": 0.45, "entropy": 0.45}}
    ),
    "space: graph": partial(Placed, spaces.GRAPH, **SHIPPED),
    "space: graph where labels prefer it": partial(Placed, spaces.GATED, **SHIPPED),
    "unseen classes are sought": composed(compositions.Seeking, SHIPPED),
    "copies count once": composed(compositions.Once, SHIPPED),
}


def tables(tops: Sequence[Path]) -> list[Table]:
    """The tables over all settings, and for each."""
    return runs.tables(tops, ("random", "uherding", "prior only"))


if __name__ == "__main__":
    compare("designs", SETTINGS, [Field(LEADS, 10)], tables)
