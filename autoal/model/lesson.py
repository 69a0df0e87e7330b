"""The rows that a regression learns from, whole and in held-out folds."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from autoal.maths.folds import stratified
from autoal.maths.ridge import Family, Head, Optimum, row_space
from autoal.model.neighbourhood import Neighbourhood

FOLDS = 5
FEW = 10  # with fewer rows, each is a fold of its own


class Weighted(NamedTuple):
    """Rows that a regression learns from."""

    features: Tensor  # (n, d) double
    targets: Tensor  # the probability of each class, (n, classes) double
    weights: Tensor  # (n,) double

    def loss(self, head: nn.Module) -> Tensor:
        """The sum of the weighted losses under a head, on its device."""
        place = next(head.parameters())
        features, targets, weights = (part.to(place) for part in self)
        return weights @ cross_entropy(head(features), targets, reduction="none")

    def take(self, mask: Tensor) -> Weighted:
        """Some of the rows."""
        return Weighted(*(part[mask] for part in self))


class Lesson:
    """Labelled rows, and pool rows that may join them, in the space they span.

    Args:
        features: of the labelled rows, (n, d) double.
        targets: their class probabilities, (n, classes) double.
        pool: where labels may spread; None: nowhere.
        intercept: whether classes have one.
    """

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
        # Far from the origin, what rows share would drown the directions in which they differ.
        self._centre = rows.mean(0) * intercept
        centred = rows - self._centre
        self._axes = row_space(centred)
        self._labelled, self._unlabelled = (centred @ self._axes).tensor_split([len(features)])
        self._targets = targets
        self.labels = targets.argmax(1)
        self.fold = _folds(self.labels)
        self.full_trust = features.new_ones(len(features))

    @property
    def judges(self) -> bool:
        """Whether any row can be held out."""
        return bool((self.fold >= 0).any())

    def unit(self) -> float:
        """The mean squared distance from the centre; 1 where all rows are the same."""
        return float((self._labelled - self._labelled.mean(0)).square().sum(1).mean()) or 1.0

    def folded(self, trust: Tensor, spread: float) -> Family:
        """The regressions, each of which holds out one fold."""
        kept = self.fold[:, None] != torch.arange(int(self.fold.max()) + 1)
        return self._family(kept * trust[:, None], spread)

    def unfolded(self, trust: Tensor, spread: float) -> Family:
        """The regression on all rows."""
        return self._family(trust[:, None], spread)

    def optimum(
        self, l2: float, trust: Tensor, spread: float, start: Optimum | None = None
    ) -> tuple[Head, Weighted]:
        """The optimum for all rows, and these rows, in the space of the features."""
        family = self.unfolded(trust, spread)
        inside = family.optimum(l2, start, tolerance=1e-6).head
        features, targets, weights = family.rows(0)
        taught = Weighted(features @ self._axes.T + self._centre, targets, weights)
        weight = inside.weight @ self._axes.T
        return Head(weight, inside.bias - weight @ self._centre), taught

    def _family(self, weights: Tensor, spread: float) -> Family:
        """Regressions on labelled rows with weights (n, members), and on rows that join them."""
        targets = self._targets[:, None].expand(-1, weights.shape[1], -1)
        features = self._labelled
        if spread:
            joining = [self._joining(own, spread) for own in weights.T]
            more_targets, more_weights = map(torch.stack, zip(*joining, strict=True))
            targets = torch.cat([targets, more_targets.transpose(0, 1)])
            weights = torch.cat([weights, more_weights.T])
            features = torch.cat([features, self._unlabelled])
        return Family(features, targets, weights, intercept=self._intercept)

    def _joining(self, weights: Tensor, spread: float) -> tuple[Tensor, Tensor]:
        """The targets and weights of the rows that join labelled rows of these weights.

        Rows that no label reaches do not count.
        """
        assert self._pool is not None
        known = weights > 0
        told = weights[known, None] * self._targets[known]
        targets = self._pool.spread(self._places[known], told, self._others)
        reached = targets.sum(1)
        each = spread * float(told.sum()) / max(1.0, float(reached.sum()))
        return targets, each * reached


def _folds(labels: Tensor) -> Tensor:
    """The fold of each row, (n,); -1 for the only row of its class, which is never held out."""
    counts = labels.bincount()
    some = (counts[labels] > 1).nonzero().flatten()
    fold = torch.full_like(labels, -1)
    if (counts > 0).sum() > 1 and len(some):
        fold[some] = stratified(labels[some], FOLDS if len(labels) >= FEW else len(labels))
    return fold
