"""When to stop buying labels: rules that advise it, each by one number."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from math import log, log1p
from statistics import fmean, linear_regression
from typing import Any

import torch
from torch import Tensor

from autoal import bounds
from autoal.cycle.hooks import Advice, StopRule
from autoal.data.rows import UNKNOWN
from autoal.query.view import View
from autoal.record.round import Round
from autoal.seeding import generator

FITTED = 5  # points of a learning curve at least, before it is extrapolated
DIGITS = 12  # of a difference: in floating point, .905 - .9 is more than .005


class Gauge(StopRule):
    """A rule that reads one number after each round, and says at which it is enough."""

    def __call__(self, history: Sequence[Round], view: View) -> Advice:
        name, value = type(self).__name__.lower(), self.read(history, view)
        if value is None or not self.enough(value):
            return Advice("", value, name)
        return Advice(self.reason(value), value, name)

    @abstractmethod
    def read(self, history: Sequence[Round], view: View) -> float | None:
        """The number after the last of these rounds; None as long as there is none."""

    @abstractmethod
    def enough(self, value: float) -> bool:
        """Whether no more is to be bought at this number."""

    @abstractmethod
    def reason(self, value: float) -> str:
        """Why this number is enough, in plain words."""


class Agreement(Gauge):
    """Compares the predictions of each model with those of the one before, on a stop set.

    The stop set is drawn once from all rows that may be queried or are labelled (Bloodgood and
    Vijay-Shanker, 2009; Kurlandski and Bloodgood, 2022, on its size). The mean of the last values
    is read, once there are as many. Models that were taught a single class are not compared: they
    agree, and know nothing.

    Args:
        threshold: of that mean.
        window: how many values make it.
        rows: of the stop set, at most.
        obey: end where it says so, instead of advising it.
    """

    def __init__(self, threshold: float, window: int, rows: int, obey: bool) -> None:
        super().__init__(obey)
        bounds.number("threshold", threshold, least=0, most=1)
        bounds.whole("window", window, least=1)
        bounds.whole("rows", rows, least=1)
        self.threshold = threshold
        self.window = window
        self.rows = rows
        self._stop_set: Tensor | None = None
        self._predicted: Tensor | None = None  # classes of its rows by the model before
        self._values: list[float] = []  # the last of them

    def read(self, history: Sequence[Round], view: View) -> float | None:
        if len(view.labelled.labels.unique()) < 2:
            return None
        if self._stop_set is None:
            self._stop_set = drawn(view, self.rows)
        before, self._predicted = self._predicted, predicted(view, self._stop_set)
        if before is not None:
            self._compare(before, self._predicted)
        return fmean(self._values) if len(self._values) == self.window else None

    @abstractmethod
    def compared(self, before: Tensor, after: Tensor) -> float:
        """One value, of the classes of the same rows by two models."""

    def state_dict(self) -> dict[str, Any]:
        return {
            "stop_set": self._stop_set,
            "predicted": self._predicted,
            "values": [*self._values],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._stop_set, self._predicted = state["stop_set"], state["predicted"]
        self._values = [*state["values"]]

    def _compare(self, before: Tensor, after: Tensor) -> None:
        both = (before != UNKNOWN) & (after != UNKNOWN)  # without rows that were set aside
        if both.any():
            value = self.compared(before[both], after[both])
            self._values = [*self._values, value][-self.window :]


class Kappa(Agreement):
    """Stops when successive models agree nearly wholly, by Cohen's kappa."""

    def __init__(
        self, threshold: float = 0.99, window: int = 3, rows: int = 2000, *, obey: bool = False
    ) -> None:
        super().__init__(threshold, window, rows, obey)

    def compared(self, before: Tensor, after: Tensor) -> float:
        return kappa(before, after)

    def enough(self, value: float) -> bool:
        return value >= self.threshold

    def reason(self, value: float) -> str:
        return (
            f"the last {self.window + 1} models agree on {100 * value:.1f} % beyond chance: more "
            f"labels will change little (kappa, rule {self.threshold:g})"
        )


class Change(Agreement):
    """Stops when few predictions change from one model to the next."""

    def __init__(
        self, threshold: float = 0.01, window: int = 1, rows: int = 2000, *, obey: bool = False
    ) -> None:
        super().__init__(threshold, window, rows, obey)

    def compared(self, before: Tensor, after: Tensor) -> float:
        return float((before != after).double().mean())

    def enough(self, value: float) -> bool:
        return value <= self.threshold

    def reason(self, value: float) -> str:
        return (
            f"{100 * value:.1f} % of the predictions changed with the last labels: more will "
            f"change little (change, rule {100 * self.threshold:g} %)"
        )


