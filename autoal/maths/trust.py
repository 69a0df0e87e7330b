"""How sure predictions may be, and how far the labels that they are held against may be trusted.

The class of a row is c with the probability softmax(z / temperature)_c, and a row of class c is
labelled y with the probability confusion[c, y]. So the loss of logits z held against labels y is

    L = -sum_i log sum_c softmax(z_i / temperature)_c confusion[c, y_i],

which is the log loss where no label is wrong. Rows that are held out tell both: a temperature
flattens all predictions, wrong labels only bound the loss of those that are far off.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import exp, log
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

USUAL = 0.4  # standard deviation of log temperature before anything is seen
HOTTEST = 10.0  # that logits may be, and its inverse the coldest
FEWEST, MOST = 1e-6, 0.9  # of the labels that are drawn: beyond, they tell nothing
GUESS = 0.1  # the share of drawn labels where nothing is known, to which those of classes shrink
STRENGTH = 5.0  # rows of each class that are as good as seen to be confused like that


class Belief(NamedTuple):
    """What labels say of logits and of themselves."""

    temperature: float
    confusion: Tensor  # how often a row of each class gets each label, (classes, classes)


class Judged(NamedTuple):
    """Labels held against logits under a belief."""

    loss: float  # in nats
    slopes: Tensor  # of the loss in the logits, (n, classes)
    trust: Tensor  # the probability of each label to be right, (n,)


class Doubt(ABC):
    """Which labels may be wrong: confusions by the numbers that are searched for.

    Args:
        classes: how many there are.
    """

    bounds: tuple[float | None, float | None] = (None, None)  # of each number

    def __init__(self, classes: int) -> None:
        self.usual = even(classes, torch.tensor(GUESS, dtype=torch.double))

    @abstractmethod
    def place(self, confusion: Tensor) -> Tensor:
        """The numbers of a confusion, (numbers,)."""

    @abstractmethod
    def confusion(self, place: Tensor) -> Tensor:
        """How often a row of each class gets each label, (classes, classes)."""

    def surprise(self, confusion: Tensor) -> Tensor:
        """Nats by which a confusion is unusual before anything is seen."""
        return confusion.new_zeros(())


class NoDoubt(Doubt):
    """No label is wrong."""

    def place(self, confusion: Tensor) -> Tensor:
        return confusion.new_zeros(0)

    def confusion(self, place: Tensor) -> Tensor:
        return torch.eye(len(self.usual), dtype=torch.double)


class EvenDoubt(Doubt):
    """A share of the labels is drawn from all classes at random."""

    bounds = (FEWEST, MOST)

    def place(self, confusion: Tensor) -> Tensor:
        return (1 - confusion.diagonal().mean(0, keepdim=True)) / (1 - 1 / len(confusion))

    def confusion(self, place: Tensor) -> Tensor:
        return even(len(self.usual), place)


class ClassDoubt(Doubt):
    """The rows of each class get wrong labels in a way of their own."""

    def place(self, confusion: Tensor) -> Tensor:
        return confusion.log().flatten()

    def confusion(self, place: Tensor) -> Tensor:
        return place.view(len(self.usual), -1).softmax(1)

    def surprise(self, confusion: Tensor) -> Tensor:
        return STRENGTH * (self.usual * (self.usual / confusion).log()).sum()


def even(classes: int, drawn: Tensor) -> Tensor:
    """The confusion where this share of the labels is drawn at random."""
    return (1 - drawn) * torch.eye(classes, dtype=torch.double) + drawn / classes


def trusting(classes: int) -> Belief:
    """That no label is wrong, and that logits are as sure as they say."""
    return Belief(1.0, torch.eye(classes, dtype=torch.double))


def judged(logits: Tensor, labels: Tensor, belief: Belief) -> Judged:
    """What labels say under a belief.

    Args:
        logits: of rows held out, (n, classes) double.
        labels: of these, (n,) long.
        belief: in which they are judged.
    """
    joint = _joint(logits / belief.temperature, labels, belief.confusion)
    classes = joint.softmax(1)
    slopes = ((logits / belief.temperature).softmax(1) - classes) / belief.temperature
    trust = classes.gather(1, labels[:, None])[:, 0]
    return Judged(-float(joint.logsumexp(1).sum()), slopes, trust)


def likeliest(
    logits: Tensor, labels: Tensor, doubting: type[Doubt], start: Belief | None = None
) -> tuple[Belief, float]:
    """The belief of the least loss, and the nats by which it is unusual in itself.

    Args:
        logits: of rows held out, (n, classes) double.
        labels: of these, (n,) long.
        doubting: which labels may be wrong.
        start: the likeliest belief nearby.
    """
    doubt = doubting(logits.shape[1])
    start = start or Belief(1.0, doubt.usual)

    def losses(place: Tensor) -> tuple[Tensor, Tensor]:
        """Of the labels, and of the belief itself."""
        confusion = doubt.confusion(place[1:])
        unusual = (place[0] / USUAL).square() / 2 + doubt.surprise(confusion)
        return -_joint(logits * (-place[0]).exp(), labels, confusion).logsumexp(1).sum(), unusual

    def function(place: np.ndarray) -> tuple[float, np.ndarray]:
        free = torch.from_numpy(place).requires_grad_()
        loss = torch.stack(losses(free)).sum()
        (gradient,) = torch.autograd.grad(loss, free)
        return loss.item(), gradient.numpy()

    begin = torch.tensor([log(start.temperature), *doubt.place(start.confusion)])
    bounds = [(-log(HOTTEST), log(HOTTEST)), *[doubt.bounds] * (len(begin) - 1)]
    with torch.enable_grad():
        found = minimize(
            function, begin.double().numpy(), jac=True, method="L-BFGS-B", bounds=bounds
        )
    place = torch.from_numpy(found.x)
    return Belief(exp(place[0]), doubt.confusion(place[1:])), float(losses(place)[1])


def _joint(cooled: Tensor, labels: Tensor, confusion: Tensor) -> Tensor:
    """The logarithm of each class and the label together, for each row, (n, classes)."""
    return cooled.log_softmax(1) + confusion.T.log()[labels]
