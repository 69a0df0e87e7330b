"""Costs known once an answer is there: by its class, or by who gave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from autoal import bounds
from autoal.costs.contract import Costs, Timed
from autoal.costs.units import MONEY
from autoal.data.contract import Data
from autoal.data.rows import Rows
from autoal.errors import UserError
from autoal.query.view import View

if TYPE_CHECKING:
    from autoal.oracles.question import Answers, Question


class ByClass(Costs):
    """A price for each class: expected by the model's probabilities, and charged by the answer.

    A row without a label is charged the mean price.

    Args:
        prices: one for each class, in the order of the classes.
        unit: money or seconds.
    """

    def __init__(self, prices: Sequence[float], unit: str = MONEY) -> None:
        super().__init__(unit)
        for price in prices:
            bounds.number("prices", price, least=0)
        self._prices = torch.tensor([*prices], dtype=torch.float64)

    def check(self, data: Data) -> None:
        if len(self._prices) != len(data.classes):
            raise UserError(
                f"costs.prices has {len(self._prices)} numbers: give one for each of the "
                f"{len(data.classes)} classes {', '.join(data.classes)}"
            )

    def cheapest(self, rows: Rows) -> float:
        return float(self._prices.min())

    def expected(self, view: View, timed: Timed) -> Tensor:
        return view.pool.probs.cpu().double() @ self._prices

    def prices(self, question: Question, answers: Answers, rows: Tensor) -> Tensor:
        labels = dict(zip(answers.rows.tolist(), answers.labels.tolist(), strict=True))
        by_class, unknown = self._prices.tolist(), float(self._prices.mean())
        found = [by_class[labels[row]] if row in labels else unknown for row in rows.tolist()]
        return torch.tensor(found, dtype=torch.float64)


class BySource(Costs):
    """A price for a label by people, and one for a label by a language model.

    Args:
        people: price of a label by any of them.
        model: price of a label by a language model; null: that of its tokens.
    """

    def __init__(self, people: float = 1.0, model: float | None = None) -> None:
        super().__init__(MONEY)
        bounds.number("people", people, least=0)
        if model is not None:
            bounds.number("model", model, least=0)
        self.people = people
        self.model = model

    def cheapest(self, rows: Rows) -> float:
        return min(self.people, self.model or 0.0)

    def expected(self, view: View, timed: Timed) -> None:
        """Return None, as nobody knows who will answer."""

    def prices(self, question: Question, answers: Answers, rows: Tensor) -> Tensor:
        return torch.full((len(rows),), self.people, dtype=torch.float64)

    def machine(self, answers: Answers) -> Tensor:
        if self.model is None:
            return super().machine(answers)
        return torch.full((len(answers.rows),), self.model, dtype=torch.float64)
