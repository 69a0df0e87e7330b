"""Rows whose addition lowers the loss on validation rows, by their influence.

The influence of a row with a class is the first-order fall of the validation loss of a surrogate
when the row is added (`autoal.maths.slopes.influences` states the sign).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from autoal import Features, Known, QueryStrategy, Scored, View
from autoal.bounds import choice, number, whole
from autoal.errors import UserError
from autoal.maths.systems import conjugate_gradients
from autoal.query.strategy import Facts, Reads

from .surrogate import Surrogate, can_judge, in_blocks, inputs

TARGETS = ("labels", "predictions")
PREDICTING = (
    "embeddings",
    "probs",
    "labelled",
    "labels",
    "validation",
)  # if predicting


class Influence(QueryStrategy):
    """The common base of this file's strategies: the surrogate, fitted once for each view.

    Args:
        penalty: L of the surrogate's training loss, sum_i l_i + L / 2 |theta|^2.
        folds: without validation rows, the labelled ones are cross-validated in this many parts; 0
            insists on validation rows.
        targets: labels or predictions: what the surrogate learns for the labelled rows. With
            predictions it stands in for the model, as in the paper for a head trained on texts.
    """

    reads: Reads = ("embeddings", "labelled", "labels", "validation")

    def __init__(self, penalty: float = 1.0, folds: int = 0, targets: str = "labels") -> None:
        choice("targets", targets, TARGETS)
        number("penalty", penalty, above=0)
        whole("folds", folds, least=0)
        if folds == 1:
            raise ValueError("`folds` must be 0 or at least 2, got 1")
        self.penalty = penalty
        self.folds = folds
        self.targets = targets
        if targets == "predictions":
            self.reads = PREDICTING

    def check(self, facts: Facts) -> None:
        self._demand_judges(facts.validation)

    def _demand_judges(self, validation: Tensor | None) -> None:
        """Refuse to go on without validation rows that can judge, unless folds do."""
        if self.folds:
            return
        if validation is None:
            raise UserError(
                "influence is measured on validation rows, and there are none: give "
                "data.validation=N, or the option folds=5 (strategy.folds=5), which "
                "cross-validates the labelled rows"
            )
        if not can_judge(validation):
            raise UserError(
                f"all {len(validation)} validation rows are of one class, so that every other "
                "class seems to do harm: give a larger data.validation=, or strategy.folds=5"
            )

    def score(self, view: View, budget: int) -> Scored:
        if not len(view.labelled):  # nothing influences a surrogate without rows
            return Scored(torch.zeros(len(view.pool)))
        return self._scored(view, budget)

    @abstractmethod
    def _scored(self, view: View, budget: int) -> Scored:
        """Scores of the pool's rows, given that some rows are labelled."""

    def surrogate(self, view: View) -> Surrogate:
        """The surrogate fitted on the labelled rows; the same for the same view."""
        self._demand_judges(None if view.validation is None else view.validation.labels)
        labelled = view.labelled
        fitted = partial(Surrogate, labelled, self._taught(labelled), view.validation)
        parts = partial(_parts, view, self.folds)
        return view.once((self, "surrogate"), lambda: fitted(view.classes, self.penalty, parts))

    def _taught(self, labelled: Known) -> Tensor:
        """The classes that the surrogate is taught for the labelled rows."""
        if self.targets == "labels":
            return labelled.labels
        return labelled.features.probs.argmax(1).cpu()


