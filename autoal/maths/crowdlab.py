"""Weighted votes of people and a model choose the rows that are worth one more label.

As in CROWDLAB and ActiveLab (Goh, Tkachenko and Mueller, 2022; Goh and Mueller, 2023). Votes
are (n, people) long, below 0 where there is none.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from autoal.maths.consensus import counted

LEAST = 1e-6  # weight of somebody no better than a guess


class Trust(NamedTuple):
    """The weights of people's and a model's votes."""

    people: Tensor  # (people,) float64
    model: float
    right: float  # how often a person gives the consensus class


def trust(votes: Tensor, labels: Tensor, probs: Tensor) -> Trust:
    """Weights by agreement on rows that several labelled; equal without such rows.

    Args:
        votes: of the people.
        labels: the consensus, (n,).
        probs: of classes, by a model that did not learn these rows, (n, classes).
    """
    count = (votes >= 0).sum(1)
    several = count > 1
    if not several.any():
        return Trust(torch.ones(votes.shape[1], dtype=torch.float64), 1.0, 1.0)
    agreed = labels[several]
    guessing = max(LEAST, 1 - float(agreed.bincount().max()) / len(agreed))
    right = (votes == labels[:, None]).sum(1) / count
    people = 1 - (1 - _alike(votes[several], probs.shape[1])) / guessing
    wrong = float((probs[several].argmax(1) != agreed).double().mean())
    model = max(1 - wrong / guessing, LEAST) * float(count.double().mean().sqrt())
    return Trust(people.clamp(min=LEAST), model, float(right[several].double().mean()))


def _alike(votes: Tensor, classes: int) -> Tensor:
    """How often each person agrees with another about a row; the mean if nobody shares one."""
    given = votes >= 0
    others = (given.sum(1, keepdim=True) - 1) * given
    same = (counted(votes, classes).gather(1, votes.clamp(min=0)) - 1) * given
    shares = same.sum(0) / others.sum(0)
    return torch.where(shares.isnan(), shares.nanmean(), shares)


def weighed(votes: Tensor, probs: Tensor, weights: Trust) -> Tensor:
    """Class probabilities of each row, by people and the model, (n, classes)."""
    classes = probs.shape[1]
    other = (1 - weights.right) / max(1, classes - 1)
    found = probs.double() * weights.model
    for said, weight in zip(votes.T, weights.people.tolist(), strict=True):
        rows = (said >= 0).nonzero().flatten()
        found[rows] += weight * other
        found[rows, said[rows]] += weight * (weights.right - other)
    return found / (_weight(votes, weights) + weights.model)[:, None]


def labelled_scores(votes: Tensor, labels: Tensor, probs: Tensor, weights: Trust) -> Tensor:
    """Scores for one more answer about labelled rows, (n,); the lowest come first."""
    several = bool(((votes >= 0).sum(1) > 1).any())
    quality = (weighed(votes, probs, weights) if several else probs.double()).gather(
        1, labels[:, None]
    )[:, 0]
    mean = float(weights.people.mean())
    total = _weight(votes, weights) + weights.model
    return (total * quality + mean / probs.shape[1]) / (total + mean)


def unlabelled_scores(probs: Tensor, weights: Trust) -> Tensor:
    """Scores for a first answer about rows, (n,), on the scale of labelled ones."""
    mean = float(weights.people.mean())
    sure = probs.double().max(1).values
    return (weights.model * sure + mean / probs.shape[1]) / (weights.model + mean)


def _weight(votes: Tensor, weights: Trust) -> Tensor:
    """The total weight of the people who labelled each row, (n,)."""
    return ((votes >= 0) * weights.people).sum(1)
