"""The gains of strategies when a judge corrects a network's confidence and the trust in labels.

    AUTOAL_DATA=FOLDER python -m benchmarks.quality.scoring --keep

A small network learns anew in every round. Its strategy sees it with logits that are divided by a
temperature and, where it learns from labels, in its surrogate of influence or its rehearsals,
without those that are rather wrong than right. Both come from `benchmarks.quality.judges`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from autoal.strategies.influence import Influence
from torch import Tensor

from autoal import Experiment, Oracle, QueryStrategy, Scored, View
from autoal.query import registry
from autoal.query.strategy import as_scored
from autoal.report.across import gains
from autoal.report.groups import Setting as Found
from autoal.report.tables import Cell, Table
from benchmarks import runs
from benchmarks.noise import NOISES, by_noise
from benchmarks.paired import Field, Setting, compare
from benchmarks.quality import settings
from benchmarks.quality.judges import JUDGES, Judge, Judgement, Onlooker
from benchmarks.quality.sets import pool_of

NAMES = ("mnist-low", "waveform-mid", "pneumonia-mid")
OPTIONS: dict[str, dict[str, Any]] = {"salutary": {"folds": 5}}
JUDGED = {
    "margin": ("own embeddings", "told"),
    "badge": ("own embeddings", "told"),
    "uherding": ("own embeddings", "folds", "told"),
    "salutary": ("own embeddings", "rows", "told"),
    "autoal": ("own embeddings", "told"),
}
SEEDS = 3


def alone(name: str) -> QueryStrategy:
    """The strategy of this name, without a judge."""
    return registry.build(name, **OPTIONS.get(name, {}))


class Judged(QueryStrategy):
    """A strategy that sees a network and labels as a judge does.

    Args:
        name: of the strategy.
        judge: of both.
    """

    def __init__(self, name: str, judge: type[Judge]) -> None:
        self.strategy = alone(name)
        self.judge = judge()
        self.reads = tuple(sorted({*(self.strategy.reads or ()), *Onlooker.reads}))

    def fit(self, view: View) -> None:
        self.strategy.fit(self._trusted(view))

    def score(self, view: View, budget: int) -> Scored:
        seen = self._trusted(view) if isinstance(self.strategy, Influence) else self._cooled(view)
        scored = as_scored(self.strategy.score(seen, budget))
        temperature, trust = self._judgement(view)
        notes = {"judged": temperature, "wrong": 1 - float(trust.mean())}
        return scored._replace(notes={**scored.notes, **notes})

    def state_dict(self) -> dict[str, Any]:
        return {"strategy": self.strategy.state_dict(), "judge": self.judge.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.strategy.load_state_dict(state["strategy"])
        self.judge.load_state_dict(state["judge"])

    def _judgement(self, view: View) -> Judgement:
        return view.once((self, "judgement"), lambda: self.judge(view))

    def _cooled(self, view: View) -> View:
        by = self._judgement(view).temperature
        return view.once((self, "cooled"), lambda: view.through(lambda rows: rows.cooled(by)))

    def _trusted(self, view: View) -> View:
        """With only the labels that are more likely right than wrong, if there are any."""
        places = (self._judgement(view).trust > 0.5).nonzero().flatten()
        if len(places) in (0, len(view.labelled)):
            return self._cooled(view)
        return view.once((self, "trusted"), lambda: _with_labels_at(places, self._cooled(view)))


def _with_labels_at(places: Tensor, view: View) -> View:
    """The view with only these of its labelled rows, from which learners on its bench learn too."""
    assert view.bench is not None
    fitted = view.bench.fitted
    bench = replace(view.bench, fitted=fitted and (lambda some: fitted(places[some])))
    return replace(view, labelled=view.labelled.take(places), bench=bench)


@dataclass(frozen=True)
class Network(Setting):
    """A setting whose judge may know the truth."""

    def experiment(self, strategy: Any, seed: int) -> tuple[Experiment, Oracle]:
        made, oracle = super().experiment(strategy, seed)
        if isinstance(made.strategy, Judged):
            made.strategy.judge.learn(pool_of(self.data, seed, self.pool).train.labels)
        return made, oracle


SETTINGS = {
    f"{name}, {noise}": Network(
        settings.SETTINGS[name].data, settings.SETTINGS[name].plan, "small network", noise
    )
    for name, noise in product(NAMES, NOISES)
}
FIELDS = [
    Field({name: partial(alone, name) for name in JUDGED}, SEEDS),
    Field(
        {
            f"{name}, {judge}": partial(Judged, name, JUDGES[judge])
            for name, judges in JUDGED.items()
            for judge in judges
        },
        SEEDS,
    ),
]


def tables(tops: Sequence[Path]) -> list[Table]:
    """The gain of each strategy by each judge, by noise, and all results."""
    found = runs.read(tops)
    rows = [
        [noise, name, judge, *_gained(some, name, judge)]
        for noise, some in by_noise(found).items()
        for name, judges in JUDGED.items()
        for judge in judges
    ]
    header = ["labels", "strategy", "judge", "area", "95 %, further seeds", "of each setting"]
    return [Table("scoring", "What a judge gains", header, rows), *runs.over_all(found, ())]


def _gained(settings: Sequence[Found], name: str, judge: str) -> list[Cell]:
    gained = gains(settings, f"{name}, {judge}", name)
    means = ", ".join(f"{mean:+.4f}" for mean in gained.means)
    return [gained.mean, gained.over_further_seeds, means]


if __name__ == "__main__":
    compare("scoring", SETTINGS, FIELDS, tables)
