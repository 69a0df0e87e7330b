"""Batches that cover the pool with a smooth kernel, weighted by uncertainty or not."""

from typing import Any

import torch
from torch import Tensor

from autoal import QueryStrategy, Scored, View
from autoal.bounds import choice, number, whole
from autoal.maths.candidate import greedy_candidates
from autoal.maths.coverage import adaptive_width, greedy_cover, rbf
from autoal.query.calibration import temperature
from autoal.query.cover import Greedy, covering

from .diversity import sampled

# Whose doubt weighs what a pick covers: the covered rows', or the pick's own.
WEIGHTS: dict[str, Greedy] = {"covered": greedy_cover, "candidate": greedy_candidates}


class MaxHerding(QueryStrategy):
    """The row that adds most to how well a kernel covers the pool (Bae et al., 2024).

    Args:
        width: of the kernel exp(-(distance / width)^2), on features of length 1.
        sample: how many rows of a larger pool to draw and look at; should be well above the budget.
    """

    reads: tuple[str, ...] | None = ("embeddings", "labelled")

    def __init__(self, width: float = 1.0, sample: int = 10_000) -> None:
        number("width", width, above=0)
        whole("sample", sample, least=1)
        self.width = width
        self.sample = sample
        self._greedy: Greedy = greedy_cover

    def score(self, view: View, budget: int) -> Scored:
        scores = covering(
            view,
            self._weights(view),
            budget,
            lambda ground: rbf(self._width(ground.labelled)),
            most=self.sample,
            stream=view.generator(),
            greedy=self._greedy,
        )
        return Scored(scores, self._notes(view))

    def _notes(self, view: View) -> dict[str, Any]:
        return sampled(self.sample, view)

    def _weights(self, view: View) -> Tensor:
        return torch.ones(len(view.pool))

    def _width(self, labelled: Tensor) -> float:
        return self.width


class UHerding(MaxHerding):
    """Herding that counts a row more, the less sure the model is about it (Bae et al., 2025).

    Unsure means a small margin after temperature scaling. The temperature minimises the log loss on
    the validation rows or, if there are none, on the labelled ones; as the model was trained on
    these, they may only make it less sure. The kernel is as narrow as the distance of the two
    nearest labelled rows, which turns coverage into uncertainty as labels grow.

    Args:
        width: of the kernel as long as fewer than two rows are labelled.
        sample: how many rows of a larger pool to draw and look at; should be well above the budget.
        weight: `covered` is the authors' form, in which every row counts by its own doubt and
            coverage. In `candidate`, another toolbox's form, the pick's doubt and coverage stand in
            for those of all rows that it would cover.
    """

    reads = ("embeddings", "probs", "labelled", "labels", "validation")

    def __init__(self, width: float = 1.0, sample: int = 10_000, weight: str = "covered") -> None:
        super().__init__(width, sample)
        choice("weight", weight, WEIGHTS)
        self._greedy = WEIGHTS[weight]

    def _notes(self, view: View) -> dict[str, Any]:
        return {**super()._notes(view), "temperature": temperature(view)}

    def _weights(self, view: View) -> Tensor:
        top = (view.pool.logits / temperature(view)).softmax(1).topk(2, dim=1).values
        return 1 - (top[:, 0] - top[:, 1])

    def _width(self, labelled: Tensor) -> float:
        return adaptive_width(labelled, self.width)
