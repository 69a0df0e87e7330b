"""Oracles around an oracle: it errs, it is asked several times, it has a price."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from autoal.bounds import number, whole
from autoal.data.inputs import tensor_of
from autoal.data.rows import UNKNOWN
from autoal.errors import UserError
from autoal.oracles.question import Answers, Oracle, Question, answered
from autoal.seeding import generator


class Noisy:
    """Answers that are wrong at a rate, each wrong class as often as any other.

    What somebody answers about a row follows from the seed, the row and the person alone, so that
    the same question gets the same answer whenever it is asked.

    Args:
        oracle: whose answers are made noisy.
        rate: of wrong answers.
        seed: of the errors.
    """

    def __init__(self, oracle: Oracle, rate: float, seed: int = 0) -> None:
        number("rate", rate, least=0, most=1)
        self.oracle = oracle
        self.rate = rate
        self.seed = seed

    def __call__(self, question: Question) -> Answers:
        answers = answered(self.oracle, question)
        classes = len(question.classes)
        labels = [
            self._answered(row, question.person, label, classes)
            for row, label in zip(answers.rows.tolist(), answers.labels.tolist(), strict=True)
        ]
        return replace(answers, labels=torch.tensor(labels, dtype=torch.long))

    def _answered(self, row: int, person: int, label: int, classes: int) -> int:
        stream = generator(self.seed, "noise", row, person)
        if float(torch.rand(1, generator=stream)) >= self.rate:
            return label
        step = int(torch.randint(1, classes, (1,), generator=stream))  # to any class but this one
        return (label + step) % classes


class Agreed:
    """What most of several people say; of a tie, the answer of whoever was asked first.

    Every answer is paid for. A row that all decline is declined.

    Args:
        oracle: is asked as one person after the other.
        votes: people that are asked about each row.
    """

    def __init__(self, oracle: Oracle, votes: int) -> None:
        whole("votes", votes, least=1)
        self.oracle = oracle
        self.votes = votes

    def __call__(self, question: Question) -> Answers:
        count, classes = len(question.rows), len(question.classes)
        votes = torch.zeros(count, classes, dtype=torch.float64)
        cost, truth = torch.zeros(count), torch.full((count,), UNKNOWN)
        for person in range(self.votes):
            answers = answered(self.oracle, replace(question, person=person))
            places = torch.isin(question.rows, answers.rows)  # in the order of both
            # A little more for who comes earlier, and never so much as a vote.
            votes[places] += one_hot(answers.labels, classes) * (1 + 0.5 ** (person + 2))
            cost[places] += answers.costs
            if answers.truth is not None:
                truth[places] = answers.truth
        voted = votes.sum(1) > 0
        known = bool((truth[voted] != UNKNOWN).all())
        agreed = Answers(question.rows, votes.argmax(1), f"{self.votes} people", cost, truth)
        return replace(agreed, truth=truth if known else None).take(voted)


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
