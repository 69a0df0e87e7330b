"""The contract of what labels cost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from autoal import bounds
from autoal.costs.units import MONEY, SECONDS
from autoal.data.contract import Data
from autoal.data.rows import Rows
from autoal.query.view import View

if TYPE_CHECKING:  # whoever answers stands above
    from autoal.oracles.question import Answers, Question

Timed = Mapping[int, float]  # by row, the seconds that its answer took


class Costs(ABC):
    """What labels cost: what they are expected to, and what they did.

    A plugin is a subclass, entered under the entry-point group `autoal.costs`; the parameters of
    its `__init__` become options of the command line.

    Args:
        unit: money or seconds.
    """

    def __init__(self, unit: str = MONEY) -> None:
        bounds.choice("unit", unit, (MONEY, SECONDS))
        self.unit = unit

    def check(self, data: Data) -> None:
        """Refuse, before anything is bought, data of whose labels it cannot say what they cost."""

    def cheapest(self, rows: Rows) -> float:
        """The least that a label of one of these rows costs, by what is known before any is."""
        return 0.0

    @abstractmethod
    def expected(self, view: View, timed: Timed) -> Tensor | None:
        """What a label of each row of the pool will cost, as far as can be told.

        Args:
            view: of the pool.
            timed: the seconds of the answers so far.

        Returns:
            (pool,), 0 at least; None: nothing tells one row from another.
        """

    @abstractmethod
    def prices(self, question: Question, answers: Answers, rows: Tensor) -> Tensor:
        """What one label of each of these rows cost, (rows,).

        Args:
            question: that was asked.
            answers: to it.
            rows: of the pool that somebody looked at, of which not all got a label.
        """

    def charged(self, question: Question, answers: Answers, rows: Tensor, labels: Tensor) -> Tensor:
        """What people's answers about rows cost, (rows,).

        Args:
            question: that was asked.
            answers: to it.
            rows: of the pool that somebody looked at.
            labels: as how many labels each counts: two, where two people gave one.
        """
        return labels * self.prices(question, answers, rows)

    def machine(self, answers: Answers) -> Tensor:
        """What each would cost of a language model: what is paid for it, and nobody's time."""
        return answers.costs if self.unit == MONEY else torch.zeros(len(answers.rows))
