"""Decides which people of a crowd to ask about which rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from autoal.bounds import choice, whole
from autoal.maths.crowdlab import labelled_scores, trust, unlabelled_scores
from autoal.oracles.question import Question, Said
from autoal.oracles.votes import Agreed, prior
from autoal.seeding import generator

TURNS, RELIABLE = WAYS = ("turns", "ie_thresh")


class Worth(NamedTuple):
    """Scores of rows to ask about; the lowest come first."""

    score: float
    row: int
    answers: int  # that asking about it takes
    new: bool


class Turns:
    """Chooses some of the people for each row, in an order drawn for it.

    Args:
        names: of the people.
        votes: most people to ask about a new row.
        ask: `turns`, or `ie_thresh`: only those who may be the most reliable.
        again: most answers of a round about rows of earlier rounds.
        seed: for the orders.
    """

    def __init__(self, names: Sequence[str], votes: int, ask: str, again: int, seed: int) -> None:
        whole("votes", votes, least=1)
        choice("ask", ask, WAYS)
        whole("again", again, least=0)
        if votes > len(names):
            raise ValueError(f"`votes` must be at most `people`, {len(names)}, got {votes}")
        self.names = names
        self.votes = votes
        self.ask = ask
        self.again = again
        self.seed = seed

    @property
    def looks_back(self) -> bool:
        """Whether it depends on earlier answers."""
        return self.ask == RELIABLE or self.again > 0

    def orders(self, rows: Tensor) -> Tensor:
        """The order of people for each row, (n, people)."""
        orders = [self._order(row) for row in rows.tolist()]
        return torch.tensor(orders, dtype=torch.long).reshape(len(orders), len(self.names))

    def asked(
        self, question: Question, before: Agreed | None, known: Iterable[int]
    ) -> tuple[dict[int, list[int]], frozenset[int]]:
        """The rows to ask each person about, and those left for later.

        Args:
            question: the current question.
            before: the earlier consensus; None if it does not count.
            known: rows about which everybody is asked first.
        """
        spoken = self._spoken(question.said)
        able = before.reliable() if before and self.ask == RELIABLE else range(len(self.names))
        again, later = self._again(question, before, spoken) if before else ([], frozenset[int]())
        whom: dict[int, set[int]] = defaultdict(set)
        for row in question.rows.tolist():
            turn = [person for person in self._order(row) if person in able][: self.votes]
            whom[row] |= set() if row in later else {*turn} - spoken[row]
        for row in again:
            left = [person for person in self._order(row) if person not in spoken[row]]
            whom[row] |= {min(left, key=lambda person: person not in able)}
        for row in [] if question.said else known:
            whom[row] |= {*range(len(self.names))}
        return _by_person(whom), later

    def _order(self, row: int) -> list[int]:
        stream = generator(self.seed, "turn", row)
        return [int(person) for person in torch.randperm(len(self.names), generator=stream)]

    def _spoken(self, said: Said) -> dict[int, set[int]]:
        """Who has already answered about each row."""
        found: dict[int, set[int]] = defaultdict(set)
        for person, name in enumerate(self.names):
            for row in said.get(name, ()):
                found[row].add(person)
        return found

    def _again(
        self, question: Question, before: Agreed, spoken: Mapping[int, set[int]]
    ) -> tuple[list[int], frozenset[int]]:
        """Earlier rows to ask about once more, and new ones to leave for later (ActiveLab)."""
        learnt = before.of(question.known.rows)
        if not self.again or question.view is None or not len(learnt.votes.rows):
            return [], frozenset()
        again: list[int] = []
        asked: list[int] = []
        left = self.votes * len(question.rows)
        for one in sorted(_worths(question, learnt, self.votes)):
            full = len(again) == self.again or len(spoken[one.row]) == len(self.names)
            if one.answers <= left and (one.new or not full):
                (asked if one.new else again).append(one.row)
                left -= one.answers
        return again, frozenset(question.rows.tolist()) - {*asked}


def _worths(question: Question, learnt: Agreed, votes: int) -> Iterator[Worth]:
    """Scores of earlier and of new rows, on one scale."""
    given, labels = learnt.votes.given, learnt.labels
    probs = prior(question, learnt.votes.rows)
    weights = trust(given, labels, probs)
    old = labelled_scores(given, labels, probs, weights)
    new = unlabelled_scores(prior(question, question.rows), weights)
    for row, score in zip(learnt.votes.rows.tolist(), old.tolist(), strict=True):
        yield Worth(score, row, 1, new=False)
    for row, score in zip(question.rows.tolist(), new.tolist(), strict=True):
        yield Worth(score, row, votes, new=True)


def _by_person(whom: Mapping[int, set[int]]) -> dict[int, list[int]]:
    """The rows of each person, from the people of each row."""
    found: dict[int, list[int]] = defaultdict(list)
    for row, people in whom.items():
        for person in people:
            found[person].append(row)
    return found
