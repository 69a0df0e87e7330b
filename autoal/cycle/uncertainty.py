"""The rule that stops when a model's doubt no longer changes."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any

import torch

from autoal import bounds
from autoal.cycle.gauge import Gauge
from autoal.query.view import View
from autoal.record.round import Round


class Uncertainty(Gauge):
    """Stops when the model's doubt about the unlabelled rows no longer changes.

    Doubt is the mean entropy of the predictions, relative to that of equal probabilities. The
    number is how far it moved within the last rounds, not its level, which depends more on the
    model's calibration than on the labels.

    Args:
        move: largest move that counts as no change.
        rounds: how many last rounds to look at.
        obey: end the run when it says so, instead of advising it.
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
            f"{100 * value:.1f} % of the possible range (uncertainty, rule {100 * self.move:g} %)"
        )

    def state_dict(self) -> dict[str, Any]:
        return {"doubts": [*self._doubts]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._doubts = [*state["doubts"]]


def doubt(view: View) -> float:
    """The mean entropy of the pool's predictions, relative to that of equal probabilities."""
    entropy = torch.special.entr(view.pool.probs.double()).sum(1).mean()
    return float(entropy) / log(view.classes)
