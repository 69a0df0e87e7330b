"""Rows that lower the loss on validation rows when they are added, by their influence.

The influence of a row with a class is the first-order fall of the validation loss of a surrogate
when the row is added (`autoal.maths.regression.influences` states the sign). The surrogate is
convex: logistic regression on embeddings of length 1, since the largest influences belong to just
those rows for which first order fails where rows are long and the penalty is small.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from autoal import Known, QueryStrategy, Scored, View
from autoal.bounds import number, whole
from autoal.errors import UserError
from autoal.maths.geometry import unit
from autoal.maths.regression import (
    conjugate_gradients,
    influences,
    mean_gradient,
    with_intercept,
)
from autoal.maths.regressions import Regressions
from autoal.query.strategy import Facts, Reads

BLOCK = 1024  # rows in double precision at a time
AFFORDABLE = 100_000_000  # labelled rows x width x classes, summed over unasked re-checks
TOLERANCE = 1e-8  # of the gradient's norm at a surrogate's optimum
SLOPE = 1e-10  # relative residual of the way that the optimum moves
CHECKS = 3  # unasked re-checks for each row of the batch, at most


class Influence(QueryStrategy):
    """What the strategies of this file share: the surrogate, fitted once for each view.

    Args:
        penalty: L of the surrogate's training loss, sum_i l_i + L / 2 |theta|^2.
        folds: where there are no validation rows, the labelled ones are cross-validated in so many
            parts; 0 refuses to do without validation rows.
    """

    reads: Reads = ("embeddings", "labelled", "labels", "validation")

    def __init__(self, penalty: float = 1.0, folds: int = 0) -> None:
        number("penalty", penalty, above=0)
        whole("folds", folds, least=0)
        if folds == 1:
            raise ValueError("`folds` must be 0 or at least 2, got 1")
        self.penalty = penalty
        self.folds = folds

    def check(self, facts: Facts) -> None:
        self._demand_judges(facts.validation)

    def _demand_judges(self, validation: Tensor | None) -> None:
        """Refuse to go without validation rows that can judge, unless folds do."""
        if self.folds:
            return
        if validation is None:
            raise UserError(
                "influence is measured on validation rows, and there are none: give "
                "data.validation=N, or the option folds=5 (strategy.folds=5), which "
                "cross-validates the labelled rows"
            )
        if not _can_judge(validation):
            raise UserError(
                f"all {len(validation)} validation rows are of one class, so that every other "
                "class seems to do harm: give a larger data.validation=, or strategy.folds=5"
            )

    def score(self, view: View, budget: int) -> Scored:
        if not len(view.labelled):  # nothing has an influence on a surrogate of nothing
            return Scored(torch.zeros(len(view.pool)))
        return self._scored(view, budget)

    @abstractmethod
    def _scored(self, view: View, budget: int) -> Scored:
        """Of the rows of the pool, where there are labelled ones."""

    def surrogate(self, view: View) -> Surrogate:
        """Fitted on the labelled rows; the same for the same view."""
        self._demand_judges(None if view.validation is None else view.validation.labels)
        fitted = partial(Surrogate, view.labelled, view.validation)
        parts = partial(_parts, view, self.folds)
        return view.once((self, "surrogate"), lambda: fitted(view.classes, self.penalty, parts))


class Salutary(Influence):
    """Largest fall of the validation loss, under the best class (Xiao and Liu, 2024).

    Every row is tried with every class. The best class is its salutary label, which
    `oracle=salutary` gives it without asking anybody, and that class's influence its score. The
    best rows are added for real, one at a time, and the true fall takes the place of the predicted
    one: the largest predictions are those that are wrong most often.

    Args:
        penalty: L of the surrogate's training loss, sum_i l_i + L / 2 |theta|^2.
        folds: where there are no validation rows, the labelled ones are cross-validated in so many
            parts; 0 refuses to do without validation rows.
        recheck: rows that are added for real, at most; null is three for each of the batch where
            that is cheap, and none where it is not or where rows are cross-validated.
    """

    suggests = True

    def __init__(self, penalty: float = 1.0, folds: int = 0, recheck: int | None = None) -> None:
        super().__init__(penalty, folds)
        if recheck is not None:
            whole("recheck", recheck, least=0)
        self.recheck = recheck

    def _scored(self, view: View, budget: int) -> Scored:
        surrogate, embeddings = self.surrogate(view), view.pool.embeddings
        benefits = surrogate.influences(embeddings)
        tried = self._tried(view, benefits)
        predicted = benefits.gather(1, tried[:, None]).flatten()
        limit = surrogate.affordable(budget) if self.recheck is None else self.recheck

        def fall(place: int) -> float:
            return surrogate.fall(embeddings[[place]], tried[[place]])

        scores, checked = rechecked(predicted, fall, budget, limit)
        best = _best_first(scores)[:budget]
        # What the batch is predicted to do to the surrogate's validation loss, and what it does,
        # with the classes that the scores stand for, whoever labels the rows.
        notes = {
            "validation_loss": surrogate.loss,
            "predicted_fall": float(predicted[best].double().sum()),
            "realised_fall": surrogate.fall(_take(embeddings, best), tried[best]),
            "rechecked": checked,
        }
        return Scored(scores, notes, tried)

    def _tried(self, view: View, benefits: Tensor) -> Tensor:
        """The class that each row of the pool is tried with, (pool,)."""
        return benefits.argmax(1)


class Isal(Salutary):
    """Largest fall of the validation loss if the model's prediction is right (Liu et al., 2021).

    Args:
        penalty: L of the surrogate's training loss, sum_i l_i + L / 2 |theta|^2.
        folds: where there are no validation rows, the labelled ones are cross-validated in so many
            parts; 0 refuses to do without validation rows.
        recheck: rows that are added for real, at most; null is three for each of the batch where
            that is cheap, and none where it is not or where rows are cross-validated.
    """

    reads = ("embeddings", "probs", "labelled", "labels", "validation")

    def _tried(self, view: View, benefits: Tensor) -> Tensor:
        return view.pool.probs.argmax(1).cpu()


class Ibds(Influence):
    """Largest influence, as a regression on the labelled rows foresees it (Chhabra et al., 2024).

    No class is tried: ridge regression, in closed form and anew in every round, learns from the
    embeddings of the labelled rows what influence they have with their labels, and predicts the
    pool's. The published regressor is a tree.

    Args:
        penalty: L of the surrogate's training loss, sum_i l_i + L / 2 |theta|^2, and of the
            regression on the influences.
        folds: where there are no validation rows, the labelled ones are cross-validated in so many
            parts; 0 refuses to do without validation rows.
    """

    def _scored(self, view: View, budget: int) -> Scored:
        labelled = view.labelled.features.embeddings
        benefits = self.surrogate(view).influences(labelled)
        known = benefits.gather(1, view.labelled.labels[:, None]).flatten().double()
        middle = float(known.mean())
        line = self._line(_inputs(labelled).cpu(), known - middle)

        def foreseen(embeddings: Tensor, start: float) -> Tensor:
            return in_blocks(embeddings, lambda rows: rows @ line.to(rows.device) + start)

        spread = float((known - middle).square().sum())
        left = float((known - middle - foreseen(labelled, 0.0)).square().sum())
        # How much of the labelled rows' influences the regression explains.
        notes = {"explained": 1 - left / spread if spread else 0.0}
        return Scored(foreseen(view.pool.embeddings, middle), notes)

    def _line(self, rows: Tensor, known: Tensor) -> Tensor:
        """The coefficients of the regression of these numbers on the rows."""

        def times(line: Tensor) -> Tensor:
            return rows.T @ (rows @ line) + self.penalty * line

        return conjugate_gradients(times, rows.T @ known, 1e-10)


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
        """Of the same."""
        return self.share * mean_gradient(self.rows, self.labels, theta)


class Surrogate:
    """Logistic regression on the labelled rows, and its loss on the rows that judge it.

    Args:
        labelled: it is fitted on them.
        judges: rows that judge it, if they can.
        classes: how many there are.
        penalty: see `Influence`.
        parts: places of the labelled rows in folds, which judge where the others cannot.
    """

    def __init__(
        self,
        labelled: Known,
        judges: Known | None,
        classes: int,
        penalty: float,
        parts: Callable[[], list[Tensor]],
    ) -> None:
        rows, labels = _known(labelled)
        self.weight = 1 / len(rows)  # of a row, so that J is the sum over the rows times this
        self.regressions = Regressions(rows, labels, classes, penalty / len(rows))
        whole = rows.new_full((1, len(rows)), self.weight)
        self.folded = judges is None or not _can_judge(judges.labels)
        if judges is None or self.folded:
            places = parts()
            weights = torch.cat([whole, self._left_out(places)])
            thetas = minimised(self.regressions, weights)
            self.weights, self.thetas = weights[1:], thetas[1:]
            sizes = [len(part) / len(rows) for part in places]
            self.checks = [
                Check(rows[part], labels[part], size)
                for part, size in zip(places, sizes, strict=True)
            ]
        else:
            self.weights, thetas = whole, minimised(self.regressions, whole)
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
        """On the rows that judge."""
        return self._loss(self.thetas)

    def influences(self, embeddings: Tensor) -> Tensor:
        """The predicted fall of the loss for each row and class, (n, classes), on the CPU."""
        device = embeddings.device
        theta, slope = self.theta.to(device), self.slope.to(device)
        return in_blocks(embeddings, lambda rows: influences(rows, theta, slope))

    def fall(self, embeddings: Tensor, labels: Tensor) -> float:
        """By how much the loss really falls when these rows are added together."""
        joined = self.regressions.joined(_inputs(embeddings).cpu(), labels)
        added = self.weights.new_full((len(self.weights), len(labels)), self.weight)
        weights = torch.cat([self.weights, added], 1)
        return self.loss - self._loss(minimised(joined, weights, self.thetas))

    def affordable(self, budget: int) -> int:
        """How many rows may be added for real without being asked to."""
        if self.folded:
            return 0
        return min(CHECKS * budget, AFFORDABLE // (self.weights.shape[1] * self.theta.numel()))

    def _left_out(self, parts: list[Tensor]) -> Tensor:
        """Weights without each of the parts, which judges what the others teach."""
        count = len(self.regressions.labels)
        weights = self.regressions.features.new_full((len(parts), count), self.weight)
        if count > 1:  # a single row has nobody else to learn from
            for line, part in zip(weights, parts, strict=True):
                line[part] = 0.0
        return weights

    def _loss(self, thetas: Tensor) -> float:
        return sum(check.loss(theta) for check, theta in self._judged(thetas))

    def _judged(self, thetas: Tensor) -> Iterator[tuple[Check, Tensor]]:
        """The rows that judge, and what they judge."""
        return zip(self.checks, thetas, strict=True)


def minimised(regressions: Regressions, weights: Tensor, start: Tensor | None = None) -> Tensor:
    """The optima of a surrogate."""
    try:
        return regressions.minimise(weights, start, TOLERANCE)
    except RuntimeError as error:
        raise UserError(f"the surrogate: {error}; a larger strategy.penalty may help") from error


def in_blocks(embeddings: Tensor, act: Callable[[Tensor], Tensor]) -> Tensor:
    """What `act` makes of the surrogate's inputs, without all of them in memory; on the CPU."""
    first, *others = embeddings.split(BLOCK)
    start = act(_inputs(first)).float().cpu()
    # In place, since results that are kept between large blocks would leave holes in the memory.
    found = start.new_empty(len(embeddings), *start.shape[1:])
    found[: len(first)] = start
    for place, part in enumerate(others, 1):
        found[place * BLOCK :][: len(part)] = act(_inputs(part)).float().cpu()
    return found


