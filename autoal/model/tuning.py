"""A regression tuned by its predictions for labelled rows that it has not seen.

Its penalty, the temperature of its logits and the share of wrong labels are the variables of an
upper problem: the loss of held-out rows, each under the regression of the other folds. The penalty
moves their optima, and the implicit function theorem says how; the other two act only on the
logits, and are the likeliest at every penalty.
"""

from __future__ import annotations

from math import exp, log
from typing import NamedTuple

import torch
from torch import Tensor

from autoal.maths.crossing import look_for_crossing
from autoal.maths.ridge import Head, Optimum
from autoal.maths.trust import Belief, Judged, judged, likeliest
from autoal.model.lesson import Lesson, Weighted

# Penalties in mean squared distances of the rows from their centre, so that no scale matters.
UNTRIED = 4.0**-3  # where the search begins, and ends if nothing can be held out
LEAST, MOST = 4.0**-6, 4.0**2
SPREADS = (0.0, 4.0)  # total weight of the rows that join, per labelled row
FAR = 0.1  # tolerance of mere starting points
ROUGH = 1e-2  # tolerance of intermediate optima: its effect on the loss is not measurable
FLAT = 0.1  # nats for a penalty e times as large, which rows cannot distinguish from none
RISE = 0.005  # nats per row by which the slope rises meanwhile, as a rule of thumb
EVIDENCE = 1.0  # nats that must speak for wrong labels, on top of those for their rarity


class Choice(NamedTuple):
    """The numbers to choose."""

    l2: float
    belief: Belief = Belief()
    spread: float = 0.0  # total weight of the rows that joined, per labelled row


class Tuned(NamedTuple):
    """A choice and its outcome."""

    choice: Choice
    wrong: float  # estimated share of wrong labels
    head: Head  # the optimum
    taught: Weighted  # the rows it belongs to


class Trial(NamedTuple):
    """Findings on held-out rows."""

    choice: Choice
    loss: float  # in nats
    trust: Tensor  # the probability that each label is right, (n,)


def tuned(lesson: Lesson, l2: float, *, tune: bool, spread: bool) -> Tuned:
    """The regression of least loss on held-out rows.

    If none can be held out, because there is only one class or every class has a single row, it
    uses the given penalty, and no label spreads.

    Args:
        lesson: the rows to learn from.
        l2: the penalty, or where the search for it begins.
        tune: choose the penalty, the temperature and the labels to trust.
        spread: choose whether labels spread over the pool.
    """
    if not lesson.judges:
        return _solved(lesson, Choice(l2), lesson.full_trust, None)
    searches = [Search(lesson, weight) for weight in (SPREADS if spread else SPREADS[:1])]
    trials = [search.found(l2) if tune else search.tried(l2, Belief()) for search in searches]
    best, search = min(zip(trials, searches, strict=True), key=lambda pair: pair[0].loss)
    if tune:
        best = _doubted(lesson, search, best)
    return _solved(lesson, best.choice, best.trust, search.optimum)


def granted(lesson: Lesson, choice: Choice) -> Tuned:
    """The regression of a choice, trusting each label as far as the choice says."""
    if not lesson.judges:
        return _solved(lesson, choice, lesson.full_trust, None)
    search = Search(lesson, choice.spread)
    trial = search.tried(choice.l2, choice.belief)
    return _solved(lesson, choice, trial.trust, search.optimum)


def _solved(lesson: Lesson, choice: Choice, trust: Tensor, near: Optimum | None) -> Tuned:
    wrong = 1 - float(trust.mean())
    return Tuned(choice, wrong, *lesson.optimum(choice.l2, trust, choice.spread, near))


