"""Answers about made rows, whose classes no data set knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from autoal.data.rows import Shown
from autoal.oracles.question import Answers, Oracle, Question, answered


class RealRows:
    """An oracle that declines made rows, because it knows only the data set.

    Args:
        oracle: answers about real rows.
    """

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle

    def __call__(self, question: Question) -> Answers:
        real = question.of((~question.made).nonzero().flatten())
        return answered(self.oracle, real) if len(real.rows) else Answers.none()


class MadeRows(RealRows):
    """An oracle beside which a model labels the made rows, at no cost.

    Args:
        oracle: answers about real rows.
        predict: returns the classes of rows from what a person sees of them.
        name: the model's.
    """

    def __init__(self, oracle: Oracle, predict: Callable[[Shown], Tensor], name: str) -> None:
        super().__init__(oracle)
        self.predict = predict
        self.name = name

    def __call__(self, question: Question) -> Answers:
        theirs, made = super().__call__(question), question.of(question.made.nonzero().flatten())
        count = len(made.rows)
        if not count:
            return theirs
        assert made.shown is not None
        none = torch.zeros(count)
        return replace(
            theirs,
            rows=torch.cat([theirs.rows, made.rows]),
            labels=torch.cat([theirs.labels, self.predict(made.shown)]),
            by=theirs.by or self.name,
            cost=torch.cat([theirs.costs, none]),
            truth=None,  # nobody knows it for made rows
            machine=torch.cat([theirs.by_machine, none == 0]),
            people={**theirs.people, self.name: {"labels": count, "calls": 0}},
        )
