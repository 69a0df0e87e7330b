"""An oracle whose answers cost something else than one label each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from autoal.costs.by_row import ByRow
from autoal.costs.contract import Costs
from autoal.costs.units import SECONDS
from autoal.oracles.question import Answers, Oracle, Question, answered


class Priced:
    """Answers that cost something else than one label each.

    Args:
        oracle: answers.
        costs: of its answers; a number is the price of any, and an array or a list has one for each
            row of the data set.
    """

    def __init__(self, oracle: Oracle, costs: Any) -> None:
        self.oracle = oracle
        self.costs = costs if isinstance(costs, Costs) else ByRow(costs)

    def __call__(self, question: Question) -> Answers:
        answers = answered(self.oracle, question)
        priced = replace(answers, cost=self.costs.charged(question, answers))
        if self.costs.unit != SECONDS or answers.timed:
            return priced
        taken = zip(answers.rows.tolist(), priced.costs.tolist(), strict=True)
        return replace(priced, timed={row: round(seconds, 3) for row, seconds in taken})
