"""What people have said of rows so far, and what they say together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean

import torch
from torch import Tensor

from autoal.data.rows import UNKNOWN
from autoal.maths.agreement import upper_bound, wilson
from autoal.maths.consensus import dawid_skene, decided, majority, one_coin
from autoal.oracles.question import Question, Said

MAJORITY, DAWID_SKENE, ONE_COIN = METHODS = ("majority", "dawid_skene", "one_coin")
RELIABLE = 0.8  # of the highest upper bound of a reliability, from which on others are asked too


@dataclass(frozen=True, eq=False)
class Votes:
    """The classes that people gave rows."""

    rows: Tensor  # (n,) ascending
    given: Tensor  # (n, people) long; UNKNOWN where somebody said nothing

    @classmethod
    def of(cls, said: Said, people: Sequence[str]) -> Votes:
        """Those of these people, as they are called."""
        rows = sorted({row for name in people for row in said.get(name, ())})
        cells = [[said.get(name, {}).get(row, UNKNOWN) for name in people] for row in rows]
        given = torch.tensor(cells, dtype=torch.long).reshape(len(rows), len(people))
        return cls(torch.tensor(rows, dtype=torch.long), given)


@dataclass(frozen=True, eq=False)
class Agreed:
    """What people say together of the rows that they have labelled."""

    votes: Votes
    probs: Tensor  # (n, classes), how likely each class is
    labels: Tensor  # (n,)
    known: Tensor  # (n,) true classes of rows that show who is reliable; UNKNOWN of all others

    def of(self, rows: Tensor) -> Agreed:
        """The same, of these rows alone."""
        places = torch.isin(self.votes.rows, rows)
        votes = Votes(self.votes.rows[places], self.votes.given[places])
        return Agreed(votes, self.probs[places], self.labels[places], self.known[places])

    def right(self) -> list[list[float]]:
        """For each person, whether each answer was right of rows that show it, as 1 and 0.

        They are the rows of which the class is known; where there are none, those that somebody
        else labelled too, and what all say together counts as right.
        """
        given, shows = self.votes.given, self.known != UNKNOWN
        wanted = self.known
        if not shows.any():
            shows, wanted = (given != UNKNOWN).sum(1) > 1, self.labels
        right = (given == wanted[:, None]).double()
        told = shows[:, None] & (given != UNKNOWN)
        return [right[told[:, person], person].tolist() for person in range(given.shape[1])]

    def reliability(self) -> list[dict[str, float]]:
        """How often each person is right, with an interval; nothing of whom nothing shows it."""
        return [_with_interval(right) for right in self.right()]

    def reliable(self) -> list[int]:
        """The people whom it pays to ask, and those of whom too little is known (IEThresh)."""
        bounds = [upper_bound(right) for right in self.right()]
        least = RELIABLE * max((bound for bound in bounds if bound < inf), default=0.0)
        return [person for person, bound in enumerate(bounds) if bound >= least]


def agreed(
    votes: Votes,
    method: str,
    question: Question,
    order: Tensor,
    known: Mapping[int, int],
) -> Agreed:
    """What votes say together.

    Args:
        votes: of rows that are asked about now and of earlier ones.
        method: of the consensus.
        question: that is asked now.
        order: in which people are asked about each row, (n, people).
        known: true classes of rows that show who is reliable.
    """
    classes, given = len(question.classes), votes.given
    if method == ONE_COIN:
        found = one_coin(given, classes, prior(question, votes.rows))
    else:
        found = (dawid_skene if method == DAWID_SKENE else majority)(given, classes)
    probs = found.probs
    truth = torch.tensor([known.get(row, UNKNOWN) for row in votes.rows.tolist()]).long()
    return Agreed(votes, probs, decided(probs, given.gather(1, order)), truth)


def prior(question: Question, rows: Tensor) -> Tensor:
    """How likely each class is of rows, as models say that did not learn them, (n, classes).

    All classes are as likely of rows of which no model tells.
    """
    classes = len(question.classes)
    probs = torch.full((len(rows), classes), 1 / classes, dtype=torch.float64)
    for some, told in _looks(question):
        places = torch.isin(rows, some)
        probs[places] = told[torch.searchsorted(some, rows[places])].double().cpu()
    return probs


def _looks(question: Question) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows, ascending, and how likely each class is of each: of earlier ones, and of the pool."""
    if question.expected is not None:
        yield question.expected
    if question.view is not None:
        pool, rows = question.view.pool, question.rows.sort().values
        yield rows, pool.take(pool.places(rows)).probs


def _with_interval(right: Sequence[float]) -> dict[str, float]:
    if not right:
        return {}
    share = fmean(right)
    low, high = wilson(share, len(right))
    return {"reliability": round(share, 6), "low": round(low, 6), "high": round(high, 6)}
