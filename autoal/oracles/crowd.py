"""Oracles around an oracle: it errs, it is asked several times."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.nn.functional import one_hot

from autoal.bounds import number, whole
from autoal.data.rows import UNKNOWN
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