def rechecked(
    predicted: Tensor, fall: Callable[[int], float], budget: int, limit: int
) -> tuple[Tensor, int]:
    """The predictions, where the true fall takes the place of those that lead.

    Rows are added for real until the best `budget` have all been, or `limit` have.

    Args:
        predicted: falls, (n,).
        fall: the true one for the row at a place.
        budget: rows that will be chosen.
        limit: how many rows may be checked.

    Returns:
        The scores, (n,), and how many rows were checked.
    """
    scores = predicted.clone()
    checked: set[int] = set()
    while len(checked) < limit:
        leading = _best_first(scores)[:budget].tolist()
        fresh = [place for place in leading if place not in checked][: limit - len(checked)]
        if not fresh:
            break
        for place in fresh:
            scores[place] = fall(place)
        checked.update(fresh)
    return scores, len(checked)


def _best_first(scores: Tensor) -> Tensor:
    """The places of the rows by their scores; where they are equal, by the rows' numbers."""
    return scores.argsort(descending=True, stable=True)


def _parts(view: View, folds: int) -> list[Tensor]:
    """Places of the labelled rows, drawn into folds."""
    count = len(view.labelled)
    drawn = torch.randperm(count, generator=view.generator())
    return list(drawn.tensor_split(min(folds, count)))


def _known(known: Known) -> tuple[Tensor, Tensor]:
    """The surrogate's inputs of rows, and their labels; on the CPU."""
    return _inputs(known.features.embeddings).cpu(), known.labels.cpu()


def _can_judge(labels: Tensor) -> bool:
    """Whether these validation rows can: those of one class would find harm in every other."""
    return len(labels.unique()) > 1


def _inputs(embeddings: Tensor) -> Tensor:
    """What the surrogate reads: embeddings of length 1 and an intercept, in double precision."""
    return with_intercept(unit(embeddings))


def _take(rows: Tensor, places: Tensor) -> Tensor:
    return rows[places.to(rows.device)]
