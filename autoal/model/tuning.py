"""A regression that is tuned by what it says of labelled rows that it has not seen.

Its penalty, the temperature of its logits and what is known of wrong labels are the variables of an
upper problem: the loss of rows held out, each by the regression of the other folds. The penalty
moves their optima, and the implicit function theorem says how; the others act on their logits
alone, and are the likeliest at every penalty.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from typing import NamedTuple

import torch
from scipy.optimize import minimize
from torch import Tensor

from autoal.maths.ridge import Head, Optimum
from autoal.maths.trust import (
    Belief,
    ClassDoubt,
    Doubt,
    EvenDoubt,
    NoDoubt,
    judged,
    likeliest,
    trusting,
)
from autoal.model.lesson import Lesson, Weighted

# Penalties in mean squared distances of the rows from their centre, so that no scale matters.
UNTRIED = 4.0**-3  # where the search begins, and where it ends if nothing can be held out
LEAST, MOST = 4.0**-6, 4.0**2
SPREADS = (0.0, 4.0)  # the weight of all rows that join together, for each labelled row
ROUGH = 1e-2  # tolerance of optima on the way: it moves the loss by less than can be told
FLAT = 0.1  # nats for a penalty e times as large, which no rows can tell from none
EVIDENCE = 2.0  # nats that speak for wrong labels, and as many more for each class's own


class Choice(NamedTuple):
    """What is chosen."""

    l2: float
    belief: Belief
    spread: float = 0.0  # weight of all rows that joined, for each labelled row


class Tuned(NamedTuple):
    """What was chosen, and what it led to."""

    choice: Choice
    wrong: float  # share of the labels, as far as can be told
    head: Head  # the optimum
    taught: Weighted  # what it is the optimum of


class Trial(NamedTuple):
    """What was found in rows that were held out."""

    choice: Choice
    loss: float  # in nats
    trust: Tensor  # the probability of each label to be right, (n,)


def tuned(lesson: Lesson, l2: float, *, tune: bool, spread: bool) -> Tuned:
    """The regression of the least loss on rows that are held out.

    Where none can be, as only one class is there yet or every class has a single row, it is that
    of the penalty that is given, and no label spreads.

    Args:
        lesson: what there is to learn from.
        l2: the penalty, or where the search for it begins.
        tune: choose the penalty, the temperature and which labels are trusted.
        spread: choose whether labels spread over the pool.
    """
    given = Choice(l2, trusting(lesson.classes))
    if not lesson.judges:
        return _solved(lesson, given, lesson.full_trust)
    searches = [Search(lesson, weight) for weight in (SPREADS if spread else SPREADS[:1])]
    trials = [search.found(l2) if tune else search.tried(given) for search in searches]
    best, search = min(zip(trials, searches, strict=True), key=lambda pair: pair[0].loss)
    if tune:
        best = _doubted(lesson, search, best)
    return _solved(lesson, best.choice, best.trust)


def granted(lesson: Lesson, choice: Choice) -> Tuned:
    """The regression of a choice, which trusts each label as far as that says."""
    if not lesson.judges:
        return _solved(lesson, choice, lesson.full_trust)
    return _solved(lesson, choice, Search(lesson, choice.spread).tried(choice).trust)


def _solved(lesson: Lesson, choice: Choice, trust: Tensor) -> Tuned:
    wrong = 1 - float(trust.mean())
    return Tuned(choice, wrong, *lesson.optimum(choice.l2, trust, choice.spread))


def _doubted(lesson: Lesson, search: Search, certain: Trial) -> Trial:
    """The trial, or one in which each row counts as much as its label may be trusted.

    Wrong labels must explain the rows held out better than none do, by more nats the rarer they
    are, since a few odd rows are in every set, and the more ways there are to be wrong.
    """
    l2, spread = certain.choice.l2, certain.choice.spread
    doubts = EvenDoubt(lesson.classes), ClassDoubt(lesson.classes)
    trials = [search.found(l2, doubt) for doubt in doubts]
    prices = [
        EVIDENCE * step - log(1 - float(trial.trust.mean())) for step, trial in enumerate(trials, 1)
    ]
    losses = [trial.loss + price for trial, price in zip(trials, prices, strict=True)]
    best = losses.index(min(losses))
    if losses[best] >= certain.loss:
        return certain
    trust = trials[best].trust
    again = Search(lesson, spread, trust, search.optimum).found(
        trials[best].choice.l2, doubts[best]
    )
    return again._replace(trust=trust)


class Search:
    """The upper problem: what to choose for the least loss of the rows held out.

    Args:
        lesson: whose rows are held out.
        spread: weight of all rows that join, for each labelled row.
        trust: in each label, (n,), by which its row is weighted; None: all of it.
        start: optima of such a lesson that are not far.
        tolerance: of the optima, and of what they respond.
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
        self._family = lesson.folded(lesson.full_trust if trust is None else trust, spread)
        self._tolerance = tolerance
        self._rows = (lesson.fold >= 0).nonzero().flatten()
        self._labels = lesson.labels[self._rows]
        # Where the next solutions start, since a step moves them little.
        self.optimum = start
        self._response: Tensor | None = None

    def found(self, l2: float, doubt: Doubt | None = None) -> Trial:
        """The best trial, from this penalty on."""
        unit = self._lesson.unit()
        limits = log(LEAST * unit), log(MOST * unit)
        start = min(max(log(l2), limits[0]), limits[1])
        trials: list[Trial] = []

        def function(place: Sequence[float]) -> tuple[float, list[float]]:
            belief = trials[-1].choice.belief if trials else None
            trial, slope = self.sloped(
                exp(place[0]), doubt or NoDoubt(self._lesson.classes), belief
            )
            trials.append(trial)
            return trial.loss, [slope]

        options = {"gtol": FLAT}
        minimize(function, [start], jac=True, method="L-BFGS-B", bounds=[limits], options=options)
        return min(trials, key=lambda trial: trial.loss)

    def tried(self, choice: Choice) -> Trial:
        """What comes of a choice."""
        return self._trial(self._solved(choice.l2), choice.belief)

    def sloped(self, l2: float, doubt: Doubt, near: Belief | None = None) -> tuple[Trial, float]:
        """The trial of a penalty under its likeliest belief, and the slope of its loss in log l2.

        As the belief is the best at its penalty, its own move does not count.
        """
        optimum = self._solved(l2)
        logits = optimum.logits[self._held_out]
        belief, surprise = likeliest(logits, self._labels, doubt, near)
        trial = self._trial(optimum, belief)
        every = torch.zeros_like(optimum.logits)
        every[self._held_out] = judged(logits, self._labels, belief).slopes
        self._response = optimum.response(every, self._tolerance, self._response)
        return trial._replace(loss=trial.loss + surprise), optimum.slope(self._response)

    def _solved(self, l2: float) -> Optimum:
        self.optimum = self._family.optimum(l2, self.optimum, self._tolerance)
        return self.optimum

    def _trial(self, optimum: Optimum, belief: Belief) -> Trial:
        found = judged(optimum.logits[self._held_out], self._labels, belief)
        trust = self._lesson.full_trust.index_put((self._rows,), found.trust)
        return Trial(Choice(optimum.l2, belief, self._spread), found.loss, trust)

    @property
    def _held_out(self) -> tuple[Tensor, Tensor]:
        """The rows, and the member that has not seen each."""
        return self._rows, self._lesson.fold[self._rows]
