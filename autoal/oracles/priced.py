"""An oracle whose answers do not cost one label each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from autoal.costs.by_row import ByRow
from autoal.costs.contract import Costs
from autoal.costs.units import SECONDS
from autoal.oracles.question import Answers, Oracle, Question, answered


class Priced:
    """Answers that do not cost one label each.

    Args:
        oracle: the one that answers.
        costs: of its answers; a number is the price of any, and an array or a list has one for each
            row of the data set.
    """

    def __init__(self, oracle: Oracle, costs: Any) -> None:
        self.oracle = oracle
        self.costs = costs if isinstance(costs, Costs) else ByRow(costs)

    def __call__(self, question: Question) -> Answers:
        answers = answered(self.oracle, question)
        cost = self.costs.charged(question, answers, answers.rows, answers.costs)
        cost = torch.where(answers.by_machine, self.costs.machine(answers).to(cost), cost)
        paid = self._unlabelled(question, answers)
        priced = replace(answers, cost=cost, paid=paid, beside=self._beside(question, answers))
        if self.costs.unit != SECONDS or answers.timed:
            return priced
        taken = dict(zip(answers.rows.tolist(), priced.costs.tolist(), strict=True)) | paid
        return replace(priced, timed={row: round(seconds, 3) for row, seconds in taken.items()})

    def _beside(self, question: Question, answers: Answers) -> float:
        """The cost of answers beside the rows, in units of the rows' average label."""
        if not answers.beside:
            return 0.0
        return answers.beside * float(self.costs.prices(question, answers, question.rows).mean())

    def _unlabelled(self, question: Question, answers: Answers) -> dict[int, float]:
        """The cost of answers that gave no label, by row."""
        labels = {**dict.fromkeys(answers.ruled_out, 1.0), **answers.paid}
        rows = torch.tensor([*labels], dtype=torch.long)
        counts = torch.tensor([*labels.values()], dtype=torch.float64)
        paid = self.costs.charged(question, answers, rows, counts)
        return dict(zip(labels, paid.tolist(), strict=True))
