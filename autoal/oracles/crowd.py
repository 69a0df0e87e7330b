"""An oracle around an oracle: it is asked several times."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.nn.functional import one_hot

from autoal.bounds import whole
from autoal.data.rows import UNKNOWN
from autoal.oracles.question import Answers, Oracle, Question, answered


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
