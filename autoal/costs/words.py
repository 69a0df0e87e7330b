"""Seconds by the length of texts, for people who read them."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from autoal import bounds
from autoal.costs.contract import Costs, Timed
from autoal.costs.units import SECONDS
from autoal.data.contract import Data
from autoal.data.rows import Rows, chosen
from autoal.data.texts import parts, written_of
from autoal.errors import UserError
from autoal.query.view import View
from autoal.seeding import generator

if TYPE_CHECKING:
    from autoal.oracles.question import Answers, Question


class Words(Costs):
    """Seconds computed from the number of words to read.

    The actual time of an answer scatters log-normally, with the expected seconds as its mean. It
    depends only on the seed and the row.

    Args:
        base: seconds of any answer.
        each: seconds of a word; 0.25 is 240 words a minute.
        spread: standard deviation of the logarithm of the seconds.
        seed: for the spread.
    """

    def __init__(
        self, base: float = 2.0, each: float = 0.25, spread: float = 0.0, seed: int = 0
    ) -> None:
        bounds.number("base", base, least=0)
        bounds.number("each", each, least=0)
        bounds.number("spread", spread, least=0, most=3)
        super().__init__(SECONDS)
        self.base = base
        self.each = each
        self.spread = spread
        self.seed = seed

    def check(self, data: Data) -> None:
        if written_of(data.train) is None:
            raise UserError("costs=words counts the words of texts, and these rows are none")

    def cheapest(self, rows: Rows) -> float:
        return float(self._read(rows.shown or ()).min())

    def expected(self, view: View, timed: Timed) -> Tensor:
        return self._read(view.pool.texts)

    def prices(self, question: Question, answers: Answers, rows: Tensor) -> Tensor:
        texts = None if question.pool is None else question.pool.shown
        if texts is None:
            raise UserError("costs=words counts the words of texts, and the question shows none")
        scatter = [self._scatter(row) for row in rows.tolist()]
        return self._read(chosen(texts, rows)) * torch.tensor(scatter, dtype=torch.float64)

    def _read(self, texts: Iterable[Any]) -> Tensor:
        return self.base + self.each * words_of(texts)

    def _scatter(self, row: int) -> float:
        """The factor of a row's seconds over those expected; 1 on average."""
        if not self.spread:
            return 1.0
        drawn = float(torch.randn(1, generator=generator(self.seed, "seconds", row)))
        return exp(self.spread * drawn - self.spread**2 / 2)


def words_of(texts: Iterable[Any]) -> Tensor:
    """The number of words in all texts of each row."""
    counts = [sum(len(part.split()) for part in row) for row in parts(texts)]
    return torch.tensor(counts, dtype=torch.float64)
