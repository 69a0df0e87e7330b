"""Seconds that are learned from those that answers took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from autoal import bounds
from autoal.costs.contract import Costs, Timed
from autoal.costs.units import SECONDS
from autoal.costs.words import words_of
from autoal.data.contract import Data
from autoal.data.texts import written_of
from autoal.errors import UserError
from autoal.maths.geometry import in_one, sample
from autoal.maths.line import fitted
from autoal.model.features import Features
from autoal.query.view import View

if TYPE_CHECKING:
    from autoal.oracles.question import Answers, Question

SHORTEST = 0.1  # seconds; what took less was a key pressed twice
AXES = 3  # principal components of the embeddings, of rows that are no texts
LOOKED_AT = 2000  # rows of the pool, by which these are found


class Learned(Costs):
    """A ridge regression of the logarithm of seconds, on the words of texts or else on embeddings.

    Args:
        simulated: tells what answers take in a simulation; None: people take their time.
        after: timed answers from which on it is learned; before, rows cost the median.
        ridge: of the regression, on standardised numbers.
    """

    def __init__(self, simulated: Costs | None = None, after: int = 30, ridge: float = 1.0) -> None:
        super().__init__(SECONDS)
        bounds.whole("after", after, least=2)
        bounds.number("ridge", ridge, above=0)
        if simulated is not None and simulated.unit != SECONDS:
            raise UserError(f"costs=learned learns seconds, and these costs are {simulated.unit}")
        self.simulated = simulated
        self.after = after
        self.ridge = ridge

    def check(self, data: Data) -> None:
        if self.simulated is not None:
            self.simulated.check(data)

    def expected(self, view: View, timed: Timed) -> Tensor | None:
        if not timed:
            return None
        labelled = view.labelled.features
        known = torch.tensor([row in timed for row in labelled.rows.tolist()], dtype=torch.bool)
        if int(known.sum()) < self.after:
            return torch.tensor([*timed.values()]).median().double().expand(len(view.pool))
        rows = labelled.rows[known].tolist()
        seconds = torch.tensor([timed[row] for row in rows], dtype=torch.float64)
        taught, pool = _described(view)
        return _exponential(taught[known], seconds.clamp(min=SHORTEST).log(), pool, self.ridge)

    def charged(self, question: Question, answers: Answers, rows: Tensor, labels: Tensor) -> Tensor:
        if self.simulated is not None:
            return super().charged(question, answers, rows, labels)
        return self.prices(question, answers, rows)  # people's seconds, whatever they said in them

    def prices(self, question: Question, answers: Answers, rows: Tensor) -> Tensor:
        if self.simulated is not None:
            return self.simulated.prices(question, answers, rows)
        taken = [answers.timed.get(row, 0.0) for row in rows.tolist()]
        return torch.tensor(taken, dtype=torch.float64)


def _exponential(taught: Tensor, logarithms: Tensor, rows: Tensor, ridge: float) -> Tensor:
    """The mean of what is log-normal around a line, within what was ever seen."""
    line = fitted(taught, logarithms, ridge)
    return line.at(rows).clamp(logarithms.min(), logarithms.max()).add(line.variance / 2).exp()


def _described(view: View) -> tuple[Tensor, Tensor]:
    """What seconds may follow from, of the labelled rows and of the pool."""
    both = view.labelled.features, view.pool
    source = view.pool.source
    if source is not None and written_of(source) is not None:
        return _lengths(both[0]), _lengths(both[1])
    drawn = sample(len(view.pool), LOOKED_AT, view.generator())
    axes = _axes(view.pool.embedded(drawn).cpu().double())
    first, second = (_along(features, axes) for features in both)
    return first, second


def _along(rows: Features, axes: Tensor) -> Tensor:
    return in_one((piece.cpu().double() @ axes for piece in rows.pieces()), len(rows))


def _lengths(rows: Features) -> Tensor:
    return words_of(rows.texts).log1p()[:, None]


def _axes(embeddings: Tensor) -> Tensor:
    """The directions in which they differ most, (width, AXES)."""
    centred = embeddings - embeddings.mean(0)
    return torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -AXES:]
