"""How much a plan lets a round spend, given what was spent before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, fsum
from statistics import median
from typing import Any

import torch
from torch import Tensor

from autoal.costs.contract import Costs, Timed
from autoal.costs.units import LABELS, MONEY, SECONDS
from autoal.cycle.plan import Plan
from autoal.cycle.spending import spent
from autoal.data.contract import Data
from autoal.errors import UserError
from autoal.oracles.question import Answers, Question
from autoal.query.limits import ROUNDING, Limits
from autoal.query.view import View
from autoal.record.round import Round

SHORTEST = 0.1  # seconds of an answer
TRAINING = 0.2  # most seconds of training, as a share of those for answering a batch


@dataclass(frozen=True)
class Purse:
    """The spending that a plan allows, less what the rounds so far have spent.

    Args:
        plan: what each round may spend.
        costs: of labels, if they do not all cost one.
    """

    plan: Plan
    costs: Costs | None

    def check(self, data: Data) -> None:
        """Refuse, before anything is bought, a plan without a source for labels' costs."""
        plan, told = self.plan, self.costs and self.costs.unit
        if plan.unit == SECONDS != told or (plan.minutes and told != SECONDS):
            option = "unit=seconds" if plan.unit == SECONDS else f"minutes={plan.minutes:g}"
            raise UserError(
                f"plan.{option}: nothing says how many seconds a label takes: give costs=learned, "
                "words, or another one with costs.unit=seconds"
            )
        if plan.unit == MONEY and told == SECONDS:
            raise UserError("plan.unit=money: these costs are seconds; give plan.unit=seconds")
        if plan.per_cost and told is None:
            raise UserError("plan.per_cost=true: all labels cost the same; give costs=")
        if self.costs is not None:
            self.costs.check(data)
        least = self._cheapest(data)
        if plan.spend is not None and plan.spend < least:
            raise UserError(
                f"plan.spend={plan.spend:g} {plan.unit}: the cheapest label costs {least:g}, and "
                "nothing could be bought"
            )

    def _cheapest(self, data: Data) -> float:
        """The least that a label costs in the plan's unit, as far as known."""
        if self.plan.unit == LABELS:
            return 1.0
        return 0.0 if self.costs is None else self.costs.cheapest(data.train)

    def seen(self, view: View, timed: Timed) -> View:
        """The view with the expected costs of its pool's labels, as far as known."""
        expected = None if self.costs is None else self.costs.expected(view, timed)
        if expected is None:
            return view
        size, name = len(view.pool), type(self.costs).__name__
        if expected.shape != (size,) or not ((expected >= 0) & expected.isfinite()).all():
            raise UserError(f"{name}.expected must give {size} finite numbers, each 0 at least")
        return replace(view, costs=expected)

    def limits(self, view: View, history: Sequence[Round], timed: Timed) -> Limits | None:
        """The limits of the next batch; None if nothing fits into what is left to spend."""
        plan, number = self.plan, len(history)
        limits = Limits(self._rows(history, timed), per_cost=plan.per_cost, apart=plan.apart)
        prices = None if plan.spend is None else self._prices(view, history)
        if prices is None or plan.spend is None:
            return replace(limits, size=min(limits.size, len(view.pool)))
        paid = sum(spent(done, plan.unit) for done in history[1:])
        spend = plan.spend * number - paid
        most = float("inf") if plan.rounds is None else plan.spend * plan.rounds - paid
        if float(prices.min()) > most * (1 + ROUNDING):
            return None
        middle = float(prices.median())
        count = int(spend / middle) if middle else len(prices)
        size = min(max(1, count), len(prices))
        return replace(limits, size=size, spend=spend, prices=prices, most=most)

    def paid(self, answered: Answers, beforehand: int, bought: int) -> dict[str, Any]:
        """The record's costs of answers, and of rows held out before.

        Args:
            answered: in a round.
            beforehand: number of held-out rows, each at the average cost of a label.
            bought: number of labels paid for.
        """
        cost, labels = answered.spent, len(answered.rows)
        each = float(answered.costs.sum()) / labels if labels else float(self.costs is None)
        cost += beforehand * each
        if self.costs is None:
            return {} if cost == bought else {"cost": cost}
        if self.costs.unit != SECONDS:
            return {"cost": cost}
        charged = {*answered.rows.tolist(), *answered.ruled_out, *answered.paid}
        declined = sum(seconds for row, seconds in answered.timed.items() if row not in charged)
        return {"taken": cost + declined, "timed": dict(answered.timed)}

    def expected(self, view: View | None, rows: Tensor, history: Sequence[Round]) -> float | None:
        """The expected cost of these rows' labels, if the plan spends costs.

        Args:
            view: of their pool; None: the start, which is bought whole.
            rows: of the data set.
            history: the rounds so far.
        """
        known = None if view is None or self.plan.spend is None else self._known(view, history)
        if view is None or known is None:
            return None
        return float(known[view.pool.places(rows)].sum())

    def one_each(self, question: Question, answered: Answers, beforehand: int) -> float | None:
        """The cost of one label of each row in question, if the plan spends costs.

        An answer may count as several labels, if several people give it, or as a part of one.

        Args:
            question: of a round.
            answered: the answers to it.
            beforehand: number of held-out rows, each at the average cost of a label.
        """
        if self.plan.spend is None or self.costs is None or self.costs.unit != self.plan.unit:
            return None
        labels = float(self.costs.prices(question, answered, question.rows).sum())
        return labels * (1 + beforehand / len(question.rows))

    def _prices(self, view: View, history: Sequence[Round]) -> Tensor | None:
        """The expected cost of each row of the pool, extrapolated from past answers."""
        known = self._known(view, history)
        if known is None:
            return None
        return known * self._labels(history) * self._dearer(history)

    def _labels(self, history: Sequence[Round]) -> float:
        """How many labels an answer counts as: by recent rounds or, before any, by the start."""
        unit = self.plan.unit
        told = [done for done in history if _one_each(done) and spent(done, unit)]
        later = [done for done in told if done.number] or told
        weights = [0.5**age for age in reversed(range(len(later)))]
        pairs = zip(weights, later, strict=True)
        return _ratio((w * spent(done, unit), w * _one_each(done)) for w, done in pairs)

    def _dearer(self, history: Sequence[Round]) -> float:
        """The ratio of actual to expected costs.

        The start counts as expected, so that a few labels that were cheap by chance mean little.
        """
        one_each = ((_one_each(done), done.expected) for done in history)
        return _ratio((one, one if expected is None else expected) for one, expected in one_each)

    def _known(self, view: View, history: Sequence[Round]) -> Tensor | None:
        """The cost of each row of the pool in the plan's unit, or the first labels' cost."""
        unit = self.plan.unit
        if view.costs is not None and self.costs is not None and self.costs.unit == unit:
            return view.costs
        each = (spent(done, unit) / done.paid for done in history if done.paid)
        first = 1.0 if unit == LABELS else next((price for price in each if price), None)
        return None if first is None else torch.full((len(view.pool),), first).double()

    def _rows(self, history: Sequence[Round], timed: Timed) -> int:
        """The number of rows, if rows are counted; at least enough to be worth a training."""
        if self.plan.minutes is None or not timed:
            return self.plan.batch(len(history))
        each = max(median(timed.values()), SHORTEST)
        worth = history[-1].seconds["train"] / (TRAINING * each)
        return max(1, int(self.plan.minutes * 60 / each), ceil(worth))


def _one_each(done: Round) -> float:
    """The cost of its rows at a label each; the expected one if the record does not say."""
    return done.one_each or done.expected or 0.0


def _ratio(pairs: Iterable[tuple[float, float]]) -> float:
    """The ratio of both sums; 1 without anything."""
    first, second = map(fsum, zip((0.0, 0.0), *pairs, strict=True))
    return first / second if second else 1.0
