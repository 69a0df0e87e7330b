"""Labels that nobody is asked for and nobody pays for: a model's, or the strategy's own."""

from __future__ import annotations

import torch
from torch import Tensor

from autoal.errors import UserError
from autoal.oracles.question import Answers, Oracle, Question
from autoal.oracles.truth import truth_of
from autoal.query.strategy import QueryStrategy


class ByModel:
    """The predictions of the task's model, where there is one: pseudo-labels.

    Args:
        oracle: answers at the start.
        strategy: that chooses the rows; one that sees true outcomes is refused.
        labels: the true ones of all rows, where they are known, for the record alone.
    """

    def __init__(
        self,
        oracle: Oracle,
        strategy: QueryStrategy | None = None,
        labels: Tensor | None = None,
    ) -> None:
        _demand_blind("pseudo", strategy)
        self.oracle = oracle
        self.labels = labels

    def __call__(self, question: Question) -> Answers:
        if question.view is None:
            return self.oracle(question)
        pool = question.view.pool
        places = torch.searchsorted(pool.rows, question.rows)
        labels = pool.probs[places.to(pool.probs.device)].argmax(1).cpu()
        return _unasked(question, labels, "model", self.labels)


class Salutary:
    """The labels that the strategy itself suggests (Xiao and Liu, 2024).

    Args:
        oracle: answers at the start.
        strategy: that chooses the rows; one that suggests no labels is refused.
        labels: the true ones of all rows, where they are known, for the record alone.
    """

    def __init__(
        self,
        oracle: Oracle,
        strategy: QueryStrategy | None = None,
        labels: Tensor | None = None,
    ) -> None:
        _demand_blind("salutary", strategy)
        if strategy is not None and not strategy.suggests:
            raise _no_labels(type(strategy).__name__)
        self.oracle = oracle
        self.labels = labels

    def __call__(self, question: Question) -> Answers:
        if question.view is None:
            return self.oracle(question)
        known = question.view.labelled.labels
        if len(known.unique()) < 2:
            raise UserError(
                f"all {len(known)} labelled rows are of one class, from which no labels "
                "can be given to others: give a larger start="
            )
        if question.suggested is None:
            raise _no_labels("this one")
        return _unasked(question, question.suggested, "strategy", self.labels)


def _unasked(question: Question, labels: Tensor, by: str, known: Tensor | None) -> Answers:
    """Labels that cost nothing, beside the truth where it is known."""
    truth = truth_of(known, question.rows)
    return Answers(question.rows, labels, by, torch.zeros(len(labels)), truth)


def _demand_blind(name: str, strategy: QueryStrategy | None) -> None:
    if strategy is not None and "outcomes" in (strategy.reads or ()):
        raise UserError(
            f"oracle={name}: {type(strategy).__name__} chooses by what true labels lead to"
        )


def _no_labels(who: str) -> UserError:
    return UserError(
        f"oracle=salutary goes with a strategy that gives labels, such as salutary; {who} "
        "gives none"
    )
