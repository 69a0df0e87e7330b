"""The surrogate of influence: a regression on embeddings, and the rows that judge it.

The surrogate is convex: logistic regression on embeddings of length 1. With long rows and a small
penalty, first order would fail for precisely the rows of largest influence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from autoal import Features, Known
from autoal.errors import UserError
from autoal.maths.geometry import in_one, unit
from autoal.maths.regressions import Regressions
from autoal.maths.slopes import influences, mean_gradient, with_intercept

BLOCK = 1024  # rows in double precision at a time
AFFORDABLE = 100_000_000  # labelled rows x width x classes, summed over unasked re-checks
TOLERANCE = 1e-8  # norm of the gradient at a surrogate's optimum
SLOPE = 1e-10  # relative residual of the optimum's response
CHECKS = 3  # most unasked re-checks for each row of the batch


@dataclass(frozen=True, eq=False)
class Check:
    """Rows that judge a regression."""

    rows: Tensor
    labels: Tensor
    share: float  # of all rows that judge

    def loss(self, theta: Tensor) -> float:
        """The mean loss on the rows, times their share."""
        return self.share * float(cross_entropy(self.rows @ theta.T, self.labels))

    def gradient(self, theta: Tensor) -> Tensor:
        """The gradient of that loss."""
        return self.share * mean_gradient(self.rows, self.labels, theta)


class Surrogate:
    """Logistic regression on the labelled rows, and its loss on the rows that judge it.

    Args:
        labelled: the rows to fit.
        taught: the classes it is taught for them, which need not be their labels.
        judges: rows that judge it, if they are able to.
        classes: how many there are.
        penalty: L of its training loss, sum_i l_i + L / 2 |theta|^2.
        parts: places of the labelled rows in folds, which judge by their labels if `judges` cannot.
    """

    def __init__(
        self,
        labelled: Known,
        taught: Tensor,
        judges: Known | None,
        classes: int,
        penalty: float,
        parts: Callable[[], list[Tensor]],
    ) -> None:
        rows, labels = _known(labelled)
        self.weight = 1 / len(rows)  # of a row: J is the sum over the rows times this
        self.regressions = Regressions(rows, taught.cpu(), classes, penalty / len(rows))
        whole = rows.new_full((1, len(rows)), self.weight)
        self.folded = judges is None or not can_judge(judges.labels)
        if judges is None or self.folded:
            places = parts()
            weights = torch.cat([whole, self._left_out(places)])
            thetas = _optima(self.regressions, weights)
            self.weights, self.thetas = weights[1:], thetas[1:]
            sizes = [len(part) / len(rows) for part in places]
            self.checks = [
                Check(rows[part], labels[part], size)
                for part, size in zip(places, sizes, strict=True)
            ]
        else:
            self.weights, thetas = whole, _optima(self.regressions, whole)
            self.thetas, self.checks = thetas, [Check(*_known(judges), share=1.0)]
        self.theta = thetas[0]
        gradient = sum(
            (check.gradient(theta) for check, theta in self._judged(self.thetas)),
            torch.zeros_like(self.theta),
        )
        found = self.regressions.solve(whole, thetas[:1], gradient[None], SLOPE)
        self.slope = self.weight * found[0]

    @cached_property
    def loss(self) -> float:
        """The loss on the rows that judge."""
        return self._loss(self.thetas)

    def influences(self, rows: Features) -> Tensor:
        """The predicted fall of the loss for each row and class, (n, classes), on the CPU."""

        def of(block: Tensor) -> Tensor:
            return influences(block, self.theta.to(block.device), self.slope.to(block.device))

        return in_blocks(rows.pieces(), len(rows), of)

    def fall(self, embeddings: Tensor, labels: Tensor) -> float:
        """By how much the loss actually falls when these rows are added together."""
        joined = self.regressions.joined(inputs(embeddings).cpu(), labels)
        added = self.weights.new_full((len(self.weights), len(labels)), self.weight)
        weights = torch.cat([self.weights, added], 1)
        return self.loss - self._loss(_optima(joined, weights, self.thetas))

    def affordable(self, budget: int) -> int:
        """How many rows to add for real without being asked to."""
        if self.folded:
            return 0
        return min(CHECKS * budget, AFFORDABLE // (self.weights.shape[1] * self.theta.numel()))

    def _left_out(self, parts: list[Tensor]) -> Tensor:
        """Weights that leave out each part in turn, which then judges what the others teach."""
        count = len(self.regressions.labels)
        weights = self.regressions.features.new_full((len(parts), count), self.weight)
        if count > 1:  # a single row leaves nothing to learn from
            for line, part in zip(weights, parts, strict=True):
                line[part] = 0.0
        return weights

    def _loss(self, thetas: Tensor) -> float:
        return sum(check.loss(theta) for check, theta in self._judged(thetas))

    def _judged(self, thetas: Tensor) -> Iterator[tuple[Check, Tensor]]:
        """The rows that judge, and the optima they judge."""
        return zip(self.checks, thetas, strict=True)


def _optima(regressions: Regressions, weights: Tensor, start: Tensor | None = None) -> Tensor:
    """The optima of a surrogate."""
    try:
        return regressions.minimise(weights, start, TOLERANCE)
    except RuntimeError as error:
        raise UserError(f"the surrogate: {error}; a larger strategy.penalty may help") from error


def in_blocks(embeddings: Iterable[Tensor], count: int, act: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply `act` to the surrogate's inputs block by block, to save memory; on the CPU.

    Args:
        embeddings: of `count` rows, in pieces.
        count: number of rows.
        act: makes a line from each row.
    """
    parts = chain.from_iterable(piece.split(BLOCK) for piece in embeddings)
    return in_one((act(inputs(part)).float().cpu() for part in parts), count)


def _known(known: Known) -> tuple[Tensor, Tensor]:
    """The surrogate's inputs for rows, and their labels; on the CPU."""
    return inputs(known.features.embeddings).cpu(), known.labels.cpu()


def can_judge(labels: Tensor) -> bool:
    """Whether these validation rows can judge: a single class would find harm in every other."""
    return len(labels.unique()) > 1


def inputs(embeddings: Tensor) -> Tensor:
    """The surrogate's inputs: embeddings of length 1 and an intercept, in double precision."""
    return with_intercept(unit(embeddings))