def _doubted(lesson: Lesson, search: Search, certain: Trial) -> Trial:
    """The trial, or one in which each row counts as much as its label can be trusted.

    Wrong labels must explain the held-out rows better than none do, by more nats the rarer they
    are, since every set has a few odd rows.
    """
    l2, spread = certain.choice.l2, certain.choice.spread
    trial = search.likeliest(l2, doubting=True)
    wrong = 1 - float(trial.trust.mean())
    if not wrong or certain.loss - trial.loss < EVIDENCE - log(wrong):
        return certain
    again = Search(lesson, spread, trial.trust, search.optimum).found(l2, doubting=True)
    return again._replace(trust=trial.trust)


class Search:
    """The upper problem: the choice of least loss on the held-out rows.

    Args:
        lesson: the rows, parts of which are held out.
        spread: total weight of the rows that join, per labelled row.
        trust: in each label, (n,), which weights its row; None: full trust.
        start: nearby optima of such a lesson.
        tolerance: of the optima, and of their response.
    """

    def __init__(
        self,
        lesson: Lesson,
        spread: float = 0.0,
        trust: Tensor | None = None,
        start: Optimum | None = None,
        tolerance: float = ROUGH,
    ) -> None:
        self._lesson = lesson
        self._spread = spread
        self._trust = lesson.full_trust if trust is None else trust
        self._family = lesson.folded(self._trust, spread)
        self._tolerance = tolerance
        self._rows = (lesson.fold >= 0).nonzero().flatten()
        self._labels = lesson.labels[self._rows]
        # The next solutions start here, since a step moves them little.
        self.optimum = start
        self._response: Tensor | None = None

    def found(self, l2: float, *, doubting: bool = False) -> Trial:
        """The best trial, starting from this penalty."""
        unit = self._lesson.unit()
        limits = log(LEAST * unit), log(MOST * unit)
        start = min(max(log(l2), limits[0]), limits[1])
        trials: list[Trial] = []

        def slope(place: float) -> float:
            near = trials[-1].choice.belief if trials else None
            trials.append(self.likeliest(exp(place), near, doubting=doubting))
            return self.slope(trials[-1])

        look_for_crossing(slope, start, limits, near=FLAT, rise=RISE * len(self._rows))
        return min(trials, key=lambda trial: trial.loss)

    def likeliest(self, l2: float, near: Belief | None = None, *, doubting: bool) -> Trial:
        """The trial of a penalty under its likeliest belief."""
        logits = self._solved(l2).logits[self._held_out]
        return self.tried(l2, likeliest(logits, self._labels, near, doubting=doubting))

    def tried(self, l2: float, belief: Belief) -> Trial:
        """The trial of a penalty and a belief."""
        choice = Choice(l2, belief, self._spread)
        loss, _, trust, _ = self._judged(choice)
        return Trial(choice, loss, self._lesson.full_trust.index_put((self._rows,), trust))

    def slope(self, trial: Trial) -> float:
        """The slope of the loss in the logarithm of the penalty.

        The belief is optimal at its penalty, so its own move does not count.
        """
        optimum = self._solved(trial.choice.l2)
        slopes = torch.zeros_like(optimum.logits)
        slopes[self._held_out] = self._judged(trial.choice).slopes
        self._response = optimum.response(slopes, self._tolerance, self._response)
        return optimum.slope(self._response)

    def _judged(self, choice: Choice) -> Judged:
        logits = self._solved(choice.l2).logits[self._held_out]
        return judged(logits, self._labels, choice.belief)

    def _solved(self, l2: float) -> Optimum:
        if self.optimum is None:  # one regression on all rows is cheaper than each fold from zero
            self.optimum = self._lesson.unfolded(self._trust, self._spread).optimum(
                l2, tolerance=FAR
            )
        if self.optimum.l2 != l2 or self.optimum.family is not self._family:
            self.optimum = self._family.optimum(l2, self.optimum, self._tolerance)
        return self.optimum

    @property
    def _held_out(self) -> tuple[Tensor, Tensor]:
        """The rows, and for each the member that has not seen it."""
        return self._rows, self._lesson.fold[self._rows]
