"""For what a class is taken by somebody who errs: the chances of every answer."""

from __future__ import annotations

import torch
from torch import Tensor

from autoal.data.contract import Data
from autoal.seeding import generator

SPREAD = 0.1  # of the rates of single rows around that of a person


def symmetric(rate: float, classes: int) -> Tensor:
    """Each wrong class comes as often as any other, (classes, classes): by the true class."""
    wrong = torch.full((classes, classes), rate / max(1, classes - 1), dtype=torch.float64)
    return wrong.fill_diagonal_(1 - rate)


def pairs(rate: float, classes: int) -> Tensor:
    """A class is taken for the next one, and the last for the first, (classes, classes)."""
    right = torch.eye(classes, dtype=torch.float64)
    return (1 - rate) * right + rate * right.roll(1, dims=1)


class Looks:
    """For what a row is taken depends on what it looks like (Xia and others, 2020).

    Each class has directions, one towards any other, and a row is taken for those in whose
    directions it lies. How often it is, is drawn for each row and person around the person's rate.

    Args:
        data: whose rows are asked about; as a network reads them.
        seed: of the directions and the rates.
    """

    def __init__(self, data: Data, seed: int) -> None:
        self.inputs = data.train.inputs
        self.preprocess = data.preprocess().eval()  # which then crops and flips nothing
        self.classes = len(data.classes)
        self.seed = seed

    def chances(self, rows: Tensor, labels: Tensor, rate: float, person: int) -> Tensor:
        """Of each answer about rows of these true classes, (n, classes)."""
        wrong = torch.zeros(len(rows), self.classes, dtype=torch.float64)
        for label in labels.unique().tolist():
            places = labels == label
            wrong[places] = self._pulled(rows[places], label)
        rates = torch.tensor([self._rate(row, rate, person) for row in rows.tolist()]).double()
        right = torch.nn.functional.one_hot(labels, self.classes)
        return rates[:, None] * wrong + (1 - rates)[:, None] * right

    def _pulled(self, rows: Tensor, label: int) -> Tensor:
        """For what else rows of a class are taken when they are, (n, classes)."""
        inputs = self.preprocess(self.inputs[rows.to(self.inputs.device)]).cpu()
        features = inputs.flatten(1).double()
        stream = generator(self.seed, "noise directions", label)
        pull = features @ torch.randn(features.shape[1], self.classes, generator=stream).double()
        pull[:, label] = -torch.inf
        return pull.softmax(1)

    def _rate(self, row: int, rate: float, person: int) -> float:
        """Normal around the person's rate, and drawn again where it is none."""
        stream = generator(self.seed, "noise rate", row, person)
        drawn = -1.0
        while not 0 <= drawn <= 1:
            drawn = rate + SPREAD * float(torch.randn(1, generator=stream))
        return drawn
