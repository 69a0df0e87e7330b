"""The consensus of several fallible people about rows, and the reliability of each.

Votes are (n, people) long: the class that each person gave each row, and below 0 where none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

LEAST = 1e-10  # of a probability whose logarithm is taken
RAREST = 1e-3  # floor of a prior, so that enough people overrule the surest model
CLOSE = 1e-6  # move of the probabilities below which they count as settled
MOST = 100  # moves
CREDIT = (1.4, 2.0)  # prior right answers, and answers, for everybody


class Consensus(NamedTuple):
    """Class probabilities of each row, and each person's share of right answers."""

    probs: Tensor  # (n, classes) float64
    right: Tensor  # (people,) float64


def counted(votes: Tensor, classes: int) -> Tensor:
    """How many people gave each row each class, (n, classes)."""
    counts = torch.zeros(len(votes), classes, dtype=torch.float64)
    rows, people = (votes >= 0).nonzero(as_tuple=True)
    ones = torch.ones(len(rows), dtype=torch.float64)
    return counts.index_put_((rows, votes[rows, people]), ones, accumulate=True)


def majority(votes: Tensor, classes: int) -> Consensus:
    """The shares of the votes; without votes, all classes are equally likely."""
    counts = counted(votes, classes)
    probs = _normalised(torch.where(counts.sum(1, keepdim=True) > 0, counts, 1.0))
    return Consensus(probs, _agreeing(votes, probs))


def dawid_skene(votes: Tensor, classes: int) -> Consensus:
    """Consensus by how often each person takes which class for which (Dawid and Skene, 1979)."""

    def moved(probs: Tensor) -> Tensor:
        logs = probs.mean(0).clamp(min=LEAST).log().expand_as(probs).clone()
        for said in votes.T:
            rows = (said >= 0).nonzero().flatten()
            taken = probs.new_zeros(classes, classes).index_add(0, said[rows], probs[rows])
            logs[rows] += _normalised(taken.clamp(min=LEAST), 0).log()[said[rows]]
        return logs.softmax(1)

    probs = _settled(majority(votes, classes).probs, moved)
    return Consensus(probs, _agreeing(votes, probs))


def one_coin(
    votes: Tensor,
    classes: int,
    prior: Tensor | None = None,
    credit: tuple[float, float] = CREDIT,
) -> Consensus:
    """Consensus by how often each person is right, whatever the class, and by a prior.

    Args:
        votes: of the people.
        classes: how many there are.
        prior: class probabilities of each row before the votes, (n, classes); None: equal.
        credit: prior right answers, and answers, for everybody.
    """
    even = torch.full((len(votes), classes), 1 / classes, dtype=torch.float64)
    before = (even if prior is None else prior.double()).clamp(min=RAREST).log()

    def moved(probs: Tensor) -> Tensor:
        right = _agreeing(votes, probs, credit).clamp(LEAST, 1 - LEAST)
        wrong = ((1 - right) / max(1, classes - 1)).log()
        logs = before.clone()
        for said, gain in zip(votes.T, right.log() - wrong, strict=True):
            rows = (said >= 0).nonzero().flatten()
            logs[rows, said[rows]] += gain  # over what every other class gets, which cancels out
        return logs.softmax(1)

    probs = _settled(majority(votes, classes).probs, moved)
    return Consensus(probs, _agreeing(votes, probs, credit))


def decided(probs: Tensor, votes: Tensor) -> Tensor:
    """The likeliest class of each row, (n,); in a tie, that of the first person."""
    best = probs.max(1)
    own = probs.gather(1, votes.clamp(min=0)).masked_fill(votes < 0, -1.0)
    tied = own >= best.values[:, None] - CLOSE
    first = votes.gather(1, tied.int().argmax(1, keepdim=True))[:, 0]
    return torch.where(tied.any(1), first, best.indices)


def _agreeing(votes: Tensor, probs: Tensor, credit: tuple[float, float] = (0, 0)) -> Tensor:
    """Each person's share of right answers, (people,), by the probabilities; else NaN."""
    given = votes >= 0
    own = probs.gather(1, votes.clamp(min=0)) * given
    return (own.sum(0) + credit[0]) / (given.sum(0) + credit[1])


def _settled(probs: Tensor, moved: Callable[[Tensor], Tensor]) -> Tensor:
    """The probabilities once they settle, or after enough moves."""
    for _ in range(MOST):
        before, probs = probs, moved(probs)
        if bool(((probs - before).abs() < CLOSE).all()):
            break
    return probs


def _normalised(values: Tensor, dim: int = 1) -> Tensor:
    return values / values.sum(dim, keepdim=True)
