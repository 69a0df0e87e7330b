"""Labels that nobody is asked for and nobody pays for: a model's, or the strategy's own."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from autoal.errors import UserError
from autoal.oracles.blind import demand_blind
from autoal.oracles.question import Answers, Oracle, Question, answered
from autoal.oracles.truth import truth_of
from autoal.query.strategy import QueryStrategy
from autoal.query.view import View


class _Unasked(ABC):
    """Gives labels that cost nothing; only at the start somebody is asked.

    Args:
        oracle: answers at the start.
        strategy: that chooses the rows; one that sees true outcomes is refused.
        labels: the true ones of all rows, where they are known, for the record alone.
    """

    offers = False  # nobody is asked who could choose among some classes
    name: str  # of the choice oracle=
    by: str

    def __init__(
        self,
        oracle: Oracle,
        strategy: QueryStrategy | None = None,
        labels: Tensor | None = None,
    ) -> None:
        if strategy is not None:
            self.demand_fitting(strategy)
        self.oracle = oracle
        self.labels = labels

    def demand_fitting(self, strategy: QueryStrategy) -> None:
        """Refuse a strategy that these labels do not go with."""
        demand_blind(self.name, strategy)

    def __call__(self, question: Question) -> Answers:
        if question.view is None:
            return answered(self.oracle, question)
        labels, truth = self.given(question, question.view), truth_of(self.labels, question.rows)
        return Answers(question.rows, labels, self.by, torch.zeros(len(labels)), truth)

    @abstractmethod
    def given(self, question: Question, view: View) -> Tensor:
        """The classes of the rows, (rows,)."""


class ByModel(_Unasked):
    """The predictions of the task's model, where there is one: pseudo-labels."""

    name, by = "pseudo", "model"

    def given(self, question: Question, view: View) -> Tensor:
        places = view.pool.places(question.rows)
        return view.pool.probs[places.to(view.pool.probs.device)].argmax(1).cpu()


class Salutary(_Unasked):
    """The labels that the strategy itself suggests (Xiao and Liu, 2024).

    A strategy that suggests none is refused.
    """

    name, by = "salutary", "strategy"

    def demand_fitting(self, strategy: QueryStrategy) -> None:
        super().demand_fitting(strategy)
        if not strategy.suggests:
            raise _no_labels(type(strategy).__name__)

    def given(self, question: Question, view: View) -> Tensor:
        known = view.labelled.labels
        if len(known.unique()) < 2:
            raise UserError(
                f"all {len(known)} labelled rows are of one class, from which no labels "
                "can be given to others: give a larger start="
            )
        if question.suggested is None:
            raise _no_labels("this one")
        return question.suggested


def _no_labels(who: str) -> UserError:
    return UserError(
        f"oracle=salutary goes with a strategy that gives labels, such as salutary; {who} "
        "gives none"
    )
