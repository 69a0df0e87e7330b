"""Questions that offer some classes of a row: is it one of these, and which, or none?

An answer that names a class is a label. One that names none rules out those on offer; the row stays
in the pool, and its next question offers others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log
from typing import Any

import torch
from torch import Tensor

from autoal import bounds
from autoal.data.contract import Data
from autoal.data.rows import UNKNOWN
from autoal.errors import UserError
from autoal.model.learner import Learner
from autoal.oracles.asks import Asks
from autoal.oracles.partial import possible, without
from autoal.oracles.question import Answers, Oracle, Question, answered
from autoal.query.strategy import QueryStrategy
from autoal.query.view import View


class TopK(Asks):
    """Offers the k likeliest classes that a row may still have, or "other".

    As long as a class has no label, rows are asked about in full: no model predicts a class it has
    never seen, so the class would not be offered and never be found. In a simulation the answering
    person has one class in mind, perhaps a wrong one, and compares it with those on offer.

    Args:
        oracle: the one that answers.
        k: classes on offer; at most one fewer than are left, so that "other" always tells
            something.
        price: of an answer, as a share of a label's. None means log(k + 2) / log(classes + 1): the
            time to choose one of n grows as log(n + 1) (Hick, 1952).
        learner: must be able to learn from ruled-out classes; otherwise refused.
        strategy: the one that chooses the rows; refused if it sees true outcomes.
        data: the data set with the classes.
    """

    name = "top_k"
    able = "offered some of the classes"

    def __init__(
        self,
        oracle: Oracle,
        k: int = 3,
        price: float | None = None,
        learner: Learner | None = None,
        strategy: QueryStrategy | None = None,
        data: Data | None = None,
    ) -> None:
        bounds.whole("k", k, least=1, most=9)  # with a key each, on the page
        bounds.number("price", 1.0 if price is None else price, least=0)
        super().__init__(oracle, learner, strategy)
        self.k = k
        self.price = price
        if data is not None and k + 1 >= len(data.classes):
            raise UserError(
                f"questions={self.name}: {k} of {len(data.classes)} classes, or none of these, is "
                "the whole question: leave it out, or offer less"
            )

    def __call__(self, question: Question) -> Answers:
        classes, view = len(question.classes), question.view
        if view is None or len(view.labelled.labels.unique()) < classes:
            return answered(self.oracle, question)
        offer = Offer.of(question, view, self.k)
        answers = answered(self.oracle, replace(question, choices=offer.choices))
        price = log(self.k + 2) / log(classes + 1) if self.price is None else self.price
        notes = {self.name: {"gain": offer.gain, "full_gain": offer.full_gain, "price": price}}
        return replace(offer.taken(answers, price), notes={**answers.notes, **notes})


class YesNo(TopK):
    """Asks whether a row is of the likeliest class that it may still have.

    Args:
        oracle: the one that answers.
        price: of an answer, as a share of a label's.
        learner: must be able to learn from ruled-out classes; otherwise refused.
        strategy: the one that chooses the rows; refused if it sees true outcomes.
        data: the data set with the classes.
    """

    name = "yes_no"

    def __init__(
        self,
        oracle: Oracle,
        price: float = 1 / 3,
        learner: Learner | None = None,
        strategy: QueryStrategy | None = None,
        data: Data | None = None,
    ) -> None:
        super().__init__(oracle, 1, price, learner, strategy, data)


@dataclass(frozen=True, eq=False)
class Offer:
    """The classes on offer for the rows of a question."""

    rows: Tensor  # (n,) in question
    left: Tensor  # (n, classes) bool: the classes each may still have
    probs: Tensor  # (n, classes), over those only
    choices: Tensor  # (n, k) classes on offer, likeliest first, padded with UNKNOWN

    @classmethod
    def of(cls, question: Question, view: View, k: int) -> Offer:
        """Offer the likeliest classes by the current model."""
        left = possible(question)
        places = view.pool.places(question.rows)
        probs = view.pool.probs[places.to(view.pool.probs.device)].cpu().double() * left
        order = probs.where(left, -1.0).argsort(dim=1, descending=True, stable=True)[:, :k]
        few = torch.arange(order.shape[1]) < left.sum(1, keepdim=True) - 1
        probs = probs / probs.sum(1, keepdim=True).clamp(min=torch.finfo(probs.dtype).tiny)
        return cls(question.rows, left, probs, order.where(few, UNKNOWN))

    @property
    def offered(self) -> Tensor:
        """True for the classes that are on offer, (n, classes)."""
        classes = torch.arange(self.left.shape[1])
        return (self.choices[..., None] == classes).any(1)

    @property
    def gain(self) -> float:
        """The bits that an answer tells on average, if the model is right about the classes."""
        other = (self.probs * ~self.offered).sum(1, keepdim=True)
        return _bits(torch.cat([self.probs * self.offered, other], 1))

    @property
    def full_gain(self) -> float:
        """The bits that a label would tell."""
        return _bits(self.probs)

    def taken(self, answers: Answers, price: float) -> Answers:
        """The answers; those that name no class on offer rule these out.

        If one class is left, it is the label.
        """
        places = (self.rows[:, None] == answers.rows).long().argmax(0)
        rest = (self.left & ~self.offered)[places]
        named = self.offered[places, answers.labels]
        labelled = named | (rest.sum(1) == 1)
        labels = answers.labels.where(named, rest.long().argmax(1))
        costs = answers.costs.double() * price
        out = {
            row: tuple(label for label in self.choices[place].tolist() if label != UNKNOWN)
            for row, place in _pairs(answers.rows[~labelled], places[~labelled])
        }
        paid = {row: price * answers.paid.get(row, 1.0) for row in answers.ruled_out}
        return replace(
            replace(answers, labels=labels, cost=costs).take(labelled),
            ruled_out={**answers.ruled_out, **out},
            paid=paid | dict(_pairs(answers.rows[~labelled], costs[~labelled])),
            beliefs=without(answers.beliefs, {*answers.rows[~named].tolist()}),
        )


def _bits(probs: Tensor) -> float:
    """The mean entropy of rows of probabilities; 0 without rows."""
    entropies = torch.special.entr(probs).sum(1) / log(2)
    return float(entropies.mean()) if len(entropies) else 0.0


def _pairs(rows: Tensor, values: Tensor) -> list[tuple[Any, Any]]:
    return [*zip(rows.tolist(), values.tolist(), strict=True)]
