"""Rules that stop when successive models agree about the rows of a stop set."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from autoal import bounds
from autoal.cycle.gauge import Gauge
from autoal.data.rows import UNKNOWN
from autoal.maths.agreement import kappa
from autoal.model.features import Features
from autoal.query.view import View
from autoal.record.round import Round
from autoal.seeding import generator


class Agreement(Gauge):
    """Compares the predictions of each model with those of the one before, on a stop set.

    The stop set is drawn once from all rows that may be queried or are labelled (Bloodgood and
    Vijay-Shanker, 2009; Kurlandski and Bloodgood, 2022, on its size). The mean of the last values
    counts, once there are that many. Models taught a single class are not compared: they agree, and
    know nothing.

    Args:
        threshold: on that mean.
        window: how many values it averages.
        rows: most rows of the stop set.
        obey: end the run when it says so, instead of advising it.
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
        self._predicted: Tensor | None = None  # classes of its rows by the previous model
        self._values: list[float] = []  # the latest ones

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
        """One value, from two models' classes for the same rows."""

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
        both = (before != UNKNOWN) & (after != UNKNOWN)  # without rows set aside
        if both.any():
            value = self.compared(before[both], after[both])
            self._values = [*self._values, value][-self.window :]


class Kappa(Agreement):
    """Stops when successive models agree almost completely, by Cohen's kappa."""

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


def drawn(view: View, size: int) -> Tensor:
    """The numbers of this many drawn rows of a view, or of all if fewer, ascending."""
    rows = torch.cat([view.pool.rows, view.labelled.features.rows])
    order = torch.randperm(len(rows), generator=generator(view.seed, "stop set"))
    return rows[order[:size]].sort().values


def predicted(view: View, rows: Tensor) -> Tensor:
    """The likeliest classes of these ascending rows; UNKNOWN for rows no longer in the view."""
    classes = torch.full((len(rows),), UNKNOWN)
    for features in _seen(view, rows):
        places = torch.isin(features.rows, rows).nonzero().flatten()
        if len(places):  # else there is nothing to look at
            logits = features.take(places).logits
            classes[torch.isin(rows, features.rows)] = logits.argmax(1).cpu()
    return classes


def _seen(view: View, rows: Tensor) -> list[Features]:
    """Features of these rows, wherever they are now."""
    known = [view.pool, view.labelled.features]
    left_out = view.bench and view.bench.left_out
    return [*known, left_out(rows)] if left_out else known
