"""A regression whose penalty, and whether labels spread, are chosen by cross-validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from autoal.maths.folds import stratified
from autoal.maths.ridge import ROUGH, Head, optima, row_space
from autoal.model.neighbourhood import Neighbourhood

# Penalties in mean squared distances of the rows from their centre, so that no scale matters.
CANDIDATES = tuple(4.0**power for power in range(1, -6, -1))
UNTRIED = 4.0**-3  # where nothing can be held out
WEIGHTS = (0.0, 4.0)  # of all rows that join together, for each labelled row
FOLDS = 5
FEW = 10  # rows below which each is a fold of its own


class Weighted(NamedTuple):
    """Rows that a regression learns from."""

    features: Tensor  # (n, d) double
    targets: Tensor  # the probability of each class, (n, classes) double
    weights: Tensor  # (n,) double

    def joined(self, more: Weighted) -> Weighted:
        """These rows and, after them, others."""
        return Weighted(*(torch.cat(both) for both in zip(self, more, strict=True)))

    def loss(self, head: nn.Module) -> Tensor:
        """The sum of the weighted losses under a head, on its machine."""
        place = next(head.parameters())
        features, targets, weights = (part.to(place) for part in self)
        return weights @ cross_entropy(head(features), targets, reduction="none")


class Tuned(NamedTuple):
    """What was chosen, and what it led to."""

    l2: float
    weight: float  # of all rows that joined, for each labelled row
    head: Head  # the optimum
    joined: Weighted | None  # the rows of the pool that it learnt from


def tuned(
    features: Tensor,
    targets: Tensor,
    l2: float | None,
    pool: Neighbourhood | None,
    *,
    intercept: bool,
) -> Tuned:
    """The regression of the least log loss on rows that are held out; nothing in it is drawn.

    Where none can be, as only one class is there yet or every class has a single row, the penalty
    is a middling one, and no label spreads.

    Args:
        features: of the labelled rows, (n, d) double.
        targets: their classes, one hot, (n, classes) double.
        l2: the penalty; None: it is chosen.
        pool: where labels may spread; None: nowhere.
        intercept: whether classes have one.
    """
    lesson = Lesson(features, targets, pool, intercept)
    unit = lesson.unit()
    penalties = [unit * candidate for candidate in CANDIDATES] if l2 is None else [l2]
    untried = 0.0, unit * UNTRIED if l2 is None else l2
    weight, chosen = lesson.best(penalties, WEIGHTS if pool else WEIGHTS[:1]) or untried
    head, joined = lesson.solved(chosen, weight)
    return Tuned(chosen, weight, head, joined)


class Lesson:
    """Labelled rows, and those of the pool that may join them, in the space of them all."""

    def __init__(
        self, features: Tensor, targets: Tensor, pool: Neighbourhood | None, intercept: bool
    ) -> None:
        self._pool = pool
        self._intercept = intercept
        rows = features
        if pool is not None:
            self._places = pool.places(features)
            self._others = pool.others(self._places)
            rows = torch.cat([rows, pool.features(self._others)])
        self._axes = row_space(rows)
        inside, self._unlabelled = (rows @ self._axes).tensor_split([len(features)])
        self._labelled = Weighted(inside, targets, inside.new_ones(len(inside)))

    def unit(self) -> float:
        """The mean squared distance from the centre; 1 where all rows are the same."""
        return float(self._labelled.features.var(0, correction=0).sum()) or 1.0

    def best(
        self, penalties: Sequence[float], weights: Sequence[float]
    ) -> tuple[float, float] | None:
        """The weight and the penalty of the least log loss; None if no row can be held out."""
        losses = dict.fromkeys(product(weights, penalties), 0.0)
        folds = list(self.folds())
        for (kept, held_out), weight in product(folds, weights):
            heads = self._optima(self._taught(kept, weight), penalties, ROUGH)
            for l2, head in zip(penalties, heads, strict=True):
                losses[weight, l2] += self._loss(head, held_out)
        return min(losses, key=losses.__getitem__) if folds else None

    def folds(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The rows that are kept and those held out, which never are the only ones of a class."""
        labels = self._labelled.targets.argmax(1)
        counts = labels.bincount()
        some = (counts[labels] > 1).nonzero().flatten()
        if (counts > 0).sum() < 2 or not len(some):
            return
        fold = torch.full_like(labels, -1)
        fold[some] = stratified(labels[some], FOLDS if len(labels) >= FEW else len(labels))
        for number in range(int(fold.max()) + 1):
            yield (fold != number).nonzero().flatten(), (fold == number).nonzero().flatten()

    def solved(self, l2: float, weight: float) -> tuple[Head, Weighted | None]:
        """The optimum, and the rows that joined for it, in the space of the features."""
        every = torch.arange(len(self._labelled.features))
        (inside,) = self._optima(self._taught(every, weight), [l2])
        head = Head(inside.weight @ self._axes.T, inside.bias)
        if not weight:
            return head, None
        joined = self._joining(every, weight)
        return head, joined._replace(features=joined.features @ self._axes.T)

    def _loss(self, head: Head, rows: Tensor) -> float:
        """The sum of the log losses of labelled rows."""
        logits = head.logits(self._labelled.features[rows])
        return float(cross_entropy(logits, self._labelled.targets[rows], reduction="sum"))

    def _taught(self, kept: Tensor, weight: float) -> Weighted:
        """What is learnt from when these rows are labelled."""
        own = Weighted(*(part[kept] for part in self._labelled))
        return own.joined(self._joining(kept, weight)) if weight else own

    def _joining(self, kept: Tensor, weight: float) -> Weighted:
        """The rows that join when these are labelled; what no label reaches counts nothing."""
        assert self._pool is not None
        known = self._labelled.targets[kept]
        targets = self._pool.spread(self._places[kept], known, self._others)
        reached = targets.sum(1)
        each = weight * len(known) / max(1.0, float(reached.sum()))
        return Weighted(self._unlabelled, targets, each * reached)

    def _optima(
        self, rows: Weighted, penalties: Sequence[float], tolerance: float = 1e-6
    ) -> Iterator[Head]:
        return optima(*rows, penalties, intercept=self._intercept, tolerance=tolerance)
