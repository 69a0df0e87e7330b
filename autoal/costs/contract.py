"""The contract of costs of labels."""

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

if TYPE_CHECKING:  # oracles are on a higher floor
    from autoal.oracles.question import Answers, Question

Timed = Mapping[int, float]  # by row, the seconds that its answer took


class Costs(ABC):
    """The costs of labels, expected and actual.

    A plugin is a subclass, registered under the entry-point group `autoal.costs`; the parameters of
    its `__init__` become options of the command line.

    Args:
        unit: money or seconds.
    """

    def __init__(self, unit: str = MONEY) -> None:
        bounds.choice("unit", unit, (MONEY, SECONDS))
        self.unit = unit

    def check(self, data: Data) -> None:
        """Refuse, before anything is bought, data whose labels it cannot price."""

    def cheapest(self, rows: Rows) -> float:
        """The least that a label of one of these rows costs, as known before any is bought."""
        return 0.0

    @abstractmethod
    def expected(self, view: View, timed: Timed) -> Tensor | None:
        """The expected cost of a label of each row of the pool.

        Args:
            view: of the pool.
            timed: the seconds of the answers so far.

        Returns:
            (pool,), at least 0; None: nothing distinguishes the rows.
        """

    @abstractmethod
    def prices(self, question: Question, answers: Answers, rows: Tensor) -> Tensor:
        """The cost of one label of each of these rows, (rows,).

        Args:
            question: the question.
            answers: the answers to it.
            rows: of the pool that somebody looked at, not all of which got a label.
        """

    def charged(self, question: Question, answers: Answers, rows: Tensor, labels: Tensor) -> Tensor:
        """The cost of people's answers about rows, (rows,).

        Args:
            question: the question.
            answers: the answers to it.
            rows: of the pool that somebody looked at.
            labels: how many labels each counts as: two, if two people answered.
        """
        return labels * self.prices(question, answers, rows)

    def machine(self, answers: Answers) -> Tensor:
        """The cost of each by a language model: its price, and nobody's time."""
        return answers.costs if self.unit == MONEY else torch.zeros(len(answers.rows))
