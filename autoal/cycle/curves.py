"""Rules that stop by the learning curve: it is flat, or labels cost more than they bring."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, log1p
from statistics import linear_regression

from autoal import bounds
from autoal.cycle.gauge import Gauge
from autoal.query.view import View
from autoal.record.round import Round

FITTED = 5  # fewest points of a learning curve for extrapolation
DIGITS = 12  # of a difference: in floating point, .905 - .9 is more than .005


class Plateau(Gauge):
    """Stops when accuracy no longer rises.

    It uses the validation rows if there are any, else whatever judges the rounds. Its number is the
    best accuracy of the last rounds minus the best before them.

    Args:
        rise: too small a rise to go on.
        rounds: how many last rounds to look at.
        obey: end the run when it says so, instead of advising it.
    """

    def __init__(self, rise: float = 0.005, rounds: int = 5, *, obey: bool = False) -> None:
        super().__init__(obey)
        bounds.number("rise", rise, least=0, most=1)
        bounds.whole("rounds", rounds, least=1)
        self.rise = rise
        self.rounds = rounds

    def read(self, history: Sequence[Round], view: View) -> float | None:
        accuracies = [accuracy for _, accuracy in curve(history)]
        if len(accuracies) <= self.rounds:
            return None
        best, before = max(accuracies[-self.rounds :]), max(accuracies[: -self.rounds])
        return round(best - before, DIGITS)

    def enough(self, value: float) -> bool:
        return value <= self.rise

    def reason(self, value: float) -> str:
        return (
            f"accuracy moved by {100 * value:+.2f} points in {self.rounds} rounds "
            f"(plateau, rule {100 * self.rise:g})"
        )


class Cost(Gauge):
    """Stops when a label costs more than it brings.

    The learning curve predicts what it brings: accuracy grows with the logarithm of the labels, as
    fast as it has since half of them were there. Its number is the mean worth of a label of the
    next batch, assumed to be as large as the last one.

    Args:
        price: of a label.
        worth: of a point of accuracy (one in a hundred rows), in the same currency.
        obey: end the run when it says so, instead of advising it.
    """

    def __init__(self, price: float, worth: float, *, obey: bool = False) -> None:
        super().__init__(obey)
        bounds.number("price", price, above=0)
        bounds.number("worth", worth, above=0)
        self.price = price
        self.worth = worth

    def read(self, history: Sequence[Round], view: View) -> float | None:
        slope = slope_of(curve(history))
        batch = next((len(done.queried) for done in reversed(history) if done.queried), 0)
        if slope is None or not batch:
            return None
        gain = slope * log1p(batch / history[-1].labelled)
        return 100 * gain * self.worth / batch

    def enough(self, value: float) -> bool:
        return value < self.price

    def reason(self, value: float) -> str:
        return f"by the curve so far a further label is worth {value:.3g}, and costs {self.price:g}"


def curve(history: Sequence[Round]) -> list[tuple[int, float]]:
    """Labels and accuracies, on validation rows if there are any, of rounds that have them."""
    found = [(done.labelled, _accuracy(done)) for done in history]
    return [(labels, accuracy) for labels, accuracy in found if accuracy is not None]


def slope_of(points: Sequence[tuple[int, float]]) -> float | None:
    """The recent rise of accuracy with the logarithm of the labels.

    It is fitted to the points since half of the labels were there, and at least to the last few;
    None if there are too few.
    """
    by_labels = dict(points)  # once for each amount: a round may have added none
    if len(by_labels) < FITTED:
        return None
    late = sum(labels >= points[-1][0] / 2 for labels in by_labels)
    labels, accuracies = zip(*list(by_labels.items())[-max(FITTED, late) :], strict=True)
    return linear_regression([log(count) for count in labels], accuracies).slope


def _accuracy(done: Round) -> float | None:
    return done.metrics.get("val_accuracy", done.metrics.get("accuracy"))