class Salutary(Influence):
    """Largest fall of the validation loss, under the best class (Xiao and Liu, 2024).

    Every row is tried with every class. The best class is its salutary label, which
    `oracle=salutary` gives it without asking anybody, and that class's influence is its score. The
    best rows are actually added, one at a time, and the true fall replaces the predicted one,
    because the largest predictions are wrong most often.

    Args:
        penalty: L of the surrogate's training loss, sum_i l_i + L / 2 |theta|^2.
        folds: without validation rows, the labelled ones are cross-validated in this many parts; 0
            insists on validation rows.
        recheck: most rows that are actually added; null means three for each row of the batch if
            that is cheap, and none if it is not or if rows are cross-validated.
        targets: labels or predictions: what the surrogate learns for the labelled rows. With
            predictions it stands in for the model, as in the paper for a head trained on texts.
    """

    suggests = True

    def __init__(
        self,
        penalty: float = 1.0,
        folds: int = 0,
        recheck: int | None = None,
        targets: str = "labels",
    ) -> None:
        super().__init__(penalty, folds, targets)
        if recheck is not None:
            whole("recheck", recheck, least=0)
        self.recheck = recheck

    def _scored(self, view: View, budget: int) -> Scored:
        surrogate, pool = self.surrogate(view), view.pool
        benefits = surrogate.influences(pool)
        tried = self._tried(view, benefits)
        predicted = benefits.gather(1, tried[:, None]).flatten()
        limit = surrogate.affordable(budget) if self.recheck is None else self.recheck

        def fall(place: int) -> float:
            return surrogate.fall(pool.embedded(torch.tensor([place])), tried[[place]])

        scores, checked = rechecked(predicted, fall, budget, limit)
        best = _best_first(scores)[:budget]
        # The batch's predicted and actual effect on the surrogate's validation loss, with the
        # classes behind the scores, whoever labels the rows.
        notes = {
            "validation_loss": surrogate.loss,
            "predicted_fall": float(predicted[best].double().sum()),
            "realised_fall": surrogate.fall(pool.embedded(best), tried[best]),
            "rechecked": checked,
        }
        return Scored(scores, notes, tried)

    def _tried(self, view: View, benefits: Tensor) -> Tensor:
        """The class to try for each row of the pool, (pool,)."""
        return benefits.argmax(1)


class Isal(Salutary):
    """Largest fall of the validation loss if the model's prediction is right (Liu et al., 2021).

    Args:
        penalty: L of the surrogate's training loss, sum_i l_i + L / 2 |theta|^2.
        folds: without validation rows, the labelled ones are cross-validated in this many parts; 0
            insists on validation rows.
        recheck: most rows that are actually added; null means three for each row of the batch if
            that is cheap, and none if it is not or if rows are cross-validated.
        targets: labels or predictions: what the surrogate learns for the labelled rows. With
            predictions it stands in for the model, as in the paper for a head trained on texts.
    """

    reads = PREDICTING

    def _tried(self, view: View, benefits: Tensor) -> Tensor:
        return view.pool.probs.argmax(1).cpu()


class Ibds(Influence):
    """Largest influence, predicted by a regression on the labelled rows (Chhabra et al., 2024).

    No class is tried: in every round a ridge regression, in closed form, learns the influence of
    the labelled rows from their embeddings, and predicts the pool's. The published regressor is a
    tree.

    Args:
        penalty: L of the surrogate's training loss, sum_i l_i + L / 2 |theta|^2, and of the
            regression on the influences.
        folds: without validation rows, the labelled ones are cross-validated in this many parts; 0
            insists on validation rows.
        targets: labels or predictions: what the surrogate learns for the labelled rows. With
            predictions it stands in for the model, as in the paper for a head trained on texts.
    """

    def _scored(self, view: View, budget: int) -> Scored:
        labelled = view.labelled.features
        benefits = self.surrogate(view).influences(labelled)
        known = benefits.gather(1, view.labelled.labels[:, None]).flatten().double()
        middle = float(known.mean())
        line = self._line(inputs(labelled.embeddings).cpu(), known - middle)

        def foreseen(rows: Features, start: float) -> Tensor:
            def of(block: Tensor) -> Tensor:
                return block @ line.to(block.device) + start

            return in_blocks(rows.pieces(), len(rows), of)

        spread = float((known - middle).square().sum())
        left = float((known - middle - foreseen(labelled, 0.0)).square().sum())
        # How much of the labelled rows' influence the regression explains.
        notes = {"explained": 1 - left / spread if spread else 0.0}
        return Scored(foreseen(view.pool, middle), notes)

    def _line(self, rows: Tensor, known: Tensor) -> Tensor:
        """The coefficients of the regression of these numbers on the rows."""

        def times(line: Tensor) -> Tensor:
            return rows.T @ (rows @ line) + self.penalty * line

        return conjugate_gradients(times, rows.T @ known, 1e-10)


def rechecked(
    predicted: Tensor, fall: Callable[[int], float], budget: int, limit: int
) -> tuple[Tensor, int]:
    """The predictions, with the leading ones replaced by the true fall.

    Rows are actually added until the best `budget` rows all have been, or `limit` rows have.

    Args:
        predicted: falls, (n,).
        fall: the true fall for the row at a place.
        budget: how many rows will be chosen.
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
    """The places of the rows by their scores; ties go by the rows' numbers."""
    return scores.argsort(descending=True, stable=True)


def _parts(view: View, folds: int) -> list[Tensor]:
    """Places of the labelled rows, divided into random folds."""
    count = len(view.labelled)
    drawn = torch.randperm(count, generator=view.generator())
    return list(drawn.tensor_split(min(folds, count)))
