"""Views of an experiment: the facts before it begins, and the view in each round."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from autoal.cycle.pool import Pool
from autoal.cycle.stopwatch import Stopwatch
from autoal.cycle.trial import Trial
from autoal.data.contract import Data
from autoal.data.rows import UNKNOWN, Rows
from autoal.data.texts import written_of
from autoal.model.features import Features
from autoal.model.learner import Learner, looked
from autoal.query.strategy import Facts
from autoal.query.view import Bench, Known, View
from autoal.seeding import derive, generator


@dataclass(frozen=True, eq=False)
class Sight:
    """A round as seen by a learner."""

    learner: Learner
    data: Data
    rows: Rows  # of the pool, with the labels that were told
    pool: Pool
    seed: int  # of the experiment
    number: int  # of the round
    stopwatch: Stopwatch
    most: int | None = None  # rows of a larger pool to look at; None: all

    @property
    def looked_at(self) -> Tensor:
        """The rows to choose a batch from, ascending; made ones are always included."""
        rows, count = self.pool.unlabelled, len(self.data.train)
        real = rows[rows < count]
        if self.most is None or len(real) <= self.most:
            return rows
        stream = generator(self.seed, self.number, "look")
        return torch.cat([_drawn(real, self.most, count, stream), rows[len(real) :]])

    def view(self, reads: Collection[str]) -> View:
        """The view for a strategy with these `reads`."""
        labelled, held_out = self.pool.labelled, self.data.validation
        known = None
        if held_out is not None:
            numbers = torch.arange(len(held_out))
            known = Known(self._look(held_out, numbers, reads), held_out.labels.clone())
        return View(
            pool=self._look(self.rows, self.looked_at, reads),
            labelled=Known(self._look(self.rows, labelled, reads), self.rows.labels[labelled]),
            classes=len(self.data.classes),
            seed=derive(self.seed, self.number, "view"),
            validation=known,
            bench=self._bench(reads),
        )

    def _look(self, source: Rows, numbers: Tensor, reads: Collection[str]) -> Features:
        seed = derive(self.seed, self.number, "features")
        features = looked(self.learner, source, numbers, seed, stages="stages" in reads)
        features.clock = partial(self.stopwatch.phase, "features")
        return features

    def _bench(self, reads: Collection[str]) -> Bench:
        trial = Trial(self.learner, self.rows, self.pool, self.seed, self.number)
        truth, validation = self.data.train.labels, self.data.validation
        return Bench(
            phase=self.stopwatch.phase,
            deep=self.learner.deep,
            fitted=trial.fitted if "fitted" in reads else None,
            outcome=partial(trial.outcome, truth, validation) if "outcomes" in reads else None,
            training=self.learner.training if "training" in reads else None,
            left_out=None if self.most is None else self._left_out,
        )

    def _left_out(self, rows: Tensor) -> Features:
        """The features of those of these rows that may be queried but are not looked at."""
        others = self.pool.unlabelled
        others = others[~torch.isin(others, self.looked_at)]
        return self._look(self.rows, others[torch.isin(others, rows)], ())


def _drawn(rows: Tensor, size: int, count: int, stream: torch.Generator) -> Tensor:
    """Draw this many of some rows, ascending.

    Each row has a random number of its own, independent of which others are present: of the rows
    drawn before, those still present are drawn again.

    Args:
        rows: numbers below `count`, ascending.
        size: how many to draw.
        count: of all rows.
        stream: for the draw.
    """
    numbers = torch.rand(count, dtype=torch.float64, generator=stream)[rows]
    return rows[numbers.topk(size, largest=False).indices.sort().values]


def facts_of(data: Data, learner: Learner) -> Facts:
    """The facts that a strategy may know before anything is trained."""
    train, validation = data.train, data.validation
    return Facts(
        pool=len(train),
        classes=len(data.classes),
        validation=None if validation is None else validation.labels.clone(),
        deep=learner.deep,
        draws=learner.draws,
        headed=learner.headed,
        revealed=bool((train.labels != UNKNOWN).all()),
        pictures=train.inputs.dtype == torch.uint8 and len(train.shape) == 3,
        texts=written_of(train) is not None,
    )
