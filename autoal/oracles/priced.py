"""An oracle that has a price."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from autoal.bounds import number
from autoal.data.inputs import tensor_of
from autoal.errors import UserError
from autoal.oracles.question import Answers, Oracle, Question, answered


class Priced:
    """Answers that cost something else than one label each.

    Args:
        oracle: answers.
        costs: of any answer, or of an answer about each row of the data set, (n,).
    """

    def __init__(self, oracle: Oracle, costs: Any) -> None:
        self.oracle = oracle
        self.prices = _prices(costs)

    def __call__(self, question: Question) -> Answers:
        answers = answered(self.oracle, question)
        return replace(answers, cost=answers.costs * self._of(answers.rows))

    def _of(self, rows: Tensor) -> Tensor:
        if not self.prices.ndim:
            return self.prices.expand(len(rows))
        beyond = rows[rows >= len(self.prices)]
        if len(beyond):
            raise UserError(f"row {beyond[0]} has no price: there are {len(self.prices)} of them")
        return self.prices[rows]


def _prices(costs: Any) -> Tensor:
    """One for all rows, or one for each; none of them below 0."""
    if not isinstance(costs, Iterable):
        number("costs", costs, least=0)
        return torch.tensor(float(costs), dtype=torch.float64)
    prices = tensor_of(costs, "costs").double()
    for price in prices[~(prices.isfinite() & (prices >= 0))][:1].tolist():
        number("costs", price, least=0)
    return prices