class Uncertainty(Gauge):
    """Stops when the model's doubt about the unlabelled rows stands still.

    Doubt is the mean entropy of the predictions, over that of equal probabilities. How far it moved
    within the last rounds is read, and not how high it is, which depends on the model's calibration
    more than on the labels.

    Args:
        move: that still counts as standing still.
        rounds: within which it is looked at.
        obey: end where it says so, instead of advising it.
    """

    def __init__(self, move: float = 0.01, rounds: int = 5, *, obey: bool = False) -> None:
        super().__init__(obey)
        bounds.number("move", move, least=0, most=1)
        bounds.whole("rounds", rounds, least=1)
        self.move = move
        self.rounds = rounds
        self._doubts: list[float] = []  # after the last rounds, and before them

    def read(self, history: Sequence[Round], view: View) -> float | None:
        if len(view.pool):
            self._doubts = [*self._doubts, doubt(view)][-self.rounds - 1 :]
        moved = max(self._doubts, default=0.0) - min(self._doubts, default=0.0)
        return moved if len(self._doubts) > self.rounds else None

    def enough(self, value: float) -> bool:
        return value <= self.move

    def reason(self, value: float) -> str:
        return (
            f"in {self.rounds} rounds the model's doubt about the unlabelled rows moved by "
            f"{100 * value:.1f} % of all that is possible (uncertainty, rule {100 * self.move:g} %)"
        )

    def state_dict(self) -> dict[str, Any]:
        return {"doubts": [*self._doubts]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._doubts = [*state["doubts"]]


class Plateau(Gauge):
    """Stops when accuracy rises no more.

    It is that of the validation rows where there are some, else that by which rounds are judged.
    Its best in the last rounds, less its best before them, is read.

    Args:
        rise: that is not worth going on.
        rounds: within which it is looked at.
        obey: end where it says so, instead of advising it.
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

    What it brings is foretold by the learning curve: accuracy grows with the logarithm of the
    labels, as fast as since half as many were there. The mean worth of a label of the next batch is
    read, which is taken to be as large as the last one.

    Args:
        price: of a label.
        worth: of a point of accuracy, one in a hundred rows, in the same money.
        obey: end where it says so, instead of advising it.
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


class Budget(Gauge):
    """Stops when so many labels were bought.

    Args:
        labels: to buy, the start's and those of validation rows among them.
        obey: end where it says so, instead of advising it.
    """

    def __init__(self, labels: int, *, obey: bool = False) -> None:
        super().__init__(obey)
        bounds.whole("labels", labels, least=1)
        self.labels = labels

    def read(self, history: Sequence[Round], view: View) -> float:
        return sum(len(done.queried) if done.bought is None else done.bought for done in history)

    def enough(self, value: float) -> bool:
        return value >= self.labels

    def reason(self, value: float) -> str:
        return f"{value:g} labels were bought (budget, rule {self.labels})"


class Time(Gauge):
    """Stops when so much time was spent: people's, and in rounds without people the machine's.

    Args:
        minutes: to spend.
        obey: end where it says so, instead of advising it.
    """

    def __init__(self, minutes: float, *, obey: bool = False) -> None:
        super().__init__(obey)
        bounds.number("minutes", minutes, above=0)
        self.minutes = minutes

    def read(self, history: Sequence[Round], view: View) -> float:
        return sum(map(_seconds, history)) / 60

    def enough(self, value: float) -> bool:
        return value >= self.minutes

    def reason(self, value: float) -> str:
        return f"{value:.1f} minutes were spent (time, rule {self.minutes:g})"


def drawn(view: View, size: int) -> Tensor:
    """So many of a view's rows, or all where they are fewer: their numbers, ascending."""
    rows = torch.cat([view.pool.rows, view.labelled.features.rows])
    order = torch.randperm(len(rows), generator=generator(view.seed, "stop set"))
    return rows[order[:size]].sort().values


def predicted(view: View, rows: Tensor) -> Tensor:
    """The likeliest classes of these ascending rows; UNKNOWN where the view has a row no more."""
    classes = torch.full((len(rows),), UNKNOWN)
    for features in (view.pool, view.labelled.features):
        places = torch.isin(features.rows, rows).nonzero().flatten()
        if len(places):  # else nothing is to be looked at
            logits = features.take(places).logits
            classes[torch.isin(rows, features.rows)] = logits.argmax(1).cpu()
    return classes


def kappa(first: Tensor, second: Tensor) -> float:
    """Cohen's kappa of two lists of classes; 1 where they are the same, of one class too."""
    observed = float((first == second).double().mean())
    if observed == 1:
        return 1.0
    classes = int(torch.cat([first, second]).max()) + 1
    shares = [torch.bincount(labels, minlength=classes) / len(labels) for labels in (first, second)]
    chance = float(shares[0].double() @ shares[1].double())
    return (observed - chance) / (1 - chance)


def doubt(view: View) -> float:
    """The mean entropy of the pool's predictions, over that of equal probabilities."""
    entropy = torch.special.entr(view.pool.probs.double()).sum(1).mean()
    return float(entropy) / log(view.classes)


def curve(history: Sequence[Round]) -> list[tuple[int, float]]:
    """Labels and accuracies, by validation rows where there are some, of the rounds that tell."""
    found = [(done.labelled, _accuracy(done)) for done in history]
    return [(labels, accuracy) for labels, accuracy in found if accuracy is not None]


def slope_of(points: Sequence[tuple[int, float]]) -> float | None:
    """By how much accuracy rises with the logarithm of the labels, lately.

    It is fitted to the points since half of the labels were there, and to the last few at least;
    None where there are too few.
    """
    by_labels = dict(points)  # once for each amount: a round may have added none
    if len(by_labels) < FITTED:
        return None
    late = sum(labels >= points[-1][0] / 2 for labels in by_labels)
    labels, accuracies = zip(*list(by_labels.items())[-max(FITTED, late) :], strict=True)
    return linear_regression([log(count) for count in labels], accuracies).slope


def _accuracy(done: Round) -> float | None:
    return done.metrics.get("val_accuracy", done.metrics.get("accuracy"))


def _seconds(done: Round) -> float:
    """That people spent on a round, or else the machine."""
    by_person = [float(facts["seconds"]) for facts in done.people.values()]
    return sum(by_person) if by_person else done.seconds["total"]
