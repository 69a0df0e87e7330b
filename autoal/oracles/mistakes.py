"""Models of mistakes: the probabilities of every answer."""

from __future__ import annotations

import torch
from torch import Tensor

from autoal.data.contract import Data
from autoal.seeding import generator

SPREAD = 0.1  # deviation of single rows' rates around a person's


def symmetric(rate: float, classes: int) -> Tensor:
    """All wrong classes are equally likely, (classes, classes), by true class."""
    wrong = torch.full((classes, classes), rate / max(1, classes - 1), dtype=torch.float64)
    return wrong.fill_diagonal_(1 - rate)


def pairs(rate: float, classes: int) -> Tensor:
    """Each class is mistaken for the next, the last for the first, (classes, classes)."""
    right = torch.eye(classes, dtype=torch.float64)
    return (1 - rate) * right + rate * right.roll(1, dims=1)


class Looks:
    """Mistakes that depend on what a row looks like (Xia and others, 2020).

    Each class has random directions, one towards each other class, and a row tends to be mistaken
    for the class in whose direction it lies. Each row's rate of mistakes is drawn around the
    person's rate.

    Args:
        data: the data set of the rows, as a network reads them.
        seed: for the directions and the rates.
    """

    def __init__(self, data: Data, seed: int) -> None:
        self.inputs = data.train.inputs
        self.preprocess = data.preprocess().eval()  # so that it neither crops nor flips
        self.classes = len(data.classes)
        self.seed = seed

    def chances(self, rows: Tensor, labels: Tensor, rate: float, person: int) -> Tensor:
        """The probabilities of each answer about rows of these true classes, (n, classes)."""
        wrong = torch.zeros(len(rows), self.classes, dtype=torch.float64)
        for label in labels.unique().tolist():
            places = labels == label
            wrong[places] = self._pulled(rows[places], label)
        rates = torch.tensor([self._rate(row, rate, person) for row in rows.tolist()]).double()
        right = torch.nn.functional.one_hot(labels, self.classes)
        return rates[:, None] * wrong + (1 - rates)[:, None] * right

    def _pulled(self, rows: Tensor, label: int) -> Tensor:
        """The probabilities of each wrong class, given a mistake, (n, classes)."""
        inputs = self.preprocess(self.inputs[rows.to(self.inputs.device)]).cpu()
        features = inputs.flatten(1).double()
        stream = generator(self.seed, "noise directions", label)
        pull = features @ torch.randn(features.shape[1], self.classes, generator=stream).double()
        pull[:, label] = -torch.inf
        return pull.softmax(1)

    def _rate(self, row: int, rate: float, person: int) -> float:
        """A rate from a normal around the person's rate, drawn again if it is not in [0, 1]."""
        stream = generator(self.seed, "noise rate", row, person)
        drawn = -1.0
        while not 0 <= drawn <= 1:
            drawn = rate + SPREAD * float(torch.randn(1, generator=stream))
        return drawn
